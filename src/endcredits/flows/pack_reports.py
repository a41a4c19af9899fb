"""What was reported, row by row, for an auditor: usage, revenue, refunds and rates as they stand in the books.

Every hand-in has an entry in the log with a digest over the digests of its rows. So a hand-in is shown whole: rows that the
close looked at in full, rows of other periods by their number and digest alone. Hand-ins of which nothing is shown in full
stand in earlier packs and are left out here. A row's digest is that of the books (`store.row_digest`), which whoever has the
row makes again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits import durable
from endcredits.errors import IntegrityError
from endcredits.flows.fact_files import facts_in
from endcredits.flows.fact_kinds import DATED, INTAKE
from endcredits.flows.studio import Studio
from endcredits.royalties import BookedClose
from endcredits.royalties.counting import window

SCHEMA = pa.schema(
    [pa.field("number", pa.int64(), False), pa.field("digest", pa.string(), False), pa.field("row", pa.string(), False)]
)
"""A report: its number, the digest of its row, and the row as JSON ("" where it is of another period)."""
ROWS_AT_ONCE = 20_000
TABLES: Mapping[str, sa.Table] = {kind: table for kind, table, _, _ in DATED}


def write_reports(studio: Studio, booked: BookedClose, folder: Path) -> None:
    """Writes `<kind>.parquet` for every kind of report; those that are there whole are passed over."""
    ranges = hand_ins(studio, booked.cut_off)
    for kind, table, moment, _ in DATED:
        path = folder / f"{kind}.parquet"
        if not path.exists():
            with studio.store.reading() as conn:
                _write(path, _rows(conn, booked, table, moment, ranges))


def hand_ins(studio: Studio, cut_off: int) -> list[tuple[int, int]]:
    """The hand-ins that a close looked at: (after, to) each, in order; the last may reach beyond the cut-off."""
    bodies = [fact.body for fact in facts_in(studio.path, INTAKE) if fact.body is not None]
    return [(int(body["after"]), int(body["to"])) for body in bodies if int(body["after"]) < cut_off]


def _rows(
    conn: Connection, booked: BookedClose, table: sa.Table, moment: Any, ranges: list[tuple[int, int]]
) -> Iterator[tuple[int, str, str]]:
    shown = _shown(conn, booked, table, moment)
    for after, to in ranges:
        if any(_holds(conn, booked, one, when, after, to) for _, one, when, _ in DATED):
            within = sa.and_(table.c.number > after, table.c.number <= to)
            query = sa.select(table, shown.label("is_shown")).where(within).order_by(table.c.number)
            for row in conn.execute(query.execution_options(yield_per=ROWS_AT_ONCE)).mappings():
                content = {name: value for name, value in row.items() if name not in ("digest", "is_shown")}
                yield row["number"], row["digest"], json.dumps(content, ensure_ascii=False) if row["is_shown"] else ""


def _shown(conn: Connection, booked: BookedClose, table: sa.Table, moment: Any) -> sa.ColumnElement[bool]:
    """Which rows a close may depend on: new ones, those of its days and later, and those of the periods that it adjusts."""
    if "used_at" not in table.c and "earned_on" not in table.c:
        return sa.true()  # refunds and rates are few, and all that came before counts
    close = booked.close
    seen = window(conn, close.starts_on, close.ends_on, booked.cut_off)
    day = sa.func.substr(moment, 1, 10)
    spans = [(one.starts_on, one.ends_on) for one in close.adjusted]
    adjusted = [sa.and_(day >= first, day <= last) for first, last in spans]
    # A day that no period holds belongs to the one that ended next, so gaps before an adjusted period are shown, too.
    return sa.or_(table.c.number > seen.counted_to, day > seen.closed_to, *adjusted, *([day < spans[0][0]] if spans else []))


def _holds(conn: Connection, booked: BookedClose, table: sa.Table, moment: Any, after: int, to: int) -> bool:
    """Whether a hand-in holds a row of a table that is shown."""
    shown = _shown(conn, booked, table, moment)
    query = sa.select(table.c.number).where(table.c.number > after, table.c.number <= to, shown).limit(1)
    return conn.execute(query).first() is not None


def _write(path: Path, rows: Iterable[tuple[int, str, str]]) -> None:
    with durable.writing(path) as file, pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
        chunk: list[tuple[int, str, str]] = []
        for row in rows:
            chunk.append(row)
            if len(chunk) == ROWS_AT_ONCE:
                writer.write_batch(_batch(chunk))
                chunk = []
        if chunk:
            writer.write_batch(_batch(chunk))


def _batch(rows: list[tuple[int, str, str]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(list(column)) for column in zip(*rows, strict=True)], schema=SCHEMA)


def read_reports(folder: Path, kind: str) -> Iterator[tuple[int, str, dict[str, Any] | None]]:
    """Number, digest and row of every report of a kind, by number; no row where it is of another period.

    Raises:
        IntegrityError: the table is missing, has other columns, or a row is no JSON object.
    """
    path = folder / f"{kind}.parquet"
    try:
        with pq.ParquetFile(path) as source:
            if not source.schema_arrow.equals(SCHEMA):
                raise ValueError("it has other columns")
            for batch in source.iter_batches(ROWS_AT_ONCE):
                columns = (batch.column(number).to_pylist() for number in range(3))
                for number, digest, text in zip(*columns, strict=True):
                    row = json.loads(text) if text else None
                    if row is not None and not isinstance(row, dict):
                        raise ValueError(f"report {number} is no object")
                    yield number, digest, row
    except (OSError, ValueError, pa.ArrowException, RecursionError) as error:
        raise IntegrityError(f"the reports cannot be read ({error})", file=path) from error
