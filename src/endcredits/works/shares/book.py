"""The store of works that a file knows before their files come, of parties that it brings, and of later credits.

Rows are only ever added. Parties of imports and sheets may be new to the registry; they are added here, and a work that a
society's file names before anybody brought its files is registered without any. Such a work earns nothing until a work with
files is found to be it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.canonical import canonical_bytes, digest
from endcredits.errors import ConflictError, NotFoundError
from endcredits.ids import PartyId, WorkId
from endcredits.store import insert_records, many
from endcredits.works import share_tables, tables
from endcredits.works.names import clean_name
from endcredits.works.records import Credit, Manifestation, Party, Split, Work
from endcredits.works.shares.agreeing import NOT_AGREED, NOT_AGREED_NAME
from endcredits.works.splits import check_splits, key_of
from endcredits.works.utc import check_time

ROLE_LENGTH_MAX = 100


def add_parties(conn: Connection, parties: Iterable[Party]) -> tuple[PartyId, ...]:
    """Adds parties that the registry does not have yet. Returns their ids.

    Raises:
        InputError: a name that cannot be kept.
    """
    wanted = {party.party_id: party for party in parties}
    known = set(conn.scalars(sa.select(tables.parties.c.party_id)))
    new = [party for party_id, party in sorted(wanted.items()) if party_id not in known]
    insert_records(
        conn,
        tables.parties,
        [
            {
                "party_id": party.party_id,
                "name": clean_name(party.name),
                "kind": party.kind,
                "identifiers": canonical_bytes(party.identifiers).decode(),
            }
            for party in new
        ],
    )
    insert_records(conn, share_tables.added_parties, [{"party_id": party.party_id} for party in new])
    return tuple(party.party_id for party in new)


def add_nobody(conn: Connection) -> None:
    """Makes sure that splits can name what is not agreed."""
    add_parties(conn, [Party(NOT_AGREED, NOT_AGREED_NAME, "unknown")])


def no_content_sha256(work_id: WorkId) -> str:
    """What stands for the content of a work that has no files; no two works share it."""
    return digest({"no_content_of": work_id})


@dataclass(frozen=True, slots=True)
class BareWork:
    """A work that has no files.

    Attributes:
        work_id: a new id.
        title: as published.
        credits: who made it; their parties are registered.
    """

    work_id: WorkId
    title: str
    credits: tuple[Credit, ...]


def add_works(conn: Connection, bare: Sequence[BareWork], at: str) -> None:
    """Registers works that have no files.

    Raises:
        ConflictError: an id is taken.
        InputError: the time is none.
    """
    check_time(at, field="registered_at")
    known = set(conn.scalars(sa.select(tables.works.c.work_id)))
    rows: list[dict[str, object]] = []
    credits: list[dict[str, object]] = []
    for work in bare:
        if work.work_id in known:
            raise ConflictError(f"there is a work '{work.work_id}' already", remedy="Give another id.", field="work_id")
        known.add(work.work_id)
        content = no_content_sha256(work.work_id)
        rows.append({"work_id": work.work_id, "title": work.title, "content_sha256": content, "registered_at": at})
        for credit in work.credits:
            place = {"work_id": work.work_id, "position": credit.position, "party_id": credit.party_id}
            credits.append({**place, "role": credit.role[:ROLE_LENGTH_MAX], "display_credit": credit.display_credit})
    insert_records(conn, tables.works, rows)
    insert_records(conn, tables.credits, credits)


def add_work(conn: Connection, work_id: WorkId, title: str, credits: Sequence[Credit], at: str) -> None:
    """Registers one work that has no files; see `add_works`."""
    add_works(conn, [BareWork(work_id, title, tuple(credits))], at)


def work_of(conn: Connection, work_id: WorkId) -> Work:
    """One work with its files, registered credits and all its sets of splits, without reading the others.

    Raises:
        NotFoundError: no such work.
    """

    def own(table: sa.Table) -> list[dict[str, Any]]:
        unwanted = ("work_id", "digest", *(("position",) if table is tables.manifestations else ()))
        rows = many(conn, sa.select(table).where(table.c.work_id == work_id))
        in_order = sorted(rows, key=lambda row: row.get("position", 0))
        return [{name: value for name, value in row.items() if name not in unwanted} for row in in_order]

    titles = list(conn.scalars(sa.select(tables.works.c.title).where(tables.works.c.work_id == work_id)))
    if not titles:
        raise NotFoundError(f"there is no work '{work_id}'", remedy="List the works to see their ids.", field="work_id")
    splits = [Split(right=row.pop("right_name"), **row) for row in own(tables.splits)]
    return Work(
        work_id,
        titles[0],
        tuple(Manifestation(**row) for row in own(tables.manifestations)),
        tuple(Credit(**row) for row in own(tables.credits)),
        tuple(sorted(splits, key=lambda one: (key_of(one), one.party_id))),
    )


def add_sets(conn: Connection, sets: Mapping[WorkId, Sequence[Split]]) -> int:
    """Adds sets of splits of many works at once; parties are there, and no set of a day is there twice.

    Returns:
        How many rows were added.

    Raises:
        InputError: a set that does not sum to one whole, or is none; see `splits.check_splits`.
    """
    rows: list[dict[str, object]] = []
    for work_id, splits in sorted(sets.items()):
        for group in check_splits(splits, f"'{work_id}'").values():
            for split in group:
                place = {"work_id": work_id, "right_name": split.right, "territory": split.territory}
                rows.append(
                    {**place, "valid_from": split.valid_from, "party_id": split.party_id, "split_ppb": split.split_ppb}
                )
    return insert_records(conn, tables.splits, rows)


def credits_of(conn: Connection, work_id: WorkId) -> tuple[Credit, ...]:
    """Everybody who made a work, as registered and as added since, in display order."""
    rows: list[Mapping[str, Any]] = []
    for table in (tables.credits, share_tables.added_credits):
        rows += many(conn, sa.select(table).where(table.c.work_id == work_id).order_by(table.c.position))
    return tuple(
        Credit(PartyId(row["party_id"]), row["role"], row["display_credit"], number) for number, row in enumerate(rows, 1)
    )


def add_credits(conn: Connection, work_id: WorkId, credits: Iterable[tuple[PartyId, str, str]], asserted_by: str) -> int:
    """Adds credits (party, role, words) that a work does not have; the same party in the same role is there already.

    Returns:
        How many are new.
    """
    known = credits_of(conn, work_id)
    held = {(one.party_id, one.role.casefold()) for one in known}
    rows = []
    for party_id, role, words in credits:
        key = (party_id, role[:ROLE_LENGTH_MAX].casefold())
        if key in held:
            continue
        held.add(key)
        place = {"work_id": work_id, "position": len(held), "party_id": party_id}
        rows.append({**place, "role": role[:ROLE_LENGTH_MAX], "display_credit": words, "asserted_by": asserted_by})
    taken = conn.scalar(
        sa.select(sa.func.coalesce(sa.func.max(share_tables.added_credits.c.position), 0)).where(
            share_tables.added_credits.c.work_id == work_id
        )
    )
    for number, row in enumerate(rows, int(taken or 0) + 1):
        row["position"] = number
    return insert_records(conn, share_tables.added_credits, rows)
