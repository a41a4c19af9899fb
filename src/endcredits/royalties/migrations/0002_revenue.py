"""Revenue, refunds, rates and held rows; events learn of offers, payers, taxes and declared works; everything is numbered.

The database refuses to change a row, so tables that get columns are made anew and filled from the old ones. Every old row is
checked against its digest first: a damaged row is named here and not given a new digest as if it were sound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

from endcredits.errors import IntegrityError
from endcredits.store import append_only_sql, row_digest

revision = "royalties_0002"
down_revision = "royalties_0001"
branch_labels = None
depends_on = None

OLD = "_0001"
BATCH = 10_000


def upgrade() -> None:
    """Makes the tables, carries the old rows over and closes all against changes."""
    _set_aside("usage_events", ["ix_usage_events_used_at"])
    _set_aside("period_closes", [])
    _make_events()
    _make_reports()
    _make_held()
    _make_closes()
    _fill("usage_events", _events())
    _fill("period_closes", _closes())
    for table in ("usage_events", "period_closes"):
        op.drop_table(table + OLD)
    made = ("usage_events", "revenues", "refunds", "currency_rates", "held_rows", "held_ends", "period_closes")
    for table in made:
        for statement in append_only_sql(table, op.get_bind().dialect.name):
            op.execute(statement)


def _set_aside(table: str, indexes: list[str]) -> None:
    for index in indexes:
        op.drop_index(index, table)
    op.rename_table(table, table + OLD)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER INDEX pk_{table} RENAME TO pk_{table}{OLD}")


def _numbered(table: str, *columns: sa.Column[Any], key: tuple[str, ...], indexes: tuple[str, ...] = ()) -> None:
    op.create_table(
        table,
        *columns,
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.String(20), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint(*key, name=f"pk_{table}"),
    )
    op.create_index(f"ix_{table}_number", table, ["number"], unique=True)
    for column in indexes:
        op.create_index(f"ix_{table}_{column}", table, [column])


def _make_events() -> None:
    _numbered(
        "usage_events",
        sa.Column("event_id", sa.String(200), nullable=False),
        sa.Column("output_id", sa.String(200), nullable=False),
        sa.Column("used_at", sa.String(20), nullable=False),
        sa.Column("revenue_micros", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("service", sa.String(200), nullable=False),
        sa.Column("territory", sa.String(5), nullable=False),
        sa.Column("offer", sa.String(200), nullable=False),
        sa.Column("payer", sa.String(200), nullable=False),
        sa.Column("uses", sa.BigInteger, nullable=False),
        sa.Column("use", sa.String(200), nullable=False),
        sa.Column("tax_micros", sa.BigInteger, nullable=False),
        sa.Column("declared", sa.Text, nullable=False),
        key=("event_id",),
        indexes=("used_at",),
    )


def _make_reports() -> None:
    _numbered(
        "revenues",
        sa.Column("revenue_id", sa.String(200), nullable=False),
        sa.Column("earned_on", sa.String(10), nullable=False),
        sa.Column("gross_micros", sa.BigInteger, nullable=False),
        sa.Column("tax_micros", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("service", sa.String(200), nullable=False),
        sa.Column("territory", sa.String(5), nullable=False),
        sa.Column("offer", sa.String(200), nullable=False),
        sa.Column("payer", sa.String(200), nullable=False),
        key=("revenue_id",),
        indexes=("earned_on",),
    )
    _numbered(
        "refunds",
        sa.Column("refund_id", sa.String(200), nullable=False),
        sa.Column("of_id", sa.String(200), nullable=False),
        sa.Column("refunded_at", sa.String(20), nullable=False),
        sa.Column("refund_micros", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        key=("refund_id",),
        indexes=("of_id",),
    )
    _numbered(
        "currency_rates",
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("into_currency", sa.String(3), nullable=False),
        sa.Column("fixed_on", sa.String(10), nullable=False),
        sa.Column("numerator", sa.BigInteger, nullable=False),
        sa.Column("denominator", sa.BigInteger, nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        key=("currency", "into_currency", "fixed_on"),
    )


def _make_held() -> None:
    op.create_table(
        "held_rows",
        sa.Column("held_id", sa.String(64), nullable=False),
        sa.Column("recorded_at", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("record_id", sa.String(200), nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("row_number", sa.BigInteger, nullable=False),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
        sa.Column("remedy", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("held_id", name="pk_held_rows"),
    )
    op.create_index("ix_held_rows_record_id", "held_rows", ["record_id"])
    op.create_table(
        "held_ends",
        sa.Column("held_id", sa.String(64), nullable=False),
        sa.Column("recorded_at", sa.String(20), nullable=False),
        sa.Column("how", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("held_id", name="pk_held_ends"),
    )


def _make_closes() -> None:
    op.create_table(
        "period_closes",
        sa.Column("period_id", sa.String(200), nullable=False),
        sa.Column("starts_on", sa.String(10), nullable=False),
        sa.Column("ends_on", sa.String(10), nullable=False),
        sa.Column("cut_off", sa.BigInteger, nullable=False),
        sa.Column("frozen_digest", sa.String(64), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("close_digest", sa.String(64), nullable=False),
        sa.Column("entry_id", sa.String(200), nullable=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("period_id", name="pk_period_closes"),
    )


def _old_rows(table: str, order: str) -> Iterator[Mapping[str, Any]]:
    found = op.get_bind().execute(sa.text(f"SELECT * FROM {table}{OLD} ORDER BY {order}"))
    for row in map(dict, found.mappings()):
        if row_digest(table, row) != row["digest"]:
            raise IntegrityError(
                f"the row of {table} with {', '.join(f'{key} {row[key]}' for key in list(row)[:1])} does not fit its digest",
                remedy="Restore the database from your last copy; nothing was changed.",
            )
        yield row


def _events() -> Iterator[dict[str, object]]:
    """Old events in the order of their use; when they were recorded was not kept, so it is the moment of use."""
    for number, row in enumerate(_old_rows("usage_events", "used_at, event_id"), 1):
        new: dict[str, object] = {name: value for name, value in row.items() if name != "digest"}
        new |= {"number": number, "recorded_at": row["used_at"], "offer": "", "payer": "", "uses": 1}
        yield new | {"use": "generation", "tax_micros": 0, "declared": ""}


def _closes() -> Iterator[dict[str, object]]:
    """An old close counted all usage up to its last day: numbers follow the time of use, so that is its cut-off."""
    for row in list(_old_rows("period_closes", "ends_on")):
        query = sa.text("SELECT count(*) FROM usage_events WHERE used_at <= :last")
        counted = op.get_bind().scalar(query, {"last": f"{row['ends_on']}T23:59:59Z"})
        new: dict[str, object] = {name: value for name, value in row.items() if name != "digest"}
        yield new | {"cut_off": counted, "frozen_digest": ""}


def _fill(table: str, rows: Iterator[dict[str, object]]) -> None:
    into = sa.Table(table, sa.MetaData(), autoload_with=op.get_bind())
    batch: list[dict[str, object]] = []
    for row in rows:
        batch.append({**row, "digest": row_digest(table, row)})
        if len(batch) == BATCH:
            op.get_bind().execute(sa.insert(into), batch)
            batch = []
    if batch:
        op.get_bind().execute(sa.insert(into), batch)
