"""The books begin: journal entries and their postings."""

import sqlalchemy as sa
from alembic import op

from endcredits.store import append_only_sql

revision = "ledger_0001"
down_revision = None
branch_labels = ("ledger",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "journal_entries",
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("date", sa.String(10), nullable=False),
        sa.Column("narrative", sa.Text(), nullable=False),
        sa.Column("reverses", sa.Text(), nullable=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name="pk_journal_entries"),
        sa.UniqueConstraint("number", name="uq_journal_entries_number"),
        sa.UniqueConstraint("idempotency_key", name="uq_journal_entries_idempotency_key"),
        sa.UniqueConstraint("reverses", name="uq_journal_entries_reverses"),
        sa.ForeignKeyConstraint(["reverses"], ["journal_entries.entry_id"], name="fk_journal_entries_reverses"),
        sa.CheckConstraint("number > 0", name="ck_journal_entries_number"),
    )
    op.create_table(
        "postings",
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("amount_micros", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", "position", name="pk_postings"),
        sa.ForeignKeyConstraint(["entry_id"], ["journal_entries.entry_id"], name="fk_postings_entry_id"),
        sa.CheckConstraint("position > 0", name="ck_postings_position"),
        sa.CheckConstraint("amount_micros <> 0", name="ck_postings_amount_micros"),
    )
    op.create_index("ix_postings_account", "postings", ["account"])
    for table in ("journal_entries", "postings"):
        for statement in append_only_sql(table, op.get_bind().dialect.name):
            op.execute(statement)
