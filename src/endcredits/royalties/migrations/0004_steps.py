"""The steps of a close, and the units by which crews share."""

import sqlalchemy as sa
from alembic import op

from endcredits.store import append_only_sql

revision = "royalties_0004"
down_revision = "royalties_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables and closes them against changes."""
    op.create_table(
        "close_steps",
        sa.Column("period_id", sa.String(200), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("step", sa.String(20), nullable=False),
        sa.Column("done_by", sa.String(200), nullable=False),
        sa.Column("done_at", sa.String(20), nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("period_id", "number", name="pk_close_steps"),
    )
    op.create_table(
        "crew_units",
        sa.Column("work_id", sa.String(200), nullable=False),
        sa.Column("right_name", sa.String(50), nullable=False),
        sa.Column("party_id", sa.String(200), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("time_units", sa.BigInteger, nullable=False),
        sa.Column("salary_units", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.String(20), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("work_id", "right_name", "party_id", "version", name="pk_crew_units"),
    )
    for table in ("close_steps", "crew_units"):
        for statement in append_only_sql(table, op.get_bind().dialect.name):
            op.execute(statement)
