"""The tables of a close: what every work earned, and what every party gets of it, as Parquet beside the close's document.

A close of two million outputs has millions of lines, too many for a document. The document holds their sums, their number
and one digest per table; the rows lie in `work_lines.parquet` and `lines.parquet`. Digests follow the rule of `frozen.py`:
over values, column by column, so that they do not depend on how a Parquet library packs them. Rows stand in one order:

- work lines by (pool, part, work_id), each once;
- lines by (pool, part, work_id, party_id, territory, state), each once; a party of "" is nobody (suspense).

Weights may pass 64 bits and are decimal texts in the table.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from endcredits.durable import writing
from endcredits.errors import IntegrityError
from endcredits.royalties.frozen import table_digest, table_path
from endcredits.royalties.records import Line, WorkLine

WORK_LINES = "work_lines"
LINES = "lines"

BATCH_ROWS = 100_000
"""Rows held in memory at once while writing and reading."""

_I32, _I64, _TEXT = pa.int32(), pa.int64(), pa.string()

SCHEMAS: dict[str, dict[str, pa.DataType]] = {
    WORK_LINES: {
        "pool": _I32,
        "part": _I32,
        "work_id": _TEXT,
        "outputs": _I64,
        "weight": _TEXT,
        "share_ppb": _I64,
        "amount_micros": _I64,
        "taken": _TEXT,
    },
    LINES: {
        "pool": _I32,
        "part": _I32,
        "work_id": _TEXT,
        "party_id": _TEXT,
        "territory": _TEXT,
        "split_ppb": _I64,
        "amount_micros": _I64,
        "state": _TEXT,
    },
}
"""The two tables: name -> column -> Arrow type, in the order in which they are digested."""

T = TypeVar("T", WorkLine, Line)
Values = dict[str, Any]


def lines_schema(name: str) -> pa.Schema:
    """The Arrow schema of `WORK_LINES` or `LINES`; no column may hold nulls."""
    return pa.schema([pa.field(column, kind, nullable=False) for column, kind in SCHEMAS[name].items()])


def writer_options(name: str) -> dict[str, Any]:
    """How a table of lines is packed: options of `pyarrow.parquet.ParquetWriter`.

    Numbers as packed differences; sorted ids and texts of few kinds as lz4 leaves them, which costs less than a dictionary;
    weights, whose digits are noise, as they are. The smallest and largest value stand where rows are sorted by it.
    """
    numbers = [column for column, kind in SCHEMAS[name].items() if kind == _I64]
    return {
        "compression": {column: "none" if column in (*numbers, "weight") else "lz4" for column in SCHEMAS[name]},
        "use_dictionary": False,
        "column_encoding": dict.fromkeys(numbers, "DELTA_BINARY_PACKED"),
        "write_statistics": ["pool", "part", "work_id"],
    }


def work_line_key(line: WorkLine) -> tuple[int, int, str]:
    """What work lines are sorted by, and what tells them apart."""
    return line.pool, line.part, line.work_id


def line_key(line: Line) -> tuple[int, int, str, str, str, str]:
    """What lines are sorted by, and what tells them apart."""
    return line.pool, line.part, line.work_id, line.party_id or "", line.territory, line.state


def work_lines_digest(rows: Iterable[WorkLine]) -> str:
    """Digest of work lines in memory; equal to `table_digest` of the table that holds them."""
    return _digest(WORK_LINES, [_plain(row) for row in rows])


def lines_digest(rows: Iterable[Line]) -> str:
    """Digest of lines in memory; equal to `table_digest` of the table that holds them."""
    return _digest(LINES, [_plain(row) for row in rows])


def write_work_lines(path: Path, rows: Iterable[WorkLine]) -> str:
    """Writes work lines as Parquet, whole or not at all, in bounded memory.

    Args:
        path: the file; its folder is made when missing.
        rows: in order.

    Returns:
        The table's digest.

    Raises:
        IntegrityError: two rows are equal or not in order.
        MachineError: disk full or no permission; the old file stands unchanged.
    """
    return write_table(path, WORK_LINES, _batches(WORK_LINES, rows, work_line_key))


def write_lines(path: Path, rows: Iterable[Line]) -> str:
    """Writes lines as Parquet; otherwise as `write_work_lines`."""
    return write_table(path, LINES, _batches(LINES, rows, line_key))


def write_table(path: Path, name: str, batches: Iterable[pa.RecordBatch]) -> str:
    """Writes ready batches of a table, whole or not at all; the caller answers for their order.

    Args:
        path: the file; its folder is made when missing.
        name: `WORK_LINES` or `LINES`.
        batches: of `lines_schema(name)`.

    Returns:
        The table's digest.

    Raises:
        MachineError: disk full or no permission; the old file stands unchanged.
    """
    with writing(path) as file:
        with pq.ParquetWriter(file, lines_schema(name), **writer_options(name)) as writer:
            for batch in batches:
                writer.write_batch(batch)
        file.flush()
        return table_digest(name, Path(file.name))


def read_work_lines(folder: Path, *, pool: int | None = None, work_id: str | None = None) -> Iterator[WorkLine]:
    """Work lines of a close's folder, in order, read in bounded memory.

    Args:
        folder: holds `work_lines.parquet`.
        pool: only this pool's.
        work_id: only this work's.

    Raises:
        IntegrityError: no such table, or not one that we wrote.
    """
    for values in _rows(folder, WORK_LINES, pool=pool, work_id=work_id):
        yield WorkLine(**(values | {"weight": int(values["weight"])}))


def read_lines(
    folder: Path, *, pool: int | None = None, work_id: str | None = None, party_id: str | None = None
) -> Iterator[Line]:
    """Lines of a close's folder, in order, read in bounded memory.

    Args:
        folder: holds `lines.parquet`.
        pool: only this pool's.
        work_id: only this work's.
        party_id: only this party's; "" for those of nobody.

    Raises:
        IntegrityError: no such table, or not one that we wrote.
    """
    for values in _rows(folder, LINES, pool=pool, work_id=work_id, party_id=party_id):
        yield Line(**(values | {"party_id": values["party_id"] or None}))


def _plain(row: WorkLine | Line) -> Values:
    values = {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
    if isinstance(row, WorkLine):
        return values | {"weight": str(row.weight)}
    return values | {"party_id": row.party_id or ""}


def _digest(name: str, rows: list[Values]) -> str:
    digest = hashlib.sha256(name.encode())
    for column in SCHEMAS[name]:
        digest.update(column.encode())
        for row in rows:
            value = row[column]
            if isinstance(value, str):
                digest.update(len(value.encode()).to_bytes(8, "little") + value.encode())
            else:
                digest.update(value.to_bytes(8, "little", signed=True))
    return digest.hexdigest()


def _batches(name: str, rows: Iterable[T], key: Callable[[T], tuple[Any, ...]]) -> Iterator[pa.RecordBatch]:
    left = iter(rows)
    last: tuple[Any, ...] = ()
    while batch := list(islice(left, BATCH_ROWS)):
        for row in batch:
            if key(row) <= last:
                raise IntegrityError(
                    f"the {name.replace('_', ' ')} are not in order at {key(row)}", remedy="Sort them by key."
                )
            last = key(row)
        yield pa.RecordBatch.from_pylist([_plain(row) for row in batch], lines_schema(name))


def _rows(folder: Path, name: str, **wanted: int | str | None) -> Iterator[Values]:
    path = table_path(folder, name)
    try:
        with pq.ParquetFile(path) as source:
            if not source.schema_arrow.equals(lines_schema(name)):
                raise IntegrityError(f"the table has other columns than {name}", remedy="Close the period again.", file=path)
            for batch in source.iter_batches(BATCH_ROWS):
                for column, value in wanted.items():
                    if value is not None:
                        batch = batch.filter(pc.equal(batch.column(column), value))
                yield from batch.to_pylist()
    except (OSError, pa.ArrowInvalid) as error:
        raise IntegrityError(
            f"the table cannot be read ({error})",
            remedy="Restore it from your last copy, or close the period again.",
            file=path,
        ) from error
