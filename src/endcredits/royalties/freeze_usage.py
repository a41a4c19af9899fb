"""The part of a frozen period that says what happened: outputs with their credits, events, revenue, rates.

Rows are read from the database in the tables' order and written as they come; attributions are asked for some hundred
outputs at a time. What stays in memory is one row number per work and one text per output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.attribution import Attribution
from endcredits.errors import InputError
from endcredits.ids import OutputId, WorkId
from endcredits.royalties.counting import (
    Window,
    adjusting_refunds,
    counted_events,
    counted_revenue,
    refund_sums,
    refunded_before,
)
from endcredits.royalties.freeze_catalogue import Catalogue
from endcredits.royalties.freeze_credits import write_outputs
from endcredits.royalties.freeze_writing import Tables
from endcredits.royalties.rates import in_force, rate_between
from endcredits.royalties.recorded import RATE_SHELF
from endcredits.royalties.records import Rate
from endcredits.royalties.refunds import tax_back
from endcredits.royalties.rules import Policy
from endcredits.royalties.tables import currency_rates, refunds, revenues, usage_events
from endcredits.store import many

OUTPUTS_AT_ONCE = 500
ROWS_AT_ONCE = 20_000


def write_usage(
    tables: Tables,
    conn: Connection,
    seen: Window,
    policy: Policy,
    catalogue: Catalogue,
    attributions_of: Callable[[Sequence[OutputId]], Mapping[OutputId, Attribution]],
) -> None:
    """Writes outputs, credits, events, declared works, revenue and rates; arguments and errors as for `freeze.freeze`."""
    outputs = _outputs(conn, seen)
    for start in range(0, len(outputs), OUTPUTS_AT_ONCE):
        ids = [OutputId(one) for one in outputs[start : start + OUTPUTS_AT_ONCE].to_pylist()]
        write_outputs(tables, start, ids, attributions_of(ids), catalogue)
    currencies = _write_events(tables, conn, seen, catalogue, outputs) | _write_revenue(tables, conn, seen)
    _write_rates(tables, conn, seen, policy, currencies)


def _bytewise(conn: Connection, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """A text in the order of its bytes, which is Python's and SQLite's; PostgreSQL has to be told."""
    return sa.collate(column, "C") if conn.dialect.name == "postgresql" else column


def _stream(conn: Connection, query: sa.sql.expression.Executable) -> Iterator[Sequence[sa.Row[Any]]]:
    found = conn.execute(query, execution_options={"yield_per": ROWS_AT_ONCE})
    yield from found.partitions()


def _outputs(conn: Connection, seen: Window) -> pa.Array:
    """The outputs that events of the close name, each once, in order."""
    own = usage_events.c
    counted = sa.select(own.output_id).where(counted_events(seen))
    named = counted.union(adjusting_refunds(seen, [own.output_id], of_revenue=False)).subquery()
    query = sa.select(named.c.output_id).order_by(_bytewise(conn, named.c.output_id))
    parts = [pa.array([row[0] for row in rows], pa.string()) for rows in _stream(conn, query)]
    return pa.concat_arrays(parts) if parts else pa.array([], pa.string())


def _write_events(tables: Tables, conn: Connection, seen: Window, catalogue: Catalogue, outputs: pa.Array) -> set[str]:
    own, back = usage_events.c, refund_sums(seen)
    shared = [own.output_id, sa.func.substr(own.used_at, 1, 10), own.service, own.territory, own.offer, own.payer, own.use]
    shared += [own.currency, own.uses, own.revenue_micros, own.tax_micros, own.declared]
    joined = usage_events.outerjoin(back, back.c.of_id == own.event_id)
    counted = sa.select(
        own.event_id.label("id"), *shared, sa.func.coalesce(back.c.refunded_micros, 0), sa.literal(0), sa.literal(0)
    )
    returned = adjusting_refunds(
        seen, [refunds.c.refund_id, *shared, refunded_before(), refunds.c.refund_micros, sa.literal(1)], of_revenue=False
    )
    both = sa.union_all(counted.select_from(joined).where(counted_events(seen)), returned).subquery()
    query = sa.select(both).order_by(_bytewise(conn, both.c.id))
    currencies: set[str] = set()
    number = 0
    for rows in _stream(conn, query):
        (
            ids,
            output,
            day,
            service,
            territory,
            offer,
            payer,
            use,
            currency,
            uses,
            gross,
            tax,
            declared,
            before,
            now,
            is_refund,
        ) = (list(column) for column in zip(*rows, strict=True))
        periods = [seen.usage_period(one) for one in day]
        money = list(map(_money, gross, tax, before, now, is_refund))
        tables.add(
            "events",
            ids,
            pc.index_in(pa.array(output, pa.string()), outputs).to_pylist(),
            list(map(_kind, periods, is_refund)),
            periods,
            service,
            territory,
            offer,
            payer,
            use,
            currency,
            uses,
            *(list(column) for column in zip(*money, strict=True)),
        )
        _write_declared(tables, number, ids, declared, catalogue)
        currencies.update(currency)
        number += len(rows)
    return currencies


def _write_declared(tables: Tables, first: int, ids: list[str], declared: list[str], catalogue: Catalogue) -> None:
    pairs = [
        (event, row)
        for event, (event_id, text) in enumerate(zip(ids, declared, strict=True), first)
        if text
        for row in sorted(catalogue.row(WorkId(work), f"the event '{event_id}' declares") for work in text.split(";"))
    ]
    if pairs:
        tables.add("declared", *(list(column) for column in zip(*pairs, strict=True)))


def _kind(usage_period: str, is_refund: int) -> str:
    return "refund" if is_refund else "late" if usage_period else "earned"


def _money(gross: int, tax: int, before: int, now: int, is_refund: int) -> tuple[int, int, int]:
    """(gross, tax, refunded) of a row: of a sale as it was made, of a refund what goes back with it."""
    if is_refund:
        return now, tax_back(gross, tax, before + now) - tax_back(gross, tax, before), 0
    return gross, tax, before


def _write_revenue(tables: Tables, conn: Connection, seen: Window) -> set[str]:
    own, back = revenues.c, refund_sums(seen)
    shared = [
        own.earned_on,
        own.service,
        own.territory,
        own.offer,
        own.payer,
        own.currency,
        own.gross_micros,
        own.tax_micros,
    ]
    joined = revenues.outerjoin(back, back.c.of_id == own.revenue_id)
    counted = sa.select(
        own.revenue_id.label("id"), *shared, sa.func.coalesce(back.c.refunded_micros, 0), sa.literal(0), sa.literal(0)
    )
    returned = adjusting_refunds(
        seen, [refunds.c.refund_id, *shared, refunded_before(), refunds.c.refund_micros, sa.literal(1)], of_revenue=True
    )
    both = sa.union_all(counted.select_from(joined).where(counted_revenue(seen)), returned).subquery()
    currencies: set[str] = set()
    for rows in _stream(conn, sa.select(both).order_by(_bytewise(conn, both.c.id))):
        ids, day, service, territory, offer, payer, currency, gross, tax, before, now, is_refund = (
            list(column) for column in zip(*rows, strict=True)
        )
        periods = [seen.usage_period(one) for one in day]
        kinds = list(map(_kind, periods, is_refund))
        money = zip(*map(_money, gross, tax, before, now, is_refund), strict=True)
        tables.add(
            "revenue", ids, kinds, periods, service, territory, offer, payer, currency, *(list(column) for column in money)
        )
        currencies.update(currency)
    return currencies


def _write_rates(tables: Tables, conn: Connection, seen: Window, policy: Policy, currencies: set[str]) -> None:
    recorded = many(conn, sa.select(currency_rates).where(currency_rates.c.number <= seen.cut_off))
    known = in_force([RATE_SHELF.from_row(row) for row in recorded], seen.ends_on)
    earned = currencies | {rule.currency for rule in policy.pools if rule.currency}
    if policy.settle_in:
        _must_convert(known, earned, policy.settle_in, seen.ends_on)
    # Also into currencies that this policy does not settle in, so that the frozen period can be replayed under another.
    targets = {into for _, into in known} | ({policy.settle_in} if policy.settle_in else set())
    found = [rate_between(known, currency, into) for currency in earned for into in targets if currency != into]
    rates = sorted((rate for rate in found if rate is not None), key=lambda rate: (rate.currency, rate.into))
    tables.add(
        "rates",
        [rate.currency for rate in rates],
        [rate.into for rate in rates],
        [rate.numerator for rate in rates],
        [rate.denominator for rate in rates],
        [rate.on for rate in rates],
        [rate.source for rate in rates],
    )


def _must_convert(known: dict[tuple[str, str], Rate], earned: set[str], settle_in: str, ends_on: str) -> None:
    for currency in sorted(earned - {settle_in}):
        if rate_between(known, currency, settle_in) is None:
            raise InputError(
                f"there is no rate from {currency} to {settle_in} on or before {ends_on}",
                remedy="Record one (endcredits usage rates), or settle in the currency that was earned.",
                field="rate",
            )
