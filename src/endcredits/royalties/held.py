"""Rows that could not be taken: kept as they were written, mended, and tried again; never lost and never counted twice.

A row is held for one of these reasons: it cannot be read; its id is taken by other content; it lies in the future; it names
an output, a work or a sale that is not known yet. The last three kinds need no mending: when what they name arrives,
`recording.take_held` takes them. The others are written to a file with `export_held`, mended by a person and handed in
again; the file carries each row's problem beside it and its `held_id`, by which a mended row ends the hold even under
another id.

Nothing is deleted. A held row is *open* until its id is recorded or somebody ends it with a reason (`drop_held`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.canonical import sha256_bytes
from endcredits.durable import write_atomic
from endcredits.errors import ConflictError, EndcreditsError, InputError, NotFoundError
from endcredits.ids import plain_id
from endcredits.royalties.cells import is_ours, shown
from endcredits.royalties.recorded import SHELVES
from endcredits.royalties.row_log import insert_logged
from endcredits.royalties.tables import held_ends, held_rows
from endcredits.store import many

UNREADABLE, CONFLICT, FUTURE = "unreadable", "conflict", "future"
UNKNOWN_OUTPUT, UNKNOWN_WORK, UNKNOWN_SALE = "unknown output", "unknown work", "unknown sale"
WAITING = (FUTURE, UNKNOWN_OUTPUT, UNKNOWN_WORK, UNKNOWN_SALE)
"""Reasons that time can end: nothing is wrong with the row itself."""
PREFIX_LENGTH_MIN = 8
"""Characters of an id that name its row, when no other row's id begins with them."""


@dataclass(frozen=True, slots=True)
class Held:
    """A row that is held.

    Attributes:
        held_id: SHA-256 of its kind, reason and document.
        recorded_at: UTC time since when it is held.
        kind: "events", "revenue", "refunds" or "rates".
        record_id: its own id, "" where that could not be read.
        reason: one of the reasons above.
        file: where it was read, "" for what a program handed in.
        row: its row there, 0 likewise.
        field: the field concerned, "" where there is none.
        problem: what is wrong.
        remedy: what to do.
        cells: the row as it was written.
    """

    held_id: str
    recorded_at: str
    kind: str
    record_id: str
    reason: str
    file: str
    row: int
    field: str
    problem: str
    remedy: str
    cells: Mapping[str, object]


def make_held(
    kind: str, reason: str, error: EndcreditsError, cells: Mapping[str, object], *, file: str, row: int, at: str
) -> Held:
    """A row with its problem, ready to be kept."""
    own = {key: value for key, value in cells.items() if not is_ours(key)}
    document = _document(own)
    return Held(
        held_id=sha256_bytes(f"{kind}\n{reason}\n{document}".encode()),
        recorded_at=at,
        kind=kind,
        record_id=_own_id(kind, own),
        reason=reason,
        file=shown(file, 1000),
        row=row,
        field=error.field or "",
        problem=shown(error.message, 1000),
        remedy=error.remedy,
        cells=json.loads(document),
    )


def _document(cells: Mapping[str, object]) -> str:
    # ASCII only: no database refuses it, whatever characters the row holds. What is no JSON is kept as Python shows it.
    return json.dumps(cells, default=repr, sort_keys=True, separators=(",", ":"), skipkeys=True)


def _own_id(kind: str, cells: Mapping[str, object]) -> str:
    value = cells.get(SHELVES[kind].form.id_field)
    try:
        return plain_id(value) if isinstance(value, str) else ""
    except InputError:
        return ""


def keep(conn: Connection, rows: Iterable[Held]) -> int:
    """Keeps held rows; one that is held already, or whose hold was ended, is not kept again. Returns how many are new."""
    batch = {row.held_id: row for row in rows}
    known = set(conn.scalars(sa.select(held_rows.c.held_id).where(held_rows.c.held_id.in_(list(batch))))) if batch else set()
    return insert_logged(conn, held_rows, [_row(row) for row in batch.values() if row.held_id not in known])


def _row(held: Held) -> dict[str, object]:
    return {
        "held_id": held.held_id,
        "recorded_at": held.recorded_at,
        "kind": held.kind,
        "record_id": held.record_id,
        "reason": held.reason,
        "file": held.file,
        "row_number": held.row,
        "field": held.field,
        "problem": held.problem,
        "remedy": held.remedy,
        "document": _document(held.cells),
    }


