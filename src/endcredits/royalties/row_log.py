"""The rows of this room that nothing else proves, counted in `royalty_log` beside their tables; see `endcredits.row_log`.

Reports are numbered themselves, and closes and statements are proven by receipts; what has neither is logged: steps, units,
contracts, disputes and held rows. Of reports a close states one digest over all rows that came since the close before it,
since days and times of a use decide who is paid and stand in no frozen table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits import row_log
from endcredits.royalties.contract_tables import contracts, dispute_ends, disputes
from endcredits.royalties.step_tables import close_steps, crew_units
from endcredits.royalties.tables import NUMBERED, held_ends, held_rows, royalty_log
from endcredits.store import Finding

LOGGED = (held_rows, held_ends, contracts, disputes, dispute_ends, close_steps, crew_units)
"""The tables whose rows are in `royalty_log`."""


def insert_logged(conn: Connection, table: sa.Table, rows: Iterable[Mapping[str, object]]) -> int:
    """Adds rows to one of the tables, and their digests to the log, and returns how many."""
    return row_log.insert_logged(conn, royalty_log, table, rows)


def check_row_log(conn: Connection) -> list[Finding]:
    """What the tables and their log do not agree on."""
    return row_log.check_row_log(conn, royalty_log, LOGGED)


def reports_digest(conn: Connection, after: int, last: int) -> str:
    """SHA-256 over the digests of all reports with a number in (after, last], table by table, by number."""
    found = hashlib.sha256()
    for table in NUMBERED:
        found.update(table.name.encode())
        own = table.c
        query = sa.select(own.number, own.digest).where(own.number > after, own.number <= last).order_by(own.number)
        for number, digest in conn.execute(query.execution_options(yield_per=10_000)):
            found.update(f"\n{number} {digest}".encode())
    return found.hexdigest()
