"""A statement that does not say what the books say is found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import sqlalchemy as sa

from endcredits.ids import PartyId
from endcredits.ledger import post
from endcredits.payouts import Statement, check_payouts, save_statements, statement_id, tables
from endcredits.royalties import period_entry
from endcredits.store import Store

from ..royalties.makers import november
from .makers import issue, ordinary


def book(store: Store, issued: Iterable[Statement]) -> None:
    """Posts November's entry and records statements."""
    entry = period_entry(november().close())
    assert entry is not None
    store.write(lambda conn: (post(conn, entry), save_statements(conn, issued)))


def found(store: Store) -> list[str]:
    """The problems that the check finds."""
    with store.reading() as conn:
        return [finding.problem for finding in check_payouts(conn)]


def test_sound_statements_have_no_findings(store: Store) -> None:
    """Including one with an opening balance alone."""
    book(store, issue(november().close(), {(PartyId("eve"), "JPY"): 5}))

    assert found(store) == []


def test_a_statement_of_a_period_without_money_needs_no_entry(store: Store) -> None:
    """An opening balance in a period that earned nothing."""
    idle = november().close(events=())
    store.write(lambda conn: save_statements(conn, issue(idle, {(PartyId("eve"), "JPY"): 5})))

    assert found(store) == []


def test_a_statement_that_says_less_than_the_books_is_found(store: Store) -> None:
    """Even when it adds up in itself."""
    ada, *rest = ordinary()
    first, *others = ada.lines
    cheated = replace(first, amount_micros=first.amount_micros - 1)
    lines = tuple(sorted([cheated, *others], key=lambda line: (-line.amount_micros, line.work_id, line.territory)))
    closing = ada.closing_balance_micros - 1
    book(
        store,
        [
            replace(
                ada,
                lines=lines,
                earned_micros=ada.earned_micros - 1,
                closing_balance_micros=closing,
                payable_micros=closing if ada.payable_micros else 0,
                carried_over_micros=0 if ada.payable_micros else closing,
            ),
            *rest,
        ],
    )

    assert found(store) == [f"it says {ada.earned_micros - 1} micros were earned, and the books say {ada.earned_micros}"]


def test_a_payee_without_a_statement_is_found(store: Store) -> None:
    """Everybody who is owed something hears of it."""
    ada, *rest = ordinary()

    book(store, rest)

    assert found(store) == [f"nobody got a statement for Liabilities:Payable:ada in {ada.currency}"]


def test_a_statement_to_somebody_who_earned_nothing_is_found(store: Store) -> None:
    """Money that the books do not owe."""
    ada, *_ = ordinary()
    eve = PartyId("eve")

    book(store, [*ordinary(), replace(ada, party_id=eve, statement_id=statement_id("2026-11", eve, ada.currency))])

    assert found(store) == [f"it says {ada.earned_micros} micros were earned, and the books say 0"]


def test_sums_that_do_not_hold_and_entries_that_do_not_exist_are_found(store: Store) -> None:
    """Both are named."""
    ada, *_ = ordinary()

    store.write(lambda conn: save_statements(conn, [replace(ada, payable_micros=1)]))

    problems = found(store)
    assert "what is payable does not follow from the threshold" in problems
    assert f"its journal entry '{ada.entry_id}' is not in the books" in problems


def test_a_changed_row_is_found(sqlite_store: Store) -> None:
    """A document changed in the database fits neither its own digest nor its row's."""
    book(sqlite_store, ordinary())
    with sqlite_store.engine.begin() as conn:
        conn.exec_driver_sql("DROP TRIGGER statements_no_update")
        document = sa.func.replace(tables.statements.c.document, "Ada Lovelace", "Eva Lovelace")
        conn.execute(sa.update(tables.statements).where(tables.statements.c.party_id == "ada").values(document=document))
        conn.execute(sa.update(tables.statements).where(tables.statements.c.party_id == "bob").values(document="{}"))

    problems = found(sqlite_store)

    assert "the document does not fit its digest" in problems
    assert "its content does not fit its digest" in problems
    assert any("not a statement" in problem for problem in problems)
