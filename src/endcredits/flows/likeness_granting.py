"""A person is put on record, a signed grant comes in, a grant is taken back: what they say of their likeness, and when.

    person, references = enrol(studio, "Ada Quill", references=[("voice", "ada.wav")], kept_at="vault 2")
    granted = grant_file(studio, "grant.json")            # kept whatever it says; findings say what it lacks
    revoke(studio, granted.grant.grant_id, reason="...", by="Ada Quill")       # stops the next use

Of a reference the digest alone is kept. A grant that permits nothing is kept all the same, since a signed paper exists.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.engine import Connection

from endcredits.canonical import sha256_file
from endcredits.durable import machine_error
from endcredits.errors import InputError, NotFoundError
from endcredits.flows import fact_log
from endcredits.flows.clock import now
from endcredits.flows.likeness_known import Granted, person_called
from endcredits.flows.studio import Studio
from endcredits.works import Split
from endcredits.works.likeness import (
    RIGHT,
    Enrolment,
    Person,
    Revocation,
    add_enrolment,
    add_grant,
    add_party,
    enrol_person,
    enrolments,
    findings_of,
    grants,
    read_grant_text,
    revoke_grant,
    with_guardians,
)
from endcredits.works.texts import check_text, read_bytes


def enrol(
    studio: Studio,
    name: str,
    *,
    identifiers: Sequence[tuple[str, str]] = (),
    turns_18_on: str | None = None,
    guardian: str = "",
    deceased_on: str | None = None,
    rights_holder: str = "",
    payees: Sequence[tuple[str, int]] = (),
    references: Sequence[tuple[str, str | os.PathLike[str]]] = (),
    kept_at: str = "",
    correct: bool = False,
) -> tuple[Person, tuple[Enrolment, ...]]:
    """Puts somebody on record whose likeness may be used; only digests of references are kept, never the references.

    Args:
        studio: whose.
        name: the person's name.
        identifiers: (scheme, value) pairs, such as an ISNI.
        turns_18_on: a minor's 18th birthday.
        guardian: name of who signs for a minor.
        deceased_on: day of death.
        rights_holder: name of heir, executor or estate.
        payees: (name, ppb) of who is paid, one whole together; the person alone by default.
        references: (modality, file).
        kept_at: where the references are kept, in words.
        correct: whether birthday, guardian, day of death and rights holder on record may be replaced.

    Returns:
        The person as on record now, with their enrolments; the same again adds nothing.

    Raises:
        InputError: a name, day or file that cannot be used.
        ConflictError: something else is on record.
        MachineError: a reference cannot be read.
    """
    at = now()
    digests = [(modality, *_codes(Path(path))) for modality, path in references]

    def work(conn: Connection) -> tuple[Person, tuple[Enrolment, ...]]:
        party = add_party(conn, name, identifiers=identifiers)
        paid = [Split(add_party(conn, one, kind="unknown").party_id, ppb, right=RIGHT) for one, ppb in payees]
        person = enrol_person(
            conn,
            party,
            at,
            turns_18_on=turns_18_on,
            guardian_id=add_party(conn, guardian).party_id if guardian else "",
            deceased_on=deceased_on,
            rights_holder_id=add_party(conn, rights_holder, kind="unknown").party_id if rights_holder else "",
            payees=paid,
            correct=correct,
        )
        for modality, sha256, code in digests:
            add_enrolment(conn, person.person_id, modality, sha256, kept_at, at, code)
        return person, enrolments(conn, person.person_id)

    return fact_log.write(studio, work)


def _codes(path: Path) -> tuple[str, str]:
    """A reference's digest and, for a picture where the extra is there, its content code."""
    try:
        if not path.is_file() or not path.stat().st_size:
            raise InputError("there is no such file, or it is empty", remedy="Name the reference's file.", file=path)
        sha256 = sha256_file(path)
    except OSError as error:
        raise machine_error(error, path) from error
    return sha256, content_code_of(path)


def content_code_of(path: Path) -> str:
    """The content code of a picture, "" for anything else, for a damaged one, and without the extra `media`."""
    from endcredits.receipts.credentials.codes import image_code
    from endcredits.receipts.credentials.formats import format_of

    try:
        return image_code(path) if format_of(path, sidecar=True).content == "image" else ""
    except InputError:
        return ""


def grant_file(studio: Studio, path: str | os.PathLike[str], *, jurisdictions: Sequence[str] = ()) -> Granted:
    """Records a grant from a JSON file, and says what stands against every use of it.

    A grant that permits nothing is kept all the same: a signed paper exists. Deciding then says no.

    Raises:
        InputError: no JSON, an unknown field, a wrong type; see `works.likeness.read_grant`.
        NotFoundError: its person is not enrolled.
    """
    place, at = Path(path), now()
    grant = read_grant_text(check_text(read_bytes(place), place), str(place), at)

    def work(conn: Connection) -> Granted:
        kept, new = add_grant(conn, grant)
        known = with_guardians(conn, [kept.person_id, kept.guardian])
        return Granted(kept, new, findings_of(kept, known, at[:10], jurisdictions=jurisdictions))

    return fact_log.write(studio, work)


def revoke(studio: Studio, called: str, *, reason: str, by: str) -> tuple[Revocation, ...]:
    """Takes a grant back, or all of a person's grants, from now on. What was taken back before stays as it was.

    Args:
        studio: whose.
        called: a grant's id, or a person's id or name.
        reason: why, in words.
        by: who takes it back, in words.

    Raises:
        InputError: no reason, or nobody who says so.
        NotFoundError: no such grant or person, or the person granted nothing.
    """

    def work(conn: Connection) -> tuple[Revocation, ...]:
        at = now()
        if called.startswith("grant:"):
            return (revoke_grant(conn, called, reason, by, at),)
        person = person_called(conn, called)
        own = grants(conn, person.person_id)
        if not own:
            raise NotFoundError(
                f"'{person.name}' granted nothing",
                remedy=f"To refuse every use: endcredits rights deny {person.person_id} --verb likeness.",
                field="PERSON",
            )
        return tuple(revoke_grant(conn, one.grant_id, reason, by, at, of_person=True) for one in own)

    return fact_log.write(studio, work)
