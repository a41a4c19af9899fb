"""What was agreed about pay becomes terms that policies can tell apart."""

from __future__ import annotations

import pytest

from endcredits.errors import InputError
from endcredits.works.likeness import BASES, Pay, fee_of, kind_of, offer_of
from endcredits.works.rules import shipped_pack

from .made import grant


@pytest.mark.parametrize(
    ("pay", "offer", "micros", "factor_ppb"),
    [
        (Pay("session", "250", "EUR", "", None), "likeness session 250.00 EUR", 250_000_000, 10**9),
        (Pay("day_rate", "1000.50", "USD", "3", True), "likeness day_rate 1,000.50 USD", 1_000_500_000, 10**9),
        (
            Pay("usage_multiplier", "100", "USD", "1.5", None),
            "likeness usage_multiplier 100.00 USD x1.5",
            100_000_000,
            1_500_000_000,
        ),
    ],
)
def test_fees_are_what_was_agreed(pay: Pay, offer: str, micros: int, factor_ppb: int) -> None:
    fee = fee_of(pay)
    assert fee is not None
    assert (fee.offer, fee.amount_micros, fee.factor_ppb) == (offer, micros, factor_ppb) and offer_of(pay) == offer


@pytest.mark.parametrize("basis", ["share", "residual", ""])
def test_other_bases_are_left_to_the_policy(basis: str) -> None:
    assert fee_of(Pay(basis, "3", "USD", "", None)) is None and offer_of(Pay(basis, "", "", "", None)).startswith(
        "likeness "
    )


def test_every_basis_that_a_grant_may_name_is_explained() -> None:
    assert {*shipped_pack().fields["likeness"]["pay.basis"].values, ""} == set(BASES)


@pytest.mark.parametrize(
    ("pay", "field"),
    [
        (Pay("session", "250", "", "", None), "pay.currency"),
        (Pay("session", "99999999999999", "USD", "", None), "pay.amount"),
        (Pay("usage_multiplier", "1", "USD", "10001", None), "pay.multiplier"),
        (Pay("usage_multiplier", "1", "USD", "0.0000000001", None), "pay.multiplier"),
    ],
)
def test_a_fee_that_cannot_be_paid_is_refused(pay: Pay, field: str) -> None:
    with pytest.raises(InputError) as refused:
        fee_of(pay)
    assert refused.value.field == field


def test_the_kind_of_a_use_is_one_line() -> None:
    assert kind_of(grant(uses__0__medium=" Web\n\u202e series ").uses[0]) == "Web series"
    assert kind_of(grant(uses__0__medium="\u202e").uses[0]) == "likeness"
    assert len(kind_of(grant(uses__0__medium="x" * 999).uses[0])) == 200
