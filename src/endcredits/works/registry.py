"""The registry: the store of works, parties and splits; `statements` is the store of what is permitted.

Nothing is ever changed: a new agreement is a new set of splits, a refusal is a new statement. Content is kept before
the rows that name it, so that a crash in between leaves a file that nobody names, never a work without its content.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.canonical import canonical_bytes, digest
from endcredits.errors import ConflictError, NotFoundError
from endcredits.ids import PartyId, WorkId
from endcredits.money import PPB
from endcredits.store import Finding, check_rows, insert_records, many
from endcredits.works import content, tables
from endcredits.works.records import (
    TRAIN_RIGHT,
    WORLD,
    Credit,
    Manifestation,
    Party,
    Permission,
    Split,
    Submission,
    Work,
)
from endcredits.works.splits import check_splits, group_splits, key_of
from endcredits.works.stated import plain_of
from endcredits.works.statements import check_statements, permission_row, permissions
from endcredits.works.submissions import Entry, content_digest, entry_of, merge_parties
from endcredits.works.utc import check_time

FIRST_DAY = "0001-01-01"
"""`valid_from` of the splits that a work is registered with."""


@dataclass(frozen=True, slots=True)
class Registered:
    """What a registration did.

    Attributes:
        new: works that were added, in the order of the submissions.
        already_there: works that had been registered with the same content and people.
        restated: those among `already_there` whose source now says something else about training; that was added as a
            new statement.
    """

    new: tuple[WorkId, ...]
    already_there: tuple[WorkId, ...]
    restated: tuple[WorkId, ...] = ()


def register(
    conn: Connection, content_folder: str | os.PathLike[str], submissions: Sequence[Submission], at: str
) -> Registered:
    """Adds works with their people, equal or agreed splits, and what their source says about training.

    Everything is checked first; then content is written, then rows. Registering the same submissions again adds
    nothing, except a new statement where the source's answer about training has changed; lost content is put back.

    Args:
        conn: inside a transaction of the caller.
        content_folder: see `content`.
        submissions: as the readers return them.
        at: UTC time from which the permissions hold.

    Raises:
        InputError: a submission that cannot be kept; see `submissions.entry_of`.
        ConflictError: the same content under another id, or the same id with other content, title, people or splits.
    """
    check_time(at)
    entries = [entry_of(submission, at) for submission in submissions]
    known = {work.work_id: work for work in works(conn)}
    known_parties = parties(conn)
    stated: dict[str, list[Permission]] = {}
    for permission in permissions(conn):
        if permission.subject_kind == "work":
            stated.setdefault(permission.subject, []).append(permission)

    new, again = _sort_out(entries, submissions, known)
    statements = [entry.permission for entry in new]
    restated = []
    for entry in again:
        before = stated.get(entry.work.work_id, []) + [one for one in statements if one.subject == entry.work.work_id]
        if _is_news(entry.permission, before):
            statements.append(entry.permission)
            restated.append(entry.work.work_id)
    added: dict[PartyId, Party] = {}
    for entry in new:
        for party in entry.parties:
            merged = merge_parties(known_parties.get(party.party_id) or added.get(party.party_id), party)
            if party.party_id not in known_parties:
                added[party.party_id] = merged

    for submission in submissions:
        for _, _, data in submission.content:
            content.put(content_folder, data)
    _insert(conn, new, added.values(), statements, at)
    return Registered(
        tuple(entry.work.work_id for entry in new),
        tuple(dict.fromkeys(entry.work.work_id for entry in again)),
        tuple(dict.fromkeys(restated)),
    )


def _sort_out(
    entries: Sequence[Entry], submissions: Sequence[Submission], known: Mapping[WorkId, Work]
) -> tuple[list[Entry], list[Entry]]:
    """Divides entries into new ones and ones already there, and refuses what contradicts the books or one another."""
    by_id = dict(known)
    id_of_content = {content_digest([one.sha256 for one in work.manifestations]): key for key, work in known.items()}
    new: list[Entry] = []
    again: list[Entry] = []
    for entry, submission in zip(entries, submissions, strict=True):
        work = entry.work
        other = id_of_content.get(entry.content_sha256)
        if other is not None and other != work.work_id:
            raise ConflictError(
                f"'{work.work_id}' has the same content as '{other}', which is registered already",
                remedy="Register one content once; name everybody who made it there.",
                file=submission.origin,
                field="work_id",
            )
        there = by_id.get(work.work_id)
        if there is None:
            by_id[work.work_id] = work
            id_of_content[entry.content_sha256] = work.work_id
            new.append(entry)
            continue
        if other is None:
            raise ConflictError(
                f"'{work.work_id}' is registered already with other content ('{there.title}'; now '{work.title}')",
                remedy="Give the changed content an id of its own; an id is never reused.",
                file=submission.origin,
                field="work_id",
            )
        _same_people(there, work, submission.origin)
        again.append(entry)
    return new, again


def _same_people(there: Work, work: Work, origin: str) -> None:
    """Refuses to pass over a difference in silence: somebody's name or money may hang on it."""
    if there.title != work.title:
        difference = f"under the title '{there.title}', not '{work.title}'"
    elif [(one.party_id, one.role) for one in there.credits] != [(one.party_id, one.role) for one in work.credits]:
        named = ", ".join(one.display_credit for one in there.credits) or "nobody"
        difference = f"with other people ({named})"
    elif _first_splits(there) != _first_splits(work):
        difference = "with other splits"
    else:
        return
    raise ConflictError(
        f"'{work.work_id}' is registered already {difference}",
        remedy="Correct the source, or state new splits for the registered work.",
        file=origin,
    )


