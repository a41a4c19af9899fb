"""A small U-Net in plain torch, for small grey pictures: convolutions at two sizes, steered by step and label."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Block(nn.Module):
    """Two convolutions around a shift that step and label decide."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.GroupNorm(4, width) for _ in range(2)])
        self.first, self.second = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        self.shift = nn.Linear(64, width)

    def forward(self, x: Tensor, steering: Tensor) -> Tensor:
        seen = self.first(nn.functional.silu(self.norms[0](x))) + self.shift(steering)[:, :, None, None]
        return x + self.second(nn.functional.silu(self.norms[1](seen)))  # type: ignore[no-any-return]


class SmallUNet(nn.Module):
    """Maps noisy pictures ``[n, 1, size, size]`` and steps ``[n]`` to the noise in them; a label of 0 means none."""

    def __init__(self, labels: int = 0, width: int = 16) -> None:
        super().__init__()
        self.step = nn.Linear(64, 64)
        self.label = nn.Embedding(labels + 1, 64)
        nn.init.zeros_(self.label.weight)
        self.enter = nn.Conv2d(1, width, 3, padding=1)
        self.before, self.after = Block(width), Block(width)
        self.down = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        self.deep = nn.ModuleList([Block(2 * width) for _ in range(3)])
        self.up = nn.Conv2d(2 * width, width, 3, padding=1)
        self.join = nn.Conv2d(2 * width, width, 1)
        self.out = nn.Conv2d(width, 1, 3, padding=1)
        nn.init.zeros_(self.out.weight)

    def forward(self, noisy: Tensor, step: Tensor, label: Tensor | None = None) -> Tensor:
        rates = torch.exp(-math.log(10_000) * torch.arange(32, device=noisy.device) / 32)
        waves = step[:, None].float() * rates
        steering = self.step(torch.cat([waves.sin(), waves.cos()], 1))
        steering = nn.functional.silu(steering + self.label(torch.zeros_like(step) if label is None else label))
        wide = self.before(self.enter(noisy), steering)
        x = self.down(wide)
        for block in self.deep:
            x = block(x, steering)
        x = self.up(nn.functional.interpolate(x, size=wide.shape[-2:]))
        x = self.after(self.join(torch.cat([x, wide], 1)), steering)
        return self.out(x)  # type: ignore[no-any-return]
