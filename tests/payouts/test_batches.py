"""From balances to batches: whole coins, every hold with its reason, and nothing lost on the way."""

# ruff: noqa: RUF001 (digits and letters of other scripts are the subject of some tests)
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.money import EXPONENT_OF_CURRENCY
from endcredits.payouts.batches import plan
from endcredits.payouts.payees import PayeeProfile, TaxProfile
from endcredits.payouts.payments import HOLD_REASONS, coin_micros, format_coins, parse_coins

from .paying_makers import ADA, BEN, payee, payer, planned, terms, w8


def held(*profiles: PayeeProfile, micros: int = 50_000_000, currency: str = "EUR", **more: object) -> str:
    """The reason for which Ada is not paid, "" when she is."""
    made = planned({("ada", currency): micros}, *profiles, **more)
    assert sum(total.owed_micros for total in made.totals) == micros
    return made.holds[0].reason if made.holds else ""


def test_a_balance_becomes_whole_coins_and_a_rest() -> None:
    """12.345678 EUR are 12.34 EUR, and 0.005678 EUR roll over."""
    made = planned({("ada", "EUR"): 12_345_678}, payee())
    (payment,) = made.batches[0].payments

    assert (payment.gross_micros, payment.rest_micros, payment.transfer_micros) == (12_340_000, 5_678, 12_340_000)
    assert made.totals[0].rest_micros == 5_678


@pytest.mark.parametrize(
    ("currency", "micros", "sent"),
    [("JPY", 10_500_000, 10_000_000), ("KWD", 1_234_567, 1_234_000), ("EUR", 10_001_000, 10_000_000)],
)
def test_coins_follow_the_currency(currency: str, micros: int, sent: int) -> None:
    """Yen have no decimals, dinars three."""
    made = planned({("ada", currency): micros}, payee(currency=currency))

    assert made.batches[0].transfer_micros == sent


def test_every_reason_to_hold_is_named() -> None:
    """In the order of what is worse."""
    bank_less = payee(iban="")
    cases = {
        "no-profile": held(),
        "sanctions": held(payee(sanctions=True, dispute="whose song"), micros=-5),
        "dispute": held(payee(dispute="whose song")),
        "negative": held(payee(), micros=-1),
        "not-yet": held(payee(valid_from="2026-12-04")),
        "currency": held(payee(currency="USD")),
        "below-threshold": held(payee(minimum_micros=50_000_001)),
        "tax-form": held(payee(), payer=payer("US")),
        "bank": held(bank_less),
    }

    assert all(reason == found for reason, found in cases.items()), cases
    assert set(cases) == set(HOLD_REASONS)
    assert held(payee(), threshold_micros=50_000_001) == "below-threshold"
    assert held(payee(), micros=9_999) == "below-threshold"
    assert held(payee(bank_hold="returned: AC04")) == "bank"
    assert held(payee(holder="山田太郎")) == "bank"
    assert held(payee(tax=w8(signed_on="2022-01-01")), payer=payer("US")) == "tax-form"
    assert held(payee(rail="nacha", routing="011000015", account="12345")) == "bank"
    assert held(payee(rail="stripe")) == "bank"
    assert held(payee()) == ""


def test_tax_is_kept_back_and_vat_goes_on_top() -> None:
    """Of 100 EUR 30 are withheld, and 19 are VAT on the hundred."""
    profile = payee(country="BR", tax=replace(w8(), vat_id="DE123456789", vat_rate_ppb=190_000_000))
    made = planned({("ada", "EUR"): 100_000_000}, profile, payer=payer("US"))
    (payment,) = made.batches[0].payments

    assert (payment.withheld_micros, payment.vat_micros, payment.transfer_micros) == (30_000_000, 19_000_000, 89_000_000)
    assert (payment.withheld_for, payment.rule_id) == ("US", "us-royalty-foreign")


def test_backup_withholding_is_the_operators_choice() -> None:
    """Without a W-9 the payment waits, or 24 per cent are kept."""
    profile = payee(country="US", tax=TaxProfile())

    assert held(profile, payer=payer("US")) == "tax-form"
    made = planned({("ada", "EUR"): 100_000_000}, profile, payer=payer("US"), without_form=True)
    assert made.batches[0].transfer_micros == 76_000_000


def test_batches_are_by_rail_and_currency_and_their_ids_by_content() -> None:
    """Whatever the order of balances and profiles."""
    ada, ben = payee(), payee("ben", 2000, rail="csv", currency="USD")
    owed = {("ada", "EUR"): 5_000_000, ("ben", "USD"): 6_000_000, ("ben", "EUR"): 7_000_000}

    one = planned(owed, ada, ben)
    other = planned(dict(reversed(owed.items())), ben, ada)

    assert one == other
    assert [(batch.rail, batch.currency) for batch in one.batches] == [("csv", "USD"), ("pain001", "EUR")]
    assert [hold.reason for hold in one.holds] == ["currency"]
    assert planned(owed, ada, ben, on="2026-12-04").plan_id != one.plan_id


