"""Who may sign for a minor: somebody else, who is grown up, and who is not signed for by the minor in turn."""

from __future__ import annotations

from collections.abc import Mapping

from endcredits.works.likeness.questions import Reason
from endcredits.works.likeness.records import LikenessGrant, Person


def is_minor_on(person: Person | None, day: str) -> bool:
    """Whether the registry knows that somebody is a minor on a day; whoever is not known is not."""
    return person is not None and person.turns_18_on is not None and day < person.turns_18_on


def signed_by_minor(grant: LikenessGrant, person: Person | None) -> bool:
    """Whether the person was a minor when the grant was signed, as the grant, or the registry, says.

    A grant that is silent, and one without signature, is a minor's where the registry knows no better.
    """
    if is_minor_on(person, grant.signed_at[:10] or "0001-01-01"):
        return True
    return grant.is_minor is not False


def guardian_problem(grant: LikenessGrant, people: Mapping[str, Person]) -> Reason | None:
    """What is wrong with who signed for a minor; None for a grown-up's grant and for a minor's that is in order."""
    person = people.get(grant.person_id)
    if not signed_by_minor(grant, person):
        return None
    guardian = grant.guardian
    if not guardian or grant.grantor != "guardian":
        return Reason("minor-without-guardian", "the person was a minor when it was signed, and no guardian granted it")
    if guardian == grant.person_id:
        return Reason("guardian-circular", "nobody is their own guardian")
    seen: set[str] = {grant.person_id}
    place: str = guardian
    while place and place not in seen:
        seen.add(place)
        place = people[place].guardian_id if place in people else ""
    if place:
        return Reason("guardian-circular", f"the guardian '{guardian}' is signed for by '{place}' in turn: a circle")
    if is_minor_on(people.get(guardian), grant.signed_at[:10]):
        return Reason("guardian-is-minor", f"the guardian '{guardian}' was a minor, too, when it was signed")
    if person is not None and person.guardian_id and person.guardian_id != guardian:
        return Reason(
            "guardian-unknown",
            f"the guardian on record is '{person.guardian_id}', and '{guardian}' signed: a person must look",
        )
    return None
