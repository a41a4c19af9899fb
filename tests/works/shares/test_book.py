"""The stores of shares, on both databases: rows are added once, contradictions refused, and what does not fit is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import pytest
from sqlalchemy.engine import Connection

from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.ids import PartyId, WorkId
from endcredits.store import Store
from endcredits.works import Credit, Party, Split, check_works, parties, party_id_of, works
from endcredits.works.shares import FundShare, Sheet, SheetLine
from endcredits.works.shares.book import (
    BareWork,
    add_credits,
    add_nobody,
    add_parties,
    add_sets,
    add_work,
    add_works,
    credits_of,
    work_of,
)
from endcredits.works.shares.known_as import (
    WorkIdentifier,
    add_import,
    add_titles,
    identifiers,
    identify,
    identify_parties,
    imported_files,
    other_titles,
    parties_by_number,
)
from endcredits.works.shares.sheet_book import (
    add_acceptance,
    add_sheet,
    check_shares,
    fund_shares,
    set_fund,
    sheet_states,
    sheets,
)
from endcredits.works.shares.sheets import accepted, checked

T = TypeVar("T")
AT = "2026-01-01T00:00:00Z"
IPI = "00014107338"
NUMBER = (("ipi", IPI),)
ADA, BEN = party_id_of("Ada Quill", NUMBER), party_id_of("Ben Marl")
SALT, LAMP = WorkId("work:salt"), WorkId("work:lamp")


@pytest.fixture
def filled(store: Store) -> Store:
    """Two people and two works without files."""

    def fill(conn: Connection) -> None:
        assert add_parties(conn, [Party(ADA, "Ada Quill", "person", NUMBER), Party(BEN, "Ben Marl")]) == (ADA, BEN)
        assert add_parties(conn, [Party(BEN, "Ben Marl")]) == ()
        bare = [BareWork(SALT, "Salt", (Credit(ADA, "Author", "Ada Quill", 1),)), BareWork(LAMP, "Lamp", ())]
        add_works(conn, bare, AT)

    store.write(fill)
    return store


def read(store: Store, look: Callable[[Connection], T]) -> T:
    with store.reading() as conn:
        return look(conn)


def test_works_without_files_are_whole(filled: Store, tmp_path: object) -> None:
    """They have an id of their own in place of content, and the registry's check finds nothing wrong with them."""
    assert [(one.work_id, one.manifestations) for one in read(filled, works)] == [(LAMP, ()), (SALT, ())]
    filled.write(lambda conn: add_sets(conn, {LAMP: [Split(BEN, 1_000_000_000)], SALT: [Split(ADA, 1_000_000_000)]}))
    assert read(filled, lambda conn: check_works(conn, str(tmp_path))) == []
    assert [read(filled, lambda conn, one=one: work_of(conn, one.work_id)) for one in read(filled, works)] == [  # type: ignore[misc]
        *read(filled, works)
    ]
    with pytest.raises(NotFoundError, match="no work"):
        read(filled, lambda conn: work_of(conn, WorkId("work:none")))
    for again in (SALT, LAMP):
        with pytest.raises(ConflictError, match="already"):
            filled.write(lambda conn, one=again: add_work(conn, one, "Other", [], AT))  # type: ignore[misc]
    with pytest.raises(InputError, match="sum to"):
        filled.write(lambda conn: add_sets(conn, {SALT: [Split(ADA, 1, valid_from="2026-01-01")]}))


