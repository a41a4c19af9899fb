"""`endcredits rights decide|grant|deny|revoke|explain`: each from its words alone, with exit codes that mean something."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.interfaces.terminal import type_in, type_well
from tests.story import house as h


@pytest.fixture
def studio(tmp_path: Path) -> Path:
    """A studio with the house's works."""
    place, table = tmp_path / "studio", tmp_path / "works.csv"
    table.write_text(h.works_csv(), encoding="utf-8")
    type_well("init", place)
    type_well("works", "add", table, "-s", place)
    return place


def test_a_yes_a_question_and_its_end(studio: Path) -> None:
    granted = type_well(
        *("rights", "grant", h.SALT, "--verb", "retrieve", "--verb", "index", "--reason", "agreed", "--by", h.ADA),
        *("--credit", "Ada Q.", "-s", studio, "--json"),
    ).json
    assert [one["verb"] for one in granted["statements"]] == ["retrieve", "index"]
    assert {one["authority"] for one in granted["statements"]} == {"rightsholder"}
    assert granted["training"]["value"] == "allow"
    statement = granted["statements"][0]["permission_id"]

    asked = type_well("rights", "decide", h.SALT, "--verb", "retrieve", "-s", studio)
    assert "retrieve of work:salt-road at" in asked.out and "it obliges to credit: Ada Q." in asked.out
    assert f"decided by {statement}" in asked.out

    back = type_well("rights", "revoke", statement, "--reason", "enough", "--by", h.ADA, "-s", studio)
    assert back.out.startswith("Taken back from ") and "retrieve of work:salt-road now: unknown" in back.out

    no = type_in("rights", "decide", h.SALT, "--verb", "retrieve", "-s", studio, "--json")
    assert (no.code, no.json["value"], no.json["permission_id"]) == (3, "unknown", None)

    told = type_well("rights", "explain", h.SALT, "--verb", "retrieve", "-s", studio)
    assert "taken back from" in told.out and f"takes back {statement}" in told.out and "Ada Quill (rightsholder)" in told.out
    history = type_well("rights", "explain", h.SALT, "--verb", "retrieve", "-s", studio, "--json").json["history"]
    assert {one["standing"] for one in history} >= {"closed", "closes", "another verb"}


def test_several_verbs_are_a_yes_together_only(studio: Path) -> None:
    asked = type_in("rights", "decide", h.SALT, "--verb", "style", "--verb", "train", "-s", studio)
    assert asked.code == 3 and "style of" in asked.out and "train of" in asked.out
    told = type_in("rights", "decide", h.SALT, "--verb", "style", "--verb", "train", "-s", studio, "--json").json
    assert [one["value"] for one in told] == ["unknown", "allow"]
    assert type_in("rights", "explain", h.SALT, "--verb", "style", "--verb", "train", "-s", studio).code == 2


def test_a_name_stands_for_a_person(studio: Path) -> None:
    said = type_well("rights", "deny", h.ADA, "--verb", "style", "--reason", "no", "--by", "her friend", "-s", studio)
    assert "says her friend" in said.out and "By what right is not known" in said.out
    assert type_in("rights", "decide", h.ADA, "--verb", "style", "-s", studio).code == 3
    assert "there is no work 'Nobody At All'" in type_in("rights", "decide", "Nobody At All", "-s", studio).err


def test_all_works_at_once(studio: Path, tmp_path: Path) -> None:
    out = tmp_path / "answers.csv"
    type_well("rights", "deny", h.TIDE, "--reason", "no", "--by", h.CLEO, "-s", studio)

    said = type_well("rights", "decide", "--all", "--out", out, "-s", studio)
    facts = type_well("rights", "decide", "--all", "--verb", "style", "--json", "-s", studio).json

    listed = type_well("works", "list", "-s", studio, "--json").json
    rows = [line.replace('"', "").split(",") for line in out.read_text().splitlines()[1:]]
    assert {work: value for work, value, _ in rows} == {one["work_id"]: one["decision"] for one in listed}
    assert all(statement.startswith("perm:") == (value != "unknown") for _, value, statement in rows if value != "unknown")
    assert f"{len(listed)} works: " in said.out and "2 deny" in said.out
    assert facts["answers"] == {"unknown": len(listed)} and facts["out"] is None
    type_well("rights", "decide", "--all", "--out", tmp_path / "answers.parquet", "-s", studio)
    assert pq.read_table(tmp_path / "answers.parquet").num_rows == len(listed)
    for words in ((), (h.SALT, "--all"), (h.SALT, "--out", "x.csv")):
        assert type_in("rights", "decide", *words, "-s", studio).code == 2


def test_conditions_make_it_conditional_until_they_are_met(studio: Path) -> None:
    granted = type_well(
        *("rights", "grant", h.SALT, "--verb", "style", "--reason", "terms", "--by", h.ADA, "--territory", "DE"),
        *("--price", "0.02 EUR", "--unit", "output", "-s", studio, "--json"),
    ).json["statements"][0]
    assert granted["value"] == "conditional" and granted["conditions"]["price_micros"] == 20_000
    ask = ("rights", "decide", h.SALT, "--verb", "style", "-s", studio)

    lacking = type_in(*ask)
    assert lacking.code == 3 and "territory DE; a payment of 0.02 EUR per output" in lacking.out
    met = type_well(*ask, "--territory", "DE", "--accepted", granted["permission_id"])
    assert "allow" in met.out and "it obliges to a payment of 0.02 EUR per output" in met.out


def test_a_no_about_a_person_reaches_their_works(studio: Path) -> None:
    parties = type_well("works", "parties", "-s", studio, "--json").json
    ada = next(one["party_id"] for one in parties if one["name"] == h.ADA)

    type_well("rights", "deny", ada, "--verb", "train", "--verb", "style", "--reason", "no", "--by", ada, "-s", studio)

    found = type_in("rights", "decide", h.SALT, "-s", studio)
    assert found.code == 3 and f"said about the works of {ada}" in found.out
    assert "about person" in type_well("rights", "explain", h.SALT, "-s", studio).out
    assert type_in("rights", "decide", ada, "--verb", "style", "-s", studio).code == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("grant", h.SALT, "--price", "two EUR"), "--price"),
        (("grant", h.SALT, "--price", "-1 EUR"), "the price is negative"),
        (("grant", h.SALT, "--price", "1 XX"), "XX"),
        (("grant", h.SALT, "--as", "friend"), "'friend' is not an authority"),
        (("deny", "party:nobody"), "there is no party 'party:nobody'"),
        (("deny", "https://*/x"), "not a pattern of addresses"),
        (("revoke", "perm:none"), "there is no statement 'perm:none'"),
        (("grant", h.SALT, "--from", "tomorrow"), "'tomorrow' is not a UTC time"),
    ],
)
def test_bad_input_is_named(studio: Path, words: tuple[str, ...], says: str) -> None:
    found = type_in("rights", *words, "--reason", "so", "--by", h.ADA, "-s", studio)

    assert found.code == 2 and says in found.err


def test_anothers_statement_is_a_conflict(studio: Path) -> None:
    made = type_well("rights", "deny", h.SALT, "--reason", "no", "--by", h.ADA, "-s", studio, "--json").json
    statement = made["statements"][0]["permission_id"]

    found = type_in("rights", "revoke", statement, "--reason", "so", "--by", h.DORA, "-s", studio)
    assert found.code == 4 and "Only whoever made it can" in found.err
    replaced = type_well(
        "rights", "grant", h.SALT, "--reason", "now yes", "--by", h.ADA, "--replaces", statement, "-s", studio
    )
    assert "Training on it now: allow" in replaced.out
