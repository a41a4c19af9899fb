"""Designs say which runs to make and how they become responses; on a game that is known they give its Shapley values."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import pytest
import torch

from endcredits.errors import InputError
from endcredits.influence.response.design import Design, central, grouped, one_sided, three_points, two_levels
from endcredits.influence.response.forwards import exact_contrasts

NAMES = ("a", "b", "c")
DESIGNS: dict[str, Callable[[], Design]] = {
    "central": lambda: central(NAMES),
    "on": lambda: one_sided(NAMES, "on"),
    "off": lambda: one_sided(NAMES, "off"),
    "levels": lambda: two_levels(NAMES),
}


def contrasts(design: Design, value: Callable[[dict[str, float]], float]) -> list[float]:
    """Credits of a game given as a function of the weights."""
    found = {
        run.name: torch.tensor([value({k: run.weight_of(k) for k in NAMES})], dtype=torch.float64) for run in design.runs
    }
    return [round(x, 9) for x in exact_contrasts(design, NAMES, found)[0].tolist()]


def shapley(value: Callable[[dict[str, float]], float]) -> list[float]:
    """By every order in which the players may join."""
    total = dict.fromkeys(NAMES, 0.0)
    orders = list(permutations(NAMES))
    for order in orders:
        inside: dict[str, float] = dict.fromkeys(NAMES, 0.0)
        for name in order:
            before = value(inside)
            inside[name] = 1.0
            total[name] += (value(inside) - before) / len(orders)
    return [round(total[name], 9) for name in NAMES]


@pytest.mark.parametrize("design", DESIGNS)
def test_of_a_sum_every_design_gives_the_parts(design: str) -> None:
    """Without interaction there is nothing to approximate."""
    assert contrasts(DESIGNS[design](), lambda w: 2 * w["a"] - 3 * w["b"] + 0.5 * w["c"]) == [2, -3, 0.5]


@pytest.mark.parametrize("design", ["central", "levels"])
def test_of_a_game_with_pairs_the_middle_gives_the_shapley_values(design: str) -> None:
    """Pairwise interaction is shared equally; the midpoint rule is exact for it, and so are the two levels."""

    def value(w: dict[str, float]) -> float:
        return 2 * w["a"] + w["b"] - 3 * w["a"] * w["b"] + 1.5 * w["b"] * w["c"]

    assert contrasts(DESIGNS[design](), value) == pytest.approx(shapley(value))


def test_of_a_game_with_triples_the_two_levels_are_closer_than_the_middle() -> None:
    """The product of three: each earns a third; the middle sees a quarter of it, two Gauss levels the mean of squares."""

    def value(w: dict[str, float]) -> float:
        return w["a"] * w["b"] * w["c"]

    assert shapley(value) == pytest.approx([1 / 3] * 3)
    assert contrasts(central(NAMES), value) == pytest.approx([0.25] * 3)
    assert contrasts(two_levels(NAMES), value) == pytest.approx([1 / 3] * 3)


def test_prices_are_what_the_docs_say() -> None:
    """Runs for K catalogues."""
    assert [len(DESIGNS[name]().runs) for name in ("central", "on", "off", "levels")] == [7, 4, 4, 8]
    assert len(three_points(central(NAMES)).runs) == 9


@pytest.mark.parametrize("design", DESIGNS)
def test_points_of_all_terms_weigh_one(design: str) -> None:
    """With and without Simpson's ends."""
    for one in (DESIGNS[design](), three_points(DESIGNS[design]())):
        assert sum(weight for term in one.terms for _, weight in term.points) == pytest.approx(1)
        assert len({run.name for run in one.runs}) == len(one.runs)


def test_groups_run_together() -> None:
    """Each catalogue is in exactly one."""
    design, group_of = grouped({"left": ["a", "b"], "right": ["c"]})

    assert len(design.runs) == 5
    assert group_of == {"a": "left", "b": "left", "c": "right"}
    with pytest.raises(InputError, match="two groups"):
        grouped({"left": ["a", "b"], "right": ["a"]})


def test_wrong_designs_are_refused() -> None:
    """By the field that is wrong."""
    with pytest.raises(InputError, match="'on' or 'off'"):
        one_sided(NAMES, "up")
    with pytest.raises(InputError, match="level is 1"):
        central(NAMES, 1.0)
    with pytest.raises(InputError, match="each named once"):
        central(("a", "a"))
