"""What the rule pack asks for and what the documents say agree: over all rules of training data and of outputs."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.works.disclosure import (
    Document,
    california_documentation,
    eu_summary,
    fails,
    output_document,
    parse_facts,
    rendered,
    training_record,
)
from endcredits.works.disclosure.lacking import how_to
from endcredits.works.rules import Condition, Rule, lacks, shipped_pack
from tests.works.disclosure import made
from tests.works.rules import examples

MAKERS = {"EU": eu_summary, "US-CA": california_documentation}
TRAINING = [rule for rule in shipped_pack().rules if rule.kind == "training"]
OUTPUT = [rule for rule in shipped_pack().rules if rule.kind == "disclosure"]
ALWAYS = {"updated_on"}
"""What is counted whatever is registered: the document is made on its day."""


def conditions(rules: list[Rule]) -> Iterator[tuple[Rule, Condition]]:
    for rule in rules:
        for condition in (*rule.require, *rule.forbid_if):
            yield rule, condition


def document_of(rule: Rule, facts: Mapping[str, Any], on: str = made.ON) -> Document:
    of = made.collected(standing=made.standing(on=on))
    told = parse_facts(facts)
    return MAKERS[rule.jurisdiction](of, told, training_record(of, told))


def whole_for(rule: Rule) -> tuple[dict[str, Any], str]:
    """Facts with which the rule reaches the record and nothing is lacking, and the day."""
    plain = copy.deepcopy(dict(made.WHOLE))
    if rule.rule_id == "eu-ai-act-53-1-d-older":
        return {**plain, "market_date": "2024-01-01"}, "2027-08-03"
    return plain, made.ON


def lines(document: Document) -> dict[str, str]:
    return {line.field: line.origin for section in document.sections for line in section.lines if line.field}


def test_every_rule_of_training_data_has_its_document() -> None:
    """A rule of another place that is added to the pack must get a document, or a reason."""
    assert {rule.jurisdiction for rule in TRAINING} == set(MAKERS)


@pytest.mark.parametrize("rule", TRAINING, ids=lambda rule: rule.rule_id)
def test_with_whole_facts_nothing_is_missing(rule: Rule) -> None:
    plain, on = whole_for(rule)
    document = document_of(rule, plain, on)
    assert document.missing == () and f"Applied: {', '.join(sorted(_applied(rule)))}." in document.notes
    assert rule.rule_id in _applied(rule)
    for suffix in (".md", ".html"):
        assert b"Nothing that is required is missing" in rendered(document, suffix)


def _applied(rule: Rule) -> set[str]:
    if rule.jurisdiction != "EU":
        return {rule.rule_id}
    return {"eu-cdsm-4-3", rule.rule_id if "53" in rule.rule_id else "eu-ai-act-53-1-d"}


@pytest.mark.parametrize("rule", TRAINING, ids=lambda rule: rule.rule_id)
def test_every_field_that_a_rule_looks_at_stands_in_the_document(rule: Rule) -> None:
    plain, on = whole_for(rule)
    said = lines(document_of(rule, plain, on))
    for _, condition in conditions([rule]):
        assert condition.check.field.replace("[]", "[0]") in said, condition.condition_id


@pytest.mark.parametrize(
    ("rule", "condition"), list(conditions(TRAINING)), ids=lambda one: getattr(one, "condition_id", None) or one.rule_id
)
def test_what_is_not_declared_is_missing_by_the_rules_name(rule: Rule, condition: Condition) -> None:
    """The fact is taken away, or what it is counted from: the document says so at its line and in its table, as the pack
    says of the same record."""
    plain, on = whole_for(rule)
    field = condition.check.field.replace("[]", "[0]")
    document = without(rule, field, plain, on)
    if field in ALWAYS:
        assert lines(document)[field] == "counted"
        return
    row = [one for one in document.missing if one.law == rule.rule_id and one.field == field]
    assert row and row[0].fails and row[0].how
    if field != "datasets":
        assert lines(document)[row[0].field] == "missing"
    text = rendered(document, ".md").decode()
    assert f"| {rule.rule_id} ({row[0].severity}) |" in text and "Incomplete" in text
    found = lacks(document.record, jurisdiction=rule.jurisdiction, on=on, kind="training")
    assert [(one.rule_id, one.field, one.severity) for one in found] == [
        (one.law, one.field, one.severity) for one in document.missing
    ]


def without(rule: Rule, field: str, plain: dict[str, Any], on: str) -> Document:
    """The document of an operator who has nothing registered, and does not say this."""
    standing = made.standing(on=on, trained_at="")
    of = made.collected(works=(), refused=(), standards=(), raw_sha256="", standing=standing)
    told = copy.deepcopy(plain)
    told["datasets"][0].pop("works")
    told["datasets"][0].update(examples.TRAINING["datasets"][0])
    told.update({key: examples.TRAINING[key] for key in ("modalities", "size_bands", "latest_data_on", "raw_sha256")})
    told["processing"] = dict(examples.TRAINING["processing"])
    if field.startswith("sources"):
        told["datasets_complete"] = False
        told["datasets"][0].pop("kind")
    elif field == "result":
        told.pop("reservation_checked_at")
    elif field not in ALWAYS:
        told = examples.changed(told, {field.replace("[0]", ".0"): examples.GONE})
    facts = parse_facts(told)
    return MAKERS[rule.jurisdiction](of, facts, training_record(of, facts))


@pytest.mark.parametrize("rule", TRAINING, ids=lambda rule: rule.rule_id)
def test_without_facts_everything_that_is_not_counted_is_missing(rule: Rule) -> None:
    """No default stands in for a fact, and what is counted is not called missing."""
    _, on = whole_for(rule)
    document = document_of(rule, {}, on)
    assert fails(document.missing)
    asked = {one.field for one in document.missing}
    said = lines(document)
    for field in asked & set(said):
        assert said[field] == "missing"
    for field, origin in said.items():
        assert origin != "missing" or field in asked


def test_a_registry_with_its_works_declared_whole_needs_few_facts() -> None:
    """What follows from the works is counted: modalities, sizes, days, measures."""
    document = document_of(TRAINING[1], made.WHOLE)
    said = lines(document)
    for field in ("modalities", "size_bands", "latest_data_on", "processing.tdm_measures", "updated_on", "result"):
        assert said[field] == "counted", field
    assert "works kept out 1" in rendered(document, ".md").decode()


def output_of(record: Mapping[str, Any], on: str, jurisdiction: str = "WORLD") -> Document:
    return output_document(record, {}, made.standing(on=on), jurisdiction=jurisdiction)


def test_an_output_of_which_all_is_said_lacks_nothing() -> None:
    document = output_of(examples.OUTPUT, made.ON)
    assert document.missing == () and "disclosure-record" in document.notes[0]


@pytest.mark.parametrize(
    ("rule", "condition"), list(conditions(OUTPUT)), ids=lambda one: getattr(one, "condition_id", None) or one.rule_id
)
def test_what_an_output_lacks_is_said_at_its_line(rule: Rule, condition: Condition) -> None:
    """Over all rules of outputs and each of their conditions: by the rule's name, with how to supply it."""
    on = examples.day_for(rule)
    assert [one for one in output_of(examples.passing(rule, condition), on).missing if one.law == rule.rule_id] == []
    document = output_of(examples.failing(rule, condition), on)
    row = [one for one in document.missing if (one.law, one.field) == (rule.rule_id, condition.check.field)]
    assert row and row[0].fails
    assert row[0].how.startswith(("declare it in the facts: output.", "declare it in the facts: provider", "sign ", "it is"))
    assert condition.check.field in lines(document)
    silent = output_of(examples.changed(examples.passing(rule, condition), {condition.check.field: examples.GONE}), on)
    if condition.check.field != "visible_label.text":
        assert lines(silent)[condition.check.field] in ("missing", "not stated")


