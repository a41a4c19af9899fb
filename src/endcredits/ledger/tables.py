"""The two tables of the books: entries, and the postings that belong to them."""

from __future__ import annotations

import sqlalchemy as sa

from endcredits.store import record_table

journal_entries = record_table(
    "journal_entries",
    sa.Column("entry_id", sa.Text, primary_key=True),
    # Counts 1, 2, 3... in the order of posting, so that an entry that was taken out leaves a gap.
    sa.Column("number", sa.BigInteger, nullable=False, unique=True),
    sa.Column("idempotency_key", sa.Text, nullable=False, unique=True),
    sa.Column("date", sa.String(10), nullable=False),
    sa.Column("narrative", sa.Text, nullable=False),
    sa.Column("reverses", sa.Text, sa.ForeignKey("journal_entries.entry_id"), unique=True),
    sa.CheckConstraint("number > 0", name="ck_journal_entries_number"),
)

postings = record_table(
    "postings",
    sa.Column("entry_id", sa.Text, sa.ForeignKey("journal_entries.entry_id"), primary_key=True),
    # 1, 2, 3... in the order of the entry.
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("account", sa.Text, nullable=False, index=True),
    sa.Column("amount_micros", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.CheckConstraint("position > 0", name="ck_postings_position"),
    sa.CheckConstraint("amount_micros <> 0", name="ck_postings_amount_micros"),
)
