"""The fast close: the same pure function as `royalties.close`, for twenty million credits in a few hundred megabytes.

    events --laid--> money on outputs --sums, in one pass over the credits--> weights of works --dividing--> lines

Everything is summed in integers and divided once, so the close is the same bytes as the simple one's whatever way it took:
one process or many, dense columns or DuckDB, interrupted or not.
"""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from endcredits.canonical import digest
from endcredits.compute import Ray
from endcredits.durable import locked
from endcredits.money import PPB
from endcredits.royalties.adjusting import adjusted_of, totals_with
from endcredits.royalties.adjustments import Adjustment
from endcredits.royalties.close import check_period
from endcredits.royalties.clusters import entitled_to
from endcredits.royalties.columns.adjusting import add_differences
from endcredits.royalties.columns.catalogue import Catalogue, Splits, read_catalogue, read_table, splits_of
from endcredits.royalties.columns.credits import values_of
from endcredits.royalties.columns.dividing import (
    Divided,
    Dividing,
    divide_by_rows,
    divide_party,
    divide_plain,
    is_plain,
    weights_of_pool,
)
from endcredits.royalties.columns.laid import Period, PoolMoney, check_total, lay_events
from endcredits.royalties.columns.lines import Names, PartyRows, Texts, WorkRows, write_party_rows, write_work_rows
from endcredits.royalties.columns.queries import Queries
from endcredits.royalties.columns.weighing import PoolWeights, Weighed, pool_weights, shards_of, weigh_shards
from endcredits.royalties.frozen import Frozen
from endcredits.royalties.frozen_rows import FrozenRows
from endcredits.royalties.portions import check_amounts, converted, levies_micros, portion_micros, portion_of, waterfall
from endcredits.royalties.records import PeriodClose, Pool, Total
from endcredits.royalties.rules import Part, Policy
from endcredits.royalties.weighing import Weights, equally
from endcredits.works import WORLD

DENSE_CELLS = 1 << 23
"""Sums (pools * territories * works) that stand in dense columns; more of them are grouped by DuckDB."""


def close_period(
    frozen: Frozen,
    period_id: str,
    starts_on: str,
    ends_on: str,
    policy: Policy,
    into: Path,
    processes: int = 1,
    backend: Ray | None = None,
    adjustments: Sequence[Adjustment] = (),
) -> PeriodClose:
    """Computes what every work and party earned in a period, and writes the lines.

    Args:
        frozen: the period's inputs.
        period_id: such as "2026-11".
        starts_on: first day, YYYY-MM-DD.
        ends_on: last day.
        policy: the rules.
        into: gets `work_lines.parquet` and `lines.parquet`; while it runs also a working folder, which a later run of the
            same close takes up where a killed one left it.
        processes: how many sum credits at once; on Ray how many tasks are handed over.
        backend: None for this machine, or Ray; `into` must then be the same folder everywhere.
        adjustments: of closed periods, by their days.

    Returns:
        The close; equal inputs give equal bytes, those of `royalties.close.close_period`.

    Raises:
        InputError: a bad period, a frozen row that makes no sense (by table, row and field), a currency without a rate, or
            sums beyond what documents and 128 bits hold.
        IntegrityError: a frozen table cannot be read.
        MachineError: a process died or the disk is full; nothing but the working folder is left behind.
        ConflictError: the same folder is being closed into by somebody else.
    """
    check_period(period_id, starts_on, ends_on)
    into.mkdir(parents=True, exist_ok=True)
    key = digest([[list(pair) for pair in frozen.digests], digest(policy)])[:16]
    adjusted = tuple(map(adjusted_of, adjustments))
    spool = into / f"working-{key}"
    with locked(into, "a close"):
        spool.mkdir(exist_ok=True)
        closing = _Closing(frozen, policy, ends_on, spool, processes, backend)
        try:
            pools, work_rows, party_rows = closing.pools()
            totals = _totals(closing.period, pools, policy)
            own = spool if adjustments else into  # while others have to be added the tables are not whole
            works, works_digest = write_work_rows(own / "work_lines.parquet", work_rows, closing.names)
            lines, lines_digest = write_party_rows(own / "lines.parquet", party_rows, closing.names)
        finally:
            closing.end()
        if adjustments:
            changed = add_differences(adjustments, spool, len(pools), into)
            pools += changed.pools
            works, works_digest, lines, lines_digest = changed.tables
        shutil.rmtree(spool, ignore_errors=True)
    return PeriodClose(
        period_id=period_id,
        starts_on=starts_on,
        ends_on=ends_on,
        policy=policy,
        policy_digest=digest(policy),
        frozen=frozen.digests,
        totals=totals_with(totals, adjusted),
        pools=tuple(pools),
        work_lines=works,
        work_lines_digest=works_digest,
        lines=lines,
        lines_digest=lines_digest,
        adjusted=adjusted,
    )


