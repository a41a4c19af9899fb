"""A table in DDEX's words becomes works with people and shares; a bad row takes the shares of its work along."""

from __future__ import annotations

from pathlib import Path

import pytest

from endcredits.errors import InputError
from endcredits.works.imports import Reading, read_ddex_csv

from . import made as m

HEAD = "work_id,title,iswc,contributor,role,display_credit,ipi,right,share,territory,valid_from,valid_to"


def read(tmp_path: Path, *rows: str, head: str = HEAD) -> Reading:
    path = tmp_path / "works.csv"
    path.write_text("\n".join((head, *rows)) + "\n", encoding="utf-8")
    return read_ddex_csv(path)


def test_works_with_people_shares_places_and_days(tmp_path: Path) -> None:
    """Roles in any spelling, credits as they read, two rights, a credit without a share."""
    reading = read(
        tmp_path,
        f"work:salt,The Salt Road,{m.iswc(345246801)},Ada Quill,author,,{m.ADA},,60%,,2026-01-01,2026-06-30",
        "work:salt,The Salt Road,,Tara Lin,TRANSLATOR,Tara Lin (into English),,,400000000,WORLD -US,2026-01-01,",
        "work:salt,The Salt Road,,Una Horn,Featured Artist,,,,,,,",
        ",Lamp Song,,Ben Marl,Foley walker,,,performance,100%,DE AT,,",
    )
    salt, lamp = reading.registrations
    assert (salt.work_id, salt.said, lamp.work_id, lamp.said) == ("work:salt", True, "", False)
    assert salt.identifiers == (("iswc", m.iswc(345246801)),)
    assert [(one.role, one.display_credit) for one in salt.credits] == [
        ("Author", ""),
        ("Translator", "Tara Lin (into English)"),
        ("FeaturedArtist", ""),
    ]
    assert [(one.share_ppb, one.right, str(one.region), one.valid_from, one.valid_to) for one in salt.holdings] == [
        (600_000_000, "train", "WORLD", "2026-01-01", "2026-06-30"),
        (400_000_000, "train", "WORLD -US", "2026-01-01", ""),
    ]
    assert [(one.right, str(one.region), one.role) for one in lamp.holdings] == [("performance", "AT DE", "Foley walker")]
    assert [(one.record, one.effect) for one in reading.notices] == [(4, "noted")]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (",Lamp,,,Author,,,,60%,,,", "creator"),
        (",Lamp,,Ben,,,,,60%,,,", "role"),
        (",Lamp,,Ben,Author,,,,lots,,,", "share"),
        (",Lamp,,Ben,Author,,,,0%,,,", "share"),
        (",Lamp,,Ben,Author,,,,60%,EUROPA,,", "territory"),
        (",Lamp,,Ben,Author,,,,60%,WORLD -WORLD,,", "territory"),
        (",Lamp,,Ben,Author,,,,60%,,2026-02-30,", "valid_from"),
        (",Lamp,,Ben,Author,,,,60%,,2026-02-03,2026-02-01", "valid_to"),
        (",Lamp,,b@example.org,Author,,,,60%,,,", "creator"),
        (",Lamp,,Ben,Author", ""),
    ],
)
def test_a_row_that_cannot_be_used_takes_its_works_shares_along(tmp_path: Path, row: str, field: str) -> None:
    """Before or behind the work's other rows; other works are taken."""
    good = ",Lamp,,Ada Quill,Author,,,,40%,,,"
    for rows in ((row, good), (good, row)):
        reading = read(tmp_path, *rows, ",Tide,,Cleo,Author,,,,100%,,,")
        lamp, tide = reading.registrations
        assert lamp.holdings == () and [one.party_key for one in lamp.credits] == ["ada quill"] and len(tide.holdings) == 1
        refused = [one for one in reading.notices if one.effect == "refused"]
        assert {one.record for one in refused} >= {rows.index(row) + 1} and any(one.field == field for one in refused)


def test_overlapping_days_are_found_with_both_rows(tmp_path: Path) -> None:
    """The same share twice in July in Germany; another place, role or month is no overlap."""
    rows = (
        ",Lamp,,Ben,Author,,,,100%,,2026-01-01,2026-07-31",
        ",Lamp,,Ben,Author,,,,50%,DE,2026-07-01,",
        ",Tide,,Cleo,Author,,,,50%,DE,2026-01-01,2026-06-30",
        ",Tide,,Cleo,Author,,,,60%,DE,2026-07-01,",
        ",Tide,,Cleo,Author,,,,70%,US,2026-01-01,",
        ",Tide,,Cleo,Translator,,,,30%,US,2026-01-01,",
    )
    reading = read(tmp_path, *rows)
    lamp, tide = reading.registrations
    assert lamp.holdings == () and len(tide.holdings) == 4
    assert [(one.record, one.field) for one in reading.notices] == [(1, "share"), (2, "valid_from")]
    assert "stands in row 1" in reading.notices[1].problem


