"""A computed close is booked: contracts are settled, entries posted, close and statements kept, in one transaction.

What a statement says beside the close (names, what stood before, what was paid since) is gathered here from the other rooms,
and can be gathered again as it was then: everything is asked up to the entries of the close, not up to today.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.engine import Connection

from endcredits.attribution import attributions_of
from endcredits.flows.measured import measured_by
from endcredits.ids import OutputId, PartyId, WorkId
from endcredits.ledger import Booked, JournalEntry, balances, find_booked, post
from endcredits.ledger.book import entries_between
from endcredits.payouts import (
    Facts,
    Measurement,
    PaidOut,
    Payee,
    Standing,
    Statement,
    StatementLevy,
    WorkName,
    documents_for_period,
    parse_statement,
    read_earned_lines,
    save_statements,
    statements,
)
from endcredits.royalties import (
    PAYABLE_PREFIX,
    Contract,
    Earning,
    Hold,
    PeriodClose,
    Policy,
    Settlement,
    anomalies,
    close_entry,
    closes,
    contracts_on,
    earnings,
    levies_of,
    line_sums,
    lines_of,
    read_frozen,
    save_close,
    settle,
    settle_entry,
    standing,
    standing_of,
    steps_of,
)
from endcredits.works import parties, works

PAYMENTS = {
    "pay:": "booked by hand",
    "payout:sent:": "payout batch",
    "payout:returned:": "payment that came back",
    "advance:": "advance",
    "release:": "released from where it waited",
    "unclaimed:": "set aside as unclaimed",
    "reverse:": "correction, undone",
    "close.": "correction, booked anew",
    "settle.": "correction, booked anew",
}
"""What the idempotency keys begin with of all that moves a payee's account between two statements, and the words for it.
What adds to what is owed (what came back, was released or corrected) stands with its sign turned, so that the opening
balance is what the statement before closed with."""

LAST_ENTRY = "last_entry"
"""The fact of an approval that says after which journal entry the close was booked: also one that booked no entry itself has
a place in the books."""


@dataclass(frozen=True, slots=True)
class Before:
    """What the books and statements held before a close was booked.

    Attributes:
        contracts: in force on the period's last day.
        settlements: what they make of the close.
        standings: payees' accounts.
        days: first and last day of earlier periods.
        last_entry: number of the last journal entry before it, 0 for none.
    """

    contracts: tuple[Contract, ...]
    settlements: tuple[Settlement, ...]
    standings: Mapping[tuple[PartyId, str], Standing]
    days: Mapping[str, tuple[str, str]]
    last_entry: int


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
    entry = close_entry(close, line_sums(lines_of(folder)))
    settled = settle_entry(close.period_id, before.settlements, close.ends_on)
    for one in (entry, settled):
        if one is not None:
            post(conn, one, at)
    save_close(conn, close, entry.entry_id if entry else None, cut_off=cut_off)
    save_statements(conn, make_statements(conn, close, close_digest, folder, before, (entry, settled), at[:10]))
    return before.last_entry


def gathered(conn: Connection, close: PeriodClose, folder: Path) -> Before:
    """What stood before a close was booked; the same before and after it."""
    booked_after = _booked_after(conn, close.period_id)
    stood = balances(conn) if booked_after is None else _balances_until(conn, booked_after)
    contracts = contracts_on(conn, close.ends_on)
    earned = _with_levies(earnings(close, lines_of(folder), contracts), close)
    earlier = [one.close for one in closes(conn) if one.close.ends_on < close.starts_on]
    since = _booked_to(conn, earlier[-1].period_id) if earlier else 0
    moved = entries_between(conn, since + 1, 2**62 if booked_after is None else booked_after)
    settlements = settle(
        earned,
        contracts,
        standing_of(stood),
        close.ends_on,
        _held(conn, close, folder, earlier),
    )
    named = defaultdict[tuple[PartyId, str], list[str]](list)
    for contract in contracts:
        named[contract.party_id, contract.currency].append(contract.contract_id)
    standings = _standings(conn, earlier[-1] if earlier else None, stood, moved, named)
    days = {one.period_id: (one.starts_on, one.ends_on) for one in earlier}
    return Before(contracts, settlements, standings, days, max((one.number for one in moved), default=since))


def _booked_after(conn: Connection, period_id: str) -> int | None:
    """The number of the last journal entry before a close was booked; None while it is not."""
    approved = standing(steps_of(conn, period_id), "approved")
    if approved is not None and LAST_ENTRY in approved.facts:
        return int(approved.facts[LAST_ENTRY])
    found = find_booked(conn, f"close:{period_id}")
    return None if found is None else found.number - 1


def _booked_to(conn: Connection, period_id: str) -> int:
    """The number of the last journal entry of a booked close, or of the last one before it where it booked none."""
    own = (find_booked(conn, f"{what}:{period_id}") for what in ("close", "settle"))
    return max([one.number for one in own if one is not None], default=_booked_after(conn, period_id) or 0)


def _with_levies(earned: Iterable[Earning], close: PeriodClose) -> list[Earning]:
    """What payees earned by lines, and funds by levies, which have none; no contract governs a levy."""
    found = {(one.party_id, one.currency, one.contract_id): one for one in earned}
    for levy, currency, micros in levies_of(close):
        key = (PartyId(levy.party_id), currency, "")
        standing = found.get(key, Earning(*key, 0, 0))
        found[key] = replace(standing, earned_micros=standing.earned_micros + micros)
    return [found[key] for key in sorted(found)]


def _balances_until(conn: Connection, number: int) -> dict[tuple[str, str], int]:
    """Balances after the entry of a number, added up entry by entry: what stood before a close that is booked."""
    found: Counter[tuple[str, str]] = Counter()
    for one in _counted(entries_between(conn, 1, number)):
        for posting in one.entry.postings:
            found[posting.account, posting.currency] += posting.amount_micros
    return dict(found)


def _counted(booked: Iterable[Booked]) -> Iterator[Booked]:
    return (one for one in booked if one.kind in ("posted", "confirmed"))


def _standings(
    conn: Connection,
    last: PeriodClose | None,
    stood: Mapping[tuple[str, str], int],
    moved: Iterable[Booked],
    contracts: Mapping[tuple[PartyId, str], Sequence[str]],
) -> dict[tuple[PartyId, str], Standing]:
    """Payees' accounts after the statements before, and what was paid or otherwise moved since (`PAYMENTS`)."""
    prior: dict[tuple[PartyId, str], str] = {}
    if last is not None:
        for document in documents_for_period(conn, last.period_id):
            statement = parse_statement(document)
            prior[statement.party_id, statement.currency] = statement.statement_id
    payments: dict[tuple[PartyId, str], list[PaidOut]] = defaultdict(list)
    for one in _counted(moved):
        if one.entry.idempotency_key.startswith(tuple(PAYMENTS)):
            for posting in one.entry.postings:
                if posting.account.startswith(PAYABLE_PREFIX):
                    payments[_payee(posting.account), posting.currency].append(_paid(one, posting.amount_micros))
    owed = {
        (_payee(account), currency): -micros
        for (account, currency), micros in stood.items()
        if account.startswith(PAYABLE_PREFIX) and micros
    }
    return {
        account: Standing(
            opening_micros=owed.get(account, 0) + sum(payment.amount_micros for payment in payments[account]),
            payments=tuple(payments[account]),
            prior_id=prior.get(account, ""),
            contract_ids=tuple(sorted(contracts.get(account, ()))),
        )
        for account in sorted({*owed, *prior, *contracts, *payments})
    }


