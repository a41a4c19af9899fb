"""The shipped pack, row by row: no condition without a record that passes it and one that fails it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from endcredits.works.rules import Condition, Rule, check_record, lacks, parse_packs, shipped_pack, shipped_texts
from endcredits.works.rules.comparing import TESTS

from . import examples

PACK = shipped_pack()
CONDITIONS = [
    pytest.param(rule, condition, id=f"{rule.rule_id}/{condition.condition_id}")
    for rule in PACK.rules
    for condition in (*rule.require, *rule.forbid_if)
]
REACHES = [
    pytest.param(rule, condition, id=f"{rule.rule_id}/{condition.condition_id}")
    for rule in PACK.rules
    for condition in rule.applies_if
]


def found(record: dict[str, object], rule: Rule) -> set[str]:
    """Conditions of a rule that a record lacks on a day on which the rule holds; the rule must have been applied."""
    answer = check_record(record, jurisdiction=rule.jurisdiction, on=examples.day_for(rule), kind=rule.kind)
    assert rule.rule_id in answer.applied, (answer.not_reached, answer.apart)
    assert not [lack for lack in answer.lacks if lack.rule_id == "record"]
    return {lack.condition_id for lack in answer.lacks if lack.rule_id == rule.rule_id}


@pytest.mark.parametrize("rule", PACK.rules, ids=lambda rule: rule.rule_id)
def test_a_record_passes_every_rule(rule: Rule) -> None:
    assert found(examples.passing(rule), rule) == set()


@pytest.mark.parametrize(("rule", "condition"), CONDITIONS)
def test_a_record_fails_every_condition_and_no_other(rule: Rule, condition: Condition) -> None:
    assert found(examples.passing(rule, condition), rule) == set()
    also = examples.ALSO.get((rule.rule_id, condition.condition_id), frozenset())
    assert found(examples.failing(rule, condition), rule) == {condition.condition_id} | also


@pytest.mark.parametrize(("rule", "condition"), REACHES)
def test_every_rule_reaches_no_further_than_it_says(rule: Rule, condition: Condition) -> None:
    changes = examples.OUT_OF_REACH[rule.rule_id, condition.condition_id]
    record = examples.changed(examples.passing(rule), changes)

    answer = check_record(record, jurisdiction=rule.jurisdiction, on=examples.day_for(rule), kind=rule.kind)

    assert (rule.rule_id, condition.why) in answer.not_reached and rule.rule_id not in answer.applied
    assert rule.rule_id not in {lack.rule_id for lack in answer.lacks}


@pytest.mark.parametrize(("rule", "condition"), REACHES)
def test_what_decides_reach_is_asked_for(rule: Rule, condition: Condition) -> None:
    path = condition.check.field.replace("[]", ".0")
    record = examples.changed(examples.passing(rule), {path: examples.GONE})

    assert condition.condition_id in found(record, rule)


def test_no_example_is_about_a_rule_that_is_gone() -> None:
    known = {(rule.rule_id, one.condition_id) for rule in PACK.rules for one in (*rule.require, *rule.forbid_if)}
    reaches = {(rule.rule_id, one.condition_id) for rule in PACK.rules for one in rule.applies_if}

    assert set(examples.PASSES) <= {rule.rule_id for rule in PACK.rules}
    assert set(examples.GIVEN) | set(examples.SPOILT) | set(examples.ALSO) <= known
    assert set(examples.OUT_OF_REACH) == reaches


def test_every_field_is_filled_by_the_base_records() -> None:
    for kind, base in examples.BASE.items():
        paths = set()

        def walk(value: object, prefix: str, into: set[str] = paths) -> None:
            for key, below in value.items() if isinstance(value, dict) else ():
                into.add(f"{prefix}{key}")
                walk(
                    below[0] if isinstance(below, list) and below else below,
                    f"{prefix}{key}{'[]' * isinstance(below, list)}.",
                )

        walk(base, "")
        assert paths == set(PACK.fields[kind])


def test_every_rule_says_where_it_is_from() -> None:
    for rule in PACK.rules:
        assert rule.reviewed_on == "2026-11-20" and rule.source and rule.words
        for one in (*rule.applies_if, *rule.require, *rule.forbid_if):
            assert one.why[0].islower() or one.why.split()[0].rstrip(":").replace(".", "").isdigit(), one.why
            assert not one.why.endswith(".")


def test_what_nobody_has_read_never_blocks_without_a_reason() -> None:
    blocking = {
        rule.rule_id
        for rule in PACK.rules
        for one in (*rule.require, *rule.forbid_if)
        if one.evidence in ("M", "none") and one.severity != "warn"
    }

    assert blocking == {"us-tn-elvis", "eu-cdsm-4-3"}
    assert {one.severity for rule in PACK.rules if rule.status == "not-law" for one in rule.require} == {"warn"}


def test_the_union_has_its_members() -> None:
    assert len(PACK.places["EU"]) == 27 and {"DE", "IE", "GR"} <= PACK.places["EU"] and "GB" not in PACK.places["EU"]


PAGE = (Path(__file__).parents[3] / "docs" / "rules.md").read_text(encoding="utf-8")


def test_the_page_lists_the_rules_as_they_are() -> None:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| `")]
    told = {row[0].strip("`"): row[1:] for row in rows if len(row) == 7}

    assert set(told) == {rule.rule_id for rule in PACK.rules}
    for rule in PACK.rules:
        since = (rule.in_force_from or "no day recorded") + (f" to {rule.in_force_to}" if rule.in_force_to else "")
        source = f"[{rule.source}]({rule.source_url})" if rule.source_url else rule.source
        wanted = [rule.jurisdiction, rule.status, since, rule.severity, rule.evidence, source]
        assert told[rule.rule_id] == wanted, rule.rule_id
    assert {word for row in rows if len(row) == 3 for word in re.findall("`([a-z_]+)`", row[0])} == set(TESTS)


def test_the_page_s_grant_passes_and_its_pack_is_read() -> None:
    grant, own = re.findall("```json\n(.*?)```", PAGE, re.DOTALL)

    assert lacks(json.loads(grant), jurisdiction="US-CA", on="2026-11-20", kind="likeness") == ()
    assert len(parse_packs([*shipped_texts(), ("own.json", own)]).rules) == len(PACK.rules) + 1
