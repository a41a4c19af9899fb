"""The accounts of royalties: one path for each kind of claim, so that nobody spells one in two ways.

Money that is owed is a credit, a negative balance under Liabilities; what a payee still has to earn of an advance is a debit
under Assets. Reserves stand on one account for each day of release and advances on one for each contract, so the books alone
tell what is to be released and recouped, without another table that could disagree with them.
"""

from __future__ import annotations

from endcredits.ids import PartyId, WorkId

RECEIVABLE_ACCOUNT = "Assets:Receivable:Revenue"
OPERATOR_ACCOUNT = "Income:Operator"
TAX_ACCOUNT = "Liabilities:Tax"
"""Taxes within the revenue, owed to the state."""
COMMONS_ACCOUNT = "Liabilities:Commons"
BREAKAGE_ACCOUNT = "Liabilities:Breakage"
"""What was paid by those who used nothing: owed to works, never the operator's."""
CONVERSION_ACCOUNT = "Equity:Conversion"
FX_ROUNDING_ACCOUNT = "Equity:FxRounding"
GUARANTEE_ACCOUNT = "Expenses:Guarantee"
"""What the operator adds where a period earned less than was guaranteed."""

PAYABLE_PREFIX = "Liabilities:Payable:"
SUSPENSE_PREFIX = "Liabilities:Suspense:"
DISPUTED_PREFIX = "Liabilities:Disputed:"
HELD_PREFIX = "Liabilities:Held:"
RESERVE_PREFIX = "Liabilities:Reserve:"
ADVANCE_PREFIX = "Assets:Advance:"


def payable_account(party_id: PartyId) -> str:
    """What is owed to a party and can be paid."""
    return f"{PAYABLE_PREFIX}{party_id}"


def suspense_account(work_id: WorkId) -> str:
    """What a work earned while nobody is known to be paid for it."""
    return f"{SUSPENSE_PREFIX}{work_id}"


def disputed_account(work_id: WorkId) -> str:
    """What a work earned while it is disputed who is entitled."""
    return f"{DISPUTED_PREFIX}{work_id}"


def held_account(reason: str, party_id: PartyId) -> str:
    """What is held back from a party for a reason in one word, such as "anomaly"."""
    return f"{HELD_PREFIX}{reason}:{party_id}"


def reserve_account(party_id: PartyId, release_on: str) -> str:
    """What is reserved against refunds until a day, YYYY-MM-DD."""
    return f"{RESERVE_PREFIX}{party_id}:{release_on}"


def advance_account(party_id: PartyId, contract_id: str) -> str:
    """What of the advances of a contract is still to be earned: a debit balance."""
    return f"{ADVANCE_PREFIX}{party_id}:{contract_id}"