def _first_splits(work: Work) -> tuple[Split, ...]:
    return group_splits(work.splits).get((TRAIN_RIGHT, WORLD, FIRST_DAY), ())


def _is_news(statement: Permission, before: Iterable[Permission]) -> bool:
    """Whether a source now says something else than the last time that it spoke; GPL, then MIT, then GPL is news."""
    own = [one for one in before if (one.verb, one.declared_by) == (statement.verb, statement.declared_by)]
    last = max((one.effective_from for one in own), default="")
    heard = any(one.permission_id == statement.permission_id for one in own)
    return not heard and not any(one.effective_from == last and _says(one) == _says(statement) for one in own)


def _says(permission: Permission) -> tuple[str, str, str, str]:
    """What makes two statements of a source the same: not the row it stood in, nor when it was read."""
    return (permission.verb, permission.value, permission.reason, permission.declared_by)


def _insert(
    conn: Connection, entries: Sequence[Entry], added: Iterable[Party], statements: Iterable[Permission], at: str
) -> None:
    """Adds the rows of all tables, in the order that their references ask for."""
    insert_records(conn, tables.parties, [_party_row(party) for party in added])
    insert_records(
        conn,
        tables.works,
        [
            {
                "work_id": entry.work.work_id,
                "title": entry.work.title,
                "content_sha256": entry.content_sha256,
                "registered_at": at,
            }
            for entry in entries
        ],
    )
    files: list[dict[str, object]] = []
    names: list[dict[str, object]] = []
    portions: list[dict[str, object]] = []
    for work in (entry.work for entry in entries):
        for position, file in enumerate(work.manifestations, start=1):
            files.append({"work_id": work.work_id, "position": position, **_fields(file)})
        names += [{"work_id": work.work_id, **_fields(credit)} for credit in work.credits]
        portions += [_split_row(work.work_id, split) for split in work.splits]
    insert_records(conn, tables.manifestations, files)
    insert_records(conn, tables.credits, names)
    insert_records(conn, tables.splits, portions)
    insert_records(conn, tables.permissions, [permission_row(statement) for statement in statements])


def _fields(record: Any) -> dict[str, object]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def _party_row(party: Party) -> dict[str, object]:
    return {**_fields(party), "identifiers": canonical_bytes(party.identifiers).decode()}


def _split_row(work_id: WorkId, split: Split) -> dict[str, object]:
    row = _fields(split)
    return {"work_id": work_id, "right_name": row.pop("right"), **row}


def _without(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in names}


def works(conn: Connection) -> tuple[Work, ...]:
    """All works, by id, each with its files, credits and all its sets of splits."""
    files: dict[str, list[Manifestation]] = {}
    for row in many(conn, sa.select(tables.manifestations).order_by("work_id", "position")):
        files.setdefault(row["work_id"], []).append(Manifestation(**_without(row, "work_id", "position", "digest")))
    names: dict[str, list[Credit]] = {}
    for row in many(conn, sa.select(tables.credits).order_by("work_id", "position")):
        names.setdefault(row["work_id"], []).append(Credit(**_without(row, "work_id", "digest")))
    portions: dict[str, list[Split]] = {}
    for row in many(conn, sa.select(tables.splits)):
        split = Split(**_without(row, "work_id", "right_name", "digest"), right=row["right_name"])
        portions.setdefault(row["work_id"], []).append(split)
    found = [
        Work(
            WorkId(row["work_id"]),
            row["title"],
            tuple(files.get(row["work_id"], ())),
            tuple(names.get(row["work_id"], ())),
            tuple(sorted(portions.get(row["work_id"], ()), key=lambda one: (key_of(one), one.party_id))),
        )
        for row in many(conn, sa.select(tables.works))
    ]
    # Sorted here and not by the database, whose order of letters depends on its locale.
    return tuple(sorted(found, key=lambda work: work.work_id))


def known_works(conn: Connection, work_ids: Iterable[WorkId]) -> set[WorkId]:
    """Which of some works are registered."""
    wanted = sorted(set(work_ids))
    found: set[WorkId] = set()
    for start in range(0, len(wanted), 500):  # databases limit the number of parameters
        chosen = tables.works.c.work_id.in_(wanted[start : start + 500])
        found.update(WorkId(one) for one in conn.scalars(sa.select(tables.works.c.work_id).where(chosen)))
    return found


