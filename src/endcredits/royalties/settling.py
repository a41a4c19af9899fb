"""From what a payee earned to what a payee is owed: contracts applied in their own order, step by step, to the unit.

For one payee and currency the earnings stand in *books*, one for each contract in force and one for what no contract
governs. Where refunds make a book negative, the others of the payee pay for it first, so that nothing is recouped or
reserved from money that is not there. Then each contract's terms are applied to its book in its order (`terms.py`):

- *guarantee*: what the period's own usage earned less than the guaranteed minimum is added, at the operator's cost;
- *recoup*: of what stands in the book then, up to `recoup_ppb` goes against the contract's advance, and what is left of that
  portion against the advances of contracts with the same `cross_group`, by id;
- *reserve*: of what stands in the book then, without released reserves, `reserve_ppb` is held until its day;
- *release*: reserves whose day has come by the period's last day are added, to the payee's first book.

Portions are rounded down, in the payee's favour. A payee who is held gets nothing of what is left: it waits on a hold
account. Every step is one movement with the account on its other side, so their sum is what the ledger will say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from endcredits.errors import InputError
from endcredits.ids import PartyId
from endcredits.royalties.accounts import held_account
from endcredits.royalties.contract_records import Contract, Movement, Settlement
from endcredits.royalties.line_sums import Earning
from endcredits.royalties.standing import StandingBalances
from endcredits.royalties.terms import Book, apply, net, plan_recoupment


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a payee gets nothing for now.

    Attributes:
        kind: in one word, for the account ("anomaly").
        reason: in one sentence, for the statement.
    """

    kind: str
    reason: str


def settle(
    earnings: Iterable[Earning],
    contracts: Iterable[Contract],
    standing: StandingBalances,
    ends_on: str,
    held: Mapping[tuple[PartyId, str], Hold] | None = None,
) -> tuple[Settlement, ...]:
    """Settles a period for everybody who earned, has a contract in force, or has a reserve to be released.

    Args:
        earnings: of the period; at most one for each payee, currency and contract.
        contracts: in force on the period's last day.
        standing: balances before.
        ends_on: the period's last day, YYYY-MM-DD.
        held: payees and currencies that are held.

    Returns:
        By party and currency; whoever has neither earnings nor movements is left out.

    Raises:
        InputError: an earning stands twice or names a contract that is not in force for its payee and currency.
    """
    in_force = {contract.contract_id: contract for contract in contracts}
    own: dict[tuple[PartyId, str], dict[str, Earning]] = {}
    for earning in earnings:
        _check(earning, in_force)
        if own.setdefault((earning.party_id, earning.currency), {}).setdefault(earning.contract_id, earning) is not earning:
            raise InputError(
                f"the earnings of {earning.party_id} under '{earning.contract_id}' stand twice", remedy="Add them up first."
            )
    of_payee: dict[tuple[PartyId, str], list[Contract]] = {}
    for contract in in_force.values():
        of_payee.setdefault((contract.party_id, contract.currency), []).append(contract)
    released = {(party, currency) for party, currency, day in standing.reserved if day <= ends_on}
    balances = _by_payee(standing)
    return tuple(
        settlement
        for key in sorted(own.keys() | of_payee.keys() | released)
        for settlement in [
            _settlement(
                key,
                own.get(key, {}),
                sorted(of_payee.get(key, []), key=lambda one: one.contract_id),
                *balances.get(key, ({}, {})),
                ends_on,
                (held or {}).get(key),
            )
        ]
        if settlement.movements or settlement.earned_micros or settlement.adjustments_micros
    )


def _check(earning: Earning, in_force: Mapping[str, Contract]) -> None:
    if not earning.contract_id:
        return
    contract = in_force.get(earning.contract_id)
    if contract is None or (contract.party_id, contract.currency) != (earning.party_id, earning.currency):
        raise InputError(
            f"{earning.party_id} earned {earning.currency} under '{earning.contract_id}', which is not in force for both",
            remedy="Make earnings and settlement from the same contracts.",
        )


def _by_payee(standing: StandingBalances) -> dict[tuple[PartyId, str], tuple[dict[str, int], dict[str, int]]]:
    """(unrecouped by contract, reserved by day) of every payee and currency."""
    found: dict[tuple[PartyId, str], tuple[dict[str, int], dict[str, int]]] = {}
    for side, balances in enumerate((standing.unrecouped, standing.reserved)):
        for (party, currency, what), micros in balances.items():
            found.setdefault((party, currency), ({}, {}))[side][what] = micros
    return found


def _settlement(
    key: tuple[PartyId, str],
    own: Mapping[str, Earning],
    contracts: Sequence[Contract],
    unrecouped: dict[str, int],
    reserved: dict[str, int],
    ends_on: str,
    hold: Hold | None,
) -> Settlement:
    party_id, currency = key
    books = [_book(contract, own.get(contract.contract_id)) for contract in contracts]
    if "" in own or not books:
        books.append(_book(None, own.get("")))
    net(books)
    due_for_release = {day: micros for day, micros in sorted(reserved.items()) if day <= ends_on and micros}
    plan_recoupment(books, unrecouped, sum(due_for_release.values()))
    left, standing_reserves = dict(unrecouped), dict(reserved)
    for number, book in enumerate(books):
        releases = due_for_release if number == 0 else {}
        for term in book.contract.order if book.contract else ("release",):
            apply(term, book, key, releases, ends_on, left)
    for book in books:
        for step in book.steps:
            if step.kind in ("reserve", "release"):
                day = step.account.rpartition(":")[2]
                standing_reserves[day] = standing_reserves.get(day, 0) - step.amount_micros
    movements = [step for book in books for step in book.steps]
    due = sum(book.due for book in books)
    if hold is not None and due > 0:
        movements.append(Movement("hold", -due, held_account(hold.kind, party_id), "", hold.reason))
        due = 0
    return Settlement(
        party_id,
        currency,
        sum(earning.earned_micros for earning in own.values()),
        sum(earning.adjustments_micros for earning in own.values()),
        tuple(movements),
        due,
        sum(left.values()),
        sum(standing_reserves.values()),
    )


def _book(contract: Contract | None, earning: Earning | None) -> Book:
    if earning is None:
        return Book(contract, 0, 0)
    return Book(contract, earning.earned_micros, earning.earned_micros + earning.adjustments_micros)
