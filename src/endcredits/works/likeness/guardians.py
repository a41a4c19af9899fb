"""Who may sign: a living adult alone, for a minor the guardian on record, after death the heir or estate on record.

Where registry and grant disagree about age or death the stricter counts. A guardian is somebody else, who is grown up and
alive, and who is not signed for by the minor in turn. A union signs only where it represents the person under an agreement.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from endcredits.works.likeness.questions import Reason
from endcredits.works.likeness.records import LikenessGrant, Person


def is_minor_on(person: Person | None, day: str) -> bool:
    """Whether the registry knows that somebody is a minor on a day; whoever is not known is not."""
    return person is not None and person.turns_18_on is not None and day < person.turns_18_on


def signed_by_minor(grant: LikenessGrant, person: Person | None) -> bool:
    """Whether the person was a minor when the grant was signed, as the grant, or the registry, says.

    A grant that is silent, and one without signature, is a minor's where the registry knows no better.
    """
    day = grant.signed_at[:10] or "0001-01-01"
    if is_minor_on(person, day) or day < grant.turns_18_on:
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
    died = people[guardian].deceased_on if guardian in people else None
    if died is not None and died <= grant.signed_at[:10]:
        return Reason("guardian-unknown", f"the guardian '{guardian}' died on {died}, before it was signed")
    on_record = person.guardian_id if person is not None else ""
    if on_record != guardian:
        who = f"the guardian on record is '{on_record}'" if on_record else "nobody is on record as guardian"
        return Reason("guardian-unknown", f"{who}, and '{guardian}' signed: a person must look")
    return None


def grantor_problems(grant: LikenessGrant, person: Person | None, day: str) -> Iterator[Reason]:
    """What is wrong, on a day, with who granted for a grown-up, or for somebody who died.

    Args:
        grant: the record.
        person: as on record, None for nobody; heirs are looked up there alone.
        day: the day asked about.
    """
    known = person.deceased_on if person is not None else None
    died = min((one for one in (known, grant.deceased_on or None) if one is not None), default="")
    signed, by = grant.signed_at[:10], grant.grantor
    by_union = by == "union" and grant.representation == "union" and bool(json.loads(grant.document).get("cba_id"))
    if by == "union" and not by_union:
        yield Reason("grantor-unfit", "a union grants only where it represents the person, under an agreement that is named")
    if by == "estate" and not (died and died <= signed):
        yield Reason("grantor-unfit", "an estate grants only after the person's death, and signs after it")
    if by in ("", "guardian") and not signed_by_minor(grant, person):
        yield Reason("grantor-unfit", "the person was grown up when it was signed, and did not grant it themself")
    if not died or died > day:
        return
    heir = person.rights_holder_id if person is not None else ""
    if not heir:
        yield Reason("deceased-without-estate", f"the person died on {died}, and nobody is on record who holds the rights")
    elif (by == "estate" or grant.rights_holder_id) and grant.rights_holder_id != heir:
        named = f"'{grant.rights_holder_id}'" if grant.rights_holder_id else "nobody"
        yield Reason("estate-unknown", f"the holder of the rights on record is '{heir}', and the grant names {named}")
    in_life = bool(signed) and signed < died and grant.ends_at_death is False
    if by not in ("estate", "union") and not in_life:
        yield Reason("deceased-not-granted", f"the person died on {died}, and the grant does not reach beyond their life")
