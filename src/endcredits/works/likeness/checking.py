"""Checking what was kept: every row, every id, and that no row of a grant was used more often than it says.

The count here is the slow, obvious twin of the one that decides: every use is read and added up one by one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.canonical import canonical_bytes, digest
from endcredits.store import Finding, check_rows, many
from endcredits.works.likeness import tables
from endcredits.works.likeness.book import enrolments, grants, revocations
from endcredits.works.likeness.counting import uses
from endcredits.works.likeness.reading import grant_id_of
from endcredits.works.likeness.records import closes


def check_likeness(conn: Connection) -> Iterator[Finding]:
    """Recomputes everything that is kept about likeness."""
    for table in tables.ALL:
        yield from check_rows(conn, table)
    for one in enrolments(conn):
        if one.enrolment_id != f"enrolment:{digest([one.person_id, one.modality, one.reference_sha256])[:32]}":
            yield Finding(f"enrolment {one.enrolment_id}", "what it says does not fit its id")
    known = {grant.grant_id: grant for grant in grants(conn)}
    for row in many(conn, sa.select(tables.likeness_grants)):
        where = f"likeness {row['grant_id']}"
        document = json.loads(row["document"])
        if row["grant_id"] != grant_id_of(document) or row["document"] != canonical_bytes(document).decode():
            yield Finding(where, "its document does not fit its id")
        if document.get("person_id") != row["person_id"]:
            yield Finding(where, "its document is about somebody else")
    taken: dict[str, str] = {}
    for one_taken in revocations(conn):
        bare = [one_taken.grant_id, one_taken.revoked_at, one_taken.reason, one_taken.declared_by, one_taken.of_person]
        if one_taken.revocation_id != f"revocation:{digest(bare)[:32]}":
            yield Finding(f"revocation {one_taken.revocation_id}", "what it says does not fit its id")
        person_id = known[one_taken.grant_id].person_id if one_taken.grant_id in known else ""
        for grant_id, grant in known.items():
            if grant.person_id == person_id and closes(one_taken, grant):
                taken.setdefault(grant_id, one_taken.revoked_at)
    counted: Counter[tuple[str, int]] = Counter()
    for use in uses(conn):
        where = f"likeness use {use.use_id}"
        under = known.get(use.grant_id)
        if not use.grant_id and use.row == -1:
            continue  # a synthetic performer is nobody, and under no grant
        if under is None or not 0 <= use.row < len(under.uses) or use.person_id != under.person_id:
            yield Finding(where, "no row of a grant of this person permits it")
            continue
        counted[use.grant_id, use.row] += use.count
        if use.used_at > taken.get(use.grant_id, "9999"):
            yield Finding(where, f"it was counted on {use.used_at}, after the grant was taken back")
    for (grant_id, number), count in sorted(counted.items()):
        most = known[grant_id].uses[number].max_uses
        if most is not None and count > most:
            yield Finding(f"likeness {grant_id}", f"row {number + 1} allows {most} uses, and {count} were counted")
