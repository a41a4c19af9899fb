"""Withholding follows dated data; a form that is missing holds, and nothing is lost by rounding."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.money import PPB
from endcredits.payouts.payees import TaxProfile
from endcredits.payouts.tax import SHIPPED, Withholding, form_problem, read_rates, vat_coins, withholding

from .paying_makers import ON, RATES, payee, payer, w8

US = payer("US")


def test_a_payer_abroad_without_us_source_withholds_nothing() -> None:
    """And asks for no form."""
    assert withholding(payee(), payer("DE"), RATES, ON) == Withholding()


def test_thirty_per_cent_unless_a_treaty_says_less() -> None:
    """The claim must rest on a treaty that the data knows."""
    full = withholding(payee(country="BR", tax=w8()), US, RATES, ON)
    treaty = withholding(payee(country="DE", tax=w8(0)), US, RATES, ON)

    assert (full.rule_id, full.coins(1000)) == ("us-royalty-foreign", 300)
    assert (treaty.rule_id, treaty.coins(1000)) == ("treaty-US-DE", 0)
    assert "no treaty with BR" in withholding(payee(country="BR", tax=w8(0)), US, RATES, ON).hold
    assert "no treaty with IN" in withholding(payee(country="IN", tax=w8(100_000_000)), US, RATES, ON).hold
    assert withholding(payee(country="IN", tax=w8(150_000_000)), US, RATES, ON).coins(1000) == 150
    assert withholding(payee(country="DE", tax=w8(400_000_000)), US, RATES, ON).coins(1000) == 300


def test_a_payee_at_home_signs_a_w9_or_loses_24_per_cent() -> None:
    """Held by default; withheld only when the operator says so."""
    signed = payee(country="US", tax=TaxProfile("W-9", "2020-01-01"))
    silent = payee(country="US")

    assert withholding(signed, US, RATES, ON) == Withholding()
    assert "W-9" in withholding(silent, US, RATES, ON).hold
    assert withholding(silent, US, RATES, ON, without_form=True).coins(1000) == 240


def test_a_form_counts_until_the_end_of_the_third_year_after() -> None:
    """Signed in 2022 it is good for all of 2025, and not for 2026."""
    profile = payee(tax=w8(signed_on="2022-06-01"))

    assert form_problem(profile, "2025-12-31") == ""
    assert form_problem(profile, "2026-01-01") == "the W-8BEN expired on 2025-12-31"
    assert "signed on 2022-06-01, after" in form_problem(profile, "2022-05-31")
    assert withholding(profile, US, RATES, "2026-01-01").hold
    assert withholding(profile, US, RATES, "2026-01-01", without_form=True).coins(10) == 3


def test_only_the_part_with_its_source_there_is_taxed() -> None:
    """A payer abroad with a quarter of its royalties from the United States."""
    partly = payer("DE", us_source="25")

    assert withholding(payee(tax=w8()), partly, RATES, ON).coins(1000) == 75


def test_a_rule_counts_from_its_day_on() -> None:
    """Before 2018 there is no rule of backup withholding in the data."""
    assert withholding(payee(country="US"), US, RATES, "2017-12-31", without_form=True) == Withholding()


@given(st.integers(0, 10**12), st.integers(0, PPB), st.integers(0, PPB))
def test_net_and_tax_are_the_whole_to_the_coin(coins: int, rate_ppb: int, source_ppb: int) -> None:
    """Never less than nothing, never more than due by a whole coin."""
    kept = Withholding("US", "r", rate_ppb, source_ppb).coins(coins)

    assert 0 <= kept <= coins
    assert abs(kept * PPB * PPB - coins * rate_ppb * source_ppb) < PPB * PPB
    assert abs(vat_coins(coins, rate_ppb) * PPB - coins * rate_ppb) < PPB


def test_every_row_of_the_shipped_data_has_a_source() -> None:
    """And the file says when it was looked over."""
    assert RATES.reviewed_on
    for row in (*RATES.rules, *RATES.treaties, *RATES.reports):
        assert row.source and row.valid_from


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('rate = "30"', 'rate = "130"', "rule.rate"),
        ('rate = "30"', "rate = 30", "rule"),
        ('jurisdiction = "US"', 'jurisdiction = "XX"', "rule.country"),
        ('of = "foreign"', 'of = "all"', "rule.of"),
        ("treaty_may_lower = true", "", "rule"),
        ("1967-01-01", "1967-13-01", "rule.valid_from"),
        ('reviewed_on = "2026-11-21"', "", "reviewed_on"),
        ("[[rule]]", "[[rules]]", None),
        ("[[rule]]", "[[rule]", None),
    ],
)
def test_what_is_wrong_in_a_file_of_rates_is_named(tmp_path: Path, old: str, new: str, field: str | None) -> None:
    """With its row and key."""
    text = SHIPPED.read_text()
    assert old in text
    (tmp_path / "rates.toml").write_text(text.replace(old, new))

    with pytest.raises(InputError) as caught:
        read_rates(tmp_path / "rates.toml")

    assert caught.value.field == field
    assert caught.value.file
