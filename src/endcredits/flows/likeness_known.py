"""What is known of a person's likeness: who they are, what they granted and took back, the uses, and what they refuse."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from endcredits.errors import InputError, NotFoundError
from endcredits.flows.clock import now
from endcredits.flows.fact_files import facts_naming
from endcredits.flows.fact_kinds import LIKENESS_GRANT
from endcredits.flows.studio import Studio
from endcredits.ids import PartyId
from endcredits.works import Asked, Decision, Permission, decide, permissions_about
from endcredits.works.likeness import (
    RIGHT,
    Enrolment,
    LikenessGrant,
    Person,
    Reason,
    RecordedUse,
    Revocation,
    enrolments,
    findings_of,
    grant_rows,
    grants,
    people,
    require_person,
    revocations,
    uses,
    with_guardians,
)
from endcredits.works.likeness.storing import to_delete
from endcredits.works.present import heard_at


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
        wanted = grant_rows(conn, person_id)
    found = facts_naming(studio.path, LIKENESS_GRANT, wanted)
    return {wanted[str(one.body["row_sha256"])]: one.position for one in found if one.body is not None}


def refusal_of(studio: Studio, conn: Connection, person_id: str, at: str, *, training: bool = False) -> str:
    """Why somebody refuses every use of their likeness, in words; "" where no recorded no is in force.

    A no about the person is heard, and one about the entry that stands for their likeness; where a model is to learn from
    them, a no to training or fine-tuning too. No contract of others stands above it, also not with the operator: only the
    person who said no makes a later yes of it, by taking the no back, or by a later contract of their own with the operator.
    What is on record is heard also where the clock was set back behind it (`heard_at`).
    """
    person = ("person", person_id)
    asked = Asked(person_id, (person, ("work", f"{RIGHT}:{person_id}")))
    alone = Asked(person_id, (person,))
    questions = [(asked, RIGHT)] + ([(alone, verb) for verb in ("train", "finetune")] if training else [])
    for question, verb in questions:
        said = permissions_about(conn, question)
        moment = heard_at(said, at)
        decision = decide(said, question, verb, moment)
        if decision.value == "deny":
            yes = decide(said, question, verb, moment, by=studio.operator)
            if _later_and_their_own(said, person_id, yes):
                continue
            return decision.reason
    return ""


def _later_and_their_own(said: Iterable[Permission], person_id: str, yes: Decision) -> bool:
    """Whether a yes to the operator is a contract of the person themself, later than every no to the same on record."""
    by_id = {one.permission_id: one for one in said}
    contract = by_id.get(yes.permission_id or "") if yes.value == "allow" else None
    if contract is None or contract.party_id != person_id:
        return False
    return all(
        one.effective_from < contract.effective_from for one in by_id.values() if (one.value, one.verb) == ("deny", yes.verb)
    )


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


@dataclass(frozen=True, slots=True)
class Replica:
    """A stored replica that has no reason left to be kept.

    Attributes:
        person_id: whose.
        name: their name.
        grant_id: under which grant it was made.
        location: where it lies, as the grant says.
        why: why it has to be deleted, in words.
    """

    person_id: str
    name: str
    grant_id: str
    location: str
    why: str


def due_for_deletion(found: Sequence[Known]) -> tuple[Replica, ...]:
    """The replicas of some people that have to be deleted by now."""
    at = now()
    return tuple(
        Replica(one.person.person_id, one.person.name, granted.grant.grant_id, granted.grant.storage.location, why)
        for one in found
        for granted in one.grants
        if (why := to_delete(granted.grant, one.revocations, at))
    )


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
