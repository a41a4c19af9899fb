"""The inputs of a published close, made again: every hand-in against its entry in the log, then the freeze from the rows.

The rows are put into a database that is thrown away, and frozen by the same program that froze them first, with the
catalogue that the log's facts tell and the attributions that the receipts commit to. Each table must come out with the
digest that the close names. What cannot be made again is which works are copies of each other: that needs their texts, and
the clusters are taken as they were frozen.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.attribution import Attribution
from endcredits.errors import EndcreditsError
from endcredits.flows import pack_files
from endcredits.flows.fact_files import Fact
from endcredits.flows.fact_kinds import CONSENT, ENDED, FILE_MARK, FUND, INTAKE, OPENED, SPLIT, UNITS, WORK
from endcredits.flows.pack_catalogue import EarlierClose, Told
from endcredits.flows.pack_entries import Entries
from endcredits.flows.pack_reports import TABLES, read_reports
from endcredits.ids import OutputId, PartyId, WorkId
from endcredits.money import PPB
from endcredits.royalties import Frozen, Policy, freeze
from endcredits.royalties.frozen import SCHEMAS, table_path
from endcredits.royalties.tables import period_closes
from endcredits.royalties.units import Units
from endcredits.store import Finding, Store, open_store, row_digest
from endcredits.works import Split, Work

CATALOGUE = (WORK, SPLIT, FUND, UNITS, OPENED, ENDED, CONSENT, FILE_MARK)
"""Facts from which the catalogue is frozen again; where one was erased, it is taken as it was frozen."""
NAMED_MAX = 5
"""Rows of a table that are named one by one."""
_DAY = {"events": "used_at", "revenue": "earned_on", "refunds": "refunded_at", "rates": "fixed_on"}
_MONEY = {"events": "revenue_micros", "revenue": "gross_micros", "refunds": "refund_micros"}
_ID = {"events": "event_id", "revenue": "revenue_id", "refunds": "refund_id"}


def check_reports(folder: Path, entries: Entries, store: Store, closed_to: str, counted_to: int = 0) -> Iterator[Finding]:
    """Checks the reports of a pack against the entries of their hand-ins, and puts the rows into a database.

    Args:
        folder: the pack.
        entries: of its log.
        store: an empty database.
        closed_to: last day of the close before, "" for none: rows of later days may not be hidden.
        counted_to: number of the last report that it looked at: later ones may not be hidden, whatever their day.
    """
    held: dict[str, dict[int, str]] = {}
    days: dict[str, dict[int, tuple[str, str, int]]] = {}
    for kind, table in TABLES.items():
        held[kind], days[kind] = {}, {}
        rows = []
        for number, stated, row in read_reports(folder / pack_files.REPORTS, kind):
            held[kind][number] = stated
            if row is None:
                if number > counted_to:
                    yield Finding(
                        f"report {number} ({kind})", "it came after the close before, and what it says is left out"
                    )
                continue
            where = f"report {number} ({_called(kind, row)})"
            if row_digest(table.name, row) != stated or row.get("number") != number:
                yield Finding(where, "its row is not the one of its digest: it was changed after it was handed in")
                continue
            days[kind][number] = (str(row[_DAY[kind]])[:10], row["currency"], int(row.get(_MONEY.get(kind, ""), 0)))
            rows.append({**row, "digest": stated})
        if rows:
            store.write(lambda conn, t=table, r=rows: conn.execute(sa.insert(t), r))  # type: ignore[misc]
    for fact in entries.of(INTAKE):
        yield from _hand_in(fact, held, days, closed_to)


def _called(kind: str, row: Mapping[str, Any]) -> str:
    return f"{kind}: {row.get(_ID.get(kind, ''), '')}".rstrip(": ")


def _hand_in(
    fact: Fact, held: Mapping[str, Mapping[int, str]], days: Mapping[str, Mapping[int, tuple[str, str, int]]], closed_to: str
) -> Iterator[Finding]:
    assert fact.body is not None
    after, to = int(fact.body["after"]), int(fact.body["to"])
    where = f"the reports {after + 1} to {to} (entry {fact.position} of the log)"
    own = {kind: {n: d for n, d in found.items() if after < n <= to} for kind, found in held.items()}
    numbers = sorted(n for found in own.values() for n in found)
    if not numbers and not any(one["day"] > closed_to for kind in ("events", "revenue") for one in fact.body["days"][kind]):
        return  # of earlier periods alone, and in their packs
    missing = sorted(set(range(after + 1, to + 1)) - set(numbers))
    if missing:
        named = ", ".join(map(str, missing[:NAMED_MAX])) + (" ..." if len(missing) > NAMED_MAX else "")
        yield Finding(where, f"{len(missing)} of them are missing (numbers {named}): dropped after they were handed in")
    found = hashlib.sha256()
    for kind, table in TABLES.items():
        found.update(table.name.encode())
        for number in sorted(own[kind]):
            found.update(f"\n{number} {own[kind][number]}".encode())
    if found.hexdigest() != fact.body["digest"] and not missing:
        yield Finding(where, "they are not the rows that were handed in: the log's entry commits to others")
    for kind in TABLES:
        shown: Counter[tuple[str, str]] = Counter(
            (day, currency) for number, (day, currency, _) in days[kind].items() if after < number <= to
        )
        for one in fact.body["days"][kind]:
            if one["day"] > closed_to and shown[one["day"], one["currency"]] != one["rows"]:
                problem = f"of the {kind} of {one['day']} in {one['currency']}, {one['rows']} were handed in"
                yield Finding(where, f"{problem} and {shown[one['day'], one['currency']]} are shown")


def freeze_again(
    store: Store,
    close: Path,
    frozen: Frozen,
    policy: Policy,
    facts: Mapping[str, Any],
    told: Told,
    earlier: Sequence[EarlierClose],
    attributions: Mapping[OutputId, Attribution],
) -> Iterator[Finding]:
    """Freezes the period from the rows in the database, and compares every table.

    Args:
        store: holds the reports.
        close: the folder of the close in the pack.
        frozen: its inputs, checked against their own digests.
        policy: of the close.
        facts: of the step that proposed it.
        told: the catalogue.
        earlier: closes before it.
        attributions: of the outputs used.
    """
    store.write(lambda conn: _earlier(conn, earlier))
    with tempfile.TemporaryDirectory() as scratch:
        try:
            with store.reading() as conn:
                again = freeze(
                    conn,
                    Path(scratch) / "frozen",
                    period_id=facts["period_id"],
                    starts_on=facts["starts_on"],
                    ends_on=facts["ends_on"],
                    cut_off=facts["cut_off"],
                    policy=policy,
                    works=told.works.values(),
                    registered_at=told.registered_at,
                    attributions_of=lambda ids: {one: attributions[one] for one in ids if one in attributions},
                    clusters=_clusters(frozen, told),
                    disputed=told.disputed,
                    revoked=told.revoked,
                    units=told.units,
                )
        except EndcreditsError as error:
            yield Finding("frozen inputs", f"they cannot be made again from what was reported: {error.message}")
            return
        stated = dict(frozen.digests)
        for name, digest in again.digests:
            if digest != stated[name]:
                yield from _differences(name, frozen.folder, again.folder)


def as_frozen(told: Told, frozen: Frozen) -> Told:
    """The catalogue as the close froze it, where facts of it were erased: credits and usage are frozen again all the same.

    Args:
        told: what the log still tells.
        frozen: the inputs of the close.
    """
    works, people, splits, units = (
        pq.read_table(table_path(frozen.folder, name)).to_pylist() for name in ("works", "parties", "splits", "units")
    )
    ids, parties = [WorkId(row["work_id"]) for row in works], [PartyId(row["party_id"]) for row in people]
    own: dict[int, list[Split]] = {}
    for row in splits:
        split = Split(parties[row["party"]], row["split_ppb"], row["right"], row["territory"])
        own.setdefault(row["work"], []).append(split)
    crew = [
        Units(ids[row["work"]], row["right"], parties[row["party"]], row["time_units"], row["salary_units"]) for row in units
    ]
    return replace(
        told,
        works={name: Work(name, "", (), (), tuple(own.get(number, ()))) for number, name in enumerate(ids)},
        registered_at={WorkId(row["work_id"]): row["registered_at"] for row in works},
        disputed=frozenset(WorkId(row["work_id"]) for row in works if row["state"] == "disputed"),
        revoked=frozenset(WorkId(row["work_id"]) for row in works if row["paid_ppb"] != PPB),
        units=tuple(crew),
    )


def _earlier(conn: Connection, earlier: Sequence[EarlierClose]) -> None:
    blank = {"frozen_digest": "", "document": "", "close_digest": "", "entry_id": None, "digest": ""}
    rows = [
        {"period_id": one.period_id, "starts_on": one.starts_on, "ends_on": one.ends_on, "cut_off": one.cut_off, **blank}
        for one in earlier
    ]
    if rows:
        conn.execute(sa.insert(period_closes), rows)


def _clusters(frozen: Frozen, told: Told) -> list[set[WorkId]]:
    """The clusters of two works or more, as they were frozen; works that nobody registered are left to the comparison."""
    table = pq.read_table(table_path(frozen.folder, "works"), columns=["work_id", "cluster"])
    members: dict[int, set[WorkId]] = {}
    for work_id, cluster in zip(*(column.to_pylist() for column in table.columns), strict=True):
        if work_id in told.works:
            members.setdefault(cluster, set()).add(WorkId(work_id))
    return [one for one in members.values() if len(one) > 1]


def _differences(name: str, frozen: Path, again: Path) -> Iterator[Finding]:
    """The rows of a frozen table that do not follow, in words: what stands there, and what should."""
    theirs, ours = _spelt(name, frozen), _spelt(name, again)
    where = f"frozen table '{name}'"
    added, gone = (theirs - ours), (ours - theirs)
    for number, row in enumerate(sorted(added)):
        if number < NAMED_MAX:
            yield Finding(where, f"it holds the row ({row}), which does not follow from what the log commits to")
    for number, row in enumerate(sorted(gone)):
        if number < NAMED_MAX:
            yield Finding(where, f"the row ({row}) is missing from it, though the log commits to what it follows from")
    more = max(added.total() - NAMED_MAX, 0) + max(gone.total() - NAMED_MAX, 0)
    if more or not (added or gone):
        yield Finding(where, f"{more} more rows differ" if more else "its rows are in another order")


def _spelt(name: str, folder: Path) -> Counter[str]:
    """The rows of a table as texts, with names instead of row numbers."""
    tables = {key: pq.read_table(table_path(folder, key)) for key in ("works", "parties", "outputs")}
    names = {
        "work": tables["works"]["work_id"].to_pylist(),
        "cluster": tables["works"]["work_id"].to_pylist(),
        "party": tables["parties"]["party_id"].to_pylist(),
        "output": tables["outputs"]["output_id"].to_pylist(),
    }
    found: Counter[str] = Counter()
    for row in pq.read_table(table_path(folder, name)).to_pylist():
        told = {
            column: names[column][value] if column in names and 0 <= value < len(names[column]) else value
            for column, value in row.items()
        }
        found[", ".join(f"{column} {told[column]}" for column in SCHEMAS[name])] += 1
    return found


def scratch_store(folder: Path) -> Store:
    """An empty database with all tables."""
    return open_store(f"sqlite:///{folder / 'audit.db'}")
