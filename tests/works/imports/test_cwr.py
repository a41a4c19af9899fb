"""A CWR file is read whole; what is wrong is said record by record, and what could hide somebody's share is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.ids import PartyId
from endcredits.works.imports import Reading, read_cwr
from endcredits.works.shares import Holding, agree

from . import made as m


def read(tmp_path: Path, lines: list[str], **options: str) -> Reading:
    return read_cwr(m.written(tmp_path / "CW260001.V21", lines), **options)


def paid(reading: Reading, number: int = 0) -> dict[tuple[str, str], dict[str, int]]:
    """Who is paid what (in hundredths of a percent) of each right and place, by name; "" for nobody."""
    one = reading.registrations[number]
    names = {party.key: party.name for party in one.parties}
    holdings = [
        Holding(PartyId(names[each.party_key] if each.party_key else "nobody"), each.share_ppb, each.right, each.region)
        for each in one.holdings
    ]
    found: dict[tuple[str, str], dict[str, int]] = {}
    for split in agree(holdings).splits:
        name = "" if split.party_id == "nobody" or split.party_id.startswith("party:not-agreed") else split.party_id
        of_set = found.setdefault((split.right, split.territory), {})
        of_set[name] = of_set.get(name, 0) + split.split_ppb // 100_000
    return found


@pytest.mark.parametrize("version", ["2.1", "2.2"])
def test_a_work_with_a_sub_publisher(tmp_path: Path, version: str) -> None:
    """Collection goes before ownership, the sub-publisher has two countries, and nobody is told who collects elsewhere."""
    reading = read(tmp_path, m.file_of(m.SALT_ROAD, m.LAMP_SONG, version=version))
    assert (reading.sender, reading.records, len(reading.registrations)) == ("TIDE MUSIC", 21, 2)
    salt = reading.registrations[0]
    assert salt.title == "THE SALT ROAD" and salt.other_titles == ("DIE SALZSTRASSE",)
    assert salt.identifiers == ((f"submitter:{m.SENDER}", "TM0001"), ("iswc", m.iswc(345246801)), ("isrc", "GBEMI0300013"))
    assert [(one.role, one.display_credit) for one in salt.credits] == [
        ("OriginalPublisher", "TIDE PRESS"),
        ("SubPublisher", "NORTH SUB"),
        ("ComposerLyricist", "ADA QUILL"),
        ("Translator", "TARA LIN"),
        ("Performer", "UNA HORN"),
    ]
    assert {party.name: party.identifiers for party in salt.parties}["TARA LIN"] == (("ipi", m.TARA),)
    performance = {place: portions for (right, place), portions in paid(reading).items() if right == "performance"}
    assert performance == {
        "WORLD": {"ADA QUILL": 6000, "TARA LIN": 2000, "": 2000},
        "DE": {"ADA QUILL": 6000, "TARA LIN": 2000, "NORTH SUB": 2000},
        "AT": {"ADA QUILL": 6000, "TARA LIN": 2000, "NORTH SUB": 2000},
    }
    assert paid(reading)["mechanical", "DE"] == {"ADA QUILL": 3000, "TARA LIN": 2000, "NORTH SUB": 5000}
    assert paid(reading, 1)["performance", "WORLD"] == {"BEN MARL": 5000, "": 5000}
    assert [(one.record, one.effect) for one in reading.notices] == [(16, "noted"), (19, "held")]


def test_exclusions_and_groups_of_countries(tmp_path: Path) -> None:
    """The world but America and Scandinavia: what is taken out again is nobody's there."""
    records = (
        m.work("WORLD BUT", "TM3"),
        m.writer("W1", "QUILL", "ADA", "C", m.ADA, 10000, 10000, 10000),
        m.writer_place("W1", 10000, 10000, 10000, m.WORLD),
        m.writer_place("W1", 0, 0, 0, m.AMERICA, "E"),
        m.writer_place("W1", 0, 0, 0, "2131", "E"),
    )
    found = {
        place: portions
        for (right, place), portions in paid(read(tmp_path, m.file_of(records))).items()
        if right == "mechanical"
    }
    nobody = {"": 10000}
    assert found == {"WORLD": {"ADA QUILL": 10000}, "US": nobody, "DK": nobody, "NO": nobody, "SE": nobody}


def test_shares_without_territories_are_owned_everywhere(tmp_path: Path) -> None:
    """Three thirds are 99.99 %, of which the hundredth waits; training is divided only where somebody says how."""
    thirds = [m.writer(f"W{n}", f"THIRD{n}", "A", "C", m.ipi(50 + n), 3333, 3333, 3333, kind="OWR") for n in range(3)]
    lines = m.file_of((m.work("THIRDS", "TM4"), *thirds))
    found = paid(read(tmp_path, lines))
    assert found["performance", "WORLD"] == {"A THIRD0": 3333, "A THIRD1": 3333, "A THIRD2": 3333, "": 1}
    assert {right for right, _ in found} == {"performance", "mechanical", "synchronisation"}
    assert paid(read(tmp_path, lines, train_as="MR"))["train", "WORLD"] == found["mechanical", "WORLD"]


