"""`endcredits works sheet`, `works fund` and `works import`, as people and programs type them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from endcredits.works import party_id_of
from tests.interfaces.terminal import type_in, type_well
from tests.story import house as h
from tests.story.house import House
from tests.works.imports import made as m

DAY = "2025-03-01"
"""After the last closed day of the house."""


@pytest.fixture
def studio(tmp_path: Path, house: House) -> Path:
    """Two closed months."""
    return house.copy(house.finished, tmp_path / "studio")


def test_a_sheet_from_proposal_to_force(studio: Path) -> None:
    """Each step says who is missing; hostile names are data, and stay what they are."""
    words = (
        "works",
        "sheet",
        "propose",
        h.TIDE,
        f"{h.CLEO}=90%",
        "=HYPERLINK(1)=10%:translator:=cmd|x",
        "--from",
        DAY,
        "--by",
        "Cleo",
    )
    made = type_well(*words, "-s", studio, "--json").json
    assert made["state"] == "proposed" and made["is_new"] and len(made["new_parties"]) == 1
    assert [(line["name"], line["role"], line["display_credit"]) for line in made["lines"]][1] == (
        "=HYPERLINK(1)",
        "Translator",
        "=cmd|x",
    )
    again = type_well(*words, "-s", studio)
    assert made["sheet_id"] in again.out and "not yet" in again.out and "sheet accept" in again.out
    first = type_well("works", "sheet", "accept", made["sheet_id"], h.CLEO, "-s", studio)
    assert "accepted" in first.out and "proposed" in first.out
    last = type_well(
        "works", "sheet", "accept", made["sheet_id"], "=HYPERLINK(1)", "--by", "a letter", "-s", studio, "--json"
    ).json
    assert last["state"] == "in-force" and last["splits_set"] == 2 and last["missing"] == []
    shown = type_well("works", "sheet", "show", h.TIDE, "-s", studio)
    assert "in-force" in shown.out and "Translated by =cmd|x" in shown.out and "(a letter)" in shown.out
    assert type_well("works", "sheet", "show", made["sheet_id"], "-s", studio, "--json").json == [
        {key: last[key] for key in last if key != "splits_set"}
    ]
    assert "Nobody has proposed" in type_well("works", "sheet", "show", h.SALT, "-s", studio).out
    assert type_in("check", "-s", studio).code == 0


def test_more_than_the_whole_leaves_with_a_failed_check(studio: Path) -> None:
    words = (
        "works",
        "sheet",
        "propose",
        h.TIDE,
        f"{h.CLEO}=90%",
        "Tara Lin=10.01%",
        "--from",
        DAY,
        "--by",
        "Tara",
        "-s",
        studio,
    )
    text = type_in(*words)
    assert text.code == 3 and "over-claimed" in text.out and "holds the work's money" in text.out
    said = type_in(*words, "--json")
    assert said.code == 3 and len(said.json["disputes"]) == 1
    refused = type_in("works", "sheet", "accept", said.json["sheet_id"], "Tara Lin", "-s", studio)
    assert refused.code == 4 and "100.01 %" in refused.err
    assert len(type_well("disputes", "list", "--open", "-s", studio, "--json").json) == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("works", "sheet", "propose", h.TIDE, "Tara Lin", "--from", DAY, "--by", "T"), 2),
        (("works", "sheet", "propose", h.TIDE, "Tara Lin=99%", "--from", DAY, "--by", "T"), 2),
        (("works", "sheet", "propose", h.TIDE, "Tara Lin=100%", "--from", "2025-01-01", "--by", "T"), 4),
        (("works", "sheet", "propose", h.TIDE, "Tara Lin=100%", "--from", DAY, "--by", "T", "--territory", "2106"), 2),
        (("works", "sheet", "propose", "work:none", "Tara Lin=100%", "--from", DAY, "--by", "T"), 2),
        (("works", "sheet", "accept", "sheet:none", "Tara Lin"), 2),
        (("works", "sheet", "show", "work:none"), 2),
        (("works", "fund", "set", "A Fund", "A Fund=100%", "--from", DAY), 2),
        (("works", "fund", "set", "A Fund", "Una Horn=50%", "--from", DAY), 2),
        (("works", "fund", "set", "A Fund", "Una Horn=100%", "--from", "2025-01-01"), 4),
        (("works", "fund", "show", "--on", "soon"), 2),
        (("works", "import", "nowhere.V21", "--form", "cwr"), 2),
        (("works", "import", "nowhere.V21", "--form", "pdf"), 2),
    ],
)  # fmt: skip
def test_what_is_refused(studio: Path, words: tuple[str, ...], code: int) -> None:
    said = type_in(*words, "-s", studio, "--json")
    assert said.code == code and json.loads(said.err)["remedy"]


def test_funds_are_shown_with_whom_they_reach(studio: Path) -> None:
    type_well("works", "fund", "set", "Players Fund", "Una Horn=50%", "Strings Fund=50%", "--from", DAY, "-s", studio)
    type_well("works", "fund", "set", "Strings Fund", "Vic Viola=100%", "--from", DAY, "-s", studio)
    assert "No fund" in type_well("works", "fund", "show", "--on", "2025-02-01", "-s", studio).out
    text = type_well("works", "fund", "show", "--on", DAY, "-s", studio).out
    assert "reached: Una Horn 50%, Vic Viola 50%" in text
    found = type_well("works", "fund", "show", "--on", DAY, "-s", studio, "--json").json
    players = next(one for one in found if one["name"] == "Players Fund")
    assert players["reached"] == {party_id_of("Una Horn"): 500_000_000, party_id_of("Vic Viola"): 500_000_000}


def test_an_import_tells_each_record(studio: Path, tmp_path: Path) -> None:
    """A dry run and the run say the same; findings leave with code 3, and a file without any with 0."""
    path = m.written(tmp_path / "CW250001PUB_000.V21", m.file_of(m.SALT_ROAD, m.LAMP_SONG))
    dry = type_in("works", "import", path, "--form", "cwr", "--train-as", "MR", "--dry-run", "-s", studio)
    assert (
        dry.code == 3
        and "Would register without files: 1." in dry.out
        and "record 16 (THE SALT ROAD): 1 record(s) of the type 'ORN'" in dry.out
    )
    done = type_in("works", "import", path, "--form", "cwr", "--train-as", "MR", "-s", studio, "--json")
    assert done.code == 3 and done.json["records"] == 21 and [one["is_new"] for one in done.json["works"]] == [False, True]
    assert {one["effect"] for one in done.json["findings"]} == {"held", "noted"}
    again = type_in("works", "import", path, "--form", "cwr", "--train-as", "MR", "-s", studio, "--json").json
    assert not any(one["changed"] for one in again["works"])
    table = tmp_path / "credits.csv"
    table.write_text(f"work_id,title,contributor,role,share\n{h.TIDE},Tide,{h.CLEO},Author,100%\n")
    assert type_in("works", "import", table, "--form", "ddex-csv", "-s", studio).code == 0
    assert type_in("check", "-s", studio).code == 0


def test_the_credits_of_a_work(studio: Path, tmp_path: Path) -> None:
    """Roles in words, numbers, other titles, and who is paid where; a work without files says so."""
    path = m.written(tmp_path / "CW250001PUB_000.V21", m.file_of(m.SALT_ROAD, m.LAMP_SONG))
    done = type_in("works", "import", path, "--form", "cwr", "-s", studio, "--json").json
    text = type_well("works", "credits", h.SALT, "-s", studio).out
    for words in (
        "also: DIE SALZSTRASSE",
        "isrc GBEMI0300013",
        "Written by Ada Quill",
        "Translated by TARA LIN",
        f"ipi {m.TARA}",
    ):
        assert words in text
    assert "performance in DE: Ada Quill 60%, NORTH SUB 20%, TARA LIN 20%" in text
    roll = type_well("works", "credits", h.SALT, "--on", "2025-01-01", "-s", studio, "--json").json
    assert {one["right"] for one in roll["paid"]} == {"train"} and roll["credits"][0]["role"] == "author"
    lamp = next(one["work_id"] for one in done["works"] if one["is_new"])
    assert "no files yet" in type_well("works", "credits", lamp, "-s", studio).out
    assert type_in("works", "credits", "work:none", "-s", studio).code == 2
    assert type_in("works", "credits", h.SALT, "--on", "soon", "-s", studio).code == 2
