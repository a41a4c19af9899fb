"""Disputes: while two people claim a work, its money waits on an account of its own, and nobody is paid by mistake.

A dispute is opened and ended by two rows that are never changed. While one is open, a close marks the work's lines as
disputed and the books collect its money on `Liabilities:Disputed:<work>`. When the last dispute of a work has ended,
`release_disputed` moves what has gathered to those who were found to be right. The others lose nothing that was theirs, and
neither side has to be asked for money back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.ids import PartyId, WorkId, plain_id
from endcredits.ledger import JournalEntry
from endcredits.royalties.accounts import disputed_account
from endcredits.royalties.cells import day, utc_time
from endcredits.royalties.contract_tables import dispute_ends
from endcredits.royalties.contract_tables import disputes as table
from endcredits.royalties.releasing import release
from endcredits.royalties.row_log import insert_logged
from endcredits.royalties.spellings import chosen, readable
from endcredits.store import Finding, check_rows, many

OUTCOMES = ("upheld", "rejected", "settled", "withdrawn")
"""How a dispute ends: the claimant was right; was not; both agreed; the claimant gave it up."""

DISPUTE_ID_LENGTH_MAX = 100
REASON_LENGTH_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute about who is entitled to what a work earns.

    Attributes:
        dispute_id: the operator's own id, at most 100 characters.
        work_id: the work whose money waits.
        claimant: who disputes, an id of a party or a name.
        reason: in their words, printable, at most 2,000 characters.
        opened_at: UTC time.
        outcome: one of `OUTCOMES`, "" while it is open.
        decision: why it ended so, in words.
        closed_at: UTC time, "" while it is open.
    """

    dispute_id: str
    work_id: WorkId
    claimant: str
    reason: str
    opened_at: str
    outcome: str = ""
    decision: str = ""
    closed_at: str = ""


def open_dispute(conn: Connection, dispute_id: str, work_id: WorkId, claimant: str, reason: str, opened_at: str) -> Dispute:
    """Opens a dispute, once. Whether the work is registered is for the caller to ask the registry.

    Args:
        conn: inside `Store.write`.
        dispute_id: see `Dispute`; so are the others.

    Returns:
        The recorded dispute, which may have ended since.

    Raises:
        InputError: a value cannot be used.
        ConflictError: the id is taken by another dispute.
    """
    dispute = Dispute(
        dispute_id=plain_id(dispute_id, what="dispute_id"),
        work_id=WorkId(plain_id(work_id, what="work_id")),
        claimant=readable(claimant, "claimant"),
        reason=_words(reason, "reason"),
        opened_at=utc_time(opened_at, field="opened_at"),
    )
    if len(dispute_id) > DISPUTE_ID_LENGTH_MAX:
        raise InputError("the id is too long", remedy=f"Use at most {DISPUTE_ID_LENGTH_MAX} characters.", field="dispute_id")
    known = find_dispute(conn, dispute_id)
    if known is not None:
        for key in ("work_id", "claimant", "reason", "opened_at"):
            if getattr(known, key) != getattr(dispute, key):
                raise ConflictError(
                    f"the dispute '{dispute_id}' is recorded with another {key}",
                    remedy="Give another dispute its own id; a recorded one is never changed.",
                    field=key,
                )
        return known
    row = {key: value for key, value in asdict(dispute).items() if key in table.columns}
    insert_logged(conn, table, [row])
    return dispute


def end_dispute(conn: Connection, dispute_id: str, outcome: str, decision: str, closed_at: str) -> Dispute:
    """Ends a dispute, once. Its money is released by `release_disputed`, when the splits say who is right.

    Raises:
        InputError: a value cannot be used, or it would end before it was opened.
        NotFoundError: no such dispute.
        ConflictError: it has ended otherwise.
    """
    known = find_dispute(conn, dispute_id)
    if known is None:
        raise NotFoundError(f"there is no dispute '{dispute_id[:60]}'", remedy="List the disputes.", field="dispute_id")
    row = {
        "dispute_id": dispute_id,
        "outcome": chosen(outcome, OUTCOMES, "outcome"),
        "reason": _words(decision, "decision"),
        "closed_at": utc_time(closed_at, field="closed_at"),
    }
    if row["closed_at"] < known.opened_at:
        raise InputError(
            f"it was opened at {known.opened_at}, after {closed_at}", remedy="Check the time.", field="closed_at"
        )
    if known.outcome:
        if (known.outcome, known.decision, known.closed_at) != (row["outcome"], row["reason"], row["closed_at"]):
            raise ConflictError(
                f"the dispute '{dispute_id}' has ended ({known.outcome} at {known.closed_at})",
                remedy="Open a new dispute if the decision is disputed in turn.",
                field="dispute_id",
            )
        return known
    insert_logged(conn, dispute_ends, [row])
    ended = find_dispute(conn, dispute_id)
    assert ended is not None
    return ended