def test_numbers_titles_and_credits_are_kept_once(filled: Store) -> None:
    known = [WorkIdentifier("iswc", "T-034.524.680-1", SALT, "a file"), WorkIdentifier("submitter:9", "TM1", SALT, "a file")]

    def add(conn: Connection) -> tuple[int, ...]:
        return (
            identify(conn, known),
            identify_parties(conn, [("isni", "0000 0001 2281 955X", BEN), ("ipi", IPI, ADA)], "a file"),
            add_titles(conn, [(SALT, "Sel"), (SALT, "Sale"), (SALT, "Sel")], "a file"),
            add_credits(conn, SALT, [(BEN, "Translator", "B. M."), (ADA, "author", "again"), (BEN, "translator", "x")], "s"),
        )

    assert filled.write(add) == (2, 2, 2, 1)
    assert filled.write(add) == (0, 0, 0, 0)
    assert [(one.scheme, one.value) for one in read(filled, identifiers)] == [
        ("iswc", "T0345246801"),
        ("submitter:9", "TM1"),
    ]
    assert read(filled, parties_by_number) == {("isni", "000000012281955X"): BEN, ("ipi", IPI): ADA}
    assert read(filled, other_titles) == {SALT: ("Sale", "Sel")}
    assert [(one.party_id, one.role, one.position) for one in read(filled, lambda conn: credits_of(conn, SALT))] == [
        (ADA, "Author", 1),
        (BEN, "Translator", 2),
    ]
    with pytest.raises(ConflictError, match="is of"):
        filled.write(lambda conn: identify_parties(conn, [("isni", "000000012281955X", ADA)], "another"))
    with pytest.raises(InputError, match="check digit"):
        filled.write(lambda conn: identify(conn, [WorkIdentifier("iswc", "T0345246802", SALT, "a file")]))
    assert read(filled, check_shares) == []


def test_an_imported_file_is_kept_once(filled: Store) -> None:
    facts = {"sha256": "0" * 64, "form": "cwr", "label": "x.V21", "size_bytes": 7, "records": 3}
    assert [filled.write(lambda conn: add_import(conn, at=AT, **facts)) for _ in range(2)] == [True, False]  # type: ignore[arg-type]
    assert read(filled, imported_files) == ("0" * 64,)


def test_funds(filled: Store) -> None:
    """The same set again is no news; another of that day is a conflict; who is not registered is no member."""
    filled.write(add_nobody)
    one = [FundShare(BEN, ADA, 1_000_000_000, "2026-01-01")]
    assert filled.write(lambda conn: set_fund(conn, one)) == filled.write(lambda conn: set_fund(conn, one)) == tuple(one)
    assert read(filled, fund_shares) == tuple(one)
    with pytest.raises(ConflictError, match="already"):
        cleo = party_id_of("Cleo Dunn")
        filled.write(lambda conn: add_parties(conn, [Party(cleo, "Cleo Dunn")]))
        filled.write(lambda conn: set_fund(conn, [FundShare(BEN, cleo, 1_000_000_000, "2026-01-01")]))
    with pytest.raises(NotFoundError, match="no party"):
        filled.write(lambda conn: set_fund(conn, [FundShare(BEN, PartyId("party:x"), 1_000_000_000, "2027-01-01")]))
    with pytest.raises(InputError, match="Ada Quill pays Ben Marl pays Ada Quill"):
        filled.write(lambda conn: set_fund(conn, [FundShare(ADA, BEN, 1_000_000_000, "2026-02-01")]))


def test_sheets_and_acceptances(filled: Store) -> None:
    """A sheet is read as it was written; a yes to other words counts nothing, and a check says so."""
    lines = (SheetLine(ADA, "Author", "Ada Quill", 600_000_000), SheetLine(BEN, "Translator", "B. M.", 400_000_000))
    sheet = checked(Sheet(SALT, "train", "DE AT", "2026-02-01", lines, 1, "Ada", AT))
    filled.write(lambda conn: add_sheet(conn, sheet))
    assert read(filled, sheets) == (sheet,) and sheet.territory == "AT DE"
    state = read(filled, sheet_states)[sheet.sheet_id]
    filled.write(lambda conn: add_acceptance(conn, accepted(state, ADA, "Ada", AT)))
    found = read(filled, sheet_states)[sheet.sheet_id]
    assert (found.state, found.missing) == ("proposed", (BEN,)) and read(filled, check_shares) == []

    filled.write(lambda conn: add_acceptance(conn, replace(accepted(state, BEN, "Ben", AT), sheet_digest="1" * 64)))
    assert read(filled, sheet_states)[sheet.sheet_id].missing == (BEN,)
    assert any("accepted other words" in one.problem for one in read(filled, check_shares))
    assert ADA in read(filled, parties)
