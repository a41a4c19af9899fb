"""A period closes: usage and credits become exact money, statements and a receipt.

Everything in the books happens in one database transaction: the journal entry, the close and the statements are all
there, or none is. Files and the period's receipt follow; closing again writes those that a crash kept from being
written, and changes nothing else.
"""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from endcredits import durable
from endcredits.attribution import attributions_of
from endcredits.canonical import digest
from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.flows.attributing import complete_receipts
from endcredits.flows.clock import now
from endcredits.flows.studio import Studio
from endcredits.ids import PartyId, plain_id, slug
from endcredits.ledger import JournalEntry, balances, entries, export_beancount, export_hledger, post
from endcredits.payouts import (
    Statement,
    save_statements,
    statement_html,
    statement_json,
    statement_markdown,
    statements,
    statements_for_period,
)
from endcredits.receipts import Item, Receipt, issue, load_receipt, receipt_path
from endcredits.royalties import (
    FIFTY_FIFTY,
    PAYABLE_PREFIX,
    Added,
    BookedClose,
    PeriodClose,
    Policy,
    UsageEvent,
    add_usage,
    close_period,
    find_close,
    must_follow,
    period_entry,
    save_close,
    usage,
)
from endcredits.works import Work, parties, works

PERIOD_LENGTH_MAX = 100
"""Longest name of a period, in characters; "statement:<period>:<currency>:..." must still be an id."""


@dataclass(frozen=True, slots=True)
class ClosedPeriod:
    """A closed period with what followed from it.

    Attributes:
        close: the allocation.
        close_digest: of it.
        entry_id: the journal entry, "" when nothing was earned.
        statements: one per payee and currency.
        receipt: of the period.
        folder: where the statements' files are.
        was_closed: whether it had been closed before this call.
    """

    close: PeriodClose
    close_digest: str
    entry_id: str
    statements: tuple[Statement, ...]
    receipt: Receipt
    folder: Path
    was_closed: bool


def record_usage(studio: Studio, events: Sequence[UsageEvent]) -> Added:
    """Records usage events of attributed outputs: all of them, or none.

    Raises:
        NotFoundError: an event names an output that was never attributed.
        ConflictError: an event's id is taken, or its period is closed.
    """

    def work(conn: Connection) -> Added:
        known = attributions_of(conn, [event.output_id for event in events])
        for event in events:
            if event.output_id not in known:
                raise NotFoundError(
                    f"the usage event '{event.event_id}' names the output '{event.output_id}', which was never attributed",
                    remedy="Attribute the output first (endcredits attribute).",
                    field="output_id",
                )
        return add_usage(conn, events)

    return studio.store.write(work)


def days_of(period_id: str, starts_on: str = "", ends_on: str = "") -> tuple[str, str]:
    """First and last day of a period; a period named YYYY-MM is that month.

    >>> days_of("2026-02")
    ('2026-02-01', '2026-02-28')

    Raises:
        InputError: another name and no days, one day without the other, days that are none, or a month with other days.
    """
    match = re.fullmatch(r"([0-9]{4})-([0-9]{2})", period_id)
    if starts_on or ends_on:
        days = _own_days(starts_on, ends_on)
        if match and days != days_of(period_id):
            raise InputError(
                f"'{period_id}' names a month, and {days[0]} to {days[1]} are other days",
                remedy="Give the period another name, such as spring, or leave out --from and --to.",
                field="period",
            )
        return days
    if not match or not 1 <= int(match[2]) <= 12 or int(match[1]) < 1:
        raise InputError(
            f"'{period_id}' is not a month",
            remedy="Name a month (2026-11), or give the first and the last day with --from and --to.",
            field="period",
        )
    last = calendar.monthrange(int(match[1]), int(match[2]))[1]
    return f"{period_id}-01", f"{period_id}-{last:02d}"


def _own_days(starts_on: str, ends_on: str) -> tuple[str, str]:
    for option, day in (("--from", starts_on), ("--to", ends_on)):
        try:
            # fromisoformat also reads 20261120, which would sort wrongly as a text.
            if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day):
                raise ValueError(day)
            datetime.date.fromisoformat(day)
        except ValueError as error:
            raise InputError(
                f"'{day}' is not a day" if day else "a period of your own needs its first and its last day",
                remedy="Give both --from and --to, written YYYY-MM-DD.",
                field=option,
            ) from error
    if starts_on > ends_on:
        raise InputError(
            f"the period ends on {ends_on}, before it starts on {starts_on}", remedy="Exchange the two days.", field="--to"
        )
    return starts_on, ends_on


