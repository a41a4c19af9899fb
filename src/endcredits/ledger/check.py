"""Reading the books again from the raw rows, trusting nothing that was true when they were written.

A hand that reaches around the triggers can change a value (its digest no longer fits), forge a whole row (the entry's
id or balance no longer fits), or take rows out (a gap in the numbers). Each is named, and the check goes on to the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.errors import InputError
from endcredits.ledger import tables
from endcredits.ledger.book import entries
from endcredits.ledger.entry import content_id, make_entry, mirror
from endcredits.ledger.records import JournalEntry
from endcredits.store import Finding, check_rows


def check_books(conn: Connection) -> list[Finding]:
    """Checks every row, every entry, and how they hang together.

    Returns:
        What is wrong, row digests first; empty when the books are as they were written.
    """
    recorded = entries(conn)
    return [
        *check_rows(conn, tables.journal_entries),
        *check_rows(conn, tables.postings),
        *_check_numbers(conn),
        *_check_positions(conn),
        *(finding for entry in recorded for finding in _check_entry(entry)),
        *_check_reversals(recorded),
    ]


def _check_numbers(conn: Connection) -> Iterator[Finding]:
    column = tables.journal_entries.c.number
    expected = 1
    for number in conn.scalars(sa.select(column).order_by(column)).all():
        if number != expected:
            yield Finding("database table journal_entries", f"number {number} stands where number {expected} belongs")
            expected = number if isinstance(number, int) else expected
        expected += 1


def _check_positions(conn: Connection) -> Iterator[Finding]:
    known = set(conn.scalars(sa.select(tables.journal_entries.c.entry_id)))
    query = sa.select(tables.postings.c.entry_id, tables.postings.c.position)
    of_entry: dict[str, list[int]] = {}
    for entry_id, position in conn.execute(query.order_by(*query.selected_columns)).all():
        of_entry.setdefault(entry_id, []).append(position)
    for entry_id, positions in of_entry.items():
        if entry_id not in known:
            yield Finding(f"postings of {entry_id}", "there is no such entry")
        if positions != list(range(1, len(positions) + 1)):
            yield Finding(f"postings of {entry_id}", f"their positions are {positions}, not 1 to {len(positions)}")


def _check_entry(entry: JournalEntry) -> Iterator[Finding]:
    where = f"journal entry {entry.entry_id} ('{entry.idempotency_key}')"
    if not entry.postings:
        yield Finding(where, "it has no postings")
        return
    try:
        # Says what breaks a rule of book-keeping: balance, accounts, currencies, dates.
        made = make_entry(entry.idempotency_key, entry.date, entry.narrative, entry.postings, entry.reverses)
    except InputError as error:
        yield Finding(where, error.message)
    else:
        if made.postings != entry.postings:
            yield Finding(where, "its postings are not in the one order and spelling")
    expected = content_id(entry.idempotency_key, entry.date, entry.narrative, entry.postings, entry.reverses)
    if expected != entry.entry_id:
        yield Finding(where, f"its content belongs to the id {expected}")


def _check_reversals(recorded: Sequence[JournalEntry]) -> Iterator[Finding]:
    by_id = {entry.entry_id: entry for entry in recorded}
    times_undone = Counter(entry.reverses for entry in recorded if entry.reverses is not None)
    for entry_id, times in times_undone.items():
        if times > 1:
            yield Finding(f"journal entry {entry_id}", f"it is undone {times} times")
    for entry in recorded:
        if entry.reverses is None:
            continue
        where = f"journal entry {entry.entry_id} ('{entry.idempotency_key}')"
        undone = by_id.get(entry.reverses)
        if undone is None:
            yield Finding(where, f"it undoes {entry.reverses}, which is not in the books")
        elif entry.postings != _mirror_or_empty(undone):
            yield Finding(where, f"it is not the mirror image of {entry.reverses}, which it undoes")


def _mirror_or_empty(entry: JournalEntry) -> tuple[object, ...]:
    # A damaged row may hold a text for an amount, which has no opposite.
    try:
        return mirror(entry.postings)
    except TypeError:
        return ()
