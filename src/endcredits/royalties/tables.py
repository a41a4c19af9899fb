"""The tables of this room: usage events as they were reported, and closed periods."""

from __future__ import annotations

import sqlalchemy as sa

from endcredits.store import record_table

usage_events = record_table(
    "usage_events",
    sa.Column("event_id", sa.String(200), primary_key=True),
    sa.Column("output_id", sa.String(200), nullable=False),
    sa.Column("used_at", sa.String(20), nullable=False, index=True),
    sa.Column("revenue_micros", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("service", sa.String(200), nullable=False),
    sa.Column("territory", sa.String(5), nullable=False),
)

period_closes = record_table(
    "period_closes",
    sa.Column("period_id", sa.String(200), primary_key=True),
    sa.Column("starts_on", sa.String(10), nullable=False),
    sa.Column("ends_on", sa.String(10), nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("close_digest", sa.String(64), nullable=False),
    sa.Column("entry_id", sa.String(200)),
)
