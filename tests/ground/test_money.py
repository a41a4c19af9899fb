"""Money adds up: allocation to the unit, amounts written and read exactly."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.money import (
    EXPONENT_OF_CURRENCY,
    Amount,
    allocate,
    currency_code,
    format_micros,
    parse_micros,
)

weightings = st.dictionaries(st.text(max_size=4), st.integers(0, 10**30), min_size=1, max_size=12).filter(
    lambda weights: any(weights.values())
)
small_weightings = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 5), min_size=1).filter(
    lambda weights: any(weights.values())
)
totals = st.integers(-(10**24), 10**24)


def slow_allocate(total: int, weights: dict[str, int]) -> dict[str, int]:
    """The same in fractions, one unit at a time to whoever is furthest below the exact due."""
    due = {key: Fraction(abs(total) * weight, sum(weights.values())) for key, weight in weights.items()}
    parts = {key: int(exact) for key, exact in due.items()}
    waiting = dict(due)
    while sum(parts.values()) < abs(total):
        key = min(waiting, key=lambda key: (parts[key] - due[key], key))
        parts[key] += 1
        del waiting[key]
    return {key: part if total >= 0 else -part for key, part in parts.items()}


@given(totals, st.one_of(weightings, small_weightings))
def test_allocation_is_that_of_the_slow_twin(total, weights) -> None:
    """Fractions and integers agree on every unit."""
    assert allocate(total, weights) == slow_allocate(total, weights)


@given(totals, weightings)
def test_the_parts_sum_to_the_whole(total, weights) -> None:
    """To the unit, whatever the sign."""
    assert sum(allocate(total, weights).values()) == total


@given(totals, weightings)
def test_every_part_is_within_one_unit_of_its_due(total, weights) -> None:
    """The quota rule of Hamilton's method."""
    whole = sum(weights.values())

    for key, part in allocate(total, weights).items():
        assert abs(part - Fraction(total * weights[key], whole)) < 1


@given(totals, small_weightings)
def test_a_weight_of_zero_gets_zero(total, weights) -> None:
    """No unit is left over to somebody who is due nothing."""
    parts = allocate(total, weights)

    assert all(parts[key] == 0 for key, weight in weights.items() if weight == 0)


@given(totals, small_weightings, st.randoms(use_true_random=False))
def test_the_order_of_the_weights_never_matters(total, weights, random) -> None:
    """The parts are the same; they come in the order asked."""
    shuffled = list(weights.items())
    random.shuffle(shuffled)

    parts = allocate(total, dict(shuffled))

    assert parts == allocate(total, weights)
    assert list(parts) == [key for key, _ in shuffled]


@given(st.integers(0, 10**24), st.one_of(weightings, small_weightings))
def test_a_larger_weight_never_gets_less(total, weights) -> None:
    """Monotone in the weights; equal weights differ by one unit at most."""
    parts = allocate(total, weights)

    ordered = sorted(weights, key=lambda key: (weights[key], parts[key]))
    for low, high in pairwise(ordered):
        assert parts[low] <= parts[high]
        if weights[low] == weights[high]:
            assert parts[high] - parts[low] <= 1


@given(st.integers(0, 10**6), small_weightings, st.sampled_from("abcdefgh"), st.integers(1, 5))
def test_a_growing_weight_never_loses(total, weights, key, more) -> None:
    """Whoever is due more, others unchanged, gets no less."""
    assume(key in weights)

    assert allocate(total, {**weights, key: weights[key] + more})[key] >= allocate(total, weights)[key]


@given(totals, weightings)
def test_a_negative_total_is_split_like_its_absolute_value(total, weights) -> None:
    """Taking back takes exactly what was given."""
    assert allocate(-total, weights) == {key: -part for key, part in allocate(total, weights).items()}


@given(totals, small_weightings, st.integers(1, 10**20))
def test_the_unit_of_the_weights_never_matters(total, weights, factor) -> None:
    """Seconds or hours, nats or nano-nats."""
    assert allocate(total, {key: weight * factor for key, weight in weights.items()}) == allocate(total, weights)


