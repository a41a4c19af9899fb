"""The fast reading of an entry's commitment says what the strict reading says, for good and bad entries alike."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.receipts import quick_leaf
from endcredits.receipts.leaf import parse_leaf
from endcredits.receipts.quick_leaf import commit_of
from tests.receipts.helpers import leaf


def slow(data: bytes) -> bytes | None:
    """What strict reading says; None when it refuses."""
    try:
        return bytes.fromhex(parse_leaf(data).commit)
    except InputError:
        return None


def fast(data: bytes) -> bytes | None:
    """What the pattern says."""
    try:
        return commit_of(data)
    except InputError:
        return None


@given(st.integers(0, 10**6), st.integers(0, 200), st.integers(0, 255), st.sampled_from(["set", "drop", "add"]))
def test_both_agree_on_every_changed_byte(number: int, place: int, byte: int, how: str) -> None:
    """Entries with a byte changed, taken out, or put in."""
    data = bytearray(leaf(number))
    place %= len(data)
    if how == "set":
        data[place] = byte
    elif how == "drop":
        del data[place]
    else:
        data.insert(place, byte)

    assert fast(bytes(data)) == slow(bytes(data))


@pytest.mark.parametrize(
    "time", ["2026-02-30T12:00:00Z", "2026-11-20T24:00:00Z", "2028-02-29T23:59:59Z", "0000-01-01T00:00:00Z"]
)
def test_both_know_the_calendar(time: str) -> None:
    """A day that does not exist has the right form, and is refused by both."""
    data = leaf(1).replace(b"2026-11-20T12:00:00Z", time.encode())

    assert fast(data) == slow(data)


def test_good_entries_never_go_the_slow_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the pattern would be for nothing."""

    def refuse(data: bytes) -> None:
        raise AssertionError(data)

    monkeypatch.setattr(quick_leaf, "parse_leaf", refuse)
    draw = random.Random(6)

    for number in draw.sample(range(10**6), 50):
        assert commit_of(leaf(number)) == slow(leaf(number))
