"""Finding registered works by their ids, the bytes of a file, or a content code.

Each look-up is a query, so that a registry of a hundred thousand works is asked without being read. `finding_people` finds
them by who made them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.ids import PartyId, WorkId
from endcredits.works import tables

AT_ONCE = 500
"""Databases limit the number of parameters of a query."""


@dataclass(frozen=True, slots=True)
class FileOfWork:
    """A file of a registered work.

    Attributes:
        work_id: the work.
        sha256: of its bytes.
        media_type: such as "text/plain".
        size_bytes: length.
        label: where it came from, for people.
    """

    work_id: WorkId
    sha256: str
    media_type: str
    size_bytes: int
    label: str


def files_with(conn: Connection, shas: Iterable[str]) -> list[FileOfWork]:
    """The files of all works that hold these very bytes, by work and position."""
    found: list[FileOfWork] = []
    for some in parts_of(set(shas)):
        found += _files(conn, tables.manifestations.c.sha256.in_(some))
    return sorted(found, key=lambda one: (one.work_id, one.label, one.sha256))


def files_of_type(conn: Connection, prefix: str) -> Iterator[FileOfWork]:
    """The files of all works whose media type begins with something, by work and position."""
    return _files(conn, tables.manifestations.c.media_type.startswith(prefix, autoescape=True))


def _files(conn: Connection, which: sa.ColumnElement[bool]) -> Iterator[FileOfWork]:
    table = tables.manifestations.c
    columns = (table.work_id, table.sha256, table.media_type, table.size_bytes, table.label)
    for row in conn.execute(sa.select(*columns).where(which).order_by(table.work_id, table.position)):
        yield FileOfWork(WorkId(row[0]), *row[1:])


def titles(conn: Connection, work_ids: Iterable[str]) -> dict[WorkId, str]:
    """The titles of those works that are registered."""
    table = tables.works.c
    found: dict[WorkId, str] = {}
    for some in parts_of({one for one in work_ids if _can_be_kept(one)}):
        rows = conn.execute(sa.select(table.work_id, table.title).where(table.work_id.in_(some)))
        found.update({WorkId(row.work_id): row.title for row in rows})
    return found


def with_code(conn: Connection, code: str) -> list[str]:
    """SHA-256 of the files of which somebody said that this is their content code."""
    table = tables.file_marks.c
    return sorted(conn.scalars(sa.select(table.sha256).where(table.kind == "iscc", table.value == code)))


def shas_and_makers(conn: Connection, work_ids: Iterable[str]) -> dict[WorkId, tuple[list[str], list[PartyId]]]:
    """The digests of files, in order, and the makers of those works that are registered; a likeness has no files."""
    files, credits = tables.manifestations.c, tables.credits.c
    found: dict[WorkId, tuple[list[str], list[PartyId]]] = {}
    for some in parts_of(set(work_ids)):
        query = sa.select(files.work_id, files.sha256).where(files.work_id.in_(some)).order_by(files.work_id, files.position)
        for work_id, sha256 in conn.execute(query):
            found.setdefault(WorkId(work_id), ([], []))[0].append(sha256)
        made = sa.select(credits.work_id, credits.party_id).where(credits.work_id.in_(some))
        for work_id, party_id in conn.execute(made.order_by(credits.work_id, credits.position)):
            found.setdefault(WorkId(work_id), ([], []))[1].append(PartyId(party_id))
    return found


def shared_files(conn: Connection) -> dict[str, list[WorkId]]:
    """The files that several works hold, by their digests, with those works."""
    files = tables.manifestations.c
    several = sa.select(files.sha256).group_by(files.sha256).having(sa.func.count(files.work_id.distinct()) > 1)
    found: dict[str, list[WorkId]] = {}
    for sha256, work_id in conn.execute(sa.select(files.sha256, files.work_id).where(files.sha256.in_(several)).distinct()):
        found.setdefault(sha256, []).append(WorkId(work_id))
    return {sha256: sorted(works) for sha256, works in found.items()}


def narrowed(conn: Connection) -> set[tuple[str, str]]:
    """What somebody has said a no about, or taken a statement back: (kind, subject); for addresses ("url", site)."""
    table = tables.permissions.c
    which = (table.value == "deny") | (table.revokes != "") | (table.supersedes != "")
    rows = conn.execute(sa.select(table.subject_kind, table.subject, table.site).where(which).distinct())
    return {(kind, site if kind == "url" else subject) for kind, subject, site in rows}


def count_works(conn: Connection) -> tuple[int, int]:
    """How many works are registered, and how many files they have."""
    counts = (sa.select(sa.func.count()).select_from(table) for table in (tables.works, tables.manifestations))
    works, files = (int(conn.scalar(count) or 0) for count in counts)
    return works, files


def parts_of(wanted: set[str]) -> Iterator[list[str]]:
    """What is wanted, sorted, in portions of what one query takes."""
    ordered = sorted(wanted)
    return (ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE))


def _can_be_kept(text: str) -> bool:
    """Databases take no half characters and no NUL, not even in a question."""
    return "\0" not in text and text.encode("utf-8", "replace") == text.encode("utf-8", "surrogatepass")
