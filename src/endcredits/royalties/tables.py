"""The tables of this room: what operators report, what waits to be mended, and closed periods.

What is reported (events, revenue, refunds, rates) is numbered: 1, 2, 3 and so on over all four tables together, without
gaps, in the order of recording. A close states the last number that it looked at, its *cut-off*, so that anybody can tell
years later which rows it counted and which came too late. `recorded_at` says when we learnt of something, beside the day on
which it happened.

Rows that could not be taken stand in `held_rows`, as they were written, and are never lost; `held_ends` says what became of
those whose own id cannot tell.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from endcredits.store import record_table


def _numbered() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("number", sa.BigInteger, nullable=False, index=True, unique=True),
        sa.Column("recorded_at", sa.String(20), nullable=False),
    )


usage_events = record_table(
    "usage_events",
    sa.Column("event_id", sa.String(200), primary_key=True),
    *_numbered(),
    sa.Column("output_id", sa.String(200), nullable=False),
    sa.Column("used_at", sa.String(20), nullable=False, index=True),
    sa.Column("revenue_micros", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("service", sa.String(200), nullable=False),
    sa.Column("territory", sa.String(5), nullable=False),
    sa.Column("offer", sa.String(200), nullable=False),
    sa.Column("payer", sa.String(200), nullable=False),
    sa.Column("uses", sa.BigInteger, nullable=False),
    sa.Column("use", sa.String(200), nullable=False),
    sa.Column("tax_micros", sa.BigInteger, nullable=False),
    # Work ids joined by ";", which stands in no id.
    sa.Column("declared", sa.Text, nullable=False),
)

revenues = record_table(
    "revenues",
    sa.Column("revenue_id", sa.String(200), primary_key=True),
    *_numbered(),
    sa.Column("earned_on", sa.String(10), nullable=False, index=True),
    sa.Column("gross_micros", sa.BigInteger, nullable=False),
    sa.Column("tax_micros", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("service", sa.String(200), nullable=False),
    sa.Column("territory", sa.String(5), nullable=False),
    sa.Column("offer", sa.String(200), nullable=False),
    sa.Column("payer", sa.String(200), nullable=False),
)

refunds = record_table(
    "refunds",
    sa.Column("refund_id", sa.String(200), primary_key=True),
    *_numbered(),
    sa.Column("of_id", sa.String(200), nullable=False, index=True),
    sa.Column("refunded_at", sa.String(20), nullable=False),
    sa.Column("refund_micros", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
)

# "into" and "on" are words of SQL, so two columns have other names than their fields.
currency_rates = record_table(
    "currency_rates",
    sa.Column("currency", sa.String(3), primary_key=True),
    sa.Column("into_currency", sa.String(3), primary_key=True),
    sa.Column("fixed_on", sa.String(10), primary_key=True),
    *_numbered(),
    sa.Column("numerator", sa.BigInteger, nullable=False),
    sa.Column("denominator", sa.BigInteger, nullable=False),
    sa.Column("source", sa.String(200), nullable=False),
)

held_rows = record_table(
    "held_rows",
    # SHA-256 of kind, reason and document, so that the same row is held once however often it is handed in.
    sa.Column("held_id", sa.String(64), primary_key=True),
    sa.Column("recorded_at", sa.String(20), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("record_id", sa.String(200), nullable=False, index=True),
    sa.Column("reason", sa.String(20), nullable=False),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("row_number", sa.BigInteger, nullable=False),
    sa.Column("field", sa.Text, nullable=False),
    sa.Column("problem", sa.Text, nullable=False),
    sa.Column("remedy", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
)

held_ends = record_table(
    "held_ends",
    sa.Column("held_id", sa.String(64), primary_key=True),
    sa.Column("recorded_at", sa.String(20), nullable=False),
    sa.Column("how", sa.String(20), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)

period_closes = record_table(
    "period_closes",
    sa.Column("period_id", sa.String(200), primary_key=True),
    sa.Column("starts_on", sa.String(10), nullable=False),
    sa.Column("ends_on", sa.String(10), nullable=False),
    # Rows with a greater number were not looked at.
    sa.Column("cut_off", sa.BigInteger, nullable=False),
    # Of the frozen period's tables; see `freeze.frozen_digest`. Empty for closes from before periods were frozen.
    sa.Column("frozen_digest", sa.String(64), nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("close_digest", sa.String(64), nullable=False),
    sa.Column("entry_id", sa.String(200)),
)

royalty_log = record_table(
    "royalty_log",
    # Counts 1, 2, 3... in the order of recording; see `row_log.py`.
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("table_name", sa.String(40), nullable=False),
    sa.Column("row_digest", sa.String(64), nullable=False),
)

NUMBERED = (usage_events, revenues, refunds, currency_rates)
"""The tables that share one sequence of numbers."""
