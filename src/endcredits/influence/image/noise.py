"""How noise is mixed into a picture, and the fixed list of draws on which pictures are measured.

At step t a picture x becomes sqrt(a_t) x + sqrt(1 - a_t) e with e ~ N(0, 1), where a_t falls from nearly 1 to nearly 0.
What a denoiser knows of x is the integral of its squared error over the log signal-to-noise ratio (the ELBO of Kingma et al.
2021, arXiv 2107.00630, equation 14):

    -ELBO(x) = 1/2 * integral over log-SNR of E |e - e_hat(x_t, t)|^2 + what no model changes.

We take the integral at steps evenly spaced in log-SNR, so that every draw weighs alike, each with a noise e and its opposite
-e: what is odd in e cancels. The same list serves every picture and every model, so that the difference between two models
is not the difference between two draws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from endcredits.errors import InputError


@dataclass(frozen=True, slots=True)
class Schedule:
    """How much of a picture is left at each step.

    Attributes:
        kept: a_t for t = 0, 1, ...; falling, between 0 and 1 (`alphas_cumprod` of the library diffusers).
    """

    kept: tuple[float, ...]

    def __post_init__(self) -> None:
        falls = all(a > b for a, b in zip(self.kept, self.kept[1:], strict=False))
        if len(self.kept) < 2 or not falls or not 1 > self.kept[0] > self.kept[-1] > 0:
            raise InputError(
                "a noise schedule must fall from below 1 to above 0",
                remedy="Give the cumulative product of the alphas, step by step.",
                field="kept",
            )

    def log_snr(self) -> list[float]:
        """log(a / (1 - a)) at each step, falling."""
        return [math.log(a / (1 - a)) for a in self.kept]


def linear_schedule(steps: int = 1000, first: float = 1e-4, last: float = 0.02) -> Schedule:
    """Variances that rise in a line (Ho et al. 2020, arXiv 2006.11239)."""
    betas = torch.linspace(first, last, steps, dtype=torch.float64)
    return Schedule(tuple((1 - betas).cumprod(0).tolist()))


@dataclass(frozen=True, slots=True)
class Draws:
    """A fixed list of pairs (t, noise).

    Attributes:
        steps: t of each pair; every step stands twice, for a noise and its opposite.
        seed: of the noises.
        nats: what one unit of the mean squared error, summed over the picture, weighs.
    """

    steps: tuple[int, ...]
    seed: int
    nats: float

    def noise(self, shape: tuple[int, ...]) -> Tensor:
        """The noises for pictures of a shape: ``[pairs, *shape]``, each followed by its opposite."""
        generator = torch.Generator().manual_seed(self.seed)
        half = torch.randn(len(self.steps) // 2, 1, *shape, generator=generator)
        return torch.cat([half, -half], 1).flatten(0, 1)


def measured_draws(schedule: Schedule, pairs: int, seed: int) -> Draws:
    """Draws whose mean squared error, times `nats`, is the model's part of -ELBO: evenly spaced in log-SNR."""
    ratios = schedule.log_snr()
    span, number = ratios[0] - ratios[-1], _half(pairs)
    wanted = [ratios[0] - span * (k + 0.5) / number for k in range(number)]
    steps = [min(range(len(ratios)), key=lambda t: abs(ratios[t] - ratio)) for ratio in wanted]
    return Draws(tuple(step for step in steps for _ in range(2)), seed, span / 2)


def trained_draws(schedule: Schedule, pairs: int, seed: int) -> Draws:
    """Draws as training takes them: every step alike; a squared error of a Gaussian of variance 1 weighs 1/2 nat."""
    number = _half(pairs)
    steps = [int((k + 0.5) * len(schedule.kept) / number) for k in range(number)]
    return Draws(tuple(step for step in steps for _ in range(2)), seed, 0.5)


def _half(pairs: int) -> int:
    if pairs < 2 or pairs % 2:
        raise InputError(
            f"{pairs} draws cannot stand in opposite pairs", remedy="Give an even number from 2.", field="pairs"
        )
    return pairs // 2
