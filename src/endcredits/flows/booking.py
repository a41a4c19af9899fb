"""A computed close is booked: contracts are settled, entries posted, close and statements kept, in one transaction.

What a statement says beside the close is asked from the books (`stood`) and from the catalogue (`names_of`); making the
statements of it needs neither (`statements_of`), so that an auditor makes the same ones from a published period.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import Connection

from endcredits.attribution import attributions_of
from endcredits.flows.measured import measured_by
from endcredits.flows.stood import LAST_ENTRY, Before, gathered
from endcredits.ids import OutputId, PartyId, WorkId
from endcredits.ledger import JournalEntry, post
from endcredits.payouts import (
    Facts,
    Payee,
    Statement,
    StatementLevy,
    WorkName,
    read_earned_lines,
    save_statements,
    statements,
)
from endcredits.payouts.earned import EarnedLine
from endcredits.royalties import (
    PeriodClose,
    close_entry,
    levies_of,
    line_sums,
    lines_of,
    save_close,
    settle_entry,
)
from endcredits.works import parties, works

__all__ = ["LAST_ENTRY", "Before", "Names", "book_close", "gathered", "make_statements", "names_of", "statements_of"]


@dataclass(frozen=True, slots=True)
class Names:
    """What statements call people, works and measurements.

    Attributes:
        payees: names of parties.
        titles: of works.
        methods: asked with some outputs, by which methods they were attributed.
    """

    payees: Mapping[PartyId, str]
    titles: Mapping[WorkId, str]
    methods: Callable[[Sequence[OutputId]], set[str]]


def book_close(conn: Connection, close: PeriodClose, close_digest: str, folder: Path, *, cut_off: int, at: str) -> int:
    """Books a computed close.

    Args:
        conn: in a writing transaction.
        close: as computed.
        close_digest: of its document.
        folder: holds its tables and its frozen inputs.
        cut_off: number of the last report that it looked at.
        at: UTC time.

    Returns:
        The number of the last journal entry before it, to be kept with the approval (`LAST_ENTRY`).

    Raises:
        ConflictError: the period is closed otherwise, or a later one is.
        IntegrityError: lines, totals or accounts do not fit each other.
        InputError: a payee or work has no name.
    """
    before = gathered(conn, close, folder)
    entry, settled = entries_of(close, folder, before)
    for one in (entry, settled):
        if one is not None:
            post(conn, one, at)
    save_close(conn, close, entry.entry_id if entry else None, cut_off=cut_off)
    save_statements(conn, make_statements(conn, close, close_digest, folder, before, (entry, settled), at[:10]))
    return before.last_entry


def entries_of(close: PeriodClose, folder: Path, before: Before) -> tuple[JournalEntry | None, JournalEntry | None]:
    """The journal entries of a close and of its settlement; None where nothing is to be booked."""
    return close_entry(close, line_sums(lines_of(folder))), settle_entry(close.period_id, before.settlements, close.ends_on)


def make_statements(
    conn: Connection,
    close: PeriodClose,
    close_digest: str,
    folder: Path,
    before: Before,
    entries: Sequence[JournalEntry | None],
    issued_on: str,
) -> Iterator[Statement]:
    """The statements of a close, by party and currency."""
    return statements_of(close, close_digest, folder, before, entries, issued_on, names_of(conn), read_earned_lines(folder))


def names_of(conn: Connection) -> Names:
    """The names that the catalogue knows."""

    def methods(output_ids: Sequence[OutputId]) -> set[str]:
        return {one.method for one in attributions_of(conn, output_ids).values()}

    titles = {work.work_id: work.title for work in works(conn)}
    return Names({party_id: party.name for party_id, party in parties(conn).items()}, titles, methods)


def statements_of(
    close: PeriodClose,
    close_digest: str,
    folder: Path,
    before: Before,
    entries: Sequence[JournalEntry | None],
    issued_on: str,
    names: Names,
    earned: Iterable[EarnedLine],
) -> Iterator[Statement]:
    """The statements of a close from what stood before it and from names, without the books.

    Args:
        close: the close.
        close_digest: of its document.
        folder: holds its tables and its frozen inputs.
        before: what stood, and what contracts make of it.
        entries: that booked it.
        issued_on: the day of issue.
        names: of parties and works.
        earned: its lines by party.
    """
    facts = Facts(
        issued_on=issued_on,
        # A fund of an earlier policy may still be owed something; it is called by its id like those of this one.
        payees={party_id: Payee(party_id) for party_id, _ in before.standings} | with_funds(names.payees, close),
        works={work_id: WorkName(title) for work_id, title in names.titles.items()},
        settlements={(one.party_id, one.currency): one for one in before.settlements},
        standings=before.standings,
        days=before.days,
        levies=levies_by_payee(close),
        # How shares were measured: the methods of the outputs used, and each work's relative error over the period.
        measured=measured_by(close, folder, names.methods),
        entry_ids=tuple(entry.entry_id for entry in entries if entry is not None),
    )
    return statements(close, close_digest, earned, facts)


def with_funds(names: Mapping[PartyId, str], close: PeriodClose) -> dict[PartyId, Payee]:
    """The names of all parties; funds and societies that a policy pays and no work names are called by their ids."""
    funds = {
        name
        for one in (close.policy, *(policy for adjusted in close.adjusted for policy in adjusted.policies))
        for name in (*(levy.party_id for levy in one.levies), *(part.party_id for pool in one.pools for part in pool.parts))
    }
    named = {PartyId(one): Payee(one) for one in sorted(funds) if one}
    return named | {party_id: Payee(name) for party_id, name in names.items()}


def levies_by_payee(close: PeriodClose) -> dict[tuple[PartyId, str], tuple[StatementLevy, ...]]:
    """What funds got by levies, by fund and currency."""
    found: dict[tuple[PartyId, str], list[StatementLevy]] = defaultdict(list)
    for levy in levies_of(close):
        found[PartyId(levy.party_id), levy.currency].append(
            StatementLevy(levy.name, levy.base_micros, levy.share_ppb, levy.amount_micros)
        )
    return {account: tuple(levies) for account, levies in found.items()}
