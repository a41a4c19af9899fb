"""Records of paying: what is planned, what is held, and the batch that goes to a bank.

Documents hold no bank detail: a payment names the profile that it is sent by, and shows its last four characters. Ids are
made from content, so that planning the same again gives the same batch, and a bank that sees a message id twice can refuse
it.
"""

from __future__ import annotations

from dataclasses import dataclass

from endcredits.ids import PartyId
from endcredits.money import EXPONENT_OF_CURRENCY

HOLD_REASONS = (
    "no-profile",
    "not-yet",
    "tax-form",
    "bank",
    "currency",
    "sanctions",
    "dispute",
    "below-threshold",
    "negative",
)
"""Why an amount is not paid; each stands on the plan with its amount and stays in the books."""


@dataclass(frozen=True, slots=True)
class Payment:
    """One payee's payment.

    Attributes:
        payment_id: made from the content; also the end-to-end id at the bank.
        party_id: who.
        profile_id: how, as it was when planned.
        holder: the account holder's name.
        country: the payee's tax residence.
        destination: the bank detail, masked.
        sequence: how many payments to the payee in this currency were sent before.
        balance_micros: what was owed.
        gross_micros: what of it is settled: whole coins.
        withheld_micros: tax kept back from it.
        withheld_for: jurisdiction that the tax is owed to, "" for none.
        rule_id: rule of withholding, "" for none.
        vat_micros: VAT on top.
        transfer_micros: what is sent: gross - withheld + VAT.
        rest_micros: what is less than a coin and rolls over: balance - gross.
    """

    payment_id: str
    party_id: PartyId
    profile_id: str
    holder: str
    country: str
    destination: str
    sequence: int
    balance_micros: int
    gross_micros: int
    withheld_micros: int
    withheld_for: str
    rule_id: str
    vat_micros: int
    transfer_micros: int
    rest_micros: int


@dataclass(frozen=True, slots=True)
class Hold:
    """An amount that is not paid now.

    Attributes:
        party_id: whose.
        currency: ISO 4217 code.
        amount_micros: the whole balance; negative for a payee who owes.
        reason: one of `HOLD_REASONS`.
        detail: the same in words, with what would end it.
    """

    party_id: PartyId
    currency: str
    amount_micros: int
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Payments of one currency over one rail.

    Attributes:
        batch_id: made from the content; also the message id at the bank.
        on: day of execution, YYYY-MM-DD.
        rail: see `payees.RAILS`.
        currency: ISO 4217 code.
        payer: the payer's name.
        payer_account: the account that it is paid from, masked.
        payments: by party id; at least one.
        count: of them.
        transfer_micros: control total of what is sent.
    """

    batch_id: str
    on: str
    rail: str
    currency: str
    payer: str
    payer_account: str
    payments: tuple[Payment, ...]
    count: int
    transfer_micros: int


@dataclass(frozen=True, slots=True)
class Total:
    """The control total of a plan in one currency: paid + rest + held = owed.

    Attributes:
        currency: ISO 4217 code.
        owed_micros: all balances of the plan.
        gross_micros: settled by payments.
        rest_micros: less than a coin each, rolls over.
        held_micros: held, with reasons.
    """

    currency: str
    owed_micros: int
    gross_micros: int
    rest_micros: int
    held_micros: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be paid on a day, and what would not.

    Attributes:
        plan_id: made from the content.
        on: day of execution.
        batches: by rail and currency.
        holds: by party and currency.
        totals: by currency.
    """

    plan_id: str
    on: str
    batches: tuple[Batch, ...]
    holds: tuple[Hold, ...]
    totals: tuple[Total, ...]


def coin_micros(currency: str) -> int:
    """A currency's smallest coin in micros.

    >>> coin_micros("EUR"), coin_micros("JPY"), coin_micros("KWD")
    (10000, 1000000, 1000)
    """
    return int(10 ** (6 - EXPONENT_OF_CURRENCY[currency]))


def format_coins(micros: int, currency: str) -> str:
    """An amount with exactly the currency's decimals, as payment files want it.

    >>> format_coins(12_500_000, "EUR"), format_coins(12_000_000, "JPY"), format_coins(1_234_000, "KWD")
    ('12.50', '12', '1.234')

    Raises:
        ValueError: negative, or finer than the currency's smallest coin.
    """
    exponent = EXPONENT_OF_CURRENCY[currency]
    coins, finer = divmod(micros, 10 ** (6 - exponent))
    if finer or micros < 0:
        raise ValueError(f"{micros} micros are no whole coins of {currency}")
    whole, part = divmod(coins, 10**exponent)
    return f"{whole}.{part:0{exponent}d}" if exponent else str(whole)


def parse_coins(text: str, currency: str) -> int:
    """The micros of an amount in a bank's file.

    >>> parse_coins("12.5", "EUR"), parse_coins("12.00", "JPY")
    (12500000, 12000000)

    Raises:
        ValueError: not a plain decimal number, or finer than the currency's smallest coin ("10.001" EUR, "10.5" JPY).
    """
    whole, _, part = text.strip().partition(".")
    part = part.rstrip("0")
    if not (whole.isascii() and whole.isdigit()) or (part and not (part.isascii() and part.isdigit())) or len(whole) > 18:
        raise ValueError(f"'{text[:30]}' is not an amount")
    if len(part) > EXPONENT_OF_CURRENCY[currency]:
        raise ValueError(f"{text[:30]} {currency} is finer than the currency's smallest coin")
    return int(whole) * 1_000_000 + int(part.ljust(6, "0"))
