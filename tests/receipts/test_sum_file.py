"""What an operator keeps of a sum tree comes back as it was, and nothing that was changed in it is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given

from endcredits.canonical import canonical_bytes, to_plain
from endcredits.errors import InputError, IntegrityError, NotFoundError
from endcredits.receipts.sum_file import place_of, read_tree, root_of, row_bytes, write_tree
from endcredits.receipts.sum_tree import Salted, SumNode, build, sum_problem
from tests.receipts.sums import rows, slow_leaf, some


def keep(folder: Path, *amounts: int) -> Path:
    write_tree(folder / "EUR.jsonl", build(some(*amounts)))
    return folder / "EUR.jsonl"


def test_a_tree_comes_back(tmp_path: Path) -> None:
    path = keep(tmp_path, 5, 0, 7, 2)
    read = read_tree(path)
    assert read.rows == build(some(5, 0, 7, 2)).rows and read.root == build(some(5, 0, 7, 2)).root
    assert path.stat().st_mode & 0o077 == 0, "it is private"


def test_an_empty_tree_comes_back(tmp_path: Path) -> None:
    assert read_tree(keep(tmp_path)).rows == ()


@given(rows(most=5))
def test_a_row_is_spelt_as_documents_are(given_rows: list[Salted]) -> None:
    for row in given_rows:
        assert row_bytes(row) == canonical_bytes(row)


def test_an_erased_leaf_is_read_as_a_bare_node(tmp_path: Path) -> None:
    path = keep(tmp_path, 5, 6, 7)
    first, *others = read_tree(path).rows
    assert isinstance(first, Salted)
    bare = SumNode(slow_leaf(first)[2].hex(), first.leaf.paid_micros, first.leaf.taken_micros)
    path.write_bytes(b"".join(row_bytes(row) + b"\n" for row in [bare, *others]))
    assert read_tree(path).published("EUR") == build(some(5, 6, 7)).published("EUR")


def test_every_changed_byte_is_found_or_leads_to_another_root(tmp_path: Path) -> None:
    path = keep(tmp_path, 5, 6)
    data, root = path.read_bytes(), read_tree(path).root
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        try:
            assert read_tree(path).root != root
        except IntegrityError as error:
            assert error.file == str(path) or error.file == path


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[::-1],
        lambda lines: [lines[0], lines[0]],
        lambda lines: [lines[0], b""],
        lambda lines: [lines[0], lines[1].replace(b'{"leaf"', b'{ "leaf"')],
        lambda lines: [lines[0], re.sub(rb'"paid_micros":\d', b'"paid_micros":6.0', lines[1])],
        lambda lines: [lines[0], re.sub(rb'"paid_micros":\d', b'"paid_micros":true', lines[1])],
        lambda lines: [lines[0], re.sub(rb'"paid_micros":\d', b'"paid_micros":-6', lines[1])],
        lambda lines: [lines[0], lines[1].replace(b'"kind":"payee",', b"")],
        lambda lines: [lines[0], b"[" * 100_000],
        lambda lines: [lines[0], b'{"hash":1,"paid_micros":1,"taken_micros":1}'],
        lambda lines: [lines[0], b"9" * 10_000],
        lambda lines: [lines[0], b"\xff"],
    ],
)
def test_what_is_no_tree_is_refused(tmp_path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path = keep(tmp_path, 5, 6)
    lines = path.read_bytes().splitlines()
    assert len(read_tree(path).rows) == len(lines) == 2 and change(lines) != lines
    path.write_bytes(b"\n".join(change(lines)) + b"\n")
    with pytest.raises(IntegrityError):
        read_tree(path)


def test_a_torn_or_missing_file_is_named(tmp_path: Path) -> None:
    path = keep(tmp_path, 5, 6)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IntegrityError, match="has no end"):
        read_tree(path)
    with pytest.raises(NotFoundError):
        read_tree(tmp_path / "USD.jsonl")


def test_attachments_are_read_strictly() -> None:
    tree = build(some(5, 6, 7))
    place, published = tree.place(1), tree.published("EUR")
    plain = to_plain(place)
    assert place_of(plain) == place and root_of(to_plain(published)) == published
    assert sum_problem(place_of(plain), published) == ""
    for wrong in (None, [], {}, plain | {"more": 1}, plain | {"index": True}, plain | {"path": [1]}, plain | {"leaf": {}}):
        with pytest.raises(InputError):
            place_of(wrong)
        with pytest.raises(InputError):
            root_of(wrong)