def close(
    studio: Studio, period_id: str, *, starts_on: str = "", ends_on: str = "", policy: Policy | None = None
) -> ClosedPeriod:
    """Closes a period, once. Asking again with the same policy returns the same close.

    Raises:
        InputError: the name or the days cannot be used, there is no usage in the period, or its last day is not over.
        ConflictError: it is closed under another policy or other days, a later period is closed, earlier usage is in no
            closed period, or another process won.
        IntegrityError: the log of receipts is missing.
    """
    if len(plain_id(period_id, what="period")) > PERIOD_LENGTH_MAX:
        raise InputError(
            f"the period's name '{period_id[:40]}...' is too long",
            remedy=f"Use at most {PERIOD_LENGTH_MAX} characters: other ids are made from it.",
            field="period",
        )
    first, last = days_of(period_id, starts_on, ends_on)
    chosen = policy or FIFTY_FIFTY
    if last >= now()[:10]:
        raise InputError(
            f"the period '{period_id}' ends on {last}, which is not over in UTC",
            remedy="Close the days up to yesterday with --from and --to, or wait.",
            field="period",
        )
    studio.log()  # without it nothing could be proven, so nothing is booked
    was_closed = studio.store.write(lambda conn: _close_in_books(conn, period_id, first, last, chosen))
    return _finish(studio, period_id, was_closed)


def _close_in_books(conn: Connection, period_id: str, first: str, last: str, policy: Policy) -> bool:
    standing = find_close(conn, period_id)
    if standing is not None:
        asked = (first, last, policy)
        if (standing.close.starts_on, standing.close.ends_on, standing.close.policy) != asked:
            raise ConflictError(
                f"the period '{period_id}' is closed already, from {standing.close.starts_on} to "
                f"{standing.close.ends_on} under the policy '{standing.close.policy.name}'",
                remedy="A closed period is never reopened; book a correction in the next one.",
                field="period",
            )
        return True
    must_follow(conn, first, last)
    events = usage(conn, first, last)
    if not events:
        raise InputError(
            f"there is no usage from {first} to {last}", remedy="Record usage first (endcredits usage add).", field="period"
        )
    registered = {work.work_id: work for work in works(conn)}
    _check_right(policy.right, registered.values())
    by_output = attributions_of(conn, [event.output_id for event in events])
    closed = close_period(period_id, first, last, events, by_output, registered, policy)
    entry = period_entry(closed)
    opening = _owed(conn)
    if entry is not None:
        post(conn, entry)
    entry_id = entry.entry_id if entry is not None else None
    save_close(conn, closed, entry_id)
    names = {party_id: party.name for party_id, party in parties(conn).items()}
    titles = {work_id: work.title for work_id, work in registered.items()}
    save_statements(conn, statements(closed, digest(closed), entry_id or "", titles, names, opening))
    return False


def _check_right(right: str, registered: Iterable[Work]) -> None:
    """Refuses a right that nobody has: a misspelt one would put the whole pool in suspense."""
    known = sorted({split.right for work in registered for split in work.splits})
    if known and right not in known:
        raise InputError(
            f"no registered work has splits for the right '{right}'",
            remedy=f"Correct the policy's right; there are splits for: {', '.join(known)}.",
            field="right",
        )


def _owed(conn: Connection) -> dict[tuple[PartyId, str], int]:
    """What every payee is owed now, in micros; owed money is a credit balance, which the ledger writes as negative."""
    return {
        (PartyId(account.removeprefix(PAYABLE_PREFIX)), currency): -micros
        for (account, currency), micros in balances(conn, PAYABLE_PREFIX).items()
    }


