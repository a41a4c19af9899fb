"""A close is written and read back to the same bytes, and anything else is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from endcredits.canonical import to_plain
from endcredits.errors import IntegrityError
from endcredits.royalties.documents import close_document, parse_close, record_of
from endcredits.royalties.records import Line, Refund

from .makers import Given, givens, november


@settings(max_examples=25)
@given(givens())
def test_reading_undoes_writing(inputs: Given) -> None:
    """The record comes back equal, policy and all, from text and from bytes."""
    close = inputs.close().close
    document = close_document(close)

    assert parse_close(document) == parse_close(document.encode()) == close


def test_a_party_may_be_nobody_and_an_id_is_a_text() -> None:
    """Optional fields and named texts read back as they are."""
    for line in november().close().lines:
        assert record_of(Line, to_plain(line)) == line
    assert any(line.party_id is None for line in november().close().lines)


def broken() -> dict[str, str]:
    """Documents that are each wrong in one way."""
    good = close_document(november().close().close)

    def changed(**places: Any) -> str:
        plain = json.loads(good)
        for path, value in places.items():
            *steps, last = [int(step) if step.isdigit() else step for step in path.split("__")]
            at = plain
            for step in steps:
                at = at[step]
            at[last] = value
        return json.dumps(plain, separators=(",", ":"), sort_keys=True)

    assert changed() == good
    return {
        "cut off": good[:-1],
        "a list": "[]",
        "a number": "5",
        "no text": '"\\ud800"',
        "too deep": "[" * 100_000,
        "a field missing": json.dumps({key: value for key, value in json.loads(good).items() if key != "pools"}),
        "a field too many": changed(note=""),
        "no list of pools": changed(pools={}),
        "a null": changed(policy=None),
        "a number that other readers round": changed(pools__0__pool_micros=2**53),
        "an amount as text": changed(pools__0__pool_micros="5"),
        "a denominator as a number": changed(pools__0__parts__0__denominator=5),
        "a float": changed(pools__0__pool_micros=5.0),
        "a boolean as a number": changed(pools__0__breakage_micros=False),
        "a number as a boolean": changed(policy__four_eyes=0),
        "a gate of another shape": changed(policy__pools__0__parts__0__gate=[]),
        "a pair of three": changed(frozen=[["works", "0", "1"]]),
        "other spacing": json.dumps(json.loads(good), sort_keys=True),
        "another order": json.dumps(dict(reversed(json.loads(good).items())), separators=(",", ":")),
    }


@pytest.mark.parametrize("name", sorted(broken()))
def test_a_damaged_document_is_refused(name: str) -> None:
    """Every damage is an error with a remedy, never a crash and never a different close."""
    with pytest.raises(IntegrityError) as caught:
        parse_close(broken()[name])

    assert caught.value.remedy


def test_bytes_that_are_no_text_are_refused() -> None:
    """A file that is not UTF-8 is no close."""
    with pytest.raises(IntegrityError):
        parse_close(b"\xff\xfe{}")


def test_a_record_says_what_it_misses() -> None:
    """Which field of which record is named."""
    with pytest.raises(TypeError, match=r"Refund has other fields \(currency\)"):
        record_of(Refund, {"refund_id": "", "of_id": "", "refunded_at": "", "refund_micros": 1})
