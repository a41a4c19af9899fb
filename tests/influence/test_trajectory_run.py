"""A run that is made again is the run that torch's optimizer makes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from endcredits.errors import InputError
from endcredits.influence.trajectory.run import SgdRun, at_half_weight, train
from tests.influence.helpers import EMPIRICAL, labelled, mlp

RUN = SgdRun(((0, 1, 2), (3, 4, 5), (2, 4), (0, 5, 5)), (0.2, 0.1, 0.1, 0.05), momentum=0.9, weight_decay=0.01, normaliser=3)


def test_steps_are_those_of_torchs_optimizer() -> None:
    """Same start, batches and rates: the same weights, and the weights before every step are kept."""
    model, contents = mlp(), labelled(6, seed=1)
    before = [value.detach().clone() for value in model.parameters()]

    trajectory = train(model, EMPIRICAL, contents, RUN)

    assert all(torch.equal(now, then) for now, then in zip(model.parameters(), before, strict=True))
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9, weight_decay=0.01)
    for step, batch in enumerate(RUN.batches):
        flat = torch.cat([value.detach().reshape(-1) for value in model.parameters()])
        torch.testing.assert_close(trajectory.points[step], flat)
        optimizer.param_groups[0]["lr"] = RUN.rates[step]
        optimizer.zero_grad()
        torch.autograd.backward(EMPIRICAL.train_loss(model, [contents[i] for i in batch]).sum() / 3)
        optimizer.step()
    for ours, theirs in zip(trajectory.model.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_half_weight_takes_the_steps_of_half_a_run() -> None:
    """Two batches become one at the first one's rate; a last one without partner stays alone."""
    half = at_half_weight(replace(RUN, batches=(*RUN.batches, (1,)), rates=(*RUN.rates, 0.01)))

    assert half.batches == ((0, 1, 2, 3, 4, 5), (2, 4, 0, 5, 5), (1,))
    assert half.rates == (0.2, 0.1, 0.01)
    assert (half.weight, half.normaliser, half.momentum, half.weight_decay) == (0.5, 3, 0.9, 0.01)
    assert at_half_weight(RUN, fewer_steps=False) == replace(RUN, weight=0.5)


def test_a_weight_that_two_layers_share_moves_once() -> None:
    """Tied weights are one vector in the flat order, as they are for torch's optimizer."""
    model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))
    model[2].weight = model[0].weight
    contents = labelled(6, seed=1, features=3)

    trajectory = train(model, EMPIRICAL, contents, RUN)

    assert len(trajectory.end) == 9 + 3 + 3
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9, weight_decay=0.01)
    for batch, rate in zip(RUN.batches, RUN.rates, strict=True):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        torch.autograd.backward(EMPIRICAL.train_loss(model, [contents[i] for i in batch]).sum() / 3)
        optimizer.step()
    torch.testing.assert_close(trajectory.end, torch.cat([value.detach().reshape(-1) for value in model.parameters()]))


def test_what_does_not_fit_is_named() -> None:
    """Rates without batches, positions without examples, and a run that diverges at a step."""
    with pytest.raises(InputError, match="4 batches has 3 learning rates"):
        replace(RUN, rates=(0.1, 0.1, 0.1))
    with pytest.raises(InputError, match="momentum in"):
        replace(RUN, momentum=1.0)
    with pytest.raises(InputError, match="step 2 is empty or names an example outside the 5"):
        train(mlp(), EMPIRICAL, labelled(5, seed=1), RUN)
    contents = labelled(6, seed=1)
    contents[4] = (contents[4][0] * float("nan"), 0)
    with pytest.raises(InputError, match="not finite after step 2 of 4"):
        train(mlp(), EMPIRICAL, contents, RUN)
