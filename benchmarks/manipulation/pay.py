"""Paying a world: its credits are frozen, and the real close divides the money. What everybody earned comes back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.manipulation.world import NATS, World, credits_of
from endcredits.attribution import whole_nanonats
from endcredits.ids import PartyId, WorkId
from endcredits.influence.neardup import clusters, near_pairs
from endcredits.money import PPB
from endcredits.royalties.anomalies import Limits, anomalies
from endcredits.royalties.close import close_period
from endcredits.royalties.copies import shared_without_copies
from endcredits.royalties.frozen import SCHEMAS, Frozen, table_digest, table_path, table_schema
from endcredits.royalties.rules import Policy
from endcredits.royalties.shares import toward_zero

NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Measured:
    """A world with what a close needs to know of it, found out once for all rules.

    Attributes:
        world: works and outputs.
        listed: which works every output lists, ``[outputs, kept]``.
        nats: their credits.
        cluster_of: what the detector of near duplicates found.
    """

    world: World
    listed: np.ndarray
    nats: np.ndarray
    cluster_of: dict[WorkId, WorkId]


def measured(world: World) -> Measured:
    """Attributes the outputs and looks for duplicates."""
    pairs = near_pairs({WorkId(work.work_id): work.text.encode() for work in world.works})
    ids = (WorkId(work.work_id) for work in world.works)
    return Measured(world, *credits_of(world), clusters(ids, [(pair.first, pair.second) for pair in pairs]))


@dataclass(frozen=True, slots=True)
class Paid:
    """What everybody earned.

    Attributes:
        earned: micros by owner; "commons" and "disputed" stand among them.
        suspected: owners whose earnings look anomalous.
    """

    earned: Counter[str]
    suspected: frozenset[str]


def paid(frozen: Frozen, policy: Policy, history: Mapping[str, int] | None = None) -> Paid:
    """Closes a frozen world.

    Args:
        frozen: the world.
        policy: of the close.
        history: what owners earned in each of three earlier periods, to look for anomalies (newcomers have none); None to
            look for none.
    """
    closed = close_period(frozen, "2026-01", "2026-01-01", "2026-01-31", policy)
    earned: Counter[str] = Counter()
    for line in closed.lines:
        earned[line.party_id if line.state == "payable" and line.party_id else line.state] += line.amount_micros
    suspected: frozenset[str] = frozenset()
    if history is not None:
        own = {(PartyId(owner), "USD"): micros for owner, micros in earned.items() if "-" in owner or owner in STRANGERS}
        before = {payee: [history[payee[0]]] * 3 for payee in own if payee[0] in history}
        suspected = frozenset(str(found.party_id) for found in anomalies(frozen, own, before, LOOKED_AT))
    for pool in closed.close.pools:
        earned["commons"] += pool.rest_micros + sum(part.commons_micros for part in pool.parts)
    return Paid(earned, suspected)


STRANGERS = frozenset({"thief", "squatter", "spammer", "hubster", "looper"})
LOOKED_AT = Limits(floor_micros=1_000_000)
"""As shipped, but for the floor: a period of these markets brings an owner 1.50 on average."""


def freeze(one: Measured, folder: Path, *, clustered: bool, disputed: frozenset[str] = frozenset()) -> Frozen:
    """The world as a frozen period."""
    world = one.world
    works = sorted(world.works, key=lambda work: work.work_id)
    row_of = {work.work_id: row for row, work in enumerate(works)}
    cluster_of = one.cluster_of if clustered else {work: work for work in one.cluster_of}
    parties = sorted({work.owner for work in works})
    outputs = sorted(world.outputs, key=lambda output: output.output_id)
    tables: dict[str, Mapping[str, list[Any]]] = {
        "works": {
            "work_id": [work.work_id for work in works],
            "cluster": [row_of[cluster_of[WorkId(work.work_id)]] for work in works],
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
        "credits": _credits(one, row_of, {output.output_id: row for row, output in enumerate(outputs)}, cluster_of),
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


def _whole(credits: Mapping[WorkId, int]) -> int:
    return whole_nanonats(credits.values(), round(NATS * NANO))


def _credits(
    one: Measured, work_row: Mapping[str, int], output_row: Mapping[str, int], cluster_of: Mapping[WorkId, WorkId]
) -> dict[str, list[int]]:
    world = one.world
    sizes = Counter(cluster_of.values())
    families = {work: cluster for work, cluster in cluster_of.items() if sizes[cluster] > 1}
    dates = {WorkId(work.work_id): work.registered_at for work in world.works}
    rows = []
    for output, works, nats in zip(world.outputs, one.listed, one.nats, strict=True):
        credits = {WorkId(world.works[n].work_id): round(float(c) * NANO) for n, c in zip(works, nats, strict=True)}
        signed = shared_without_copies(credits, round(NATS * NANO), families, dates)
        whole = _whole(signed)
        for work, credit in signed.items():
            if credit:
                error = round(world.noise * NATS * NANO * abs(credit) / abs(credits[work]))
                place = (output_row[output.output_id], work_row[work])
                rows.append((*place, toward_zero(credit * PPB, whole), credit, error))
    rows.sort()
    names = ("output", "work", "share_ppb", "credit_nanonats", "error_nanonats")
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
