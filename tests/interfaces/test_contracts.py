"""`endcredits contracts`, `endcredits units` and `endcredits period correct`, as people and programs type them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from endcredits.works import party_id_of
from tests.interfaces.terminal import type_in, type_well
from tests.story import house as h
from tests.story.house import House


@pytest.fixture
def studio(tmp_path: Path, house: House) -> Path:
    """Two closed months."""
    return house.copy(house.finished, tmp_path / "studio")


def test_contracts_and_units_from_files(studio: Path, tmp_path: Path) -> None:
    terms, crew = tmp_path / "terms.csv", tmp_path / "crew.csv"
    terms.write_text(
        "contract_id,party_id,currency,valid_from,advance,reserve,reserve_days\n"
        f"tides,{party_id_of(h.CLEO)},EUR,2025-03-01,10.00,10%,30\n"
    )
    crew.write_text(f"work_id,right,party,time_units,salary_units\n{h.SALT},residual,{h.ADA},3,4\n")
    text = type_well("contracts", "add", terms, "-s", studio).out
    assert "advance 10.00 EUR" in text and "Recorded 1 contract; 0 were there already; 1 advance was booked." in text
    again = type_well("contracts", "add", terms, "-s", studio, "--json").json
    assert again == {"new": [], "already_there": 1, "advances": 0}
    assert "unrecouped 10.00 EUR" in type_well("contracts", "list", "-s", studio).out
    (listed,) = type_well("contracts", "list", "-s", studio, "--json").json
    assert (listed["payee"], listed["unrecouped_micros"]) == (h.CLEO, 10_000_000)

    assert "Recorded the units of 1 person" in type_well("units", "add", crew, "-s", studio).out
    assert type_well("units", "add", crew, "-s", studio, "--json").json == {"new": 0, "already_there": 1}
    assert "time 3  salary 4" in type_well("units", "list", "-s", studio).out
    assert type_well("units", "list", "-s", studio, "--json").json[0]["salary_units"] == 4

    crew.write_text(f"work_id,right,party,time_units,salary_units\n{h.SALT},residual,Nobody,3,4\n")
    refused = type_in("units", "add", crew, "-s", studio, "--json")
    error = json.loads(refused.err)
    assert (refused.code, error["row"], error["field"]) == (2, 1, "party") and error["file"] == str(crew)
    assert type_in("check", "-s", studio).code == 0


def test_a_period_is_corrected_after_a_look(studio: Path) -> None:
    words = ("period", "correct", h.JANUARY, "--policy", "pro-rata", "--reason", "wrong rules", "--by", "ada", "-s", studio)
    shown = type_well(*words, "--dry-run")
    assert "Nothing was posted." in shown.out and "gain and" in shown.out and "difference" in shown.out
    planned = type_well(*words, "--dry-run", "--json").json
    done = type_well(*words, "--json").json
    assert planned["dry_run"] and not done["dry_run"] and done["close_digest"] == planned["close_digest"]
    assert "was corrected so before (version 2); nothing changed." in type_well(*words).out
    assert "corrected" in type_well("period", "steps", h.JANUARY, "-s", studio).out
    told = type_well("statement", h.JANUARY, "-s", studio)
    assert "(wrong rules): what changed stands in each payee's next statement." in told.err
    assert type_well("statement", h.FEBRUARY, "-s", studio).err == ""
    assert type_in("period", "correct", "2031-01", *words[3:]).code == 2
    assert type_in("check", "-s", studio).code == 0