@pytest.mark.parametrize(
    ("place", "wrong", "said"),
    [(-2, "GRT000010000000300000021", "counts 3 transactions, not 2"), (-2, "GRT00001", "counts no transactions"),
     (-1, "TRL000010000000200000099", "counts 99 records, not 21"), (-1, "TRL000020000000200000021", "2 groups, not 1")],
)  # fmt: skip
def test_wrong_counts_take_nothing_of_what_they_count(tmp_path: Path, place: int, wrong: str, said: str) -> None:
    """A record that was lost on the way may be somebody's share; each work that is not taken is named."""
    lines = m.file_of(m.SALT_ROAD, m.LAMP_SONG)
    lines[place] = wrong
    reading = read(tmp_path, lines)
    assert reading.registrations == ()
    assert any(said in one.problem and one.record == len(lines) + place + 1 for one in reading.notices)
    assert {one.title for one in reading.notices if one.problem.startswith("not taken")} == {"THE SALT ROAD", "LAMP SONG"}


def test_a_file_that_was_cut_is_not_taken(tmp_path: Path) -> None:
    """Without its end, without its group's end, with a record gone, or with one behind the end."""
    lines = m.file_of(m.SALT_ROAD, m.LAMP_SONG)
    for cut, said in [(lines[:-1], "end (TRL) is missing"), (lines[:-2], "end (TRL) is missing")]:
        reading = read(tmp_path, cut)
        assert reading.registrations == () and any(said in one.problem for one in reading.notices)
    without = [*lines[:-2], f"TRL00001{2:08d}{len(lines) - 1:08d}"]
    assert any("end (GRT) is missing" in one.problem for one in read(tmp_path, without).notices)
    behind = read(tmp_path, [*lines, lines[2]])
    assert len(behind.registrations) == 2 and any("behind the file's end" in one.problem for one in behind.notices)
    gone = m.file_of(m.SALT_ROAD[:5] + m.SALT_ROAD[6:], m.LAMP_SONG)
    numbered = [*gone[:7], *(line[:11] + f"{int(line[11:19]) + 1:08d}" + line[19:] for line in gone[7:15]), *gone[15:]]
    reading = read(tmp_path, numbered)
    assert [one.title for one in reading.registrations] == ["LAMP SONG"]
    assert any("is missing" in one.problem and one.title == "THE SALT ROAD" for one in reading.notices)


def test_bad_check_digits(tmp_path: Path) -> None:
    """A work is kept without its wrong number; a person's wrong number leaves a doubt, and the share waits."""
    records = (
        m.work("WRONG", "TM5", "T3452468019"),
        m.writer("W1", "QUILL", "ADA", "C", m.ADA[:-1] + str((int(m.ADA[-1]) + 1) % 10), 5000, 5000, 5000, kind="OWR"),
        m.writer("W2", "MARL", "BEN", "C", m.BEN, 5000, 5000, 5000, kind="OWR"),
        m.recording("NOT-AN-ISRC"),
    )
    reading = read(tmp_path, m.file_of(records))
    assert [(one.record, one.field, one.effect) for one in reading.notices] == [
        (3, "ISWC", "noted"),
        (4, "IPI Name #", "held"),
        (6, "ISRC", "noted"),
    ]
    assert reading.registrations[0].identifiers == ((f"submitter:{m.SENDER}", "TM5"),)
    assert paid(reading)["performance", "WORLD"] == {"BEN MARL": 5000, "": 5000}


def test_more_than_the_whole_is_kept_as_claimed(tmp_path: Path) -> None:
    """100.01 % is an over-claim that somebody has to settle; it is not scaled down."""
    records = (
        m.work("TOO MUCH", "TM6"),
        m.writer("W1", "QUILL", "ADA", "C", m.ADA, 5001, 5000, 5000),
        m.writer_place("W1", 5000, 5000, 5000, m.WORLD),
        m.writer("W2", "MARL", "BEN", "C", m.BEN, 5000, 5000, 5000, kind="OWR"),
    )
    reading = read(tmp_path, m.file_of(records))
    assert [one.problem for one in reading.notices] == ["100.01 % of the performance right are owned; all of it waits"]
    one = reading.registrations[0]
    assert sum(each.share_ppb for each in one.holdings if each.right == "performance") == 1_000_100_000
    assert {right for right, _ in paid(reading)} == {"mechanical", "synchronisation"}


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (m.writer_place("W1", 10001, 0, 0, m.WORLD), "is no share"),
        (m.writer_place("W9", 5000, 0, 0, m.WORLD), "does not name them"),
        (m.writer_place("W1", 5000, 0, 0, "2106"), "not a territory that we know"),
        (m.writer_place("W1", 5000, 0, 0, m.WORLD, "X"), "neither includes"),
        (m.writer_place("W1", 4000, 0, 0, m.GERMANY), "another PR share"),
    ],
)
def test_a_territory_that_cannot_be_used_takes_the_shares_with_it(tmp_path: Path, record: str, said: str) -> None:
    """The work is kept with its people; who is paid is left as it was."""
    first = (m.work("PLACES", "TM7"), m.writer("W1", "QUILL", "ADA", "C", m.ADA, 10000, 10000, 10000))
    reading = read(tmp_path, m.file_of((*first, m.writer_place("W1", 10000, 10000, 10000, m.WORLD), record)))
    assert reading.registrations[0].holdings == () and len(reading.registrations[0].credits) == 1
    assert any(said in one.problem and one.effect == "refused" for one in reading.notices)