def _finish(studio: Studio, period_id: str, was_closed: bool, *, only_missing: bool = False) -> ClosedPeriod:
    """Writes what a closed period shows to the world: statements, journal exports, receipt.

    With `only_missing` a receipt that is there is not asked for again, so that readers need neither the log's key nor
    their turn at writing to it.
    """
    with studio.store.reading() as conn:
        booked = find_close(conn, period_id)
        assert booked is not None
        issued = statements_for_period(conn, period_id)
        journal = entries(conn)
        events = usage(conn, booked.close.starts_on, booked.close.ends_on)
        counted = attributions_of(conn, [event.output_id for event in events])
    for path, data in period_files(studio, booked, issued, journal).items():
        if not path.exists() or path.read_bytes() != data:
            durable.write_atomic(path, data)
    if not only_missing:
        complete_receipts(studio, counted.values())  # a period's receipt comes after those of its outputs
    name = receipt_id_of(period_id)
    kept = receipt_path(studio.receipts, name)
    if only_missing and kept.exists():
        receipt = load_receipt(kept)
    else:
        item = Item(name, "period.receipt", name, period_body(booked, issued, journal))
        (receipt,) = issue(studio.log(), studio.receipts, [item], now())
    folder = period_folder(studio, period_id)
    return ClosedPeriod(booked.close, booked.close_digest, booked.entry_id or "", issued, receipt, folder, was_closed)


def period_folder(studio: Studio, period_id: str) -> Path:
    """Where a period's files are; two periods never share a folder."""
    name = slug(period_id)
    return studio.path / "statements" / (name if name == period_id else f"{name}-{digest(period_id)[:8]}")


def period_files(
    studio: Studio, booked: BookedClose, issued: Sequence[Statement], journal: Sequence[JournalEntry]
) -> dict[Path, bytes]:
    """A closed period's files: its statements in three forms, and the journal as it stood when it was booked.

    Args:
        studio: whose folder they lie in.
        booked: the close.
        issued: its statements.
        journal: all entries, in the order of posting; those after the period's own are left out, so that later periods
            change nothing here. A period that earned nothing booked nothing and has no journal.
    """
    folder = period_folder(studio, booked.close.period_id)
    files: dict[Path, bytes] = {}
    for statement in issued:
        name = statement_name(statement)
        files[folder / f"{name}.json"] = statement_json(statement).encode()
        files[folder / f"{name}.md"] = statement_markdown(statement).encode()
        files[folder / f"{name}.html"] = statement_html(statement).encode()
    position = next((number for number, entry in enumerate(journal) if entry.entry_id == booked.entry_id), None)
    if position is not None:
        files[folder / "journal.hledger"] = export_hledger(journal[: position + 1]).encode()
        files[folder / "journal.beancount"] = export_beancount(journal[: position + 1]).encode()
    return files


def period_body(booked: BookedClose, issued: Sequence[Statement], journal: Sequence[JournalEntry]) -> dict[str, Any]:
    """What a period's receipt says: sums and digests, and no name in plain words."""
    entry = next((entry for entry in journal if entry.entry_id == booked.entry_id), None)
    sums = (
        "currency",
        "revenue_micros",
        "operator_micros",
        "pool_micros",
        "allocated_micros",
        "suspense_micros",
        "commons_micros",
        "rounding_carry_micros",
    )
    return {
        "period_id": booked.close.period_id,
        "starts_on": booked.close.starts_on,
        "ends_on": booked.close.ends_on,
        "close_digest": booked.close_digest,
        "policy": booked.close.policy,
        "policy_digest": booked.close.policy_digest,
        "events_digest": booked.close.events_digest,
        "attributions_digest": booked.close.attributions_digest,
        "splits_digest": booked.close.splits_digest,
        "entry_digest": digest(entry) if entry is not None else "",
        "pools": [{name: getattr(pool, name) for name in sums} for pool in booked.close.pools],
        # A statement's id is a digest: it holds no name, but whoever guesses a payee's name can confirm the guess by it.
        "statements": [{"statement_id": s.statement_id, "sha256": digest(s)} for s in issued],
    }


def receipt_id_of(period_id: str) -> str:
    """The id of a period's receipt."""
    return f"period:{period_id}"


def find_period(studio: Studio, period_id: str) -> ClosedPeriod:
    """A closed period, with its files and receipt complete.

    Raises:
        NotFoundError: it is not closed.
    """
    with studio.store.reading() as conn:
        if find_close(conn, period_id) is None:
            raise NotFoundError(
                f"the period '{period_id}' is not closed", remedy="Close it: endcredits period close.", field="period"
            )
    return _finish(studio, period_id, True, only_missing=True)


def statement_name(statement: Statement) -> str:
    """File name of a statement, without its suffix: readable, and different for different payees."""
    return f"{slug(statement.payee)}-{statement.currency}-{digest(statement.party_id)[:8]}"
