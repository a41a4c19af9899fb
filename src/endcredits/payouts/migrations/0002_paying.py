"""Payee profiles, plans, batches, payments, their states, the bank's lines, and the log of all their rows."""

import sqlalchemy as sa
from alembic import op

from endcredits.store import append_only_sql

revision = "payouts_0002"
down_revision = "payouts_0001"
branch_labels = None
depends_on = None


def _digest() -> sa.Column[str]:
    return sa.Column("digest", sa.String(64), nullable=False)


def upgrade() -> None:
    """Makes the tables and closes them against changes."""
    op.create_table(
        "payee_profiles",
        sa.Column("profile_id", sa.String(300), nullable=False),
        sa.Column("party_id", sa.String(200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.String(20), nullable=False),
        sa.Column("private_document", sa.Text(), nullable=False),
        _digest(),
        sa.PrimaryKeyConstraint("profile_id", name="pk_payee_profiles"),
        sa.UniqueConstraint("party_id", "version", name="uq_payee_profiles_party_id"),
    )
    op.create_table(
        "payout_plans",
        sa.Column("plan_id", sa.String(60), nullable=False),
        sa.Column("planned_at", sa.String(20), nullable=False),
        sa.Column("planned_by", sa.String(200), nullable=False),
        sa.Column("four_eyes", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("private_payer", sa.Text(), nullable=False),
        _digest(),
        sa.PrimaryKeyConstraint("plan_id", name="pk_payout_plans"),
    )
    op.create_table(
        "payout_batches",
        sa.Column("batch_id", sa.String(60), nullable=False),
        sa.Column("plan_id", sa.String(60), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        _digest(),
        sa.PrimaryKeyConstraint("batch_id", name="pk_payout_batches"),
        sa.ForeignKeyConstraint(["plan_id"], ["payout_plans.plan_id"], name="fk_payout_batches_plan_id"),
    )
    op.create_table(
        "payout_payments",
        sa.Column("payment_id", sa.String(60), nullable=False),
        sa.Column("batch_id", sa.String(60), nullable=False),
        sa.Column("party_id", sa.String(200), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("gross_micros", sa.BigInteger(), nullable=False),
        sa.Column("transfer_micros", sa.BigInteger(), nullable=False),
        _digest(),
        sa.PrimaryKeyConstraint("payment_id", name="pk_payout_payments"),
        sa.ForeignKeyConstraint(["batch_id"], ["payout_batches.batch_id"], name="fk_payout_payments_batch_id"),
    )
    op.create_index("ix_payout_payments_batch_id", "payout_payments", ["batch_id"])
    op.create_table(
        "payout_states",
        sa.Column("batch_id", sa.String(60), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("at", sa.String(20), nullable=False),
        sa.Column("by_whom", sa.String(200), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        _digest(),
        sa.PrimaryKeyConstraint("batch_id", "state", name="pk_payout_states"),
        sa.ForeignKeyConstraint(["batch_id"], ["payout_batches.batch_id"], name="fk_payout_states_batch_id"),
    )
    op.create_table(
        "payment_states",
        sa.Column("payment_id", sa.String(60), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("at", sa.String(20), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=True),
        _digest(),
        sa.PrimaryKeyConstraint("payment_id", "state", name="pk_payment_states"),
        sa.ForeignKeyConstraint(["payment_id"], ["payout_payments.payment_id"], name="fk_payment_states_payment_id"),
    )
    op.create_table(
        "bank_lines",
        sa.Column("line_id", sa.String(64), nullable=False),
        sa.Column("recorded_at", sa.String(20), nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("payment_id", sa.String(60), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        _digest(),
        sa.PrimaryKeyConstraint("line_id", name="pk_bank_lines"),
    )
    op.create_table(
        "payout_log",
        sa.Column("number", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("table_name", sa.String(40), nullable=False),
        sa.Column("row_digest", sa.String(64), nullable=False),
        _digest(),
        sa.PrimaryKeyConstraint("number", name="pk_payout_log"),
    )
    tables = "payee_profiles payout_plans payout_batches payout_payments payout_states payment_states bank_lines payout_log"
    for table in tables.split():
        for statement in append_only_sql(table, op.get_bind().dialect.name):
            op.execute(statement)
