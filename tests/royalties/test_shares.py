"""Shares are the signed credits over the whole of an output, and no output gives or takes more than itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.money import PPB
from endcredits.royalties.shares import signed_shares, toward_zero

from .makers import CREDITS, NAMES, Output, attribution, output


@pytest.mark.parametrize(
    ("log_ratio", "credits", "expected"),
    [
        (10, {"a": 6, "b": 2}, {"a": 600_000_000, "b": 200_000_000}),
        (4, {"a": 6, "b": 2, "c": -1}, {"a": 750_000_000, "b": 250_000_000, "c": -125_000_000}),
        (4, {"a": 1, "b": -9}, {"a": 111_111_111, "b": -PPB}),
        (0, {"a": 6, "b": -2}, {"a": 0, "b": 0}),
        (-3, {"a": -3}, {"a": 0}),
        (7, {"a": 0, "b": 7}, {"b": PPB}),
        (10**13, {"a": 1}, {"a": 0}),
        (5, {}, {}),
    ],
)
def test_a_share_is_the_credit_over_the_largest_of_log_ratio_gains_and_harms(
    log_ratio: int, credits: dict[str, int], expected: dict[str, int]
) -> None:
    """By hand: what is unexplained, more than explained, harmed, unattributed, not credited, too small to see."""
    assert signed_shares(attribution(output("o", log_ratio, **credits))) == expected


@given(CREDITS, st.dictionaries(st.sampled_from(NAMES), CREDITS))
def test_no_output_gives_or_takes_more_than_itself(log_ratio: int, credits: dict[str, int]) -> None:
    """The positive shares sum to at most the whole, and so do the negative ones; each has its credit's sign or is zero."""
    shares = signed_shares(attribution(Output("o", log_ratio, credits)))

    assert sum(max(share, 0) for share in shares.values()) <= PPB
    assert sum(max(-share, 0) for share in shares.values()) <= PPB
    assert all(share * credits[work] >= 0 for work, share in shares.items())


@given(st.integers(1, 10**13), st.dictionaries(st.sampled_from(NAMES), CREDITS))
def test_turning_all_credits_turns_all_shares(log_ratio: int, credits: dict[str, int]) -> None:
    """Cutting off toward zero treats gains and harms alike."""
    turned = {work: -credit for work, credit in credits.items()}

    one, other = (signed_shares(attribution(Output("o", log_ratio, each))) for each in (credits, turned))

    assert other == {work: -share for work, share in one.items()}


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**20))
def test_toward_zero_is_the_integer_division_of_the_size(numerator: int, denominator: int) -> None:
    """It is never farther from zero than the exact quotient, and less than one away."""
    found = toward_zero(numerator, denominator)

    assert abs(found) * denominator <= abs(numerator) < (abs(found) + 1) * denominator
    assert found * numerator >= 0
