"""A person's likeness on the desk of an archive: enrolments, signed grants, what was taken back, and every counted use.

References themselves (recordings, scans) were never in the books; their digests leave, with where they are kept. A grant is
the person's own contract and leaves whole, with the guardian or the estate that it names. A use leaves with what was asked
for and counted; what it paid stands in the statements of money.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy.engine import Connection

from endcredits.canonical import to_plain
from endcredits.flows.exporting_desk import Desk
from endcredits.works import Party
from endcredits.works.likeness import enrolments, grants, people, revocations, uses

USE_COLUMNS = ("use_id", "grant_id", "row", "count", "used_at", "kind", "offer", "output_id")


def lay_out_likeness(conn: Connection, desk: Desk, party: Party) -> set[str]:
    """Lays out what is kept about a person's likeness; empty lists where they never enrolled.

    Returns:
        The ids of the grants, for their proofs.
    """
    person = people(conn).get(party.party_id)
    own = grants(conn, party.party_id) if person else ()
    taken = revocations(conn, [one.grant_id for one in own]) if own else ()
    document: dict[str, Any] = {
        "person": None
        if person is None
        else {
            "name": person.name,
            "turns_18_on": person.turns_18_on,
            "has_guardian": bool(person.guardian_id),
            "deceased_on": person.deceased_on,
            "has_rights_holder": bool(person.rights_holder_id),
            "work_id": person.work_id,
            "recorded_at": person.recorded_at,
        },
        "enrolments": list(enrolments(conn, party.party_id)) if person else [],
        "grants": [
            {
                "grant_id": one.grant_id,
                "recorded_at": one.recorded_at,
                "document": json.loads(one.document),
                "revoked": [
                    {"revoked_at": end.revoked_at, "reason": end.reason} for end in taken if end.grant_id == one.grant_id
                ],
            }
            for one in own
        ],
    }
    text = json.dumps(to_plain(document), indent=1, ensure_ascii=False, sort_keys=True)
    desk.put("likeness/likeness.json", f"{text}\n".encode())
    rows, flat = desk.rows("likeness/uses.json"), desk.table("likeness/uses.csv", USE_COLUMNS)
    for use in uses(conn, party.party_id) if person else ():
        plain = {name: getattr(use, name) for name in USE_COLUMNS}
        rows.add({**plain, "request": json.loads(use.document)})
        flat.add(plain)
    return {one.grant_id for one in own}