def find_dispute(conn: Connection, dispute_id: str) -> Dispute | None:
    """A dispute by its id, or None."""
    return next(iter(_select(conn, table.c.dispute_id == dispute_id)), None)


def disputes(conn: Connection, work_id: WorkId | None = None) -> tuple[Dispute, ...]:
    """All disputes, or those of a work, by the time of opening."""
    return _select(conn, sa.true() if work_id is None else table.c.work_id == work_id)


def disputed_works(conn: Connection, at: str = "") -> frozenset[WorkId]:
    """The works with an open dispute.

    Args:
        conn: any connection.
        at: a UTC time, or a day YYYY-MM-DD for its last second; "" for what is recorded now. A close asks with the time at
            which it was proposed, so that it can be frozen again.

    Raises:
        InputError: `at` is neither.
    """
    if at:
        at = f"{day(at, field='at')}T23:59:59Z" if len(at) == 10 else utc_time(at, field="at")
    return frozenset(
        one.work_id
        for one in disputes(conn)
        if (not at and not one.closed_at) or (one.opened_at <= at and (not one.closed_at or at < one.closed_at))
    )


def release_disputed(
    conn: Connection, work_id: WorkId, parties: Mapping[PartyId, int], on: str, why: str
) -> JournalEntry | None:
    """Makes the entry that gives a work's disputed money to those who were found to be right.

    Args:
        conn: inside `Store.write`, where the entry is then posted.
        work_id: the work.
        parties: their portions in ppb, summing to one whole.
        on: accounting day.
        why: in one line.

    Returns:
        The entry; None when nothing waits.

    Raises:
        ConflictError: a dispute of the work is still open.
        InputError: the portions are no whole, or a value cannot be used.
    """
    for dispute in disputes(conn, work_id):
        if not dispute.closed_at:
            raise ConflictError(
                f"the dispute '{dispute.dispute_id}' about {work_id} is open",
                remedy="End it first; until then its money waits.",
                field="work_id",
            )
    return release(conn, disputed_account(work_id), parties, on, why)


def check_disputes(conn: Connection) -> list[Finding]:
    """That rows fit their digests, and that nothing ended before it began or in a way that is unknown."""
    findings = [*check_rows(conn, table), *check_rows(conn, dispute_ends)]
    for one in disputes(conn):
        if one.closed_at and (one.outcome not in OUTCOMES or one.closed_at < one.opened_at):
            findings.append(Finding(f"dispute {one.dispute_id}", f"it ended '{one.outcome}' at {one.closed_at}"))
    return findings


def _select(conn: Connection, condition: sa.ColumnElement[bool]) -> tuple[Dispute, ...]:
    ends = dispute_ends.c
    query = (
        sa.select(table, ends.outcome, ends.reason.label("decision"), ends.closed_at)
        .outerjoin(dispute_ends, ends.dispute_id == table.c.dispute_id)
        .where(condition)
        .order_by(table.c.opened_at, table.c.dispute_id)
    )
    return tuple(_dispute(row) for row in many(conn, query))


def _dispute(row: Mapping[str, Any]) -> Dispute:
    values: dict[str, Any] = {key: value or "" for key, value in row.items() if key != "digest"}
    return Dispute(**values)


def _words(text: str, field: str) -> str:
    if not text.strip() or len(text) > REASON_LENGTH_MAX or not text.isprintable():
        raise InputError(
            f"{text[:60]!r} cannot be a reason",
            remedy=f"Use one line of 1 to {REASON_LENGTH_MAX} visible characters.",
            field=field,
        )
    return text
