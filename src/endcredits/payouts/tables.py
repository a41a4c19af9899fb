"""The table of this room: statements as they were issued."""

from __future__ import annotations

import sqlalchemy as sa

from endcredits.store import record_table

statements = record_table(
    "statements",
    sa.Column("statement_id", sa.String(300), primary_key=True),
    sa.Column("period_id", sa.String(200), nullable=False),
    sa.Column("party_id", sa.String(200), nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("statement_digest", sa.String(64), nullable=False),
    sa.UniqueConstraint("period_id", "party_id", "currency", "version"),
)
