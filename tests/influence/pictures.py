"""Small pictures by two artists, of whom one draws lines across and the other lines down."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from endcredits.ids import WorkId
from endcredits.influence import Example

ACROSS, DOWN = WorkId("w-across"), WorkId("w-down")


def lines(count: int, seed: int, *, down: bool, size: int = 8) -> list[Tensor]:
    """Pictures ``[1, size, size]`` between -1 and 1 with two lines at random places."""
    generator = torch.Generator().manual_seed(seed)
    pictures = []
    for _ in range(count):
        picture = -torch.ones(1, size, size)
        picture[0, torch.randperm(size, generator=generator)[:2]] = 1.0
        pictures.append(picture.transpose(1, 2).contiguous() if down else picture)
    return pictures


def trained(
    base: nn.Module,
    loss: Callable[[nn.Module, Sequence[Any]], Tensor],
    contents: Sequence[Any],
    steps: int,
    rate: float = 3e-3,
) -> nn.Module:
    """A copy of a model after some steps of Adam on the mean loss."""
    full = copy.deepcopy(base)
    optimizer = torch.optim.Adam(full.parameters(), lr=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.autograd.backward(loss(full, contents).mean())
        optimizer.step()
    return full.eval()


def works(across: Sequence[Any], down: Sequence[Any]) -> list[Example]:
    """The examples of both artists."""
    return [Example(ACROSS, content) for content in across] + [Example(DOWN, content) for content in down]
