"""The store of statements about permission.

Rows are only ever added. A statement that takes back or replaces another is checked here, once, against the one that it
closes; after that reading is pure (`decide`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.canonical import canonical_bytes
from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.store import Finding, insert_records, many
from endcredits.works import tables
from endcredits.works.asked import Asked
from endcredits.works.decide import may_close
from endcredits.works.records import Permission
from endcredits.works.stated import permission_of, plain_of, with_id
from endcredits.works.url_patterns import site_of

PLAIN = ("conditions", "provenance")
"""Columns that hold canonical JSON, or nothing."""

AT_ONCE = 500
"""Databases limit the number of parameters of a query."""


def permissions(conn: Connection) -> tuple[Permission, ...]:
    """All statements ever made, by subject, beginning and id."""
    return tuple(_ordered(permission_of_row(row) for row in many(conn, sa.select(tables.permissions))))


def permissions_about(conn: Connection, asked: Asked) -> tuple[Permission, ...]:
    """The statements that may speak of something: about any of its names, and all about the sites of its addresses."""
    table, names = tables.permissions, [*asked.whole, *asked.parts]
    plain: dict[str, list[str]] = {}
    for kind, name in names:
        if kind != "url":
            plain.setdefault(kind, []).append(name)
    sites = sorted({site_of(url) for kind, url in names if kind == "url"})
    found: dict[str, Permission] = {}
    for kind, subjects in plain.items():
        # Kind by kind, because SQLite finds pairs in a list by reading the whole table.
        for start in range(0, len(subjects), AT_ONCE):
            named = table.c.subject.in_(subjects[start : start + AT_ONCE])
            rows = many(conn, sa.select(table).where(table.c.subject_kind == kind, named))
            found.update((row["permission_id"], permission_of_row(row)) for row in rows)
    for start in range(0, len(sites), AT_ONCE):
        chosen = table.c.site.in_(sites[start : start + AT_ONCE])
        found.update((row["permission_id"], permission_of_row(row)) for row in many(conn, sa.select(table).where(chosen)))
    return tuple(_ordered(found.values()))


def _ordered(found: Iterable[Permission]) -> list[Permission]:
    return sorted(found, key=lambda one: (one.subject_kind != "work", one.subject, one.effective_from, one.permission_id))


def permission_row(permission: Permission) -> dict[str, Any]:
    """A statement as a row of its table."""
    row = {name: getattr(permission, name) for name in permission.__dataclass_fields__}
    plain = plain_of(permission)
    for name in PLAIN:
        row[name] = canonical_bytes(plain[name]).decode() if name in plain else ""
    row["site"] = site_of(permission.subject) if permission.subject_kind == "url" else ""
    return row


def permission_of_row(row: Mapping[str, Any]) -> Permission:
    """The statement that a row of its table holds."""
    told = {key: value for key, value in row.items() if key not in ("digest", "site")}
    return permission_of({**told, **{name: json.loads(row[name]) if row[name] else None for name in PLAIN}})


def state_permission(conn: Connection, permission: Permission) -> Permission:
    """Adds a statement, such as a refusal from a moment on; the same statement again changes nothing.

    Args:
        permission: its `permission_id` is made here and may be empty.

    Returns:
        The statement with its id.

    Raises:
        InputError: it cannot be kept (see `stated.with_id`), has no reason, or nobody says so.
        NotFoundError: no such work or person, or no such statement to close.
        ConflictError: it would close a statement that others made.
    """
    return state_permissions(conn, [permission])[0]


def state_permissions(conn: Connection, stated: Sequence[Permission]) -> tuple[Permission, ...]:
    """Adds several statements, all of them or none; see `state_permission`."""
    full = tuple(_checked(one) for one in stated)
    _require_subjects(conn, full)
    here = _by_id(conn, {one.permission_id for one in full} | {one.supersedes or one.revokes for one in full} - {""})
    new = {one.permission_id: one for one in full if one.permission_id not in here}
    for one in new.values():
        _check_closing(one, {**new, **here})
    insert_records(conn, tables.permissions, [permission_row(one) for one in new.values()])
    return full


def _checked(permission: Permission) -> Permission:
    for field, text in (("reason", permission.reason), ("declared_by", permission.declared_by)):
        if not text.strip():
            raise InputError(
                f"the statement's {field} is empty", remedy="Say why, and who says so: it may be asked later.", field=field
            )
    return with_id(permission)


def _check_closing(one: Permission, known: Mapping[str, Permission]) -> None:
    name = one.revokes or one.supersedes
    if not name:
        return
    field, closed = ("revokes" if one.revokes else "supersedes"), known.get(name)
    if closed is None:
        raise NotFoundError(
            f"there is no statement '{name}' to close", remedy="List the statements: endcredits rights explain.", field=field
        )
    if not may_close(one, closed):
        raise ConflictError(
            f"{one.declared_by} cannot close a statement about {closed.verb} of {closed.subject} by {closed.declared_by}",
            remedy="Only whoever made it can, about the same subject and verb; say a no of your own to narrow it.",
            field=field,
        )
    if one.observed_at and one.effective_from < one.observed_at:
        raise InputError(
            f"it would close {name} from {one.effective_from}, before it was told ({one.observed_at})",
            remedy="Nothing is closed backwards: leave the time away, or give a later one.",
            field="effective_from",
        )
    if one.effective_from < closed.effective_from:
        raise InputError(
            f"it would close {name} from {one.effective_from}, before that began ({closed.effective_from})",
            remedy="Nothing is closed backwards: give a later time.",
            field="effective_from",
        )


def _require_subjects(conn: Connection, stated: Iterable[Permission]) -> None:
    for kind, column, what in (
        ("work", tables.works.c.work_id, "work"),
        ("person", tables.parties.c.party_id, "party"),
    ):
        named = sorted({one.subject for one in stated if one.subject_kind == kind})
        for start in range(0, len(named), AT_ONCE):
            chosen = named[start : start + AT_ONCE]
            there = set(conn.scalars(sa.select(column).where(column.in_(chosen))))
            for name in chosen:
                if name not in there:
                    remedy = f"List them to see their ids: endcredits works {'list' if kind == 'work' else 'parties'}"
                    raise NotFoundError(f"there is no {what} '{name}'", remedy=remedy, field=f"{what}_id")


def _by_id(conn: Connection, ids: Iterable[str]) -> dict[str, Permission]:
    table, wanted = tables.permissions, sorted(ids)
    found: dict[str, Permission] = {}
    for start in range(0, len(wanted), AT_ONCE):
        chosen = table.c.permission_id.in_(wanted[start : start + AT_ONCE])
        found.update((row["permission_id"], permission_of_row(row)) for row in many(conn, sa.select(table).where(chosen)))
    return found


def statement(conn: Connection, permission_id: str) -> Permission:
    """One statement.

    Raises:
        NotFoundError: no such statement.
    """
    found = _by_id(conn, [permission_id])
    if permission_id not in found:
        raise NotFoundError(
            f"there is no statement '{permission_id}'",
            remedy="List the statements about a work: endcredits rights explain WORK",
            field="permission_id",
        )
    return found[permission_id]


def check_statements(conn: Connection) -> Iterator[Finding]:
    """That statements fit their ids, are about something registered, and close only what they may."""
    said = permissions(conn)
    by_id = {one.permission_id: one for one in said}
    sites = {
        name: site for name, site in conn.execute(sa.select(tables.permissions.c.permission_id, tables.permissions.c.site))
    }
    known = {
        "work": set(conn.scalars(sa.select(tables.works.c.work_id))),
        "person": set(conn.scalars(sa.select(tables.parties.c.party_id))),
    }
    for one in said:
        where = f"permission {one.permission_id} of {one.subject_kind} {one.subject}"
        if with_id(replace(one, permission_id="")).permission_id != one.permission_id:
            yield Finding(where, "what it says does not fit its id")
        if sites.get(one.permission_id) != (site_of(one.subject) if one.subject_kind == "url" else ""):
            yield Finding(where, "the site under which it is found is not that of its addresses")
        if one.subject_kind in known and one.subject not in known[one.subject_kind]:
            yield Finding(where, f"there is no such {one.subject_kind}")
        closed = by_id.get(one.revokes or one.supersedes)
        if (one.revokes or one.supersedes) and (closed is None or not may_close(one, closed)):
            yield Finding(where, "it closes a statement that is missing or that others made")
