"""A task tells the engine two things about a model, and nothing else is asked of it.

1. `train_loss(model, contents)`: the training loss of each example, summed (not averaged) over its tokens, in nats;
2. `measurement(model, contents)`: what is attributed, for each output, in nats: normally log p(output | prompt).

Both take a list of contents and return one number per content; the numbers must not depend on what else is in the list
(no batch normalisation in training mode), and the first dimension of every linear layer's input must run over the list.
The idea of stating a task by two functions is kronfluence's (Apache-2.0); ours are plain functions, without inheritance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


def whole(output: Any) -> Sequence[Any]:
    """An output that is one content."""
    return (output,)


def every_layer(name: str, module: nn.Module) -> bool:
    """Takes every linear layer of the model."""
    return True


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
    """

    name: str
    train_loss: Callable[[nn.Module, Sequence[Any]], Tensor]
    measurement: Callable[[nn.Module, Sequence[Any]], Tensor]
    sampled_loss: Callable[[nn.Module, Sequence[Any], torch.Generator], Tensor] | None = None
    pieces: Callable[[Any], Sequence[Any]] = whole
    layers: Callable[[str, nn.Module], bool] = every_layer
