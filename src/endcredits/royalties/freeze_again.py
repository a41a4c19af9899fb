"""Freezing a closed period again: what was reported of it by now, under the rules and the catalogue as they were frozen.

Works, clusters, permissions, disputes, splits, units and rates are those of the closed period, whatever was agreed since:
a late use is paid as it would have been paid, and a refund takes back from whom it was paid to. Only usage, revenue and
refunds are read anew, up to the cut-off of the close that counts them; they can but have grown.

A late use may credit or declare a work that was registered after the period was closed. Such a work is added with the
splits that it has for the period's last day (none: its money waits in suspense), in the cluster of what it repeats, and with
the disputes that are open now.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.attribution import Attribution
from endcredits.ids import OutputId, WorkId
from endcredits.money import PPB
from endcredits.royalties.counting import Window, counted_events, window
from endcredits.royalties.freeze import facts_of, read_facts, written
from endcredits.royalties.freeze_catalogue import Catalogue, splits_on
from endcredits.royalties.freeze_usage import (
    OUTPUTS_AT_ONCE,
    outputs_of,
    rates_of,
    write_credits,
    write_events,
    write_rates,
    write_revenue,
)
from endcredits.royalties.freeze_writing import Tables
from endcredits.royalties.frozen import SCHEMAS, Frozen, table_path
from endcredits.royalties.records import Rate
from endcredits.royalties.rules import Policy
from endcredits.royalties.tables import usage_events
from endcredits.works import Work

CATALOGUE = ("works", "parties", "splits", "units")
"""Tables that say who there is."""
CREDITS = ("outputs", "credits")
"""Tables that follow from the outputs used and from the catalogue."""

AttributionsOf = Callable[[Sequence[OutputId]], Mapping[OutputId, Attribution]]


def freeze_again(
    conn: Connection,
    into: Path,
    *,
    base: Frozen,
    cut_off: int,
    policy: Policy,
    works: Iterable[Work],
    attributions_of: AttributionsOf,
    clusters: Iterable[Collection[WorkId]] = (),
    disputed: Collection[WorkId] = (),
    registered_at: Mapping[WorkId, str] | None = None,
) -> Frozen:
    """Freezes a closed period with what was reported of it since.

    Args:
        conn: one consistent view of the books.
        into: the folder to make; what lies in it already must be the same freeze.
        base: the period as it was frozen last, checked against its digests (`read_frozen`).
        cut_off: number of the last report to look at.
        policy: that divides it again.
        works: all registered works; those that were not frozen then are asked for where new rows name them.
        attributions_of: the attributions of some outputs.
        clusters: sets of works that are duplicates of each other today.
        disputed: works over which a dispute is open today; it counts for works that are added.
        registered_at: UTC time, by work.

    Raises:
        InputError: a currency without rate, or a work that is not registered.
        ConflictError: the folder holds another freeze.
        IntegrityError: it holds this one, damaged; or splits do not sum to one whole.
        MachineError: disk full or no permission; nothing half-written remains.
    """
    stated = read_facts(base.folder)
    period_id, starts_on, ends_on = stated["period_id"], stated["starts_on"], stated["ends_on"]

    def write(folder: Path) -> None:
        seen = window(conn, starts_on, ends_on, cut_off)
        outputs, before = outputs_of(conn, seen), _column(base, "outputs", "output_id")
        catalogue, copied = _read_catalogue(base), [*CATALOGUE]
        named = _named(conn, seen, stated["cut_off"], outputs.filter(pc.invert(pc.is_in(outputs, before))), attributions_of)
        missing = [work for work in works if work.work_id in named and work.work_id not in catalogue.rows]
        if missing:
            copied = []
        elif outputs.equals(before):
            copied += CREDITS  # nothing new to ask for, and that is most of what there is to read
        _copy(base, folder, copied)
        with Tables(folder, [name for name in SCHEMAS if name not in copied]) as tables:
            if missing:
                catalogue = _extended(tables, base, missing, ends_on, clusters, disputed, registered_at or {})
            if "outputs" not in copied:
                write_credits(tables, outputs, catalogue, attributions_of)
            currencies = write_events(tables, conn, seen, catalogue, outputs) | write_revenue(tables, conn, seen)
            write_rates(tables, rates_of(conn, seen, policy, currencies, _rates(base)))

    return written(into, facts_of(period_id, starts_on, ends_on, cut_off, policy), write)


def _column(base: Frozen, table: str, name: str) -> pa.Array:
    found = pq.read_table(table_path(base.folder, table), columns=[name]).column(0)
    return found.combine_chunks() if found.num_chunks != 1 else found.chunk(0)


def _copy(base: Frozen, folder: Path, names: Iterable[str]) -> None:
    for name in names:
        shutil.copyfile(table_path(base.folder, name), table_path(folder, name))
        with table_path(folder, name).open("rb") as file:
            os.fsync(file.fileno())


def _named(conn: Connection, seen: Window, since: int, outputs: pa.Array, attributions_of: AttributionsOf) -> set[WorkId]:
    """The works that new outputs credit and new events declare."""
    found: set[WorkId] = set()
    for start in range(0, len(outputs), OUTPUTS_AT_ONCE):
        ids = [OutputId(one) for one in outputs[start : start + OUTPUTS_AT_ONCE].to_pylist()]
        for one in attributions_of(ids).values():
            found.update(line.work_id for line in one.lines if line.credit_nanonats)
    own = usage_events.c
    query = sa.select(own.declared).where(counted_events(seen), own.number > since, own.declared != "").distinct()
    for text in conn.scalars(query):
        found.update(WorkId(work) for work in text.split(";"))
    return found


def _read_catalogue(base: Frozen) -> Catalogue:
    names = ["work_id", "cluster", "registered_at"]
    table = pq.read_table(table_path(base.folder, "works"), columns=names)
    ids, cluster, times = (table.column(name).to_pylist() for name in names)
    return _catalogue(ids, cluster, times)


def _catalogue(ids: Sequence[str], cluster: Sequence[int], times: Sequence[str]) -> Catalogue:
    members: defaultdict[int, list[str]] = defaultdict(list)
    for work, one in zip(ids, cluster, strict=True):
        members[one].append(work)
    return Catalogue(
        {WorkId(work): row for row, work in enumerate(ids)},
        {WorkId(work): one for one, of_cluster in members.items() if len(of_cluster) > 1 for work in of_cluster},
        {WorkId(work): time for work, time in zip(ids, times, strict=True) if time},
    )


def _rates(base: Frozen) -> list[Rate]:
    rows = pq.read_table(table_path(base.folder, "rates")).to_pylist()
    return [
        Rate(row["currency"], row["into"], row["numerator"], row["denominator"], row["fixed_on"], row["source"])
        for row in rows
    ]


def _extended(
    tables: Tables,
    base: Frozen,
    missing: Sequence[Work],
    ends_on: str,
    clusters: Iterable[Collection[WorkId]],
    disputed: Collection[WorkId],
    registered_at: Mapping[WorkId, str],
) -> Catalogue:
    """Writes the catalogue with works that were registered since; all others stay as they were."""
    old = {name: pq.read_table(table_path(base.folder, name)).to_pylist() for name in CATALOGUE}
    added = {work.work_id: work for work in missing}
    standing = {WorkId(row["work_id"]): row for row in old["works"]}
    ids = sorted([*standing, *added])
    row_of = {work: row for row, work in enumerate(ids)}
    of_old = [row_of[WorkId(row["work_id"])] for row in old["works"]]
    cluster = list(range(len(ids)))
    family = {work: of_old[row["cluster"]] for work, row in standing.items()}
    for together in clusters:
        known = sorted({family[work] for work in together if work in family})
        new = [work for work in together if work in added]
        # What repeats several clusters at once is put to the first; they were not one when the period was closed.
        family |= dict.fromkeys(new, known[0] if known else min((row_of[work] for work in new), default=0))
    first: dict[int, int] = {}
    for work in ids:
        own = family.get(work, row_of[work])
        cluster[row_of[work]] = first.setdefault(own, row_of[work])
    times = [standing[work]["registered_at"] if work in standing else registered_at.get(work, "") for work in ids]
    tables.add(
        "works",
        [str(work) for work in ids],
        cluster,
        times,
        [standing[work]["state"] if work in standing else "disputed" if work in disputed else "payable" for work in ids],
        [standing[work]["paid_ppb"] if work in standing else PPB for work in ids],
    )
    parties = [row["party_id"] for row in old["parties"]]
    splits = [
        (of_old[row["work"]], row["right"], row["territory"], parties[row["party"]], row["split_ppb"])
        for row in old["splits"]
    ]
    splits += [
        (row_of[work_id], split.right, split.territory, str(split.party_id), split.split_ppb)
        for work_id, work in added.items()
        for split in splits_on(work, ends_on)
    ]
    people = sorted({*parties, *(split[3] for split in splits)})
    number = {party: row for row, party in enumerate(people)}
    tables.add("parties", people)
    rows = [(work, right, place, number[party], ppb) for work, right, place, party, ppb in splits]
    units = [
        (of_old[row["work"]], row["right"], number[parties[row["party"]]], row["time_units"], row["salary_units"])
        for row in old["units"]
    ]
    for name, found in (("splits", sorted(rows)), ("units", sorted(units))):
        if found:
            tables.add(name, *(list(column) for column in zip(*found, strict=True)))
    return _catalogue([str(work) for work in ids], cluster, times)
