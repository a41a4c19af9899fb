"""The registry's first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from endcredits.store import append_only_sql

revision = "works_0001"
down_revision = None
branch_labels = ("works",)
depends_on = None

TABLES = ("parties", "works", "manifestations", "credits", "splits", "permissions")


def upgrade() -> None:
    """Makes the tables and closes them against changes."""
    op.create_table(
        "parties",
        sa.Column("party_id", sa.String(200), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("identifiers", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("party_id", name="pk_parties"),
    )
    op.create_table(
        "works",
        sa.Column("work_id", sa.String(200), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("content_sha256", sa.String(64), nullable=False),
        sa.Column("registered_at", sa.String(20), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("work_id", name="pk_works"),
        sa.UniqueConstraint("content_sha256", name="uq_works_content_sha256"),
    )
    op.create_table(
        "manifestations",
        sa.Column("work_id", sa.String(200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("work_id", "position", name="pk_manifestations"),
        sa.ForeignKeyConstraint(["work_id"], ["works.work_id"], name="fk_manifestations_work_id"),
    )
    op.create_table(
        "credits",
        sa.Column("work_id", sa.String(200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("party_id", sa.String(200), nullable=False),
        sa.Column("role", sa.String(100), nullable=False),
        sa.Column("display_credit", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("work_id", "position", name="pk_credits"),
        sa.ForeignKeyConstraint(["work_id"], ["works.work_id"], name="fk_credits_work_id"),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"], name="fk_credits_party_id"),
    )
    op.create_table(
        "splits",
        sa.Column("work_id", sa.String(200), nullable=False),
        sa.Column("right_name", sa.String(50), nullable=False),
        sa.Column("territory", sa.String(5), nullable=False),
        sa.Column("valid_from", sa.String(10), nullable=False),
        sa.Column("party_id", sa.String(200), nullable=False),
        sa.Column("split_ppb", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("work_id", "right_name", "territory", "valid_from", "party_id", name="pk_splits"),
        sa.ForeignKeyConstraint(["work_id"], ["works.work_id"], name="fk_splits_work_id"),
        sa.ForeignKeyConstraint(["party_id"], ["parties.party_id"], name="fk_splits_party_id"),
        sa.CheckConstraint("split_ppb > 0", name="positive"),
    )
    op.create_table(
        "permissions",
        sa.Column("permission_id", sa.String(100), nullable=False),
        sa.Column("work_id", sa.String(200), nullable=False),
        sa.Column("verb", sa.String(20), nullable=False),
        sa.Column("value", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("declared_by", sa.Text(), nullable=False),
        sa.Column("effective_from", sa.String(20), nullable=False),
        sa.Column("effective_to", sa.String(20), nullable=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("permission_id", name="pk_permissions"),
        sa.ForeignKeyConstraint(["work_id"], ["works.work_id"], name="fk_permissions_work_id"),
    )
    op.create_index("ix_permissions_work_id", "permissions", ["work_id"])
    for table in TABLES:
        for statement in append_only_sql(table, op.get_bind().dialect.name):
            op.execute(statement)
