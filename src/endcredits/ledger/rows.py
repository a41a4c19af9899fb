"""Rows in bulk: written and looked up at the database's own speed, on SQLite and on PostgreSQL.

SQLite takes plain tuples (`executemany`), PostgreSQL a COPY. Looking up thousands of keys at once is one query: SQLite
reads them from one JSON text, PostgreSQL from one array. Nothing here knows what the rows mean.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy.engine import Connection

_KEYS_AT_ONCE = 20_000


def write_rows(conn: Connection, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Adds rows, each with the values of `columns`; they may be made while they are written.

    Raises:
        sqlalchemy.exc.DBAPIError: a constraint or a guard of the table refuses them.
    """
    names = ", ".join(columns)
    insert = f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' for _ in columns)})"
    # SQLAlchemy would make a list of all rows, and knows no COPY; errors of the driver are passed through it all the same.
    cursor: Any = conn.connection.cursor()
    try:
        if conn.dialect.name == "sqlite":
            cursor.executemany(insert, rows)
            return
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
