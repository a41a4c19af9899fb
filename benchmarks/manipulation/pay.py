"""Paying a world: its credits are frozen, and the real close divides the money. What everybody earned comes back."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.manipulation.world import NATS, NOISE, World, credits_of
from endcredits.attribution import whole_nanonats
from endcredits.ids import WorkId
from endcredits.influence.neardup import clusters, near_pairs
from endcredits.money import PPB
from endcredits.royalties.close import close_period
from endcredits.royalties.copies import shared_without_copies
from endcredits.royalties.frozen import SCHEMAS, Frozen, table_digest, table_path, table_schema
from endcredits.royalties.rules import Policy
from endcredits.royalties.shares import toward_zero

NANO = 1_000_000_000


def incomes(world: World, policy: Policy, *, clustered: bool = True, disputed: frozenset[str] = frozenset()) -> Counter[str]:
    """What every owner earned, in micros; "commons" and "disputed" stand among them."""
    with tempfile.TemporaryDirectory() as folder:
        frozen = freeze(world, Path(folder), clustered=clustered, disputed=disputed)
        closed = close_period(frozen, "2026-01", "2026-01-01", "2026-01-31", policy)
    earned: Counter[str] = Counter()
    for line in closed.lines:
        earned[line.party_id if line.state == "payable" and line.party_id else line.state] += line.amount_micros
    for pool in closed.close.pools:
        earned["commons"] += pool.rest_micros + sum(part.commons_micros for part in pool.parts)
    return earned


def freeze(world: World, folder: Path, *, clustered: bool, disputed: frozenset[str]) -> Frozen:
    """The world as a frozen period."""
    works = sorted(world.works, key=lambda work: work.work_id)
    row_of = {work.work_id: row for row, work in enumerate(works)}
    cluster_of = _clusters(world) if clustered else {work.work_id: work.work_id for work in works}
    parties = sorted({work.owner for work in works})
    outputs = sorted(world.outputs, key=lambda output: output.output_id)
    tables: dict[str, Mapping[str, list[Any]]] = {
        "works": {
            "work_id": [work.work_id for work in works],
            "cluster": [row_of[cluster_of[work.work_id]] for work in works],
            "registered_at": [work.registered_at for work in works],
            "state": ["disputed" if work.work_id in disputed else "payable" for work in works],
            "paid_ppb": [PPB] * len(works),
        },
        "parties": {"party_id": parties},
        "splits": {
            "work": list(range(len(works))),
            "right": ["train"] * len(works),
            "territory": ["WORLD"] * len(works),
            "party": [parties.index(work.owner) for work in works],
            "split_ppb": [PPB] * len(works),
        },
        "outputs": {
            "output_id": [output.output_id for output in outputs],
            "attribution_digest": ["0" * 64] * len(outputs),
            "log_ratio_nanonats": [round(NATS * NANO)] * len(outputs),
            "reliability_ppb": [PPB] * len(outputs),
        },
        "credits": _credits(world, row_of, {output.output_id: row for row, output in enumerate(outputs)}, cluster_of),
        "events": {
            "event_id": [output.output_id for output in outputs],
            "output": list(range(len(outputs))),
            **{name: [value] * len(outputs) for name, value in _SAME.items()},
            "payer": [output.payer for output in outputs],
            "gross_micros": [output.paid_micros for output in outputs],
        },
    }
    folder.mkdir(exist_ok=True)
    for name, schema in SCHEMAS.items():
        columns = tables.get(name, {column: [] for column in schema})
        table = pa.table({column: columns[column] for column in schema}, schema=table_schema(name))
        pq.write_table(table, table_path(folder, name))
    return Frozen(folder, tuple((name, table_digest(name, table_path(folder, name))) for name in sorted(SCHEMAS)))


_SAME = {
    "kind": "earned",
    "usage_period": "",
    "service": "default",
    "territory": "WORLD",
    "offer": "",
    "use": "generation",
    "currency": "USD",
    "uses": 1,
    "tax_micros": 0,
    "refunded_micros": 0,
}


def _clusters(world: World) -> dict[WorkId, WorkId]:
    pairs = near_pairs({WorkId(work.work_id): work.text.encode() for work in world.works})
    return clusters((WorkId(work.work_id) for work in world.works), [(pair.first, pair.second) for pair in pairs])


def _whole(credits: Mapping[WorkId, int]) -> int:
    return whole_nanonats(credits.values(), round(NATS * NANO))


def _credits(
    world: World, work_row: Mapping[str, int], output_row: Mapping[str, int], cluster_of: Mapping[WorkId, WorkId]
) -> dict[str, list[int]]:
    listed, credits = credits_of(world)
    sizes = Counter(cluster_of.values())
    families = {work: cluster for work, cluster in cluster_of.items() if sizes[cluster] > 1}
    dates = {WorkId(work.work_id): work.registered_at for work in world.works}
    rows = []
    for output, works, nats in zip(world.outputs, listed, credits, strict=True):
        measured = {WorkId(world.works[n].work_id): round(float(c) * NANO) for n, c in zip(works, nats, strict=True)}
        signed = shared_without_copies(measured, round(NATS * NANO), families, dates)
        whole = _whole(signed)
        for work, credit in signed.items():
            if credit:
                error = round(NOISE * NATS * NANO * abs(credit) / abs(measured[work]))
                place = (output_row[output.output_id], work_row[work])
                rows.append((*place, toward_zero(credit * PPB, whole), credit, error))
    rows.sort()
    names = ("output", "work", "share_ppb", "credit_nanonats", "error_nanonats")
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
