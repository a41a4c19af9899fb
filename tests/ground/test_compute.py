"""Shards: in one process or several, the caller cannot tell which."""

from __future__ import annotations

import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.compute import map_shards, tree_merge
from endcredits.errors import MachineError


def square(number: int) -> int:
    return number * number


def slow_first(number: int) -> tuple[int, int]:
    """The first item is finished last."""
    time.sleep(0.2 if number == 0 else 0)
    return number, os.getpid()


def refuse_odd(number: int) -> int:
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number


def die(number: int) -> int:
    os._exit(1)


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("items", [[], [3], [5, 4, 3, 2, 1, 0]])
def test_results_are_those_of_a_plain_loop(processes: int, items: list[int]) -> None:
    """In the order of the items."""
    assert map_shards(square, items, processes=processes) == [square(item) for item in items]


def test_the_order_is_that_of_the_items_not_of_finishing() -> None:
    """And other processes really did the work."""
    results = map_shards(slow_first, range(6), processes=2)

    assert [number for number, _ in results] == list(range(6))
    assert os.getpid() not in {process for _, process in results}


@pytest.mark.parametrize("processes", [1, 2])
def test_progress_counts_every_item(processes: int) -> None:
    """One call per item, upwards to the end."""
    calls: list[tuple[str, int, int]] = []

    map_shards(square, [1, 2, 3], processes=processes, stage="squares", progress=lambda *call: calls.append(call))

    assert calls == [("squares", 1, 3), ("squares", 2, 3), ("squares", 3, 3)]


@pytest.mark.parametrize("processes", [1, 2])
def test_the_first_exception_in_the_order_of_the_items_is_raised(processes: int) -> None:
    """The same one whoever did the work."""
    calls: list[int] = []

    with pytest.raises(ValueError, match=r"^3 is odd$"):
        map_shards(refuse_odd, [2, 3, 5, 4], processes=processes, progress=lambda _, done, __: calls.append(done))

    assert calls == [1]


def test_a_process_that_dies_is_a_machine_error() -> None:
    """As when the memory is full; the error says what may help."""
    with pytest.raises(MachineError, match="processes died while working on squares") as caught:
        map_shards(die, [1, 2], processes=2, stage="squares")

    assert "fewer processes" in caught.value.remedy


@given(st.lists(st.text(max_size=2), min_size=1, max_size=40))
def test_merging_keeps_the_order(values) -> None:
    """Whatever the tree, concatenation is concatenation."""
    assert tree_merge(values, lambda left, right: left + right) == "".join(values)


@given(st.integers(1, 64))
def test_the_tree_depends_on_the_count_alone_and_is_balanced(count: int) -> None:
    """No value passes through more merges than the logarithm asks for."""
    depth = tree_merge([0] * count, lambda left, right: max(left, right) + 1)

    assert depth == (count - 1).bit_length()


@given(st.lists(st.floats(-1e10, 1e10), min_size=1, max_size=30))
def test_a_sum_of_floats_is_always_the_same(values) -> None:
    """Not nearly: the same bits, as in a slow recursion that pairs by powers of two."""

    def slow(part: list[float]) -> float:
        if len(part) == 1:
            return part[0]
        half = 1 << ((len(part) - 1).bit_length() - 1)
        return slow(part[:half]) + slow(part[half:])

    assert tree_merge(values, lambda left, right: left + right) == slow(values)


def test_nothing_cannot_be_merged() -> None:
    """There is no neutral element to return."""
    with pytest.raises(ValueError, match="nothing to merge"):
        tree_merge([], lambda left, right: left)
