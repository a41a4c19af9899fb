"""Which reported rows a close counts, so that every row is counted exactly once, in whatever order things arrive.

A close looks at rows up to its cut-off (a number) and dated up to its last day. Of those that no earlier close looked at,

- rows dated after the last day of the close before it are the period's own;
- rows dated up to that day came late. They belong to the closed period in which they are dated, or, where no period holds
  their day, to the one that ended next, and that period is divided again (`adjusting`).

So a period's own rows are those of its days, whenever they were reported: up to its cut-off in its own close, up to that of
a later one when it is divided again. A refund lowers what it gives back, and belongs to the period of that. Periods close in
order and cut-offs never go back, so the close before is all that has to be known.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.royalties.tables import period_closes, refunds, revenues, usage_events


@dataclass(frozen=True, slots=True)
class Window:
    """What one close looks at.

    Attributes:
        ends_on: its last day.
        cut_off: its last number.
        before: (period id, last day) of the closes before it, by day.
        counted_to: the cut-off of the close before it, 0 when it is the first.
    """

    ends_on: str
    cut_off: int
    before: tuple[tuple[str, str], ...]
    counted_to: int

    @property
    def closed_to(self) -> str:
        """Last day of the close before it, "" when it is the first."""
        return self.before[-1][1] if self.before else ""

    def usage_period(self, day: str) -> str:
        """The closed period that a day belongs to, "" for this close's own days."""
        place = bisect_left([last for _, last in self.before], day)
        return self.before[place][0] if place < len(self.before) else ""


def window(conn: Connection, starts_on: str, ends_on: str, cut_off: int) -> Window:
    """What the close of some days looks at; only closes of earlier days stand before it, so a close can be frozen again."""
    own = period_closes.c
    query = sa.select(own.period_id, own.ends_on, own.cut_off).where(own.ends_on < starts_on).order_by(own.ends_on)
    rows = conn.execute(query).all()
    return Window(ends_on, cut_off, tuple((row[0], row[1]) for row in rows), rows[-1][2] if rows else 0)


LAST_SECOND = "T23:59:59Z"
"""Makes the last moment of a day from the day."""


def counted_events(seen: Window) -> sa.ColumnElement[bool]:
    """The condition on `usage_events` that a row is a close's own."""
    return _own(seen, usage_events.c.used_at, usage_events.c.number, LAST_SECOND)


def counted_revenue(seen: Window) -> sa.ColumnElement[bool]:
    """The condition on `revenues` that a row is a close's own."""
    return _own(seen, revenues.c.earned_on, revenues.c.number, "")


def _own(seen: Window, moment: sa.ColumnElement[str], number: sa.ColumnElement[int], of_day: str) -> sa.ColumnElement[bool]:
    """`of_day` makes a day the last moment of itself."""
    since = f"{seen.closed_to}{of_day}" if seen.before else ""
    return sa.and_(number <= seen.cut_off, moment > since, moment <= f"{seen.ends_on}{of_day}")


def counts_anything(conn: Connection, starts_on: str, ends_on: str, cut_off: int) -> bool:
    """Whether a close of some days would count any usage, revenue or refund."""
    seen = window(conn, starts_on, ends_on, cut_off)
    queries: list[sa.Select[Any]] = [
        sa.select(usage_events.c.number).where(counted_events(seen)),
        sa.select(revenues.c.number).where(counted_revenue(seen)),
    ]
    own = any(conn.execute(query.limit(1)).first() is not None for query in queries)
    return own or bool(adjusted_periods(conn, seen))


def refund_sums(seen: Window) -> sa.Subquery:
    """What was given back of each thing up to the cut-off: `of_id`, `refunded_micros`."""
    own = refunds.c
    total = sa.cast(sa.func.sum(own.refund_micros), sa.BigInteger).label("refunded_micros")
    return sa.select(own.of_id, total).where(own.number <= seen.cut_off).group_by(own.of_id).subquery()


def adjusted_periods(conn: Connection, seen: Window) -> tuple[str, ...]:
    """The closed periods of which something is new since the close before: usage, revenue or a refund, by their days."""
    if not seen.before:
        return ()
    used, earned = sa.func.substr(usage_events.c.used_at, 1, 10), revenues.c.earned_on
    back = refunds.c

    def new(number: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
        return sa.and_(number > seen.counted_to, number <= seen.cut_off)

    queries: list[sa.Select[Any]] = [
        sa.select(used).where(new(usage_events.c.number), used <= seen.closed_to),
        sa.select(earned).where(new(revenues.c.number), earned <= seen.closed_to),
        sa.select(used)
        .select_from(refunds.join(usage_events, usage_events.c.event_id == back.of_id))
        .where(new(back.number), used <= seen.closed_to),
        sa.select(earned)
        .select_from(refunds.join(revenues, revenues.c.revenue_id == back.of_id))
        .where(new(back.number), earned <= seen.closed_to),
    ]
    days = {day for query in queries for day in conn.scalars(query.distinct())}
    named = {seen.usage_period(day) for day in days}
    return tuple(period_id for period_id, _ in seen.before if period_id in named)
