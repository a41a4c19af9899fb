"""The books: entries are posted once, found again, and summed; nothing else ever happens to them.

An idempotency key says what an entry is about. Posting the same key with the same content again changes nothing and
returns what is recorded, so a step that does not know whether it succeeded simply runs again.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.errors import ConflictError, InputError
from endcredits.ledger import tables
from endcredits.ledger.entry import check_date, make_entry, mirror
from endcredits.ledger.records import JournalEntry, Posting
from endcredits.store import insert_records, many, one

_ENTRIES = tables.journal_entries
_POSTINGS = tables.postings


def post(conn: Connection, entry: JournalEntry) -> JournalEntry:
    """Records an entry, once per idempotency key.

    Args:
        conn: a connection inside `Store.write`.
        entry: as `make_entry` or `reverse_entry` made it.

    Returns:
        The recorded entry, equal to `entry` whether it was recorded now or before.

    Raises:
        InputError: the entry was altered after it was made, or a reversal is not the mirror image of what it undoes.
        ConflictError: the key is recorded with other content, or the entry to be undone is unknown or undone already.
    """
    _check_made(entry)
    recorded = find(conn, entry.idempotency_key)
    if recorded is not None:
        if recorded != entry:
            raise ConflictError(
                f"'{entry.idempotency_key}' is already in the books with other content ({recorded.entry_id})",
                remedy="Recorded entries are never changed: reverse that one, then post under a new key.",
                field="idempotency_key",
            )
        return recorded
    if entry.reverses is not None:
        _check_reversal(conn, entry, entry.reverses)
    last = conn.scalar(sa.select(sa.func.max(_ENTRIES.c.number))) or 0
    row = {
        "entry_id": entry.entry_id,
        "number": last + 1,
        "idempotency_key": entry.idempotency_key,
        "date": entry.date,
        "narrative": entry.narrative,
        "reverses": entry.reverses,
    }
    insert_records(conn, _ENTRIES, [row])
    insert_records(
        conn,
        _POSTINGS,
        [
            {
                "entry_id": entry.entry_id,
                "position": position,
                "account": posting.account,
                "amount_micros": posting.amount_micros,
                "currency": posting.currency,
            }
            for position, posting in enumerate(entry.postings, 1)
        ],
    )
    return entry


def find(conn: Connection, idempotency_key: str) -> JournalEntry | None:
    """The entry recorded under a key, or None."""
    return _first(conn, _ENTRIES.c.idempotency_key == idempotency_key)


def find_by_id(conn: Connection, entry_id: str) -> JournalEntry | None:
    """The entry of that id, or None."""
    return _first(conn, _ENTRIES.c.entry_id == entry_id)


def entries(conn: Connection) -> list[JournalEntry]:
    """All entries, in the order in which they were posted."""
    of_entry: dict[str, list[Posting]] = {}
    for row in many(conn, sa.select(_POSTINGS).order_by(_POSTINGS.c.entry_id, _POSTINGS.c.position)):
        of_entry.setdefault(row["entry_id"], []).append(_posting(row))
    rows = many(conn, sa.select(_ENTRIES).order_by(_ENTRIES.c.number))
    return [_entry(row, of_entry.get(row["entry_id"], ())) for row in rows]


def balances(
    conn: Connection, account_prefix: str = "", until: datetime.date | str | None = None
) -> dict[tuple[str, str], int]:
    """Signed balances in micros per (account, currency), sorted; accounts that stand at zero are left out.

    Args:
        conn: any connection.
        account_prefix: only this account and those below it: "Liabilities:Payable" takes in
            "Liabilities:Payable:party:ada" but not "Liabilities:Payables". Empty takes in all.
        until: only entries up to and including this accounting day; None takes in all.

    Raises:
        InputError: `until` is not a date.
    """
    query = sa.select(_POSTINGS.c.account, _POSTINGS.c.currency, _POSTINGS.c.amount_micros)
    if until is not None:
        if isinstance(until, datetime.datetime):
            until = until.date()
        day = check_date(str(until))
        query = query.join(_ENTRIES, _ENTRIES.c.entry_id == _POSTINGS.c.entry_id).where(_ENTRIES.c.date <= day)
    path = account_prefix.rstrip(":")
    if path:
        # LIKE ignores case on SQLite, and paths may hold its wildcards.
        below = sa.func.substr(_POSTINGS.c.account, 1, len(path) + 1) == f"{path}:"
        query = query.where(sa.or_(_POSTINGS.c.account == path, below))
    # Summed here, because SQLite's SUM overflows at 2**63 and PostgreSQL's changes its type.
    totals: dict[tuple[str, str], int] = {}
    for account, currency, amount in conn.execute(query):
        totals[account, currency] = totals.get((account, currency), 0) + amount
    return {key: total for key, total in sorted(totals.items()) if total}


def _check_made(entry: JournalEntry) -> None:
    made = make_entry(entry.idempotency_key, entry.date, entry.narrative, entry.postings, entry.reverses)
    if made != entry:
        raise InputError(
            f"entry '{entry.idempotency_key}' is not what its id {entry.entry_id} says",
            remedy="Make entries with make_entry or reverse_entry and post them as they are.",
        )


def _check_reversal(conn: Connection, entry: JournalEntry, undone_id: str) -> None:
    undone = find_by_id(conn, undone_id)
    if undone is None:
        raise ConflictError(
            f"'{entry.idempotency_key}' undoes {undone_id}, which is not in the books",
            remedy="Look up the id of the entry that you mean to undo.",
            field="reverses",
        )
    earlier = _first(conn, _ENTRIES.c.reverses == undone_id)
    if earlier is not None:
        raise ConflictError(
            f"{undone_id} was already undone by '{earlier.idempotency_key}'",
            remedy="An entry is undone once; post a new entry for anything further.",
            field="reverses",
        )
    if entry.postings != mirror(undone.postings):
        raise InputError(
            f"'{entry.idempotency_key}' is not the mirror image of {undone_id}, which it undoes",
            remedy="Make reversals with reverse_entry.",
            field="postings",
        )


def _first(conn: Connection, condition: sa.ColumnElement[bool]) -> JournalEntry | None:
    row = one(conn, sa.select(_ENTRIES).where(condition))
    if row is None:
        return None
    query = sa.select(_POSTINGS).where(_POSTINGS.c.entry_id == row["entry_id"]).order_by(_POSTINGS.c.position)
    return _entry(row, [_posting(posting) for posting in many(conn, query)])


def _entry(row: Any, of_entry: Sequence[Posting]) -> JournalEntry:
    return JournalEntry(
        row["entry_id"], row["idempotency_key"], row["date"], row["narrative"], tuple(of_entry), row["reverses"]
    )


def _posting(row: Any) -> Posting:
    return Posting(row["account"], row["amount_micros"], row["currency"])
