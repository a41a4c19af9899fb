"""The part of a frozen period that says what happened: outputs with their credits, events, revenue, rates.

Rows are read from the database in the tables' order and written as they come; attributions are asked for some hundred
outputs at a time. What stays in memory is one row number per work and one text per output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.attribution import Attribution
from endcredits.errors import InputError
from endcredits.ids import OutputId, WorkId
from endcredits.royalties.counting import Window, counted_events, counted_revenue, refund_sums
from endcredits.royalties.freeze_catalogue import Catalogue
from endcredits.royalties.freeze_credits import write_outputs
from endcredits.royalties.freeze_writing import Tables
from endcredits.royalties.rates import in_force, rate_between
from endcredits.royalties.recorded import RATE_SHELF
from endcredits.royalties.records import KINDS, Rate
from endcredits.royalties.rules import Policy
from endcredits.royalties.tables import currency_rates, revenues, usage_events
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
    outputs = outputs_of(conn, seen)
    write_credits(tables, outputs, catalogue, attributions_of)
    currencies = write_events(tables, conn, seen, catalogue, outputs) | write_revenue(tables, conn, seen)
    write_rates(tables, rates_of(conn, seen, policy, currencies))


def write_credits(
    tables: Tables,
    outputs: pa.Array,
    catalogue: Catalogue,
    attributions_of: Callable[[Sequence[OutputId]], Mapping[OutputId, Attribution]],
) -> None:
    """Writes outputs and their credits, some hundred at a time."""
    for start in range(0, len(outputs), OUTPUTS_AT_ONCE):
        ids = [OutputId(one) for one in outputs[start : start + OUTPUTS_AT_ONCE].to_pylist()]
        write_outputs(tables, start, ids, attributions_of(ids), catalogue)


def _bytewise(conn: Connection, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """A text in the order of its bytes, which is Python's and SQLite's; PostgreSQL has to be told."""
    return sa.collate(column, "C") if conn.dialect.name == "postgresql" else column


def _stream(conn: Connection, query: sa.sql.expression.Executable) -> Iterator[Sequence[sa.Row[Any]]]:
    found = conn.execute(query, execution_options={"yield_per": ROWS_AT_ONCE})
    yield from found.partitions()


def outputs_of(conn: Connection, seen: Window) -> pa.Array:
    """The outputs that events of the close name, each once, in order."""
    own = usage_events.c
    named = sa.select(own.output_id).where(counted_events(seen)).distinct().subquery()
    query = sa.select(named.c.output_id).order_by(_bytewise(conn, named.c.output_id))
    parts = [pa.array([row[0] for row in rows], pa.string()) for rows in _stream(conn, query)]
    return pa.concat_arrays(parts) if parts else pa.array([], pa.string())


def write_events(tables: Tables, conn: Connection, seen: Window, catalogue: Catalogue, outputs: pa.Array) -> set[str]:
    """Writes events and declared works; the currencies in which they earned."""
    own, back = usage_events.c, refund_sums(seen)
    columns: list[sa.ColumnElement[Any]] = [
        own.event_id,
        own.output_id,
        own.service,
        own.territory,
        own.offer,
        own.payer,
        own.use,
        own.currency,
        own.uses,
    ]
    columns += [own.revenue_micros, own.tax_micros, sa.func.coalesce(back.c.refunded_micros, 0), own.declared]
    joined = usage_events.outerjoin(back, back.c.of_id == own.event_id)
    query = sa.select(*columns).select_from(joined).where(counted_events(seen)).order_by(_bytewise(conn, own.event_id))
    currencies: set[str] = set()
    number = 0
    for rows in _stream(conn, query):
        ids, output, *others, currency, uses, gross, tax, refunded, declared = (
            list(column) for column in zip(*rows, strict=True)
        )
        places = pc.index_in(pa.array(output, pa.string()), outputs).to_pylist()
        kinds, periods = _own(rows)
        tables.add("events", ids, places, kinds, periods, *others, currency, uses, gross, tax, refunded)
        _write_declared(tables, number, ids, declared, catalogue)
        currencies.update(currency)
        number += len(rows)
    return currencies


def _own(rows: Sequence[object]) -> tuple[list[str], list[str]]:
    """Kind and usage period of rows; a close freezes nothing but its own, and other periods in folders of theirs."""
    return [KINDS[0]] * len(rows), [""] * len(rows)


def _write_declared(tables: Tables, first: int, ids: list[str], declared: list[str], catalogue: Catalogue) -> None:
    pairs = [
        (event, row)
        for event, (event_id, text) in enumerate(zip(ids, declared, strict=True), first)
        if text
        for row in sorted(catalogue.row(WorkId(work), f"the event '{event_id}' declares") for work in text.split(";"))
    ]
    if pairs:
        tables.add("declared", *(list(column) for column in zip(*pairs, strict=True)))


def write_revenue(tables: Tables, conn: Connection, seen: Window) -> set[str]:
    """Writes revenue of many uses; the currencies in which it was earned."""
    own, back = revenues.c, refund_sums(seen)
    columns: list[sa.ColumnElement[Any]] = [own.revenue_id, own.service, own.territory, own.offer, own.payer, own.currency]
    columns += [own.gross_micros, own.tax_micros, sa.func.coalesce(back.c.refunded_micros, 0)]
    joined = revenues.outerjoin(back, back.c.of_id == own.revenue_id)
    query = sa.select(*columns).select_from(joined).where(counted_revenue(seen)).order_by(_bytewise(conn, own.revenue_id))
    currencies: set[str] = set()
    for rows in _stream(conn, query):
        ids, *others = (list(column) for column in zip(*rows, strict=True))
        tables.add("revenue", ids, *_own(rows), *others)
        currencies.update(others[4])
    return currencies


def rates_of(
    conn: Connection, seen: Window, policy: Policy, currencies: set[str], stated: Iterable[Rate] = ()
) -> list[Rate]:
    """The rate that applies for every pair of currencies, by currency and into.

    Args:
        conn: of the books.
        seen: what the close looks at.
        policy: for the currency to settle in, and those of fixed sums.
        currencies: in which something was earned.
        stated: rates that were frozen before; they stay.

    Raises:
        InputError: a currency without rate into the one that is settled in.
    """
    recorded = many(conn, sa.select(currency_rates).where(currency_rates.c.number <= seen.cut_off))
    known = in_force([RATE_SHELF.from_row(row) for row in recorded], seen.ends_on)
    earned = currencies | {rule.currency for rule in policy.pools if rule.currency}
    # Also into currencies that this policy does not settle in, so that the frozen period can be replayed under another.
    targets = {into for _, into in known} | ({policy.settle_in} if policy.settle_in else set())
    pairs = [rate_between(known, currency, into) for currency in earned for into in targets if currency != into]
    found = {(rate.currency, rate.into): rate for rate in pairs if rate is not None}
    found |= {(rate.currency, rate.into): rate for rate in stated}
    for currency in sorted(earned - {policy.settle_in}) if policy.settle_in else ():
        if (currency, policy.settle_in) not in found:
            raise InputError(
                f"there is no rate from {currency} to {policy.settle_in} on or before {seen.ends_on}",
                remedy="Record one (endcredits usage rates), or settle in the currency that was earned.",
                field="rate",
            )
    return [found[pair] for pair in sorted(found)]


def write_rates(tables: Tables, rates: Iterable[Rate]) -> None:
    """Writes rates, in their order."""
    for rate in rates:
        tables.add("rates", [rate.currency], [rate.into], [rate.numerator], [rate.denominator], [rate.on], [rate.source])
