"""Works from a table: CSV, JSON Lines or Parquet, by the file's suffix. The whole table is read before it is returned.

    title,creator,split,licence,path
    The Inheritors,Joseph Conrad; Ford Madox Ford,60%;40%,Public domain,texts/inheritors.txt

Columns:

- `title`: required.
- `creator`: required; one name, several joined by ";", or a JSON list of {"name", "role"}. An empty cell names nobody.
  A column `contributors` with such a JSON list goes before it.
- `split`: parts per billion or percentages joined by ";" in the order of the names, summing to exactly one whole; empty
  for equal parts.
- `role`: one for all names, or one for each joined by ";"; "author" when missing.
- `permission`: allow, deny, conditional or unknown, the owner's own word on training. Without it `licence` (or
  `license`) is judged; when both are there and differ, the row is refused. Without any of them nothing is known, and
  unknown is never a yes.
- `text`, or `path` of a UTF-8 file in the table's folder or below.
- `work_id`: the owner's own id.
"""

from __future__ import annotations

import csv
import io
import os
import sys
import threading
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from endcredits.errors import InputError
from endcredits.works.cells import Row, submission_of
from endcredits.works.records import Submission
from endcredits.works.strict_json import read_json
from endcredits.works.texts import check_text, read_bytes, refuse_doubles, unreadable

COLUMNS = (
    "title",
    "creator",
    "contributors",
    "split",
    "role",
    "permission",
    "licence",
    "license",
    "text",
    "path",
    "work_id",
)
"""Our names of the columns; others are passed over, but not one that differs only in case, spaces or signs."""

Table = tuple[list[str], Iterator[tuple[int, Mapping[str, Any]]]]
"""The table's columns, and its rows by number."""

_CSV_LIMIT = threading.Lock()


def read_table(
    path: str | os.PathLike[str], columns: Mapping[str, str] | None = None, *, declared_by: str = ""
) -> list[Submission]:
    """Reads works from a table.

    Args:
        path: ends in .csv, .jsonl (or .ndjson) or .parquet.
        columns: our name of a column to the table's own, such as {"creator": "author"}.
        declared_by: who says what the table says; the table itself by default.

    Returns:
        One submission per row, in the order of the rows.

    Raises:
        InputError: anything in the table that cannot be used, with file, row and field.
    """
    file = Path(path)
    renames = dict(columns or {})
    for name in renames:
        if name not in COLUMNS:
            raise InputError(
                f"'{name}' is not a column that we read", remedy=f"Use one of: {', '.join(COLUMNS)}.", field="columns"
            )
    readers = {".csv": _csv, ".jsonl": _jsonl, ".ndjson": _jsonl, ".parquet": _parquet}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise InputError("the table's kind is not known from its suffix", remedy="Use .csv, .jsonl or .parquet.", file=file)
    present, rows = reader(file, set(COLUMNS) | set(renames.values()))
    header = _header(file, present, renames)
    found = []
    for number, cells in rows:
        row = Row(file, number, {name: cells.get(own) for name, own in header.items()}, header)
        found.append((f"row {number}", number, submission_of(row, declared_by or f"the table {file.name}")))
    if not found:
        raise InputError("the table has no rows", remedy="Give at least one work.", file=file)
    refuse_doubles(file, found)
    return [submission for _, _, submission in found]


def _header(file: Path, present: list[str], renames: Mapping[str, str]) -> dict[str, str]:
    """Our names of the columns that the table has, to its own; refuses a table without the required ones."""
    for name, own in renames.items():
        if own not in present:
            raise _missing(file, name, f"there is no column '{own}'", present)
    for own in present:
        _refuse_almost(file, own, renames)
    header = {name: renames.get(name, name) for name in COLUMNS if renames.get(name, name) in present}
    if "creator" in renames and "contributors" not in renames:
        header.pop("contributors", None)
    if "title" not in header:
        raise _missing(file, "title", "the column 'title' is missing", present)
    if "creator" not in header and "contributors" not in header:
        raise _missing(file, "creator", "the column 'creator' is missing", present)
    if "text" not in header and "path" not in header:
        raise _missing(file, "text", "the columns 'text' and 'path' are both missing", present)
    return header


