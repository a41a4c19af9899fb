"""Checks of the recorded closes: that the rows are what was written, that the sums hold, that recomputing agrees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.attribution import Attribution
from endcredits.canonical import canonical_bytes, digest, sha256_bytes
from endcredits.errors import InputError, IntegrityError
from endcredits.ids import OutputId, WorkId
from endcredits.ledger import find_by_id
from endcredits.royalties.book import usage
from endcredits.royalties.close import close_period
from endcredits.royalties.documents import parse_close
from endcredits.royalties.invariants import problems
from endcredits.royalties.posting import period_entry
from endcredits.royalties.records import PeriodClose, UsageEvent
from endcredits.royalties.tables import period_closes, usage_events
from endcredits.store import Finding, check_rows, many
from endcredits.works import Work


def check_royalties(conn: Connection) -> list[Finding]:
    """Checks all usage events and closes.

    Every row fits its digest; every close fits its own digest and columns, counts exactly the events recorded for its
    days, adds up to the unit, and names the journal entry that follows from it.
    """
    findings = check_rows(conn, usage_events) + check_rows(conn, period_closes)
    for row in many(conn, sa.select(period_closes).order_by(period_closes.c.starts_on)):
        findings += [Finding(f"period {row['period_id']}", problem) for problem in _of_row(conn, row)]
    return findings


def _of_row(conn: Connection, row: Mapping[str, Any]) -> Iterator[str]:
    if sha256_bytes(row["document"].encode()) != row["close_digest"]:
        yield "the document does not fit its digest"
    try:
        close = parse_close(row["document"])
        events = usage(conn, close.starts_on, close.ends_on)
    except (IntegrityError, InputError) as error:
        yield error.message
        return
    if any(getattr(close, name) != row[name] for name in ("period_id", "starts_on", "ends_on")):
        yield "the document and its row name different periods"
    if digest(events) != close.events_digest:
        yield "the usage events recorded for its days are not those that it counted"
    found = problems(close)
    yield from found
    if not found:
        entry = period_entry(close)
        if (entry.entry_id if entry else None) != row["entry_id"]:
            yield "the journal entry named is not the one that follows from it"
        elif entry and find_by_id(conn, entry.entry_id) != entry:
            yield f"its journal entry {entry.entry_id} is not in the books as it was made"


def replay_close(
    close: PeriodClose,
    events: Iterable[UsageEvent],
    attributions: Mapping[OutputId, Attribution],
    works: Mapping[WorkId, Work],
) -> list[Finding]:
    """Closes a period once more from its inputs and compares the bytes.

    Args:
        close: as recorded.
        events: usage events, at least those of the period.
        attributions: by output.
        works: by id, with their splits.

    Returns:
        Empty when the result is the same to the byte; otherwise which inputs or results differ.
    """
    where = f"period {close.period_id}"
    try:
        again = close_period(close.period_id, close.starts_on, close.ends_on, events, attributions, works, close.policy)
    except InputError as error:
        return [Finding(where, f"it cannot be computed again: {error.message}")]
    if canonical_bytes(again) == canonical_bytes(close):
        return []
    names = {
        "policy_digest": "the policy's digest",
        "events_digest": "the usage events",
        "attributions_digest": "the attributions",
        "splits_digest": "the splits in force",
        "pools": "the amounts",
    }
    changed = [words for name, words in names.items() if getattr(again, name) != getattr(close, name)]
    return [Finding(where, f"computing it again gives another result: {', '.join(changed)} differ")]
