"""A file of others reaches the books and the money: found by numbers or names, taken once, and never a permission."""

from __future__ import annotations

from pathlib import Path

import pytest

from endcredits.errors import InputError
from endcredits.flows import catalogue, periods, reporting
from endcredits.flows.books import account_balances
from endcredits.flows.checking import check_studio
from endcredits.flows.studio import Studio
from endcredits.flows.works_import import Imported, import_works
from endcredits.ids import WorkId
from endcredits.royalties import payable_account, suspense_account
from endcredits.works import parties, read_table, splits_at, works
from endcredits.works.shares.book import credits_of
from endcredits.works.shares.known_as import identifiers, imported_files
from tests.story import house as h
from tests.works.imports import made as m

from .used import ADA, CLEO, JANUARY, fail_commits, studio, used

__all__ = ["studio"]

SALT, TIDE = WorkId(h.SALT), WorkId(h.TIDE)
AT = "2025-01-01T00:00:00Z"


def cwr(studio: Studio, *records: object, **options: object) -> Imported:
    """Imports a file of works."""
    path = m.written(studio.path.parent / "CW250001PUB_000.V21", m.file_of(*records))  # type: ignore[arg-type]
    return import_works(studio, path, "cwr", at=AT, **options)  # type: ignore[arg-type]


def table(studio: Studio, *rows: str, **options: object) -> Imported:
    """Imports a table."""
    path = studio.path.parent / "works.csv"
    head = "work_id,title,contributor,role,ipi,right,share,territory,valid_from,valid_to"
    path.write_text("\n".join((head, *rows)) + "\n", encoding="utf-8")
    return import_works(studio, path, "ddex-csv", at=AT, **options)  # type: ignore[arg-type]


