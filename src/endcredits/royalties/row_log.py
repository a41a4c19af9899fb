"""Every row of some tables is counted in one log beside them, so that a row forged whole, or taken out, leaves a gap.

A row's own digest tells a careless change. Who changes a value and makes the digest anew, or deletes the row, is found by
the log: it holds, numbered 1, 2, 3..., the digest of every row that was ever added, and the tables must hold exactly those.
Reports are numbered themselves, and closes and statements are proven by receipts; what has neither is logged: steps, units,
contracts, disputes and held rows. Of reports a close states one digest over all rows that came since the close before it,
since days and times of a use decide who is paid and stand in no frozen table.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.royalties.contract_tables import contracts, dispute_ends, disputes
from endcredits.royalties.step_tables import close_steps, crew_units
from endcredits.royalties.tables import NUMBERED, held_ends, held_rows, royalty_log
from endcredits.store import Finding, insert_records, many, row_digest

LOGGED = (held_rows, held_ends, contracts, disputes, dispute_ends, close_steps, crew_units)
"""The tables whose rows are in `royalty_log`."""


def insert_logged(conn: Connection, table: sa.Table, rows: Iterable[Mapping[str, object]]) -> int:
    """Adds rows to one of the tables, and their digests to the log, and returns how many.

    Raises:
        sqlalchemy.exc.IntegrityError: a key is taken, or another constraint of the table is broken.
    """
    given = list(rows)
    if not given:
        return 0
    names = [column.name for column in table.columns if column.name != "digest"]
    digests = [row_digest(table.name, {name: row.get(name) for name in names}) for row in given]
    insert_records(conn, table, given)
    last = conn.scalar(sa.select(sa.func.max(royalty_log.c.number))) or 0
    name = str(table.name)  # a type of its own in SQLAlchemy, and digests tell types apart
    entries = [{"number": last + n, "table_name": name, "row_digest": one} for n, one in enumerate(digests, 1)]
    insert_records(conn, royalty_log, entries)
    return len(given)


def check_row_log(conn: Connection, tables: Sequence[sa.Table] = LOGGED) -> list[Finding]:
    """What the tables and their log do not agree on."""
    logged: dict[str, Counter[str]] = {table.name: Counter() for table in tables}
    findings = []
    for expected, row in enumerate(many(conn, sa.select(royalty_log).order_by(royalty_log.c.number)), 1):
        if row["number"] != expected:
            findings.append(Finding("database table royalty_log", f"number {row['number']} stands where {expected} belongs"))
            break
        logged.setdefault(row["table_name"], Counter())[row["row_digest"]] += 1
    for table in tables:
        held, known = Counter(conn.scalars(sa.select(table.c.digest)).all()), logged.pop(table.name)
        if missing := (known - held).total():
            findings.append(Finding(f"database table {table.name}", f"{missing} rows were recorded and are not there"))
        if strange := (held - known).total():
            findings.append(Finding(f"database table {table.name}", f"{strange} rows are there and were never recorded so"))
    findings += [Finding("database table royalty_log", f"it names a table '{name}'") for name in logged]
    return findings


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
