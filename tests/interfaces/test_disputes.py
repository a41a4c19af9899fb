"""`endcredits disputes`, as people and programs type it."""

from __future__ import annotations

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


def test_from_open_to_end(studio: Path) -> None:
    words = ("disputes", "open", h.TIDE, "--claimant", "Zoë <b>Outside</b>", "--reason", "=HYPERLINK(mine)", "-s", studio)
    made = type_well(*words, "--json").json
    assert made["claimant"] == "Zoë <b>Outside</b>" and "is open since" in type_well(*words).out
    listed = type_well("disputes", "list", "--open", "-s", studio)
    assert "=HYPERLINK(mine)" in listed.out and "1 dispute, 1 of them open." in listed.out
    end = ("disputes", "end", made["dispute_id"], "--decision", "No proof.", "-s", studio, "--outcome")
    assert type_in(*end, "lost").code == 2
    assert type_in(*end, "settled", "--to", "Ada", "--to", "Ben=40%").code == 2
    ended = type_well(*end, "rejected", "--json").json
    assert ended["released"] is None and ended["dispute"]["outcome"] == "rejected" and ended["still_open"] == []
    assert "No money waited." in type_well(*end, "rejected").out
    assert type_in(*end, "upheld").code == 4 and type_in(*words).code == 4
    assert type_well("disputes", "list", "--open", "-s", studio, "--json").json == []
    assert type_in("check", "-s", studio).code == 0


def test_claims_from_a_file(studio: Path, tmp_path: Path) -> None:
    claims = tmp_path / "claims.csv"
    cleo, dora = party_id_of(h.CLEO), party_id_of(h.DORA)
    claims.write_text(f"work_id,party_id,claimed\n{h.TIDE},{cleo},80%\n{h.TIDE},{dora},40%\n")
    text = type_well("disputes", "claims", claims, "-s", studio).out
    assert "120% of the right train" in text and "1 newly so." in text
    assert type_well("disputes", "claims", claims, "-s", studio, "--json").json["opened"] == 0
    claims.write_text(f"work_id,party_id,claimed\n{h.TIDE},{cleo},eighty\n")
    refused = type_in("disputes", "claims", claims, "-s", studio)
    assert refused.code == 2 and "row 1, field 'claimed'" in refused.err
