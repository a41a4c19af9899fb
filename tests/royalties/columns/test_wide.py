"""128-bit columns compute what Python's integers do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.royalties.columns.wide import add, less, negative, of_int64, of_ints, times

NUMBERS = st.lists(st.one_of(st.integers(-5, 5), st.integers(-(2**64) - 2, 2**64 + 2), st.integers(-(2**126), 2**126 - 1)))


@given(st.lists(st.tuples(st.integers(-(2**126), 2**126 - 1), st.integers(-(2**126), 2**126 - 1))))
def test_sums_signs_and_order(pairs: list[tuple[int, int]]) -> None:
    left, right = of_ints([pair[0] for pair in pairs]), of_ints([pair[1] for pair in pairs])
    assert add(left, right).ints() == [a + b for a, b in pairs]
    assert negative(left).ints() == [-a for a, _ in pairs]
    assert less(left, right).tolist() == [a < b for a, b in pairs]


@given(st.lists(st.tuples(st.integers(-(2**62), 2**62), st.integers(0, 2**63 - 1))))
def test_products(pairs: list[tuple[int, int]]) -> None:
    values = of_ints([a for a, _ in pairs])
    assert times(values, np.array([b for _, b in pairs], np.int64)).ints() == [a * b for a, b in pairs]


@given(NUMBERS)
def test_totals_texts_and_clipping(numbers: list[int]) -> None:
    values = of_ints(numbers)
    assert values.ints() == numbers
    assert values.total() == sum(numbers)
    assert values.positive().ints() == [max(number, 0) for number in numbers]
    assert values.texts().to_pylist() == [str(number) for number in numbers]


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_64_bits_widen(numbers: list[int]) -> None:
    assert of_int64(np.array(numbers, np.int64)).ints() == numbers


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(InputError, match="127"):
        of_ints([2**127])
    with pytest.raises(InputError, match="38 digits"):
        of_ints([10**38]).texts()
