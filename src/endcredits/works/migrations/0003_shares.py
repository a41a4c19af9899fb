"""Funds that split again, split sheets, identifiers and titles of works, later credits, imported files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from endcredits.store import append_only_sql

revision = "works_0003"
down_revision = "works_0002"
branch_labels = None
depends_on = None

TABLES = (
    "added_parties",
    "fund_shares",
    "split_sheets",
    "sheet_acceptances",
    "party_identifiers",
    "work_identifiers",
    "work_titles",
    "added_credits",
    "share_imports",
)


def _text(name: str, length: int = 0) -> sa.Column[str]:
    return sa.Column(name, sa.String(length) if length else sa.Text(), nullable=False)


def _table(name: str, keys: tuple[str, ...], *columns: sa.schema.SchemaItem, **references: str) -> None:
    op.create_table(
        name,
        *columns,
        _text("digest", 64),
        sa.PrimaryKeyConstraint(*keys, name=f"pk_{name}"),
        *(sa.ForeignKeyConstraint([column], [target], name=f"fk_{name}_{column}") for column, target in references.items()),
    )


def upgrade() -> None:
    """Makes the tables and closes them against changes."""
    party, work = "parties.party_id", "works.work_id"
    _table("added_parties", ("party_id",), _text("party_id", 200), party_id=party)
    _table(
        "fund_shares",
        ("fund_id", "valid_from", "party_id"),
        _text("fund_id", 200),
        _text("valid_from", 10),
        _text("party_id", 200),
        sa.Column("share_ppb", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("share_ppb > 0", name="positive_share"),
        fund_id=party,
        party_id=party,
    )
    _table(
        "split_sheets",
        ("sheet_id",),
        _text("sheet_id", 60),
        _text("work_id", 200),
        _text("right_name", 50),
        _text("territory"),
        _text("valid_from", 10),
        sa.Column("number", sa.Integer(), nullable=False),
        _text("lines"),
        _text("proposed_by"),
        _text("proposed_at", 20),
        sa.UniqueConstraint("work_id", "right_name", "territory", "number", name="uq_split_sheets_number"),
        work_id=work,
    )
    op.create_index("ix_split_sheets_work_id", "split_sheets", ["work_id"])
    _table(
        "sheet_acceptances",
        ("sheet_id", "party_id"),
        _text("sheet_id", 60),
        _text("party_id", 200),
        _text("sheet_digest", 64),
        _text("accepted_by"),
        _text("accepted_at", 20),
        sheet_id="split_sheets.sheet_id",
        party_id=party,
    )
    _table(
        "party_identifiers",
        ("scheme", "value"),
        _text("scheme", 40),
        _text("value", 200),
        _text("party_id", 200),
        _text("asserted_by"),
        party_id=party,
    )
    _table(
        "work_identifiers",
        ("scheme", "value", "work_id"),
        _text("scheme", 40),
        _text("value", 200),
        _text("work_id", 200),
        _text("asserted_by"),
        work_id=work,
    )
    _table(
        "work_titles", ("work_id", "title"), _text("work_id", 200), _text("title", 400), _text("asserted_by"), work_id=work
    )
    _table(
        "added_credits",
        ("work_id", "position"),
        _text("work_id", 200),
        sa.Column("position", sa.Integer(), nullable=False),
        _text("party_id", 200),
        _text("role", 100),
        _text("display_credit"),
        _text("asserted_by"),
        work_id=work,
        party_id=party,
    )
    _table(
        "share_imports",
        ("sha256", "form"),
        _text("sha256", 64),
        _text("form", 20),
        _text("label"),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        _text("imported_at", 20),
    )
    for table in TABLES:
        for statement in append_only_sql(table, op.get_bind().dialect.name):
            op.execute(statement)
