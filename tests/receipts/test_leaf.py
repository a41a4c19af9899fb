"""An entry of the log is canonical, complete and names nobody."""

import json
from typing import Any

import pytest

from endcredits.errors import InputError
from endcredits.receipts.leaf import Leaf, leaf_bytes, parse_leaf, subject_of
from tests.receipts.helpers import AT, leaf

GOOD: dict[str, Any] = json.loads(leaf(1))


def test_an_entry_reads_back() -> None:
    """What is written is what is read."""
    entry = Leaf("ab" * 32, "out-1", AT, "run.receipt")

    assert parse_leaf(leaf_bytes(entry)) == entry
    assert leaf_bytes(entry) == (
        b'{"commit":"' + b"ab" * 32 + b'","subject":"out-1","time":"2026-11-20T12:00:00Z","type":"run.receipt","v":1}'
    )


def test_a_hidden_subject_can_stand_in_an_entry() -> None:
    """Ids that might say something appear as their SHA-256."""
    assert parse_leaf(leaf_bytes(Leaf("ab" * 32, subject_of("period:2026-11"), AT, "period.receipt"))).v == 1


@pytest.mark.parametrize(
    "change",
    [
        {"commit": "AB" * 32},
        {"commit": "ab" * 31},
        {"commit": 1},
        {"subject": "Emily Brontë"},
        {"subject": ""},
        {"time": "2026-11-20"},
        {"time": "2026-13-20T12:00:00Z"},
        {"time": "2026-11-20T12:00:00+01:00"},
        {"type": "Run Receipt"},
        {"type": ["run"]},
        {"v": 2},
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
        leaf(1).replace(b'"v":1', b'"v":1.0'),
        leaf(1).replace(b'"v":1', b'"v":1,"v":1'),
        json.dumps(GOOD).encode(),
        b"[]",
        b"\xff",
        b"",
        b"x" * 4097,
    ],
)
def test_other_spellings_are_refused(data: bytes) -> None:
    """An entry has one spelling."""
    with pytest.raises(InputError):
        parse_leaf(data)
