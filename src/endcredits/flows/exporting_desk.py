"""A desk on which an archive is laid out: files in a folder that goes away, written row by row, never held in memory.

Tables grow side by side while the works are walked through once; works' own files stay where they are until they are
packed. What is on the desk is told by name, and packed in the order of names.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from endcredits import durable
from endcredits.canonical import canonical_bytes
from endcredits.flows.exporting_zip import check_name
from endcredits.payouts.csv_form import text_cell


class Rows:
    """A JSON array with one record a line, and beside it, when wanted, the same as CSV with fewer columns."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.number = file, 0

    def add(self, record: Any) -> None:
        """Adds a record: plain data, spelt canonically."""
        self._file.write((b",\n" if self.number else b"[\n") + canonical_bytes(record))
        self.number += 1

    def finish(self) -> None:
        """Closes the array."""
        self._file.write(b"\n]\n" if self.number else b"[]\n")


class Table:
    """A CSV file (RFC 4180) in UTF-8; no spreadsheet takes a text in it for a formula."""

    def __init__(self, file: IO[str], columns: Sequence[str]) -> None:
        self._writer, self._columns = csv.writer(file), tuple(columns)
        self._writer.writerow(self._columns)

    def add(self, row: Mapping[str, object]) -> None:
        """Adds a row; what it does not say stays empty."""
        self._writer.writerow([_cell(row.get(column, "")) for column in self._columns])


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return text_cell(value) if isinstance(value, str) else "" if value is None else value


class Desk:
    """The files of an archive before it is packed. Use as a context: what is open is closed.

    Args:
        folder: exists and is empty; whoever made it removes it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._open = folder, ExitStack()
        self._rows: list[Rows] = []
        self._files: dict[str, Path] = {}

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._open.close()

    def put(self, name: str, data: bytes) -> None:
        """Lays down a whole file.

        Raises:
            MachineError: the disk is full.
        """
        path = self._path(name)
        try:
            path.write_bytes(data)
        except OSError as error:
            raise durable.machine_error(error, path) from error

    def take(self, name: str, path: Path) -> None:
        """Has a file packed from where it is."""
        self._files.setdefault(check_name(name), path)

    def rows(self, name: str) -> Rows:
        """Begins a JSON array."""
        file = self._open.enter_context(self._path(name).open("wb"))
        self._rows.append(Rows(file))
        return self._rows[-1]

    def table(self, name: str, columns: Sequence[str]) -> Table:
        """Begins a CSV file."""
        file = self._open.enter_context(self._path(name).open("w", encoding="utf-8", newline=""))
        return Table(file, columns)

    def finished(self) -> Iterator[tuple[str, Path]]:
        """Name and place of every file, by name; nothing can be added any more.

        Raises:
            MachineError: the disk is full.
        """
        try:
            for rows in self._rows:
                rows.finish()
            self._open.close()
        except OSError as error:
            raise durable.machine_error(error, self._folder) from error
        return iter(sorted(self._files.items()))

    def _path(self, name: str) -> Path:
        if check_name(name) in self._files:
            raise ValueError(f"{name} is on the desk already")
        path = self._folder / f"{len(self._files):09d}"
        self._files[name] = path
        return path
