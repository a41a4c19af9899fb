"""Dividing columns gives what `money.allocate` gives, to the unit, from single micros to the edge of 128 bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.money import PPB, allocate
from endcredits.royalties.columns import remainders
from endcredits.royalties.columns.remainders import divide, divide_groups, floors, largest
from endcredits.royalties.columns.wide import of_ints

TOTALS = st.one_of(st.integers(0, 50), st.integers(0, 10**12), st.integers(0, 2**63 - 1))
WEIGHTS = st.lists(
    st.one_of(st.integers(0, 3), st.integers(0, 10**9), st.integers(0, 10**30), st.integers(2**119, 2**120)),
    min_size=1,
    max_size=12,
).filter(any)


def named(weights: list[int]) -> dict[str, int]:
    return {f"{number:03d}": weight for number, weight in enumerate(weights)}


@given(TOTALS, WEIGHTS)
def test_a_whole_is_divided_as_money_is(total: int, weights: list[int]) -> None:
    assert divide(total, of_ints(weights), sum(weights)).tolist() == list(allocate(total, named(weights)).values())


@given(TOTALS, WEIGHTS)
def test_floors_and_remainders_are_exact(total: int, weights: list[int]) -> None:
    whole = sum(weights)
    units, remainder = floors(total, of_ints(weights), whole)
    assert list(zip(units.tolist(), remainder.ints(), strict=True)) == [divmod(total * weight, whole) for weight in weights]


def test_ordinary_sizes_never_fall_back_to_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """The quick way must be what runs, not its slow twin."""
    monkeypatch.setattr(remainders, "_floors_in_python", lambda *given: pytest.fail("slow"))
    generator = np.random.default_rng(3)
    weights = [int(weight) * 10**11 + 7 for weight in generator.integers(0, 2**30, 10_000)]
    for total in (0, 1, 999, 10**11, 10**15, 2**53 + 1):
        divided = divide(total, of_ints(weights), sum(weights))
        assert divided.tolist() == list(allocate(total, {f"{n:06d}": weight for n, weight in enumerate(weights)}).values())


@given(st.lists(st.one_of(st.integers(0, 3), st.integers(2**100, 2**100 + 3)), min_size=1, max_size=20), st.data())
def test_the_largest_are_marked_and_ties_go_to_the_first(values: list[int], data: st.DataObject) -> None:
    count = data.draw(st.integers(0, len(values)))
    wanted = sorted(range(len(values)), key=lambda place: (-values[place], place))[:count]
    assert sorted(np.flatnonzero(largest(of_ints(values), count)).tolist()) == sorted(wanted)


GROUPS = st.lists(
    st.tuples(TOTALS, st.lists(st.one_of(st.integers(0, 4), st.integers(0, PPB)), min_size=1, max_size=6).filter(any)),
    max_size=8,
)


@given(GROUPS, st.sampled_from([1, 2**40]))
def test_groups_are_divided_each_as_money_is(groups: list[tuple[int, list[int]]], scale: int) -> None:
    sizes = [len(weights) for _, weights in groups]
    starts = np.array([sum(sizes[:place]) for place in range(len(sizes))], np.int64)
    totals = np.array([total for total, _ in groups], np.int64)
    weights = np.array([weight * (scale if scale * 6 * PPB < 2**63 else 1) for _, own in groups for weight in own], np.int64)
    divided = divide_groups(totals, weights, starts).tolist()
    assert divided == [part for total, own in groups for part in allocate(total, named(own)).values()]


def test_groups_of_large_weights_are_exact_too() -> None:
    weights = np.array([2**40, 2**41, 1, 5], np.int64)
    divided = divide_groups(np.array([2**62 + 3], np.int64), weights, np.array([0], np.int64)).tolist()
    assert divided == list(allocate(2**62 + 3, named(weights.tolist())).values())
