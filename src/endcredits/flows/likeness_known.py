"""What is known of a person's likeness: who they are, what they granted and took back, the uses, and what they refuse."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.engine import Connection

from endcredits.errors import InputError, NotFoundError
from endcredits.flows.clock import now
from endcredits.flows.fact_files import facts_naming
from endcredits.flows.fact_kinds import LIKENESS_GRANT
from endcredits.flows.studio import Studio
from endcredits.ids import PartyId
from endcredits.works import Permission, asked_of_person, decide, permissions_about
from endcredits.works.likeness import (
    Enrolment,
    LikenessGrant,
    Person,
    Reason,
    RecordedUse,
    Revocation,
    enrolments,
    findings_of,
    grants,
    people,
    require_person,
    revocations,
    uses,
    with_guardians,
)


@dataclass(frozen=True, slots=True)
class Granted:
    """What became of a grant that was handed in.

    Attributes:
        grant: as on record.
        new: False where the same document was on record.
        findings: what stands against every use of it, for the places asked; empty when nothing does.
    """

    grant: LikenessGrant
    new: bool
    findings: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """Everything about one person.

    Attributes:
        person: as on record.
        enrolments: references, by digest.
        grants: each with what stands against every use of it now.
        revocations: of these grants.
        uses: that were counted.
        refused: why they refuse every use, "" where they do not.
    """

    person: Person
    enrolments: tuple[Enrolment, ...]
    grants: tuple[Granted, ...]
    revocations: tuple[Revocation, ...]
    uses: tuple[RecordedUse, ...]
    refused: str


def logged_grants(studio: Studio, person_id: str) -> dict[str, int]:
    """The position in the log of every grant of a person that stands there, by grant id; one that was erased does not."""
    with studio.store.reading() as conn:
        wanted = {one.grant_id for one in grants(conn, person_id)}
    found = facts_naming(studio.path, LIKENESS_GRANT, wanted)
    return {str(one.body["grant_id"]): one.position for one in found if one.body is not None}


def refusal_of(studio: Studio, conn: Connection, person_id: str, at: str) -> str:
    """Why somebody refuses every use of their likeness, in words; "" where no recorded no is in force.

    A contract with the operator goes before an older no, as everywhere (`works.decide`).
    """
    asked = asked_of_person(PartyId(person_id))
    said: tuple[Permission, ...] = permissions_about(conn, asked)
    decision = decide(said, asked, "likeness", at, by=studio.operator)
    return decision.reason if decision.value == "deny" else ""


def person_called(conn: Connection, called: str) -> Person:
    """The enrolled person with this id or name.

    Raises:
        NotFoundError: nobody enrolled has it.
        InputError: several have the name.
    """
    itself = people(conn, [called])
    if itself:
        return itself[called]
    found = [one for one in people(conn).values() if one.name == called]
    if len(found) > 1:
        ids = ", ".join(one.person_id for one in found)
        raise InputError(f"{len(found)} people are called '{called[:60]}'", remedy=f"Give an id: {ids}.", field="PERSON")
    return found[0] if found else require_person(conn, called)


def id_called(studio: Studio, called: str) -> PartyId:
    """The id of the enrolled person with this id or name; what is no name of anybody is handed on as an id.

    Raises:
        InputError: several have the name.
    """
    with studio.store.reading() as conn:
        try:
            return person_called(conn, called).person_id
        except NotFoundError:
            if not called.startswith("party:"):
                raise
            return PartyId(called)


def everybody(studio: Studio) -> tuple[Known, ...]:
    """Everybody who is enrolled, with all that is known of them, by name."""
    with studio.store.reading() as conn:
        known = [_known(studio, conn, person) for person in people(conn).values()]
    return tuple(sorted(known, key=lambda one: (one.person.name.casefold(), one.person.person_id)))


def known(studio: Studio, called: str) -> Known:
    """Everything about one person, by id or name.

    Raises:
        NotFoundError, InputError: see `person_called`.
    """
    with studio.store.reading() as conn:
        return _known(studio, conn, person_called(conn, called))


def _known(studio: Studio, conn: Connection, person: Person) -> Known:
    at, own = now(), grants(conn, person.person_id)
    on_record = with_guardians(conn, [person.person_id, *(one.guardian for one in own)])
    return Known(
        person,
        enrolments(conn, person.person_id),
        tuple(Granted(one, False, findings_of(one, on_record, at[:10])) for one in own),
        revocations(conn, [one.grant_id for one in own]),
        uses(conn, person.person_id),
        refusal_of(studio, conn, person.person_id, at),
    )
