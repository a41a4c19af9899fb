"""Entries and breaking-in, for the tests of the books."""

from __future__ import annotations

import sqlalchemy as sa

from endcredits.ledger import JournalEntry, Posting, make_entry, post
from endcredits.store import Store


def sale(key: str, amount_micros: int = 5_000_000, date: str = "2026-11-30", currency: str = "EUR") -> JournalEntry:
    """Money in the bank that is owed to Ada."""
    return make_entry(
        key,
        date,
        f"Sale {key}",
        [
            Posting("Assets:Bank", amount_micros, currency),
            Posting("Liabilities:Payable:party:ada", -amount_micros, currency),
        ],
    )


def post_all(store: Store, *entries: JournalEntry) -> None:
    """Posts entries in one transaction."""

    def work(conn: sa.Connection) -> None:
        for entry in entries:
            post(conn, entry)

    store.write(work)


def break_in(store: Store, *statements: str) -> None:
    """Changes rows as somebody would who owns the database: without triggers and foreign keys."""
    with store.engine.connect() as conn:
        if store.engine.dialect.name == "sqlite":
            # Foreign keys can only be switched off outside a transaction.
            raw = conn.connection.cursor()
            raw.execute("PRAGMA foreign_keys=OFF")
            for (name,) in conn.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                conn.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            conn.exec_driver_sql("SET session_replication_role = replica")
        for statement in statements:
            conn.exec_driver_sql(statement)
        conn.commit()
        conn.invalidate()
