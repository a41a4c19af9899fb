"""The registry's tables: parties, works with their files, credits and splits, every statement, and other names of files.

The right is stored as `right_name` because RIGHT is a word of SQL. Identifiers of a party are canonical JSON, a list of
[scheme, value]. A work's `content_sha256` is the digest of its files' digests in order, and no two works share one.
"""

from __future__ import annotations

import sqlalchemy as sa

from endcredits.store import record_table

parties = record_table(
    "parties",
    sa.Column("party_id", sa.String(200), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("identifiers", sa.Text, nullable=False),
)

works = record_table(
    "works",
    sa.Column("work_id", sa.String(200), primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("content_sha256", sa.String(64), nullable=False, unique=True),
    sa.Column("registered_at", sa.String(20), nullable=False),
)

manifestations = record_table(
    "manifestations",
    sa.Column("work_id", sa.String(200), sa.ForeignKey("works.work_id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("media_type", sa.String(100), nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
)

credits = record_table(
    "credits",
    sa.Column("work_id", sa.String(200), sa.ForeignKey("works.work_id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("party_id", sa.String(200), sa.ForeignKey("parties.party_id"), nullable=False),
    sa.Column("role", sa.String(100), nullable=False),
    sa.Column("display_credit", sa.Text, nullable=False),
)

splits = record_table(
    "splits",
    sa.Column("work_id", sa.String(200), sa.ForeignKey("works.work_id"), primary_key=True),
    sa.Column("right_name", sa.String(50), primary_key=True),
    sa.Column("territory", sa.String(5), primary_key=True),
    sa.Column("valid_from", sa.String(10), primary_key=True),
    sa.Column("party_id", sa.String(200), sa.ForeignKey("parties.party_id"), primary_key=True),
    sa.Column("split_ppb", sa.BigInteger, nullable=False),
    sa.CheckConstraint("split_ppb > 0", name="positive"),
)

permissions = record_table(
    "permissions",
    sa.Column("permission_id", sa.String(100), primary_key=True),
    sa.Column("subject_kind", sa.String(10), nullable=False),
    sa.Column("subject", sa.String(2000), nullable=False),
    sa.Column("site", sa.String(300), nullable=False),
    sa.Column("verb", sa.String(20), nullable=False),
    sa.Column("value", sa.String(20), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("declared_by", sa.Text, nullable=False),
    sa.Column("effective_from", sa.String(20), nullable=False),
    sa.Column("effective_to", sa.String(20)),
    sa.Column("conditions", sa.Text, nullable=False),
    sa.Column("provenance", sa.Text, nullable=False),
    sa.Column("party_id", sa.String(200), nullable=False),
    sa.Column("authority", sa.String(20), nullable=False),
    sa.Column("licensee", sa.String(200), nullable=False),
    sa.Column("observed_at", sa.String(20), nullable=False),
    sa.Column("supersedes", sa.String(100), nullable=False),
    sa.Column("revokes", sa.String(100), nullable=False),
    sa.Index("ix_permissions_subject", "subject_kind", "subject"),
    sa.Index("ix_permissions_site", "site"),
)
"""Statements. `site`: of a pattern of addresses, else empty; conditions and provenance are canonical JSON or empty."""

file_marks = record_table(
    "file_marks",
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(10), primary_key=True),
    sa.Column("value", sa.String(2000), primary_key=True),
    sa.Index("ix_file_marks_value", "kind", "value"),
)

ALL = (parties, works, manifestations, credits, splits, permissions, file_marks)
"""In the order in which rows may be added."""
