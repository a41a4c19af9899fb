"""The tables of paying: profiles, plans, batches and their payments, the states of both, and what the bank said.
`payout_log` holds the digest of every row of the others; see `payout_log.py`.

Columns whose name begins with `private` hold bank details and leave the database for a rail alone.
"""

from __future__ import annotations

import sqlalchemy as sa

from endcredits.store import record_table

payee_profiles = record_table(
    "payee_profiles",
    sa.Column("profile_id", sa.String(300), primary_key=True),
    sa.Column("party_id", sa.String(200), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("recorded_at", sa.String(20), nullable=False),
    sa.Column("private_document", sa.Text, nullable=False),
    sa.UniqueConstraint("party_id", "version"),
)

payout_plans = record_table(
    "payout_plans",
    sa.Column("plan_id", sa.String(60), primary_key=True),
    sa.Column("planned_at", sa.String(20), nullable=False),
    sa.Column("planned_by", sa.String(200), nullable=False),
    # 1 when somebody else than the planner must approve.
    sa.Column("four_eyes", sa.Integer, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("private_payer", sa.Text, nullable=False),
)

payout_batches = record_table(
    "payout_batches",
    sa.Column("batch_id", sa.String(60), primary_key=True),
    # The plan that named it first; a later plan may name the same batch beside other holds.
    sa.Column("plan_id", sa.String(60), sa.ForeignKey("payout_plans.plan_id"), nullable=False),
    sa.Column("document", sa.Text, nullable=False),
)

payout_payments = record_table(
    "payout_payments",
    sa.Column("payment_id", sa.String(60), primary_key=True),
    sa.Column("batch_id", sa.String(60), sa.ForeignKey("payout_batches.batch_id"), nullable=False, index=True),
    sa.Column("party_id", sa.String(200), nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("gross_micros", sa.BigInteger, nullable=False),
    sa.Column("transfer_micros", sa.BigInteger, nullable=False),
)

payout_states = record_table(
    "payout_states",
    sa.Column("batch_id", sa.String(60), sa.ForeignKey("payout_batches.batch_id"), primary_key=True),
    # approved, sending, sent: each at most once.
    sa.Column("state", sa.String(20), primary_key=True),
    sa.Column("at", sa.String(20), nullable=False),
    sa.Column("by_whom", sa.String(200), nullable=False),
    # SHA-256 of what is sent, and where it was written to.
    sa.Column("sha256", sa.String(64)),
    sa.Column("place", sa.Text),
)

payment_states = record_table(
    "payment_states",
    sa.Column("payment_id", sa.String(60), sa.ForeignKey("payout_payments.payment_id"), primary_key=True),
    # accepted (by an HTTP rail), confirmed, returned: each at most once.
    sa.Column("state", sa.String(20), primary_key=True),
    sa.Column("at", sa.String(20), nullable=False),
    # What the rail or the bank calls it, or why it came back.
    sa.Column("reference", sa.Text, nullable=False),
    sa.Column("entry_id", sa.Text),
)

bank_lines = record_table(
    "bank_lines",
    sa.Column("line_id", sa.String(64), primary_key=True),
    sa.Column("recorded_at", sa.String(20), nullable=False),
    sa.Column("outcome", sa.String(20), nullable=False),
    sa.Column("payment_id", sa.String(60)),
    sa.Column("document", sa.Text, nullable=False),
)

payout_log = record_table(
    "payout_log",
    # Counts 1, 2, 3... in the order of recording.
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("table_name", sa.String(40), nullable=False),
    sa.Column("row_digest", sa.String(64), nullable=False),
)

TABLES = (payee_profiles, payout_plans, payout_batches, payout_payments, payout_states, payment_states, bank_lines)
