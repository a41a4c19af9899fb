"""The task of a denoiser (a diffusion model): which training pictures made it know this picture.

The log-probability of a picture under a diffusion model has no closed form, so its lower bound stands in (ELBO, see
`noise`): minus the squared errors of the denoiser on a fixed list of draws, weighted so that they are nats. The difference
between full and base is the log-ratio that credits add up to. What is given up: each bound holds for its own model, and
the difference of two bounds bounds nothing; it is exact only where both denoisers are the best possible.

Works are indexed by the loss they were trained with (all steps alike, arXiv 2006.11239), on a list of their own: one that
the measurement shared would make pictures look alike through their common noise. For the curvature the target is drawn from
the model, e_hat + N(0, 1), which makes it the Gauss-Newton matrix at the network's output (arXiv 2410.13850).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from endcredits.canonical import digest
from endcredits.errors import InputError
from endcredits.influence.image.classifier import stacked
from endcredits.influence.image.noise import Draws, Schedule, measured_draws, trained_draws
from endcredits.influence.task import Task


def denoising_task(schedule: Schedule, *, measured_pairs: int = 32, trained_pairs: int = 8, seed: int = 0) -> Task:
    """The task of any module that maps noisy pictures ``[n, ...]`` and steps ``[n]`` to the noise in them ``[n, ...]``.

    Contents and outputs are picture tensors of one shape, scaled as in training (usually -1 to 1). A result with the
    attribute `sample`, as diffusers' `UNet2DModel` gives, is understood.

    Args:
        schedule: of the training.
        measured_pairs: draws of the measurement, even; the log-ratio's error falls with their number.
        trained_pairs: draws per training picture, even; an index pass costs so many passes.
        seed: of the noises.
    """
    measured = measured_draws(schedule, measured_pairs, 2 * seed)
    trained = trained_draws(schedule, trained_pairs, 2 * seed + 1)

    def train_loss(model: nn.Module, pictures: Sequence[Tensor]) -> Tensor:
        return _errors(model, schedule, trained, pictures) * trained.nats

    def measurement(model: nn.Module, pictures: Sequence[Tensor]) -> Tensor:
        return -_errors(model, schedule, measured, pictures) * measured.nats

    def sampled_loss(model: nn.Module, pictures: Sequence[Tensor], generator: torch.Generator) -> Tensor:
        return _errors(model, schedule, trained, pictures, generator) * trained.nats

    facts = [[repr(a) for a in schedule.kept], *({**asdict(d), "nats": repr(d.nats)} for d in (measured, trained))]
    return Task(f"denoiser/1:{digest(facts)[:16]}", train_loss, measurement, sampled_loss)


def _errors(
    model: nn.Module,
    schedule: Schedule,
    draws: Draws,
    pictures: Sequence[Tensor],
    target_from: torch.Generator | None = None,
) -> Tensor:
    """Squared error of each picture's noise, summed over its numbers and averaged over the draws: ``[n]``."""
    clean = stacked(pictures, model)[:, None]  # (n, 1, ...)
    noise = draws.noise(tuple(clean.shape[2:])).to(clean)  # (draws, ...)
    steps = torch.tensor(draws.steps, device=clean.device)
    kept = torch.tensor([schedule.kept[step] for step in draws.steps]).to(clean).reshape(-1, *[1] * (clean.dim() - 2))
    noisy = kept.sqrt() * clean + (1 - kept).sqrt() * noise  # (n, draws, ...)
    found: Any = model(noisy.flatten(0, 1), steps.repeat(len(clean)))
    guess: Tensor = getattr(found, "sample", found)
    if guess.shape != noisy.flatten(0, 1).shape:
        raise InputError(
            f"the denoiser made {tuple(guess.shape)} of {tuple(noisy.flatten(0, 1).shape)}",
            remedy="It must return the noise, in the shape of the pictures.",
            field="model",
        )
    guess = guess.reshape(noisy.shape)
    if target_from is None:
        wrong = guess - noise
    else:
        drawn = torch.randn(guess.shape, generator=target_from).to(guess)
        wrong = guess - (guess.detach() + drawn)
    return wrong.square().flatten(2).sum(2).mean(1)
