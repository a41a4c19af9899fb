"""A person, a grant that permits something, and a request that it covers, for tests of likeness."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from endcredits.flows import likeness, likeness_granting, likeness_known
from endcredits.ids import PartyId, WorkId
from endcredits.works import party_id_of
from endcredits.works.likeness import LikenessGrant, LikenessUse, Person, Revocation, Standing, read_grant
from tests.works.rules.examples import GONE, GRANT

ADA, MUM, BOB = (PartyId(party_id_of(name)) for name in ("Ada Example", "Grace Example", "Bob Other"))
AT = "2026-11-20T12:00:00Z"
BEFORE, AFTER = "2026-10-05T00:00:00Z", "2027-06-01T00:00:00Z"


def stand_still(monkeypatch: pytest.MonkeyPatch, moment: list[str]) -> None:
    """Makes every walk about likeness take `moment[0]` for the present."""
    for module in (likeness, likeness_granting, likeness_known):
        monkeypatch.setattr(module, "now", lambda: moment[0])


def document(**changes: Any) -> dict[str, Any]:
    """A grant that satisfies every rule; `uses__0__max_uses=3` changes a row, `GONE` takes a field away."""
    made = copy.deepcopy(GRANT)
    made["person_id"] = ADA
    for path, value in changes.items():
        *where, last = (int(step) if step.isdigit() else step for step in path.split("__"))
        place: Any = made
        for step in where:
            place = place[step]
        if value is GONE:
            del place[last]
        else:
            place[last] = value
    return made


def grant(**changes: Any) -> LikenessGrant:
    """The record of it."""
    return read_grant(document(**changes), BEFORE)


def person(**changes: Any) -> Person:
    """Ada, grown up and alive."""
    return replace(Person(ADA, "Ada Example", None, "", None, "", WorkId(f"likeness:{ADA}"), BEFORE), **changes)


def request(**changes: Any) -> LikenessUse:
    """What the grant's one row is about."""
    row = GRANT["uses"][0]
    made = LikenessUse(
        person_id=ADA,
        project=row["project"],
        medium=row["medium"],
        description=row["description"],
        territory="US-CA",
        modalities=("voice",),
        script_ref=row["script_ref"],
        replaces_in_person_work=True,
        jurisdictions=("US-NY",),
    )
    return replace(made, **changes)


def standing(*given: LikenessGrant, **changes: Any) -> Standing:
    """Ada with these grants, all of them in the log."""
    granted = given or (grant(),)
    who = changes.pop("person", person())
    made = Standing(
        person=who,
        people={who.person_id: who} if who is not None else {},
        grants=granted,
        logged={one.grant_id: number for number, one in enumerate(granted)},
    )
    return replace(made, **changes)


def revocation(of: LikenessGrant, at: str = BEFORE) -> Revocation:
    """Ada changed her mind."""
    return Revocation("revocation:1", of.grant_id, at, "I changed my mind.", "Ada Example")
