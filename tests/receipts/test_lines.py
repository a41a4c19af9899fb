"""Each line can be proven without the others, and no other line, place or salt passes for it."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.canonical import canonical_bytes
from endcredits.errors import InputError, IntegrityError, NotFoundError
from endcredits.receipts.handing_out import line_receipt, lines_receipt
from endcredits.receipts.issuing import Item, issue
from endcredits.receipts.lines import (
    belong_to,
    erased,
    line_hash,
    line_path,
    lines_bytes,
    lines_path,
    lines_root,
    load_lines,
    parse_lines,
    plain_lines,
    salted,
)
from endcredits.receipts.log import Log
from endcredits.receipts.merkle import verify_inclusion
from endcredits.receipts.receipt import load_receipt, parse_receipt
from endcredits.receipts.receipt_check import check_receipts
from tests.receipts.helpers import AT, items, leaf, new_log, run_body


def slow_root(hashes: list[bytes]) -> bytes:
    """The root by the words of RFC 6962, without any cleverness."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    half = 1
    while half * 2 < len(hashes):
        half *= 2
    return hashlib.sha256(b"\x01" + slow_root(hashes[:half]) + slow_root(hashes[half:])).digest()


def many(number: int) -> list[dict[str, Any]]:
    """Lines of as many works, which share one whole."""
    return [{"rank": n + 1, "share_ppb": 1_000_000_000 // number, "work_id": f"work:{n}"} for n in range(number)]


def issued(folder: Path, number: int) -> Log:
    """A log with one output of so many works."""
    log = new_log(folder / "log")
    rest = 1_000_000_000 - sum(line["share_ppb"] for line in many(number))
    body = {**run_body(1), "unattributed_ppb": rest}
    issue(log, folder / "receipts", [Item("out-1", "run.receipt", body, many(number))], AT)
    return log


@given(st.integers(0, 40))
def test_the_root_is_that_of_rfc_6962(number: int) -> None:
    """Leaves are SHA-256(0x00, salt, line), and every line's path leads to the root."""
    kept = salted(many(number))
    hashes = [hashlib.sha256(b"\x00" + bytes.fromhex(one.salt) + canonical_bytes(one.line)).digest() for one in kept]

    assert lines_root(kept) == slow_root(hashes).hex()
    assert len({one.salt for one in kept}) == number
    for index in range(number):
        path = [bytes.fromhex(node) for node in line_path(kept, index)]
        assert verify_inclusion(hashes[index], index, number, path, slow_root(hashes))


def test_erasing_a_line_changes_no_other_proof() -> None:
    """Root, paths and the other lines stay to the byte; of the erased one its hash is left."""
    kept = salted(many(7))

    gone = (*kept[:3], erased(kept[3]), *kept[4:])

    assert lines_root(gone) == lines_root(kept)
    assert [line_path(gone, index) for index in range(7)] == [line_path(kept, index) for index in range(7)]
    assert plain_lines(gone)[3] == {"hash": kept[3].hash}
    assert kept[3].salt not in str(gone[3]) and parse_lines(plain_lines(gone)) == gone


@pytest.mark.parametrize("number", [1, 2, 5, 8])
def test_a_creator_is_given_the_own_line_alone(tmp_path: Path, number: int) -> None:
    """The file holds the one line with its salt and path, which leads to the root in the body, and no other work's name."""
    issued(tmp_path, number)
    everything = load_lines(lines_path(tmp_path / "receipts", "out-1"), "out-1")

    for index in range(number):
        data = line_receipt(tmp_path / "receipts", "out-1", f"work:{index}")
        receipt, attached = parse_receipt(data)
        line = attached["line"]
        assert line["line"] == many(number)[index] and line["index"] == index
        node = bytes.fromhex(line_hash(bytes.fromhex(line["salt"]), canonical_bytes(line["line"])))
        path = [bytes.fromhex(one) for one in line["path"]]
        assert verify_inclusion(node, index, receipt.body["lines_count"], path, bytes.fromhex(receipt.body["lines_root"]))
        others = [one for place, one in enumerate(everything) if place != index]
        assert not any(
            one.salt.encode() in data or f'"work:{place}"'.encode() in data
            for place, one in enumerate(everything)
            if place != index
        )
        assert len(others) == number - 1


def test_an_auditor_is_given_all_lines(tmp_path: Path) -> None:
    """They fit the root and sum to one whole."""
    issued(tmp_path, 5)

    receipt, attached = parse_receipt(lines_receipt(tmp_path / "receipts", "out-1"))

    kept = parse_lines(attached["lines"])
    assert belong_to(kept, receipt.body) == ""
    assert sum(one.line["share_ppb"] for one in kept if one.line) + receipt.body["unattributed_ppb"] == 1_000_000_000


def test_a_proof_of_today(tmp_path: Path) -> None:
    """The same receipt under the log's checkpoint of today; a log that does not hold it gives none."""
    log = issued(tmp_path, 3)
    log.append([leaf(number) for number in range(4)])

    old, _ = parse_receipt(line_receipt(tmp_path / "receipts", "out-1", "work:1"))
    new, _ = parse_receipt(line_receipt(tmp_path / "receipts", "out-1", "work:1", log))

    assert (old.leaf, old.salt, old.body) == (new.leaf, new.salt, new.body)
    assert (len(old.proof.path), len(new.proof.path)) == (0, 3) and new.proof.checkpoint == log.checkpoint().note
    with pytest.raises(IntegrityError, match="not in this log"):
        lines_receipt(tmp_path / "receipts", "out-1", new_log(tmp_path / "other", 9))


def test_what_has_no_line_is_named(tmp_path: Path) -> None:
    """Another work, a receipt without lines, an id that was never issued."""
    log = issued(tmp_path, 2)
    issue(log, tmp_path / "receipts", [("note", "disclosure", {})], AT)

    for arguments, error, words in (
        (("out-1", "work:9"), NotFoundError, "no line of the work 'work:9'"),
        (("note", "work:1"), InputError, "has no lines"),
        (("out-7", "work:1"), NotFoundError, "no such file"),
    ):
        with pytest.raises(error, match=words):
            line_receipt(tmp_path / "receipts", *arguments)
    path = lines_path(tmp_path / "receipts", "out-1")
    kept = load_lines(path, "out-1")
    path.write_bytes(lines_bytes("out-1", (kept[0], erased(kept[1]))))
    with pytest.raises(NotFoundError, match="1 of its lines were erased"):
        line_receipt(tmp_path / "receipts", "out-1", "work:1")


def test_every_changed_byte_of_a_file_of_lines_is_found(tmp_path: Path) -> None:
    """Each bit of it, and each byte that is missing at its end: reading refuses it, or it belongs to no receipt."""
    issued(tmp_path, 2)
    path = lines_path(tmp_path / "receipts", "out-1")
    body = load_receipt(tmp_path / "receipts" / "out-1.json").body
    data = path.read_bytes()

    for place in range(len(data)):
        for changed in (
            *(data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :] for bit in range(8)),
            data[:place],
        ):
            path.write_bytes(changed)
            try:
                problem = belong_to(load_lines(path, "out-1"), body)
            except IntegrityError:
                continue
            assert problem, place
    path.write_bytes(data)
    assert belong_to(load_lines(path, "out-1"), body) == ""


def test_the_lines_of_another_receipt_do_not_do(tmp_path: Path) -> None:
    """Neither under their own id nor with the id changed, and a check says so."""
    log = new_log(tmp_path / "log")
    issue(log, tmp_path / "receipts", items(1, 2), AT)
    one, two = (lines_path(tmp_path / "receipts", f"out-{n}") for n in (1, 2))
    one.write_bytes(two.read_bytes())

    with pytest.raises(IntegrityError, match="another receipt"):
        lines_receipt(tmp_path / "receipts", "out-1")
    one.write_bytes(one.read_bytes().replace(b"out-2", b"out-1"))
    with pytest.raises(IntegrityError, match="not the ones"):
        lines_receipt(tmp_path / "receipts", "out-1")
    assert [(found.where, found.problem) for found in check_receipts(tmp_path / "receipts", log)] == [
        ("receipt out-1.json", "the lines are not the ones that the receipt commits to")
    ]


def test_no_other_salt_place_or_node_proves_a_line() -> None:
    """A wrong salt, another's salt, the next place, and a node of the tree offered as a line's hash."""
    kept = salted(many(4))
    root, path = bytes.fromhex(lines_root(kept)), [bytes.fromhex(node) for node in line_path(kept, 1)]
    line = canonical_bytes(kept[1].line)
    right = bytes.fromhex(line_hash(bytes.fromhex(kept[1].salt), line))

    assert verify_inclusion(right, 1, 4, path, root)
    for salt in (bytes(32), bytes.fromhex(kept[0].salt)):
        assert not verify_inclusion(bytes.fromhex(line_hash(salt, line)), 1, 4, path, root)
    for index in (0, 2, 3):
        assert not verify_inclusion(right, index, 4, path, root)
    # The node above the first two lines: with the leaf's first byte its bytes hash to something else.
    below = bytes.fromhex(kept[0].hash) + bytes.fromhex(kept[1].hash)
    node = hashlib.sha256(b"\x01" + below).digest()
    assert verify_inclusion(node, 0, 2, path[1:], root), "in a tree said to have two leaves the node would stand"
    assert hashlib.sha256(b"\x00" + below).digest() != node
    assert belong_to(kept[:2], {"lines_count": 4, "lines_root": root.hex()})


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        [3],
        [{}],
        [{"hash": "ab"}],
        [{"hash": "AB" * 32}],
        [{"hash": "ab" * 32, "line": {}}],
        [{"line": {}, "salt": "ab"}],
        [{"line": [], "salt": "ab" * 32}],
        [{"line": {}, "salt": "ab" * 32, "hash": "ab" * 32}],
    ],
)
def test_what_is_no_list_of_lines_is_refused(value: Any) -> None:
    """Only lines with salts, and hashes."""
    with pytest.raises(InputError):
        parse_lines(value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}\n",
        b"[" * 100_000 + b"\n",
        b'{"lines":' + b"[" * 50_000 + b"]" * 50_000 + b',"receipt_id":"out-1","v":2}\n',
        b'{"lines":[],"receipt_id":"out-1","v":1}\n',
        b'{"lines":[],"receipt_id":"out-1","v":true}\n',
        b'{"lines":[],"lines":[],"receipt_id":"out-1","v":2}\n',
        b'{"lines":[],"receipt_id":"out-1","v":2.0}\n',
        b'{"lines":[],"receipt_id":"out-1","v":2}',
        b'{"lines":[],"receipt_id":"out\\u002d1","v":2}\n',
        '{"lines":[],"receipt_id":"out\u20101","v":2}\n'.encode(),
        b'\xef\xbb\xbf{"lines":[],"receipt_id":"out-1","v":2}\n',
        b'{"lines":[{"line":{"t":"\\ud800"},"salt":"' + b"0" * 64 + b'"}],"receipt_id":"out-1","v":2}\n',
        b'{"lines":[{"line":{"n":' + b"9" * 5000 + b'},"salt":"' + b"0" * 64 + b'"}],"receipt_id":"out-1","v":2}\n',
    ],
)
def test_other_spellings_are_refused(tmp_path: Path, data: bytes) -> None:
    """Deep, ambiguous, look-alike and truncated files get an answer that names the file."""
    path = tmp_path / "out-1.json"
    path.write_bytes(data)

    with pytest.raises(IntegrityError, match=r"out-1\.json"):
        load_lines(path, "out-1")


def test_one_spelling_of_text_is_not_another(tmp_path: Path) -> None:
    """A composed and a decomposed letter look alike and commit to two things."""
    log = new_log(tmp_path / "log")
    for number, title in enumerate(("caf\u00e9", "cafe\u0301", "caf\u00e9\u202e")):
        line = [{"share_ppb": 0, "work_id": title}]
        issue(log, tmp_path / "receipts", [Item(f"out-{number}", "disclosure", {}, line)], AT)

    texts = {load_lines(lines_path(tmp_path / "receipts", f"out-{n}"), f"out-{n}")[0].line["work_id"] for n in range(3)}  # type: ignore[index]
    assert len(texts) == 3
    with pytest.raises(NotFoundError):
        line_receipt(tmp_path / "receipts", "out-0", "cafe\u0301")
    assert json.loads(line_receipt(tmp_path / "receipts", "out-1", "cafe\u0301"))["line"]["line"]["work_id"] == "cafe\u0301"
