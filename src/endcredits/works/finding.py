"""Finding registered works by what people know of them: the bytes of a file, a content code, who made them, an id.

Each look-up is a query, so that a registry of a hundred thousand works is asked without being read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.errors import InputError
from endcredits.ids import VALIDATORS, PartyId, WorkId
from endcredits.works import tables
from endcredits.works.names import party_key

AT_ONCE = 500
"""Databases limit the number of parameters of a query."""
OF_PEOPLE = ("isni", "orcid", "ipi")
"""Identifiers that people have; an ORCID iD is an ISNI of a block of its own, and means the same person."""


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
    for some in _parts(set(shas)):
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
    for some in _parts({one for one in work_ids if _can_be_kept(one)}):
        rows = conn.execute(sa.select(table.work_id, table.title).where(table.work_id.in_(some)))
        found.update({WorkId(row.work_id): row.title for row in rows})
    return found


def with_code(conn: Connection, code: str) -> list[str]:
    """SHA-256 of the files of which somebody said that this is their content code."""
    table = tables.file_marks.c
    return sorted(conn.scalars(sa.select(table.sha256).where(table.kind == "iscc", table.value == code)))


def people_called(conn: Connection, name: str) -> list[tuple[PartyId, str]]:
    """The parties that somebody means: (id, what fits: "id", "name" or the scheme of an identifier), by id.

    Args:
        conn: any connection.
        name: an id, a name (case and spaces do not count), or an ISNI, ORCID iD or IPI name number, as it is or after its
            scheme ("isni:0000 0001 2281 955X").

    Raises:
        InputError: it is empty, or it can only be an identifier and its check digits do not fit.
    """
    if not name.strip():
        raise InputError("no name was given", remedy="Give a name, an id or an identifier.", field="--name")
    try:
        numbers, wrong = identifiers_in(name), None
    except InputError as error:
        numbers, wrong = set(), error  # unless somebody is called so
    key, table, found = party_key(name), tables.parties.c, {}
    for party_id, own, identifiers in conn.execute(sa.select(table.party_id, table.name, table.identifiers)):
        scheme = next((one for one, value in json.loads(identifiers) if (one, _same_block(value)) in numbers), "")
        fits = "id" if party_id == name else "name" if party_key(own) == key else scheme
        if fits:
            found[PartyId(party_id)] = fits
    if wrong is not None and not found:
        raise wrong
    return sorted(found.items())


def identifiers_in(text: str) -> set[tuple[str, str]]:
    """What a text may be as an identifier of a person: (scheme, number); empty where it is a name.

    >>> sorted(identifiers_in("0000-0002-1825-0097"))
    [('isni', '0000000218250097'), ('orcid', '0000000218250097')]

    Raises:
        InputError: it can only be an identifier, and its check digits do not fit.
    """
    named = re.fullmatch(r"\s*(isni|orcid|ipi)\s*:\s*(.+)", text, re.IGNORECASE | re.DOTALL)
    schemes = (named[1].lower(),) if named else OF_PEOPLE
    number = named[2] if named else text
    compact = re.sub(r"^\s*https?://(?:orcid\.org|isni\.org/isni)/|[\s.-]", "", number)
    if named is None and not re.fullmatch(r"[0-9]{8,15}[0-9Xx]", compact):
        return set()
    found = set()
    for scheme in schemes:
        try:
            found.add((scheme, _same_block(VALIDATORS[scheme](compact))))
        except InputError:
            continue
    if not found:
        raise InputError(
            f"'{text[:60]}' is no ISNI, ORCID iD or IPI name number: its check digits do not fit",
            remedy="Check the number against its source, or give the name.",
            field="--name",
        )
    if {scheme for scheme, _ in found} & {"isni", "orcid"}:
        found |= {(scheme, value) for _, value in found if len(value) == 16 for scheme in ("isni", "orcid")}
    return found


def _same_block(value: str) -> str:
    return value.replace("-", "")


def names_of(conn: Connection, party_ids: Iterable[str]) -> dict[PartyId, str]:
    """The names of those parties that are registered."""
    table = tables.parties.c
    found: dict[PartyId, str] = {}
    for some in _parts(set(party_ids)):
        rows = conn.execute(sa.select(table.party_id, table.name).where(table.party_id.in_(some)))
        found.update({PartyId(row.party_id): row.name for row in rows})
    return found


def works_of(conn: Connection, party_ids: Iterable[str]) -> set[WorkId]:
    """The works that credit some parties, or in which they own a part."""
    found: set[WorkId] = set()
    for some in _parts(set(party_ids)):
        for table in (tables.credits.c, tables.splits.c):
            found.update(map(WorkId, conn.scalars(sa.select(table.work_id).where(table.party_id.in_(some)))))
    return found


def works_crediting(conn: Connection, name: str) -> dict[WorkId, set[PartyId]]:
    """The works on whose screen a name stands, with whom it means there; it may be another than the party's own."""
    key, table = party_key(name), tables.credits.c
    words = conn.execute(sa.select(table.display_credit).distinct())
    shown = [one for (one,) in words if party_key(one) == key]
    found: dict[WorkId, set[PartyId]] = {}
    for some in _parts(set(shown)):
        for work_id, party_id in conn.execute(
            sa.select(table.work_id, table.party_id).where(table.display_credit.in_(some))
        ):
            found.setdefault(WorkId(work_id), set()).add(PartyId(party_id))
    return found


def shas_and_makers(conn: Connection, work_ids: Iterable[str]) -> dict[WorkId, tuple[list[str], list[PartyId]]]:
    """The digests of files, in order, and the makers of those works that are registered; a likeness has no files."""
    files, credits = tables.manifestations.c, tables.credits.c
    found: dict[WorkId, tuple[list[str], list[PartyId]]] = {}
    for some in _parts(set(work_ids)):
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


def _parts(wanted: set[str]) -> Iterator[list[str]]:
    ordered = sorted(wanted)
    return (ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE))


def _can_be_kept(text: str) -> bool:
    """Databases take no half characters and no NUL, not even in a question."""
    return "\0" not in text and text.encode("utf-8", "replace") == text.encode("utf-8", "surrogatepass")
