"""A training run that can be repeated: which examples at which step, with which step size; and repeating it.

The optimizer is stochastic gradient descent as in `torch.optim.SGD` without dampening or Nesterov: at step t, with
examples B_t, loss weights w and weights theta,

    G     = sum over i in B_t of w_i grad loss_i(theta) / normaliser + weight_decay theta
    m     <- momentum m + G
    theta <- theta - rate_t m
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from endcredits.errors import InputError
from endcredits.influence.task import Task, one_each

Loss = Callable[[Tensor], Tensor]
"""Flat weights ``[P]`` -> the loss of each example of one batch, ``[n]``, in nats."""


@dataclass(frozen=True, slots=True)
class SgdRun:
    """Everything that a run's weights depend on, besides its start and its examples.

    Attributes:
        batches: for each step, the positions of its examples in the list of examples.
        rates: learning rate of each step, > 0.
        momentum: in [0, 1).
        weight_decay: >= 0, on every trained weight.
        normaliser: what a batch's summed loss is divided by, normally the batch's size. It stays as it is when examples
            are left out or weighted: an absent example is a zero in the sum.
        weight: how much the loss of every example counts; 1 in the run that was made.
    """

    batches: tuple[tuple[int, ...], ...]
    rates: tuple[float, ...]
    momentum: float
    weight_decay: float
    normaliser: float
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not self.batches or len(self.batches) != len(self.rates):
            raise InputError(
                f"a run of {len(self.batches)} batches has {len(self.rates)} learning rates",
                remedy="Give one rate per step, and at least one step.",
                field="rates",
            )
        if min(self.rates) <= 0 or not 0 <= self.momentum < 1 or self.weight_decay < 0 or self.normaliser <= 0:
            raise InputError(
                "a run needs rates and a normaliser above 0, momentum in [0, 1) and weight decay of at least 0",
                remedy="Give the numbers of the run that was made.",
                field="rates, momentum, weight_decay, normaliser",
            )


def at_half_weight(run: SgdRun, *, fewer_steps: bool = True) -> SgdRun:
    """The run in the middle of all subsets: every example counts one half.

    Args:
        run: the run on everything.
        fewer_steps: whether a run on half of the examples takes half of the steps, as it does when the number of epochs
            and the batch size stay. Then two batches become one with the first one's rate: its expected gradient, its
            steps and its weight decay are those of a run on a random half. False keeps the steps, for truths in which an
            absent example leaves a gap in its batch.
    """
    half = replace(run, weight=run.weight / 2)
    if not fewer_steps:
        return half
    pairs = range(0, len(run.batches), 2)
    merged = tuple(tuple(i for batch in run.batches[t : t + 2] for i in batch) for t in pairs)
    return replace(half, batches=merged, rates=tuple(run.rates[t] for t in pairs))


class Flat:
    """A model and a task as functions of one flat vector of weights.

    The order is that of `model.parameters()`; a weight that two names share is there once.
    """

    def __init__(self, model: nn.Module, task: Task) -> None:
        """Copies the model; it is used in evaluation mode."""
        self.model = copy.deepcopy(model).eval()
        self.task = task
        named = dict(self.model.named_parameters())
        self.names = tuple(f"model.{name}" for name in named)
        self.shapes = tuple(value.shape for value in named.values())
        self.start = torch.cat([value.detach().reshape(-1) for value in named.values()])

    def loss(self, contents: Sequence[Any]) -> Loss:
        """The training loss of some contents, as a function of the weights."""
        return self._function("train_loss", contents)

    def measurement(self, contents: Sequence[Any]) -> Loss:
        """The measurement of some contents, as a function of the weights."""
        return self._function("measurement", contents)

    def module(self, weights: Tensor) -> nn.Module:
        """A copy of the model with these weights."""
        model = copy.deepcopy(self.model)
        with torch.no_grad():
            for value, part in zip(model.parameters(), self._parts(weights), strict=True):
                value.copy_(part)
        return model

    def _parts(self, weights: Tensor) -> list[Tensor]:
        pieces = torch.split(weights, [shape.numel() for shape in self.shapes])
        return [piece.view(shape) for piece, shape in zip(pieces, self.shapes, strict=True)]

    def _function(self, name: str, contents: Sequence[Any]) -> Loss:
        call = _Call(self.model, getattr(self.task, name), name)

        def of(weights: Tensor) -> Tensor:
            parameters = dict(zip(self.names, self._parts(weights), strict=True))
            found: Tensor = torch.func.functional_call(call, parameters, (contents,))
            return found

        return of


class _Call(nn.Module):
    """A task's function as the forward pass of a module, so that it can be called with other weights."""

    def __init__(self, model: nn.Module, function: Callable[[nn.Module, Sequence[Any]], Tensor], name: str) -> None:
        super().__init__()
        self.model, self.function, self.name = model, function, name

    def forward(self, contents: Sequence[Any]) -> Tensor:
        return one_each(self.function(self.model, contents), contents, self.name)


@dataclass(frozen=True, slots=True)
class Trajectory:
    """A run that was made, with the weights before each of its steps.

    Attributes:
        flat: the model and task as functions of flat weights.
        contents: the examples.
        run: what was done.
        points: the weights before each step, ``[steps, P]``.
        end: the weights after the last step, ``[P]``.
    """

    flat: Flat
    contents: Sequence[Any]
    run: SgdRun
    points: Tensor
    end: Tensor

    @property
    def model(self) -> nn.Module:
        """The model at the end of the run."""
        return self.flat.module(self.end)


def train(model: nn.Module, task: Task, contents: Sequence[Any], run: SgdRun) -> Trajectory:
    """Makes a run and records its weights before every step.

    Args:
        model: at the start of the run; it is copied and not changed.
        task: supplies the training loss.
        contents: the examples, in the order that `run.batches` counts.
        run: what to do.

    Returns:
        The trajectory; 4 bytes per weight and step.

    Raises:
        InputError: a batch names an example that is not there, or the weights stop being finite (names the step).
    """
    check_batches(run, len(contents))
    flat = Flat(model, task)
    weights, speed = flat.start.clone(), torch.zeros_like(flat.start)
    points = torch.empty(len(run.batches), len(weights), dtype=weights.dtype, device=weights.device)
    for step, (batch, rate) in enumerate(zip(run.batches, run.rates, strict=True)):
        points[step] = weights
        loss = flat.loss([contents[i] for i in batch])
        gradient = torch.func.grad(lambda at, loss=loss: loss(at).sum())(weights) * (run.weight / run.normaliser)
        speed = run.momentum * speed + gradient + run.weight_decay * weights
        weights = weights - rate * speed
        if not torch.isfinite(weights).all():
            raise InputError(
                f"the weights are not finite after step {step + 1} of {len(run.batches)}",
                remedy="Check the examples for NaN, and that the rates are those of the run that was made.",
                field="run",
            )
    return Trajectory(flat, contents, run, points, weights)


def check_batches(run: SgdRun, count: int) -> None:
    """Refuses a run whose batches do not fit a list of examples.

    Raises:
        InputError: names the first step.
    """
    for step, batch in enumerate(run.batches):
        if not batch or min(batch) < 0 or max(batch) >= count:
            raise InputError(
                f"step {step + 1} is empty or names an example outside the {count} that were given",
                remedy="Give the examples in the order that the batches count, from 0.",
                field="batches",
            )
