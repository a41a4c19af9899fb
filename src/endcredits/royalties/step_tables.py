"""Tables of a close's steps, and of the units by which crews share."""

from __future__ import annotations

import sqlalchemy as sa

from endcredits.store import record_table

close_steps = record_table(
    "close_steps",
    sa.Column("period_id", sa.String(200), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("step", sa.String(20), nullable=False),
    sa.Column("done_by", sa.String(200), nullable=False),
    sa.Column("done_at", sa.String(20), nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
)

crew_units = record_table(
    "crew_units",
    sa.Column("work_id", sa.String(200), primary_key=True),
    sa.Column("right_name", sa.String(50), primary_key=True),
    sa.Column("party_id", sa.String(200), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("time_units", sa.BigInteger, nullable=False),
    sa.Column("salary_units", sa.BigInteger, nullable=False),
    sa.Column("recorded_at", sa.String(20), nullable=False),
)