def test_equal_remainders_go_by_id() -> None:
    """Not by order of arrival."""
    assert allocate(2, {"c": 1, "b": 1, "a": 1}) == {"c": 0, "b": 1, "a": 1}


def test_nothing_by_nothing_is_nothing_but_something_by_nothing_is_refused() -> None:
    """There is nobody to give it to."""
    assert allocate(0, {"a": 0, "b": 0}) == {"a": 0, "b": 0}
    assert allocate(0, {}) == {}
    for weights in ({}, {"a": 0}):
        with pytest.raises(InputError, match="every weight is zero"):
            allocate(1, weights)


@pytest.mark.parametrize("weight", [-1, 0.5, True, "1", None])
def test_a_weight_that_is_no_count_is_refused(weight) -> None:
    """Whole numbers from zero up."""
    with pytest.raises(InputError, match="the weight of 'a'"):
        allocate(1, {"a": weight, "b": 1})


@pytest.mark.parametrize("total", [0.5, True, "1", None])
def test_a_total_that_is_no_whole_number_is_refused(total) -> None:
    """Micros are integers."""
    with pytest.raises(InputError, match="is not a whole number"):
        allocate(total, {"a": 1})


@given(st.integers())
def test_an_amount_that_was_written_can_be_read(micros) -> None:
    """Without its thousands separators, it is the same micros; it always shows cents."""
    text = format_micros(micros)

    assert parse_micros(text.replace(",", "")) == micros
    assert len(text.partition(".")[2]) >= 2


@given(st.integers(), st.integers(0, 6))
def test_reading_is_that_of_fractions(number, decimals) -> None:
    """A slow twin: digits with a point in them."""
    digits = str(abs(number)).rjust(decimals + 1, "0")
    text = ("-" if number < 0 else "") + (f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits)

    assert parse_micros(text) == Fraction(number, 10**decimals) * 1_000_000


@pytest.mark.parametrize(
    "text",
    ["", "-", ".", "1.", ".5", "1,5", "1e3", "+1", " 1", "1\n", "--1", "1.2.3", "0x1", "nan", "1_0", "\u0661\u0662"],
)
def test_what_is_no_amount_is_refused(text) -> None:
    """The error names the field."""
    with pytest.raises(InputError, match="is not an amount") as caught:
        parse_micros(text, field="revenue")

    assert caught.value.field == "revenue"


def test_a_number_of_any_length_is_an_amount_or_refused() -> None:
    """Python's own limit on digits is never met."""
    assert parse_micros("9" * 100) == int("9" * 100) * 1_000_000
    with pytest.raises(InputError, match="too long for an amount"):
        parse_micros("9" * 5000)


def test_finer_than_a_micro_is_refused_not_rounded() -> None:
    """Even when the seventh decimal is zero."""
    assert parse_micros("0.000001") == 1
    for text in ("0.0000001", "1.0000000"):
        with pytest.raises(InputError, match="finer than a micro"):
            parse_micros(text)


def test_amounts_are_whole_micros_of_a_known_currency() -> None:
    """Neither floats nor made-up codes."""
    assert str(Amount(1_234_500_000, "EUR")) == "1,234.50 EUR"
    for micros, currency in ((1.5, "EUR"), (True, "EUR"), (1, "eur"), (1, "XXX")):
        with pytest.raises(InputError):
            Amount(micros, currency)


def test_currencies_have_the_decimals_of_iso_4217() -> None:
    """Samples of each kind, and no code twice."""
    samples = {code: EXPONENT_OF_CURRENCY[code] for code in ("EUR", "JPY", "KWD", "CLF", "ISK", "HUF", "USD")}

    assert samples == {"EUR": 2, "JPY": 0, "KWD": 3, "CLF": 4, "ISK": 0, "HUF": 2, "USD": 2}
    assert all(currency_code(code) == code and len(code) == 3 for code in EXPONENT_OF_CURRENCY)
    with pytest.raises(InputError, match="ISO 4217"):
        currency_code("eur")
