"""Entries that wait: announced as pending, then confirmed or voided, once, by a further row of the journal.

    post_pending    the money is announced: a transfer that was sent, an advance that needs a second signature
    confirm         it happened: the same postings are posted, under the key "confirm:<key>"
    void            it did not: nothing is posted, under the key "void:<key>"

Nothing is edited. What is pending counts in `balances(pending=True)` alone, and is gone from there as soon as it is
settled. A pending entry may carry a last day: later than that it cannot be confirmed, and `void_expired` says so in the
journal. As everywhere, the same step run again changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.engine import Connection

from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.ledger.append import append
from endcredits.ledger.book import find_booked, journal, not_yet_recorded
from endcredits.ledger.entry import check_date, check_narrative, content_id, must_be_made
from endcredits.ledger.records import Booked, JournalEntry, Kind
from endcredits.ledger.rows import rows_with

KEY_LENGTH_MAX = 190
"""Longest key of a pending entry: "confirm:" and the key must be a key again."""


def post_pending(conn: Connection, entry: JournalEntry, recorded_at: str, expires_on: str | None = None) -> Booked:
    """Announces an entry, once per idempotency key.

    Args:
        conn: inside `Store.write`.
        entry: as `make_entry` made it; it undoes nothing.
        recorded_at: when it enters the books, UTC.
        expires_on: last day (YYYY-MM-DD) on which it can be confirmed; None: it waits without end.

    Returns:
        What is recorded; its entry has an id of its own, because announcing is not posting.

    Raises:
        InputError: the entry was altered, is a reversal, has a key too long, or expires before its own date.
        ConflictError: the key is recorded with other content.
    """
    must_be_made(Booked(entry))
    if entry.reverses is not None:
        raise InputError("a reversal cannot wait", remedy="Post it when it is certain.", field="reverses")
    if len(entry.idempotency_key) > KEY_LENGTH_MAX:
        raise InputError(
            f"the key '{entry.idempotency_key[:40]}...' is too long for an entry that waits",
            remedy=f"Use at most {KEY_LENGTH_MAX} characters.",
            field="idempotency_key",
        )
    if expires_on is not None and check_date(expires_on) < entry.date:
        raise InputError(
            f"'{entry.idempotency_key}' expires on {expires_on}, before its own date {entry.date}",
            remedy=f"Give {entry.date} or a later day.",
            field="expires_on",
        )
    booked = _made(entry, "pending", None, expires_on)
    append(conn, not_yet_recorded(conn, [booked]), recorded_at)
    return booked


def confirm(conn: Connection, idempotency_key: str, date: str, recorded_at: str, narrative: str = "") -> JournalEntry:
    """Posts what a pending entry announced.

    Args:
        conn: inside `Store.write`.
        idempotency_key: of the pending entry.
        date: accounting date on which it counts, from the pending entry's own to its last day.
        recorded_at: when this enters the books, UTC.
        narrative: why; "" repeats the pending entry's own words.

    Returns:
        The entry that counts now, with the key "confirm:<key>".

    Raises:
        NotFoundError: no pending entry has that key.
        ConflictError: it was voided, was confirmed in other words, or its last day is over.
        InputError: a value that cannot be used.
    """
    waiting = _waiting(conn, idempotency_key)
    if waiting.expires_on is not None and check_date(date) > waiting.expires_on:
        raise ConflictError(
            f"'{idempotency_key}' could be confirmed until {waiting.expires_on}, and {date} is later",
            remedy="Void it and announce it again.",
            field="date",
        )
    return _settle(conn, waiting, "confirmed", date, recorded_at, narrative or waiting.entry.narrative).entry


def void(conn: Connection, idempotency_key: str, date: str, recorded_at: str, narrative: str) -> Booked:
    """Takes back what a pending entry announced; nothing is posted.

    Raises:
        NotFoundError: no pending entry has that key.
        ConflictError: it was confirmed, or was voided in other words.
        InputError: a value that cannot be used.
    """
    return _settle(conn, _waiting(conn, idempotency_key), "voided", date, recorded_at, narrative)


def void_expired(conn: Connection, on: str, recorded_at: str) -> list[str]:
    """Voids every pending entry whose last day lies before `on` (YYYY-MM-DD), and returns their keys."""
    check_date(on)
    late = [one for one in pending_entries(conn) if one.expires_on is not None and one.expires_on < on]
    voided = [
        _settlement(one, "voided", on, f"Not confirmed until {one.expires_on}, which was its last day") for one in late
    ]
    append(conn, voided, recorded_at)
    return [one.entry.idempotency_key for one in late]


def pending_entries(conn: Connection) -> list[Booked]:
    """The entries that still wait, in the order in which they were announced."""
    everything = journal(conn)
    settled = {one.settles for one in everything}
    return [one for one in everything if one.kind == "pending" and one.entry.entry_id not in settled]


def _waiting(conn: Connection, idempotency_key: str) -> Booked:
    booked = find_booked(conn, idempotency_key)
    if booked is None or booked.kind != "pending":
        raise NotFoundError(
            f"no pending entry has the key '{idempotency_key}'",
            remedy="Announce it with post_pending first; what is posted at once needs no confirmation.",
            field="idempotency_key",
        )
    return booked


def _settle(conn: Connection, waiting: Booked, kind: Kind, date: str, recorded_at: str, narrative: str) -> Booked:
    settlement = _settlement(waiting, kind, date, narrative)
    select = "SELECT kind, idempotency_key, entry_id FROM journal_entries"
    for recorded_kind, key, entry_id in rows_with(conn, select, "settles", [waiting.entry.entry_id]):
        if entry_id == settlement.entry.entry_id:
            return settlement
        raise ConflictError(
            f"'{waiting.entry.idempotency_key}' was already {recorded_kind} by '{key}'",
            remedy="A pending entry is settled once; reverse what was confirmed, or announce again.",
            field="idempotency_key",
        )
    append(conn, not_yet_recorded(conn, [settlement]), recorded_at)
    return settlement


def _settlement(waiting: Booked, kind: Kind, date: str, narrative: str) -> Booked:
    if check_date(date) < waiting.entry.date:
        raise InputError(
            f"{date} lies before {waiting.entry.date}, the date of what waits",
            remedy=f"Date it {waiting.entry.date} or later.",
            field="date",
        )
    check_narrative(narrative)
    verb = "confirm" if kind == "confirmed" else "void"
    postings = waiting.entry.postings if kind == "confirmed" else ()
    entry = JournalEntry("", f"{verb}:{waiting.entry.idempotency_key}", date, narrative, postings)
    return _made(entry, kind, waiting.entry.entry_id, None)


def _made(entry: JournalEntry, kind: Kind, settles: str | None, expires_on: str | None) -> Booked:
    entry_id = content_id(
        entry.idempotency_key,
        entry.date,
        entry.narrative,
        entry.postings,
        entry.reverses,
        kind=kind,
        settles=settles,
        expires_on=expires_on,
    )
    return Booked(replace(entry, entry_id=entry_id), kind, settles, expires_on)
