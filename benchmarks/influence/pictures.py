"""A small transformer over the 256 patches of a picture (as many as a diffusion transformer has), each picture a work."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from endcredits.ids import WorkId
from endcredits.influence import Example, Task

SIZE, PATCH, CLASSES = 64, 4, 16


class Block(nn.Module):
    """Attention and two layers after it, each added to its input."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.enter, self.leave = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        n, t, d = x.shape
        q, k, v = self.enter(self.before(x)).view(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        seen = nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, d)
        x = x + self.leave(seen)
        return x + self.down(nn.functional.gelu(self.up(self.after(x))))  # type: ignore[no-any-return]


class Patches(nn.Module):
    """Grey pictures ``[n, 64, 64]`` -> logits ``[n, 16]``."""

    def __init__(self, width: int = 96, blocks: int = 3) -> None:
        super().__init__()
        self.place = nn.Parameter(0.02 * torch.randn((SIZE // PATCH) ** 2, width))
        self.enter = nn.Linear(PATCH * PATCH, width)
        self.blocks = nn.Sequential(*(Block(width, 4) for _ in range(blocks)))
        self.head = nn.Linear(width, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        cut = x.unfold(1, PATCH, PATCH).unfold(2, PATCH, PATCH).flatten(3).flatten(1, 2)  # (n, t, patch)
        return self.head(self.blocks(self.enter(cut) + self.place).mean(1))  # type: ignore[no-any-return]


def _losses(model: nn.Module, contents: Sequence[tuple[Tensor, int]]) -> Tensor:
    logits = model(torch.stack([picture for picture, _ in contents]))
    return nn.functional.cross_entropy(logits, torch.tensor([label for _, label in contents]), reduction="none")


def _measurement(model: nn.Module, contents: Sequence[tuple[Tensor, int]]) -> Tensor:
    return -_losses(model, contents)


PICTURES = Task("pictures/1", _losses, _measurement)


def picture_works(count: int) -> list[Example]:
    """Works of one random picture each: what a pass costs does not depend on what is seen."""
    generator = torch.Generator().manual_seed(0)
    pictures = torch.rand(count, SIZE, SIZE, generator=generator)
    labels = torch.randint(CLASSES, (count,), generator=generator).tolist()
    return [Example(WorkId(f"p-{n:05d}"), pair) for n, pair in enumerate(zip(pictures, labels, strict=True))]


def picture_models(examples: Sequence[Example]) -> tuple[nn.Module, nn.Module]:
    """A model before and after some steps on the first works."""
    torch.manual_seed(0)
    base, full = Patches(), Patches()
    full.load_state_dict(base.state_dict())
    optimizer = torch.optim.AdamW(full.parameters(), lr=1e-3)
    contents = [example.content for example in examples]
    for _ in range(12):
        optimizer.zero_grad()
        torch.autograd.backward(_losses(full, contents[:16]).mean())
        optimizer.step()
    return base.eval(), full.eval()
