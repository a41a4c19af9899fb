"""Keeping enrolments, grants and revocations. Nothing is changed or taken away: what holds now is read from it."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.canonical import digest
from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.store import insert_records, many
from endcredits.works.likeness import tables
from endcredits.works.likeness.people import require_person
from endcredits.works.likeness.reading import make_grant
from endcredits.works.likeness.records import MODALITIES, Enrolment, LikenessGrant, Revocation
from endcredits.works.utc import check_time

WORDS_MAX = 2_000


def add_enrolment(
    conn: Connection, person_id: str, modality: str, reference_sha256: str, kept_at: str, at: str, content_code: str = ""
) -> Enrolment:
    """Records which reference is somebody's, by its digest alone; the same again adds nothing.

    Raises:
        InputError: no such modality, or no words about where the reference is kept.
        NotFoundError: nobody of that id is enrolled.
    """
    if modality not in MODALITIES:
        raise InputError(
            f"{modality[:40]!a} is no modality", remedy=f"Use one of: {', '.join(MODALITIES)}.", field="modality"
        )
    words(kept_at, "kept_at", "Say where the reference is kept: it may have to be deleted there.")
    person = require_person(conn, person_id)
    enrolment_id = f"enrolment:{digest([person_id, modality, reference_sha256])[:32]}"
    known = [one for one in enrolments(conn, person_id) if one.enrolment_id == enrolment_id]
    if known:
        return known[0]
    found = Enrolment(enrolment_id, person.person_id, modality, reference_sha256, content_code, kept_at, check_time(at))
    row = {name: getattr(found, name) for name in Enrolment.__slots__}
    insert_records(conn, tables.likeness_enrolments, [tables.salted(row)])
    return found


def add_grant(conn: Connection, grant: LikenessGrant) -> tuple[LikenessGrant, bool]:
    """Records a grant; the same document again changes nothing. Returns it as on record, and whether it is new.

    Raises:
        ConflictError: a grant with the same signature is on record, and says something else: one signature, one grant.
        NotFoundError: its person is not enrolled.
    """
    require_person(conn, grant.person_id)
    own = grants(conn, grant.person_id)
    for known in own:
        if known.grant_id == grant.grant_id:
            return known, False
    for known in own:
        if signature_of(known) and signature_of(known) == signature_of(grant):
            raise ConflictError(
                f"'{known.grant_id}' has the same signature ({grant.signature_ref[:60]!a} of {grant.signed_at}), and says "
                "something else",
                remedy="What was signed once counts once. Where two papers were signed, name each by its own signature_ref.",
                field="signature_ref",
            )
    row = {name: getattr(grant, name) for name in ("grant_id", "person_id", "document", "recorded_at")}
    insert_records(conn, tables.likeness_grants, [tables.salted(row)])
    return grant, True


def signature_of(grant: LikenessGrant) -> tuple[str, str] | None:
    """Where and when a grant was signed, without regard to letter case, width and spaces; None for an unsigned one."""
    place = "".join(unicodedata.normalize("NFKC", grant.signature_ref).casefold().split())
    return (place, grant.signed_at) if place and grant.signed_at else None


def revoke_grant(
    conn: Connection, grant_id: str, reason: str, declared_by: str, at: str, *, of_person: bool = False
) -> Revocation:
    """Takes a grant back from a moment on; uses stop at once, and what was used stays owed. Again changes nothing.

    With `of_person` everything is meant that the person signed until then, also what is handed in later.

    Raises:
        InputError: no reason, or nobody who says so.
        NotFoundError: no such grant.
    """
    words(reason, "reason", "Say why, and who says so: it may be asked later.")
    words(declared_by, "declared_by", "Say who takes it back.")
    table = tables.likeness_grants
    if not many(conn, sa.select(table.c.grant_id).where(table.c.grant_id == grant_id)):
        raise NotFoundError(f"there is no grant '{grant_id[:60]}'", remedy="See: endcredits likeness list.", field="grant")
    before = revocations(conn, [grant_id])
    if before and not (of_person and all(one.revoked_at < at for one in before if one.of_person)):
        return before[0]
    bare = [grant_id, check_time(at), reason, declared_by, of_person]
    found = Revocation(f"revocation:{digest(bare)[:32]}", grant_id, at, reason, declared_by, of_person)
    row = {name: getattr(found, name) for name in Revocation.__slots__}
    insert_records(conn, tables.likeness_revocations, [tables.salted(row)])
    return before[0] if before else found


def words(text: str, field: str, remedy: str) -> str:
    """Words from outside: not empty, not endless, and no half characters, which no database takes."""
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise InputError(f"the {field} is no UTF-8 text", remedy="Type it again in UTF-8.", field=field)
    if not text.strip() or len(text) > WORDS_MAX or "\0" in text:
        raise InputError(f"the {field} is empty, or longer than {WORDS_MAX} characters", remedy=remedy, field=field)
    return text


def enrolments(conn: Connection, person_id: str = "") -> tuple[Enrolment, ...]:
    """All enrolments, or one person's, by id."""
    found = _rows(conn, tables.likeness_enrolments, "person_id", [person_id] if person_id else None)
    return tuple(sorted((Enrolment(**row) for row in found), key=lambda one: one.enrolment_id))


def grants(conn: Connection, person_id: str = "") -> tuple[LikenessGrant, ...]:
    """All grants, or one person's, by time of recording and id."""
    rows = _rows(conn, tables.likeness_grants, "person_id", [person_id] if person_id else None)
    found = (make_grant(json.loads(row["document"]), row["recorded_at"]) for row in rows)
    return tuple(sorted(found, key=lambda one: (one.recorded_at, one.grant_id)))


def grant_rows(conn: Connection, person_id: str) -> dict[str, str]:
    """The ids of a person's grants by the digests of their rows, under which the log knows them."""
    table = tables.likeness_grants
    query = sa.select(table.c.digest, table.c.grant_id).where(table.c.person_id == person_id)
    return {row["digest"]: row["grant_id"] for row in many(conn, query)}


def revocations(conn: Connection, grant_ids: Iterable[str] | None = None) -> tuple[Revocation, ...]:
    """All revocations, or those of some grants, by time and id."""
    found = (Revocation(**row) for row in _rows(conn, tables.likeness_revocations, "grant_id", grant_ids))
    return tuple(sorted(found, key=lambda one: (one.revoked_at, one.revocation_id)))


def _rows(conn: Connection, table: sa.Table, column: str, wanted: Iterable[str] | None) -> list[dict[str, Any]]:
    query = sa.select(table)
    if wanted is not None:
        query = query.where(table.c[column].in_(sorted(set(wanted))))
    return [{name: value for name, value in row.items() if name not in ("salt", "digest")} for row in many(conn, query)]
