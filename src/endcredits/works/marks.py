"""The store of other names of files: addresses where their bytes were found, and what a copy is known again by.

A statement may speak of a file by its address or content code, so a work is asked about under all of them (`asked_in`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.errors import InputError, NotFoundError
from endcredits.ids import WorkId
from endcredits.store import insert_records, many
from endcredits.works import tables
from endcredits.works.asked import Asked, Name, asked_of
from endcredits.works.records import MARKS, FileMark
from endcredits.works.url_patterns import fits, normal, site_of

AT_ONCE = 500
"""Databases limit the number of parameters of a query."""


def add_marks(conn: Connection, marks: Iterable[FileMark]) -> int:
    """Adds other names of files; those that are known are passed over. Returns how many are new.

    Raises:
        InputError: an address that is none, or an unknown kind of name.
    """
    wanted = {}
    for one in marks:
        if one.kind not in MARKS:
            raise InputError(
                f"'{one.kind}' is no other name of a file", remedy=f"Use one of: {', '.join(MARKS)}.", field="kind"
            )
        kept = replace(one, value=normal(one.value)) if one.kind == "url" else one
        wanted[kept.sha256, kept.kind, kept.value] = kept
    there = {
        (sha256, name[0], name[1]) for sha256, names in marks_of(conn, {key[0] for key in wanted}).items() for name in names
    }
    table = tables.file_marks
    return insert_records(conn, table, [_mark_row(one) for key, one in sorted(wanted.items()) if key not in there])


def _mark_row(one: FileMark) -> dict[str, Any]:
    return {"sha256": one.sha256, "kind": one.kind, "value": one.value}


def marks(conn: Connection) -> dict[str, tuple[Name, ...]]:
    """The other names of all files, by SHA-256."""
    return _grouped(many(conn, sa.select(tables.file_marks)))


def marks_of(conn: Connection, shas: Iterable[str]) -> dict[str, tuple[Name, ...]]:
    """The other names of some files, by SHA-256."""
    table, wanted = tables.file_marks, sorted(set(shas))
    rows: list[Mapping[str, Any]] = []
    for start in range(0, len(wanted), AT_ONCE):
        rows += many(conn, sa.select(table).where(table.c.sha256.in_(wanted[start : start + AT_ONCE])))
    return _grouped(rows)


def _grouped(rows: Iterable[Mapping[str, Any]]) -> dict[str, tuple[Name, ...]]:
    found: dict[str, list[Name]] = {}
    for row in rows:
        found.setdefault(row["sha256"], []).append((row["kind"], row["value"]))
    return {sha256: tuple(sorted(names)) for sha256, names in found.items()}


def asked_in(conn: Connection, work_id: WorkId) -> Asked:
    """A question about a registered work, under all its names.

    Raises:
        NotFoundError: no such work.
    """
    files = tables.manifestations
    shas = list(conn.scalars(sa.select(files.c.sha256).where(files.c.work_id == work_id).order_by(files.c.position)))
    known = sa.select(tables.works.c.work_id).where(tables.works.c.work_id == work_id)
    if not shas and conn.execute(known).first() is None:  # a work that only a file of shares names has none
        raise NotFoundError(f"there is no work '{work_id}'", remedy="List the works to see their ids.", field="work_id")
    makers = conn.scalars(sa.select(tables.credits.c.party_id).where(tables.credits.c.work_id == work_id))
    return asked_of(work_id, shas, makers, marks_of(conn, shas))


def works_named(conn: Connection, kind: str, subject: str) -> tuple[WorkId, ...]:
    """The registered works that a statement may mean: by id, by a file, or by a file's content code or address."""
    if kind == "work":
        return (WorkId(subject),)
    files, table = tables.manifestations, tables.file_marks
    shas = [subject]
    if kind != "sha256":
        near = table.c.value.startswith(site_of(subject), autoescape=True) if kind == "url" else table.c.value == subject
        known = conn.execute(sa.select(table.c.sha256, table.c.value).where(table.c.kind == kind, near))
        shas = [sha256 for sha256, value in known if kind != "url" or fits(subject, value)]
    found: set[WorkId] = set()
    for start in range(0, len(shas), AT_ONCE):
        chosen = files.c.sha256.in_(shas[start : start + AT_ONCE])
        found.update(WorkId(one) for one in conn.scalars(sa.select(files.c.work_id).where(chosen)))
    return tuple(sorted(found))
