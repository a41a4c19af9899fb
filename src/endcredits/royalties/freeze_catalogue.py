"""The part of a frozen period that says who there is: works, parties, splits in force, units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from endcredits.errors import InputError, IntegrityError
from endcredits.ids import WorkId
from endcredits.money import PPB
from endcredits.royalties.freeze_writing import Tables
from endcredits.royalties.units import Units
from endcredits.works import Split, Work


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Where the strings stand.

    Attributes:
        rows: row number of every work.
        cluster_of: the cluster of every work that has duplicates.
        registered_at: UTC time, by work, where it is known.
    """

    rows: Mapping[WorkId, int]
    cluster_of: Mapping[WorkId, int]
    registered_at: Mapping[WorkId, str]

    def row(self, work_id: WorkId, what: str) -> int:
        """The row of a work.

        Args:
            work_id: the work.
            what: where it is named, for the error ("the output output:1 credits").

        Raises:
            InputError: it is not registered.
        """
        row = self.rows.get(work_id)
        if row is None:
            raise InputError(
                f"{what} the work '{work_id}', which is not registered",
                remedy="Register it, or attribute the outputs against the registered works.",
                field="work_id",
            )
        return row


def write_catalogue(
    tables: Tables,
    *,
    works: Iterable[Work],
    ends_on: str,
    clusters: Iterable[Collection[WorkId]],
    disputed: Collection[WorkId],
    revoked: Collection[WorkId],
    tail_ppb: int,
    units: Iterable[Units],
    registered_at: Mapping[WorkId, str],
) -> Catalogue:
    """Writes works, parties, splits and units; see `freeze.freeze` for the arguments.

    Raises:
        InputError: a work twice, clusters that overlap, or units of a work that is not registered.
        IntegrityError: splits do not sum to one whole.
    """
    in_order = sorted(works, key=lambda work: work.work_id)
    rows = {work.work_id: row for row, work in enumerate(in_order)}
    if len(rows) < len(in_order):
        raise InputError("a work is given twice", remedy="Give every work once.", field="works")
    catalogue = Catalogue(rows, {}, registered_at)
    ids = list(rows)
    cluster = _clusters(catalogue, clusters)
    sizes = Counter(cluster)
    catalogue = Catalogue(rows, {work: one for work, one in zip(ids, cluster, strict=True) if sizes[one] > 1}, registered_at)
    tables.add(
        "works",
        list(ids),
        cluster,
        [registered_at.get(work, "") for work in ids],
        ["disputed" if work in disputed else "payable" for work in ids],
        [tail_ppb if work in revoked else PPB for work in ids],
    )
    splits = [(rows[work.work_id], split) for work in in_order for split in splits_on(work, ends_on)]
    crew = sorted(units, key=lambda unit: (unit.work_id, unit.right, unit.party_id))
    people = sorted({split.party_id for _, split in splits} | {unit.party_id for unit in crew})
    number = {party: row for row, party in enumerate(people)}
    tables.add("parties", list(people))
    tables.add(
        "splits",
        [row for row, _ in splits],
        [split.right for _, split in splits],
        [split.territory for _, split in splits],
        [number[split.party_id] for _, split in splits],
        [split.split_ppb for _, split in splits],
    )
    tables.add(
        "units",
        [catalogue.row(unit.work_id, "units are stated for") for unit in crew],
        [unit.right for unit in crew],
        [number[unit.party_id] for unit in crew],
        [unit.time_units for unit in crew],
        [unit.salary_units for unit in crew],
    )
    return catalogue


def _clusters(catalogue: Catalogue, clusters: Iterable[Collection[WorkId]]) -> list[int]:
    """Every work's cluster: the row of the cluster's first work, its own for a work alone."""
    first = list(range(len(catalogue.rows)))
    placed: set[int] = set()
    for cluster in clusters:
        members = sorted({catalogue.row(work, "a cluster holds") for work in cluster})
        if not placed.isdisjoint(members):
            raise InputError(
                f"the clusters overlap at '{next(work for work in cluster if catalogue.rows[work] in placed)}'",
                remedy="Merge clusters that share a work.",
                field="clusters",
            )
        placed.update(members)
        for member in members:
            first[member] = members[0]
    return first


def splits_on(work: Work, on: str) -> list[Split]:
    """The splits in force on a day, for every right and territory that has any, by right, territory, party.

    Those of one right and territory are the set with the latest first day; a territory's own set and the one for WORLD stand
    side by side, and the close prefers the territory's.

    Raises:
        IntegrityError: a set does not sum to one whole.
    """
    begun: dict[tuple[str, str], str] = {}
    for split in work.splits:
        place = (split.right, split.territory)
        if split.valid_from <= on and split.valid_from > begun.get(place, ""):
            begun[place] = split.valid_from
    found = [split for split in work.splits if begun.get((split.right, split.territory)) == split.valid_from]
    found.sort(key=lambda split: (split.right, split.territory, split.party_id))
    totals = dict.fromkeys(begun, 0)
    for split in found:
        totals[split.right, split.territory] += split.split_ppb
    for (right, territory), total in totals.items():
        if total != PPB:
            raise IntegrityError(
                f"the splits of {work.work_id} for '{right}' in {territory} sum to {total:,} ppb, not to 1,000,000,000",
                remedy="Run the check of the studio to find the changed rows.",
            )
    return found