def paid_by(studio: Studio, work_id: WorkId, right: str, place: str, day: str = "2025-02-01") -> dict[str, int]:
    """Who is paid what, by name, in hundredths of a percent."""
    with studio.store.reading() as conn:
        work = next(one for one in works(conn) if one.work_id == work_id)
        people = parties(conn)
    return {people[one.party_id].name: one.split_ppb // 100_000 for one in splits_at(work, right, place, day)}


def test_a_song_is_found_by_title_and_name_and_its_shares_are_paid(studio: Studio) -> None:
    """The registered work gets the file's splits; what the file says nobody collects waits; the close still replays."""
    done = cwr(studio, m.SALT_ROAD, train_as="MR")
    assert [(one.work_id, one.is_new, one.sets > 0) for one in done.works] == [(SALT, False, True)]
    assert paid_by(studio, SALT, "train", "DE") == {"Ada Quill": 3000, "TARA LIN": 2000, "NORTH SUB": 5000}
    assert paid_by(studio, SALT, "train", "FR") == {"Ada Quill": 3000, "TARA LIN": 2000, "Not agreed yet": 5000}
    with studio.store.reading() as conn:
        roles = [(one.role, one.display_credit) for one in credits_of(conn, SALT)]
        known = {(one.scheme, one.value) for one in identifiers(conn) if one.work_id == SALT}
    assert ("Translator", "TARA LIN") in roles and roles[0] == ("author", h.ADA)
    assert {("iswc", m.iswc(345246801)), ("isrc", "GBEMI0300013")} <= known
    reporting.report(studio, [used(studio, "jan", h.SALT, "2025-01-05", 1_000, territory="FR")])
    periods.close(studio, JANUARY)
    balances = account_balances(studio)
    ada, waiting = -balances[payable_account(ADA), "EUR"], -balances[suspense_account(SALT), "EUR"]
    assert 3 * waiting == pytest.approx(5 * ada, abs=20) and ada > 0
    assert check_studio(studio) == []


def test_what_stands_in_two_chains_is_added_up(studio: Studio) -> None:
    """A publisher of both halves has both; nothing of it is taken for a mistake."""
    done = cwr(studio, m.TWO_CHAINS)
    assert done.notices == () and done.works[0].sets == 3
    assert paid_by(studio, done.works[0].work_id, "mechanical", "FR") == {"TIDE PRESS": 5000, "ADA QUILL": 5000}


def test_no_file_is_a_permission(studio: Studio) -> None:
    """Works that only a file knows are unknown to training, and so refused; the registered keep what was said of them."""
    before = {one.work_id for one in catalogue.corpus(studio).admitted}
    done = cwr(studio, m.SALT_ROAD, m.LAMP_SONG, train_as="PR")
    lamp = next(one for one in done.works if one.is_new)
    found = catalogue.corpus(studio)
    assert {one.work_id for one in found.admitted} == before
    assert {one.work_id: decision.value for one, decision in found.refused}[lamp.work_id] == "unknown"
    assert check_studio(studio) == []


def test_the_same_file_again_changes_nothing(studio: Studio) -> None:
    """Neither on the same day nor on another; the file itself is kept."""
    cwr(studio, m.SALT_ROAD, m.LAMP_SONG)
    before = h.dump(studio)
    for day in ("2025-01-01", "2025-03-01"):
        again = cwr(studio, m.SALT_ROAD, m.LAMP_SONG, since=day)
        assert not any(one.changed for one in again.works) and again.new_parties == 0
        assert h.dump(studio) == before
    with studio.store.reading() as conn:
        (sha256,) = imported_files(conn)
    (studio.content / sha256[:2] / sha256).write_bytes(b"HDR something else")
    assert any("bytes that it is named after" in one.problem for one in check_studio(studio))


def test_a_dry_run_says_the_same_and_keeps_nothing(studio: Studio) -> None:
    before = h.dump(studio)
    would = cwr(studio, m.SALT_ROAD, m.LAMP_SONG, dry_run=True)
    assert h.dump(studio) == before
    done = cwr(studio, m.SALT_ROAD, m.LAMP_SONG)
    assert would.works == done.works and would.notices == done.notices and would.dry_run and not done.dry_run


def test_a_work_that_only_a_file_knows_is_found_again_when_its_files_come(studio: Studio, tmp_path: Path) -> None:
    """The files' work is the one that earns; the same file again gives it the shares."""
    first = cwr(studio, m.LAMP_SONG, train_as="PR").works[0]
    assert first.is_new
    (tmp_path / "more.csv").write_text(
        "work_id,title,creator,permission,text\nwork:lamp-song,Lamp song,Ben Marl,allow,la la la\n"
    )

    catalogue.add_works(studio, read_table(tmp_path / "more.csv"))
    again = cwr(studio, m.LAMP_SONG, train_as="PR").works[0]
    assert (again.work_id, again.is_new) == ("work:lamp-song", False)
    assert paid_by(studio, WorkId("work:lamp-song"), "train", "WORLD") == {"BEN MARL": 5000, "Not agreed yet": 5000}
    assert check_studio(studio) == []


def test_over_claims_are_held_and_not_averaged(studio: Studio) -> None:
    """100.01 % of a right: no new split, and a dispute keeps all of the work's money, until somebody decides."""
    done = table(
        studio, f"{SALT},The Salt Road,Ada Quill,Author,,,60%,,,", f"{SALT},The Salt Road,Tara Lin,Translator,,,40.01%,,,"
    )
    assert done.works[0].sets == 0 and len(done.works[0].disputes) == 1
    assert any(one.effect == "held" and "100.01 %" in one.problem for one in done.notices)
    assert paid_by(studio, SALT, "train", "WORLD") == {h.ADA: 6000, h.BEN: 4000}
    reporting.report(studio, [used(studio, "jan", h.SALT, "2025-01-05", 1_000)])
    periods.close(studio, JANUARY)
    assert (payable_account(ADA), "EUR") not in account_balances(studio)
    assert account_balances(studio)[f"Liabilities:Disputed:{SALT}", "EUR"] < 0
    assert check_studio(studio) == []


def test_dated_shares_of_a_table(studio: Studio) -> None:
    """One translator until June, another from July on, and nobody in between where a day is missing."""
    rows = [
        f"{TIDE},Tide,Cleo <i>Dunn</i>,Author,,,90%,,2025-01-01,",
        f"{TIDE},Tide,Tara Lin,Translator,,,10%,,2025-01-01,2025-06-29",
        f"{TIDE},Tide,Vic Viola,Translator,,,10%,,2025-07-01,",
    ]
    assert table(studio, *rows).works[0].sets == 3
    days = ("2025-06-29", "2025-06-30", "2025-07-01")
    assert [set(paid_by(studio, TIDE, "train", "WORLD", day)) - {h.CLEO} for day in days] == [
        {"Tara Lin"},
        {"Not agreed yet"},
        {"Vic Viola"},
    ]
    assert not any(one.changed for one in table(studio, *rows).works)
    with studio.store.reading() as conn:
        assert CLEO in parties(conn)


def test_closed_days_other_splits_and_strangers_are_findings(studio: Studio) -> None:
    """Nothing that a closed period was computed from is changed, and a work that nobody registered is not made up."""
    reporting.report(studio, [used(studio, "jan", h.SALT, "2025-01-05")])
    periods.close(studio, JANUARY)
    before = paid_by(studio, SALT, "train", "WORLD")
    for first in ("2025-01-15", "0001-01-01"):
        done = table(studio, f"{SALT},The Salt Road,Tara Lin,Author,,,100%,,{first},")
        assert done.works[0].sets == 0 and any(one.field == "valid_from" and one.effect == "refused" for one in done.notices)
    assert paid_by(studio, SALT, "train", "WORLD") == before
    assert cwr(studio, m.SALT_ROAD, train_as="SR").works[0].sets > 0
    assert paid_by(studio, SALT, "train", "DE", "2025-01-31") == before
    assert set(paid_by(studio, SALT, "train", "DE")) == {h.ADA, "TARA LIN", "NORTH SUB"}
    strange = table(studio, "work:none,Nothing,Tara Lin,Author,,,100%,,,")
    assert strange.works == () and "there is no work 'work:none'" in strange.notices[0].problem


def test_who_is_who(studio: Studio) -> None:
    """A number is somebody; a name alone is somebody only on a work that credits them; another number is somebody else."""
    cwr(studio, m.SALT_ROAD)
    with studio.store.reading() as conn:
        people = {one.name: one for one in parties(conn).values()}
    assert "ADA QUILL" not in people and people["TARA LIN"].identifiers == (("ipi", m.TARA),)
    done = table(studio, f",Another,A. Quill,Author,{m.ADA},,100%,,,", f",Another,Ada Quill,Editor,{m.ipi(4711)},,,,,")
    with studio.store.reading() as conn:
        credits = [one.party_id for one in credits_of(conn, done.works[0].work_id)]
    assert credits[0] == ADA and credits[1] != ADA
    assert any("'A. Quill' is registered as 'Ada Quill'" in one.problem for one in done.notices)


def test_two_works_with_one_title_are_not_guessed(studio: Studio, tmp_path: Path) -> None:
    """Somebody has to say which one it is; and a number that contradicts the books is refused."""

    (tmp_path / "two.csv").write_text("work_id,title,creator,text\nwork:salt-2,The salt-road!,Ada Quill,other text\n")
    catalogue.add_works(studio, read_table(tmp_path / "two.csv"))
    done = cwr(studio, m.SALT_ROAD)
    assert done.works == () and any("it may be any of work:salt-2, work:salt-road" in one.problem for one in done.notices)


def test_two_songs_of_one_name_by_the_same_people_are_two(studio: Studio) -> None:
    """Their numbers tell them apart, in one file and in the next; without any number they are one."""
    second = (m.work("LAMP SONG", "TM0099"), *m.LAMP_SONG[1:])
    first = cwr(studio, m.LAMP_SONG, second)
    assert len({one.work_id for one in first.works}) == 2 and all(one.is_new for one in first.works)
    assert [one.work_id for one in cwr(studio, second, m.LAMP_SONG).works] == [one.work_id for one in reversed(first.works)]
    rows = (",Plain,Ben Marl,Author,,,100%,,,", ",PLAIN!,Ben Marl,Translator,,,,,,")
    done = table(studio, *rows)
    assert [one.is_new for one in done.works] == [True, False] and len({one.work_id for one in done.works}) == 1


def test_a_number_that_contradicts_the_books_is_refused(studio: Studio) -> None:
    cwr(studio, m.SALT_ROAD)
    other = (m.work("THE SALT ROAD", "TM0001", m.iswc(123)), *m.SALT_ROAD[1:])
    done = cwr(studio, other)
    assert done.works == () and any("and the file says" in one.problem for one in done.notices)


@pytest.mark.parametrize("kept", [False, True], ids=["lost", "kept-but-reported-lost"])
def test_an_import_is_whole_or_not_there(studio: Studio, monkeypatch: pytest.MonkeyPatch, kept: bool) -> None:
    """A commit that fails, either way: the same command again ends in the same books."""
    before = h.dump(studio)
    with monkeypatch.context() as patch:
        fail_commits(studio, patch, kept=kept)
        with pytest.raises(Exception, match="connection was lost"):
            cwr(studio, m.SALT_ROAD, m.LAMP_SONG)
    assert (h.dump(studio) == before) == (not kept)
    cwr(studio, m.SALT_ROAD, m.LAMP_SONG)
    assert set(paid_by(studio, SALT, "performance", "DE")) == {h.ADA, "TARA LIN", "NORTH SUB"}
    assert check_studio(studio) == []


def test_options_that_make_no_sense(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a form"):
        import_works(studio, tmp_path / "x", "pdf")
    with pytest.raises(InputError, match="PR, MR or SR"):
        cwr(studio, m.LAMP_SONG, train_as="TRAIN")
    with pytest.raises(InputError, match="is not a day"):
        cwr(studio, m.LAMP_SONG, since="soon")


def test_titles_in_other_scripts_and_of_symbols_are_told_apart(studio: Studio) -> None:
    """Vowel signs and symbols are what tells them; a title of nothing but punctuation tells no work."""
    titles = ["दिन", "दीन", "★", "♥", "!!!", "???"]
    done = table(studio, *(f",{title},Ada Quill,Author,,train,100%,,," for title in titles))
    assert len({one.work_id for one in done.works}) == len(titles)
    again = table(studio, *(f",{title},Ada Quill,Author,,train,100%,,," for title in titles))
    assert [one.work_id for one in again.works] == [one.work_id for one in done.works]
    assert not any(one.changed for one in again.works)


def test_a_credit_without_a_share_is_no_finding(studio: Studio) -> None:
    """A work that only a file knows, and whose shares are not said, stands in the books as honestly as any."""
    table(studio, ",Only,Tara Lin,Author,,,,,,")
    assert check_studio(studio) == []
