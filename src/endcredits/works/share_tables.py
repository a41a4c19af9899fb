"""Tables of shares and credits: funds, split sheets and their acceptances, identifiers, titles, later credits, imports.

They stand beside the registry's tables (`tables.py`) and refer to its parties and works. `added_parties` names those whom a
sheet, a fund or an import brought before any registered work did. A sheet's lines are canonical JSON.
"""

from __future__ import annotations

import sqlalchemy as sa

from endcredits.store import record_table

added_parties = record_table(
    "added_parties",
    sa.Column("party_id", sa.String(200), sa.ForeignKey("parties.party_id"), primary_key=True),
)

fund_shares = record_table(
    "fund_shares",
    sa.Column("fund_id", sa.String(200), sa.ForeignKey("parties.party_id"), primary_key=True),
    sa.Column("valid_from", sa.String(10), primary_key=True),
    sa.Column("party_id", sa.String(200), sa.ForeignKey("parties.party_id"), primary_key=True),
    sa.Column("share_ppb", sa.BigInteger, nullable=False),
    sa.CheckConstraint("share_ppb > 0", name="positive_share"),
)

split_sheets = record_table(
    "split_sheets",
    sa.Column("sheet_id", sa.String(60), primary_key=True),
    sa.Column("work_id", sa.String(200), sa.ForeignKey("works.work_id"), nullable=False, index=True),
    sa.Column("right_name", sa.String(50), nullable=False),
    sa.Column("territory", sa.Text, nullable=False),
    sa.Column("valid_from", sa.String(10), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("lines", sa.Text, nullable=False),
    sa.Column("proposed_by", sa.Text, nullable=False),
    sa.Column("proposed_at", sa.String(20), nullable=False),
    sa.UniqueConstraint("work_id", "right_name", "territory", "number", name="uq_split_sheets_number"),
)

sheet_acceptances = record_table(
    "sheet_acceptances",
    sa.Column("sheet_id", sa.String(60), sa.ForeignKey("split_sheets.sheet_id"), primary_key=True),
    sa.Column("party_id", sa.String(200), sa.ForeignKey("parties.party_id"), primary_key=True),
    sa.Column("sheet_digest", sa.String(64), nullable=False),
    sa.Column("accepted_by", sa.Text, nullable=False),
    sa.Column("accepted_at", sa.String(20), nullable=False),
)

party_identifiers = record_table(
    "party_identifiers",
    sa.Column("scheme", sa.String(40), primary_key=True),
    sa.Column("value", sa.String(200), primary_key=True),
    sa.Column("party_id", sa.String(200), sa.ForeignKey("parties.party_id"), nullable=False),
    sa.Column("asserted_by", sa.Text, nullable=False),
)

work_identifiers = record_table(
    "work_identifiers",
    sa.Column("scheme", sa.String(40), primary_key=True),
    sa.Column("value", sa.String(200), primary_key=True),
    sa.Column("work_id", sa.String(200), sa.ForeignKey("works.work_id"), primary_key=True),
    sa.Column("asserted_by", sa.Text, nullable=False),
)

work_titles = record_table(
    "work_titles",
    sa.Column("work_id", sa.String(200), sa.ForeignKey("works.work_id"), primary_key=True),
    sa.Column("title", sa.String(400), primary_key=True),
    sa.Column("asserted_by", sa.Text, nullable=False),
)

added_credits = record_table(
    "added_credits",
    sa.Column("work_id", sa.String(200), sa.ForeignKey("works.work_id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("party_id", sa.String(200), sa.ForeignKey("parties.party_id"), nullable=False),
    sa.Column("role", sa.String(100), nullable=False),
    sa.Column("display_credit", sa.Text, nullable=False),
    sa.Column("asserted_by", sa.Text, nullable=False),
)

share_imports = record_table(
    "share_imports",
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("form", sa.String(20), primary_key=True),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("records", sa.Integer, nullable=False),
    sa.Column("imported_at", sa.String(20), nullable=False),
)

ALL = (
    added_parties,
    fund_shares,
    split_sheets,
    sheet_acceptances,
    party_identifiers,
    work_identifiers,
    work_titles,
    added_credits,
    share_imports,
)
"""In the order in which rows may be added."""
