"""The book of closed periods.

A closed period stays closed; what arrives for it later is counted in the next close (`counting.py`), since a statement by
which somebody was paid cannot be rewritten. Periods close in order, and no two share a day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.canonical import sha256_bytes
from endcredits.errors import ConflictError
from endcredits.royalties.cells import day
from endcredits.royalties.counting import LAST_SECOND
from endcredits.royalties.documents import close_document, parse_close
from endcredits.royalties.freeze import frozen_digest
from endcredits.royalties.recorded import event_of
from endcredits.royalties.recording import cut_off as last_number
from endcredits.royalties.records import PeriodClose, UsageEvent
from endcredits.royalties.tables import period_closes, revenues, usage_events
from endcredits.store import insert_records, many, one


@dataclass(frozen=True, slots=True)
class BookedClose:
    """A closed period as it is recorded.

    Attributes:
        close: the record.
        close_digest: SHA-256 of its canonical bytes.
        cut_off: number of the last report that it looked at.
        frozen_digest: of its frozen inputs.
        entry_id: the journal entry that booked it; None when the period earned nothing.
    """

    close: PeriodClose
    close_digest: str
    cut_off: int
    frozen_digest: str
    entry_id: str | None


def closed_days(conn: Connection) -> tuple[tuple[str, str, str], ...]:
    """Id, first and last day of every closed period, by their days."""
    table = period_closes.c
    rows = conn.execute(sa.select(table.period_id, table.starts_on, table.ends_on).order_by(table.starts_on))
    return tuple((row.period_id, row.starts_on, row.ends_on) for row in rows)


def must_follow(conn: Connection, starts_on: str, ends_on: str) -> None:
    """Demands that periods close in order, since a close opens with the balances that the one before it left.

    What is dated before the last closed day came late and is counted by any next close; what lies between that day and this
    period's first is refused, since it would be nobody's own.

    Args:
        conn: any connection.
        starts_on: first day of the period that is to be closed.
        ends_on: its last day.

    Raises:
        ConflictError: a later period is closed, or earlier usage or revenue is in no closed period.
    """
    periods = closed_days(conn)
    for period_id, first, last in periods:
        if first > ends_on:
            raise ConflictError(
                f"{starts_on} to {ends_on} lies before the closed period '{period_id}' ({first} to {last})",
                remedy=f"Periods close in order: choose days after {periods[-1][2]}.",
                field="period",
            )
        if last >= starts_on:
            raise ConflictError(
                f"{starts_on} to {ends_on} shares days with the closed period '{period_id}' ({first} to {last})",
                remedy="Choose days that no closed period holds.",
                field="period",
            )
    since = max((last for _, first, last in periods if first < starts_on), default="0000-00-00")
    for what, at, of_day in (("usage", usage_events.c.used_at, LAST_SECOND), ("revenue", revenues.c.earned_on, "")):
        earlier = conn.scalar(sa.select(sa.func.min(at)).where(at > f"{since}{of_day}", at < starts_on))
        if earlier is not None:
            raise ConflictError(
                f"there is {what} of {earlier}, before {starts_on}, that no closed period holds",
                remedy=f"Periods close in order: close the days from {earlier[:10]} on first.",
                field="period",
            )


def usage(conn: Connection, starts_on: str, ends_on: str) -> tuple[UsageEvent, ...]:
    """The recorded events that are dated in some days, both inclusive, by event id, whichever close counts them.

    Raises:
        InputError: a day is not written YYYY-MM-DD.
    """
    first = f"{day(starts_on, field='starts_on')}T00:00:00Z"
    last = f"{day(ends_on, field='ends_on')}{LAST_SECOND}"
    query = sa.select(usage_events).where(usage_events.c.used_at.between(first, last))
    return tuple(sorted((event_of(row) for row in many(conn, query)), key=lambda event: event.event_id))


def save_close(conn: Connection, close: PeriodClose, entry_id: str | None, *, cut_off: int) -> None:
    """Records a closed period. The same close again changes nothing.

    Args:
        conn: in the transaction that also posts the journal entry.
        close: the record.
        entry_id: the journal entry that books it; None when the period earned nothing.
        cut_off: number of the last report that it looked at.

    Raises:
        ConflictError: the period is recorded with another result, another period shares a day with it, a later period is
            closed, or the cut-off is before that of an earlier close or names reports that are not recorded.
    """
    document = close_document(close)
    row = {
        "period_id": close.period_id,
        "starts_on": close.starts_on,
        "ends_on": close.ends_on,
        "cut_off": cut_off,
        "frozen_digest": frozen_digest(close.frozen),
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
    _must_be_free(conn, close)
    _must_not_go_back(conn, close, cut_off)
    insert_records(conn, period_closes, [row])


def _must_be_free(conn: Connection, close: PeriodClose) -> None:
    table = period_closes.c
    later = one(conn, sa.select(period_closes).where(table.ends_on >= close.starts_on).order_by(table.starts_on))
    if later is None:
        return
    other = f"the closed period '{later['period_id']}' ({later['starts_on']} to {later['ends_on']})"
    if later["starts_on"] > close.ends_on:
        raise ConflictError(
            f"{close.starts_on} to {close.ends_on} lies before {other}",
            remedy="Periods close in order: choose later days.",
            field="starts_on",
        )
    raise ConflictError(
        f"{close.starts_on} to {close.ends_on} shares days with {other}",
        remedy="Choose days that no closed period holds.",
        field="starts_on",
    )


def _must_not_go_back(conn: Connection, close: PeriodClose, cut_off: int) -> None:
    before = conn.scalar(sa.select(sa.func.max(period_closes.c.cut_off))) or 0
    last = last_number(conn)
    if not before <= cut_off <= last:
        raise ConflictError(
            f"the cut-off {cut_off} of '{close.period_id}' lies outside {before} (the close before) to {last} "
            "(the last report)",
            remedy="Take the cut-off anew and freeze the period again.",
            field="cut_off",
        )


def closes(conn: Connection) -> tuple[BookedClose, ...]:
    """All closed periods, by their first day.

    Raises:
        IntegrityError: a document is damaged.
    """
    rows = many(conn, sa.select(period_closes).order_by(period_closes.c.starts_on))
    return tuple(_booked(row) for row in rows)


def last_close(conn: Connection) -> BookedClose | None:
    """The closed period that ends last, or None when none is closed.

    Raises:
        IntegrityError: its document is damaged.
    """
    row = one(conn, sa.select(period_closes).order_by(period_closes.c.ends_on.desc()).limit(1))
    return None if row is None else _booked(row)


def find_close(conn: Connection, period_id: str) -> BookedClose | None:
    """A closed period by its id, or None.

    Raises:
        IntegrityError: its document is damaged.
    """
    row = one(conn, sa.select(period_closes).where(period_closes.c.period_id == period_id))
    return None if row is None else _booked(row)


def _booked(row: Mapping[str, Any]) -> BookedClose:
    close = parse_close(row["document"])
    return BookedClose(close, row["close_digest"], row["cut_off"], row["frozen_digest"], row["entry_id"])
