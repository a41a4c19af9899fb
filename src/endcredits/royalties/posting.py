"""A close as one journal entry: what came in, and to whom it belongs now.

    debit   Assets:Receivable:Revenue        all revenue
    credit  Income:Operator                  the operator's part
    credit  Liabilities:Payable:<party>      owed to a rights holder
    credit  Liabilities:Suspense:<work>      owed to somebody who is not known yet
    credit  Liabilities:Commons              owed to the commons

The key "close:<period>" lets a period be booked once, however often the command runs.
"""

from __future__ import annotations

from collections.abc import Iterator

from endcredits.ids import PartyId, WorkId
from endcredits.ledger import JournalEntry, Posting, make_entry
from endcredits.royalties.records import PeriodClose, Pool

PAYABLE_PREFIX = "Liabilities:Payable:"
"""What the account of every payee begins with."""
RECEIVABLE_ACCOUNT = "Assets:Receivable:Revenue"
OPERATOR_ACCOUNT = "Income:Operator"
COMMONS_ACCOUNT = "Liabilities:Commons"


def payable_account(party_id: PartyId) -> str:
    """The account of what is owed to a party; its balance is negative while something is owed."""
    return f"{PAYABLE_PREFIX}{party_id}"


def suspense_account(work_id: WorkId) -> str:
    """The account of what a work earned while nobody is known to be paid for it."""
    return f"Liabilities:Suspense:{work_id}"


def period_entry(close: PeriodClose) -> JournalEntry | None:
    """The balanced journal entry of a close.

    Returns:
        The entry, dated on the period's last day; None when the period earned nothing: there is nothing to book.
    """
    postings = [posting for pool in close.pools for posting in _postings(pool) if posting.amount_micros]
    if not postings:
        return None
    return make_entry(
        f"close:{close.period_id}",
        close.ends_on,
        f"Period {close.period_id} closed: revenue divided by the policy {close.policy.name}",
        postings,
    )


def _postings(pool: Pool) -> Iterator[Posting]:
    yield Posting(RECEIVABLE_ACCOUNT, pool.revenue_micros, pool.currency)
    yield Posting(OPERATOR_ACCOUNT, -pool.operator_micros, pool.currency)
    yield Posting(COMMONS_ACCOUNT, -pool.commons_micros, pool.currency)
    for party in pool.parties:
        account = suspense_account(party.work_id) if party.party_id is None else payable_account(party.party_id)
        yield Posting(account, -party.amount_micros, pool.currency)
