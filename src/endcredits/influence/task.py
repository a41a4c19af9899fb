"""A task tells the engine two things about a model, and nothing else is asked of it.

1. `train_loss(model, contents)`: the training loss of each example, summed (not averaged) over its tokens, in nats;
2. `measurement(model, contents)`: what is attributed, for each output, in nats: normally log p(output | prompt).

Both take a list of contents and return one number per content; the numbers must not depend on what else is in the list
(no batch normalisation in training mode), and the first dimension of every linear layer's input must run over the list: call
the model once with the whole list, padded where lengths differ, and never content by content.
The idea of stating a task by two functions is kronfluence's (Apache-2.0); ours are plain functions, without inheritance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from endcredits.errors import InputError


def require_type(value: Any, kind: type, field: str, remedy: str) -> None:
    """Refuses an argument of another type than it must have.

    Raises:
        InputError: names the argument.
    """
    if not isinstance(value, kind):
        raise InputError(f"{field} is a {type(value).__name__}", remedy=remedy, field=field)


def whole(output: Any) -> Sequence[Any]:
    """An output that is one content."""
    return (output,)


def every_layer(name: str, module: nn.Module) -> bool:
    """Takes every linear layer of the model."""
    return True


def one_each(values: Tensor, contents: Sequence[Any], function: str) -> Tensor:
    """Returns what a task's function gave, after checking that it is one number per content.

    Raises:
        InputError: another shape, or a result that does not depend on the model.
    """
    if values.shape != (len(contents),):
        raise InputError(
            f"{function} gave a tensor of shape {tuple(values.shape)} for {len(contents)} contents",
            remedy="Return one summed number per content, of shape [n]; do not average over the list.",
            field=function,
        )
    if torch.is_grad_enabled() and not values.requires_grad:
        raise InputError(
            f"the result of {function} does not depend on the model's weights",
            remedy="Compute it from the model's output, without detach() or no_grad().",
            field=function,
        )
    return values


def one(content: Any) -> float:
    """Every example counts alike."""
    return 1.0


@dataclass(frozen=True, slots=True)
class Task:
    """What the engine needs to know about a model.

    Attributes:
        name: name and version of these functions ("causal-text/1"); it enters the index's digest.
        train_loss: model and n contents -> Tensor of shape ``[n]``, summed loss in nats.
        measurement: model and n contents -> Tensor of shape ``[n]``, in nats.
        sampled_loss: like `train_loss` with labels drawn from the model itself; makes the curvature the true Fisher.
            Without it the training labels are used (the empirical Fisher: cheaper to state, less accurate when the
            model is far from its data; Kunstner et al. 2019, arXiv 1905.12558).
        pieces: cuts an output into contents whose measurements add up to the output's (context windows of a text).
        layers: which linear layers carry the index, by name and module.
        size: how much a training example is (its counted tokens), > 0; what no measurement tells apart is divided by it.
    """

    name: str
    train_loss: Callable[[nn.Module, Sequence[Any]], Tensor]
    measurement: Callable[[nn.Module, Sequence[Any]], Tensor]
    sampled_loss: Callable[[nn.Module, Sequence[Any], torch.Generator], Tensor] | None = None
    pieces: Callable[[Any], Sequence[Any]] = whole
    layers: Callable[[str, nn.Module], bool] = every_layer
    size: Callable[[Any], float] = one
