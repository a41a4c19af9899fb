"""`endcredits holds`, as people and programs type it."""

from __future__ import annotations

from pathlib import Path

import pytest

from endcredits.flows.studio import open_studio
from endcredits.ids import WorkId
from endcredits.ledger import Posting, make_entry, post
from endcredits.royalties import COMMONS_ACCOUNT, suspense_account
from tests.interfaces.terminal import type_in, type_well
from tests.story import house as h
from tests.story.house import House

RHYME = suspense_account(WorkId(h.RHYME))


@pytest.fixture
def studio(tmp_path: Path, house: House) -> Path:
    """Two closed months, in which a work that names nobody earned."""
    return house.copy(house.finished, tmp_path / "studio")


def test_list_search_and_release(studio: Path) -> None:
    listed = type_well("holds", "list", "--on", "2026-01-15", "--years", 3, "-s", studio)
    assert RHYME in listed.out and "free on 2028-01-31" in listed.out and "Counting Rhymes" in listed.out
    lots = type_well("holds", "list", "-s", studio, "--json").json
    assert {one["lot"]["account"] for one in lots} == {RHYME}
    assert "90 to 364 days" in type_well("holds", "list", "--ageing", "--on", "2026-01-15", "-s", studio).out
    ages = type_well("holds", "list", "--ageing", "--bounds", "10,20", "-s", studio, "--json").json
    assert sum(one["amount_micros"] for one in ages) == sum(one["lot"]["amount_micros"] for one in lots)
    assert type_in("holds", "list", "--bounds", "10;20", "-s", studio).code == 2
    assert "0 sums wait." in type_well("holds", "search", "no such", "-s", studio).out
    assert type_well("holds", "search", "rhymes", "-s", studio, "--json").json == lots

    release = ("holds", "release", RHYME, "--why", "found", "-s", studio)
    assert type_in(*release).code == 2
    assert type_in(*release, "--to", f"{h.ADA}=60%", "--to", f"{h.BEN}=30%").code == 2
    assert type_in(*release, "--years", 3).code == 2
    assert type_in(*release, "--to", h.ADA, "--to-commons", "--years", 3).code == 2
    assert type_well(*release, "--to-commons", "--years", 90, "--json").json == {"let_go": 0}
    done = type_well(*release, "--to", f"{h.ADA}=60%", "--to", f"{h.BEN}=40%", "--json").json
    assert sum(one["amount_micros"] for one in done["released"]["postings"]) == 0
    assert "No money waited." in type_well(*release, "--to", h.ADA).out
    assert type_in("check", "-s", studio).code == 0


def test_unclaimed_money_is_set_aside_and_given_back(studio: Path) -> None:
    words = ("holds", "unclaimed", h.CLEO, "--why", "letters came back", "-s", studio)
    postings = type_well(*words, "--json").json["set_aside"]["postings"]
    (account,) = {one["account"] for one in postings if one["amount_micros"] < 0}
    assert "Nothing is owed." in type_well(*words).out
    assert "Liabilities:Unclaimed:" in type_well("holds", "list", "-s", studio).out
    assert "Booked as" in type_well("holds", "release", account, "--why", "she wrote", "-s", studio).out
    assert type_in("check", "-s", studio).code == 0


def test_what_was_taken_too_much_is_shown_apart(studio: Path) -> None:
    """It is no sum that waits, in no list for programs, and nobody can be given it."""
    place = open_studio(studio)
    postings = [Posting(RHYME, 10**12, "EUR"), Posting(COMMONS_ACCOUNT, -(10**12), "EUR")]
    place.store.write(
        lambda conn: post(conn, make_entry("wrong", "2025-03-01", "by hand", postings), "2025-03-01T00:00:00Z")
    )
    place.close()
    for words in (("list",), ("search", "rhymes")):
        told = type_well("holds", *words, "-s", studio).out.splitlines()
        (line,) = (line for line in told if "EUR" in line)
        assert "taken too much since 2025-03-01" in line and RHYME in line and "-" not in line.split("EUR")[0]
        listed = type_well("holds", *words, "-s", studio, "--json").json
        assert all(one["lot"]["amount_micros"] > 0 for one in listed)
    release = ("holds", "release", RHYME, "--why", "found", "--to", h.ADA, "-s", studio)
    told = type_well(*release).out
    assert "USD" in told and "EUR" not in told, "what waits in another currency goes, and the debit stays"
    refused = type_in(*release)
    assert refused.code == 4 and "nothing waits" in refused.err
