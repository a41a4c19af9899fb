"""Every word of the language: when it holds, when it fails, when it cannot tell."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.works.rules import Check, shipped_pack
from endcredits.works.rules.comparing import TESTS, Truth, compare
from endcredits.works.rules.fields import SILENT

PACK = shipped_pack()
ON = datetime(2026, 11, 20, tzinfo=UTC)
NOV_20 = datetime(2026, 11, 20, tzinfo=UTC)
NOV_22 = datetime(2026, 11, 22, tzinfo=UTC)

CASES: dict[str, tuple[dict[str, Any], Any, Any]] = {
    # test: (the check's value and other, values that hold, values that fail)
    "stated": ({}, ["x", None, (), False, 0], []),
    "present": ({}, ["x", ("x",), 0, NOV_20, {"a": 1}], [None, "", " \u200b", (), {}]),
    "absent": ({}, [None, "", " \u200b", ()], ["x", ("x",), 0]),
    "true": ({}, [True], [False, None]),
    "false": ({}, [False], [True, None]),
    "one_of": ({"value": ("a", "b")}, ["a", ("a",), ("a", "b")], ["c", "", (), ("a", "c"), None]),
    "includes": ({"value": "a"}, [("a",), ("b", "a")], [(), ("b",), None]),
    "reaches": ({"value": "US-NY"}, ["US", "US-NY", "WORLD", ("FR", "US")], ["US-CA", "FR", (), ("FR", "US-CA"), None]),
    "at_least": ({"value": 3}, [3, 4], [2, 0, None]),
    "at_most": ({"value": 3}, [3, 0], [4, None]),
    "specific": ({}, ["Two lines of dialogue in episode four"], ["any and all media", "", None]),
    "differs": ({"other": "other"}, ["other id"], ["Me", "ME\u200b", None]),
    "before": ({"value": "2026-11-22"}, [NOV_20], [NOV_22, None]),
    "after": ({"value": "2026-11-20"}, [NOV_22], [NOV_20, None]),
    "not_before": ({"value": "2026-11-22"}, [NOV_22], [NOV_20, None]),
    "not_after": ({"other": "day"}, [NOV_20], [NOV_22, None]),
    "within": ({"other": "day", "value": "P2D"}, [NOV_20, NOV_22], [datetime(2026, 11, 22, 0, 0, 1, tzinfo=UTC), None]),
    "ahead": (
        {"other": "day", "value": "PT48H"},
        [datetime(2026, 11, 18, tzinfo=UTC)],
        [datetime(2026, 11, 18, 0, 0, 1, tzinfo=UTC), None],
    ),
    "age_at_most": ({"value": "P70Y"}, [datetime(1956, 11, 20, tzinfo=UTC)], [datetime(1956, 11, 19, tzinfo=UTC), None]),
}


def said(test: str, value: Any, other: Any = ...) -> Truth:
    options = CASES[test][0]
    fields = {"field": value, "other": "me", "day": NOV_20}
    if other is not ...:
        fields["other"] = fields["day"] = other
    return compare(Check("field", test, **options), lambda path: fields[path], ON, PACK)


def test_every_word_is_tried() -> None:
    assert set(CASES) == set(TESTS)


@pytest.mark.parametrize("test", CASES)
def test_holds_and_fails(test: str) -> None:
    _, good, bad = CASES[test]

    assert [said(test, value) for value in good] == [Truth.HOLDS] * len(good)
    assert [said(test, value) for value in bad] == [Truth.FAILS] * len(bad)


@pytest.mark.parametrize("test", CASES)
def test_silence_is_unknown(test: str) -> None:
    assert said(test, SILENT) == Truth.UNKNOWN


@pytest.mark.parametrize("test", [test for test, case in CASES.items() if "other" in case[0]])
@pytest.mark.parametrize("other", [SILENT, None])
def test_nothing_to_compare_with_is_unknown(test: str, other: Any) -> None:
    assert said(test, CASES[test][1][0], other) == Truth.UNKNOWN


def test_the_day_asked_about_can_be_the_other() -> None:
    check = Check("field", "not_after", None, "@on")

    assert compare(check, lambda path: NOV_20, ON, PACK) == Truth.HOLDS
    assert compare(check, lambda path: NOV_22, ON, PACK) == Truth.FAILS


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_words_about_moments_are_each_others_opposite(one: datetime, two: datetime) -> None:
    def holds(test: str) -> bool:
        fields = {"one": one, "two": two}
        return compare(Check("one", test, None, "two"), fields.__getitem__, ON, PACK) == Truth.HOLDS

    assert holds("before") != holds("not_before") and holds("after") != holds("not_after")
