"""What of a balance can be paid, and what rolls over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.ledger import Payable, payable, payables
from endcredits.money import EXPONENT_OF_CURRENCY

currencies = st.sampled_from(sorted(EXPONENT_OF_CURRENCY))


@given(st.integers(-(10**15), 10**15), currencies)
def test_whole_coins_and_the_rest_are_all_that_is_owed(owed: int, currency: str) -> None:
    """Nothing is lost, less than one coin rolls over, and nobody is paid what he owes."""
    found = payable(owed, currency)
    coin = 10**6 // 10 ** EXPONENT_OF_CURRENCY[currency]

    assert found.payable_micros + found.rolls_over_micros == owed
    assert found.payable_micros == found.coins * coin >= 0
    assert 0 <= found.rolls_over_micros < coin if owed >= 0 else found.payable_micros == 0


@given(st.lists(st.integers(0, 10**7), max_size=30), currencies)
def test_paying_every_period_pays_as_much_as_paying_once(earned: list[int], currency: str) -> None:
    """What rolls over is not forgotten: after any number of periods less than one coin is missing."""
    left = paid = 0
    for micros in earned:
        part = payable(left + micros, currency)
        paid += part.coins
        left = part.rolls_over_micros

    assert paid == payable(sum(earned), currency).coins


def test_balances_as_the_books_give_them() -> None:
    """What we owe is negative there; who owes us is paid nothing."""
    owed = {("Liabilities:Payable:b", "JPY"): -1_999_999, ("Liabilities:Payable:a", "KWD"): 7}

    assert payables(owed) == [
        Payable("Liabilities:Payable:a", "KWD", 0, 0, -7),
        Payable("Liabilities:Payable:b", "JPY", 1, 1_000_000, 999_999),
    ]
    with pytest.raises(InputError, match="not a currency"):
        payable(1, "XXX")