def registration_times(conn: Connection) -> dict[WorkId, str]:
    """When every work was registered, UTC."""
    rows = conn.execute(sa.select(tables.works.c.work_id, tables.works.c.registered_at).order_by(tables.works.c.work_id))
    return {WorkId(work_id): at for work_id, at in rows}


def parties(conn: Connection) -> dict[PartyId, Party]:
    """All parties, by id."""
    found = [
        Party(row["party_id"], row["name"], row["kind"], tuple((one, two) for one, two in json.loads(row["identifiers"])))
        for row in many(conn, sa.select(tables.parties))
    ]
    return {party.party_id: party for party in sorted(found, key=lambda party: party.party_id)}


def called(conn: Connection, name: str) -> tuple[PartyId, ...]:
    """The parties with this id or exactly this name."""
    table = tables.parties
    found = conn.scalars(sa.select(table.c.party_id).where((table.c.party_id == name) | (table.c.name == name)))
    return tuple(sorted(PartyId(one) for one in found))


def holds_split(conn: Connection, work_id: WorkId, party_id: str) -> bool:
    """Whether a party has ever had a part in a work."""
    table = tables.splits
    wanted = (table.c.work_id == work_id) & (table.c.party_id == party_id)
    return conn.execute(sa.select(table.c.party_id).where(wanted).limit(1)).first() is not None


def set_splits(conn: Connection, work_id: WorkId, splits: Sequence[Split]) -> tuple[Split, ...]:
    """Adds a dated set of splits to a work, or several sets.

    Returns:
        The splits as kept, by set and party.

    Raises:
        InputError: a sum other than 1,000,000,000, a party twice, a portion that is not > 0, a wrong day or territory.
        NotFoundError: no such work or party.
        ConflictError: the work has a set for that right, territory and day already.
    """
    groups = check_splits(splits, f"'{work_id}'")
    _require_work(conn, work_id)
    known = set(conn.scalars(sa.select(tables.parties.c.party_id)))
    for split in splits:
        if split.party_id not in known:
            raise NotFoundError(
                f"there is no party '{split.party_id}'",
                remedy="Use the id of a party that a registered work names.",
                field="party_id",
            )
    table = tables.splits
    taken = sa.select(table.c.right_name, table.c.territory, table.c.valid_from).where(table.c.work_id == work_id)
    for row in many(conn, taken.distinct()):
        key = (row["right_name"], row["territory"], row["valid_from"])
        if key in groups:
            raise ConflictError(
                f"'{work_id}' has splits for the right '{key[0]}' in {key[1]} from {key[2]} already",
                remedy="Splits are never edited: give the new ones a later first day.",
                field="valid_from",
            )
    ordered = tuple(split for group in groups.values() for split in group)
    insert_records(conn, table, [_split_row(work_id, split) for split in ordered])
    return ordered


def _require_work(conn: Connection, work_id: WorkId) -> None:
    if not many(conn, sa.select(tables.works.c.work_id).where(tables.works.c.work_id == work_id)):
        raise NotFoundError(f"there is no work '{work_id}'", remedy="List the works to see their ids.", field="work_id")


def catalogue_digest(works: Iterable[Work], permissions: Iterable[Permission]) -> str:
    """One digest over works and statements, whatever their order: equal catalogues have equal digests."""
    return digest(
        {
            "works": sorted(works, key=lambda work: work.work_id),
            "permissions": [plain_of(one) for one in sorted(permissions, key=lambda one: (one.subject, one.permission_id))],
        }
    )


def check_works(conn: Connection, content_folder: str | os.PathLike[str]) -> list[Finding]:
    """Recomputes the registry: rows against their digests, splits against their sums, content against its names."""
    findings = [finding for table in tables.ALL for finding in check_rows(conn, table)]
    digests = {row["work_id"]: row["content_sha256"] for row in many(conn, sa.select(tables.works))}
    found = works(conn)
    for work in found:
        where = f"work {work.work_id}"
        shas = [one.sha256 for one in work.manifestations]
        # A work that was registered without files says so in their place (`shares.book.no_content_sha256`).
        if (content_digest(shas) if shas else digest({"no_content_of": work.work_id})) != digests[work.work_id]:
            findings.append(Finding(where, "its list of files does not fit the digest of its content"))
        for (right, territory, valid_from), group in group_splits(work.splits).items():
            total = sum(split.split_ppb for split in group)
            if total != PPB:
                text = f"its splits for '{right}' in {territory} from {valid_from} sum to {total:,} ppb"
                findings.append(Finding(where, f"{text}, not to {PPB:,}"))
        credited = {credit.party_id for credit in work.credits}
        # Of a work that only a file knows, the shares may not be agreed yet; it earns nothing before its files come.
        if credited and shas and not work.splits:
            findings.append(Finding(where, "it names people, but its splits are missing"))
    findings += check_statements(conn)
    findings += content.check(content_folder, [file.sha256 for work in found for file in work.manifestations])
    return findings
