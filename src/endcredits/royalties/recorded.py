"""How each kind of report stands in its table: its key, and the way between record and row.

Records and rows differ in three places only: declared works are one text, two columns of rates have names that are no words
of SQL, and rows are numbered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.royalties.forms import Form
from endcredits.royalties.rates import RATES
from endcredits.royalties.records import Rate, Refund, Revenue, UsageEvent
from endcredits.royalties.refunds import REFUNDS
from endcredits.royalties.revenue import REVENUE
from endcredits.royalties.tables import currency_rates, refunds, revenues, usage_events
from endcredits.royalties.usage import EVENTS
from endcredits.store import many

T = TypeVar("T")

NOT_CONTENT = ("number", "recorded_at", "digest")
"""Columns that say nothing about what was reported."""


@dataclass(frozen=True, slots=True)
class Shelf(Generic[T]):
    """Where records of one kind stand.

    Attributes:
        form: what files of them look like.
        table: the table.
        key: a record's key, as a text.
        when: its time or day, for the check against the future, with the field's name.
        to_row: a record's columns.
        from_row: a record from its row.
        cells_of: a record as the cells of a file's row, from which it can be read again.
    """

    form: Form[T]
    table: sa.Table
    key: Callable[[T], str]
    when: tuple[str, Callable[[T], str]]
    to_row: Callable[[T], dict[str, object]]
    from_row: Callable[[Mapping[str, Any]], T]
    cells_of: Callable[[T], dict[str, object]]

    def known(self, conn: Connection, keys: Sequence[str]) -> dict[str, T]:
        """The recorded ones among some keys."""
        if not keys:
            return {}
        column: sa.ColumnElement[Any] = self.table.primary_key.columns[0]
        if self.table is currency_rates:
            own = currency_rates.c
            column = own.currency + "/" + own.into_currency + "/" + own.fixed_on
        rows = many(conn, sa.select(self.table).where(column.in_(keys)))
        found = [self.from_row(row) for row in rows]
        return {self.key(record): record for record in found}


def _content(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in NOT_CONTENT}


def event_row(event: UsageEvent) -> dict[str, object]:
    """An event's columns."""
    return {
        "event_id": event.event_id,
        "output_id": event.output_id,
        "used_at": event.used_at,
        "revenue_micros": event.revenue_micros,
        "currency": event.currency,
        "service": event.service,
        "territory": event.territory,
        "offer": event.offer,
        "payer": event.payer,
        "uses": event.uses,
        "use": event.use,
        "tax_micros": event.tax_micros,
        "declared": ";".join(event.declared),
    }


def event_of(row: Mapping[str, Any]) -> UsageEvent:
    """An event from its row."""
    content = _content(row)
    return UsageEvent(**content | {"declared": tuple(content["declared"].split(";")) if content["declared"] else ()})


def _cells(row: Mapping[str, object]) -> dict[str, object]:
    """Columns as a file's cells: numbers as their digits, defaults left out."""
    return {name: str(value) for name, value in row.items() if value != ""}


def _rate_row(rate: Rate) -> dict[str, object]:
    row = asdict(rate)
    return row | {"into_currency": row.pop("into"), "fixed_on": row.pop("on")}


def _rate_of(row: Mapping[str, Any]) -> Rate:
    content = _content(row)
    return Rate(into=content.pop("into_currency"), on=content.pop("fixed_on"), **content)


def _rate_cells(rate: Rate) -> dict[str, object]:
    ratio = f"{rate.numerator}/{rate.denominator}"
    return {"currency": rate.currency, "into": rate.into, "rate": ratio, "on": rate.on, "source": rate.source}


EVENT_SHELF = Shelf(
    form=EVENTS,
    table=usage_events,
    key=lambda event: event.event_id,
    when=("used_at", lambda event: event.used_at),
    to_row=event_row,
    from_row=event_of,
    cells_of=lambda event: _cells(event_row(event)),
)
REVENUE_SHELF = Shelf(
    form=REVENUE,
    table=revenues,
    key=lambda revenue: revenue.revenue_id,
    when=("earned_on", lambda revenue: revenue.earned_on),
    to_row=lambda revenue: asdict(revenue),
    from_row=lambda row: Revenue(**_content(row)),
    cells_of=lambda revenue: _cells(asdict(revenue)),
)
REFUND_SHELF = Shelf(
    form=REFUNDS,
    table=refunds,
    key=lambda refund: refund.refund_id,
    when=("refunded_at", lambda refund: refund.refunded_at),
    to_row=lambda refund: asdict(refund),
    from_row=lambda row: Refund(**_content(row)),
    cells_of=lambda refund: _cells(asdict(refund)),
)
RATE_SHELF = Shelf(
    form=RATES,
    table=currency_rates,
    key=lambda rate: f"{rate.currency}/{rate.into}/{rate.on}",
    when=("on", lambda rate: rate.on),
    to_row=_rate_row,
    from_row=_rate_of,
    cells_of=_rate_cells,
)
SHELVES: dict[str, Shelf[Any]] = {shelf.form.kind: shelf for shelf in (EVENT_SHELF, REVENUE_SHELF, REFUND_SHELF, RATE_SHELF)}
"""All shelves by the kind of their form."""
