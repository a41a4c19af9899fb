"""The rows of paying, counted in `payout_log` beside their tables; see `endcredits.row_log`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits import row_log
from endcredits.payouts.payout_tables import TABLES, payout_log
from endcredits.store import Finding


def insert_logged(conn: Connection, table: sa.Table, rows: Iterable[Mapping[str, object]]) -> int:
    """Adds rows to a table of paying, and their digests to the log, and returns how many."""
    return row_log.insert_logged(conn, payout_log, table, rows)


def check_log_of_rows(conn: Connection) -> list[Finding]:
    """What the tables of paying and their log do not agree on."""
    return row_log.check_row_log(conn, payout_log, TABLES)
