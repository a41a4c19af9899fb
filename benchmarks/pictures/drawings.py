"""Drawings of many hands, and a denoiser before and after it saw some of them."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.pictures.dit import SmallDiT
from benchmarks.pictures.unet import SmallUNet
from endcredits.influence.image.noise import Schedule

BATCH = 32
LABEL_DROPPED = 0.3
"""How often training hides the drawer, so that the model also knows drawings of nobody in particular."""


@dataclass(frozen=True, slots=True)
class Drawings:
    """Who drew what.

    Attributes:
        background: drawings of other people, for the base model.
        seen: per drawer, the drawings that the full model learns.
        held_out: per drawer, drawings of the same hand that no model sees.
    """

    background: tuple[Tensor, ...]
    seen: tuple[tuple[Tensor, ...], ...]
    held_out: tuple[tuple[Tensor, ...], ...]


def load_drawings(data: Path, drawers: int, held_out: int, background: int) -> Drawings:
    """Drawers from different alphabets (one each, in the data's order), and background from alphabets of nobody else.

    Args:
        data: folder that holds `omniglot/omniglot_28.npz`.
        drawers: how many the full model learns from.
        held_out: drawings of each that are kept back.
        background: how many other drawings the base model learns from.
    """
    with np.load(data / "omniglot" / "omniglot_28.npz") as arrays:
        images, alphabet, drawer = arrays["images"], arrays["alphabet"], arrays["drawer_in_alphabet"]

    def pictures(chosen: np.ndarray) -> list[Tensor]:
        small = nn.functional.avg_pool2d(torch.from_numpy(images[chosen]).float()[:, None], 2)  # 28 to 14: a core's work
        return list(small / 127.5 - 1)

    seen, kept = [], []
    for number in range(drawers):
        own = pictures((alphabet == number) & (drawer == 1 + number % 20))
        kept.append(tuple(own[:: math.ceil(len(own) / held_out)][:held_out]))
        taken = {id(picture) for picture in kept[-1]}
        seen.append(tuple(picture for picture in own if id(picture) not in taken))
    others = pictures(alphabet >= drawers)
    return Drawings(tuple(others[:: max(1, len(others) // background)][:background]), tuple(seen), tuple(kept))


def train(
    model: nn.Module, schedule: Schedule, pictures: Sequence[Tensor], labels: Sequence[int], steps: int, rate: float
) -> nn.Module:
    """A copy of the model after some steps of Adam on the plain noise loss, with steps and noises drawn anew each time."""
    model = copy.deepcopy(model).train()
    every, whose = torch.stack(list(pictures)), torch.tensor(labels)
    kept = torch.tensor(schedule.kept, dtype=torch.float32)
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 50) * (0.05 + 0.95 * (1 + math.cos(math.pi * step / steps)) / 2)
        chosen = torch.randint(len(every), (BATCH,), generator=generator)
        times = torch.randint(len(kept), (BATCH,), generator=generator)
        noise = torch.randn(BATCH, *every.shape[1:], generator=generator)
        hidden = torch.rand(BATCH, generator=generator) < LABEL_DROPPED
        share = kept[times].reshape(-1, 1, 1, 1)
        noisy = share.sqrt() * every[chosen] + (1 - share).sqrt() * noise
        optimizer.zero_grad()
        guess = model(noisy, times, torch.where(hidden, 0, whose[chosen]))
        torch.autograd.backward((guess - noise).square().mean())
        optimizer.step()
    return model.eval()


def new_model(kind: str, drawers: int) -> nn.Module:
    """A "unet" or a "dit" with weights of a seed; label 0 is nobody, 1 and up are the drawers."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return SmallUNet(labels=drawers) if kind == "unet" else SmallDiT(size=14, patch=2, blocks=2, labels=drawers)


@torch.no_grad()
def draw(model: nn.Module, schedule: Schedule, labels: Sequence[int], seed: int, steps: int = 50) -> list[Tensor]:
    """New drawings after each of the labelled hands (DDIM, Song et al. 2021, arXiv 2010.02502)."""
    times = torch.linspace(len(schedule.kept) - 1, 0, steps).round().long().tolist()
    whose = torch.tensor(labels)
    x = torch.randn(len(labels), 1, 14, 14, generator=torch.Generator().manual_seed(seed))
    for number, time in enumerate(times):
        kept = schedule.kept[time]
        after = schedule.kept[times[number + 1]] if number + 1 < steps else 1.0
        noise = model(x, torch.full((len(labels),), time), whose)
        clean = ((x - math.sqrt(1 - kept) * noise) / math.sqrt(kept)).clamp(-1, 1)
        noise = (x - math.sqrt(kept) * clean) / math.sqrt(1 - kept)
        x = math.sqrt(after) * clean + math.sqrt(1 - after) * noise
    return list(x)
