"""A small diffusion transformer (DiT, Peebles & Xie 2023, arXiv 2212.09748) in plain torch, for small grey pictures.

A picture is cut into patches; step and label steer every block by scaling and shifting its norms. A label of 0 means none.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Block(nn.Module):
    """Attention and a perceptron, both steered."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList([nn.LayerNorm(width, elementwise_affine=False) for _ in range(2)])
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.joined = nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.steer = nn.Linear(width, 6 * width)
        nn.init.zeros_(self.steer.weight)
        nn.init.zeros_(self.steer.bias)

    def forward(self, x: Tensor, steering: Tensor) -> Tensor:
        shift_1, scale_1, gate_1, shift_2, scale_2, gate_2 = self.steer(steering)[:, None].chunk(6, -1)
        seen = self.norms[0](x) * (1 + scale_1) + shift_1
        parts = [
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.queries_keys_values(seen).chunk(3, -1)
        ]
        mixed = nn.functional.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)
        x = x + (1 + gate_1) * self.joined(mixed)
        seen = self.norms[1](x) * (1 + scale_2) + shift_2
        return x + (1 + gate_2) * self.narrow(nn.functional.gelu(self.wide(seen)))


class SmallDiT(nn.Module):
    """Maps noisy pictures ``[n, channels, size, size]`` and steps ``[n]`` to the noise in them."""

    def __init__(
        self,
        size: int = 28,
        patch: int = 4,
        width: int = 64,
        blocks: int = 3,
        heads: int = 4,
        labels: int = 0,
        channels: int = 1,
    ) -> None:
        super().__init__()
        self.size, self.patch, self.width = size, patch, width
        self.cut = nn.Conv2d(channels, width, patch, stride=patch)
        self.places = nn.Parameter(torch.randn(1, (size // patch) ** 2, width) * 0.02)
        self.step_1, self.step_2 = nn.Linear(width, width), nn.Linear(width, width)
        self.label = nn.Embedding(labels + 1, width)
        nn.init.zeros_(self.label.weight)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(blocks)])
        self.last = nn.LayerNorm(width)
        self.out = nn.Linear(width, channels * patch * patch)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, noisy: Tensor, step: Tensor, label: Tensor | None = None) -> Tensor:
        rates = torch.exp(-math.log(10_000) * torch.arange(self.width // 2, device=noisy.device) / (self.width // 2))
        waves = step[:, None].float() * rates
        steering = self.step_2(nn.functional.silu(self.step_1(torch.cat([waves.sin(), waves.cos()], 1))))
        steering = nn.functional.silu(steering + self.label(torch.zeros_like(step) if label is None else label))
        x = self.cut(noisy).flatten(2).transpose(1, 2) + self.places
        for block in self.blocks:
            x = block(x, steering)
        return nn.functional.fold(
            self.out(self.last(x)).transpose(1, 2), (self.size, self.size), self.patch, stride=self.patch
        )
