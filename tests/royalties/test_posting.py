"""A close is booked as one entry that balances in every currency and owes everybody exactly what was allocated."""

from __future__ import annotations

from collections import Counter

from hypothesis import given

from endcredits.ids import PartyId
from endcredits.royalties import payable_account, period_entry

from .makers import Period, attribution, event, november, period, periods


def test_an_ordinary_period_is_booked_by_hand() -> None:
    """Receivable, operator, payees, suspense and commons, all in one entry dated on the last day."""
    close = november().close()

    entry = period_entry(close)

    assert entry is not None
    assert (entry.idempotency_key, entry.date) == ("close:2026-11", "2026-11-30")
    euros = {posting.account: posting.amount_micros for posting in entry.postings if posting.currency == "EUR"}
    pool = close.pools[0]
    ada = sum(line.amount_micros for line in pool.parties if line.party_id == "ada")
    assert euros["Assets:Receivable:Revenue"] == 15_000_001
    assert euros["Income:Operator"] == -pool.operator_micros
    assert euros["Liabilities:Commons"] == -pool.commons_micros
    assert euros[payable_account(PartyId("ada"))] == -ada
    assert euros["Liabilities:Suspense:w3"] == -pool.suspense_micros


@given(periods())
def test_every_entry_balances_and_owes_what_was_allocated(inputs: Period) -> None:
    """Per currency the postings sum to zero, and per payee to the allocation."""
    close = inputs.close()

    entry = period_entry(close)

    if entry is None:
        assert all(pool.revenue_micros == 0 for pool in close.pools)
        return
    balance: Counter[str] = Counter()
    owed: Counter[tuple[str, str]] = Counter()
    for posting in entry.postings:
        balance[posting.currency] += posting.amount_micros
        if posting.account.startswith("Liabilities:Payable:"):
            owed[posting.account, posting.currency] -= posting.amount_micros
    for pool in close.pools:
        for line in pool.parties:
            if line.party_id is not None:
                owed[payable_account(line.party_id), pool.currency] -= line.amount_micros
    assert set(balance.values()) == {0}
    assert set(owed.values()) <= {0}


def test_a_period_that_earned_nothing_needs_no_entry() -> None:
    """Double entry has no posting of zero."""
    assert period_entry(period([], [], []).close()) is None
    assert period_entry(period([event("e", "o", 0)], [attribution("o", 1, {})], []).close()) is None
