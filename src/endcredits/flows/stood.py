"""What stood in the books before a close: balances, payments, contracts, earlier statements; and what follows from it.

A statement is a function of a close and of this. Asking the books (`stood_before`) and computing (`before_of`) are two
steps, so that what was asked can be handed to an auditor as a record, who then computes the same statements without the
books. All is asked up to the entries of the close, not up to today: it is the same before and after the close was booked.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.engine import Connection

from endcredits.flows.stood_records import Balance, Days, Earlier, Moved, Stood
from endcredits.ids import PartyId
from endcredits.ledger import Booked, balances, find_booked
from endcredits.ledger.book import entries_between
from endcredits.payouts import PaidOut, Standing, documents_for_period, parse_statement
from endcredits.royalties import (
    PAYABLE_PREFIX,
    Contract,
    Earning,
    Hold,
    PeriodClose,
    Settlement,
    anomalies,
    closes,
    contracts_on,
    earnings,
    levies_of,
    lines_of,
    read_frozen,
    settle,
    standing,
    standing_of,
    steps_of,
)
from endcredits.royalties.accounts import ADVANCE_PREFIX, RESERVE_PREFIX

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

Account = tuple[PartyId, str]


@dataclass(frozen=True, slots=True)
class Before:
    """What follows from what stood, for the statements of a close.

    Attributes:
        contracts: in force on the period's last day.
        settlements: what they make of the close.
        standings: payees' accounts.
        days: first and last day of earlier periods.
        last_entry: number of the last journal entry before it, 0 for none.
    """

    contracts: tuple[Contract, ...]
    settlements: tuple[Settlement, ...]
    standings: Mapping[Account, Standing]
    days: Mapping[str, tuple[str, str]]
    last_entry: int


def gathered(conn: Connection, close: PeriodClose, folder: Path) -> Before:
    """What stood before a close was booked, with what follows; the same before and after it."""
    return before_of(stood_before(conn, close), close, folder)


def stood_before(conn: Connection, close: PeriodClose) -> Stood:
    """Asks the books what stood before a close; the same before and after it is booked."""
    booked_after = _booked_after(conn, close.period_id)
    stood = balances(conn) if booked_after is None else _balances_until(conn, booked_after)
    earlier = [one.close for one in closes(conn) if one.close.ends_on < close.starts_on]
    since = _booked_to(conn, earlier[-1].period_id) if earlier else 0
    moved = list(entries_between(conn, since + 1, 2**62 if booked_after is None else booked_after))
    told = earlier if close.policy.holds_anomalies else earlier[-1:]
    return Stood(
        contracts=tuple(contracts_on(conn, close.ends_on)),
        balances=tuple(
            Balance(account, currency, micros)
            for (account, currency), micros in sorted(stood.items())
            if micros and account.startswith((PAYABLE_PREFIX, ADVANCE_PREFIX, RESERVE_PREFIX))
        ),
        moved=tuple(_moved(moved)),
        earlier=tuple(one for before in told for one in _statements_of(conn, before.period_id)),
        days=tuple(Days(one.period_id, one.starts_on, one.ends_on) for one in earlier),
        last_entry=max((one.number for one in moved), default=since),
    )


def before_of(stood: Stood, close: PeriodClose, folder: Path) -> Before:
    """What settlements and accounts follow from what stood and from a close.

    Args:
        stood: see there.
        close: the close.
        folder: holds its tables and its frozen inputs.
    """
    settlements = settle(
        _with_levies(earnings(close, lines_of(folder), stood.contracts), close),
        stood.contracts,
        standing_of({(one.account, one.currency): one.amount_micros for one in stood.balances}),
        close.ends_on,
        _held(stood, close, folder),
    )
    days = {one.period_id: (one.starts_on, one.ends_on) for one in stood.days}
    return Before(stood.contracts, settlements, _standings(stood), days, stood.last_entry)


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


def _balances_until(conn: Connection, number: int) -> dict[tuple[str, str], int]:
    """Balances after the entry of a number, added up entry by entry: what stood before a close that is booked."""
    found: Counter[tuple[str, str]] = Counter()
    for one in _counted(entries_between(conn, 1, number)):
        for posting in one.entry.postings:
            found[posting.account, posting.currency] += posting.amount_micros
    return dict(found)


def _counted(booked: Iterable[Booked]) -> Iterator[Booked]:
    return (one for one in booked if one.kind in ("posted", "confirmed"))


def _moved(booked: Iterable[Booked]) -> Iterator[Moved]:
    for one in _counted(booked):
        key = one.entry.idempotency_key
        prefix = next((prefix for prefix in PAYMENTS if key.startswith(prefix)), None)
        for posting in one.entry.postings if prefix is not None else ():
            if posting.account.startswith(PAYABLE_PREFIX):
                assert prefix is not None
                paid = PaidOut(one.entry.date, PAYMENTS[prefix], key.removeprefix(prefix), posting.amount_micros)
                yield Moved(_payee(posting.account), posting.currency, paid)


def _payee(account: str) -> PartyId:
    return PartyId(account.removeprefix(PAYABLE_PREFIX))


def _statements_of(conn: Connection, period_id: str) -> Iterator[Earlier]:
    for document in documents_for_period(conn, period_id):
        one = parse_statement(document)
        yield Earlier(one.party_id, one.currency, period_id, one.statement_id, one.summary.earned_micros)


def _with_levies(earned: Iterable[Earning], close: PeriodClose) -> list[Earning]:
    """What payees earned by lines, and funds by levies, which have none; no contract governs a levy."""
    found = {(one.party_id, one.currency, one.contract_id): one for one in earned}
    for levy in levies_of(close):
        key = (PartyId(levy.party_id), levy.currency, "")
        own = found.get(key, Earning(*key, 0, 0))
        found[key] = replace(own, earned_micros=own.earned_micros + levy.amount_micros)
    return [found[key] for key in sorted(found)]


def _standings(stood: Stood) -> dict[Account, Standing]:
    """Payees' accounts after the statements before, and what was paid or otherwise moved since (`PAYMENTS`)."""
    last = stood.days[-1].period_id if stood.days else ""
    prior = {(one.party_id, one.currency): one.statement_id for one in stood.earlier if one.period_id == last}
    payments: dict[Account, list[PaidOut]] = defaultdict(list)
    for one in stood.moved:
        payments[one.party_id, one.currency].append(one.payment)
    contracts: dict[Account, list[str]] = defaultdict(list)
    for contract in stood.contracts:
        contracts[contract.party_id, contract.currency].append(contract.contract_id)
    owed = {
        (_payee(one.account), one.currency): -one.amount_micros
        for one in stood.balances
        if one.account.startswith(PAYABLE_PREFIX)
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


def _held(stood: Stood, close: PeriodClose, folder: Path) -> dict[Account, Hold]:
    """Payees whose earnings a person should look at first, where the policy says so."""
    if not close.policy.holds_anomalies:
        return {}
    earned: Counter[Account] = Counter()
    for one in earnings(close, lines_of(folder), ()):
        earned[one.party_id, one.currency] += one.earned_micros
    history: dict[Account, Sequence[int]] = defaultdict(list)
    for before in stood.earlier:
        history[before.party_id, before.currency] = [*history[before.party_id, before.currency], before.earned_micros]
    found: dict[Account, Hold] = {}
    for anomaly in anomalies(read_frozen(folder / "frozen"), earned, history):
        key = (anomaly.party_id, anomaly.currency)
        reason = f"{found[key].reason}; {anomaly.reason}" if key in found else anomaly.reason
        found[key] = Hold("anomaly", reason)
    return found
