"""What of a balance can be paid: whole coins; the rest rolls over and is never rounded away.

Balances are kept in micros, finer than any coin. A payment can only be of whole smallest coins (a cent, a yen, a tenth of
a piastre: ISO 4217 says how many decimals), so what lies below stays on the account for the next time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from endcredits.money import EXPONENT_OF_CURRENCY, currency_code


@dataclass(frozen=True, slots=True)
class Payable:
    """What of a balance can be paid now.

    Attributes:
        account: whose balance.
        currency: ISO 4217 code.
        coins: whole smallest coins, >= 0 (cents, yen...).
        payable_micros: the same in micros.
        rolls_over_micros: what stays on the account; with `payable_micros` it is all that is owed. Negative where the
            account's owner owes us: then nothing is payable.
    """

    account: str
    currency: str
    coins: int
    payable_micros: int
    rolls_over_micros: int


def coin_micros(currency: str) -> int:
    """How many micros the smallest coin has.

    >>> coin_micros("EUR"), coin_micros("JPY"), coin_micros("KWD")
    (10000, 1000000, 1000)

    Raises:
        InputError: not a currency of ISO 4217.
    """
    exponent: int = EXPONENT_OF_CURRENCY[currency_code(currency)]
    return int(10 ** (6 - exponent))


def payable(owed_micros: int, currency: str, account: str = "") -> Payable:
    """Divides what is owed into whole coins and what rolls over.

    >>> payable(12_345_678, "EUR").coins, payable(12_345_678, "EUR").rolls_over_micros
    (1234, 5678)
    >>> payable(-5, "EUR").rolls_over_micros
    -5

    Raises:
        InputError: not a currency of ISO 4217.
    """
    coin = coin_micros(currency)
    coins = max(0, owed_micros) // coin
    return Payable(account, currency, coins, coins * coin, owed_micros - coins * coin)


def payables(owed: Mapping[tuple[str, str], int]) -> list[Payable]:
    """The same for balances as `balances` gives them: what we owe is negative there."""
    return [payable(-micros, currency, account) for (account, currency), micros in sorted(owed.items())]
