"""Reading millions of rows as columns, at the database's own speed.

The database joins each column of many rows into one text, and Arrow takes it apart again: no loop of Python's touches a
row. It goes through a table range by range, by the place of its rows (SQLite's rowid, PostgreSQL's ctid). A text that holds
the very character by which texts are joined gives a wrong count, and then the rows of that range are read one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.engine import Connection

ROWS_AT_ONCE = 100_000
"""Rows of a table whose texts SQLite joins into one, which must stay below a gigabyte."""
PAGES_AT_ONCE = 5_000
"""Pages of a table, of 8 KiB each, whose texts PostgreSQL joins into one."""
JOINT = "\x1f"
"""Between joined texts."""


def read_columns(
    conn: Connection, table: sa.Table, columns: Mapping[str, str], where: str = "", params: Mapping[str, Any] | None = None
) -> pa.Table:
    """Columns of a table's rows, all of them texts, in no order.

    Args:
        conn: the database, SQLite or PostgreSQL.
        table: whose rows are read.
        columns: what each column of the result is, in SQL that both know; never NULL.
        where: which rows, in SQL that both know; parameters as `:name`.
        params: values of the parameters.
    """
    schema = pa.schema([(name, pa.string()) for name in columns])
    lite = conn.dialect.name == "sqlite"
    glue = f"char({ord(JOINT)})" if lite else f"chr({ord(JOINT)})"
    joined = ", ".join(f"{'group_concat' if lite else 'string_agg'}({column}, {glue})" for column in columns.values())
    # Never by another index: all columns must come in one order.
    source = f"{table.name}{' NOT INDEXED' if lite else ''} WHERE {f'({where}) AND ' if where else ''}"
    found = []
    with ThreadPoolExecutor(1) as apart:  # what was read is taken apart while the next range is read
        for chosen, at in _ranges(conn, table.name):
            given = {**(params or {}), **at}
            count, *texts = conn.execute(sa.text(f"SELECT COUNT(*), {joined} FROM {source}{chosen}"), given).one()
            if count:
                found.append((chosen, given, count, apart.submit(_apart, texts)))
    tables = []
    for chosen, given, count, taken in found:
        parts = taken.result()
        if any(len(part) != count for part in parts):
            rows = conn.execute(sa.text(f"SELECT {', '.join(columns.values())} FROM {source}{chosen}"), given)
            parts = [pa.array(values, pa.string()) for values in zip(*rows, strict=True)]
        tables.append(pa.Table.from_arrays(parts, schema=schema))
    return pa.concat_tables(tables) if tables else schema.empty_table()


def _apart(texts: Sequence[str]) -> list[pa.Array]:
    return [pc.split_pattern(pa.array([text]), JOINT).flatten() for text in texts]


def _ranges(conn: Connection, table: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(which rows in SQL, its parameters) of each range of a table."""
    if conn.dialect.name == "sqlite":
        last = conn.exec_driver_sql(f"SELECT MAX(rowid) FROM {table}").scalar_one() or 0
        for first in range(1, last + 1, ROWS_AT_ONCE):
            yield "rowid BETWEEN :first_row AND :last_row", {"first_row": first, "last_row": first + ROWS_AT_ONCE - 1}
        return
    size = "pg_relation_size(CAST(:name AS regclass)) / CAST(current_setting('block_size') AS int)"
    pages = conn.execute(sa.text(f"SELECT {size}"), {"name": table}).scalar_one()
    for first in range(0, pages, PAGES_AT_ONCE):
        yield f"ctid >= '({first},0)' AND ctid < '({first + PAGES_AT_ONCE},0)'", {}
