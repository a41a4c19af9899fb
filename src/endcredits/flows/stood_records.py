"""What stood before a close, as records: what statements need of the books, and what an auditor is given of them."""

from __future__ import annotations

from dataclasses import dataclass

from endcredits.ids import PartyId
from endcredits.payouts import PaidOut
from endcredits.royalties import Contract


@dataclass(frozen=True, slots=True)
class Balance:
    """What stood on an account of a payee.

    Attributes:
        account: the ledger's name of it: payable, advance or reserve.
        currency: ISO 4217 code.
        amount_micros: as the ledger has it: negative where it is owed.
    """

    account: str
    currency: str
    amount_micros: int


@dataclass(frozen=True, slots=True)
class Moved:
    """Something that moved what is owed to a payee since the period before.

    Attributes:
        party_id: the payee.
        currency: ISO 4217 code.
        payment: what it was.
    """

    party_id: PartyId
    currency: str
    payment: PaidOut


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier statement of a payee.

    Attributes:
        party_id: the payee.
        currency: ISO 4217 code.
        period_id: of the statement.
        statement_id: its id.
        earned_micros: what it says was earned.
    """

    party_id: PartyId
    currency: str
    period_id: str
    statement_id: str
    earned_micros: int


@dataclass(frozen=True, slots=True)
class Days:
    """An earlier period.

    Attributes:
        period_id: its name.
        starts_on: first day, YYYY-MM-DD.
        ends_on: last day.
    """

    period_id: str
    starts_on: str
    ends_on: str


@dataclass(frozen=True, slots=True)
class Stood:
    """What the books and statements held before a close was booked.

    Attributes:
        contracts: in force on the period's last day.
        balances: of payees' accounts, by account and currency; none of zero.
        moved: what changed what is owed since the period before, in the order of booking.
        earlier: statements of the period before, and of all before where the policy looks at what was earned then.
        days: the earlier periods, by their days.
        last_entry: number of the last journal entry before it, 0 for none.
    """

    contracts: tuple[Contract, ...]
    balances: tuple[Balance, ...]
    moved: tuple[Moved, ...]
    earlier: tuple[Earlier, ...]
    days: tuple[Days, ...]
    last_entry: int