def test_wrong_numbers(tmp_path: Path) -> None:
    """A work is kept without a wrong number, and the share of somebody with a wrong number waits."""
    reading = read(tmp_path, ",Lamp,T3452468019,Ben Marl,Author,,00014107339,,100%,,,")
    one = reading.registrations[0]
    assert one.identifiers == () and one.parties[0].identifiers == () and "check digits" in one.parties[0].doubt
    assert [each.party_key for each in one.holdings] == [""]
    assert [(each.field, each.effect) for each in reading.notices] == [("ipi", "held"), ("iswc", "noted")]


@pytest.mark.parametrize(
    "head",
    ["title,contributor", "Title,contributor,role", "title,title,contributor,role", "title,contributor,role,Valid From"],
)
def test_a_header_that_would_lose_a_column(tmp_path: Path, head: str) -> None:
    with pytest.raises(InputError):
        read(tmp_path, "a,b,c", head=head)


def test_a_table_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "works.csv").write_bytes("title,contributor,role\nÉté,Zoë,Author\n".encode("latin-1"))
    with pytest.raises(InputError, match="not UTF-8"):
        read_ddex_csv(tmp_path / "works.csv")


ISWC = m.iswc(345246801)
SPELT = f"t-{ISWC[1:4]}.{ISWC[4:7]}.{ISWC[7:10]}-{ISWC[10]}"


@pytest.mark.parametrize(
    "rows",
    [
        (f",Salt,{ISWC},Ada,Author,,,,60%,,,", f",Salt,{SPELT},Tara,Translator,,,,40%,,,"),
        (f",Salt,{ISWC},Ada,Author,,,,60%,,,", ",Salt,,Tara,Translator,,,,40%,,,"),
        (",SALT,,Tara,Translator,,,,40%,,,", f",Salt,{ISWC},Ada,Author,,,,60%,,,"),
        (f",Salt,{ISWC},Ada,Author,,,,60%,,,", "work:salt,Salt,,Ada,Editor,,,,40%,,,"),
        (",Salte\u0301,,Ada,Author,,,,60%,,,", ",Salt\u00e9,,Tara,Translator,,,,40%,,,"),
    ],
    ids=["two spellings", "number in the first row", "number in the last row", "an id and a number", "NFD and NFC"],
)
def test_rows_of_one_work_are_one_work_however_they_call_it(tmp_path: Path, rows: tuple[str, ...]) -> None:
    """No share is lost on a second reading of the same work, and a broken row holds all of them back."""
    (work,) = read(tmp_path, *rows).registrations
    assert sum(one.share_ppb for one in work.holdings) == 1_000_000_000
    (work,) = read(tmp_path, rows[0], rows[1].replace("%", " lots")).registrations
    assert work.holdings == ()


def test_two_works_of_one_title_stay_two(tmp_path: Path) -> None:
    """A row without a number goes to the work of its people; where that cannot be told no share of them is taken."""
    other = m.iswc(345246802)
    rows = (f",Salt,{ISWC},Ada,Author,,,,60%,,,", f",Salt,{other},Ben,Author,,,,100%,,,")
    assert [len(one.holdings) for one in read(tmp_path, *rows).registrations] == [1, 1]
    ada, ben = read(tmp_path, *rows, ",Salt,,Ada,Composer,,,,40%,,,").registrations
    assert (len(ada.holdings), len(ben.holdings)) == (2, 1)
    reading = read(tmp_path, *rows, ",Salt,,Tara,Translator,,,,40%,,,")
    assert [one.holdings for one in reading.registrations] == [(), (), ()]
    assert any("may be of any of them" in one.problem for one in reading.notices)
    clash = (f"work:a,Salt,{ISWC},Ada,Author,,,,60%,,,", f"work:b,Pepper,{ISWC},Ben,Author,,,,100%,,,")
    assert [(one.work_id, one.holdings) for one in read(tmp_path, *clash).registrations] == [("work:a", ()), ("work:b", ())]


@pytest.mark.parametrize("head", ['"title"x,contributor,role', '"title,contributor,role', "title,contributor,role,shares"])
def test_a_header_that_is_no_csv_or_almost_ours(tmp_path: Path, head: str) -> None:
    with pytest.raises(InputError):
        read(tmp_path, "a,b,c", head=head)


@pytest.mark.parametrize("title", ["Sa\0lt", '"Sa\nlt"', "Sa\x1b[31mlt", "Salt\u202e", "S" * 401])
def test_a_title_that_is_not_one_line_is_a_finding(tmp_path: Path, title: str) -> None:
    """Only its own row is refused."""
    reading = read(tmp_path, f",{title},,Ada,Author,,,,60%,,,", ",Tide,,Cleo,Author,,,,100%,,,")
    assert [one.title for one in reading.registrations] == ["Tide"] and len(reading.registrations[0].holdings) == 1
    assert [(one.record, one.field) for one in reading.notices] == [(1, "title")]
    roles = read(tmp_path, f",Tide,,Cleo,{'R' * 101},,,,60%,,,")
    assert roles.registrations == () and roles.notices[0].field == "role"
