"""A statement that does not say what the books say, or cannot be made again, is found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
import sqlalchemy as sa

from endcredits.errors import IntegrityError
from endcredits.ids import PartyId
from endcredits.ledger import JournalEntry, Posting, make_entry, post
from endcredits.payouts import Standing, Statement, check_payouts, check_remade, save_statements, statement_id, tables
from endcredits.payouts.documents import booked_micros
from endcredits.store import Store

from .makers import earning, issue, ordinary


def entry_for(issued: Iterable[Statement]) -> JournalEntry:
    """The entry that a close with these statements books."""
    postings = []
    for one in issued:
        if micros := booked_micros(one):
            postings.append(Posting(f"Liabilities:Payable:{one.party_id}", -micros, one.currency))
            postings.append(Posting("Assets:Receivable:Revenue", micros, one.currency))
    return make_entry("close:2026-11", "2026-11-30", "Closed", postings)


def booked() -> tuple[Statement, ...]:
    """An ordinary month's statements naming their entry."""
    return ordinary(entry_ids=(entry_for(ordinary()).entry_id,))


def book(store: Store, issued: Iterable[Statement]) -> None:
    """Posts the month's entry and records statements."""
    store.write(lambda conn: (post(conn, entry_for(ordinary())), save_statements(conn, issued)))


def found(store: Store) -> list[str]:
    """The problems that the check finds."""
    with store.reading() as conn:
        return [finding.problem for finding in check_payouts(conn)]


def test_sound_statements_have_no_findings(store: Store) -> None:
    """Including one with an opening balance alone, one with no money to book, and a second version."""
    entry = (entry_for(ordinary()).entry_id,)
    standings = {(PartyId("eve"), "JPY"): Standing(5)}
    book(store, ordinary(entry_ids=entry, standings=standings))
    store.write(lambda conn: save_statements(conn, ordinary(entry_ids=entry, standings=standings, version=2)))

    assert found(store) == []


def test_a_statement_that_says_less_than_the_books_is_found(store: Store) -> None:
    """Even when it adds up in itself."""
    ada, *rest = booked()
    less = replace(ada.summary, opening_micros=1, earned_micros=ada.summary.earned_micros - 1)

    book(store, [replace(ada, summary=less), *rest])

    said = booked_micros(ada) - 1
    assert f"it says that {said} micros were added to what is owed, and the books say {said + 1}" in found(store)


def test_a_payee_without_a_statement_is_found(store: Store) -> None:
    """Everybody who is owed something hears of it."""
    ada, *rest = booked()

    book(store, rest)

    assert found(store) == [f"nobody got a statement for Liabilities:Payable:ada in {ada.currency}"]


def test_a_statement_to_somebody_who_earned_nothing_is_found(store: Store) -> None:
    """Money that the books do not owe."""
    ada, *_ = booked()
    eve = PartyId("eve")

    book(store, [*booked(), replace(ada, party_id=eve, statement_id=statement_id("final", "2026-11", eve, ada.currency))])

    assert found(store) == [f"it says that {booked_micros(ada)} micros were added to what is owed, and the books say 0"]


def test_sums_that_do_not_hold_and_entries_that_do_not_exist_are_found(store: Store) -> None:
    """Both are named."""
    ada, *_ = ordinary()

    store.write(lambda conn: save_statements(conn, [replace(ada, summary=replace(ada.summary, due_micros=1))]))

    problems = found(store)
    assert "what is due does not follow from the threshold" in problems
    assert "its journal entry 'entry:1' is not in the books" in problems


def test_a_changed_row_is_found(sqlite_store: Store) -> None:
    """A document changed in the database fits neither its own digest nor its row's."""
    book(sqlite_store, booked())
    with sqlite_store.engine.begin() as conn:
        conn.exec_driver_sql("DROP TRIGGER statements_no_update")
        document = sa.func.replace(tables.statements.c.document, "Ada Lovelace", "Eva Lovelace")
        conn.execute(sa.update(tables.statements).where(tables.statements.c.party_id == "ada").values(document=document))
        conn.execute(sa.update(tables.statements).where(tables.statements.c.party_id == "bob").values(document="{}"))

    problems = found(sqlite_store)

    assert "the document does not fit its digest" in problems
    assert "its content does not fit its digest" in problems
    assert any("not a statement" in problem for problem in problems)


def remade(store: Store, again: Iterable[Statement]) -> list[tuple[str, str]]:
    """What comparing November with statements made again finds."""
    with store.reading() as conn:
        return [(finding.where.split(":")[-1], finding.problem) for finding in check_remade(conn, "2026-11", again)]


def test_statements_made_again_are_the_same_bytes(store: Store) -> None:
    """From the same inputs; a corrected version of words stands beside and is not compared."""
    store.write(lambda conn: save_statements(conn, booked()))
    store.write(lambda conn: save_statements(conn, ordinary(version=2)))

    assert remade(store, iter(booked())) == []


@pytest.mark.parametrize("place", range(len(booked())))
def test_what_cannot_be_made_again_is_found(sqlite_store: Store, place: int) -> None:
    """A statement too many, one too few, and one that differs by a single name."""
    all_of = booked()
    sqlite_store.write(lambda conn: save_statements(conn, all_of))
    short = all_of[place].statement_id.split(":")[-1]
    less = [one for number, one in enumerate(all_of) if number != place]
    other = [replace(one, issuer="Another") if number == place else one for number, one in enumerate(all_of)]

    assert remade(sqlite_store, less) == [(short, "it is issued, and nothing in the period explains it")]
    assert remade(sqlite_store, other) == [(short, "made again, it is another document (issuer)")]
    more = sorted(
        [*all_of, replace(all_of[place], party_id=PartyId(all_of[place].party_id + "x"))],
        key=lambda one: (one.party_id, one.currency),
    )
    assert remade(sqlite_store, more) == [(short, "it follows from the period and was never issued")]


def test_a_damaged_document_stops_the_comparison(sqlite_store: Store) -> None:
    """It cannot be compared with anything."""
    sqlite_store.write(lambda conn: save_statements(conn, issue(earning(5, 0))))
    with sqlite_store.engine.begin() as conn:
        conn.exec_driver_sql("DROP TRIGGER statements_no_update")
        conn.execute(sa.update(tables.statements).values(document="{}"))

    with pytest.raises(IntegrityError):
        remade(sqlite_store, [])
