"""The four tables of the books: accounts, the pages of the journal, entries, and the postings that belong to them.

What is posted in one go stands on one *page*. A page is closed by its row in `journal_pages`, which is written last:
only then does the database check that every entry on it balances, and only then does any of it count. The row carries
one digest over everything on the page and over the digest of the page before, so that there is one SHA-256 for thousands
of postings and one number that stands for the whole journal. `guards` holds what the database itself refuses; `pages`
says what is digested.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from endcredits.ledger.guards import guard_sql
from endcredits.store import metadata

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _counter(name: str) -> sa.Column[int]:
    # 1, 2, 3...: given by us, so that a row that was taken out leaves a gap.
    return sa.Column(name, _NUMBER, primary_key=True, autoincrement=False)


def _once(column: str) -> sa.Index:
    present = sa.text(f"{column} IS NOT NULL")
    name = f"uq_journal_entries_{column}"
    return sa.Index(name, column, unique=True, sqlite_where=present, postgresql_where=present)


def _table(name: str, *columns: sa.Column[Any] | sa.schema.SchemaItem) -> sa.Table:
    table = sa.Table(name, metadata, *columns)
    table.info["guards"] = lambda dialect: guard_sql(name, dialect)
    return table


accounts = _table(
    "accounts",
    _counter("account_id"),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.UniqueConstraint("path", "currency", name="uq_accounts_path"),
    sa.CheckConstraint("account_id > 0", name="ck_accounts_account_id"),
)

journal_pages = _table(
    "journal_pages",
    _counter("page"),
    sa.Column("first_entry", _NUMBER, nullable=False),
    sa.Column("last_entry", _NUMBER, nullable=False),
    # An empty range (last = first - 1) where nothing on the page has postings.
    sa.Column("first_posting", _NUMBER, nullable=False),
    sa.Column("last_posting", _NUMBER, nullable=False),
    # The accounts known when the page was closed are 1 to this one; those above the page before are new on it.
    sa.Column("last_account", _NUMBER, nullable=False),
    # UTC, 2026-11-20T12:00:00Z; "" where whoever posted did not say.
    sa.Column("recorded_at", sa.Text, nullable=False),
    sa.Column("page_digest", sa.Text, nullable=False),
)

journal_entries = _table(
    "journal_entries",
    _counter("number"),
    sa.Column(
        "page",
        _NUMBER,
        sa.ForeignKey("journal_pages.page", deferrable=True, initially="DEFERRED"),
        nullable=False,
        index=True,
    ),
    # Its postings are the ids from the first to the last; an empty range (last = first - 1) where it has none.
    sa.Column("first_posting", _NUMBER, nullable=False),
    sa.Column("last_posting", _NUMBER, nullable=False),
    sa.Column("entry_id", sa.Text, nullable=False, unique=True),
    sa.Column("idempotency_key", sa.Text, nullable=False, unique=True),
    sa.Column("date", sa.Text, nullable=False),
    sa.Column("narrative", sa.Text, nullable=False),
    sa.Column("reverses", sa.Text, sa.ForeignKey("journal_entries.entry_id")),
    # posted, pending, confirmed or voided: see `records.KINDS`.
    sa.Column("kind", sa.Text, nullable=False),
    # The pending entry that a confirmed or voided one decides; unique, so that it is decided once.
    sa.Column("settles", sa.Text, sa.ForeignKey("journal_entries.entry_id")),
    # Last day on which a pending entry can be confirmed.
    sa.Column("expires_on", sa.Text),
    sa.Index("ix_journal_entries_first_posting", "first_posting", "number"),
    # Most entries have neither, and then stand in no index.
    *(_once(column) for column in ("reverses", "settles")),
)

postings = _table(
    "postings",
    _counter("posting_id"),
    # That the account exists is asked once for a whole page, as everything else is.
    sa.Column("account_id", _NUMBER, nullable=False, index=True),
    sa.Column("amount_micros", _NUMBER, nullable=False),
    sa.CheckConstraint("posting_id > 0", name="ck_postings_posting_id"),
    sa.CheckConstraint("amount_micros <> 0", name="ck_postings_amount_micros"),
)
