"""A person's likeness on the desk of an archive: enrolments, signed grants, what was taken back, and every counted use.

References themselves (recordings, scans) were never in the books; their digests leave, with where they are kept. A grant is
the person's own contract and leaves whole, with the guardian or the estate that it names. A use leaves with what was asked
for and counted; what it paid stands in the statements of money.

The log's entries about likeness hold a row's digest in place of terms and reasons, so that others who are shown them learn
nothing. `likeness/rows.json` holds the very text whose SHA-256 that digest is, by which the person shows what was recorded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.canonical import to_plain
from endcredits.flows.exporting_desk import Desk
from endcredits.flows.fact_kinds import LIKENESS_GRANT
from endcredits.store import many
from endcredits.works import Party
from endcredits.works.likeness import enrolments, grants, people, revocations, tables, uses

USE_COLUMNS = ("use_id", "grant_id", "row", "count", "used_at", "kind", "offer", "output_id")


SHOWN: tuple[tuple[str, sa.Table, str], ...] = (
    ("likeness.enrol", tables.likeness_enrolments, "digest"),
    (LIKENESS_GRANT, tables.likeness_grants, "digest"),
    ("likeness.revoke", tables.likeness_revocations, "digest"),
    ("likeness.use", tables.likeness_uses, "use_id"),
)
"""Types of the log's entries, their tables, and which column is the entry's key."""


def lay_out_likeness(conn: Connection, desk: Desk, party: Party) -> dict[str, set[str]]:
    """Lays out what is kept about a person's likeness; empty lists where they never enrolled.

    Returns:
        Keys of recorded facts by type, for their proofs.
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
                    {
                        "revoked_at": end.revoked_at,
                        "reason": end.reason,
                        "declared_by": end.declared_by,
                        "of_person": end.of_person,
                    }
                    for end in taken
                    if end.grant_id == one.grant_id
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
    return _lay_out_rows(conn, desk, party, [one.grant_id for one in own]) if person else {}


def _lay_out_rows(conn: Connection, desk: Desk, party: Party, granted: list[str]) -> dict[str, set[str]]:
    """Lays out the rows that the log's entries stand for."""
    rows, found = desk.rows("likeness/rows.json"), dict[str, set[str]]()
    for kind, table, key in SHOWN:
        own = table.c.person_id == party.party_id if "person_id" in table.c else table.c.grant_id.in_(granted)
        for row in many(conn, sa.select(table).where(own).order_by(table.c[key])):
            rows.add({"type": kind, "key": row[key], "row": row_text(table.name, row), "row_sha256": row["digest"]})
            found.setdefault(kind, set()).add(row[key])
    return found


def row_text(table: str, row: Mapping[str, Any]) -> str:
    """The text over which a row's digest is made; see `store.row_digest`."""
    values = {key: [type(value).__name__, str(value)] for key, value in row.items() if key != "digest"}
    return json.dumps([table, values], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
