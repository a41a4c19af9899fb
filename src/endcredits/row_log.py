"""Every row of some tables is counted in one log beside them, so that a row forged whole, or taken out, leaves a gap.

A row's own digest tells a careless change. Who changes a value and makes the digest anew, or deletes the row, is found by
the log: it holds, numbered 1, 2, 3..., the digest of every row that was ever added, and the tables must hold exactly those.
A room that wants this has a log table of its own with the columns `number`, `table_name` and `row_digest`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.store import Finding, insert_records, many, row_digest


def insert_logged(conn: Connection, log: sa.Table, table: sa.Table, rows: Iterable[Mapping[str, object]]) -> int:
    """Adds rows to a table, and their digests to its log, and returns how many.

    Raises:
        sqlalchemy.exc.IntegrityError: a key is taken, or another constraint of the table is broken.
    """
    given = list(rows)
    if not given:
        return 0
    names = [column.name for column in table.columns if column.name != "digest"]
    digests = [row_digest(table.name, {name: row.get(name) for name in names}) for row in given]
    insert_records(conn, table, given)
    last = conn.scalar(sa.select(sa.func.max(log.c.number))) or 0
    name = str(table.name)  # a type of its own in SQLAlchemy, and digests tell types apart
    entries = [{"number": last + n, "table_name": name, "row_digest": one} for n, one in enumerate(digests, 1)]
    insert_records(conn, log, entries)
    return len(given)


def check_row_log(conn: Connection, log: sa.Table, tables: Sequence[sa.Table]) -> list[Finding]:
    """What some tables and their log do not agree on."""
    where = f"database table {log.name}"
    logged: dict[str, Counter[str]] = {table.name: Counter() for table in tables}
    findings = []
    for expected, row in enumerate(many(conn, sa.select(log).order_by(log.c.number)), 1):
        if row["number"] != expected:
            findings.append(Finding(where, f"number {row['number']} stands where {expected} belongs"))
            break
        logged.setdefault(row["table_name"], Counter())[row["row_digest"]] += 1
    for table in tables:
        held, known = Counter(conn.scalars(sa.select(table.c.digest)).all()), logged.pop(table.name)
        if missing := (known - held).total():
            findings.append(Finding(f"database table {table.name}", f"{missing} rows were recorded and are not there"))
        if strange := (held - known).total():
            findings.append(Finding(f"database table {table.name}", f"{strange} rows are there and were never recorded so"))
    findings += [Finding(where, f"it names a table '{name}'") for name in logged]
    return findings
