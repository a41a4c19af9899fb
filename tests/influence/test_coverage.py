"""Every parameter is covered or named with its reason, and a layer that hooks misread is found by running it."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from endcredits.canonical import to_plain
from endcredits.influence.gradient.coverage import (
    MIXED_ROWS,
    OTHER_USE,
    Missed,
    coverage_of,
    coverage_text,
    unseen_layers,
)
from endcredits.influence.gradient.layers import find_layers
from endcredits.influence.task import every_layer
from tests.influence.helpers import EMPIRICAL, labelled, mlp

CONTENTS = labelled(3, seed=1)


class Mixed(nn.Module):
    """One of every kind that the hooks do not see."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(5, 4)
        self.body = nn.Linear(4, 4)
        self.norm = nn.LayerNorm(4)
        self.experts = nn.Parameter(torch.zeros(2, 4, 4))
        self.mixing = nn.Parameter(torch.zeros(4, 4))
        self.attention = nn.MultiheadAttention(4, 2)
        self.back = nn.ConvTranspose1d(4, 2, 1)
        self.head = nn.Linear(4, 5, bias=False)
        self.head.weight = self.table.weight


def test_every_parameter_is_counted_or_named() -> None:
    """With a reason that says what it is."""
    model = Mixed()
    layers = find_layers(model, lambda name, _: name != "head")

    coverage = coverage_of(model, layers)

    assert [layer.name for layer in layers] == ["body"]
    assert coverage.covered == 20
    assert coverage.covered + sum(entry.size for entry in coverage.missed) == sum(p.numel() for p in model.parameters())
    assert {entry.name: entry.why for entry in coverage.missed} == {
        "experts": "fused weights of 3 dimensions, as of experts (Mixed)",
        "mixing": "a tensor that Mixed uses itself",
        "table.weight": "embedding table, tied to head.weight",
        "norm.weight": "norms and other vectors",
        "norm.bias": "norms and other vectors",
        "attention.in_proj_weight": "a tensor that MultiheadAttention uses itself",
        "attention.in_proj_bias": "norms and other vectors",
        "attention.out_proj.weight": (
            "a weight used otherwise than by calling a plain linear layer (NonDynamicallyQuantizableLinear)"
        ),
        "attention.out_proj.bias": (
            "a weight used otherwise than by calling a plain linear layer (NonDynamicallyQuantizableLinear)"
        ),
        "back.weight": "a convolution that is not indexed (ConvTranspose1d, 1 groups)",
        "back.bias": "a convolution that is not indexed (ConvTranspose1d, 1 groups)",
    }


def test_a_tied_head_is_half_a_use() -> None:
    """Indexed as head, its use as embedding is still missing, and the tensor does not count as covered."""
    model = Mixed()

    coverage = coverage_of(model, find_layers(model, every_layer))

    assert Missed("table.weight", 20, "one tensor with two uses, of which only head.weight is counted") in coverage.missed
    assert coverage.covered == 20


def test_what_training_did_not_move_is_set_apart() -> None:
    """It learnt nothing, so the share is of the rest."""
    base = Mixed()
    full = copy.deepcopy(base)
    with torch.no_grad():
        full.body.weight += 1
        full.norm.weight += 1
    layers = find_layers(full, lambda name, _: name == "body")

    coverage = coverage_of(full, layers, base=base)

    assert (coverage.covered, coverage.moved) == (20, 24)
    assert coverage.share == 20 / 24


def test_a_whole_perceptron_is_covered() -> None:
    """Nothing is missed, and nothing is said."""
    coverage = coverage_of(mlp(), find_layers(mlp(), every_layer))

    assert coverage.share == 1.0
    assert coverage.missed == ()
    assert coverage_text(coverage.facts()) == "51 of 51 learnt parameters (100.0 %) are indexed, in 2 layers"


def test_the_text_groups_by_reason_and_the_facts_are_plain() -> None:
    """The largest part first; one spelling, so that a manifest can hold it."""
    model = Mixed()
    facts = coverage_of(model, find_layers(model, lambda name, _: name == "body")).facts()

    assert to_plain(facts) == facts
    lines = coverage_text(facts).splitlines()
    assert lines[0] == "20 of 186 learnt parameters (10.8 %) are indexed, in 1 layer"
    assert lines[1] == "  not indexed: 48 (25.8 %), a tensor that MultiheadAttention uses itself: attention.in_proj_weight"
    assert "  not indexed: 20 (10.8 %), norms and other vectors: norm.weight and 2 more" in lines


class SequenceFirst(nn.Module):
    """Positions before examples, a table of positions, and a weight used twice in two ways."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.swapped = nn.Linear(4, 4)
        self.positions = nn.Linear(2, 4)
        self.again = nn.Linear(4, 4, bias=False)
        self.head = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        steps = torch.arange(6.0).reshape(3, 2) / 6  # three positions: as many as there are examples
        seen = torch.tanh(self.first(x))
        grid = seen[None] * torch.tensor([1.0, 2.0, 3.0])[:, None, None]  # (t, n, features)
        grid = torch.tanh(self.swapped(grid)) + self.positions(steps)[:, None]
        total = torch.tanh(self.again(grid.sum(0)) @ self.again.weight)
        return self.head(total)  # type: ignore[no-any-return]


def test_layers_that_hooks_misread_are_found_by_running() -> None:
    """Also where the shapes happen to fit."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = SequenceFirst()
    layers = find_layers(model, every_layer)

    wrong = unseen_layers(model, layers, EMPIRICAL.measurement, CONTENTS)

    assert wrong == {"swapped": MIXED_ROWS, "positions": MIXED_ROWS, "again": OTHER_USE}
    kept = [layer for layer in layers if layer.name not in wrong]
    missed = {entry.name: entry.why for entry in coverage_of(model, kept, unseen=wrong).missed}
    assert missed["swapped.weight"] == MIXED_ROWS and missed["again.weight"] == OTHER_USE


def test_rows_that_do_not_divide_are_found() -> None:
    """Two examples and three positions."""
    model = SequenceFirst()

    wrong = unseen_layers(model, find_layers(model, every_layer), EMPIRICAL.measurement, CONTENTS[:2])

    assert {wrong["swapped"], wrong["positions"]} == {MIXED_ROWS}


def test_nothing_is_wrong_with_a_perceptron() -> None:
    """Nor with two layers that share a weight: together they are its gradient."""
    shared = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 3))
    shared[2].weight = shared[0].weight

    for model in (mlp(), shared):
        assert unseen_layers(model, find_layers(model, every_layer), EMPIRICAL.measurement, CONTENTS) == {}
