"""The rows of a table file, one after another, in bounded memory: CSV, JSON Lines or Parquet, by the file's ending.

Whatever the form, a row comes out as cells: texts, numbers as their digits (`Digits`, so that nothing was rounded on the
way), lists of texts. What is wrong with the file as a whole (not CSV, no such column, not UTF-8) ends the reading with an
error; what is wrong with one row is handed on with that row, so that the caller decides whether the others count.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from endcredits.errors import InputError

BATCH_ROWS = 16_384
"""Rows of a Parquet file held at once."""
LINE_MAX = 1_048_576
"""Longest line of JSON, in characters: a file without line ends must not be read into memory whole."""


class Digits(str):
    """A number as it stands in the file."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row as it stands in a file.

    Attributes:
        number: 1-based; in CSV and Parquet the header is not counted, in JSON Lines blank lines are.
        cells: by column; `{"held_line": ...}` where the row could not be taken apart.
        problem: why it could not be taken apart; without file and row, which the caller knows.
    """

    number: int
    cells: Mapping[str, object]
    problem: InputError | None = None


def raw_rows(path: str | os.PathLike[str]) -> tuple[tuple[str, ...] | None, Iterator[RawRow]]:
    """Opens a table.

    Args:
        path: ends in `.csv`, `.jsonl`, `.ndjson` or `.parquet`.

    Returns:
        The columns (None for JSON Lines, where every row has its own), and the rows. Rows are read as they are asked for, so
        errors of the file come while iterating.

    Raises:
        InputError: another ending, no such file, no header, or a column twice.
    """
    file = Path(path)
    suffix = file.suffix.lower()
    if suffix == ".csv":
        return _csv(file)
    if suffix in (".jsonl", ".ndjson"):
        _readable(file)
        return None, _json_rows(file)
    if suffix == ".parquet":
        return _parquet(file)
    raise InputError(
        f"files ending in '{suffix[:20]}' are not read", remedy="Hand in a .csv, .jsonl or .parquet file.", file=file
    )


def unreadable(file: Path, error: Exception) -> InputError:
    """The error for a file that the operating system does not let us read."""
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return InputError(f"the file cannot be read ({why})", remedy="Check its name and permissions.", file=file)


def _readable(file: Path) -> None:
    try:
        with file.open("rb"):
            pass
    except (OSError, ValueError) as error:
        raise unreadable(file, error) from error


def _not_utf8(file: Path, row: int) -> InputError:
    return InputError("the text is not UTF-8", remedy="Save the file with the encoding UTF-8.", file=file, row=row)


def _no_doubles(columns: list[str], file: Path) -> None:
    if len(set(columns)) != len(columns):
        twice = next(column for column in columns if columns.count(column) > 1)
        raise InputError("a column stands twice in the header", remedy="Keep one of the two.", file=file, field=twice[:60])


def _csv(file: Path) -> tuple[tuple[str, ...], Iterator[RawRow]]:
    _readable(file)
    lines = _csv_lines(file)
    header = next(lines, None)
    if header is None:
        raise InputError("the file has no header", remedy="Begin it with the names of its columns.", file=file)
    _no_doubles(header, file)
    return tuple(header), _csv_rows(header, lines)


def _csv_lines(file: Path) -> Iterator[list[str]]:
    line = 0
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.reader(opened, strict=True)
            for cells in reader:
                line = reader.line_num
                if cells:
                    yield cells
    except csv.Error as error:
        raise InputError(
            f"the file is not CSV ({error})", remedy="Check its quotation marks.", file=file, row=max(line, 1)
        ) from error
    except UnicodeDecodeError as error:
        raise _not_utf8(file, max(line, 1)) from error
    except OSError as error:
        raise unreadable(file, error) from error


def _csv_rows(header: list[str], lines: Iterator[list[str]]) -> Iterator[RawRow]:
    width = len(header)
    for number, cells in enumerate(lines, start=1):
        if len(cells) == width:
            yield RawRow(number, dict(zip(header, cells, strict=True)))
        else:
            problem = InputError(
                f"there are {len(cells)} cells under {width} columns",
                remedy="Put cells that hold a comma in quotation marks.",
            )
            yield RawRow(number, {"held_line": list(cells)}, problem)


def _json_rows(file: Path) -> Iterator[RawRow]:
    number = 0
    try:
        with file.open(encoding="utf-8-sig", newline="\n") as opened:
            while line := opened.readline(LINE_MAX + 1):
                number += 1
                if len(line) > LINE_MAX:
                    raise InputError(
                        f"the line is longer than {LINE_MAX} characters",
                        remedy="Write one object a line.",
                        file=file,
                        row=number,
                    )
                if line.strip():
                    yield _json_row(number, line.rstrip("\r\n"))
    except UnicodeDecodeError as error:
        raise _not_utf8(file, number + 1) from error
    except OSError as error:
        raise unreadable(file, error) from error


def _json_row(number: int, line: str) -> RawRow:
    try:
        row = json.loads(line, parse_float=Digits, parse_int=Digits, parse_constant=_no_number, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        problem = InputError(f"the line is not JSON that can be read ({error})", remedy="Write one object a line.")
        return RawRow(number, {"held_line": line}, problem)
    if not isinstance(row, dict):
        problem = InputError("the line is not an object", remedy="Write one {...} a line.")
        return RawRow(number, {"held_line": line}, problem)
    return RawRow(number, row)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    row = dict(pairs)
    if len(row) != len(pairs):
        raise ValueError("a key stands twice")
    return row


def _parquet(file: Path) -> tuple[tuple[str, ...], Iterator[RawRow]]:
    _readable(file)
    try:
        with pq.ParquetFile(file) as source:
            columns = [str(name) for name in source.schema_arrow.names]
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _no_parquet(file, error) from error
    _no_doubles(columns, file)
    return tuple(columns), _parquet_rows(file)


def _no_parquet(file: Path, error: Exception) -> InputError:
    reason = str(error).partition("\n")[0][:200]
    return InputError(f"this is not a readable Parquet file ({reason})", remedy="Write it again.", file=file)


def _parquet_rows(file: Path) -> Iterator[RawRow]:
    number = 0
    try:
        with pq.ParquetFile(file) as source:
            for batch in source.iter_batches(BATCH_ROWS):
                columns = [_values(column) for column in batch.columns]
                names = batch.schema.names
                for values in zip(*columns, strict=True):
                    number += 1
                    yield RawRow(number, dict(zip(names, values, strict=True)))
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise _no_parquet(file, error) from error


def _values(column: pa.Array) -> list[object]:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        try:
            return list(column.to_pylist())
        except UnicodeDecodeError:
            # The library believes what a file says of itself; as bytes, each row is judged on its own.
            return list(column.cast(pa.large_binary() if pa.types.is_large_string(kind) else pa.binary()).to_pylist())
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", tz=kind.tz), safe=False)
    return [_plain(value) for value in column.to_pylist()]


def _plain(value: Any) -> object:
    """A value of a Parquet column as a cell; what is no cell stays as it is and is refused with its row."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return Digits(value)
    if isinstance(value, Decimal):
        return Digits(format(value, "f")) if value.is_finite() else value
    if isinstance(value, datetime):
        zone = value.utcoffset()
        return value.isoformat() if zone is None else (value.replace(tzinfo=None) - (zone or timedelta(0))).isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    return value
