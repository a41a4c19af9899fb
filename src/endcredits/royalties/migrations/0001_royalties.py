"""Usage events and closed periods."""

import sqlalchemy as sa
from alembic import op

from endcredits.store import append_only_sql

revision = "royalties_0001"
down_revision = None
branch_labels = ("royalties",)
depends_on = None


def upgrade() -> None:
    """Makes the tables and closes them against changes."""
    op.create_table(
        "usage_events",
        sa.Column("event_id", sa.String(200), nullable=False),
        sa.Column("output_id", sa.String(200), nullable=False),
        sa.Column("used_at", sa.String(20), nullable=False),
        sa.Column("revenue_micros", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("service", sa.String(200), nullable=False),
        sa.Column("territory", sa.String(5), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_usage_events"),
    )
    op.create_index("ix_usage_events_used_at", "usage_events", ["used_at"])
    op.create_table(
        "period_closes",
        sa.Column("period_id", sa.String(200), nullable=False),
        sa.Column("starts_on", sa.String(10), nullable=False),
        sa.Column("ends_on", sa.String(10), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("close_digest", sa.String(64), nullable=False),
        sa.Column("entry_id", sa.String(200), nullable=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("period_id", name="pk_period_closes"),
    )
    for table in ("usage_events", "period_closes"):
        for statement in append_only_sql(table, op.get_bind().dialect.name):
            op.execute(statement)
