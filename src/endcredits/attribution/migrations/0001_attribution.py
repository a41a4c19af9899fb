"""The table of attributions."""

import sqlalchemy as sa
from alembic import op

from endcredits.store import append_only_sql

revision = "attribution_0001"
down_revision = None
branch_labels = ("attribution",)


def upgrade() -> None:
    """Makes the table and has the database guard it."""
    op.create_table(
        "attributions",
        sa.Column("output_id", sa.String(200), nullable=False),
        sa.Column("output_sha256", sa.String(64), nullable=False),
        sa.Column("index_digest", sa.String(64), nullable=False),
        sa.Column("recorded_at", sa.String(20), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("output_id", name="pk_attributions"),
    )
    op.create_index("ix_attributions_output_sha256", "attributions", ["output_sha256"])
    for statement in append_only_sql("attributions", op.get_bind().dialect.name):
        op.execute(statement)
