"""Statements."""

import sqlalchemy as sa
from alembic import op

from endcredits.store import append_only_sql

revision = "payouts_0001"
down_revision = None
branch_labels = ("payouts",)
depends_on = None


def upgrade() -> None:
    """Makes the table and closes it against changes."""
    op.create_table(
        "statements",
        sa.Column("statement_id", sa.String(300), nullable=False),
        sa.Column("period_id", sa.String(200), nullable=False),
        sa.Column("party_id", sa.String(200), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("statement_digest", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("statement_id", name="pk_statements"),
        sa.UniqueConstraint("period_id", "party_id", "currency", "version", name="uq_statements_period_id"),
    )
    for statement in append_only_sql("statements", op.get_bind().dialect.name):
        op.execute(statement)
