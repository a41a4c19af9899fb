"""The works of one party, and what is said about them, in pieces: a creator may have more than memory should hold.

A party's works are those that credit it, and those of which it was ever given a part. What is said about a work is said of
its id, its files, their content codes and addresses; what is said about people is asked for each person by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.ids import PartyId, WorkId
from endcredits.store import many
from endcredits.works import share_tables, tables
from endcredits.works.asked import Asked, Marks, Name, asked_about, speaks_of
from endcredits.works.marks import marks_of
from endcredits.works.records import Credit, Manifestation, Party, Permission, Split, Work
from endcredits.works.said import Said
from endcredits.works.splits import key_of
from endcredits.works.statements import permissions_about

AT_ONCE = 500
"""Works that are read at once, and parameters of a query."""


@dataclass(frozen=True, slots=True)
class SaidOfWork:
    """A work with all that is said about it and nobody's person.

    Attributes:
        work: with its files, credits and all its sets of splits.
        registered_at: UTC time.
        marks: other names of its files, by SHA-256.
        permissions: about the work, its files, their codes and addresses; what is said about people is not among them.
        titles: other titles, sorted.
        identifiers: (scheme, value) pairs of the work, sorted.
        names: names of the parties whom it credits, by id.
    """

    work: Work
    registered_at: str
    marks: Marks
    permissions: tuple[Permission, ...]
    titles: tuple[str, ...] = ()
    identifiers: tuple[tuple[str, str], ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)


def work_ids_of(conn: Connection, party_id: PartyId) -> dict[WorkId, bool]:
    """The works of a party, by id; whether they credit it, and do not only give it a part."""
    found: dict[WorkId, bool] = {}
    for table in (tables.credits, share_tables.added_credits):
        for one in conn.scalars(sa.select(table.c.work_id).where(table.c.party_id == party_id).distinct()):
            found[WorkId(one)] = True
    owned = conn.scalars(sa.select(tables.splits.c.work_id).where(tables.splits.c.party_id == party_id).distinct())
    for one in owned:
        found.setdefault(WorkId(one), False)
    return {work_id: found[work_id] for work_id in sorted(found)}


def numbers_of(conn: Connection, party: Party) -> tuple[tuple[str, str], ...]:
    """Every (scheme, value) by which a party is known, sorted: those that it was registered with, and later ones."""
    table = share_tables.party_identifiers
    later = many(conn, sa.select(table.c.scheme, table.c.value).where(table.c.party_id == party.party_id))
    return tuple(sorted({*party.identifiers, *((row["scheme"], row["value"]) for row in later)}))


def statements_by(conn: Connection, party_id: PartyId) -> Iterator[tuple[Permission, ...]]:
    """Everything that a party said about anything, some hundred statements at a time, each with all that is about the same.

    A statement about an address, a file or a code may wait for the work that it will be found to be about.
    """
    table, last = tables.permissions, ""
    query = sa.select(table.c.permission_id, table.c.subject_kind, table.c.subject).where(table.c.party_id == party_id)
    while rows := many(conn, query.where(table.c.permission_id > last).order_by(table.c.permission_id).limit(AT_ONCE)):
        last = rows[-1]["permission_id"]
        own = {row["permission_id"] for row in rows}
        names = tuple(dict.fromkeys((row["subject_kind"], row["subject"]) for row in rows))
        about = permissions_about(conn, Asked("", names))
        subjects = {(one.subject_kind, one.subject) for one in about if one.permission_id in own}
        yield tuple(one for one in about if (one.subject_kind, one.subject) in subjects)


def said_of_works(conn: Connection, work_ids: Iterable[WorkId]) -> Iterator[SaidOfWork]:
    """Works with what is said about them, by id, some hundred at a time."""
    wanted = sorted(set(work_ids))
    for start in range(0, len(wanted), AT_ONCE):
        yield from _piece(conn, wanted[start : start + AT_ONCE])


def _piece(conn: Connection, work_ids: Sequence[WorkId]) -> Iterator[SaidOfWork]:
    rows = {row["work_id"]: row for row in _rows(conn, tables.works, work_ids)}
    files: dict[str, list[Manifestation]] = {}
    for row in sorted(_rows(conn, tables.manifestations, work_ids), key=lambda row: (row["work_id"], row["position"])):
        files.setdefault(row["work_id"], []).append(
            Manifestation(row["sha256"], row["media_type"], row["size_bytes"], row["label"])
        )
    names: dict[str, list[Credit]] = {}
    for table in (tables.credits, share_tables.added_credits):
        for row in sorted(_rows(conn, table, work_ids), key=lambda row: (row["work_id"], row["position"])):
            of_work = names.setdefault(row["work_id"], [])
            of_work.append(Credit(PartyId(row["party_id"]), row["role"], row["display_credit"], len(of_work) + 1))
    portions: dict[str, list[Split]] = {}
    for row in _rows(conn, tables.splits, work_ids):
        portions.setdefault(row["work_id"], []).append(
            Split(PartyId(row["party_id"]), row["split_ppb"], row["right_name"], row["territory"], row["valid_from"])
        )
    titles_of: dict[str, set[str]] = {}
    for row in _rows(conn, share_tables.work_titles, work_ids):
        titles_of.setdefault(row["work_id"], set()).add(row["title"])
    numbers: dict[str, set[tuple[str, str]]] = {}
    for row in _rows(conn, share_tables.work_identifiers, work_ids):
        numbers.setdefault(row["work_id"], set()).add((row["scheme"], row["value"]))
    called = _names(conn, {credit.party_id for of_work in names.values() for credit in of_work})
    marks = marks_of(conn, (file.sha256 for of_work in files.values() for file in of_work))
    found = [
        Work(
            work_id,
            rows[work_id]["title"],
            tuple(files.get(work_id, ())),
            tuple(names.get(work_id, ())),
            tuple(sorted(portions.get(work_id, ()), key=lambda one: (key_of(one), one.party_id))),
        )
        for work_id in work_ids
        if work_id in rows
    ]
    asked = [nobody(asked_about(work, marks)) for work in found]
    everything: tuple[Name, ...] = tuple(name for one in asked for name in (*one.whole, *one.parts))
    said = Said(permissions_about(conn, Asked("", everything)))
    for work, one in zip(found, asked, strict=True):
        about = tuple(permission for permission in said.about(one) if speaks_of(permission, one))
        yield SaidOfWork(
            work,
            rows[work.work_id]["registered_at"],
            {file.sha256: marks[file.sha256] for file in work.manifestations if file.sha256 in marks},
            about,
            tuple(sorted(titles_of.get(work.work_id, ()))),
            tuple(sorted(numbers.get(work.work_id, ()))),
            {credit.party_id: called[credit.party_id] for credit in work.credits if credit.party_id in called},
        )


def _names(conn: Connection, party_ids: Iterable[PartyId]) -> dict[str, str]:
    wanted, table = sorted(set(party_ids)), tables.parties
    found: dict[str, str] = {}
    for start in range(0, len(wanted), AT_ONCE):
        chosen = table.c.party_id.in_(wanted[start : start + AT_ONCE])
        found.update((row["party_id"], row["name"]) for row in many(conn, sa.select(table).where(chosen)))
    return found


def nobody(asked: Asked) -> Asked:
    """The same question without the people who made it."""
    return Asked(asked.subject, asked.whole, tuple(name for name in asked.parts if name[0] != "person"))


def _rows(conn: Connection, table: sa.Table, work_ids: Sequence[WorkId]) -> list[Mapping[str, Any]]:
    return list(many(conn, sa.select(table).where(table.c.work_id.in_(work_ids))))
