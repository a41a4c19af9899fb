"""Recording what operators report: once per id, numbered without gaps, all of it or with bad rows held.

Handing in the same again changes nothing, so whoever does not know whether a file was taken hands it in again. Events,
revenue and refunds share one set of ids, so that a refund names one thing. By default the first problem ends everything
(the caller's transaction takes it all back); with `hold` good rows are taken and bad ones set aside (`held.py`). Rows that
name an output, a work or a sale that is not known *yet* are always set aside: usage often arrives before the attribution it
waits for.

Usage of a closed period is taken, too: it is counted in the next close, as an adjustment (`counting.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.errors import ConflictError, EndcreditsError, InputError
from endcredits.royalties import held
from endcredits.royalties.cells import as_spelled, not_future, texts_of, utc_time
from endcredits.royalties.forms import Read, at_row
from endcredits.royalties.recorded import EVENT_SHELF, RATE_SHELF, REFUND_SHELF, REVENUE_SHELF, SHELVES, Shelf
from endcredits.royalties.records import Rate, Refund, Revenue, UsageEvent
from endcredits.royalties.tables import NUMBERED
from endcredits.royalties.waiting import Known, Problems, refund_problems, waiting_events
from endcredits.store import Finding, insert_records

T = TypeVar("T")

CHUNK = 2_000
"""Rows looked up and inserted at once; databases limit the parameters of a statement."""
HELD_MAX = 10_000
"""Rows of one hand-in that may be held; more than that is a wrong file and not a few wrong rows."""

Check = Callable[[Connection, list[Read[Any]]], Problems]


@dataclass(frozen=True, slots=True)
class Added:
    """What became of the rows handed in.

    Attributes:
        new: recorded now.
        already_there: recorded before with the same content, or handed in twice.
        held: set aside now or before.
    """

    new: int
    already_there: int
    held: int = 0


def cut_off(conn: Connection) -> int:
    """The number of the row recorded last; a close that states it looked at all rows up to it. 0 when there is none."""
    return max(conn.scalar(sa.select(sa.func.max(table.c.number))) or 0 for table in NUMBERED)


def record_events(
    conn: Connection,
    rows: Iterable[Read[UsageEvent]],
    *,
    at: str,
    outputs_known: Known,
    works_known: Known,
    hold: bool = False,
) -> Added:
    """Records usage events.

    Args:
        conn: in a writing transaction.
        rows: from `usage_rows`, or `handed_in` by a program; read once, in bounded memory.
        at: UTC time of recording.
        outputs_known: which of some output ids are attributed; events of others are held.
        works_known: which of some work ids are registered; events that declare others are held.
        hold: whether bad rows are held; otherwise the first is an error.

    Raises:
        InputError: a bad row, with its place; or more than `HELD_MAX` of them.
        ConflictError: an id is taken by other content.
    """

    def check(_: Connection, reads: list[Read[Any]]) -> Problems:
        return waiting_events(reads, outputs_known, works_known)

    return _Recording(conn, EVENT_SHELF, at, hold, check).take(rows)


def record_revenue(conn: Connection, rows: Iterable[Read[Revenue]], *, at: str, hold: bool = False) -> Added:
    """Records revenue; otherwise as `record_events`."""
    return _Recording(conn, REVENUE_SHELF, at, hold, lambda *_: []).take(rows)


def record_refunds(conn: Connection, rows: Iterable[Read[Refund]], *, at: str, hold: bool = False) -> Added:
    """Records refunds; one of a sale that is not recorded is held. Otherwise as `record_events`.

    Raises:
        InputError: as for events, another currency than the sale's, a day before it, or all refunds of a sale are more
            than it earned.
        ConflictError: an id is taken by other content.
    """
    return _Recording(conn, REFUND_SHELF, at, hold, refund_problems).take(rows)


def record_rates(conn: Connection, rows: Iterable[Read[Rate]], *, at: str, hold: bool = False) -> Added:
    """Records currency rates, one per pair and day; otherwise as `record_events`."""
    return _Recording(conn, RATE_SHELF, at, hold, lambda *_: []).take(rows)


def take_held(conn: Connection, *, at: str, outputs_known: Known, works_known: Known) -> dict[str, Added]:
    """Tries all held rows again that only wait for something: an attribution, a work, a sale, a day. By kind.

    Args:
        conn: in a writing transaction.
        at: UTC time.
        outputs_known: see `record_events`.
        works_known: see `record_events`.
    """
    done: dict[str, Added] = {}
    for kind in ("events", "revenue", "refunds", "rates"):
        waiting = [row for row in held.held(conn, kind) if row.reason in held.WAITING]
        reads = [_again(SHELVES[kind], row) for row in waiting]
        if kind == "events":
            done[kind] = record_events(conn, reads, at=at, outputs_known=outputs_known, works_known=works_known, hold=True)
        else:
            check = refund_problems if kind == "refunds" else lambda *_: []
            done[kind] = _Recording(conn, SHELVES[kind], at, True, check).take(reads)
    return done


def _again(shelf: Shelf[T], row: held.Held) -> Read[T]:
    form = shelf.form
    record = form.make(texts_of(row.cells, form.known, form.numbers, form.lists), "")
    return Read(row.row, record, None, {**row.cells, "held_id": row.held_id}, row.file)


@dataclass(slots=True)
class _Recording(Generic[T]):
    """One hand-in while it is being taken, chunk by chunk."""

    conn: Connection
    shelf: Shelf[T]
    at: str
    hold: bool
    check: Check
    number: int = 0
    new: int = 0
    already: int = 0
    held_rows: int = 0
    aside: list[held.Held] = field(default_factory=list)
    others: tuple[Shelf[Any], ...] = ()

    def take(self, rows: Iterable[Read[T]]) -> Added:
        utc_time(self.at, field="at")
        self.number = cut_off(self.conn)
        self.others = tuple(
            shelf
            for shelf in (EVENT_SHELF, REVENUE_SHELF, REFUND_SHELF)
            if self.shelf is not RATE_SHELF and shelf is not self.shelf and _holds_any(self.conn, shelf.table)
        )
        left = iter(rows)
        while chunk := list(islice(left, CHUNK)):
            self._chunk(chunk)
        return Added(self.new, self.already, self.held_rows)

    def _chunk(self, chunk: list[Read[T]]) -> None:
        fresh = self._fresh(self._sound(chunk))
        waiting = self.check(self.conn, fresh) if fresh else []
        for read, reason, error in waiting:
            self._set_aside(read, reason, as_spelled(error, read.cells))
        refused = {id(read) for read, _, _ in waiting}
        taken = [read for read in fresh if id(read) not in refused]
        rows = []
        for read in taken:
            assert read.record is not None
            self.number += 1
            rows.append({**self.shelf.to_row(read.record), "number": self.number, "recorded_at": self.at})
        self.new += insert_records(self.conn, self.shelf.table, rows)
        ended = [str(read.cells["held_id"]) for read in taken if read.cells.get("held_id")]
        held.end_taken(self.conn, ended, self.at)
        held.keep(self.conn, self.aside)
        self.aside = []

    def _sound(self, chunk: list[Read[T]]) -> dict[str, Read[T]]:
        """The rows that can be read and are not of the future, each once, by key."""
        found: dict[str, Read[T]] = {}
        field_name, when = self.shelf.when
        for read in chunk:
            if read.record is None:
                assert read.problem is not None
                self._set_aside(read, held.UNREADABLE, read.problem)
                continue
            try:
                not_future(when(read.record), self.at, field=field_name)
            except InputError as error:
                self._set_aside(read, held.FUTURE, error)
                continue
            first = found.setdefault(self.shelf.key(read.record), read)
            if first is not read:
                self._agree(first.record, read)
        return found

    def _fresh(self, sound: dict[str, Read[T]]) -> list[Read[T]]:
        """Those of them that are not recorded yet under their id."""
        known = self.shelf.known(self.conn, list(sound))
        taken = {key: shelf for shelf in self.others for key in shelf.known(self.conn, list(sound))}
        fresh = []
        for key, read in sound.items():
            if key in known:
                self._agree(known[key], read)
            elif key in taken:
                self._set_aside(read, held.CONFLICT, _taken(key, taken[key], self.shelf))
            else:
                fresh.append(read)
        return fresh

    def _agree(self, known: T | None, read: Read[T]) -> None:
        assert read.record is not None
        if known == read.record:
            self.already += 1
        else:
            self._set_aside(read, held.CONFLICT, _other_content(self.shelf, read.record))

    def _set_aside(self, read: Read[T], reason: str, error: EndcreditsError) -> None:
        if not self.hold and reason not in (held.UNKNOWN_OUTPUT, held.UNKNOWN_WORK, held.UNKNOWN_SALE):
            raise at_row(error, read.file, read.row)
        self.held_rows += 1
        if self.held_rows > HELD_MAX and self.hold and not read.cells.get("held_id"):
            raise InputError(
                f"more than {HELD_MAX} rows cannot be taken, the last one because {error.message}",
                remedy="Check that the file is the right one; nothing of it was taken.",
                file=read.file or None,
                row=read.row or None,
            )
        cells = read.cells if read.record is None else self.shelf.cells_of(read.record)
        kind = self.shelf.form.kind
        self.aside.append(held.make_held(kind, reason, error, cells, file=read.file, row=read.row, at=self.at))


def _holds_any(conn: Connection, table: sa.Table) -> bool:
    return conn.execute(sa.select(table.c.number).limit(1)).first() is not None


def _other_content(shelf: Shelf[T], record: T) -> ConflictError:
    return ConflictError(
        f"'{shelf.key(record)}' of the {shelf.form.kind} is recorded with different content",
        remedy="If it is the same, repeat it as it was; only another one gets an id of its own. What is recorded is never "
        "changed.",
        field=shelf.form.id_field or "on",
    )


def _taken(key: str, by: Shelf[Any], shelf: Shelf[T]) -> ConflictError:
    return ConflictError(
        f"the id '{key}' is taken by one of the {by.form.kind}",
        remedy="Give every event, revenue and refund an id of its own.",
        field=shelf.form.id_field,
    )


def check_numbers(conn: Connection) -> list[Finding]:
    """That the numbers of all reports are 1, 2, 3 and so on, each once: a row that vanished leaves a gap."""
    numbers = sa.union_all(*(sa.select(table.c.number) for table in NUMBERED)).subquery()
    count, distinct, low, high = conn.execute(
        sa.select(
            sa.func.count(),
            sa.func.count(sa.distinct(numbers.c.number)),
            sa.func.min(numbers.c.number),
            sa.func.max(numbers.c.number),
        )
    ).one()
    if count == 0 or (low, high, distinct) == (1, count, count):
        return []
    where = "database tables " + ", ".join(table.name for table in NUMBERED)
    return [Finding(where, f"their {count} rows are not numbered 1 to {count}, each once (a row is missing or added)")]
