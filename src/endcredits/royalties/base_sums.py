"""What the rows of a frozen period sum to, read in batches: the base of every pool and the revenue of every currency.

Money on single uses is not needed for it, so that it is exact for periods of any size, and it is arithmetic of its own: a
fast close that loses or doubles a batch does not agree with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from endcredits.money import PPB
from endcredits.royalties.frozen import Frozen, table_path
from endcredits.royalties.frozen_rows import Row
from endcredits.royalties.laying import PoolKey, base_micros, group_of, takes, tax_left_micros
from endcredits.royalties.portions import portion_of
from endcredits.royalties.records import PeriodClose

BATCH_ROWS = 20_000

Group = tuple[PoolKey, str]
"""A pool, and a payer where the rule tells payers apart."""


@dataclass(slots=True)
class Sums:
    """What all rows sum to.

    Attributes:
        own: base of the events by group.
        shared: base of revenue of many uses by group.
        uses: by group.
        events: by group.
        revenue: by currency.
        taxes: by currency.
    """

    own: Counter[Group] = field(default_factory=Counter)
    shared: Counter[Group] = field(default_factory=Counter)
    uses: Counter[Group] = field(default_factory=Counter)
    events: Counter[Group] = field(default_factory=Counter)
    revenue: Counter[str] = field(default_factory=Counter)
    taxes: Counter[str] = field(default_factory=Counter)


def key_of(close: PeriodClose, number: int) -> PoolKey:
    """The key of a close's pool."""
    pool = close.pools[number]
    rule = [one.name for one in close.policy.pools].index(pool.rule)
    return PoolKey(rule, pool.kind, pool.usage_period, pool.service, pool.territory, pool.offer, pool.earned_currency)


def rows_of(frozen: Frozen, table: str, **wanted: pa.Array) -> Iterator[Row]:
    """Rows of a frozen table in batches, only those whose column holds one of the wanted values."""
    with pq.ParquetFile(table_path(frozen.folder, table)) as source:
        for batch in source.iter_batches(BATCH_ROWS):
            for column, values in wanted.items():
                batch = batch.filter(pc.is_in(batch.column(column), values))
            yield from batch.to_pylist()


def summed(frozen: Frozen, close: PeriodClose) -> Sums:
    """Sums all events and revenue under the close's policy; fixed sums need none and are left out."""
    sums = Sums()
    for table in ("events", "revenue"):
        for row in rows_of(frozen, table):
            sign = -1 if row["kind"] == "refund" else 1
            sums.revenue[row["currency"]] += sign * (row["gross_micros"] - row["refunded_micros"])
            sums.taxes[row["currency"]] += sign * tax_left_micros(row)
            for number, rule in enumerate(close.policy.pools):
                if rule.base == "fixed" or not takes(rule, row):
                    continue
                if table == "events":
                    group = group_of(number, rule, row)
                    sums.own[group] += base_micros(rule, row)
                    sums.uses[group] += row["uses"]
                    sums.events[group] += 1
                elif rule.base != "per-use":
                    sums.shared[group_of(number, rule, row)] += base_micros(rule, row)
    return sums


def total_problems(close: PeriodClose, sums: Sums) -> Iterator[str]:
    """Where the stated revenue and taxes are not what was reported, in words."""
    stated = {total.currency: total for total in close.totals}
    for currency in sorted(sums.revenue.keys() | stated.keys()):
        total = stated.get(currency)
        if total is None:
            yield f"nothing is stated of what was earned in {currency}"
        elif (total.revenue_micros, total.tax_micros) != (sums.revenue[currency], sums.taxes[currency]):
            yield f"revenue or taxes in {currency} are not the sums of what was reported"


def pool_problems(close: PeriodClose, sums: Sums, places: dict[PoolKey, int]) -> Iterator[str]:
    """Where the stated pools are not what was reported, in words; `places` are the pools' numbers by key."""
    base: Counter[PoolKey] = Counter()
    unused: Counter[PoolKey] = Counter()
    counted: dict[str, Counter[PoolKey]] = {"events": Counter(), "uses": Counter()}
    for group in sums.own.keys() | sums.shared.keys():
        key, rule = group[0], close.policy.pools[group[0].rule]
        base[key] += sums.own[group] + sums.shared[group]
        unused[key] += sums.shared[group] if "payer" in rule.by and not sums.events[group] else 0
        counted["events"][key] += sums.events[group]
        counted["uses"][key] += sums.uses[group]
    laid = {key for key in places if close.policy.pools[key.rule].base != "fixed"}
    if laid != base.keys():
        yield "the pools are not those of what was reported"
    for key in sorted(laid & base.keys()):
        pool, rule = close.pools[places[key]], close.policy.pools[key.rule]
        sign = -1 if pool.kind == "refund" else 1
        if (sign * pool.revenue_micros, pool.events, pool.uses) != (base[key], counted["events"][key], counted["uses"][key]):
            yield f"pool {places[key]}: its revenue, events or uses are not those of what was reported"
        broken = portion_of(abs(pool.pool_micros), unused[key], base[key]) if unused[key] else 0
        if sign * pool.breakage_micros != broken:
            yield f"pool {places[key]}: its breakage is not what its payers left unused"
        carried = base[key] - unused[key] if counted["events"][key] else 0
        for part, total in zip(rule.parts, pool.parts, strict=True):
            by_money = part.by == "declared" or (part.by in ("credits", "units") and close.policy.weighting == "revenue")
            if by_money and total.denominator != str(carried * PPB):
                yield f"pool {places[key]}, part '{part.name}': its denominator is not the money on its uses"
