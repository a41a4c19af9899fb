"""The record of training data: counted where it can be, declared where it is, and never a part for the whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from endcredits.errors import InputError
from endcredits.works.disclosure import Facts, parse_facts, training_record
from endcredits.works.disclosure.training import COUNTED, DECLARED, NAMES_SHOWN, bands_known, value_at
from tests.works.disclosure import made


def test_what_is_counted_of_a_corpus_that_is_all() -> None:
    made_record = made.record()
    values = made_record.values
    assert made_record.whole and values["modalities"] == ["text"] and values["latest_data_on"] == "2026-01-03"
    assert values["size_bands"] == ["text: less than 1 billion tokens"] and values["size_bands"][0] in bands_known()
    assert values["updated_on"] == made.ON and values["raw_sha256"] == "f" * 64
    assert values["result"] == "none-found" and values["licence_ref"] is None
    (row,) = values["datasets"]
    assert row["n_points"] == "3 works in 3 files, 600 bytes"
    assert row["sources_or_owners"] == "Author 1; Author 2; Author 3"
    assert row["point_types"] == "whole works, without labels: text/plain (3 files)"
    assert row["has_ip"] == ["copyright"] and row["purchased_or_licensed"] is True
    assert row["collection_period"] == {"ongoing": True, "from": "2026-01-01", "to": "2026-01-03"}
    assert row["first_use_dates"] == ["2026-03-01"]
    origins = made_record.origins
    assert origins["datasets[0].n_points"] == origins["modalities"] == COUNTED
    assert origins["datasets[0].purpose_fit"] == origins["provider"] == DECLARED
    assert origins["datasets[0].collection_period.from"] == COUNTED


@pytest.mark.parametrize("changes", [{"datasets_complete": False}, {"datasets": [{"name": "elsewhere"}]}])
def test_a_part_is_not_passed_off_as_the_whole(changes: dict[str, Any]) -> None:
    """With data outside of the registry, or without the operator's word, nothing is said of the whole."""
    made_record = made.record(with_facts=made.facts(changes))
    assert not made_record.whole and made_record.counted.works == 3
    for path in ("modalities", "size_bands", "latest_data_on", "processing.tdm_measures"):
        assert value_at(made_record, path) is ..., path
    assert value_at(made_record, "updated_on") == made.ON


def test_without_facts_no_source_is_said_to_be_absent() -> None:
    made_record = training_record(made.collected(), Facts({}))
    assert value_at(made_record, "sources") is ... and value_at(made_record, "provider") is ...
    contract = made.collected(made.work(1, ground="contract", licences=()))
    only = training_record(contract, parse_facts({"datasets_complete": True}))
    assert only.values["sources"]["licensed"] == ["registered works"] and only.values["sources"]["crawled"] is False
    assert only.values["sources"]["public"] == [] and only.origins["sources.licensed"] == COUNTED
    assert only.values["datasets"][0]["purchased_or_licensed"] is True


def test_what_is_outside_of_the_registry_is_declared_or_missing() -> None:
    told = parse_facts(
        {"datasets": [{"name": "far", "kind": "public", "n_points": "1,000 to 2,000"}, {"works": ["work:*"]}]}
    )
    far, here = training_record(made.collected(), told).values["datasets"]
    assert far == {"n_points": "1,000 to 2,000"}
    assert here["n_points"] == "3 works in 3 files, 600 bytes"


def test_numbers_of_registered_works_cannot_be_declared() -> None:
    told = parse_facts({"datasets": [{"works": ["work:*"], "n_points": "a billion"}]})
    made_record = training_record(made.collected(), told)
    assert made_record.values["datasets"][0]["n_points"] == "3 works in 3 files, 600 bytes"
    assert made_record.origins["datasets[0].n_points"] == COUNTED


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"modalities": ["image"]}, "modalities"), ({"latest_data_on": "2026-01-02"}, "latest_data_on")],
)
def test_a_fact_that_contradicts_a_count_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as told:
        made.record(with_facts=made.facts(changes))
    assert told.value.field == field
    agreeing = made.facts({"modalities": ["text", "audio"], "latest_data_on": "2026-02-01"})
    assert made.record(with_facts=agreeing).values["modalities"] == ["text", "audio"]


def test_public_domain_is_told_from_licences() -> None:
    free = made.work(1, ground="public domain", licences=("CC0-1.0",))
    assert training_record(made.collected(free), Facts({})).values["datasets"][0]["has_ip"] == ["public-domain"]
    both = training_record(made.collected(free, made.work(2)), Facts({})).values["datasets"][0]
    assert both["has_ip"] == ["copyright", "public-domain"] and both["purchased_or_licensed"] is True
    unknown = training_record(made.collected(made.work(1, ground="rights holder")), Facts({})).values["datasets"][0]
    assert "has_ip" not in unknown and "purchased_or_licensed" not in unknown


def test_many_names_are_cut_with_their_number() -> None:
    many = made.collected(made.work(1, names=tuple(f"Name {number:03d}" for number in range(NAMES_SHOWN + 5))))
    told = training_record(many, Facts({})).values["datasets"][0]["sources_or_owners"]
    assert told.endswith("Name 019; and 5 more")


def test_reserved_works_are_there_under_a_contract() -> None:
    under = replace(made.collected(), contracts=("perm:1", "perm:2"))
    values = made.record(under).values
    assert values["result"] == "reserved" and values["licence_ref"] == "perm:1, perm:2"


def test_the_gates_manifest_says_when_reservations_were_looked_for() -> None:
    gate = replace(made.collected(), standing=made.standing(admission="whole", admitted_at="2026-01-09T00:00:00Z"))
    silent = made.record(gate, made.facts(without="reservation_checked_at"))
    assert silent.values["reservation_checked_at"] == "2026-01-09T00:00:00Z" and silent.values["result"] == "none-found"
    assert made.record(gate).values["reservation_checked_at"] == "2026-01-01T00:00:00Z"
    never = made.record(made.collected(), made.facts(without="reservation_checked_at"))
    assert value_at(never, "result") is ...


def test_no_crawl_is_a_statement() -> None:
    told = parse_facts({"crawl": "none"})
    assert training_record(made.collected(), told).values["crawl"] is None
