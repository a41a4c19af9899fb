"""Significance in integers agrees with the textbook, errs to the safe side, and does not depend on order."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.money import PPB
from endcredits.royalties.significance import MILLI_Z_MAX, UNIT, critical_milli_z, milli_z, significant, tail

TENTH = PPB // 10


@pytest.mark.parametrize("milli", [1, 10, 500, 1_000, 1_645, 1_960, 2_576, 3_000, 5_070, 7_500])
def test_the_tail_is_that_of_the_normal_distribution(milli: int) -> None:
    """Against the C library's erfc, to its own precision, and never below it by more than that."""
    expected = math.erfc(milli / 1_000 / math.sqrt(2)) / 2

    assert tail(milli) / UNIT == pytest.approx(expected, rel=1e-8)


def test_the_tail_falls_all_the_way_and_is_rounded_up() -> None:
    """Larger z is never less significant; nothing is impossible."""
    tails = [tail(milli) for milli in range(0, MILLI_Z_MAX + 1, 37)]

    assert tails == sorted(tails, reverse=True)
    assert tails[0] == UNIT
    assert tail(MILLI_Z_MAX) >= 1


# Digits of P(Z >= z) from an arbitrary-precision erfc, with 50 decimals of working precision.
@pytest.mark.parametrize(
    ("milli", "exact"), [(1_960, "24997895148220434136584.27"), (5_070, "198907851103713086.19"), (10_000, "7.62")]
)
def test_the_tail_is_right_in_every_digit(milli: int, exact: str) -> None:
    """Rounded up to the next whole 10**-24."""
    assert tail(milli) == math.ceil(Fraction(exact))


@given(st.integers(-(10**40), 10**40), st.integers(1, 10**70))
def test_milli_z_is_the_floor_of_the_exact_root(credit: int, variance: int) -> None:
    """z in thousandths never passes its exact value and is less than a thousandth away."""
    milli = milli_z(credit, variance)

    if credit <= 0:
        assert milli == 0
    else:
        exact = Fraction(10**6 * credit**2, variance)
        assert milli**2 <= exact
        assert milli == MILLI_Z_MAX or exact < (milli + 1) ** 2


def textbook(p_values: list[Fraction], rate: Fraction) -> list[bool]:
    """Benjamini and Hochberg's own words: the largest k with p(k) <= k/m * rate, and all up to it."""
    ordered = sorted(p_values)
    passing = [p for k, p in enumerate(ordered, 1) if p <= Fraction(k, len(ordered)) * rate]
    return [bool(passing) and p <= passing[-1] for p in p_values]


@given(st.lists(st.integers(-1_000, 6_000), max_size=40), st.integers(0, PPB))
def test_the_step_up_is_the_textbook_one(millis: list[int], rate_ppb: int) -> None:
    """By thresholds over a histogram, against sorting p values."""
    credits = dict(enumerate(millis))
    variances = dict.fromkeys(credits, 10**6)  # so that z in thousandths is the number itself

    found = significant(credits, variances, rate_ppb)

    p_values = [Fraction(tail(max(milli, 0)), UNIT) for milli in millis]
    assert [cluster in found for cluster in credits] == textbook(p_values, Fraction(rate_ppb, PPB))


def test_by_hand() -> None:
    """Ten clusters at 10 %: p of .005 and .018 pass their bars of .01 and .02; .033 misses .03, unless another passes."""
    z_of = {0: 2_576, 1: 2_100, 2: 1_840, **dict.fromkeys(range(3, 10), 0)}
    ones = dict.fromkeys(z_of, 10**6)

    assert significant(z_of, ones, TENTH) == {0, 1}
    assert significant(z_of | {3: 1_960}, ones, TENTH) == {0, 1, 2, 3}
    assert significant({}, {}, TENTH) == set()


def test_noise_is_rarely_significant_and_signal_is() -> None:
    """Of pure noise hardly anything passes at 10 %; of a mixture about a tenth of what passes is noise."""
    dice = random.Random(5)
    false_alarms = 0
    for _ in range(200):
        noise = {cluster: round(dice.gauss(0, 1_000)) for cluster in range(50)}
        false_alarms += bool(significant(noise, dict.fromkeys(noise, 10**6), TENTH))
    assert false_alarms <= 200 * 0.1 + 3 * math.sqrt(200 * 0.09)

    mixed = {cluster: round(dice.gauss(4_000 if cluster < 200 else 0, 1_000)) for cluster in range(1_000)}
    found = significant(mixed, dict.fromkeys(mixed, 10**6), TENTH)
    assert len([cluster for cluster in found if cluster < 200]) > 180
    assert len([cluster for cluster in found if cluster >= 200]) < 0.2 * len(found)


def test_a_credit_known_exactly_passes_and_none_never_does() -> None:
    """Without error any credit above zero is significant; zero and less are not."""
    assert significant({1: 1, 2: 0, 3: -1}, {1: 0, 2: 0, 3: 0}, TENTH) == {1}


@given(st.dictionaries(st.integers(0, 20), st.integers(-(10**12), 10**12)), st.integers(0, PPB), st.randoms())
def test_order_does_not_matter(credits: dict[int, int], rate_ppb: int, dice: random.Random) -> None:
    """Another order of clusters gives the same set, and another unit too."""
    mixed = list(credits.items())
    dice.shuffle(mixed)
    variances = {cluster: (cluster + 1) * 10**20 for cluster in credits}

    expected = significant(credits, variances, rate_ppb)

    assert significant(dict(mixed), variances, rate_ppb) == expected
    scaled = {cluster: 1_000 * credit for cluster, credit in credits.items()}
    assert significant(scaled, {one: 10**6 * each for one, each in variances.items()}, rate_ppb) == expected


@given(st.lists(st.integers(0, 9_000), min_size=1), st.integers(0, PPB))
def test_a_larger_credit_never_loses_its_own_significance(millis: list[int], rate_ppb: int) -> None:
    """The step-up is monotone: raising one z keeps it and everybody else who was significant."""
    variances = dict.fromkeys(range(len(millis)), 10**6)
    before = significant(dict(enumerate(millis)), variances, rate_ppb)
    raised = [millis[0] + 500, *millis[1:]]

    assert before <= significant(dict(enumerate(raised)), variances, rate_ppb)


def test_nothing_is_critical_where_nothing_passes() -> None:
    """A bar above every z."""
    assert critical_milli_z({0: 5, 100: 1}, TENTH) == MILLI_Z_MAX + 1
    assert critical_milli_z({}, TENTH) == MILLI_Z_MAX + 1
