"""A period closes: usage and credits become exact money, statements and a receipt.

Everything in the books happens in one database transaction: the journal entry, the close and the statements are all
there, or none is. Files and the period's receipt follow; closing again writes those that a crash kept from being
written, and changes nothing else.
"""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import Connection

from endcredits import durable
from endcredits.attribution import attributions
from endcredits.canonical import canonical_bytes, digest
from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.flows.clock import now
from endcredits.flows.studio import Studio
from endcredits.ids import PartyId, slug
from endcredits.ledger import balances, entries, export_beancount, export_hledger, find_by_id, post
from endcredits.payouts import (
    Statement,
    save_statements,
    statement_html,
    statement_json,
    statement_markdown,
    statements,
    statements_for_period,
)
from endcredits.receipts import Item, Receipt, issue
from endcredits.royalties import (
    FIFTY_FIFTY,
    PAYABLE_PREFIX,
    Added,
    PeriodClose,
    Policy,
    UsageEvent,
    add_usage,
    close_period,
    find_close,
    period_entry,
    save_close,
    usage,
)
from endcredits.works import parties, works


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
        known = {attribution.output_id for attribution in attributions(conn)}
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
        InputError: another name and no days.
    """
    match = re.fullmatch(r"(\d{4})-(\d{2})", period_id)
    if starts_on and ends_on:
        return starts_on, ends_on
    if not match or not 1 <= int(match[2]) <= 12 or int(match[1]) < 1:
        raise InputError(
            f"'{period_id}' is not a month",
            remedy="Name a month (2026-11), or give the first and the last day with --from and --to.",
            field="period",
        )
    last = calendar.monthrange(int(match[1]), int(match[2]))[1]
    return f"{period_id}-01", f"{period_id}-{last:02d}"


def close(
    studio: Studio, period_id: str, *, starts_on: str = "", ends_on: str = "", policy: Policy | None = None
) -> ClosedPeriod:
    """Closes a period, once. Asking again with the same policy returns the same close.

    Raises:
        InputError: there is no usage in the period, or its last day is still to come.
        ConflictError: it is closed under another policy or other days, or another process won.
    """
    first, last = days_of(period_id, starts_on, ends_on)
    chosen = policy or FIFTY_FIFTY
    if last > datetime.datetime.now(datetime.UTC).date().isoformat():
        raise InputError(
            f"the period '{period_id}' ends on {last}, which is still to come",
            remedy="Wait until it is over, or close the days so far with --from and --to.",
            field="period",
        )
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
    events = usage(conn, first, last)
    if not events:
        raise InputError(
            f"there is no usage from {first} to {last}", remedy="Record usage first (endcredits usage add).", field="period"
        )
    registered = {work.work_id: work for work in works(conn)}
    by_output = {attribution.output_id: attribution for attribution in attributions(conn)}
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


def _owed(conn: Connection) -> dict[tuple[PartyId, str], int]:
    """What every payee is owed now, in micros; owed money is a credit balance, which the ledger writes as negative."""
    return {
        (PartyId(account.removeprefix(PAYABLE_PREFIX)), currency): -micros
        for (account, currency), micros in balances(conn, PAYABLE_PREFIX).items()
    }


def _finish(studio: Studio, period_id: str, was_closed: bool) -> ClosedPeriod:
    """Writes what a closed period shows to the world: statements, journal exports, receipt."""
    with studio.store.reading() as conn:
        booked = find_close(conn, period_id)
        assert booked is not None
        issued = statements_for_period(conn, period_id)
        entry = find_by_id(conn, booked.entry_id) if booked.entry_id else None
        journal = entries(conn)
    folder = studio.path / "statements" / slug(period_id)
    for statement in issued:
        name = statement_name(statement)
        durable.write_atomic(folder / f"{name}.json", statement_json(statement).encode())
        durable.write_atomic(folder / f"{name}.md", statement_markdown(statement).encode())
        durable.write_atomic(folder / f"{name}.html", statement_html(statement).encode())
    durable.write_atomic(folder / "journal.hledger", export_hledger(journal).encode())
    durable.write_atomic(folder / "journal.beancount", export_beancount(journal).encode())
    body = {
        "period_id": period_id,
        "starts_on": booked.close.starts_on,
        "ends_on": booked.close.ends_on,
        "close_digest": booked.close_digest,
        "policy": booked.close.policy,
        "policy_digest": booked.close.policy_digest,
        "events_digest": booked.close.events_digest,
        "attributions_digest": booked.close.attributions_digest,
        "splits_digest": booked.close.splits_digest,
        "entry_digest": digest(entry) if entry is not None else "",
        "pools": [
            {
                "currency": pool.currency,
                "revenue_micros": pool.revenue_micros,
                "operator_micros": pool.operator_micros,
                "pool_micros": pool.pool_micros,
                "allocated_micros": pool.allocated_micros,
                "suspense_micros": pool.suspense_micros,
                "commons_micros": pool.commons_micros,
                "rounding_carry_micros": pool.rounding_carry_micros,
            }
            for pool in booked.close.pools
        ],
        # A statement's id is opaque and its digest is of a document with balances: neither names anybody.
        "statements": [{"statement_id": s.statement_id, "sha256": digest(s)} for s in issued],
    }
    name = f"period:{period_id}"
    (receipt,) = issue(studio.log(), studio.receipts, [Item(name, "period.receipt", name, body)], now())
    return ClosedPeriod(
        booked.close, booked.close_digest, booked.entry_id or "", issued, receipt, folder, was_closed
    )


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
    return _finish(studio, period_id, True)


def statement_name(statement: Statement) -> str:
    """File name of a statement, without its suffix: readable, and different for different payees."""
    return f"{slug(statement.payee)}-{statement.currency}-{digest(statement.party_id)[:8]}"


def statement_bytes(statement: Statement) -> bytes:
    """The canonical document, as its digest in the period's receipt covers it."""
    return canonical_bytes(statement)
