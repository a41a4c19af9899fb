"""How a grant's pay reaches the money: as terms that every use carries with it, for policies to pay by.

| basis | one use is | paid as |
|:--|:--|:--|
| session | one session | a fee for every use |
| day_rate | one day that the person would have worked | a fee for every use |
| usage_multiplier | one use in a medium | a fee for every use, times the multiplier |
| share | one use | the policy's portion of revenue, by the works that a use declares |
| residual | one use again | the policy's residuals, by time and salary units |

A fee is agreed in the grant and never assumed; its multiplier is data, too. What a use carries is its *offer*, the terms in
words ("likeness session 250.00 USD"), so that grants on the same terms fall into the same pool of a policy, and a pool that
names no offer pays all of them alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from endcredits.canonical import INTEGER_MAX
from endcredits.errors import InputError
from endcredits.money import PPB, currency_code, format_micros, parse_micros
from endcredits.works.likeness.records import GrantedUse, Pay

FEES = ("day_rate", "session", "usage_multiplier")
"""Bases that are a fee for every use."""

BASES: Mapping[str, str] = {
    "day_rate": "a fee for every day that the person would have worked; count the days as uses",
    "session": "a fee for every session; count the sessions as uses",
    "usage_multiplier": "a fee for every use, times the multiplier that was agreed",
    "share": "a portion of the revenue: the policy that closes the period says which",
    "residual": "residuals: the policy that closes the period says which, by time and salary units",
    "": "nothing was agreed about pay: the policy that closes the period decides",
}
"""What each basis of pay means, in words."""

FACTOR_MAX_PPB = 10_000 * PPB


@dataclass(frozen=True, slots=True)
class Fee:
    """What one use costs.

    Attributes:
        offer: the terms in words.
        amount_micros: of one use before the multiplier, > 0.
        currency: ISO 4217.
        factor_ppb: the multiplier; 1,000,000,000 for none.
    """

    offer: str
    amount_micros: int
    currency: str
    factor_ppb: int


def fee_of(pay: Pay) -> Fee | None:
    """The fee that a grant agrees, None where its basis is none or it names no amount.

    >>> fee_of(Pay("session", "250.00", "USD", "", None)).offer
    'likeness session 250.00 USD'

    Raises:
        InputError: an amount without currency, a currency that is none, more than six decimals, or a multiplier that is
            zero or above 10,000.
    """
    if pay.basis not in FEES or not pay.amount:
        return None
    try:
        currency, micros = currency_code(pay.currency), parse_micros(pay.amount)
    except InputError as error:
        field = "pay.currency" if error.field == "currency" else "pay.amount"
        raise InputError(error.message, remedy=error.remedy, field=field) from error
    if not 0 < micros <= INTEGER_MAX:
        raise InputError(
            "the fee is nothing, or more than an amount can be",
            remedy="Write null where no fee was agreed.",
            field="pay.amount",
        )
    factor = _factor_ppb(pay.multiplier) if pay.basis == "usage_multiplier" and pay.multiplier else PPB
    times = f" x{pay.multiplier}" if factor != PPB else ""
    return Fee(f"likeness {pay.basis} {format_micros(micros, currency)}{times}", micros, currency, factor)


def offer_of(pay: Pay) -> str:
    """The terms that a use carries, in words; policies tell uses apart by them."""
    fee = fee_of(pay)
    return fee.offer if fee is not None else f"likeness {pay.basis or 'without agreed pay'}"


def kind_of(row: GrantedUse) -> str:
    """The kind of use that policies see: the row's medium, on one line of at most 200 characters that can be seen."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in row.medium).split())[:200] or "likeness"


def _factor_ppb(text: str) -> int:
    factor = Fraction(text) * PPB
    if not 0 < factor <= FACTOR_MAX_PPB or factor.denominator != 1:
        raise InputError(
            f"'{text[:40]}' is no multiplier", remedy="Write a number above 0, such as 1.5.", field="pay.multiplier"
        )
    return int(factor)