def test_how_to_supply_names_a_field_of_the_form() -> None:
    from endcredits.works.disclosure.fact_fields import fact_fields

    for kind, prefix in (("training", ""), ("disclosure", "output.")):
        for path in shipped_pack().fields[kind]:
            told = how_to(path.replace("[]", "[3]"), prefix=prefix)
            named = re.search(r"declare it in the facts: ([a-z0-9_.\[\]]+)", told)
            if named:
                assert re.sub(r"\[[0-9]+\]", "[]", named[1]) in fact_fields(), told


def leaves(value: Any, path: str = "") -> Iterator[str]:
    """The paths of all single facts, but for what makes a data set a data set."""
    if isinstance(value, dict):
        for key, one in value.items():
            if not (path.startswith("datasets") and key in ("name", "works")):
                yield from leaves(one, f"{path}.{key}".removeprefix("."))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for number, one in enumerate(value):
            yield from leaves(one, f"{path}.{number}")
    else:
        yield path


@given(st.lists(st.sampled_from(sorted(leaves(dict(made.WHOLE)))), unique=True), st.data())
def test_saying_less_never_completes_a_document(gone: list[str], data: st.DataObject) -> None:
    """Of two sets of facts, whatever the smaller one lacks less, it lacks something where the larger one does."""
    fewer = data.draw(st.lists(st.sampled_from(gone), unique=True) if gone else st.just([]))
    for rule in TRAINING[:2]:
        more, less = (
            document_of(rule, examples.changed(made.WHOLE, dict.fromkeys(paths, examples.GONE))) for paths in (fewer, gone)
        )
        assert fails(less.missing) or not fails(more.missing)
        assert {line for line, origin in lines(more).items() if origin == "counted"} >= {
            line for line, origin in lines(less).items() if origin == "counted"
        }