def test_character_sets(tmp_path: Path) -> None:
    """ASCII or UTF-8; a work with a byte that is neither is refused by itself and named with its column."""
    accents = (m.work("L'ÉTÉ", "TM8"), m.writer("W1", "BRONTË", "ÉMILE", "C", m.ADA, 10000, 10000, 10000, kind="OWR"))
    reading = read(tmp_path, m.file_of(accents))
    assert reading.registrations[0].title == "L'ÉTÉ" and reading.registrations[0].parties[0].name == "ÉMILE BRONTË"
    assert [one.field for one in reading.notices] == ["Character Set"]
    assert read(tmp_path, m.file_of(accents, characters="UTF-8")).notices == ()
    latin = read_cwr(m.written(tmp_path / "latin.V21", m.file_of(accents, m.LAMP_SONG), "latin-1"))
    assert [one.title for one in latin.registrations] == ["LAMP SONG"]
    assert any("neither ASCII nor UTF-8" in one.problem and one.record == 3 for one in latin.notices)


@pytest.mark.parametrize("data", [b"", b"HDR", b"title,creator\n", b"\xff\xfeHDR", b"HDR" + b" " * 200, b"PK\x03\x04"])
def test_what_is_no_cwr_file(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.V21").write_bytes(data)
    with pytest.raises(InputError):
        read_cwr(tmp_path / "x.V21")


def test_other_versions_groups_and_records_are_told(tmp_path: Path) -> None:
    """Nothing of a file is passed over in silence."""
    lines = m.file_of(m.LAMP_SONG)
    newer = [lines[0], lines[1].replace("02.10", "03.00"), *lines[2:]]
    assert any("'03.00' is not 2.1 or 2.2" in one.problem for one in read(tmp_path, newer).notices)
    agreement = m.file_of(("AGR{n}0000001",), kind="AGR")
    assert [one.problem for one in read(tmp_path, agreement).notices] == [
        "a transaction of the type 'AGR' is not read: it registers no work"
    ]
    strange = read(tmp_path, m.file_of((*m.LAMP_SONG, "XYZ{n}what is this")))
    assert any("'XYZ' are not read" in one.problem and one.effect == "refused" for one in strange.notices)
    nameless = read(tmp_path, m.file_of((m.work("", "TM9"), *m.LAMP_SONG[1:])))
    assert nameless.registrations == () and any(one.field == "Work Title" for one in nameless.notices)


def test_names_are_data(tmp_path: Path) -> None:
    """Formulas, markup and addresses stand where names do: kept as they are, or their share waits."""
    records = (
        m.work("=CMD|' /C calc'!A0", "<b>1</b>"),
        m.writer("W1", "<script>", "=1+1", "C", m.ADA, 5000, 5000, 5000, kind="OWR"),
        m.writer("W2", "a@example.org", "", "C", m.BEN, 5000, 5000, 5000, kind="OWR"),
    )
    reading = read(tmp_path, m.file_of(records))
    assert [party.name for party in reading.registrations[0].parties] == ["=1+1 <script>"]
    assert paid(reading)["performance", "WORLD"] == {"=1+1 <script>": 5000, "": 5000}


LINES = m.file_of(m.SALT_ROAD, m.LAMP_SONG)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, len(LINES) - 1),
    st.integers(0, 160),
    st.text(max_size=6),
    st.sampled_from(["put", "cut", "drop", "twice"]),
)
def test_a_damaged_file_is_an_input_error_or_notices(
    tmp_path_factory: pytest.TempPathFactory, row: int, at: int, text: str, how: str
) -> None:
    """Whatever is changed: never another error, never more than the whole taken, and a record lost is a notice."""
    lines = list(LINES)
    if how == "drop":
        del lines[row]
    elif how == "twice":
        lines.insert(row, lines[row])
    else:
        lines[row] = lines[row][:at] + text.replace("\n", "") + (lines[row][at + len(text) :] if how == "put" else "")
    path = tmp_path_factory.getbasetemp() / "damaged.V21"
    path.write_bytes("\r\n".join(lines).encode("utf-8", "surrogatepass"))
    try:
        reading = read_cwr(path)
    except InputError:
        return
    if how in ("drop", "twice"):
        assert any(one.effect == "refused" for one in reading.notices)
    for one in reading.registrations:
        assert all(0 < each.share_ppb <= 1_000_000_000 for each in one.holdings)
