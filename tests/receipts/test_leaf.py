"""An entry of the log is canonical, complete and names nobody."""

import hashlib
import json
from typing import Any

import pytest

from endcredits.errors import InputError
from endcredits.receipts.leaf import Leaf, commitment, leaf_bytes, parse_leaf, subject_of
from tests.receipts.helpers import AT, leaf

GOOD: dict[str, Any] = json.loads(leaf(1))


def test_an_entry_reads_back() -> None:
    """What is written is what is read."""
    entry = Leaf("ab" * 32, "cd" * 32, AT, "run.receipt")

    assert parse_leaf(leaf_bytes(entry)) == entry
    assert leaf_bytes(entry) == (
        b'{"commit":"' + b"ab" * 32 + b'","subject":"' + b"cd" * 32 + b'",'
        b'"time":"2026-11-20T12:00:00Z","type":"run.receipt","v":2}'
    )


def test_one_salt_hides_body_and_id() -> None:
    """The subject is the digest of salt and id: under another salt the same id shows as something else."""
    one, two = (subject_of(bytes([number]) * 32, "period:2026-11") for number in (1, 2))

    assert one == hashlib.sha256(b"\x01" * 32 + b"period:2026-11").hexdigest() != two
    assert commitment(b"\x01" * 32, b"{}") == hashlib.sha256(b"\x01" * 32 + b"{}").hexdigest()
    assert parse_leaf(leaf_bytes(Leaf("ab" * 32, one, AT, "period.receipt"))).subject == one


@pytest.mark.parametrize(
    "change",
    [
        {"commit": "AB" * 32},
        {"commit": "ab" * 31},
        {"commit": 1},
        {"subject": "Emily Brontë"},
        {"subject": "out-1"},
        {"subject": "CD" * 32},
        {"subject": "ab" * 32 + "\n"},
        {"subject": ""},
        {"time": "2026-11-20"},
        {"time": "2026-13-20T12:00:00Z"},
        {"time": "2026-11-20T12:00:00+01:00"},
        {"type": "Run Receipt"},
        {"type": ["run"]},
        {"v": 1},
        {"v": True},
        {"v": "1"},
        {"price": 3},
    ],
)
def test_malformed_entries_are_refused(change: dict[str, Any]) -> None:
    """Each field has one shape, and there is no sixth."""
    with pytest.raises(InputError):
        parse_leaf(json.dumps({**GOOD, **change}, sort_keys=True, separators=(",", ":")).encode())


@pytest.mark.parametrize("key", GOOD)
def test_incomplete_entries_are_refused(key: str) -> None:
    """All five keys are required."""
    rest = {name: value for name, value in GOOD.items() if name != key}

    with pytest.raises(InputError, match="exactly the keys"):
        parse_leaf(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode())


@pytest.mark.parametrize(
    "data",
    [
        leaf(1) + b" ",
        b" " + leaf(1),
        leaf(1).replace(b'"v":2', b'"v":2.0'),
        leaf(1).replace(b'"v":2', b'"v":2,"v":2'),
        json.dumps(GOOD).encode(),
        b"[]",
        b"\xff",
        b"",
        b"x" * 4097,
        b"[" * 4000,
        leaf(1).replace(b'"run.receipt"', b'"run.r\\u0065ceipt"'),
    ],
)
def test_other_spellings_are_refused(data: bytes) -> None:
    """An entry has one spelling."""
    with pytest.raises(InputError):
        parse_leaf(data)