def _payee(account: str) -> PartyId:
    return PartyId(account.removeprefix(PAYABLE_PREFIX))


def _paid(booked: Booked, micros: int) -> PaidOut:
    prefix = next(one for one in PAYMENTS if booked.entry.idempotency_key.startswith(one))
    return PaidOut(booked.entry.date, PAYMENTS[prefix], booked.entry.idempotency_key.removeprefix(prefix), micros)


def _held(
    conn: Connection, close: PeriodClose, folder: Path, earlier: Iterable[PeriodClose]
) -> dict[tuple[PartyId, str], Hold]:
    """Payees whose earnings a person should look at first, where the policy says so."""
    if not close.policy.holds_anomalies:
        return {}
    earned: Counter[tuple[PartyId, str]] = Counter()
    for one in earnings(close, lines_of(folder), ()):
        earned[one.party_id, one.currency] += one.earned_micros
    history: dict[tuple[PartyId, str], list[int]] = defaultdict(list)
    for before in earlier:
        for document in documents_for_period(conn, before.period_id):
            statement = parse_statement(document)
            history[statement.party_id, statement.currency].append(statement.summary.earned_micros)
    found: dict[tuple[PartyId, str], Hold] = {}
    for anomaly in anomalies(read_frozen(folder / "frozen"), earned, history):
        key = (anomaly.party_id, anomaly.currency)
        reason = f"{found[key].reason}; {anomaly.reason}" if key in found else anomaly.reason
        found[key] = Hold("anomaly", reason)
    return found


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
    facts = Facts(
        issued_on=issued_on,
        payees=payee_names(conn, close.policy),
        works={work.work_id: WorkName(work.title) for work in works(conn)},
        settlements={(one.party_id, one.currency): one for one in before.settlements},
        standings=before.standings,
        days=before.days,
        levies=levies_by_payee(close),
        measured=_measured(conn, close, folder),
        entry_ids=tuple(entry.entry_id for entry in entries if entry is not None),
    )
    return statements(close, close_digest, read_earned_lines(folder), facts)


def payee_names(conn: Connection, policy: Policy) -> dict[PartyId, Payee]:
    """The names of all parties; funds and societies that a policy pays and no work names are called by their ids."""
    funds = {levy.party_id for levy in policy.levies} | {part.party_id for pool in policy.pools for part in pool.parts}
    named = {PartyId(one): Payee(one) for one in sorted(funds) if one}
    return named | {party_id: Payee(party.name) for party_id, party in parties(conn).items()}


def levies_by_payee(close: PeriodClose) -> dict[tuple[PartyId, str], tuple[StatementLevy, ...]]:
    """What funds got by levies, by fund and currency."""
    base = {total.currency: total.pools_micros for total in close.totals}
    found: dict[tuple[PartyId, str], list[StatementLevy]] = defaultdict(list)
    for levy, currency, micros in levies_of(close):
        found[PartyId(levy.party_id), currency].append(StatementLevy(levy.name, base[currency], levy.share_ppb, micros))
    return {account: tuple(levies) for account, levies in found.items()}


def _measured(conn: Connection, close: PeriodClose, folder: Path) -> Callable[[int, WorkId], Measurement]:
    """How shares were measured: the methods of the outputs used, and each work's relative error over the period."""

    def methods(output_ids: Sequence[OutputId]) -> set[str]:
        return {one.method for one in attributions_of(conn, output_ids).values()}

    return measured_by(folder, methods)
