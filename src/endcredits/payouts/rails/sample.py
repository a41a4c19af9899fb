"""Orders made up by number, for measuring and for tests: German accounts that no bank has issued."""

from __future__ import annotations

from endcredits.ids import PartyId
from endcredits.payouts.bank import BankDetail, mod_97
from endcredits.payouts.batches import make_batch
from endcredits.payouts.payers import Payer
from endcredits.payouts.payments import Payment, coin_micros
from endcredits.payouts.rails.orders import Order

_NAMES = ("Zoë Ångström", "Ada Lovelace", "Søren Kierkegaard", "Smith & Sons", "Łucja Żuk", "José O'Neill")
MADE_AT = "2026-12-01T08:00:00Z"


def german_iban(number: int) -> str:
    """A German IBAN with right check digits, made from a number below 10**10.

    >>> german_iban(532013000)
    'DE89370400440532013000'
    """
    bban = f"37040044{number:010d}"
    return f"DE{98 - mod_97('DE00' + bban):02d}{bban}"


def sample_order(count: int, currency: str = "EUR", rail: str = "pain001", on: str = "2026-12-03") -> Order:
    """An order of so many payments, each of another amount to another account."""
    payer = Payer(
        "Small Studio Ltd", "DE", 0, german_iban(1), "COBADEFFXXX", "011000015", "123456789", company_id="1234567890"
    )
    coin = coin_micros(currency)
    payments, banks = [], {}
    for number in range(count):
        name, iban = f"{_NAMES[number % len(_NAMES)]} {number}", german_iban(1000 + number)
        bank = BankDetail(name, iban, "COBADEFFXXX", "011000015", f"{100000 + number}", "checking", f"acct_sample{number}")
        micros = (1000 + 37 * number) * coin
        payment = Payment(
            f"p-{number:024x}", PartyId(f"party-{number:06d}"), f"payee:party-{number:06d}:1", name, "DE", bank.masked, 0,
            micros, micros, 0, "", "", 0, micros, 0,
        )  # fmt: skip
        payments.append(payment)
        banks[payment.payment_id] = bank
    return Order(make_batch(on, rail, currency, payer, payments), payer, banks, MADE_AT)