def _refuse_almost(file: Path, own: str, renames: Mapping[str, str]) -> None:
    """Refuses a column that is ours but for its case or spaces: a "Permission" passed over may be a no passed over."""
    ours = next((name for name in COLUMNS if _letters(name) == _letters(own)), None)
    if ours is not None and own not in COLUMNS and own not in renames.values():
        raise InputError(
            f"the column '{own}' is not written as '{ours}' and would be passed over",
            remedy=f"Name it with --column {ours}={own}, or rename it in the table.",
            file=file,
            field=own,
        )


def _letters(name: str) -> str:
    """A column's name without case, spaces and signs."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", name).casefold() if letter.isalnum())


def _no_doubles(file: Path, present: list[str]) -> None:
    twice = next((name for name in present if present.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"the column '{twice}' stands there twice", remedy="Rename one.", file=file, field=twice)


def _missing(file: Path, name: str, message: str, present: list[str]) -> InputError:
    names = ", ".join(present) or "none"
    return InputError(
        f"{message}; the table has: {names}",
        remedy=f"Name the right one with --column {name}=NAME.",
        file=file,
        field=name,
    )


def _csv(file: Path, wanted: set[str]) -> Table:
    """RFC 4180 with a header; all rows are checked to be as long as the header."""
    text = _text_of(file)
    # A novel is longer than the csv module's limit of a cell, which is one setting for the whole process.
    with _CSV_LIMIT:
        before = csv.field_size_limit(sys.maxsize)
        try:
            lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
        except csv.Error as error:
            raise InputError(f"this is not CSV ({error})", remedy="Check its quotes.", file=file) from error
        finally:
            csv.field_size_limit(before)
    header = [name.strip() for name in lines[0]]
    _no_doubles(file, header)
    for number, line in enumerate(lines[1:], start=1):
        if len(line) != len(header):
            raise InputError(
                f"the row has {len(line)} cells and the header has {len(header)}",
                remedy="Put quotes around cells that hold commas.",
                file=file,
                row=number,
            )
    return header, ((number, dict(zip(header, line, strict=True))) for number, line in enumerate(lines[1:], start=1))


def _jsonl(file: Path, wanted: set[str]) -> Table:
    """One JSON object a line; blank lines are passed over but counted."""
    text = _text_of(file)
    rows: list[tuple[int, Mapping[str, Any]]] = []
    present: dict[str, None] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = read_json(line)
        except ValueError as error:
            raise InputError(
                f"the line is not JSON that can be read ({error})",
                remedy="Write one JSON object a line, every key once.",
                file=file,
                row=number,
            ) from error
        if not isinstance(row, dict):
            raise InputError(
                "the line is not a JSON object",
                remedy="Write one object with the columns a line.",
                file=file,
                row=number,
            )
        present.update(dict.fromkeys(row))
        rows.append((number, row))
    return list(present), iter(rows)


def _parquet(file: Path, wanted: set[str]) -> Table:
    """Only the columns that we read are loaded; texts are decoded row by row, so that an error can name its row."""
    # A slow import that readers of other tables do without.
    import pyarrow as pa
    import pyarrow.parquet as pq

    _not_empty(file, head_of(file))
    try:
        present = [str(name) for name in pq.read_schema(file).names]
        _no_doubles(file, present)
        table = pq.read_table(file, columns=[name for name in present if name in wanted])
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise InputError(f"this is not a readable Parquet file ({reason})", remedy="Write it again.", file=file) from error

    def rows() -> Iterator[tuple[int, Mapping[str, Any]]]:
        for number in range(table.num_rows):
            cells = {}
            for name in table.column_names:
                try:
                    cells[name] = table[name][number].as_py()
                except UnicodeDecodeError as error:
                    raise InputError(
                        f"the text is not UTF-8 at byte offset {error.start}",
                        remedy="Save it as UTF-8.",
                        file=file,
                        row=number + 1,
                        field=name,
                    ) from error
            yield number + 1, cells

    return present, rows()


def head_of(file: Path) -> bytes:
    """The first bytes of a file.

    Raises:
        InputError: it is missing or cannot be read.
    """
    try:
        with file.open("rb") as opened:
            return opened.read(4)
    except OSError as error:
        raise unreadable(file, error) from error


def _text_of(file: Path) -> str:
    """The whole table as text, without the byte order mark that spreadsheets write."""
    data = read_bytes(file)
    _not_empty(file, data.strip())
    text = check_text(data, file).removeprefix("\ufeff")
    _not_empty(file, text.strip())
    return text


def _not_empty(file: Path, data: bytes | str) -> None:
    if not data:
        raise InputError("the table is empty", remedy="Give a header and at least one work.", file=file)
