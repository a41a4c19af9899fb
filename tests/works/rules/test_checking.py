"""What a record lacks: properties over all rules, and each answer by hand."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.works.rules import Check, Condition, Lack, check_record, lacks, parse_packs, shipped_pack, shipped_texts

from . import examples

PACK = shipped_pack()
ON = "2026-12-31"
RECORDS = [
    (rule.kind, record)
    for rule in PACK.rules
    for record in (
        examples.passing(rule),
        *(examples.failing(rule, one) for one in (*rule.require, *rule.forbid_if)),
    )
]
WRONG: list[Any] = [None, 1.5, -1, "", "x", [], {}, [1], [[]], {"x": 1}, True, "any and all media", "2026-13-01", 10**30]


def spots(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every key of a record."""
    for key, below in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if isinstance(value, dict):
            yield (*way, key)
        yield from spots(below, (*way, key))


def at(record: Any, way: tuple[Any, ...]) -> Any:
    for step in way:
        record = record[step]
    return record


def answered(kind: str, record: dict[str, Any], **options: Any) -> tuple[Lack, ...]:
    return lacks(record, jurisdiction="WORLD", on=ON, kind=kind, **options)


def of_rules(found: tuple[Lack, ...]) -> set[tuple[str, str, str]]:
    return {(lack.rule_id, lack.condition_id, lack.severity) for lack in found if lack.rule_id != "record"}


