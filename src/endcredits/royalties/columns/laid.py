"""Laying money on events, streaming: `royalties.laying` for millions of events in bounded memory.

Rows fall into *groups*: a pool, and inside it a payer where a rule tells payers apart. The first pass over the events sums
each group's base and counts its uses; then it is known what each use adds, and a second pass writes (output, group, money,
uses) records to files, one per range of outputs, so that each range can be summed alone, in whatever order the events are.
Where every event keeps its own money nothing has to be known before, and one pass does both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from endcredits.errors import InputError
from endcredits.royalties.columns.events import Batch, base_of, exact_sum, read_events
from endcredits.royalties.columns.spool import write_block
from endcredits.royalties.columns.spreading import Spread, Tally
from endcredits.royalties.columns.wide import Flags, Ints
from endcredits.royalties.frozen import table_path
from endcredits.royalties.frozen_rows import wrong
from endcredits.royalties.laying import PoolKey, base_micros, takes, tax_left_micros
from endcredits.royalties.rules import Policy, PoolRule
from endcredits.works import WORLD

OUTPUTS_PER_FILE = 1 << 21


@dataclass(slots=True)
class PoolMoney:
    """A pool as `laying.Laid` describes it, its events counted instead of named.

    Attributes:
        key: of the pool.
        base_micros: all of it; never negative.
        unused_micros: what payers brought who used nothing.
        laid_micros: sum of the money on events.
        events: how many.
        uses: of all of them.
    """

    key: PoolKey
    base_micros: int = 0
    unused_micros: int = 0
    laid_micros: int = 0
    events: int = 0
    uses: int = 0


@dataclass(slots=True)
class Period:
    """What both passes found.

    Attributes:
        pools: every pool of the policy, in a close's order.
        revenue: gross less refunds by currency, refunds of earlier periods taken off.
        taxes: the taxes in it.
        territories: which are told apart; WORLD, for all others, comes first.
        pool_of: the pool of each group.
        files: files of records, by range of outputs.
    """

    pools: list[PoolMoney] = field(default_factory=list)
    revenue: Counter[str] = field(default_factory=Counter)
    taxes: Counter[str] = field(default_factory=Counter)
    territories: tuple[str, ...] = (WORLD,)
    pool_of: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    files: list[Path] = field(default_factory=list)


@dataclass(slots=True)
class _Group:
    number: int
    key: PoolKey
    own_micros: int = 0
    shared_micros: int = 0
    events: int = 0
    uses: int = 0


class Laying:
    """One rule's way through the passes.

    Args:
        number: of the rule.
        rule: the rule.
        numbers: gives every group of all rules a number of its own.
    """

    def __init__(self, number: int, rule: PoolRule, numbers: Iterator[int]) -> None:
        self.number, self.rule, self.numbers = number, rule, numbers
        self.by_payer = "payer" in rule.by
        self.groups: dict[tuple[PoolKey, str], _Group] = {}
        self.tally = Tally()
        self.spread: Spread | None = None

    @property
    def waits(self) -> bool:
        """Whether an event's money depends on the others'."""
        return self.pooled or any(group.shared_micros for group in self.groups.values())

    @property
    def pooled(self) -> bool:
        """Whether events carry a part of a sum instead of their own base."""
        return self.rule.base == "fixed" or self.rule.spread == "uses"

    def group(self, row: dict[str, Any], payer: str) -> _Group:
        """The group that a row falls into."""
        rule, fixed = self.rule, self.rule.base == "fixed"
        key = PoolKey(
            rule=self.number,
            kind="earned" if fixed else row["kind"],
            usage_period="" if fixed else row["usage_period"],
            service=row["service"] if "service" in rule.by else "",
            territory=row["territory"] if "territory" in rule.by else "",
            offer=row["offer"] if "offer" in rule.by else "",
            currency=rule.currency if rule.base in ("fixed", "per-use") else row["currency"],
        )
        found = self.groups.get((key, payer))
        if found is None:
            found = self.groups[key, payer] = _Group(next(self.numbers), key)
        return found

    def rows_of(self, batch: Batch) -> tuple[Ints, Ints, Ints]:
        """The rows of a batch that the rule takes, the group of each, and its base (uses, for a fixed sum)."""
        found = []
        for number, row in enumerate(batch.combinations):
            if not takes(self.rule, row):
                continue
            alone = len(batch.combinations) == 1
            rows = np.arange(len(batch)) if alone else np.flatnonzero(batch.combination == number)
            if self.by_payer and self.rule.base != "fixed":
                names, inverse = np.unique(batch.payer[rows], return_inverse=True)
                numbers = np.array([self.group(row, batch.payers[name]).number for name in names.tolist()], np.int64)
                groups = numbers[inverse]
            else:
                groups = np.full(len(rows), self.group(row, "").number, np.int64)
            use = row["use"]
            base = (
                np.zeros(len(rows), np.int64)
                if self.rule.base == "fixed"
                else base_of(self.rule, batch, slice(None) if alone else rows, use)
            )
            found.append((rows, groups, base))
        if len(found) == 1:
            return found[0]
        if not found:
            return (np.zeros(0, np.int64),) * 3
        rows, groups, base = (np.concatenate(parts) for parts in zip(*found, strict=True))
        order = np.argsort(rows)
        return rows[order], groups[order], base[order]

    def count(self, batch: Batch) -> None:
        """The first pass over a batch."""
        rows, groups, base = self.rows_of(batch)
        uses = batch.numbers["uses"][rows]
        by_number = {group.number: group for group in self.groups.values()}
        alone = len(groups) and groups.min() == groups.max()
        order = np.arange(len(groups)) if alone else np.argsort(groups, kind="stable")
        starts = np.flatnonzero(np.diff(groups[order], prepend=-1)).tolist()
        for start, stop in zip(starts, [*starts[1:], len(order)], strict=True) if starts else ():
            own = order[start:stop]
            group = by_number[int(groups[own[0]])]
            group.own_micros += exact_sum(base[own])
            group.events += len(own)
            group.uses += exact_sum(uses[own])
        if self.waits:
            self.tally.add(groups * (self.rule.base != "fixed"), uses)

    def decide(self) -> list[PoolMoney]:
        """After the first pass: what each use adds; the rule's pools, in order."""
        if self.rule.base == "fixed":
            return self._decide_fixed()
        totals = {
            group.number: group.shared_micros + (group.own_micros if self.pooled else 0)
            for group in self.groups.values()
            if group.events
        }
        if any(totals.values()):
            self.spread = Spread(self.tally, totals)
        pools: dict[PoolKey, PoolMoney] = {}
        for group in self.groups.values():
            pool = pools.setdefault(group.key, PoolMoney(group.key))
            pool.base_micros += group.own_micros + group.shared_micros
            pool.events += group.events
            pool.uses += group.uses
            if group.events:
                pool.laid_micros += group.own_micros + group.shared_micros
            elif self.by_payer:
                pool.unused_micros += group.shared_micros
        return [pools[key] for key in sorted(pools)]

    def _decide_fixed(self) -> list[PoolMoney]:
        if not self.groups:
            key = PoolKey(self.number, "earned", "", "", "", "", self.rule.currency)
            return [PoolMoney(key, self.rule.amount_micros)]
        self.spread = Spread(self.tally, {0: self.rule.amount_micros})
        pools = {group.key: PoolMoney(group.key, events=group.events, uses=group.uses) for group in self.groups.values()}
        return [pools[key] for key in sorted(pools)]

    def money_of(self, batch: Batch) -> tuple[Ints, Ints, Ints]:
        """The second pass over a batch: rows, their groups and the money that each carries."""
        rows, groups, base = self.rows_of(batch)
        if self.spread is None:
            return rows, groups, np.zeros_like(base) if self.pooled else base
        fixed = self.rule.base == "fixed"
        added = self.spread.take(groups * (not fixed), batch.numbers["uses"][rows])
        if fixed:
            by_number = {group.number: group for group in self.groups.values()}
            for number in np.unique(groups).tolist():
                by_number[number].own_micros += exact_sum(added[groups == number])
        return rows, groups, added if self.pooled else base + added


