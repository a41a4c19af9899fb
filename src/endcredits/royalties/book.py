"""The book of usage and of closed periods: what was reported, and what was made of it.

A closed period stays closed. Usage that is reported late is dated into an open period, as royalty accounting does with
adjustments; rewriting a statement that somebody was paid by is not possible here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.canonical import sha256_bytes
from endcredits.errors import ConflictError
from endcredits.royalties.documents import close_document, parse_close
from endcredits.royalties.records import PeriodClose, UsageEvent
from endcredits.royalties.tables import period_closes, usage_events
from endcredits.royalties.usage import day
from endcredits.store import insert_records, many, one

CHUNK = 500
"""Ids looked up in one query; databases limit the parameters of a statement."""


@dataclass(frozen=True, slots=True)
class Added:
    """What became of the events handed in.

    Attributes:
        new: recorded now.
        already_there: recorded before with the same content, or handed in twice.
    """

    new: int
    already_there: int


@dataclass(frozen=True, slots=True)
class BookedClose:
    """A closed period as it is recorded.

    Attributes:
        close: the record.
        close_digest: SHA-256 of its canonical bytes.
        entry_id: the journal entry that booked it; None when the period earned nothing.
    """

    close: PeriodClose
    close_digest: str
    entry_id: str | None


def add_usage(conn: Connection, events: Iterable[UsageEvent]) -> Added:
    """Records usage events; an event that is there already is not recorded again.

    Raises:
        ConflictError: an id is taken by other content, or a new event is dated on or before the last closed day. Nothing
            is recorded.
    """
    handed_in = list(events)
    batch: dict[str, UsageEvent] = {}
    for event in handed_in:
        _must_agree(batch.setdefault(event.event_id, event), event)
    ids = sorted(batch)
    for start in range(0, len(ids), CHUNK):
        chosen = usage_events.c.event_id.in_(ids[start : start + CHUNK])
        for row in many(conn, sa.select(usage_events).where(chosen)):
            _must_agree(_event(row), batch.pop(row["event_id"]))
    new = [batch[event_id] for event_id in sorted(batch)]
    _must_be_open(conn, new)
    insert_records(conn, usage_events, [asdict(event) for event in new])
    return Added(new=len(new), already_there=len(handed_in) - len(new))


def _must_agree(known: UsageEvent, event: UsageEvent) -> None:
    if known != event:
        raise ConflictError(
            f"the usage event '{event.event_id}' is recorded with different content",
            remedy=f"If it is the same use, repeat it as it was, with its recorded time {known.used_at}; "
            "only another use gets its own event_id. A recorded event is never changed.",
            field="event_id",
        )


def _must_be_open(conn: Connection, events: Sequence[UsageEvent]) -> None:
    periods = closed_days(conn)
    for event in events:
        for period_id, starts_on, ends_on in periods:
            if event.used_at[:10] <= ends_on:
                where = "in" if starts_on <= event.used_at[:10] else "before the end of"
                raise ConflictError(
                    f"the usage event '{event.event_id}' is dated {event.used_at}, {where} the closed period '{period_id}'",
                    remedy=f"Date it after {periods[-1][2]}: late arrivals are adjustments in the next period.",
                    field="used_at",
                )


def closed_days(conn: Connection) -> tuple[tuple[str, str, str], ...]:
    """Id, first and last day of every closed period, by their days; nothing up to the last day is open any more."""
    table = period_closes.c
    rows = conn.execute(sa.select(table.period_id, table.starts_on, table.ends_on).order_by(table.starts_on))
    return tuple((row.period_id, row.starts_on, row.ends_on) for row in rows)


def must_follow(conn: Connection, starts_on: str, ends_on: str) -> None:
    """Demands that periods close in order, since a close opens with the balances that the one before it left.

    Args:
        conn: any connection.
        starts_on: first day of the period that is to be closed.
        ends_on: its last day.

    Raises:
        ConflictError: a later period is closed, or earlier usage is in no closed period and would never be paid.
    """
    periods = closed_days(conn)
    for period_id, first, last in periods:
        if first > ends_on:
            raise ConflictError(
                f"{starts_on} to {ends_on} lies before the closed period '{period_id}' ({first} to {last})",
                remedy=f"Periods close in order: choose days after {periods[-1][2]}.",
                field="period",
            )
    since = max((last for _, first, last in periods if first < starts_on), default="0000-00-00")
    at = usage_events.c.used_at
    between = sa.and_(at > f"{since}T23:59:59Z", at < f"{starts_on}T00:00:00Z")
    earlier = conn.scalar(sa.select(sa.func.min(at)).where(between))
    if earlier is not None:
        raise ConflictError(
            f"there is usage of {earlier}, before {starts_on}, that no closed period holds",
            remedy=f"Periods close in order: close the days from {earlier[:10]} on first.",
            field="period",
        )


def usage(conn: Connection, starts_on: str, ends_on: str) -> tuple[UsageEvent, ...]:
    """The recorded events of some days, both inclusive, by event id.

    Raises:
        InputError: a day is not written YYYY-MM-DD.
    """
    first = f"{day(starts_on, field='starts_on')}T00:00:00Z"
    last = f"{day(ends_on, field='ends_on')}T23:59:59Z"
    query = sa.select(usage_events).where(usage_events.c.used_at.between(first, last))
    return tuple(sorted((_event(row) for row in many(conn, query)), key=lambda event: event.event_id))


def _event(row: Mapping[str, Any]) -> UsageEvent:
    return UsageEvent(**{name: value for name, value in row.items() if name != "digest"})


def save_close(conn: Connection, close: PeriodClose, entry_id: str | None) -> None:
    """Records a closed period. The same close again changes nothing.

    Args:
        conn: in the transaction that also posts the journal entry.
        close: the record.
        entry_id: the journal entry that books it; None when the period earned nothing.

    Raises:
        ConflictError: the period is recorded with another result, or another period shares a day with it.
    """
    document = close_document(close)
    row = {
        "period_id": close.period_id,
        "starts_on": close.starts_on,
        "ends_on": close.ends_on,
        "document": document,
        "close_digest": sha256_bytes(document.encode()),
        "entry_id": entry_id,
    }
    table = period_closes.c
    known = one(conn, sa.select(period_closes).where(table.period_id == close.period_id))
    if known is not None:
        if any(known[name] != value for name, value in row.items()):
            raise ConflictError(
                f"the period '{close.period_id}' is already closed, with another result",
                remedy="A close is never changed: book the difference in the next period.",
                field="period_id",
            )
        return
    shares_a_day = sa.and_(table.starts_on <= close.ends_on, table.ends_on >= close.starts_on)
    other = one(conn, sa.select(period_closes).where(shares_a_day).order_by(table.starts_on))
    if other is not None:
        raise ConflictError(
            f"{close.starts_on} to {close.ends_on} shares days with the closed period '{other['period_id']}' "
            f"({other['starts_on']} to {other['ends_on']})",
            remedy="Choose days that no closed period holds.",
            field="starts_on",
        )
    insert_records(conn, period_closes, [row])


def closes(conn: Connection) -> tuple[BookedClose, ...]:
    """All closed periods, by their first day.

    Raises:
        IntegrityError: a document is damaged.
    """
    rows = many(conn, sa.select(period_closes).order_by(period_closes.c.starts_on))
    return tuple(_booked(row) for row in rows)


def find_close(conn: Connection, period_id: str) -> BookedClose | None:
    """A closed period by its id, or None.

    Raises:
        IntegrityError: its document is damaged.
    """
    row = one(conn, sa.select(period_closes).where(period_closes.c.period_id == period_id))
    return None if row is None else _booked(row)


def _booked(row: Mapping[str, Any]) -> BookedClose:
    return BookedClose(parse_close(row["document"]), row["close_digest"], row["entry_id"])
