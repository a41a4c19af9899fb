"""Reading millions of rows as columns, at the database's own speed.

SQLite joins each column of a hundred thousand rows into one text, which Arrow takes apart again; PostgreSQL copies the rows
out as CSV, which Arrow reads. No loop of Python's touches a row. A text that holds the very character by which texts
are joined gives a wrong count, and then those rows are read one by one.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import sqlalchemy as sa
from sqlalchemy.engine import Connection

ROWS_AT_ONCE = 100_000
"""Rows of a table whose texts SQLite joins into one, which must stay below a gigabyte."""
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
    given, schema = dict(params or {}), pa.schema([(name, pa.string()) for name in columns])
    wanted = list(columns.values())
    read = _sqlite if conn.dialect.name == "sqlite" else _postgres
    found = list(read(conn, table.name, wanted, where, given, schema))
    return pa.concat_tables(found) if found else schema.empty_table()


def _sqlite(
    conn: Connection, table: str, columns: Sequence[str], where: str, params: Mapping[str, Any], schema: pa.Schema
) -> Iterator[pa.Table]:
    last = conn.exec_driver_sql(f"SELECT MAX(rowid) FROM {table}").scalar_one() or 0
    chosen = f"{f'({where}) AND ' if where else ''}rowid BETWEEN :first_row AND :last_row"
    joined = ", ".join(f"group_concat({column}, char({ord(JOINT)}))" for column in columns)
    # Never by another index: all columns must come in one order.
    together = sa.text(f"SELECT COUNT(*), {joined} FROM {table} NOT INDEXED WHERE {chosen}")
    apart = sa.text(f"SELECT {', '.join(columns)} FROM {table} NOT INDEXED WHERE {chosen}")
    for first in range(1, last + 1, ROWS_AT_ONCE):
        rows = {**params, "first_row": first, "last_row": first + ROWS_AT_ONCE - 1}
        count, *texts = conn.execute(together, rows).one()
        if not count:
            continue
        parts = [pc.split_pattern(pa.array([text]), JOINT).flatten() for text in texts]
        if any(len(part) != count for part in parts):
            parts = [pa.array(values, pa.string()) for values in zip(*conn.execute(apart, rows), strict=True)]
        yield pa.Table.from_arrays(parts, schema=schema)


def _postgres(
    conn: Connection, table: str, columns: Sequence[str], where: str, params: Mapping[str, Any], schema: pa.Schema
) -> Iterator[pa.Table]:
    chosen = f" WHERE {where}" if where else ""
    query = sa.text(f"SELECT {', '.join(columns)} FROM {table}{chosen}").bindparams(**params)
    compiled = query.compile(dialect=conn.dialect)
    driver: Any = conn.connection.driver_connection
    copy = f"COPY ({compiled}) TO STDOUT (FORMAT CSV, FORCE_QUOTE *)"
    with driver.cursor() as cursor, cursor.copy(copy, compiled.params) as out:
        text = b"".join(out)
    if text:
        yield csv.read_csv(
            io.BytesIO(text),
            csv.ReadOptions(column_names=schema.names),
            csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            csv.ConvertOptions(column_types=schema, strings_can_be_null=False),
        )
