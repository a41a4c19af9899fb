"""Checking a close too large to be computed again row by row: all its bases and totals exactly, and a sample of its works.

Events and revenue are read twice, in batches. The first time sums every pool's base, events, uses and what its payers left
unused, and every currency's revenue and taxes; all of it must be what the close states. The second time follows some works,
chosen by the digest of the close so that nobody can know them before, through every use of every output that credits them.

Where money is laid over uses, which events got the units left over would need all of them at once. An event carries the
whole part of its due or one unit more, so a sampled weight is checked against the two ends of what it can be. The share and
the amount that follow from it are checked exactly, where no gate, cluster or equal portion stands between.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from endcredits.canonical import sha256_bytes
from endcredits.money import PPB
from endcredits.royalties.base_sums import Group, Sums, key_of, pool_problems, rows_of, summed, total_problems
from endcredits.royalties.frozen import Frozen, table_path
from endcredits.royalties.frozen_rows import Row
from endcredits.royalties.laying import PoolKey, base_micros, group_of, takes
from endcredits.royalties.levies import own_totals
from endcredits.royalties.lines import read_lines, read_work_lines
from endcredits.royalties.records import ADJUSTED, PeriodClose, WorkLine
from endcredits.royalties.rules import Gate, PoolRule
from endcredits.works.shares import NOT_AGREED

SAMPLE_WORKS = 24


@dataclass(slots=True)
class _Range:
    """What a sampled weight can be.

    Attributes:
        low: the least.
        high: the most.
        outputs: events that credit the work.
    """

    low: int = 0
    high: int = 0
    outputs: int = 0


def sample_problems(frozen: Frozen, close: PeriodClose, folder: Path, works: int = SAMPLE_WORKS) -> Iterator[str]:
    """What is wrong with a close, in words, as far as sums and a sample show it.

    Args:
        frozen: its inputs.
        close: the document.
        folder: holds its tables, which fit it.
        works: how many works are followed.
    """
    close = own_part(close)
    sums = summed(frozen, close)
    yield from total_problems(close, sums)
    places = {key_of(close, number): number for number in range(len(close.pools))}
    yield from pool_problems(close, sums, places)
    picked = _picked(close, folder, works)
    if close.policy.weighting == "revenue":
        yield from _of_weights(frozen, close, sums, places, picked)
    yield from _of_amounts(frozen, close, picked)
    yield from _of_splits(frozen, close, folder, picked)


def own_part(close: PeriodClose) -> PeriodClose:
    """A close without its adjustments of closed periods, which follow from other inputs."""
    own = tuple(pool for pool in close.pools if pool.kind != ADJUSTED)
    return replace(close, totals=own_totals(close), pools=own, adjusted=())


def _picked(close: PeriodClose, folder: Path, works: int) -> dict[str, list[WorkLine]]:
    """The lines of some works, chosen by the digest of the close."""
    ids = {line.work_id for line in read_work_lines(folder) if line.weight and line.pool < len(close.pools)}
    chosen = set(heapq.nsmallest(works, ids, key=lambda one: sha256_bytes(f"{close.work_lines_digest} {one}".encode())))
    found: defaultdict[str, list[WorkLine]] = defaultdict(list)
    for line in read_work_lines(folder):
        if line.work_id in chosen and line.pool < len(close.pools):
            found[line.work_id].append(line)
    return dict(found)


def _numbers(frozen: Frozen, picked: dict[str, list[WorkLine]]) -> dict[int, str]:
    """The chosen works by their row."""
    with pq.ParquetFile(table_path(frozen.folder, "works")) as source:
        ids = source.read(columns=["work_id"]).column(0)
    rows = pc.indices_nonzero(pc.is_in(ids, pa.array(sorted(picked), pa.string()))).to_pylist()
    return {row: ids[row].as_py() for row in rows}


def _of_weights(
    frozen: Frozen, close: PeriodClose, sums: Sums, places: dict[PoolKey, int], picked: dict[str, list[WorkLine]]
) -> Iterator[str]:
    works = _numbers(frozen, picked)
    shares: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
    for credit in rows_of(frozen, "credits", work=pa.array(works, pa.int32())):
        shares[credit["output"]].append((works[credit["work"]], credit["share_ppb"]))
    believed = _believed(frozen, close, set(shares))
    ranges: defaultdict[tuple[int, str], _Range] = defaultdict(_Range)
    for event in rows_of(frozen, "events", output=pa.array(sorted(believed), pa.int32())):
        for number, rule in enumerate(close.policy.pools):
            if rule.base == "fixed" or not takes(rule, event):
                continue
            group = group_of(number, rule, event)
            for work_id, share in shares[event["output"]]:
                found = ranges[places[group[0]], work_id]
                found.outputs += 1
                ends = [share * money for money in _money(rule, event, group, sums)] if believed[event["output"]] else [0, 0]
                found.low += min(ends)
                found.high += max(ends)
    for work_id, lines in picked.items():
        for line in lines:
            rule = close.policy.pools[key_of(close, line.pool).rule]
            if rule.base == "fixed" or rule.parts[line.part].by not in ("credits", "units"):
                continue
            found = ranges[line.pool, work_id]
            if not found.low <= line.weight <= found.high or line.outputs != found.outputs:
                yield f"pool {line.pool}, part {line.part}: the weight of '{work_id}' does not follow from its credits"


def _believed(frozen: Frozen, close: PeriodClose, outputs: set[int]) -> dict[int, bool]:
    """Whether an output is reliable enough, for those of some outputs that credit anybody."""
    return {
        number: max(row["reliability_ppb"], 0) >= close.policy.reliability_min_ppb
        for number, row in enumerate(rows_of(frozen, "outputs"))
        if number in outputs and row["log_ratio_nanonats"] > 0
    }


def _money(rule: PoolRule, event: Row, group: Group, sums: Sums) -> tuple[int, int]:
    """The least and the most that an event carries."""
    own = base_micros(rule, event) if rule.spread == "direct" else 0
    total = sums.shared[group] + (sums.own[group] if rule.spread == "uses" else 0)
    least, left = divmod(total * event["uses"], sums.uses[group])
    return own + least, own + least + (1 if left else 0)


def _of_amounts(frozen: Frozen, close: PeriodClose, picked: dict[str, list[WorkLine]]) -> Iterator[str]:
    clusters: Counter[int] = Counter()
    own: dict[str, int] = {}
    for row in rows_of(frozen, "works"):
        clusters[row["cluster"]] += 1
        if row["work_id"] in picked:
            own[row["work_id"]] = row["cluster"]
    for work_id, lines in picked.items():
        for line in lines:
            pool = close.pools[line.pool]
            part = close.policy.pools[key_of(close, line.pool).rule].parts[line.part]
            gated = part.gate != Gate() or close.policy.significance_ppb or part.fixed_ppb or part.fixed_by_reliability
            if gated or line.taken or clusters[own[work_id]] > 1:
                continue
            whole, amount = int(pool.parts[line.part].denominator), abs(pool.parts[line.part].amount_micros)
            claim = max(line.weight, 0)
            if abs(abs(line.amount_micros) * whole - amount * claim) >= max(whole, 1):
                yield f"pool {line.pool}, part {line.part}: the amount of '{work_id}' does not follow from its weight"
            if line.share_ppb != claim * PPB // max(whole, 1):
                yield f"pool {line.pool}, part {line.part}: the share of '{work_id}' does not follow from its weight"


def _of_splits(frozen: Frozen, close: PeriodClose, folder: Path, picked: dict[str, list[WorkLine]]) -> Iterator[str]:
    works = _numbers(frozen, picked)
    with pq.ParquetFile(table_path(frozen.folder, "parties")) as source:
        names = source.read().column(0)
    agreed = {
        (works[row["work"]], row["right"], row["territory"], names[row["party"]].as_py()): row["split_ppb"]
        for row in rows_of(frozen, "splits", work=pa.array(works, pa.int32()))
    }
    for line in read_lines(folder):
        if line.pool >= len(close.pools):
            continue
        part = close.policy.pools[key_of(close, line.pool).rule].parts[line.part] if line.work_id in picked else None
        if part is None or part.by in ("party", "units"):
            continue
        if line.party_id is None:
            waiting = agreed.get((line.work_id, part.right, line.territory, NOT_AGREED))
            named = any(key[:3] == (line.work_id, part.right, line.territory) for key in agreed)
            known = named if waiting is None else waiting != line.split_ppb
        else:
            known = agreed.get((line.work_id, part.right, line.territory, line.party_id)) != line.split_ppb
        if known:
            yield f"pool {line.pool}, part {line.part}: a line of '{line.work_id}' does not follow from its splits"
