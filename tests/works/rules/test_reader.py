"""The strict reader: what it refuses, it refuses with file, rule, key and remedy."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from endcredits.errors import InputError, NotFoundError
from endcredits.works.rules import lacks, parse_packs, read_pack, rule_of, shipped_pack

from . import examples

OWN: dict[str, Any] = {
    "endcredits_rules": 1,
    "about": "house rules",
    "fields": {"likeness": {"agent": {"type": "text", "null": True, "about": "who negotiated"}}},
    "generic_phrases": ["as we see fit"],
    "rules": [
        {
            "id": "house-agent",
            "title": "An agent",
            "jurisdiction": "WORLD",
            "kind": "likeness",
            "status": "agreement",
            "in_force_from": "2026-01-01",
            "in_force_to": "2030-01-01",
            "severity": "warn",
            "source": "our contract",
            "source_url": "https://a.example",
            "evidence": "R",
            "reviewed_on": "2026-10-01",
            "words": "An agent is named.",
            "require": [{"id": "agent", "field": "agent", "test": "present", "why": "name the agent"}],
        }
    ],
}


def own(**changes: Any) -> dict[str, Any]:
    """The own pack with changes of its rule; `GONE` takes a key away."""
    pack = copy.deepcopy(OWN)
    for key, value in changes.items():
        if value is examples.GONE:
            del pack["rules"][0][key]
        else:
            pack["rules"][0][key] = value
    return pack


def condition(**changes: Any) -> dict[str, Any]:
    return own(require=[{"id": "agent", "field": "agent", "test": "present", "why": "name the agent", **changes}])


def refused(pack: Any, text: str = "", name: str = "own.json") -> InputError:
    with pytest.raises(InputError) as error:
        from endcredits.works.rules import shipped_texts

        parse_packs([*shipped_texts(), (name, text or json.dumps(pack))])
    assert error.value.file == name and error.value.remedy
    return error.value


def test_an_own_file_stands_beside_the_shipped_rules(tmp_path: Path) -> None:
    file = tmp_path / "own.json"
    file.write_text(json.dumps(OWN), encoding="utf-8")
    pack = read_pack(file)

    assert {rule.rule_id for rule in pack.rules} - {rule.rule_id for rule in shipped_pack().rules} == {"house-agent"}
    assert rule_of(pack, "house-agent").pack == "own.json" and "as we see fit" in pack.generic_phrases
    without, named = examples.GRANT, {**examples.GRANT, "agent": "Ms Example"}
    assert [one.rule_id for one in lacks(without, jurisdiction="JP", on="2026-11-20", kind="likeness", pack=pack)] == [
        "house-agent"
    ]
    assert lacks(named, jurisdiction="JP", on="2026-11-20", kind="likeness", pack=pack) == ()
    assert lacks(named, jurisdiction="JP", on="2026-11-20", kind="likeness")[0].condition_id == "unknown-field"
    assert read_pack() is shipped_pack()


def test_a_later_rule_stands_in_the_place_of_an_earlier_one() -> None:
    from endcredits.works.rules import shipped_texts

    pack = parse_packs([*shipped_texts(), ("own.json", json.dumps(own(replaces=["us-tn-elvis"])))])

    assert pack.replaced == {"us-tn-elvis": "house-agent"}
    with pytest.raises(NotFoundError, match="'house-agent' stands in its place"):
        rule_of(pack, "us-tn-elvis")
    with pytest.raises(NotFoundError, match="rules list"):
        rule_of(pack, "us-tn")


def test_values_to_choose_from_are_joined() -> None:
    pack = own()
    pack["fields"]["likeness"]["agreements"] = {"type": "texts", "values": ["equity-2027"], "about": "more"}
    pack["rules"][0]["applies_if"] = [
        {"id": "bound", "field": "agreements", "test": "includes", "value": "equity-2027", "why": "it is for the bound"}
    ]
    from endcredits.works.rules import shipped_texts

    values = parse_packs([*shipped_texts(), ("own.json", json.dumps(pack))]).fields["likeness"]["agreements"].values
    assert "equity-2027" in values and "sag-aftra-commercials-2025" in values


@pytest.mark.parametrize(
    ("pack", "key", "message"),
    [
        (own(id=examples.GONE), "id", "rule 1: the key 'id' is missing"),
        (own(title=" "), "title", "rule 'house-agent': 'title' is not a text"),
        (own(titel="x"), "titel", "rule 'house-agent': 'titel' is not a key"),
        (own(kind="consent"), "kind", "which is not known"),
        (own(status="law"), "status", "which is not known"),
        (own(severity="stop"), "severity", "which is not known"),
        (own(evidence="X"), "evidence", "which is not known"),
        (own(jurisdiction="USA"), "jurisdiction", "is not a jurisdiction"),
        (own(in_force_from="2026"), "in_force_from", "is not a day"),
        (own(in_force_to="2025-12-31"), "in_force_to", "ends before it begins"),
        (own(reviewed_on=examples.GONE), "reviewed_on", "is missing"),
        (own(reviewed_on=None), "reviewed_on", "is not a text"),
        (own(source=examples.GONE), "source", "is missing"),
        (own(source_url="http://a.example"), "source_url", "does not begin with https://"),
        (own(source_url=examples.GONE), "source_url", "has an address"),
        (own(require=[]), "require", "asks for nothing"),
        (own(require={}), "require", "is not a list"),
        (own(require=["x"]), "", "require 1 is not an object"),
        (own(id="us-tn-elvis"), "id", "there is a rule of that id"),
        (own(replaces=["none"]), "replaces", "no earlier file"),
        (own(replaces="us-tn-elvis"), "replaces", "is not a list of texts"),
        (own(evidence="M", severity="block"), "severity", "more than a rule may say"),
        (own(status="not-law", severity="disclose"), "severity", "more than a rule may say"),
        (condition(evidence="M", severity="block"), "severity", "more than a rule may say"),
        (condition(id=examples.GRANT), "id", "is not a text"),
        (condition(field="agnet"), "field", "is not a field of such a record"),
        (condition(test="is_there"), "test", "which is not known"),
        (condition(test="true"), "test", "cannot be asked of 'agent'"),
        (condition(value="x"), "value", "'value' is not a key"),
        (condition(why=""), "why", "is not a text"),
        (condition(test="one_of"), "value", "is missing"),
        (condition(test="one_of", value=[]), "value", "is empty"),
        (condition(test="one_of", value=["a", "a"]), "value", "twice"),
        (condition(field="grantor", test="one_of", value=["me"]), "value", "can never stand in 'grantor'"),
        (condition(field="agreements", test="includes", value="x"), "value", "can never stand in"),
        (condition(field="log_index", test="at_most", value=-1), "value", "whole number"),
        (condition(field="log_index", test="at_most", value=True), "value", "whole number"),
        (condition(field="log_index", test="at_most", value=2**60), "value", "whole number"),
        (condition(field="term_to", test="within", other="signed_at", value="10 years"), "value", "not a span"),
        (condition(field="term_to", test="within", value="P10Y"), "other", "none is named"),
        (condition(field="term_to", test="within", other="person_id", value="P1Y"), "other", "cannot be compared"),
        (condition(field="term_to", test="before", value="soon"), "value", "is not a day"),
        (condition(field="term_to", test="not_after", other="nowhere"), "other", "is not a field"),
        (condition(test="differs", other="signed_at"), "other", "cannot be compared"),
        (condition(test="differs", other="is_minor"), "other", "cannot be compared"),
        (condition(test="differs", other="@on"), "other", "is no moment"),
        (condition(field="territories", test="reaches", value="usa"), "value", "is not a jurisdiction"),
        (condition(when=[{"field": "agent", "test": "present", "why": "x"}]), "why", "when 1: 'why' is not a key"),
        (condition(when="x"), "when", "is not a list"),
    ],
)
def test_what_is_refused(pack: Any, key: str, message: str) -> None:
    error = refused(pack)

    assert message in error.message and (error.field or "") == key
    assert "house-agent" in error.message or "rule 1" in error.message or pack["rules"][0].get("id") == "us-tn-elvis"


def test_what_nobody_has_read_narrows_nothing() -> None:
    one = {"id": "dead", "field": "deceased_on", "test": "present", "evidence": "M", "why": "it is about the dead"}

    assert "must not take records out" in refused(own(applies_if=[one])).message


def test_two_conditions_of_one_name() -> None:
    one = OWN["rules"][0]["require"][0]

    assert "two of its conditions are called 'agent'" in refused(own(forbid_if=[one])).message


def test_rows_of_two_lists() -> None:
    pack = condition(field="uses[].medium", when=[{"field": "seats[].free", "test": "true"}])
    pack["fields"]["likeness"] |= {
        "seats": {"type": "rows", "about": "seats"},
        "seats[].free": {"type": "yes-no", "about": "free"},
        "seats[].from": {"type": "day", "about": "first day"},
    }
    assert "rows of two lists (seats, uses)" in refused(pack).message
    pack["rules"][0]["require"][0] = {
        "id": "x",
        "field": "seats[].from",
        "test": "before",
        "other": "uses[].from",
        "why": "it is",
    }
    assert "stand in rows of two lists" in refused(pack).message


def test_a_reason_lets_a_weak_rule_block() -> None:
    from endcredits.works.rules import shipped_texts

    pack = own(evidence="M", severity="block", blocks_because="our insurer asks for it")
    rule = rule_of(parse_packs([*shipped_texts(), ("own.json", json.dumps(pack))]), "house-agent")

    assert rule.require[0].severity == "block" and rule.require[0].evidence == "M"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "the file is not an object"),
        ('{"endcredits_rules": 1, "endcredits_rules": 1}', "stands there twice"),
        ('{"rules": []}', "'endcredits_rules' is missing"),
        ('{"endcredits_rules": 2}', "not a version"),
        ('{"endcredits_rules": true}', "not a version"),
        ('{"endcredits_rules": 1, "rule": []}', "'rule' is not a key"),
        ('{"endcredits_rules": 1, "rules": {}}', "'rules' is not a list"),
        ('{"endcredits_rules": 1, "rules": [7]}', "rule 1 is not an object"),
        ('{"endcredits_rules": 1, "fields": []}', "'fields' is not an object"),
        ('{"endcredits_rules": 1, "generic_phrases": [""]}', "is not a list of texts"),
    ],
)
def test_files_that_are_no_pack(text: str, message: str) -> None:
    assert message in refused(None, text).message


def test_hostile_names_stay_data() -> None:
    error = refused(own(**{"\x1b[2J\u202e": 1}))

    assert "\x1b" not in str(error) and "\u202e" not in str(error)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_pack(tmp_path / "none.json")
    (tmp_path / "latin.json").write_bytes(b'{"about": "\xe9"}')
    with pytest.raises(InputError, match="not UTF-8"):
        read_pack(tmp_path / "latin.json")
