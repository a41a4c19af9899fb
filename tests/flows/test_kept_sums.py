"""A close's sum trees are written once, survive every failure of a write, and an erased payee changes no other proof."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from endcredits import durable
from endcredits.errors import IntegrityError, MachineError
from endcredits.flows import kept_sums
from endcredits.receipts.sum_file import read_tree, write_tree
from endcredits.receipts.sum_tree import Salted, SumLeaf, build
from tests.receipts.sums import erased, payee

LEAVES = {
    "EUR": [payee("ada", 7_000_000, 5), payee("ben", 3), SumLeaf("commons", "", "EUR", 11, 0, "")],
    "USD": [payee("ada", 0, currency="USD")],
}


def roots(folder: Path, *, issued: bool = False) -> list[str]:
    return [one.root for one in kept_sums.published(kept_sums.keep_sums(folder, LEAVES, issued=issued))]


def test_trees_are_written_once(tmp_path: Path) -> None:
    first = roots(tmp_path)
    assert roots(tmp_path) == first == roots(tmp_path, issued=True)
    assert [one.root for one in kept_sums.published(kept_sums.read_sums(tmp_path, LEAVES))] == first
    assert roots(tmp_path / "other") != first, "salts are random"
    assert list(kept_sums.check_sums(tmp_path, LEAVES)) == []
    assert sorted(path.name for path in (tmp_path / "sums").glob("*.jsonl")) == ["EUR.jsonl", "USD.jsonl"]


def test_roots_of_what_is_readable(tmp_path: Path) -> None:
    """A check goes on where a tree is damaged; publishing does not."""
    first = roots(tmp_path)
    assert [one.root for one in kept_sums.kept_roots(tmp_path)] == first
    with (tmp_path / "sums" / "EUR.jsonl").open("ab") as file:
        file.write(b"x")
    assert [one.root for one in kept_sums.kept_roots(tmp_path)] == first[1:]
    with pytest.raises(IntegrityError, match="has no end"):
        roots(tmp_path)


def test_what_was_published_is_never_made_anew(tmp_path: Path) -> None:
    roots(tmp_path)
    (tmp_path / "sums" / "EUR.jsonl").unlink()
    with pytest.raises(IntegrityError, match="no such sum tree") as caught:
        roots(tmp_path, issued=True)
    assert "EUR.jsonl" in str(caught.value.file) and caught.value.remedy
    (found,) = kept_sums.check_sums(tmp_path, LEAVES)
    assert "EUR.jsonl" in found.where


def lost(write: Callable[..., None]) -> Callable[..., None]:
    def fail(path: Any, data: bytes, **options: Any) -> None:
        raise MachineError("the disk is full")

    return fail


def kept(write: Callable[..., None]) -> Callable[..., None]:
    def fail(path: Any, data: bytes, **options: Any) -> None:
        write(path, data, **options)
        raise MachineError("the disk is full")

    return fail


@pytest.mark.parametrize("failing", [lost, kept])
@pytest.mark.parametrize("number", [1, 2])
def test_a_failed_write_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: Callable[..., Callable[..., None]], number: int
) -> None:
    """Every write fails once, lost or kept and reported lost; what was kept before is what counts after."""
    real, count = durable.write_atomic, [0]

    def write(path: Any, data: bytes, **options: Any) -> None:
        count[0] += 1
        (failing(real) if count[0] == number else real)(path, data, **options)

    monkeypatch.setattr(durable, "write_atomic", write)
    with pytest.raises(MachineError):
        roots(tmp_path)
    there = {path.name: path.read_bytes() for path in (tmp_path / "sums").glob("*.jsonl")}
    first = roots(tmp_path)
    assert len(first) == 2
    for name, data in there.items():
        assert (tmp_path / "sums" / name).read_bytes() == data
    assert roots(tmp_path, issued=True) == first and list(kept_sums.check_sums(tmp_path, LEAVES)) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda found: [*found, payee("friend", 5)],
        lambda found: found[1:],
        lambda found: [replace(found[0], paid_micros=1), *found[1:]],
        lambda found: [replace(found[0], statement_sha256="cd" * 32), *found[1:]],
        lambda found: [replace(found[0], paid_micros=1), replace(found[1], paid_micros=7_000_002), found[2]],
    ],
)
def test_trees_over_other_money_are_refused(tmp_path: Path, change: Callable[[list[SumLeaf]], list[SumLeaf]]) -> None:
    roots(tmp_path)
    other = LEAVES | {"EUR": change(LEAVES["EUR"])}
    with pytest.raises(IntegrityError, match="sum tree"):
        kept_sums.keep_sums(tmp_path, other, issued=True)
    (found,) = kept_sums.check_sums(tmp_path, other)
    assert "sum tree" in found.problem


def test_a_tree_of_another_currency_is_found(tmp_path: Path) -> None:
    roots(tmp_path)
    (found,) = kept_sums.check_sums(tmp_path, {"EUR": LEAVES["EUR"]})
    assert "USD.jsonl" in found.where and "no money" in found.problem


# --- erasing ---


def test_an_erased_payee_changes_no_root_and_no_other_proof(tmp_path: Path) -> None:
    before = kept_sums.keep_sums(tmp_path, LEAVES, issued=False)
    for path in sorted((tmp_path / "sums").glob("*.jsonl")):
        write_tree(path, erased(read_tree(path), "ada"))
    assert b'"ada"' not in (tmp_path / "sums" / "EUR.jsonl").read_bytes()

    after = kept_sums.keep_sums(tmp_path, LEAVES, issued=True)

    assert kept_sums.published(after) == kept_sums.published(before)
    assert set(kept_sums.payees_of(after["EUR"])) == {"ben"} and kept_sums.payees_of(after["USD"]) == {}
    for index, row in enumerate(after["EUR"].rows):
        assert after["EUR"].path(index) == before["EUR"].path(index)
        assert not isinstance(row, Salted) or after["EUR"].place(index) == before["EUR"].place(index)
    assert list(kept_sums.check_sums(tmp_path, LEAVES)) == []


def test_a_leaf_that_stands_twice_takes_no_other_ones_place(tmp_path: Path) -> None:
    """Of two payees with the same amounts one stands twice: number and sums are right, and the other was left out."""
    leaves = {"EUR": [payee("ada", 5), payee("ben", 5)]}
    kept_sums.keep_sums(tmp_path, leaves, issued=False)
    path = tmp_path / "sums" / "EUR.jsonl"
    first = next(row for row in read_tree(path).rows if isinstance(row, Salted))
    write_tree(path, build([first, Salted(first.leaf, "07" * 32)]))

    (found,) = kept_sums.check_sums(tmp_path, leaves)

    assert "not over what the close gave" in found.problem
