"""The tables of contracts, of disputes, and of how disputes ended; rows are only ever added."""

from __future__ import annotations

import sqlalchemy as sa

from endcredits.store import record_table

contracts = record_table(
    "contracts",
    sa.Column("contract_id", sa.String(80), primary_key=True),
    sa.Column("valid_from", sa.String(10), primary_key=True),
    sa.Column("valid_to", sa.String(10), nullable=False),
    sa.Column("party_id", sa.String(200), nullable=False, index=True),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("advance_micros", sa.BigInteger, nullable=False),
    sa.Column("recoup_ppb", sa.BigInteger, nullable=False),
    sa.Column("cross_group", sa.String(200), nullable=False),
    sa.Column("reserve_ppb", sa.BigInteger, nullable=False),
    sa.Column("reserve_days", sa.Integer, nullable=False),
    sa.Column("guarantee_micros", sa.BigInteger, nullable=False),
    # Joined by ";", which stands in no word and in no id.
    sa.Column("term_order", sa.String(100), nullable=False),
    sa.Column("works", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.String(20), nullable=False),
)

disputes = record_table(
    "disputes",
    sa.Column("dispute_id", sa.String(100), primary_key=True),
    sa.Column("work_id", sa.String(200), nullable=False, index=True),
    sa.Column("claimant", sa.String(200), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("opened_at", sa.String(20), nullable=False),
)

dispute_ends = record_table(
    "dispute_ends",
    sa.Column("dispute_id", sa.String(100), sa.ForeignKey("disputes.dispute_id"), primary_key=True),
    sa.Column("outcome", sa.String(20), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("closed_at", sa.String(20), nullable=False),
)