class _Closing:
    """One close on its way.

    Args:
        frozen: the inputs.
        policy: the rules.
        ends_on: the period's last day.
        spool: the working folder.
        processes: as for `close_period`.
        backend: the same.
    """

    def __init__(
        self, frozen: Frozen, policy: Policy, ends_on: str, spool: Path, processes: int, backend: Ray | None
    ) -> None:
        self.folder, self.policy, self.ends_on, self.spool = frozen.folder, policy, ends_on, spool
        self.processes, self.backend = processes, backend
        self.catalogue: Catalogue = read_catalogue(frozen.folder)
        pa.default_memory_pool().release_unused()
        self.names = Names(
            Texts(self.catalogue.work_ids), Texts(self.catalogue.party_ids), Texts(self.catalogue.work_ids.slice(0, 0))
        )
        self.rates = {(row["currency"], row["into"]): row for row in read_table(frozen.folder, "rates").to_pylist()}
        self.period: Period = lay_events(frozen.folder, policy, self.catalogue.territories, self.catalogue.outputs, spool)
        check_total(self.period)
        pa.default_memory_pool().release_unused()
        self._splits: dict[str, tuple[Splits, FrozenRows]] = {}
        self._rows: FrozenRows | None = None
        self._queries: Queries | None = None
        self.weighed: Weighed | None = None

    def end(self) -> None:
        """Lets go of DuckDB."""
        if self._queries is not None:
            self._queries.close()

    @property
    def queries(self) -> Queries:
        """DuckDB, started when somebody asks."""
        if self._queries is None:
            self._queries = Queries(self.folder, self.period, self.spool, self.policy.reliability_min_ppb)
        return self._queries

    def pools(self) -> tuple[list[Pool], list[WorkRows], list[PartyRows]]:
        """Divides every pool."""
        pools: list[Pool] = []
        work_rows: list[WorkRows] = []
        party_rows: list[PartyRows] = []
        for number, weights in enumerate(self._weights()):
            pa.default_memory_pool().release_unused()
            pool, divided = self._pool(number, weights)
            pools.append(pool)
            work_rows += [rows for _, rows, _ in divided]
            party_rows += [rows for _, _, rows in divided]
        return pools, work_rows, party_rows

    def _weights(self) -> Iterator[PoolWeights | None]:
        """The weights of every pool; None where no part asks for credits."""
        asked = any(part.by in ("credits", "units") for rule in self.policy.pools for part in rule.parts)
        if not asked or not self.period.pools:
            yield from [None] * len(self.period.pools)
            return
        works = len(self.catalogue.work_ids)
        nats = self.policy.weighting == "nats"
        values = values_of(self.folder, "credit_nanonats" if nats else "share_ppb", works, self.catalogue.outputs)
        alone = self.processes <= 1 and self.backend is None
        shards = shards_of(
            self.folder,
            self.period,
            self.policy,
            self.catalogue.outputs,
            works,
            values,
            1 if alone else max(self.processes, 1),
            None if alone else self.spool,
        )
        lanes = len(self.period.pools) * len(self.period.territories) * (2 if self.policy.reliability_min_ppb else 1)
        if lanes * works > DENSE_CELLS and not nats:
            yield from self.queries.pool_weights(works)
            return
        self.weighed = weigh_shards(shards, self.processes, self.backend)
        for number in range(len(self.period.pools)):
            yield pool_weights(self.weighed, shards[0], number)

    def _pool(self, number: int, weights: PoolWeights | None) -> tuple[Pool, list[Divided]]:
        money = self.period.pools[number]
        key, rule = money.key, self.policy.pools[money.key.rule]
        sign = -1 if key.kind == "refund" else 1
        by_portion = rule.base in ("gross", "net")
        source = portion_micros(money.base_micros, rule.share_ppb) if by_portion else money.base_micros
        pool_micros, currency, rate = converted(source, key.currency, self.policy.settle_in, self.rates, self.ends_on)
        breakage = portion_of(pool_micros, money.unused_micros, money.base_micros) if money.unused_micros else 0
        check_amounts((money.base_micros, source, pool_micros), f"pool {number} of the rule '{rule.name}'")
        amounts, rest = waterfall(pool_micros - breakage, rule.parts)
        divided = [
            self._part(Dividing((number, place), part, amount, sign, key.territory or WORLD), money, weights)
            for place, (part, amount) in enumerate(zip(rule.parts, amounts, strict=True))
        ]
        pool = Pool(
            rule=rule.name,
            kind=key.kind,
            usage_period=key.usage_period,
            service=key.service,
            territory=key.territory,
            offer=key.offer,
            events=money.events,
            uses=money.uses,
            revenue_micros=sign * money.base_micros,
            source_micros=sign * source,
            earned_currency=key.currency,
            currency=currency,
            rate=rate,
            pool_micros=sign * pool_micros,
            breakage_micros=sign * breakage,
            rest_micros=sign * rest,
            parts=tuple(total for total, _, _ in divided),
        )
        return pool, divided

    def _part(self, one: Dividing, money: PoolMoney, weights: PoolWeights | None) -> Divided:
        part, number = one.part, one.place[0]
        if part.by == "party":
            return divide_party(one, self.names)
        if is_plain(part, self.policy):
            assert weights is not None
            splits, rows = self._splits_of(part.right)
            return divide_plain(one, weights, money.laid_micros * PPB, self.catalogue, splits, rows, self.names)
        if self._rows is None:
            self._rows = self.catalogue.rows(None, self.catalogue.splits.to_pylist())
        entitled = entitled_to(self._rows, part)
        if part.by == "declared":
            signed = self.queries.declared_weights(number)
        elif part.by == "equal":
            signed = equally(one.where, self._rows, entitled)
        else:
            assert weights is not None
            signed = self._by_credits(number, money, weights)
        rule = money.key.rule
        significant = None
        if self.policy.significance_ppb and part.by in ("credits", "units"):
            significant = self.queries.significant(rule, money.key.currency, self.policy.significance_ppb)
        uses = self.queries.uses_of_clusters(rule, declared=part.by == "declared") if part.gate.uses_min else Counter[int]()
        fixed_ppb = self._fixed_ppb(part, number, money)
        return divide_by_rows(one, signed, fixed_ppb, significant, uses, self._rows, entitled, self.names)

    def _by_credits(self, number: int, money: PoolMoney, weights: PoolWeights) -> Weights:
        if self.policy.weighting != "nats":
            return weights_of_pool(weights, money.laid_micros * PPB, self.period.territories)
        assert self.weighed is not None
        found = weights_of_pool(weights, 0, self.period.territories)
        clusters: defaultdict[int, int] = defaultdict(int)
        for work in found.signed:
            clusters[int(self.catalogue.cluster[work])] += found.of(work)
        claimed = sum(max(weight, 0) for weight in clusters.values())
        for places in found.signed.values():
            for territory in places:
                places[territory] *= self.weighed.attributed[number]
        found.denominator = max(self.weighed.log_ratios[number], claimed) * money.laid_micros
        return found

    def _fixed_ppb(self, part: Part, number: int, money: PoolMoney) -> int:
        if not part.fixed_by_reliability:
            return part.fixed_ppb
        reliable = self.queries.reliable(number) if self.weighed is None else self.weighed.reliable[number]
        return PPB - (reliable // money.laid_micros if money.laid_micros else 0)

    def _splits_of(self, right: str) -> tuple[Splits, FrozenRows]:
        if right not in self._splits:
            splits = splits_of(self.catalogue, right)
            works = (~splits.regular).nonzero()[0]
            self._splits[right] = splits, self.catalogue.rows(works, splits.rows)
        return self._splits[right]


def _totals(period: Period, pools: list[Pool], policy: Policy) -> tuple[Total, ...]:
    """As `royalties.close.totals_of`."""
    sources: Counter[str] = Counter()
    for pool in pools:
        sources[pool.earned_currency] += pool.source_micros
    found = []
    for currency in sorted(period.revenue.keys() | sources.keys()):
        levies = sum(levies_micros(policy.levies, sources[currency]))
        revenue, taxes = period.revenue[currency], period.taxes[currency]
        kept = revenue - taxes - sources[currency] - levies
        check_amounts((revenue, sources[currency], levies, kept), f"the total of {currency}")
        found.append(Total(currency, revenue, taxes, kept, sources[currency], levies))
    return tuple(found)
