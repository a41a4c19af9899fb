"""Heads of statements say what the documents say, without the documents."""

from __future__ import annotations

from endcredits.canonical import digest
from endcredits.payouts import Statement, save_statements
from endcredits.payouts.heads import StatementHead, all_heads, heads_for_period, heads_of_payees
from endcredits.store import Store

from .makers import earning, issue, ordinary


def head(one: Statement) -> StatementHead:
    return StatementHead(one.statement_id, one.period_id, one.party_id, one.currency, one.version, digest(one))


def test_heads_are_those_of_the_documents(store: Store) -> None:
    """Of a period, of its payees in every period, and of all, by party, currency, version and period."""
    later = issue(earning(5, 0, "2026-12"))
    store.write(lambda conn: save_statements(conn, (*ordinary(), *later)))
    november = [head(one) for one in ordinary()]
    everything = sorted(
        [*november, *map(head, later)], key=lambda one: (one.party_id, one.currency, one.version, one.period_id)
    )
    with store.reading() as conn:
        assert list(heads_for_period(conn, "2026-11")) == november
        assert heads_for_period(conn, "2026-10") == ()
        assert list(heads_of_payees(conn, "2026-11")) == everything == list(all_heads(conn))
        only = {one.party_id for one in later}
        assert list(heads_of_payees(conn, "2026-12")) == [one for one in everything if one.party_id in only]
