"""Contracts, disputes, and how disputes ended."""

import sqlalchemy as sa
from alembic import op

from endcredits.store import append_only_sql

revision = "royalties_0003"
down_revision = "royalties_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables and closes them against changes."""
    op.create_table(
        "contracts",
        sa.Column("contract_id", sa.String(80), nullable=False),
        sa.Column("valid_from", sa.String(10), nullable=False),
        sa.Column("valid_to", sa.String(10), nullable=False),
        sa.Column("party_id", sa.String(200), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("advance_micros", sa.BigInteger, nullable=False),
        sa.Column("recoup_ppb", sa.BigInteger, nullable=False),
        sa.Column("cross_group", sa.String(200), nullable=False),
        sa.Column("reserve_ppb", sa.BigInteger, nullable=False),
        sa.Column("reserve_days", sa.Integer, nullable=False),
        sa.Column("guarantee_micros", sa.BigInteger, nullable=False),
        sa.Column("term_order", sa.String(100), nullable=False),
        sa.Column("works", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.String(20), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("contract_id", "valid_from", name="pk_contracts"),
    )
    op.create_index("ix_contracts_party_id", "contracts", ["party_id"])
    op.create_table(
        "disputes",
        sa.Column("dispute_id", sa.String(100), nullable=False),
        sa.Column("work_id", sa.String(200), nullable=False),
        sa.Column("claimant", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("opened_at", sa.String(20), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("dispute_id", name="pk_disputes"),
    )
    op.create_index("ix_disputes_work_id", "disputes", ["work_id"])
    op.create_table(
        "dispute_ends",
        sa.Column("dispute_id", sa.String(100), nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("closed_at", sa.String(20), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("dispute_id", name="pk_dispute_ends"),
        sa.ForeignKeyConstraint(["dispute_id"], ["disputes.dispute_id"], name="fk_dispute_ends_dispute_id"),
    )
    for table in ("contracts", "disputes", "dispute_ends"):
        for statement in append_only_sql(table, op.get_bind().dialect.name):
            op.execute(statement)
