"""A COSE receipt is what RFC 9942 says, read here from its CBOR by hand, and proves the entry and no other."""

import hashlib
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from endcredits.errors import InputError, IntegrityError
from endcredits.receipts.issuing import issue
from endcredits.receipts.receipt import fresh
from endcredits.receipts.records import Receipt
from tests.receipts.helpers import AT, KEY, OTHER_KEY, items, leaf, new_log

cbor2 = pytest.importorskip("cbor2")
from endcredits.receipts.cose import cose_receipt, read_cose_receipt  # noqa: E402


def decode(data: bytes, place: int = 0) -> tuple[Any, int]:
    """CBOR by the words of RFC 8949: whole numbers, bytes, text, lists, maps, tags and null, each of definite length."""
    major, short = data[place] >> 5, data[place] & 31
    place += 1
    if major == 7:
        assert short == 22, "only null"
        return None, place
    number = short
    if short >= 24:
        length = {24: 1, 25: 2, 26: 4, 27: 8}[short]
        number = int.from_bytes(data[place : place + length], "big")
        place += length
    if major in (0, 1):
        return (number if major == 0 else -1 - number), place
    if major in (2, 3):
        text = data[place : place + number]
        return (text if major == 2 else text.decode()), place + number
    if major == 6:
        value, place = decode(data, place)
        return (number, value), place
    found = []
    for _ in range(number * (2 if major == 5 else 1)):
        value, place = decode(data, place)
        found.append(value)
    return (dict(zip(found[::2], found[1::2], strict=True)) if major == 5 else found), place


def whole(data: bytes) -> Any:
    value, end = decode(data)
    assert end == len(data)
    return value


def made(folder: Path, size: int = 6) -> Receipt:
    """A receipt in a log of so many entries, the last but one."""
    log = new_log(folder / "log", size - 2)
    [receipt] = issue(log, folder / "receipts", items(1), AT)
    log.append([leaf(1000)])
    return fresh(log, receipt)


def head(major: int, number: int) -> bytes:
    return bytes([major << 5 | number]) if number < 24 else bytes([major << 5 | 24, number])


@pytest.mark.parametrize("size", [2, 3, 6, 9])
def test_it_has_the_structure_of_the_rfc(tmp_path: Path, size: int) -> None:
    """Tag 18, algorithm and kind of tree protected, one proof of inclusion beside them, no payload, a right signature."""
    receipt = made(tmp_path, size)

    tag, (protected, unprotected, payload, signature) = whole(cose_receipt(receipt, KEY))

    assert tag == 18 and payload is None
    header = whole(protected)
    assert header[1] == -8 and header[395] == 1 and header[15][1] == KEY.name
    assert list(unprotected) == [396] and list(unprotected[396]) == [-1]
    (proof,) = unprotected[396][-1]
    tree_size, index, path = whole(proof)
    assert (tree_size, index) == (size, size - 2) and [node.hex() for node in path] == list(receipt.proof.path)

    node, place, last = hashlib.sha256(b"\x00" + receipt.leaf.encode()).digest(), index, tree_size - 1
    for sibling in path:
        if place % 2 or place == last:
            node = hashlib.sha256(b"\x01" + sibling + node).digest()
            while place % 2 == 0 and place:
                place, last = place // 2, last // 2
        else:
            node = hashlib.sha256(b"\x01" + node + sibling).digest()
        place, last = place // 2, last // 2
    signed = (
        b"\x84\x6aSignature1" + head(2, len(protected)) + protected + b"\x40" + head(2, 32) + node
    )  # a list of four: the context, the protected header, no external data, the root
    public = KEY.private.public_key()
    assert isinstance(public, Ed25519PublicKey)
    public.verify(signature, signed)
    with pytest.raises(InvalidSignature):
        public.verify(signature, signed[:-1] + bytes([signed[-1] ^ 1]))


def test_it_is_read_back(tmp_path: Path) -> None:
    """Under the right key and with the right entry, and under no other."""
    receipt = made(tmp_path)
    data = cose_receipt(receipt, KEY)

    read = read_cose_receipt(data, receipt.leaf.encode(), KEY.vkey)

    assert (read.leaf_index, read.path) == (receipt.proof.leaf_index, receipt.proof.path)
    for entry, vkey in ((leaf(0), KEY.vkey), (receipt.leaf.encode(), OTHER_KEY.vkey)):
        with pytest.raises(IntegrityError, match="does not prove"):
            read_cose_receipt(data, entry, vkey)


def test_every_changed_byte_is_refused(tmp_path: Path) -> None:
    """Each bit, each truncation, and a byte more."""
    receipt = made(tmp_path)
    data, entry = cose_receipt(receipt, KEY), receipt.leaf.encode()

    for place in range(len(data)):
        for changed in (
            *(data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :] for bit in range(8)),
            data[:place],
        ):
            with pytest.raises(IntegrityError):
                read_cose_receipt(changed, entry, KEY.vkey)
    with pytest.raises(IntegrityError):
        read_cose_receipt(data + b"\x00", entry, KEY.vkey)


@pytest.mark.parametrize(
    "data", [b"", b"\xd2", b"\x9b" + b"\xff" * 8, b"\x81" * 5000 + b"\x00", b"\x5b" + b"\xff" * 8, b"\x00" * 70_000]
)
def test_hostile_cbor_is_refused(data: bytes) -> None:
    """Huge declared sizes and deep nesting get an answer."""
    with pytest.raises(IntegrityError):
        read_cose_receipt(data, leaf(0), KEY.vkey)


def test_what_cannot_be_written(tmp_path: Path) -> None:
    """A log of one entry has no path; another log's key signs nothing of this one."""
    log = new_log(tmp_path / "log")
    [receipt] = issue(log, tmp_path / "receipts", items(1), AT)

    with pytest.raises(InputError, match="single entry"):
        cose_receipt(receipt, KEY)
    with pytest.raises(IntegrityError):
        cose_receipt(receipt, OTHER_KEY)


def test_the_extra_is_named_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without cbor2 the rest of the room works, and this says what to install."""
    receipt = made(tmp_path)
    monkeypatch.setitem(sys.modules, "cbor2", None)

    with pytest.raises(InputError, match=r"endcredits\[cose\]"):
        cose_receipt(receipt, KEY)