def test_what_was_sent_before_makes_another_payment() -> None:
    """The same amount on the same day after a first payment is no repetition of it."""
    first = plan({(ADA, "EUR"): 5_000_000}, {ADA: payee()}, {}, terms())
    second = plan({(ADA, "EUR"): 5_000_000}, {ADA: payee()}, {(ADA, "EUR"): 1}, terms())

    assert first.batches[0].payments[0].payment_id != second.batches[0].payments[0].payment_id
    assert first.batches[0].batch_id != second.batches[0].batch_id


def test_no_document_holds_a_bank_detail() -> None:
    """A plan shows the last four characters and no more."""
    profile = payee()

    assert profile.bank.iban not in repr(planned({("ada", "EUR"): 5_000_000}, profile))


def test_a_day_that_is_none_is_refused() -> None:
    """YYYY-MM-DD."""
    with pytest.raises(InputError) as caught:
        planned({}, on="20261203")

    assert caught.value.field == "on"


@st.composite
def worlds(draw: st.DrawFn) -> tuple[dict[tuple[str, str], int], list[PayeeProfile]]:
    """Payees of all kinds, with balances of all sizes."""
    profiles = []
    owed: dict[tuple[str, str], int] = {}
    for number in range(draw(st.integers(0, 5))):
        name = f"party-{number}"
        if draw(st.booleans()):
            profiles.append(
                payee(
                    name,
                    1000 + number,
                    currency=draw(st.sampled_from(["EUR", "JPY", "KWD"])),
                    country=draw(st.sampled_from(["DE", "BR"])),
                    sanctions=draw(st.booleans()) and draw(st.booleans()),
                    minimum_micros=draw(st.integers(0, 20_000_000)),
                    tax=draw(st.sampled_from([TaxProfile(), w8(), w8(0)])),
                )
            )
        for currency in draw(st.sets(st.sampled_from(["EUR", "JPY", "KWD"]))):
            owed[name, currency] = draw(st.integers(-(10**9), 10**10))
    return owed, profiles


@given(worlds(), st.sampled_from(["US", "DE"]), st.booleans())
def test_nothing_owed_is_lost(
    world: tuple[Mapping[tuple[str, str], int], list[PayeeProfile]], country: str, without_form: bool
) -> None:
    """Per currency, what is paid, rolled over and held is what is owed; every amount sent is whole coins."""
    owed, profiles = world
    made = planned(dict(owed), *profiles, payer=payer(country), without_form=without_form)

    for currency in {currency for _, currency in owed}:
        of = [batch for batch in made.batches if batch.currency == currency]
        paid = sum(payment.gross_micros + payment.rest_micros for batch in of for payment in batch.payments)
        kept = sum(hold.amount_micros for hold in made.holds if hold.currency == currency)
        assert paid + kept == sum(micros for (_, name), micros in owed.items() if name == currency)
    for batch in made.batches:
        for payment in batch.payments:
            assert 0 < payment.transfer_micros == payment.gross_micros - payment.withheld_micros + payment.vat_micros
            assert payment.transfer_micros % coin_micros(batch.currency) == 0
            assert 0 <= payment.rest_micros < coin_micros(batch.currency)
    named = [(p.party_id, b.currency) for b in made.batches for p in b.payments]
    named += [(hold.party_id, hold.currency) for hold in made.holds]
    assert sorted(named) == sorted(key for key, micros in owed.items() if micros)


@given(st.sampled_from(sorted(EXPONENT_OF_CURRENCY)), st.integers(0, 10**15))
def test_coins_are_written_and_read_back(currency: str, coins: int) -> None:
    """Every currency, every amount."""
    micros = coins * coin_micros(currency)

    assert parse_coins(format_coins(micros, currency), currency) == micros


@pytest.mark.parametrize(
    ("text", "currency"),
    [("10.001", "EUR"), ("10.5", "JPY"), ("1e3", "EUR"), ("-1", "EUR"), ("", "EUR"), ("١", "EUR"), ("1.2.3", "KWD")],
)
def test_an_amount_that_the_currency_cannot_have_is_refused(text: str, currency: str) -> None:
    """Finer than a coin, or no number."""
    with pytest.raises(ValueError, match=r"coin|not an amount"):
        parse_coins(text, currency)


def test_ben_is_not_paid_with_adas_profile() -> None:
    """Profiles are looked up by party."""
    made = plan({(BEN, "EUR"): 5_000_000}, {ADA: payee()}, {}, terms())

    assert [hold.reason for hold in made.holds] == ["no-profile"]
