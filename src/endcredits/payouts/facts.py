"""What statements need to know beside the close: names, balances, payments, how things were measured, whom to ask.

These come from many rooms (the registry, the ledger, contracts, payees' profiles); here they are plain data with
defaults that say "not known" honestly, so that a statement is a pure function of a close and of this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from endcredits.ids import PartyId, WorkId
from endcredits.payouts.records import Deduction, PaidOut, StatementLevy
from endcredits.royalties.contract_records import Settlement

Account = tuple[PartyId, str]
"""A payee and a currency: what a statement is about."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who issues statements and answers for them.

    Attributes:
        name: of the operator.
        contact: whom to ask, such as an address.
        dispute: how to dispute a statement, in words.
        verify: where and how to check one, in words.
    """

    name: str = ""
    contact: str = "Ask whoever sent you this statement."
    dispute: str = "Write to the contact, name the statement and the lines, and say what you think is wrong and why."
    verify: str = "Ask for the evidence of this statement: its README says what to check and how."


@dataclass(frozen=True, slots=True)
class Payee:
    """A payee as a statement names it.

    Attributes:
        name: as the payee writes it.
        tax_status: in words, "" where none is known.
    """

    name: str
    tax_status: str = ""


@dataclass(frozen=True, slots=True)
class WorkName:
    """A work as a statement names it.

    Attributes:
        title: of it.
        identifiers: (scheme, value) pairs, sorted.
    """

    title: str
    identifiers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """How a payee's account stood before the period's close was booked.

    Attributes:
        opening_micros: owed when the statement before was issued; negative for a debt.
        payments: made since.
        blocked: why nothing can be paid now, in words ("no tax form is on file").
        prior_id: id of the statement before.
        contract_ids: contracts in force beside those that moved something.
    """

    opening_micros: int = 0
    payments: tuple[PaidOut, ...] = ()
    blocked: tuple[str, ...] = ()
    prior_id: str = ""
    contract_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measurement:
    """How a work's share of a pool was measured.

    Attributes:
        method: such as "response index", "" where that is not known.
        version: of the method.
        error_ppb: one standard error of the share, -1 where it was not measured.
    """

    method: str = ""
    version: str = ""
    error_ppb: int = -1


def _unmeasured(pool: int, work_id: WorkId) -> Measurement:
    return Measurement()


def _no_deductions(party_id: PartyId, currency: str, due_micros: int) -> tuple[Deduction, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a period's statements need beside its close.

    Attributes:
        issued_on: the day of issue, YYYY-MM-DD.
        payees: every payee by party.
        works: every work that paid somebody.
        issuer: who issues them.
        settlements: what contracts did; a payee without one is owed what was earned.
        standings: balances and payments before; missing is zero.
        days: first and last day of earlier periods, by id.
        levies: by the fund's account.
        measured: how a work's share of a pool (its number in the close) was measured.
        deductions: asked with party, currency and what is due: what is withheld of it, in whole coins.
        entry_ids: the journal entries that booked the close.
        version: of the statements.
    """

    issued_on: str
    payees: Mapping[PartyId, Payee]
    works: Mapping[WorkId, WorkName]
    issuer: Issuer = Issuer()
    settlements: Mapping[Account, Settlement] = field(default_factory=dict)
    standings: Mapping[Account, Standing] = field(default_factory=dict)
    days: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    levies: Mapping[Account, tuple[StatementLevy, ...]] = field(default_factory=dict)
    measured: Callable[[int, WorkId], Measurement] = _unmeasured
    deductions: Callable[[PartyId, str, int], tuple[Deduction, ...]] = _no_deductions
    entry_ids: tuple[str, ...] = ()
    version: int = 1
