"""Uses are counted in the transaction that decides them, so that of two who race for the last one only one gets it.

`record_use` reads grants, revocations and counts, decides, and adds the use, all in one serialisable transaction
(`Store.write`): where two transactions counted the same uses and both would add one, the database lets one of them through
and the other begins again, counts again, and is refused. No lock of our own, no counter that is changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.canonical import canonical_bytes, to_plain
from endcredits.errors import ConflictError, NotFoundError
from endcredits.ids import PartyId, plain_id
from endcredits.store import insert_records, many
from endcredits.works.likeness import tables
from endcredits.works.likeness.book import grants, revocations
from endcredits.works.likeness.deciding import decide_likeness
from endcredits.works.likeness.pay import kind_of, offer_of
from endcredits.works.likeness.people import with_guardians
from endcredits.works.likeness.questions import LikenessDecision, LikenessUse, Resemblance, Standing
from endcredits.works.likeness.records import RecordedUse
from endcredits.works.rules import Pack

TRAINING = "training"
"""The kind of use that policies see where a model learns from somebody."""


def used_of(conn: Connection, person_id: str) -> Counter[tuple[str, int]]:
    """How many uses of each row of somebody's grants were counted, by (grant id, row)."""
    table = tables.likeness_uses
    query = sa.select(table.c.grant_id, table.c.row_number, sa.func.sum(table.c.use_count))
    query = query.where(table.c.person_id == person_id).group_by(table.c.grant_id, table.c.row_number)
    return Counter({(grant_id, row): int(count) for grant_id, row, count in conn.execute(query)})


def standing_of(conn: Connection, person_id: str, logged: Mapping[str, int], refused: str = "") -> Standing:
    """Everything that a decision about one person looks at, as the books say now.

    Args:
        conn: reading or writing.
        person_id: whose.
        logged: position in the log by grant id, of grants that stand in it.
        refused: why the person refuses every use, "" where they do not.
    """
    own = grants(conn, person_id)
    known = with_guardians(conn, [person_id, *(one.guardian for one in own)])
    taken = revocations(conn, [one.grant_id for one in own])
    return Standing(known.get(person_id), known, own, taken, used_of(conn, person_id), dict(logged), refused)


def record_use(
    conn: Connection,
    use_id: str,
    use: LikenessUse,
    at: str,
    *,
    logged: Mapping[str, int],
    refused: str = "",
    pack: Pack | None = None,
    resemblances: Iterable[Resemblance] = (),
) -> tuple[LikenessDecision, RecordedUse | None]:
    """Decides a use and, where it is permitted, counts it.

    Args:
        conn: in a writing transaction, which decides and counts together.
        use_id: the operator's own id; an id counts once.
        use: the request.
        at: UTC time, the present: a use is never counted as of an earlier time.
        logged: see `standing_of`.
        refused: see `standing_of`.
        pack: see `decide_likeness`.
        resemblances: see `decide_likeness`.

    Returns:
        The decision, and the use as counted; None where the answer is no, and then nothing was recorded. An id that was
        counted before with the same request finds it counted, whatever became of the grant since.

    Raises:
        InputError: the id or the request makes no sense.
        ConflictError: the id was counted with another request.
    """
    document = canonical_bytes(to_plain(use)).decode()
    standing = standing_of(conn, use.person_id, logged, refused)
    known = find_use(conn, plain_id(use_id, what="use_id"))
    if known is not None:
        if known.document != document:
            raise ConflictError(
                f"the use '{use_id}' was counted with another request",
                remedy="Give every use an id of its own; what was counted is never changed.",
                field="use_id",
            )
        why = f"it was counted before, on {known.used_at}"
        return LikenessDecision("allow", known.used_at, "granted", why, known.grant_id, known.row), known
    # A revocation that is on record when the use is counted counts, also where a clock says that it is yet to come.
    moment = max([at, *(one.revoked_at for one in standing.revocations)])
    decision = decide_likeness(standing, use, moment, pack=pack, resemblances=resemblances)
    if decision.value == "deny":
        return decision, None
    grant = next(one for one in standing.grants if one.grant_id == decision.grant_id)
    kind = TRAINING if use.purpose == TRAINING else kind_of(grant.uses[decision.row])
    found = RecordedUse(
        use_id, use.person_id, decision.grant_id, decision.row, use.count, at, kind, offer_of(grant.pay), document
    )
    insert_use(conn, found)
    return decision, found


def insert_use(conn: Connection, use: RecordedUse) -> None:
    """Adds the row of a use that was decided."""
    row = {name: getattr(use, name) for name in RecordedUse.__slots__ if name not in ("row", "count", "output_id")}
    insert_records(conn, tables.likeness_uses, [tables.salted({**row, "row_number": use.row, "use_count": use.count})])


def name_output(conn: Connection, use_id: str, output_id: str, at: str) -> RecordedUse:
    """Says in which output a use appears; the same again changes nothing.

    Raises:
        NotFoundError: no such use.
        ConflictError: another output was named.
    """
    use = find_use(conn, use_id)
    if use is None:
        raise NotFoundError(f"there is no use '{use_id[:60]}'", remedy="See: endcredits likeness show.", field="use_id")
    plain_id(output_id, what="output_id")
    if use.output_id not in ("", output_id):
        raise ConflictError(
            f"the use '{use_id}' appears in the output '{use.output_id}'",
            remedy="A use in another output is another use.",
            field="output_id",
        )
    if not use.output_id:
        row = {"use_id": use_id, "output_id": output_id, "recorded_at": at}
        insert_records(conn, tables.likeness_outputs, [row])
    found = find_use(conn, use_id)
    assert found is not None
    return found


def find_use(conn: Connection, use_id: str) -> RecordedUse | None:
    """One use by its id."""
    found = _uses(conn, tables.likeness_uses.c.use_id == use_id)
    return found[0] if found else None


def uses(conn: Connection, person_id: str = "") -> tuple[RecordedUse, ...]:
    """All uses, or one person's, by time and id."""
    return _uses(conn, tables.likeness_uses.c.person_id == person_id if person_id else sa.true())


def _uses(conn: Connection, chosen: sa.ColumnElement[bool]) -> tuple[RecordedUse, ...]:
    table, outputs = tables.likeness_uses, tables.likeness_outputs
    joined = table.outerjoin(outputs, outputs.c.use_id == table.c.use_id)
    query = sa.select(table, outputs.c.output_id).select_from(joined).where(chosen)
    found = (
        RecordedUse(
            row["use_id"],
            PartyId(row["person_id"]),
            row["grant_id"],
            row["row_number"],
            row["use_count"],
            row["used_at"],
            row["kind"],
            row["offer"],
            row["document"],
            row["output_id"] or "",
        )
        for row in many(conn, query)
    )
    return tuple(sorted(found, key=lambda one: (one.used_at, one.use_id)))
