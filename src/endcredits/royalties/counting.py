"""Which reported rows a close counts, so that every row is counted exactly once, in whatever order things arrive.

A close looks at rows up to its cut-off (a number) and dated up to its last day. Of those it counts what no earlier close
counted:

- rows dated after the last day of the close before it: the period's own ("earned");
- rows dated up to that day, recorded after that close's cut-off: they came late ("late") and belong to the closed period in
  which they are dated, or, where no period holds their day, to the one that ended next.

A refund lowers what it gives back where both are counted by the same close. Where the sale was counted earlier, the
refund stands in this close by itself ("refund"), under the period of the sale. Periods close in order and cut-offs never
go back, so the close before is all that has to be known.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
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


def _counts(
    seen: Window, moment: sa.ColumnElement[str], number: sa.ColumnElement[int], of_day: str
) -> sa.ColumnElement[bool]:
    """The condition that a row is counted; `of_day` makes a day the last moment of itself."""
    own = sa.and_(moment > f"{seen.closed_to}{of_day}", moment <= f"{seen.ends_on}{of_day}")
    if not seen.before:
        return sa.and_(number <= seen.cut_off, moment <= f"{seen.ends_on}{of_day}")
    late = sa.and_(moment <= f"{seen.closed_to}{of_day}", number > seen.counted_to)
    return sa.and_(number <= seen.cut_off, sa.or_(own, late))


def _counted_before(seen: Window, moment: sa.ColumnElement[str], number: sa.ColumnElement[int], of_day: str) -> Any:
    return sa.and_(moment <= f"{seen.closed_to}{of_day}", number <= seen.counted_to)


LAST_SECOND = "T23:59:59Z"
"""Makes the last moment of a day from the day."""


def counted_events(seen: Window) -> sa.ColumnElement[bool]:
    """The condition on `usage_events` that a close counts a row as its own or as late."""
    return _counts(seen, usage_events.c.used_at, usage_events.c.number, LAST_SECOND)


def counted_revenue(seen: Window) -> sa.ColumnElement[bool]:
    """The condition on `revenues` that a close counts a row as its own or as late."""
    return _counts(seen, revenues.c.earned_on, revenues.c.number, "")


def counts_anything(conn: Connection, starts_on: str, ends_on: str, cut_off: int) -> bool:
    """Whether a close of some days would count any usage, revenue or refund."""
    seen = window(conn, starts_on, ends_on, cut_off)
    queries: list[sa.Select[Any]] = [
        sa.select(usage_events.c.number).where(counted_events(seen)),
        sa.select(revenues.c.number).where(counted_revenue(seen)),
        adjusting_refunds(seen, [refunds.c.number], of_revenue=False),
        adjusting_refunds(seen, [refunds.c.number], of_revenue=True),
    ]
    return any(conn.execute(query.limit(1)).first() is not None for query in queries)


def refund_sums(seen: Window) -> sa.Subquery:
    """What was given back of each thing up to the cut-off: `of_id`, `refunded_micros`."""
    own = refunds.c
    total = sa.cast(sa.func.sum(own.refund_micros), sa.BigInteger).label("refunded_micros")
    return sa.select(own.of_id, total).where(own.number <= seen.cut_off).group_by(own.of_id).subquery()


def adjusting_refunds(seen: Window, columns: Sequence[sa.ColumnElement[Any]], *, of_revenue: bool) -> sa.Select[Any]:
    """Refunds that stand by themselves in a close: new since the close before, of things that were counted then.

    Args:
        seen: what the close looks at.
        columns: of the refund and of its thing, to select.
        of_revenue: whether the things are revenue; otherwise usage events.
    """
    thing: Any = revenues if of_revenue else usage_events
    key = revenues.c.revenue_id if of_revenue else usage_events.c.event_id
    moment = revenues.c.earned_on if of_revenue else usage_events.c.used_at
    counted = _counted_before(seen, moment, thing.c.number, "" if of_revenue else LAST_SECOND)
    joined = refunds.join(thing, key == refunds.c.of_id)
    between = sa.and_(refunds.c.number > seen.counted_to, refunds.c.number <= seen.cut_off)
    return sa.select(*columns).select_from(joined).where(between, counted if seen.before else sa.false())


def refunded_before() -> sa.ScalarSelect[Any]:
    """What was given back of a thing before a refund, to be selected beside `refunds`."""
    earlier = refunds.alias("earlier")
    total = sa.cast(sa.func.coalesce(sa.func.sum(earlier.c.refund_micros), 0), sa.BigInteger)
    same = sa.and_(earlier.c.of_id == refunds.c.of_id, earlier.c.number < refunds.c.number)
    return sa.select(total).where(same).scalar_subquery()
