"""The bound on what can be wrong, against counting every sample, and against what it promises."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.flows.sample_bound import wrong_at_most
from endcredits.money import PPB


def by_counting(outputs: int, sampled: int, wrong: int, confidence_ppb: int) -> int:
    """The same by listing every sample of every number of wrong ones."""
    samples = list(combinations(range(outputs), sampled))
    most = wrong
    for of in range(wrong, outputs - (sampled - wrong) + 1):
        seen = sum(sum(one < of for one in sample) <= wrong for sample in samples)
        if seen * PPB > (PPB - confidence_ppb) * len(samples):
            most = of
    return most


@pytest.mark.parametrize("confidence_ppb", [500_000_000, 900_000_000, 950_000_000, 990_000_000])
def test_it_is_what_counting_every_sample_gives(confidence_ppb: int) -> None:
    """For every small case."""
    for outputs in range(1, 9):
        for sampled in range(1, outputs + 1):
            for wrong in range(sampled + 1):
                case = (outputs, sampled, wrong, confidence_ppb)
                assert wrong_at_most(*case) == by_counting(*case), case


@given(st.integers(1, 5_000), st.data())
def test_more_wrong_ones_and_smaller_samples_say_less(outputs: int, data: st.DataObject) -> None:
    """The bound is at least what was seen, at most what is left, grows with what was wrong, and shrinks with the sample."""
    sampled = data.draw(st.integers(1, min(outputs, 60)))
    wrong = data.draw(st.integers(0, sampled))

    most = wrong_at_most(outputs, sampled, wrong)

    assert wrong <= most <= outputs - (sampled - wrong)
    if wrong < sampled:
        assert most <= wrong_at_most(outputs, sampled, wrong + 1)
    if sampled < outputs:
        assert wrong_at_most(outputs, sampled + 1, wrong) <= most


def test_known_figures() -> None:
    """The rule of three: none wrong among 300 says about one in a hundred; all seen says exactly what was seen."""
    assert wrong_at_most(2_000_000, 300, 0) == 19_870
    assert wrong_at_most(48, 48, 1) == 1
    for bad in ((0, 0, 0), (5, 6, 0), (5, 2, 3), (5, 0, 0)):
        with pytest.raises(ValueError, match="at least as many"):
            wrong_at_most(*bad)
