"""What stands between what a payee earned and what a payee is owed: the records of contracts and of a settlement.

A contract belongs to a party, not to a policy: advances that are recouped, reserves that are held back for a while, minimums
that are guaranteed. A settlement applies them to one payee's earnings of one period and currency, in the contract's order,
as a list of movements that add up, each with its reason in words.
"""

from __future__ import annotations

from dataclasses import dataclass

from endcredits.ids import PartyId, WorkId

ORDER = ("guarantee", "recoup", "reserve", "release")
"""The order in which a contract's terms are applied unless it states another."""


@dataclass(frozen=True, slots=True)
class Contract:
    """A party's terms in one currency.

    Attributes:
        contract_id: the operator's own id, at most 80 characters and no colon; a later version of the same id replaces it
            from its `valid_from` on.
        party_id: the payee.
        currency: ISO 4217 code.
        valid_from: first day, YYYY-MM-DD.
        valid_to: last day, "" for no end.
        advance_micros: paid before anything was earned, recouped from earnings; 0 for none. All advances under this contract
            so far: a later version that says more adds the difference.
        recoup_ppb: portion of the earnings that may be recouped in a period.
        cross_group: contracts of one party with the same name recoup each other's advances; "" for its own alone.
        reserve_ppb: portion of the earnings held back against refunds.
        reserve_days: how long after the period's last day a reserve is released.
        guarantee_micros: the least that a period's own usage earns; the operator makes up the difference. Late usage and
            refunds belong to other periods and do not count.
        order: a permutation of `ORDER`.
        source: where the terms are written ("contract of 2026-01-05, clause 7").
        works: the works whose earnings it governs, sorted; empty for all that no other contract of the party names.
    """

    contract_id: str
    party_id: PartyId
    currency: str
    valid_from: str
    valid_to: str = ""
    advance_micros: int = 0
    recoup_ppb: int = 1_000_000_000
    cross_group: str = ""
    reserve_ppb: int = 0
    reserve_days: int = 0
    guarantee_micros: int = 0
    order: tuple[str, ...] = ORDER
    source: str = ""
    works: tuple[WorkId, ...] = ()


@dataclass(frozen=True, slots=True)
class Movement:
    """One step from what was earned to what is owed.

    Attributes:
        kind: one of `ORDER`, or "hold" (an anomaly, a dispute of the payee itself).
        amount_micros: what it adds to what is owed, negative where it takes.
        account: the ledger account on the other side.
        contract_id: the contract, "" for holds and for released reserves, which belong to the payee.
        reason: in one sentence with its numbers.
    """

    kind: str
    amount_micros: int
    account: str
    contract_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one payee earned in a period and currency, and what follows for what is owed.

    owed_micros == earned_micros + adjustments_micros + sum of the movements, to the unit.

    Attributes:
        party_id: the payee.
        currency: ISO 4217 code.
        earned_micros: of the period's own usage.
        adjustments_micros: of late usage and refunds of earlier periods; may be negative.
        movements: in the order of their application.
        owed_micros: what is added to the balance owed; negative only where refunds are larger than earnings, and then it is
            carried, never taken back from a bank account.
        unrecouped_micros: what of the advances is still to be recouped afterwards.
        reserved_micros: what stands in reserve afterwards.
    """

    party_id: PartyId
    currency: str
    earned_micros: int
    adjustments_micros: int
    movements: tuple[Movement, ...]
    owed_micros: int
    unrecouped_micros: int
    reserved_micros: int
