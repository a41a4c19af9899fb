"""Statements about other things than works, with conditions, provenance and what they close; other names of files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from endcredits.store import append_only_sql, row_digest

revision = "works_0002"
down_revision = "works_0001"
branch_labels = None
depends_on = None

NEW = {
    "subject_kind": "work",
    "site": "",
    "conditions": "",
    "provenance": "",
    "party_id": "",
    "authority": "unknown",
    "licensee": "",
    "observed_at": "",
    "supersedes": "",
    "revokes": "",
}
"""What statements say that were made before these columns."""


def upgrade() -> None:
    """Makes the table of statements anew, with the statements that there are; their ids stay."""
    conn = op.get_bind()
    names = ("permission_id", "verb", "value", "reason", "source", "declared_by", "effective_from", "effective_to")
    old = sa.table("permissions", sa.column("work_id"), *(sa.column(name) for name in names))
    said = [dict(row) for row in conn.execute(sa.select(old)).mappings()]
    op.drop_table("permissions")
    new = op.create_table(
        "permissions",
        sa.Column("permission_id", sa.String(100), nullable=False),
        sa.Column("subject_kind", sa.String(10), nullable=False),
        sa.Column("subject", sa.String(2000), nullable=False),
        sa.Column("site", sa.String(300), nullable=False),
        sa.Column("verb", sa.String(20), nullable=False),
        sa.Column("value", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("declared_by", sa.Text(), nullable=False),
        sa.Column("effective_from", sa.String(20), nullable=False),
        sa.Column("effective_to", sa.String(20)),
        sa.Column("conditions", sa.Text(), nullable=False),
        sa.Column("provenance", sa.Text(), nullable=False),
        sa.Column("party_id", sa.String(200), nullable=False),
        sa.Column("authority", sa.String(20), nullable=False),
        sa.Column("licensee", sa.String(200), nullable=False),
        sa.Column("observed_at", sa.String(20), nullable=False),
        sa.Column("supersedes", sa.String(100), nullable=False),
        sa.Column("revokes", sa.String(100), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("permission_id", name="pk_permissions"),
    )
    op.create_index("ix_permissions_subject", "permissions", ["subject_kind", "subject"])
    op.create_index("ix_permissions_site", "permissions", ["site"])
    op.create_table(
        "file_marks",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("value", sa.String(2000), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("sha256", "kind", "value", name="pk_file_marks"),
    )
    op.create_index("ix_file_marks_value", "file_marks", ["kind", "value"])
    rows = [{**{name: row[name] for name in names}, "subject": row["work_id"], **NEW} for row in said]
    if rows:
        conn.execute(sa.insert(new), [{**row, "digest": row_digest("permissions", row)} for row in rows])
    for table in ("permissions", "file_marks"):
        for statement in append_only_sql(table, conn.dialect.name):
            op.execute(statement)