@st.composite
def spoilt(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A record of any rule, with up to three things left away or replaced by something wild."""
    kind, record = draw(st.sampled_from(RECORDS))
    record = copy.deepcopy(record)
    for _ in range(draw(st.integers(0, 3))):
        way = draw(st.sampled_from(list(spots(record)) or [()]))
        if way and draw(st.booleans()):
            del at(record, way[:-1])[way[-1]]
        elif way:
            at(record, way[:-1])[way[-1]] = copy.deepcopy(draw(st.sampled_from(WRONG)))
    return kind, record


@settings(max_examples=150, deadline=None)
@given(spoilt(), st.data())
def test_leaving_a_field_away_never_removes_a_finding(case: tuple[str, dict[str, Any]], data: st.DataObject) -> None:
    kind, record = case
    before = of_rules(answered(kind, record))
    ways = list(spots(record))
    if not ways:
        return
    way = data.draw(st.sampled_from(ways))
    del at(record, way[:-1])[way[-1]]

    assert before <= of_rules(answered(kind, record))


@settings(max_examples=150, deadline=None)
@given(spoilt(), st.data())
def test_what_cannot_be_read_never_removes_a_finding_and_is_one(case: tuple[str, Any], data: st.DataObject) -> None:
    kind, record = case
    before = answered(kind, record)
    ways = list(spots(record))
    if not ways:
        return
    way = data.draw(st.sampled_from(ways))
    at(record, way[:-1])[way[-1]] = 1.5  # of no type at all

    after = answered(kind, record)

    assert of_rules(before) <= of_rules(after)
    assert any(lack.rule_id == "record" and lack.severity == "block" for lack in after)


@settings(max_examples=150, deadline=None)
@given(spoilt(), st.data())
def test_adding_a_use_never_removes_a_finding(case: tuple[str, Any], data: st.DataObject) -> None:
    kind, record = case
    name = {"likeness": "uses", "training": "datasets"}.get(kind)
    rows = record.get(name) if name else None
    if not isinstance(rows, list) or not rows:
        return
    before = of_rules(answered(kind, record))
    other = data.draw(st.sampled_from([one for its, one in RECORDS if its == kind]))
    added = [*other[name], {}, None, {"description": examples.GENERIC}]
    rows.insert(data.draw(st.integers(0, len(rows))), copy.deepcopy(data.draw(st.sampled_from(added))))

    assert before <= of_rules(answered(kind, record))


@settings(max_examples=60, deadline=None)
@given(spoilt(), st.randoms())
def test_no_order_matters(case: tuple[str, dict[str, Any]], random: Any) -> None:
    kind, record = case
    rules, keys = list(PACK.rules), list(record)
    random.shuffle(rules)
    random.shuffle(keys)
    shuffled = replace(
        PACK,
        rules=tuple(
            replace(rule, require=tuple(reversed(rule.require)), forbid_if=tuple(reversed(rule.forbid_if))) for rule in rules
        ),
    )

    turned = {key: record[key] for key in keys}
    assert check_record(turned, jurisdiction="WORLD", on=ON, kind=kind, pack=shuffled) == check_record(
        record, jurisdiction="WORLD", on=ON, kind=kind
    )


@settings(max_examples=60, deadline=None)
@given(spoilt(), st.data())
def test_fewer_rules_and_smaller_places_find_no_more(case: tuple[str, Any], data: st.DataObject) -> None:
    kind, record = case
    fewer = replace(PACK, rules=tuple(data.draw(st.lists(st.sampled_from(PACK.rules), unique_by=lambda rule: rule.rule_id))))
    place = data.draw(st.sampled_from(["US-CA", "US-NY", "US", "EU", "DE", "JP"]))

    assert set(answered(kind, record, pack=fewer)) <= set(answered(kind, record))
    assert set(lacks(record, jurisdiction=place, on=ON, kind=kind)) <= set(answered(kind, record))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_nothing_in_a_record_raises_and_nothing_wild_passes(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(PACK.fields)))
    names = st.sampled_from(sorted({path.split(".")[0].removesuffix("[]") for path in PACK.fields[kind]})) | st.text(
        max_size=8
    )
    record = data.draw(st.dictionaries(names, JSON, max_size=6))

    assert any(lack.severity in ("block", "disclose") for lack in answered(kind, record))


def test_a_grant_of_the_union_record_passes_in_california() -> None:
    found = check_record(examples.GRANT, jurisdiction="US-CA", on="2026-11-20", kind="likeness")

    assert found.lacks == () and found.reviewed_on == "2026-11-20" and not found.without_rules
    assert found.applied == ("likeness-grant", "us-ca-labor-927", "us-no-fakes-2026")


def test_a_lack_says_rule_field_words_and_source() -> None:
    record = examples.changed(examples.GRANT, {"uses.0.description": examples.GENERIC})
    record["uses"].insert(0, examples.GRANT["uses"][0])

    found = [one for one in lacks(record, jurisdiction="US-CA", on=ON, kind="likeness") if "927" in one.rule_id]

    assert found == [
        Lack(
            "us-ca-labor-927",
            "description",
            "uses[1].description",
            "block",
            "the intended use is not described reasonably specifically",
            "https://self-law.org/code/ca/labor-code/927",
            "self-law.org, a copy of California Labor Code 927",
            "R",
        )
    ]


def test_the_gravest_come_first() -> None:
    severities = [one.severity for one in lacks({}, jurisdiction="WORLD", on=ON, kind="likeness")]

    assert severities == sorted(severities, key=("block", "disclose", "warn").index) and set(severities) == {
        "block",
        "disclose",
        "warn",
    }


@pytest.mark.parametrize(
    ("day", "state"), [("2026-06-30", "not-yet"), ("2026-07-01", ""), ("2030-06-30", ""), ("2030-07-01", "expired")]
)
def test_first_and_last_day_count(day: str, state: str) -> None:
    rule = next(rule for rule in PACK.rules if rule.rule_id == "sag-aftra-tv-theatrical-2026")
    record = examples.changed(examples.passing(rule), {"storage.controls": examples.GONE})

    found = check_record(record, jurisdiction="JP", on=day, kind="likeness")
    apart = {one.rule_id: one for one in found.apart}.get(rule.rule_id)

    assert (apart.state if apart else "") == state
    assert (rule.rule_id in found.applied) == (rule.rule_id in {one.rule_id for one in found.lacks}) == (not state)
    if state == "not-yet":
        assert apart is not None and apart.day == "2026-07-01" and [one.condition_id for one in apart.lacks] == ["controls"]
    if state == "expired":
        assert apart is not None and apart.day == "2030-06-30" and apart.lacks == ()


def test_a_rule_to_come_is_read_as_of_its_first_day() -> None:
    rule = next(rule for rule in PACK.rules if rule.rule_id == "eu-ai-act-53-1-d-older")
    record = examples.changed(examples.TRAINING, {"market_date": "2024-01-01", "updated_on": "2026-11-01"})

    now = check_record(record, jurisdiction="EU", on="2026-11-20", kind="training")

    assert {one.rule_id: [lack.condition_id for lack in one.lacks] for one in now.apart} == {rule.rule_id: ["updated"]}


def test_a_place_is_asked_with_what_it_lies_in_and_what_lies_in_it() -> None:
    def applied(place: str) -> set[str]:
        found = check_record({}, jurisdiction=place, on=ON, kind="disclosure")
        return set(found.applied)

    assert applied("DE") == applied("EU") >= {"eu-ai-act-50-label", "disclosure-record"}
    assert applied("US") == applied("US-CA") == {"us-ca-sb-942", "disclosure-record"}
    assert applied("JP") == {"disclosure-record"} and applied("WORLD") == applied("DE") | applied("US")


@pytest.mark.parametrize(
    ("place", "without"), [("US-CA", False), ("US", False), ("US-TX", True), ("DE", True), ("EU", False)]
)
def test_a_place_without_rules_of_its_own_is_said(place: str, without: bool) -> None:
    kind = "likeness" if place.startswith("US") else "training"

    assert check_record({}, jurisdiction=place, on=ON, kind=kind).without_rules is without


def test_three_days_have_three_answers() -> None:
    taken_back = examples.changed(examples.GRANT, {"revoked_at": "2026-11-10T12:00:00Z"})
    days = {
        "2026-10-01": ["signed-yet"],
        "2026-11-09": [],
        "2026-11-10": ["revoked"],
        "2028-10-02": ["revoked", "term-runs"],
    }

    for day, wanted in days.items():
        found = lacks(taken_back, jurisdiction="JP", on=day, kind="likeness")
        assert [one.condition_id for one in found] == wanted, day


def test_a_rule_about_any_row_reaches_a_record_with_one_such_row() -> None:
    games = Check("uses[].medium", "one_of", ("game",))
    rule = next(rule for rule in PACK.rules if rule.rule_id == "us-tn-elvis")
    reach = Condition("games", games, (), "it is about games", "block", "own")
    guarded = replace(rule, rule_id="guarded", require=(replace(rule.require[0], when=(games,)),))
    pack = replace(PACK, rules=(replace(rule, rule_id="games", applies_if=(reach,)), guarded))
    film, game, silent = {"medium": "film"}, {"medium": "game"}, {"project": "x"}

    def found(*uses: dict[str, str]) -> set[tuple[str, str]]:
        lacking = lacks({"uses": list(uses)}, jurisdiction="US-TN", on=ON, kind="likeness", pack=pack)
        return {(one.rule_id, one.condition_id) for one in lacking if one.condition_id in ("games", "person")}

    assert found() == found(film) == set()
    assert found(film, game) == {("games", "person"), ("guarded", "person")}
    assert found(film, silent) == {("games", "games"), ("games", "person"), ("guarded", "person")}


def test_no_rule_at_all() -> None:
    bare = replace(PACK, rules=())
    found = check_record(examples.GRANT, jurisdiction="US", on=ON, kind="likeness", pack=bare)

    assert (found.lacks, found.applied, found.reviewed_on, found.without_rules) == ((), (), "", True)


def test_a_guard_on_the_same_row_looks_at_that_row() -> None:
    rows = examples.TRAINING["datasets"]
    uncleaned = examples.changed(rows[0], {"cleaning": None})
    halfway = examples.changed(rows[0], {"cleaning.why": " "})
    record = {**examples.TRAINING, "datasets": [uncleaned, halfway, rows[0]]}

    assert [one.field for one in lacks(record, jurisdiction="US-CA", on=ON, kind="training")] == ["datasets[1].cleaning.why"]


def test_two_rows_of_one_moment_are_one_finding_each() -> None:
    record = examples.changed(examples.GRANT, {"agreements": ["sag-aftra-tv-theatrical-2023"], "notice_given_at": None})
    record["uses"] = record["uses"] * 3

    found = [one for one in lacks(record, jurisdiction="JP", on=ON, kind="likeness")]

    assert [(one.rule_id, one.condition_id, one.field) for one in found] == [
        ("sag-aftra-tv-theatrical-2023", "notice", "notice_given_at")
    ]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"jurisdiction": "USA"}, "jurisdiction"),
        ({"jurisdiction": ""}, "jurisdiction"),
        ({"jurisdiction": None}, "jurisdiction"),
        ({"on": "2026-11-31"}, "on"),
        ({"on": "20261120"}, "on"),
        ({"kind": "consent"}, "kind"),
        ({"record": []}, "record"),
        ({"record": None}, "record"),
    ],
)
def test_wrong_questions(asked: dict[str, Any], field: str) -> None:
    question = {"record": {}, "jurisdiction": "US", "on": ON, "kind": "likeness", **asked}
    record = question.pop("record")

    with pytest.raises(InputError) as error:
        lacks(record, **question)

    assert error.value.field == field and error.value.remedy


def test_the_shipped_files_make_the_shipped_pack() -> None:
    assert parse_packs(shipped_texts()) == PACK
