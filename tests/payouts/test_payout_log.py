"""One forged value with its digest made anew, or one row taken out of any table of paying, leaves a gap that shows."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from endcredits.payouts import payout_tables as tables
from endcredits.payouts.paying_checks import check_paying
from endcredits.payouts.rails.bank_files import read_bank_file
from endcredits.payouts.reconcile import reconcile
from endcredits.store import Store, row_digest

from .bank_says import detail, entry, statement
from .paying_makers import AT, earned, payee, record_plan, send


@pytest.fixture
def paid(sqlite_store: Store) -> Store:
    """A payment that arrived, and a database without guards."""
    earned(sqlite_store, payee(), payee("ben", 2000), ada=5_000_000, ben=6_000_000)
    (batch,) = record_plan(sqlite_store).batches
    send(sqlite_store, batch)
    says = statement(entry("5.00", detail(batch.payments[0].payment_id)))
    sqlite_store.write(lambda conn: reconcile(conn, read_bank_file(says), AT))
    with sqlite_store.engine.connect() as conn:
        conn.connection.cursor().execute("PRAGMA foreign_keys=OFF")
        for table in (*tables.TABLES, tables.payout_log):
            for verb in ("update", "delete"):
                conn.exec_driver_sql(f"DROP TRIGGER {table.name}_no_{verb}")
        conn.commit()
        conn.invalidate()
    return sqlite_store


def trial(store: Store, table: sa.Table, row: dict[str, object], forged: dict[str, object] | None) -> bool:
    """Whether a forged row, or a missing one, is found; nothing is kept."""
    keys = sa.and_(*(column == row[column.name] for column in table.primary_key.columns))
    with store.engine.connect() as conn:
        conn.connection.cursor().execute("PRAGMA foreign_keys=OFF")
        with conn.begin() as transaction:
            conn.execute(sa.delete(table).where(keys) if forged is None else sa.update(table).where(keys).values(forged))
            found = check_paying(conn)
            transaction.rollback()
        conn.invalidate()
    return bool(found)


@pytest.mark.parametrize("table", [*tables.TABLES, tables.payout_log], ids=lambda table: str(table.name))
def test_nothing_can_be_forged_or_taken_out_by_itself(paid: Store, table: sa.Table) -> None:
    """In every row and column."""
    with paid.reading() as conn:
        assert check_paying(conn) == []
        rows = [dict(row) for row in conn.execute(sa.select(table)).mappings()]
    assert rows

    for row in rows:
        assert trial(paid, table, row, None), row
        for column, value in row.items():
            if column != "digest":
                forged = {**row, column: value + 2**20 if isinstance(value, int) else f"{value or ''}1"}
                assert trial(paid, table, row, {**forged, "digest": row_digest(str(table.name), forged)}), (row, column)
