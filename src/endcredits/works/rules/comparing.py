"""The small closed language of checks: what each test says about a value.

A test answers `HOLDS`, `FAILS` or `UNKNOWN`. A field that the record leaves away is always unknown, whatever the test; null
says that there is none, so that `present` fails and `absent` holds. Who uses the answer decides what unknown means, and
always decides against the record: what is required must hold, what is forbidden must fail, and a rule or condition that may
apply does. Taking a field out of a record can therefore add a finding and never remove one.

| test | compares with | holds when |
|:--|:--|:--|
| stated | | the record says something about it, even that there is none |
| present, absent | | there is something; there is nothing (null, "", blank text, []) |
| true, false | | it is so |
| one_of | texts | it is one of them; of a list, every entry is, and there is one |
| includes | a text | the list holds it |
| reaches | a place | the place, or one of the list, lies in it or holds it |
| at_least, at_most | a whole number | it is |
| specific | | the words pass the screen of `wording` |
| differs | other field | the two texts are not the same |
| before, after, not_before, not_after | other field or a day | it is, to the second; a day counts as its first second |
| within | other field, span | it is no later than the other plus the span |
| ahead | other field, span | it is no later than the other less the span |
| age_at_most | span | the day asked about is no later than it plus the span |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from endcredits.works.rules.fields import MOMENTS, SILENT, TYPES
from endcredits.works.rules.records import Check, Pack
from endcredits.works.rules.spans import moment_of, shift
from endcredits.works.rules.territories import meet
from endcredits.works.rules.wording import fold, is_blank, is_specific


class Truth(IntEnum):
    """What a test says; the greater, the more there is against a record where it is forbidden."""

    FAILS = 0
    UNKNOWN = 1
    HOLDS = 2


@dataclass(frozen=True, slots=True)
class Test:
    """One word of the language.

    Attributes:
        says: (value, what it is compared with, the check, the pack) to whether it holds; it sees no silent and, unless
            `sees_null`, no null value.
        on: types of fields that it can be used on.
        argument: what the check's `value` must be: "", "texts", "text", "place", "count", "span".
        other: what it is held against besides: "" nothing, "needed" another field, "or-day" another field or the day in
            `value`, "on" the day asked about.
        sees_null: whether null is a value to it; else null fails.
    """

    __test__ = False

    says: Callable[[Any, Any, Check, Pack], bool]
    on: frozenset[str]
    argument: str = ""
    other: str = ""
    sees_null: bool = False


def _is_nothing(value: Any) -> bool:
    return value is None or (is_blank(value) if isinstance(value, str) else isinstance(value, tuple | Mapping) and not value)


def _one_of(value: Any, _: Any, check: Check, pack: Pack) -> bool:
    allowed = check.value if isinstance(check.value, tuple) else ()
    return bool(value) and all(one in allowed for one in (value if isinstance(value, tuple) else (value,)))


def _reaches(value: Any, _: Any, check: Check, pack: Pack) -> bool:
    places = value if isinstance(value, tuple) else (value,)
    return any(meet(place, str(check.value), pack.places) for place in places)


def _moments(compare: Callable[[datetime, datetime], bool]) -> Callable[[Any, Any, Check, Pack], bool]:
    return lambda value, other, check, pack: compare(value, other)


_ANY = frozenset(TYPES)
_WORDS = frozenset(("text",))

TESTS: Mapping[str, Test] = {
    "stated": Test(lambda value, other, check, pack: True, _ANY, sees_null=True),
    "present": Test(lambda value, other, check, pack: not _is_nothing(value), _ANY - {"yes-no"}, sees_null=True),
    "absent": Test(lambda value, other, check, pack: _is_nothing(value), _ANY - {"yes-no", "rows"}, sees_null=True),
    "true": Test(lambda value, other, check, pack: value is True, frozenset(("yes-no",))),
    "false": Test(lambda value, other, check, pack: value is False, frozenset(("yes-no",))),
    "one_of": Test(_one_of, frozenset(("text", "texts")), argument="texts"),
    "includes": Test(lambda value, other, check, pack: check.value in value, frozenset(("texts",)), argument="text"),
    "reaches": Test(_reaches, frozenset(("place", "places")), argument="place"),
    "at_least": Test(lambda value, other, check, pack: value >= check.value, frozenset(("count",)), argument="count"),
    "at_most": Test(lambda value, other, check, pack: value <= check.value, frozenset(("count",)), argument="count"),
    "specific": Test(lambda value, other, check, pack: is_specific(value, pack.generic_phrases), _WORDS),
    "differs": Test(lambda value, other, check, pack: fold(value) != fold(other), _WORDS, other="needed"),
    "before": Test(_moments(lambda one, two: one < two), MOMENTS, other="or-day"),
    "after": Test(_moments(lambda one, two: one > two), MOMENTS, other="or-day"),
    "not_before": Test(_moments(lambda one, two: one >= two), MOMENTS, other="or-day"),
    "not_after": Test(_moments(lambda one, two: one <= two), MOMENTS, other="or-day"),
    "within": Test(
        lambda value, other, check, pack: value <= shift(other, str(check.value)), MOMENTS, argument="span", other="needed"
    ),
    "ahead": Test(
        lambda value, other, check, pack: value <= shift(other, str(check.value), back=True),
        MOMENTS,
        argument="span",
        other="needed",
    ),
    "age_at_most": Test(
        lambda value, other, check, pack: other <= shift(value, str(check.value)), MOMENTS, argument="span", other="on"
    ),
}
"""The whole language; a pack that uses another word is refused."""

ON = "@on"
"""The day asked about, where a check names it as its other field."""


def compare(check: Check, look: Callable[[str], Any], on: datetime, pack: Pack) -> Truth:
    """What a check says.

    Args:
        check: as the reader of packs let it through.
        look: the value of a field, `SILENT` where the record says nothing; the caller has chosen the row.
        on: the day asked about.
        pack: for its phrases and places.
    """
    test = TESTS[check.test]
    value = look(check.field)
    if value is SILENT:
        return Truth.UNKNOWN
    if value is None and not test.sees_null:
        return Truth.FAILS
    other: Any = None
    if test.other:
        other = on if test.other == "on" or check.other == ON else look(check.other) if check.other else _day(check)
        if other is SILENT or other is None:
            return Truth.UNKNOWN
    return Truth.HOLDS if test.says(value, other, check, pack) else Truth.FAILS


def _day(check: Check) -> datetime:
    return moment_of(str(check.value))
