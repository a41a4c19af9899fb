"""Freezing a period: everything that its close follows from goes into one folder, once, and stays as it is.

The living tables go on living: events arrive, splits are agreed anew, works are withdrawn. A close therefore never reads
them. It reads a folder that was written at the cut-off, sorted and with a digest per table (`frozen.py`), from which
anybody can compute it again, here or elsewhere, with either implementation.

The folder is written beside its place under another name and renamed at the end, so it is there whole or not at all: a
process killed in between leaves a folder that nobody reads and the next freeze removes. Freezing the same again finds the
folder, checks it and writes nothing.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy.engine import Connection

from endcredits.attribution import Attribution
from endcredits.canonical import canonical_bytes, digest
from endcredits.durable import PARTIAL, locked, machine_error, sync_folder
from endcredits.errors import ConflictError, InputError, IntegrityError
from endcredits.ids import OutputId, WorkId, plain_id
from endcredits.royalties.cells import day
from endcredits.royalties.counting import window
from endcredits.royalties.freeze_catalogue import write_catalogue
from endcredits.royalties.freeze_usage import write_usage
from endcredits.royalties.freeze_writing import Tables
from endcredits.royalties.frozen import SCHEMAS, Frozen, table_digest, table_path, table_schema
from endcredits.royalties.rules import Policy
from endcredits.royalties.units import Units
from endcredits.works import Work

FACTS = "period.json"
"""What the folder is of: period, days, cut-off, policy, and the digest and number of rows of every table."""
WAIT_SECONDS = 30.0


def freeze(
    conn: Connection,
    into: Path,
    *,
    period_id: str,
    starts_on: str,
    ends_on: str,
    cut_off: int,
    policy: Policy,
    works: Iterable[Work],
    attributions_of: Callable[[Sequence[OutputId]], Mapping[OutputId, Attribution]],
    clusters: Iterable[Collection[WorkId]] = (),
    disputed: Collection[WorkId] = (),
    revoked: Collection[WorkId] = (),
    units: Iterable[Units] = (),
    registered_at: Mapping[WorkId, str] | None = None,
) -> Frozen:
    """Freezes a period.

    Args:
        conn: one consistent view of the books, reading or writing.
        into: the folder to make; what lies in it already must be the same freeze.
        period_id: such as "2026-11".
        starts_on: first day, YYYY-MM-DD.
        ends_on: last day; splits hold as of it.
        cut_off: number of the last report to look at (`recording.cut_off`).
        policy: for the tail of revoked works and the currency to settle in.
        works: all registered works, with all their splits.
        attributions_of: the attributions of some outputs; asked in chunks.
        clusters: sets of works that are duplicates of each other; works alone may be left out.
        disputed: works whose money is to be held.
        revoked: works whose permission had ended before the period; they earn the policy's tail.
        units: time and salary units of crews.
        registered_at: UTC time, by work; works left out have none, which leaves the order within a cluster unknown.

    Returns:
        The folder with its digests.

    Raises:
        InputError: bad days; a credited or declared work is not registered; an output without attribution; a currency
            without rate into the one that is settled in; clusters that overlap.
        ConflictError: the folder holds another freeze.
        IntegrityError: the folder holds this freeze, damaged; or splits do not sum to one whole.
        MachineError: disk full or no permission; nothing half-written remains.
    """

    def write(folder: Path) -> None:
        with Tables(folder) as tables:
            catalogue = write_catalogue(
                tables,
                works=works,
                ends_on=ends_on,
                clusters=clusters,
                disputed=frozenset(disputed),
                revoked=frozenset(revoked),
                tail_ppb=policy.tail_ppb,
                units=units,
                registered_at=registered_at or {},
            )
            write_usage(tables, conn, window(conn, starts_on, ends_on, cut_off), policy, catalogue, attributions_of)

    return written(into, facts_of(period_id, starts_on, ends_on, cut_off, policy), write)


def facts_of(period_id: str, starts_on: str, ends_on: str, cut_off: int, policy: Policy) -> dict[str, Any]:
    """What a frozen folder says of itself beside its tables.

    Raises:
        InputError: the period has no name, or its days are the wrong way round.
    """
    plain_id(period_id, what="period_id")
    if day(starts_on, field="starts_on") > day(ends_on, field="ends_on"):
        raise InputError(
            f"the period ends on {ends_on}, before it starts on {starts_on}",
            remedy="Exchange the two days.",
            field="ends_on",
        )
    return {
        "period_id": period_id,
        "starts_on": starts_on,
        "ends_on": ends_on,
        "cut_off": cut_off,
        "policy_digest": digest(policy),
    }


def written(into: Path, facts: Mapping[str, Any], write: Callable[[Path], None]) -> Frozen:
    """Makes a frozen folder whole or not at all, or finds it made.

    Args:
        into: the folder.
        facts: of `facts_of`.
        write: writes every table into an empty folder.

    Raises:
        ConflictError: the folder holds another freeze.
        IntegrityError: it holds this one, damaged.
        MachineError: disk full or no permission; nothing half-written remains.
    """
    with locked(into.parent, "the frozen periods", wait_seconds=WAIT_SECONDS):
        if into.exists():
            return _standing(into, facts)
        _sweep(into)
        partial = into.parent / f".{into.name}.{secrets.token_hex(4)}{PARTIAL}"
        try:
            partial.mkdir()
            write(partial)
            digests = _seal(partial, facts)
            os.rename(partial, into)
            sync_folder(into.parent)
        except OSError as error:
            raise machine_error(error, into) from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return Frozen(into, digests)


def frozen_digest(digests: Iterable[tuple[str, str]]) -> str:
    """One digest for a whole freeze: SHA-256 over the canonical list of its (table, digest) pairs."""
    return digest([list(pair) for pair in digests])


def _seal(folder: Path, facts: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    digests = tuple((name, table_digest(name, table_path(folder, name))) for name in sorted(SCHEMAS))
    rows = {name: pq.read_metadata(table_path(folder, name)).num_rows for name in SCHEMAS}
    data = canonical_bytes({**facts, "tables": dict(digests), "rows": rows, "frozen_digest": frozen_digest(digests)})
    with (folder / FACTS).open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)
    return digests


def _sweep(into: Path) -> None:
    """Removes what killed freezes left; the lock on the parent folder is held, so nobody writes there now."""
    for left in into.parent.glob(f".{into.name}.*{PARTIAL}"):
        shutil.rmtree(left, ignore_errors=True)


def _standing(into: Path, facts: Mapping[str, Any]) -> Frozen:
    found = read_facts(into)
    for name, value in facts.items():
        if found[name] != value:
            raise ConflictError(
                f"the folder holds another freeze: its {name} is {found[name]}, not {value}",
                remedy="A frozen period is never changed; freeze into another folder.",
                file=into,
                field=name,
            )
    return read_frozen(into)


def read_facts(folder: Path) -> dict[str, Any]:
    """What a frozen folder says of itself.

    Raises:
        IntegrityError: it says nothing that we wrote.
    """
    try:
        data = (folder / FACTS).read_bytes()
        facts: dict[str, Any] = json.loads(data)
        names = {"period_id", "starts_on", "ends_on", "cut_off", "policy_digest", "tables", "rows", "frozen_digest"}
        if set(facts) != names or set(facts["tables"]) != set(SCHEMAS) or canonical_bytes(facts) != data:
            raise ValueError("it is not as it was written")
        if frozen_digest(sorted(facts["tables"].items())) != facts["frozen_digest"]:
            raise ValueError("its digests do not fit each other")
    except (OSError, ValueError, TypeError, AttributeError, RecursionError, InputError) as error:
        raise IntegrityError(
            f"the frozen period's facts cannot be trusted ({error})",
            remedy="Restore the folder from your last copy.",
            file=folder / FACTS,
        ) from error
    return facts


def read_frozen(folder: Path) -> Frozen:
    """Opens a frozen period after checking every table against its digest.

    Raises:
        IntegrityError: a table is missing, has other columns or other values than were frozen; names the table.
    """
    facts = read_facts(folder)
    digests = []
    for name in sorted(SCHEMAS):
        path = table_path(folder, name)
        try:
            if not pq.read_schema(path).equals(table_schema(name)):
                raise ValueError("it has other columns")
            if table_digest(name, path) != facts["tables"][name]:
                raise ValueError("its values do not fit its digest")
        except (OSError, ValueError, pa.ArrowException) as error:
            raise IntegrityError(
                f"the frozen table '{name}' is not as it was frozen ({str(error).partition(chr(10))[0][:200]})",
                remedy="Restore the folder from your last copy, or freeze the period again from the books.",
                file=path,
            ) from error
        digests.append((name, facts["tables"][name]))
    return Frozen(folder, tuple(digests))
