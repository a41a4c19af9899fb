"""The books: entries are posted once, found again, and never changed.

An idempotency key says what an entry is about. Posting the same key with the same content again changes nothing and
returns what is recorded, so a step that does not know whether it succeeded simply runs again.

Two axes of time: `date` is the accounting day that an entry belongs to; `recorded_at` is when it entered the books.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy.engine import Connection

from endcredits.errors import ConflictError, InputError
from endcredits.ledger.append import append
from endcredits.ledger.entry import check_date, mirror, must_be_made
from endcredits.ledger.ranges import ENTRY_OF_POSTING, postings_of_entry
from endcredits.ledger.records import Booked, JournalEntry, Posting
from endcredits.ledger.rows import rows_with

_SELECT = (
    "SELECT e.number, e.entry_id, e.idempotency_key, e.date, e.narrative, e.reverses, e.kind, e.settles, e.expires_on, "
    "g.recorded_at, a.path, a.currency, p.amount_micros FROM journal_entries e LEFT JOIN journal_pages g ON g.page = e.page "
    "{postings} LEFT JOIN accounts a ON a.account_id = p.account_id"
)
_ORDER = "ORDER BY e.number, p.posting_id"


def post(conn: Connection, entry: JournalEntry, recorded_at: str = "") -> JournalEntry:
    """Records an entry, once per idempotency key.

    Args:
        conn: a connection inside `Store.write`.
        entry: as `make_entry` or `reverse_entry` made it.
        recorded_at: when it enters the books, UTC (2026-11-20T12:00:00Z); "" leaves it unsaid, and such an entry counts
            as known at any time.

    Returns:
        The recorded entry, equal to `entry` whether it was recorded now or before.

    Raises:
        InputError: the entry was altered after it was made, or a reversal is not the mirror image of what it undoes.
        ConflictError: the key is recorded with other content, or the entry to be undone is unknown or undone already.
    """
    post_many(conn, [entry], recorded_at)
    return entry


def post_many(conn: Connection, entries: Iterable[JournalEntry], recorded_at: str) -> int:
    """Records entries in their order, each once per idempotency key, all under the rules of `post`.

    Written for tens of thousands of entries in one transaction; `post_slowly` is its plain twin. Where several entries
    name one reversed entry or one key, the first counts.

    Returns:
        How many were recorded now; those that were recorded before change nothing.

    Raises:
        InputError, ConflictError: see `post`; then none of them is recorded once the caller's transaction ends.
    """
    booked = [Booked(entry) for entry in entries]
    for one in booked:
        must_be_made(one)
    fresh = not_yet_recorded(conn, booked)
    _check_reversals(conn, [one.entry for one in fresh])
    append(conn, fresh, recorded_at)
    return len(fresh)


def post_slowly(conn: Connection, entries: Iterable[JournalEntry], recorded_at: str) -> int:
    """The plain twin of `post_many`: one entry after the other, with the obvious questions asked each time.

    It leaves the same entries, postings and balances; only the pages are shorter.
    """
    recorded = 0
    for entry in entries:
        before = find(conn, entry.idempotency_key)
        if before is None:
            must_be_made(Booked(entry))
            _check_reversals(conn, [entry])
            append(conn, [Booked(entry)], recorded_at)
            recorded += 1
        elif before != entry:
            raise _other_content(entry.idempotency_key, before.entry_id)
    return recorded


def not_yet_recorded(conn: Connection, booked: Sequence[Booked]) -> list[Booked]:
    """Those whose key is new; a key that comes twice counts once.

    Raises:
        ConflictError: a key is recorded, or comes again, with other content.
    """
    select = "SELECT idempotency_key, entry_id FROM journal_entries"
    known = dict(rows_with(conn, select, "idempotency_key", {one.entry.idempotency_key for one in booked}))
    fresh = []
    for one in booked:
        key, entry_id = one.entry.idempotency_key, one.entry.entry_id
        recorded = known.setdefault(key, None)
        if recorded is None:
            known[key] = entry_id
            fresh.append(one)
        elif recorded != entry_id:
            raise _other_content(key, recorded)
    return fresh


def find(conn: Connection, idempotency_key: str) -> JournalEntry | None:
    """The entry recorded under a key, of whatever kind, or None."""
    booked = find_booked(conn, idempotency_key)
    return None if booked is None else booked.entry


def find_by_id(conn: Connection, entry_id: str) -> JournalEntry | None:
    """The entry of that id, of whatever kind, or None."""
    return next((one.entry for one in _read(rows_with(conn, _select(conn), "e.entry_id", [entry_id], _ORDER))), None)


def find_booked(conn: Connection, idempotency_key: str) -> Booked | None:
    """The entry recorded under a key with how it stands in the books, or None."""
    return next(iter(_read(rows_with(conn, _select(conn), "e.idempotency_key", [idempotency_key], _ORDER))), None)


def journal(conn: Connection) -> list[Booked]:
    """Everything in the journal in the order of posting: posted, pending, confirmed and voided."""
    return entries_between(conn)


def entries_between(conn: Connection, first: int = 1, last: int = 2**62) -> list[Booked]:
    """What the journal holds from one number to another."""
    # No look at the pages' bounds: whoever checks the books wants to see what is there.
    query = f"{_select(conn)} WHERE e.number BETWEEN {int(first)} AND {int(last)} {_ORDER}"
    return _read(conn.exec_driver_sql(query))


def entries(conn: Connection) -> list[JournalEntry]:
    """All entries that count, in the order in which they were posted or confirmed."""
    return [one.entry for one in journal(conn) if one.kind in ("posted", "confirmed")]


def balances(
    conn: Connection,
    account_prefix: str = "",
    until: datetime.date | str | None = None,
    *,
    known_at: str | None = None,
    pending: bool = False,
) -> dict[tuple[str, str], int]:
    """Signed balances in micros per (account, currency), sorted; accounts that stand at zero are left out.

    Args:
        conn: any connection.
        account_prefix: only this account and those below it: "Liabilities:Payable" takes in
            "Liabilities:Payable:party:ada" but not "Liabilities:Payables". Empty takes in all.
        until: only entries up to and including this accounting day; None takes in all.
        known_at: only what had entered the books by this time (UTC, 2026-11-20T12:00:00Z); None takes in all. With
            `until` it answers what was known when about which day.
        pending: instead of what is posted, what pending entries announce that were neither confirmed nor voided by
            then. One whose last day lies before `until` announces nothing any more.

    Raises:
        InputError: `until` is not a date, or `known_at` not a time.
    """
    day = None
    if until is not None:
        day = check_date(str(until.date() if isinstance(until, datetime.datetime) else until))
    query, parameters = _balance_query(conn.dialect.name, account_prefix.rstrip(":"), day, known_at, pending)
    if conn.dialect.name == "postgresql":
        query = query.replace("?", "%s")
    # Two halves, because SQLite's SUM overflows at 2**63; PostgreSQL's is of another type.
    rows = conn.exec_driver_sql(query, tuple(parameters))
    totals = {(path, currency): (int(high) << 32) + int(low) for path, currency, high, low in rows}
    return {key: total for key, total in sorted(totals.items()) if total}


def _balance_query(
    dialect: str, path: str, day: str | None, known_at: str | None, pending: bool
) -> tuple[str, list[object]]:
    conditions, parameters = _in_time("e", "g", day, known_at)
    if pending:
        settled, settled_parameters = _in_time("s", "h", day, known_at)
        conditions += [
            "e.kind = 'pending'",
            "NOT EXISTS (SELECT 1 FROM journal_entries s JOIN journal_pages h ON h.page = s.page "
            f"WHERE {' AND '.join(['s.settles = e.entry_id', *settled])})",
        ]
        parameters += settled_parameters
        if day is not None:
            conditions.append("(e.expires_on IS NULL OR e.expires_on >= ?)")
            parameters.append(day)
    else:
        conditions.append("e.kind IN ('posted', 'confirmed')")
    # All accounts: entry by entry. Some: from the accounts to their postings, and on to the entries.
    tables = f"journal_entries e {postings_of_entry(dialect)}"
    if path:
        tables = "accounts b CROSS JOIN postings p CROSS JOIN journal_entries e"
        conditions += ["p.account_id = b.account_id", ENTRY_OF_POSTING]
        # LIKE ignores case on SQLite, and paths may hold its wildcards.
        conditions.append(f"(b.path = ? OR substr(b.path, 1, {len(path) + 1}) = ?)")
        parameters += [path, f"{path}:"]
    return (
        "SELECT a.path, a.currency, t.high, t.low FROM accounts a JOIN ("
        "SELECT p.account_id, SUM(p.amount_micros >> 32) AS high, SUM(p.amount_micros & 4294967295) AS low "
        f"FROM {tables} JOIN journal_pages g ON g.page = e.page "
        # The plus: a bound to check, not one to search by, which would read a whole page for each of its entries.
        "AND +p.posting_id BETWEEN g.first_posting AND g.last_posting "
        f"WHERE {' AND '.join(conditions)} GROUP BY p.account_id) t ON t.account_id = a.account_id",
        parameters,
    )


def _in_time(entry: str, page: str, day: str | None, known_at: str | None) -> tuple[list[str], list[object]]:
    from endcredits.ledger.entry import check_stamp

    conditions, parameters = [f"{page}.page > 0"], list[object]()
    if day is not None:
        conditions.append(f"{entry}.date <= ?")
        parameters.append(day)
    if known_at is not None:
        conditions.append(f"{page}.recorded_at <= ?")
        parameters.append(check_stamp(known_at))
    return conditions, parameters


def _other_content(key: str, entry_id: str) -> ConflictError:
    return ConflictError(
        f"'{key}' is already in the books with other content ({entry_id})",
        remedy="Recorded entries are never changed: reverse that one, then post under a new key.",
        field="idempotency_key",
    )


def _check_reversals(conn: Connection, fresh: Sequence[JournalEntry]) -> None:
    wanted = {entry.reverses for entry in fresh if entry.reverses is not None}
    if not wanted:
        return
    known = {one.entry.entry_id: one for one in _read(rows_with(conn, _select(conn), "e.entry_id", wanted, _ORDER))}
    select = "SELECT reverses, idempotency_key FROM journal_entries"
    undone_by: dict[str, str] = dict(rows_with(conn, select, "reverses", wanted))
    for entry in fresh:
        if entry.reverses is not None:
            _check_reversal(entry, known.get(entry.reverses), undone_by.get(entry.reverses))
            undone_by[entry.reverses] = entry.idempotency_key
        known[entry.entry_id] = Booked(entry)


def _check_reversal(entry: JournalEntry, undone: Booked | None, undone_by: str | None) -> None:
    if undone is None:
        raise ConflictError(
            f"'{entry.idempotency_key}' undoes {entry.reverses}, which is not in the books",
            remedy="Look up the id of the entry that you mean to undo.",
            field="reverses",
        )
    if undone.kind not in ("posted", "confirmed"):
        raise ConflictError(
            f"'{entry.idempotency_key}' undoes {entry.reverses}, which is {undone.kind} and moved nothing",
            remedy="A pending entry is voided, not reversed.",
            field="reverses",
        )
    if undone_by is not None:
        raise ConflictError(
            f"{entry.reverses} was already undone by '{undone_by}'",
            remedy="An entry is undone once; post a new entry for anything further.",
            field="reverses",
        )
    if entry.postings != mirror(undone.entry.postings):
        raise InputError(
            f"'{entry.idempotency_key}' is not the mirror image of {entry.reverses}, which it undoes",
            remedy="Make reversals with reverse_entry.",
            field="postings",
        )


def _select(conn: Connection) -> str:
    return _SELECT.format(postings=postings_of_entry(conn.dialect.name, "LEFT JOIN"))


def _read(rows: Iterable[Any]) -> list[Booked]:
    found = []
    for _, of_entry in groupby(rows, key=lambda row: row[0]):
        lines = list(of_entry)
        number, entry_id, key, date, narrative, reverses, kind, settles, expires_on, recorded_at = lines[0][:10]
        postings = tuple(Posting(path, amount, currency) for path, currency, amount in (line[10:] for line in lines) if path)
        entry = JournalEntry(entry_id, key, date, narrative, postings, reverses)
        found.append(Booked(entry, kind, settles, expires_on, number, recorded_at))
    return found
