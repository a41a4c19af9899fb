"""Rows in bulk: written and looked up at the database's own speed, on SQLite and on PostgreSQL.

SQLite takes plain tuples (`executemany`), PostgreSQL a COPY. Looking up thousands of keys at once is one query: SQLite
reads them from one JSON text, PostgreSQL from one array. Nothing here knows what the rows mean.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy.engine import Connection

_KEYS_AT_ONCE = 20_000


def write_rows(conn: Connection, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Adds rows, each with the values of `columns`.

    Raises:
        sqlalchemy.exc.DBAPIError: a constraint or a guard of the table refuses them.
    """
    if not rows:
        return
    names = ", ".join(columns)
    marks = ", ".join("?" if conn.dialect.name == "sqlite" else "%s" for _ in columns)
    insert = f"INSERT INTO {table} ({names}) VALUES ({marks})"
    if conn.dialect.name == "sqlite" or len(rows) < 100:
        conn.exec_driver_sql(insert, [tuple(row) for row in rows])
        return
    # SQLAlchemy knows no COPY; errors of the driver are passed through it all the same.
    cursor: Any = conn.connection.cursor()
    try:
        with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    except conn.dialect.loaded_dbapi.Error as error:
        from sqlalchemy.exc import DBAPIError

        raise DBAPIError.instance(insert, None, error, conn.dialect.loaded_dbapi.Error, dialect=conn.dialect) from error
    finally:
        cursor.close()


def rows_with(conn: Connection, select: str, column: str, values: Collection[Any], rest: str = "") -> Iterator[Any]:
    """The rows of `select` ("SELECT ... FROM ...") whose column is one of the values."""
    wanted = list(values)
    for start in range(0, len(wanted), _KEYS_AT_ONCE):
        part = wanted[start : start + _KEYS_AT_ONCE]
        if conn.dialect.name == "sqlite":
            query = f"{select} WHERE {column} IN (SELECT value FROM json_each(?)) {rest}"
            parameters: tuple[object, ...] = (json.dumps(part),)
        else:
            query = f"{select} WHERE {column} = ANY(%s) {rest}"
            parameters = (part,)
        yield from conn.exec_driver_sql(query, parameters).fetchall()
