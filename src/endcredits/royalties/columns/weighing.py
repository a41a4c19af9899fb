"""Weights of every pool from the laid money and twenty million credits: `royalties.weighing` in columns.

The outputs are cut into ranges. A range's records become layers, its credits are summed, and sums of ranges are added: in
this process one after the other into the same columns, or as shards on several processes or machines. A shard writes its
sums to a file of its own; if it stands there already, after a kill or because a task ran twice, it is not computed again.
Integers do not mind in which order they are added, so all ways end in the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from endcredits.compute import Ray, map_shards
from endcredits.durable import write_atomic
from endcredits.royalties.columns.credits import Values
from endcredits.royalties.columns.laid import OUTPUTS_PER_FILE, Period
from endcredits.royalties.columns.spool import Records, read_blocks
from endcredits.royalties.columns.sums import Laid, Layer, Sums, add_credits, layers_of, limbs_of, merge
from endcredits.royalties.columns.wide import Flags, Ints, Wide
from endcredits.royalties.frozen import table_path
from endcredits.royalties.rules import Policy

_WAITING_ROWS = 1 << 20
"""Records that wait to be sorted together."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Some ranges of outputs, to be summed by themselves.

    Attributes:
        folder: of the frozen period.
        files: (records, first output, one past the last) of each range.
        pool_of: the pool of each group.
        pools: how many there are.
        territories: how many are told apart.
        works: how many there are.
        values: the column of the credits that is summed.
        by_nats: whether uses are the factor instead of money.
        reliability_min_ppb: of the policy.
        by_reliability: whether any part asks how reliable its pool is.
        result: the file that holds the shard's sums; "" to hand them back.
        threads: as for `add_credits`.
    """

    folder: Path
    files: tuple[tuple[Path, int, int], ...]
    pool_of: Ints
    pools: int
    territories: int
    works: int
    values: Values
    by_nats: bool
    reliability_min_ppb: int
    by_reliability: bool = False
    result: str = ""
    threads: int = 1

    @property
    def lanes(self) -> int:
        """Pools by territory, twice where outputs that are not believed are counted apart."""
        return self.pools * self.territories * (2 if self.reliability_min_ppb else 1)


@dataclass(slots=True)
class Weighed:
    """Sums over all pools.

    Attributes:
        sums: per (lane, work).
        log_ratios: sum of uses * log-ratio of believed outputs, by pool.
        attributed: micros that believed outputs with a positive log-ratio carry, by pool.
        reliable: sum of micros * reliability, by pool.
    """

    sums: Sums
    log_ratios: list[int]
    attributed: list[int]
    reliable: list[int]


@dataclass(frozen=True, slots=True)
class PoolWeights:
    """The weights of one pool.

    Attributes:
        weights: by territory (as `Period.territories`), each with one number per work.
        outputs: believed events that credited a work, by work.
        unreliable: those that are not believed, by work.
    """

    weights: list[Wide]
    outputs: Ints
    unreliable: Ints


def shards_of(
    folder: Path, period: Period, policy: Policy, outputs: int, works: int, values: Values, parts: int, results: Path | None
) -> list[Shard]:
    """Cuts the period into about equal shards.

    Args:
        folder: of the frozen period.
        period: with its laid money.
        policy: the rules.
        outputs: how many there are.
        works: how many there are.
        values: the column of the credits.
        parts: how many shards at most.
        results: where they leave their sums; None to hand them back.
    """
    ranges = [
        (file, place * OUTPUTS_PER_FILE, min((place + 1) * OUTPUTS_PER_FILE, outputs))
        for place, file in enumerate(period.files)
    ]
    cuts = np.linspace(0, len(ranges), min(parts, max(len(ranges), 1)) + 1).astype(int).tolist()
    return [
        Shard(
            folder=folder,
            files=tuple(ranges[begin:end]),
            pool_of=period.pool_of,
            pools=len(period.pools),
            territories=len(period.territories),
            works=works,
            values=values,
            by_nats=policy.weighting == "nats",
            reliability_min_ppb=policy.reliability_min_ppb,
            by_reliability=any(part.fixed_by_reliability for rule in policy.pools for part in rule.parts),
            result="" if results is None else str(results / f"sums-{number:04d}-of-{len(cuts) - 1:04d}.npz"),
        )
        for number, (begin, end) in enumerate(pairwise(cuts))
    ]


def weigh_shards(shards: list[Shard], processes: int, backend: Ray | None) -> Weighed:
    """Sums all shards, here or elsewhere, and adds them up."""
    if not shards[0].result:
        weighed = _nothing(shards[0])
        for shard in shards:
            _sum_shard(shard, weighed)
        return weighed
    together: Weighed | None = None
    for file in map_shards(sum_to_file, shards, processes=processes, backend=backend, stage="summing credits"):
        found = _read(Path(file))
        together = found if together is None else _added(together, found)
    assert together is not None
    return together


def sum_to_file(shard: Shard) -> str:
    """Sums a shard and leaves the result in its file, unless it lies there."""
    path = Path(shard.result)
    if not path.exists():
        weighed = _nothing(shard)
        _sum_shard(shard, weighed)
        total = weighed.sums.total()
        buffer = io.BytesIO()
        scalars = np.array(
            [[str(value) for value in row] for row in (weighed.log_ratios, weighed.attributed, weighed.reliable)]
        )
        np.savez(buffer, counts=weighed.sums.counts, hi=total.hi, lo=total.lo, scalars=scalars)
        write_atomic(path, buffer.getvalue())
    return shard.result


def pool_weights(weighed: Weighed, shard: Shard, pool: int) -> PoolWeights:
    """The weights of one pool out of all sums."""
    total = weighed.sums.total()
    if shard.lanes == 1:
        return PoolWeights([total], weighed.sums.counts, np.zeros(shard.works, np.int64))
    lanes = [pool * shard.territories + place for place in range(shard.territories)]
    half = shard.pools * shard.territories

    def lane(number: int) -> slice:
        return slice(number * shard.works, (number + 1) * shard.works)

    counted = np.zeros(shard.works, np.int64)
    unreliable = np.zeros(shard.works, np.int64)
    for number in lanes:
        counted += weighed.sums.counts[lane(number)]
        if shard.lanes > half:
            unreliable += weighed.sums.counts[lane(half + number)]
    return PoolWeights([Wide(total.hi[lane(number)], total.lo[lane(number)]) for number in lanes], counted, unreliable)


def _nothing(shard: Shard) -> Weighed:
    none = [0] * shard.pools
    return Weighed(Sums.of(shard.lanes * shard.works), none.copy(), none.copy(), none.copy())


def _added(left: Weighed, right: Weighed) -> Weighed:
    def both(name: str) -> list[int]:
        return [a + b for a, b in zip(getattr(left, name), getattr(right, name), strict=True)]

    return Weighed(merge(left.sums, right.sums), both("log_ratios"), both("attributed"), both("reliable"))


def _read(path: Path) -> Weighed:
    with np.load(path) as stored:
        sums = Sums(len(stored["counts"]), stored["counts"], {}, Wide(stored["hi"], stored["lo"]))
        log_ratios, attributed, reliable = ([int(text) for text in row] for row in stored["scalars"].tolist())
    return Weighed(sums, log_ratios, attributed, reliable)


def _sum_shard(shard: Shard, weighed: Weighed) -> None:
    for file, first, stop in shard.files:
        log_ratio = _column(shard.folder, "log_ratio_nanonats", first, stop)
        reliability = np.zeros(1, np.int64)  # stands for every output where nobody asks
        if shard.reliability_min_ppb or shard.by_reliability:
            reliability = _column(shard.folder, "reliability_ppb", first, stop)
        layers = _layers(shard, weighed, file, first, stop, log_ratio, reliability)
        add_credits(weighed.sums, shard.folder, shard.values, layers, first, stop, shard.threads)


def _column(folder: Path, name: str, first: int, stop: int) -> Ints:
    """A column of a range of outputs."""
    found: list[Ints] = []
    with pq.ParquetFile(table_path(folder, "outputs"), pre_buffer=False, buffer_size=1 << 18) as source:
        row = 0
        for group in range(source.metadata.num_row_groups):
            rows = source.metadata.row_group(group).num_rows
            if row < stop and row + rows > first:
                column = source.read_row_group(group, columns=[name], use_threads=False).column(0)
                found.append(column.to_numpy()[max(first - row, 0) : stop - row])
            row += rows
    return np.concatenate(found)


def _layers(
    shard: Shard, weighed: Weighed, file: Path, first: int, stop: int, log_ratio: Ints, reliability: Ints
) -> list[Layer]:
    credits_somebody = log_ratio > 0
    reliability = np.broadcast_to(np.maximum(reliability, 0), log_ratio.shape)
    believed = reliability >= shard.reliability_min_ppb
    asked = shard.by_nats or shard.by_reliability
    money = np.zeros(stop - first if shard.lanes == 1 else 0, np.int64)
    events = np.zeros_like(money)
    waiting: list[tuple[Ints, ...]] = []
    laid = Laid(*(np.zeros(0, np.int64) for _ in range(4)))
    for records in read_blocks(file):
        output = np.subtract(records["output"], first, dtype=np.int64)
        factor = records["uses"] if shard.by_nats else records["money"]
        if asked:
            pool = shard.pool_of[records["group"]]
            counted = credits_somebody[output] & believed[output]
            _add_scalars(weighed, shard, records, pool, output, counted, log_ratio, reliability)
        if shard.lanes == 1:
            np.add.at(money, output, factor)
            np.add.at(events, output, 1)
            continue
        rows = np.flatnonzero(credits_somebody[output])
        output, trusted = output[rows], believed[output[rows]]
        lane = shard.pool_of[records["group"][rows]] * shard.territories + records["territory"][rows]
        lane += np.where(trusted, 0, shard.pools * shard.territories)
        waiting.append((output + first, lane, np.where(trusted, factor[rows], 0), np.ones(len(rows), np.int64)))
        if sum(len(columns[0]) for columns in waiting) >= _WAITING_ROWS:
            laid = _reduced(laid, waiting, shard.lanes)
            waiting = []
    if shard.lanes == 1:
        money *= credits_somebody
        events *= credits_somebody
        return limbs_of(Layer(first, None, money, events, 0), shard.values.largest)
    return layers_of(_reduced(laid, waiting, shard.lanes), first, stop, shard.works, shard.values.largest)


def _add_scalars(
    weighed: Weighed,
    shard: Shard,
    records: Records,
    pool: Ints,
    output: Ints,
    counted: Flags,
    log_ratio: Ints,
    reliability: Ints,
) -> None:
    """The sums per pool that only some policies need; exact, so by halves where 64 bits may not do."""
    if shard.by_nats:
        for number, part in _by_pool(pool, counted):
            weighed.attributed[number] += int(records["money"][part].sum())
            weighed.log_ratios[number] += _dot(records["uses"][part], log_ratio[output[part]])
    if shard.by_reliability:
        for number, part in _by_pool(pool, np.ones(len(pool), np.bool_)):
            weighed.reliable[number] += _dot(records["money"][part], reliability[output[part]])


def _by_pool(pool: Ints, counted: Flags) -> Iterator[tuple[int, Ints]]:
    for number in np.unique(pool).tolist():
        yield number, np.flatnonzero((pool == number) & counted)


def _dot(left: Ints, right: Ints) -> int:
    """Exact sum of products of numbers from 0 to 2**63 - 1: by 21 bits each, so that a million products stay in 64 bits."""
    total = 0
    for one in range(0, 63, 21):
        for other in range(0, 63, 21):
            products = ((left >> one) & 0x1FFFFF) * ((right >> other) & 0x1FFFFF)
            total += int(products.sum()) << (one + other)
    return total


def _reduced(laid: Laid, more: list[tuple[Ints, ...]], lanes: int) -> Laid:
    """Adds records (output, lane, factor, events) to what is laid, each (output, lane) once, by output."""
    columns = zip((laid.output, laid.lane, laid.money, laid.events), *more, strict=True)
    output, lane, factor, events = (np.concatenate(parts) for parts in columns)
    key = output * lanes + lane
    if len(key) > 1 and (key[1:] <= key[:-1]).any():
        order = np.argsort(key, kind="stable")
        key = key[order]
        starts = np.flatnonzero(np.diff(key, prepend=-1))
        output, lane = output[order[starts]], lane[order[starts]]
        factor, events = np.add.reduceat(factor[order], starts), np.add.reduceat(events[order], starts)
    return Laid(output, lane, factor, events)