def lay_events(folder: Path, policy: Policy, territories: tuple[str, ...], outputs: int, spool: Path) -> Period:
    """Lays every rule's money on the events of a frozen period.

    Args:
        folder: of the frozen period.
        policy: the rules.
        territories: told apart by splits; WORLD first.
        outputs: how many there are.
        spool: a folder for the records.

    Raises:
        InputError: an event or revenue that makes no sense, by row and field.
    """
    numbers = count()
    rules = [Laying(number, rule, numbers) for number, rule in enumerate(policy.pools)]
    payers = any(one.by_payer for one in rules)
    period = Period(territories=territories)
    _add_revenue(folder, rules, period)  # first, because it decides whether anybody waits
    period.files = [spool / f"laid-{place:06d}.bin" for place in range(-(-outputs // OUTPUTS_PER_FILE))]
    writers = [file.open("wb") for file in period.files]
    twice = any(one.waits for one in rules)
    try:
        for batch in read_events(folder, payers=payers):
            _check(batch, outputs)
            _add_totals(period, batch)
            for one in rules:
                one.count(batch)
                if not twice:
                    _write(writers, batch, one, territories)
        for one in rules:
            period.pools += one.decide()
        for batch in read_events(folder, payers=payers) if twice else ():
            for one in rules:
                _write(writers, batch, one, territories)
    finally:
        for writer in writers:
            writer.close()
    place = {pool.key: number for number, pool in enumerate(period.pools)}
    period.pool_of = np.zeros(next(numbers), np.int64)
    for one in rules:
        for group in one.groups.values():
            period.pool_of[group.number] = place[group.key]
            if one.rule.base == "fixed":
                period.pools[place[group.key]].base_micros += group.own_micros
                period.pools[place[group.key]].laid_micros += group.own_micros
    return period


def _write(writers: list[Any], batch: Batch, one: Laying, territories: tuple[str, ...]) -> None:
    rows, groups, money = one.money_of(batch)
    if not len(rows):
        return
    taken = slice(None) if len(rows) == len(batch) else rows  # rows ascend, each once
    records = {
        "output": batch.output[taken],
        "group": groups,
        "territory": _territory_of(batch, territories)[taken],
        "event": batch.first + rows,
        "money": money,
        "uses": batch.numbers["uses"][taken],
    }
    first, last = (int(end) // OUTPUTS_PER_FILE for end in (records["output"].min(), records["output"].max()))
    if first == last:
        write_block(writers[first], records)
        return
    file = records["output"] // OUTPUTS_PER_FILE
    for number in range(first, last + 1):
        own = np.flatnonzero(file == number)
        if len(own):
            write_block(writers[number], {name: values[own] for name, values in records.items()})


def _territory_of(batch: Batch, territories: tuple[str, ...]) -> Ints:
    if len(territories) == 1:
        return np.broadcast_to(np.int64(0), len(batch))
    place = {territory: number for number, territory in enumerate(territories)}
    known = np.array([place.get(row["territory"], 0) for row in batch.combinations], np.int64)
    found: Ints = known[batch.combination]
    return found


def _check(batch: Batch, outputs: int) -> None:
    """The checks of `frozen_rows` on a whole batch."""
    gross, tax, refunded = (batch.numbers[name] for name in ("gross_micros", "tax_micros", "refunded_micros"))
    problems: list[tuple[Flags, str, str]] = [
        ((batch.output < 0) | (batch.output >= outputs), "output", "an output is named and there is none"),
        (gross < 0, "gross_micros", "earned less than nothing"),
        ((tax < 0) | (tax > gross), "tax_micros", "paid more taxes than it earned, or less than none"),
        ((refunded < 0) | (refunded > gross), "refunded_micros", "gave back more than it earned, or less than nothing"),
        (batch.numbers["uses"] < 1, "uses", "was used less than once"),
    ]
    for number, row in enumerate(batch.combinations):
        if row["kind"] not in ("earned", "late", "refund"):
            problems.append((batch.combination == number, "kind", f"is of the kind '{row['kind']}', which there is not"))
        if (row["kind"] == "earned") != (row["usage_period"] == ""):
            what = "is of this period and names another, or of another and names none"
            problems.append((batch.combination == number, "usage_period", what))
    for bad, field_name, what in problems:
        if bad.any():
            raise wrong("events", batch.first + int(np.flatnonzero(bad)[0]), field_name, what)


def _add_totals(period: Period, batch: Batch) -> None:
    for number, row in enumerate(batch.combinations):
        rows = slice(None) if len(batch.combinations) == 1 else np.flatnonzero(batch.combination == number)
        numbers = {name: values[rows] for name, values in batch.numbers.items()}
        sign = -1 if row["kind"] == "refund" else 1
        left = exact_sum(numbers["gross_micros"]) - exact_sum(numbers["refunded_micros"])
        period.revenue[row["currency"]] += sign * left
        taxes = exact_sum(numbers["tax_micros"])
        for place in np.flatnonzero(numbers["refunded_micros"]).tolist():
            one = {name: int(values[place]) for name, values in numbers.items()}
            taxes += tax_left_micros(one) - one["tax_micros"]
        period.taxes[row["currency"]] += sign * taxes


def _add_revenue(folder: Path, rules: list[Laying], period: Period) -> None:
    taking = [one for one in rules if one.rule.base in ("gross", "net") and not one.rule.use]
    first = 0
    with pq.ParquetFile(table_path(folder, "revenue")) as source:
        for batch in source.iter_batches(1 << 14):
            for number, row in enumerate(batch.to_pylist(), first):
                _check_revenue(number, row)
                sign = -1 if row["kind"] == "refund" else 1
                period.revenue[row["currency"]] += sign * (row["gross_micros"] - row["refunded_micros"])
                period.taxes[row["currency"]] += sign * tax_left_micros(row)
                for one in taking:
                    if takes(one.rule, row):
                        payer = row["payer"] if one.by_payer else ""
                        one.group(row, payer).shared_micros += base_micros(one.rule, row)
            first += batch.num_rows


def _check_revenue(number: int, row: dict[str, Any]) -> None:
    if row["kind"] not in ("earned", "late", "refund"):
        raise wrong("revenue", number, "kind", f"is of the kind '{row['kind']}', which there is not")
    if (row["kind"] == "earned") != (row["usage_period"] == ""):
        what = "is of this period and names another, or of another and names none"
        raise wrong("revenue", number, "usage_period", what)
    if row["gross_micros"] < 0:
        raise wrong("revenue", number, "gross_micros", "earned less than nothing")
    if not 0 <= row["tax_micros"] <= row["gross_micros"]:
        raise wrong("revenue", number, "tax_micros", "paid more taxes than it earned, or less than none")
    if not 0 <= row["refunded_micros"] <= row["gross_micros"]:
        raise wrong("revenue", number, "refunded_micros", "gave back more than it earned, or less than nothing")


def check_total(period: Period) -> None:
    """Refuses money that 64-bit columns cannot hold.

    Raises:
        InputError: a pool carries 2**53 micros or more.
    """
    for pool in period.pools:
        if pool.laid_micros >= 1 << 53:
            raise InputError(
                f"a pool carries {pool.laid_micros} micros, more than a document keeps exactly",
                remedy="Close a shorter period.",
            )
