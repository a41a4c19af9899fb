"""A creator's works on the desk of an archive: what they are, who made them, the creator's own part, and what is said.

Whoever made a work with the creator appears as the credit reads on the screen and nothing more: no id, no number, no part.
Of an agreed division the creator's own portion is told, and what all others have together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from endcredits.flows.exporting_desk import Desk, Rows, Table
from endcredits.flows.exporting_terms import COLUMNS, Whose, each_told
from endcredits.ids import PartyId, WorkId
from endcredits.money import PPB
from endcredits.works import Party, Permission, asked_of_person, permissions_about
from endcredits.works.content import path_of
from endcredits.works.of_party import SaidOfWork, said_of_works, statements_by
from endcredits.works.records import Split
from endcredits.works.splits import group_splits

SUBMITTER = "submitter:"
"""Scheme of the numbers that somebody gave a work for themselves."""
ENDINGS = {
    "application/epub+zip": "epub", "application/json": "json", "application/pdf": "pdf", "audio/flac": "flac",
    "audio/mpeg": "mp3", "audio/wav": "wav", "audio/x-wav": "wav", "image/gif": "gif", "image/jpeg": "jpg",
    "image/png": "png", "image/svg+xml": "svg", "image/tiff": "tif", "image/webp": "webp", "text/html": "html",
    "text/markdown": "md", "text/plain": "txt", "video/mp4": "mp4", "video/quicktime": "mov",
}  # fmt: skip


def lay_out_works(conn: Connection, desk: Desk, party: Party, owned: Mapping[WorkId, bool], content: Any) -> set[str]:
    """Lays out works and terms, walking through the works once.

    Args:
        conn: reading.
        desk: where.
        party: the creator.
        owned: works by id, and whether they credit the creator (`of_party.work_ids_of`).
        content: folder of the works' files when they leave, too; None when they stay. The files of a work that gives the
            creator a part without crediting them stay in any case.

    Returns:
        The ids of statements that left whole, for their proofs.
    """
    walk = _Walk(conn, desk, party)
    for said in said_of_works(conn, owned):
        walk.work(said, credited=owned[said.work.work_id], content=content)
    whose = Whose(party.party_id, party.name, {}, {})
    for about in statements_by(conn, party.party_id):
        walk.state(about, whose, only_own=True)
    return walk.whole


class _Walk:
    """The open files of the walk."""

    def __init__(self, conn: Connection, desk: Desk, party: Party) -> None:
        self.desk, self.party = desk, party
        self.works: Rows = desk.rows("works/works.json")
        self.list: Table = desk.table(
            "works/works.csv", ("work_id", "title", "roles", "registered_at", "files", "size_bytes", "identifiers")
        )
        self.parts: Table = desk.table(
            "works/splits.csv", ("work_id", "title", "right", "territory", "valid_from", "own_ppb", "others_ppb")
        )
        self.statements: Rows = desk.rows("terms/statements.json")
        self.flat: Table = desk.table("terms/statements.csv", COLUMNS)
        self.whole: set[str] = set()
        self._told: set[str] = set()
        self.state(permissions_about(conn, asked_of_person(party.party_id)), Whose(party.party_id, party.name, {}, {}))

    def state(self, permissions: Sequence[Permission], whose: Whose, *, only_own: bool = False) -> None:
        """Lays out statements that did not stand there yet: one about a site may speak of many works."""
        for plain, permission in zip(each_told(permissions, whose), permissions, strict=True):
            chosen = not only_own or permission.party_id == whose.party_id
            if chosen and permission.permission_id not in self._told:
                self._told.add(permission.permission_id)
                self.statements.add(plain)
                self.flat.add(plain)
                if whose.own(permission):
                    self.whole.add(permission.permission_id)

    def work(self, said: SaidOfWork, *, credited: bool, content: Any) -> None:
        """Lays out one work."""
        work, own_id = said.work, self.party.party_id
        shown = {str(credit.party_id): credit.display_credit for credit in work.credits if credit.party_id != own_id}
        others = {party_id: name for party_id, name in said.names.items() if party_id != own_id}
        self.state(said.permissions, Whose(own_id, self.party.name, shown, others))
        files = []
        for file in work.manifestations:
            entry = f"files/{file.sha256}.{ENDINGS.get(file.media_type, 'bin')}" if content is not None and credited else ""
            if entry:
                self.desk.take(entry, path_of(content, file.sha256))
            names = [{"kind": kind, "value": value} for kind, value in said.marks.get(file.sha256, ())]
            files.append(
                {
                    "sha256": file.sha256,
                    "media_type": file.media_type,
                    "size_bytes": file.size_bytes,
                    "label": file.label,
                    "other_names": names,
                    "entry": entry,
                }
            )
        portions = [own_part(group, own_id) for group in group_splits(work.splits).values()]
        numbers = [(scheme, value) for scheme, value in said.identifiers if not scheme.startswith(SUBMITTER)]
        credits = [
            {"position": one.position, "role": one.role, "display_credit": one.display_credit, "own": one.party_id == own_id}
            for one in work.credits
        ]
        record = {
            "work_id": work.work_id,
            "title": work.title,
            "other_titles": list(said.titles),
            "registered_at": said.registered_at,
            "identifiers": [{"scheme": scheme, "value": value} for scheme, value in numbers],
            "files": files,
            "credits": credits,
            "splits": portions,
            "statements": [one.permission_id for one in said.permissions],
        }
        self.works.add(record)
        roles = dict.fromkeys(one.role for one in work.credits if one.party_id == own_id)
        self.list.add(
            {
                **record,
                "roles": ", ".join(roles),
                "files": len(files),
                "size_bytes": sum(file.size_bytes for file in work.manifestations),
                "identifiers": " ".join(f"{scheme}:{value}" for scheme, value in numbers),
            }
        )
        for portion in portions:
            self.parts.add({"work_id": work.work_id, "title": work.title, **portion})


def own_part(group: tuple[Split, ...], party_id: PartyId) -> dict[str, Any]:
    """A set of splits as its owner sees it: the own portion, and what all others have together."""
    own = sum(one.split_ppb for one in group if one.party_id == party_id)
    first = group[0]
    return {
        "right": first.right,
        "territory": first.territory,
        "valid_from": first.valid_from,
        "own_ppb": own,
        "others_ppb": PPB - own,
    }