def held(conn: Connection, kind: str = "") -> tuple[Held, ...]:
    """All open held rows, of one kind or of all, by the time since when they are held."""
    own = held_rows.c
    open_ones = [sa.not_(sa.exists().where(held_ends.c.held_id == own.held_id))]
    for name, shelf in SHELVES.items():
        key = shelf.table.primary_key.columns[0]
        if shelf.form.id_field:
            there = sa.exists().where(key == own.record_id)
            open_ones.append(sa.or_(own.kind != name, own.reason == CONFLICT, sa.not_(there)))
    if kind:
        open_ones.append(own.kind == kind)
    query = sa.select(held_rows).where(*open_ones).order_by(own.recorded_at, own.file, own.row_number, own.held_id)
    return tuple(_held(row) for row in many(conn, query))


def _held(row: Mapping[str, Any]) -> Held:
    fields = {name: value for name, value in row.items() if name not in ("digest", "document", "row_number")}
    return Held(**fields, row=row["row_number"], cells=json.loads(row["document"]))


def end_taken(conn: Connection, held_ids: Iterable[str], at: str) -> None:
    """Ends the holds of rows that were taken, mended or as they were; ids that nothing is held under are passed over."""
    wanted = sorted(set(held_ids))
    if wanted:
        there = set(conn.scalars(sa.select(held_rows.c.held_id).where(held_rows.c.held_id.in_(wanted))))
        ended = set(conn.scalars(sa.select(held_ends.c.held_id).where(held_ends.c.held_id.in_(wanted))))
        rows = [{"held_id": one, "recorded_at": at, "how": "taken", "reason": ""} for one in sorted(there - ended)]
        insert_logged(conn, held_ends, rows)


def find_held(conn: Connection, beginning: str) -> str:
    """The whole id of the one row that is or was held under an id, given whole or by its beginning.

    Args:
        beginning: at least `PREFIX_LENGTH_MIN` characters; lists show the first 16.

    Raises:
        InputError: too short, or several ids begin so.
        NotFoundError: nothing is held under this id.
    """
    if len(beginning) < PREFIX_LENGTH_MIN:
        raise InputError(
            f"'{shown(beginning)}' is too short for the id of a held row",
            remedy=f"Give at least {PREFIX_LENGTH_MIN} of its characters, as the list of held rows shows them.",
            field="held_id",
        )
    own = held_rows.c.held_id
    # Cut and compared, since LIKE would not tell upper from lower case in every database.
    begins = sa.func.substr(own, 1, len(beginning)) == beginning
    found = list(conn.scalars(sa.select(own).where(begins).order_by(own).limit(2)))
    if not found:
        raise NotFoundError(f"nothing is held under '{shown(beginning)}'", remedy="List the held rows.", field="held_id")
    if len(found) > 1:
        raise InputError(
            f"several held rows have an id that begins with '{shown(beginning)}'",
            remedy="Give more of its characters; --json lists whole ids.",
            field="held_id",
        )
    return str(found[0])


def drop_held(conn: Connection, held_id: str, reason: str, at: str) -> None:
    """Ends a hold for good: the row is not taken, and the reason stays on record. The same again changes nothing.

    Raises:
        NotFoundError: nothing is held under this id.
        InputError: no reason.
        ConflictError: it was ended otherwise.
    """
    if not reason.strip():
        raise InputError("no reason is given", remedy="Say why the row is dropped.", field="reason")
    if conn.scalar(sa.select(held_rows.c.held_id).where(held_rows.c.held_id == held_id)) is None:
        raise NotFoundError(f"nothing is held under '{shown(held_id)}'", remedy="List the held rows.", field="held_id")
    end = many(conn, sa.select(held_ends).where(held_ends.c.held_id == held_id))
    if not end:
        insert_logged(conn, held_ends, [{"held_id": held_id, "recorded_at": at, "how": "dropped", "reason": reason}])
    elif (end[0]["how"], end[0]["reason"]) != ("dropped", reason):
        raise ConflictError(
            f"the hold of '{shown(held_id)}' was ended already: {end[0]['how']} {shown(end[0]['reason'])}".rstrip(),
            remedy="It needs nothing more.",
            field="held_id",
        )


def export_held(rows: Iterable[Held], path: str | os.PathLike[str]) -> int:
    """Writes held rows of one kind as JSON Lines, to be mended and handed in again. Returns how many.

    Raises:
        MachineError: disk full or no permission; nothing half-written remains.
    """
    lines = []
    for row in rows:
        beside = {"id": row.held_id, "file": row.file, "row": str(row.row), "field": row.field, "problem": row.problem}
        cells = dict(row.cells) | {f"held_{name}": value for name, value in beside.items()} | {"held_remedy": row.remedy}
        lines.append(json.dumps(cells, ensure_ascii=True) + "\n")
    write_atomic(path, "".join(lines).encode(), private=True)
    return len(lines)
