"""Keeping people whose likeness may be used. Nothing is changed or taken away: of several records the last one holds.

Such a person is a party of the registry, and has one entry in its catalogue that stands for the likeness and has no files:
never the face or the voice. The entry is denied to training from its first moment on; its splits of the right "likeness" say
who is paid for uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.ids import WorkId
from endcredits.money import PPB
from endcredits.store import insert_records, many
from endcredits.works import tables as registry_tables
from endcredits.works.likeness import tables
from endcredits.works.likeness.records import Person
from endcredits.works.names import clean_identifiers, clean_name, party_id_of
from endcredits.works.records import Credit, Party, Permission, Split
from endcredits.works.registry import known_works, parties, set_splits
from endcredits.works.shares.book import add_parties, add_work
from endcredits.works.statements import state_permission
from endcredits.works.submissions import merge_parties
from endcredits.works.utc import check_day, check_time

RIGHT = "likeness"
"""The right whose splits share the money that uses of a likeness bring."""


def add_party(conn: Connection, name: str, *, kind: str = "person", identifiers: Sequence[tuple[str, str]] = ()) -> Party:
    """The party of this name, added where it is new: a person, a guardian, an estate, a fund.

    Raises:
        InputError: a name or identifier that cannot be kept.
    """
    checked = clean_identifiers(tuple(identifiers))
    party = Party(party_id_of(clean_name(name), checked), clean_name(name), kind, checked)
    add_parties(conn, [party])
    return merge_parties(parties(conn)[party.party_id], party)


def enrol_person(
    conn: Connection,
    party: Party,
    at: str,
    *,
    turns_18_on: str | None = None,
    guardian_id: str = "",
    deceased_on: str | None = None,
    rights_holder_id: str = "",
    payees: Sequence[Split] = (),
    correct: bool = False,
) -> Person:
    """Puts somebody on record whose likeness may be used, or adds what is known of them now.

    Args:
        conn: in a writing transaction.
        party: who; a recorded party (`add_party`).
        at: UTC time.
        turns_18_on: a minor's 18th birthday; None keeps what is on record.
        guardian_id: who signs for a minor, a recorded party; "" keeps what is on record.
        deceased_on: day of death; None keeps what is on record.
        rights_holder_id: who holds the rights after death, a recorded party; "" keeps what is on record.
        payees: who is paid when they are first enrolled; the person alone by default. Later splits are stated for the entry
            in the catalogue like those of any work.
        correct: whether what is said now may take the place of something else on record.

    Returns:
        The person as on record now; the same again adds nothing.

    Raises:
        InputError: a day that is none, somebody their own guardian or heir.
        NotFoundError: guardian, rights holder or payee is no party.
        ConflictError: something else is on record, and this is not said to correct it.
    """
    check_time(at)
    for field, day in (("turns_18_on", turns_18_on), ("deceased_on", deceased_on)):
        if day is not None:
            check_day(day, field=field)
    for field, other in (("guardian", guardian_id), ("rights_holder", rights_holder_id)):
        if other == party.party_id:
            raise InputError(
                f"'{party.name}' cannot be their own {field.replace('_', ' ')}", remedy="Name somebody else.", field=field
            )
        _require_party(conn, other, field)
    known = people(conn, [party.party_id]).get(party.party_id)
    work_id = WorkId(f"{RIGHT}:{party.party_id}")
    if not known_works(conn, [work_id]):
        _register_entry(conn, work_id, party, payees, at)
    elif payees:
        raise InputError(
            f"'{party.name}' is on record already, with who is paid",
            remedy=f"State new splits of the right '{RIGHT}' for {work_id}, from a day on.",
            field="payee",
        )
    person = Person(
        party.party_id,
        party.name,
        turns_18_on or (known.turns_18_on if known else None),
        guardian_id or (known.guardian_id if known else ""),
        deceased_on or (known.deceased_on if known else None),
        rights_holder_id or (known.rights_holder_id if known else ""),
        work_id,
        known.recorded_at if known else at,
    )
    if known == person:
        return person
    if known is not None and not correct:
        _must_not_replace(known, person)
    version = conn.scalar(sa.select(sa.func.count()).where(tables.likeness_people.c.person_id == party.party_id))
    row = {name: getattr(person, name) for name in Person.__slots__ if name != "name"}
    insert_records(
        conn,
        tables.likeness_people,
        [tables.salted({**row, "version": int(version or 0) + 1, "recorded_at": at})],
    )
    return people(conn, [party.party_id])[party.party_id]


def _must_not_replace(known: Person, now: Person) -> None:
    """A birthday or a guardian decides who signs for somebody: neither is typed over unawares."""
    for field in ("turns_18_on", "guardian_id", "deceased_on", "rights_holder_id"):
        before, after = getattr(known, field), getattr(now, field)
        if before and before != after:
            raise ConflictError(
                f"'{known.name}' is on record with {field.replace('_', ' ')} {before}, and {after} is said now",
                remedy="Leave it away to keep what is on record, or say that it is corrected (--correct).",
                field=field,
            )


def _register_entry(conn: Connection, work_id: WorkId, party: Party, payees: Sequence[Split], at: str) -> None:
    add_work(conn, work_id, f"Likeness of {party.name}", [Credit(party.party_id, "performer", party.name, 1)], at)
    no = Permission(
        subject=work_id,
        verb="train",
        value="deny",
        reason="this entry stands for a person's likeness, and is nothing to learn from",
        source="likeness enrolment",
        declared_by="endcredits, for the person",
        effective_from=at,
    )
    state_permission(conn, no)
    set_splits(conn, work_id, payees or [Split(party.party_id, PPB, right=RIGHT)])


def _require_party(conn: Connection, party_id: str, field: str) -> None:
    if party_id and not many(
        conn, sa.select(registry_tables.parties.c.party_id).where(registry_tables.parties.c.party_id == party_id)
    ):
        raise NotFoundError(
            f"there is no party '{party_id}'", remedy="'endcredits works parties' lists who there is.", field=field
        )


def require_person(conn: Connection, person_id: str) -> Person:
    """An enrolled person.

    Raises:
        NotFoundError: nobody of that id is enrolled.
    """
    person = people(conn, [person_id]).get(person_id)
    if person is None:
        raise NotFoundError(
            f"nobody is enrolled as '{person_id[:60]}'",
            remedy="Enrol them first (endcredits likeness enrol); 'endcredits likeness list' shows who is.",
            field="person_id",
        )
    return person


def people(conn: Connection, wanted: Iterable[str] | None = None) -> dict[str, Person]:
    """Enrolled persons by id, as on record now: all, or those of some ids."""
    table, named = tables.likeness_people, registry_tables.parties
    query = sa.select(table, named.c.name).join(named, named.c.party_id == table.c.person_id).order_by(table.c.version)
    if wanted is not None:
        query = query.where(table.c.person_id.in_(sorted(set(wanted))))
    found = {}
    for row in many(conn, query):
        found[row["person_id"]] = Person(**{name: row[name] for name in Person.__slots__})
    return {person_id: found[person_id] for person_id in sorted(found)}


def with_guardians(conn: Connection, person_ids: Iterable[str]) -> dict[str, Person]:
    """Some persons with whoever signs for them, and for those in turn; in a circle everybody once."""
    found: dict[str, Person] = {}
    asked = set(person_ids)
    while asked:
        new = people(conn, asked)
        found.update(new)
        asked = {one.guardian_id for one in new.values() if one.guardian_id} - set(found)
    return found
