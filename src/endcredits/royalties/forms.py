"""A form is what a kind of file looks like: which columns it has, and how a row becomes a record.

Reading never stops at a bad row by itself. Every row comes out as a `Read`: the record, or what is wrong with it, naming
file, row, field and remedy. `all_or_nothing` turns the first problem into an error; recording with `hold` keeps good rows
and sets bad ones aside to be mended (`held.py`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from endcredits.errors import EndcreditsError, InputError
from endcredits.royalties.cells import Texts, as_spelled, is_ours, required, shown, texts_of
from endcredits.royalties.tabular import RawRow, raw_rows

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Form(Generic[T]):
    """What a kind of file looks like.

    Attributes:
        kind: "events", "revenue", "refunds" or "rates".
        id_field: the column of the operator's own id; "" for rates, which are known by their pair and day.
        needed: columns that every row fills in.
        others: columns that may be left out.
        numbers: columns that may hold numbers where the form of the file knows them.
        lists: columns that may hold lists of texts.
        make: a record from the texts of a row and the time of reading ("" for one that is not checked).
    """

    kind: str
    id_field: str
    needed: tuple[str, ...]
    others: tuple[str, ...]
    numbers: frozenset[str]
    make: Callable[[Texts, str], T]
    lists: frozenset[str] = frozenset()

    @property
    def known(self) -> frozenset[str]:
        """All columns."""
        return frozenset(self.needed + self.others)


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """A row that was read.

    Exactly one of `record` and `problem` is there.

    Attributes:
        row: its number; 0 for what came from a program.
        record: what it says.
        problem: why it says nothing, with file, row, field and remedy.
        cells: the row as it stood there.
        file: where; "" for what came from a program.
    """

    row: int
    record: T | None
    problem: EndcreditsError | None
    cells: Mapping[str, object]
    file: str


def read_rows(path: str | os.PathLike[str], form: Form[T], *, now: str) -> Iterator[Read[T]]:
    """Reads a file row by row, in bounded memory.

    Args:
        path: a .csv, .jsonl (.ndjson) or .parquet file.
        form: what it looks like.
        now: UTC time against which the future is judged; "" to let it pass.

    Raises:
        InputError: the file as a whole cannot be read (kind, encoding, columns); while iterating, too.
    """
    columns, rows = raw_rows(path)
    if columns is not None:
        _check_header(columns, form, path)
    return (_read(row, form, str(path), now) for row in rows)


def _check_header(columns: tuple[str, ...], form: Form[T], path: str | os.PathLike[str]) -> None:
    for column in columns:
        if column not in form.known and not is_ours(column):
            names = ", ".join(form.needed + form.others)
            raise InputError(
                f"there is no field '{shown(column)}'", remedy=f"Known fields: {names}.", file=path, field=shown(column)
            )
    for column in form.needed:
        if column not in columns:
            raise InputError(f"the column '{column}' is missing", remedy=f"Add {column}.", file=path, field=column)


def _read(row: RawRow, form: Form[T], file: str, now: str) -> Read[T]:
    problem: EndcreditsError | None = row.problem
    if problem is None:
        try:
            texts = texts_of(row.cells, form.known, form.numbers, form.lists)
            required(texts, *form.needed)
            return Read(row.number, form.make(texts, now), None, row.cells, file)
        except InputError as error:
            problem = as_spelled(error, row.cells)
    return Read(row.number, None, at_row(problem, file, row.number), row.cells, file)


def at_row(error: EndcreditsError, file: str, row: int) -> EndcreditsError:
    """The same error with its place, and nothing in its words that a terminal would obey."""
    return type(error)(
        shown(error.message, 1000),
        remedy=error.remedy,
        file=file or error.file,
        row=row or error.row,
        field=error.field,
    )


def all_or_nothing(rows: Iterable[Read[T]]) -> Iterator[T]:
    """The records of rows that are all good.

    Raises:
        InputError: the first problem.
    """
    for row in rows:
        if row.problem is not None:
            raise row.problem
        assert row.record is not None
        yield row.record


def unique(rows: Iterable[Read[T]], key: Callable[[T], object], id_field: str) -> tuple[T, ...]:
    """The records of a file in its order, each once.

    Raises:
        InputError: the first problem, or one id with two contents.
    """
    found: dict[object, T] = {}
    for row in rows:
        if row.problem is not None:
            raise row.problem
        assert row.record is not None
        if found.setdefault(key(row.record), row.record) != row.record:
            raise InputError(
                f"'{key(row.record)}' stands twice in this file, with different content",
                remedy="Give every one its own id, or delete the wrong row.",
                file=row.file,
                row=row.row,
                field=id_field,
            )
    return tuple(found.values())


def handed_in(records: Iterable[T]) -> Iterator[Read[T]]:
    """Records that a program made, as rows without a file."""
    for record in records:
        yield Read(0, record, None, {}, "")
