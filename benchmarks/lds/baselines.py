"""What anybody would try first."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.lds.gradients import log_probability_gradients, same_label, surprise
from benchmarks.lds.truth import EPOCHS, RATE, SNAPSHOTS, Matrix, Truth, batch

PROJECTED = 1024
"""Dimensions of the random projection."""


def random(truth: Truth, seed: int) -> Matrix:
    """Draws."""
    return np.random.default_rng(seed).standard_normal((len(truth.queries), len(truth.examples)))


def _dots(model: nn.Module, truth: Truth) -> Tensor:
    return log_probability_gradients(model, truth.queries) @ log_probability_gradients(model, truth.examples).T


def grad_dot(truth: Truth, seed: int) -> Matrix:
    """Dot product of the gradients at the final model."""
    return _dots(truth.snapshot("final", seed), truth).double().numpy()


def tracin(truth: Truth, seed: int) -> Matrix:
    """The same over the snapshots, weighted by the rate there (Pruthi et al. 2020, arXiv 2002.08484)."""
    total = torch.zeros(len(truth.queries), len(truth.examples))
    for name in SNAPSHOTS:
        epoch = int(name.removeprefix("epoch"))
        # The rate of the epoch that ends there: at the very last step it is zero.
        total += RATE * (1 - (epoch - 1) / EPOCHS) * _dots(truth.snapshot(name, seed), truth)
    return total.double().numpy()


def _cosine(queries: Tensor, examples: Tensor) -> Tensor:
    return nn.functional.normalize(queries, dim=1) @ nn.functional.normalize(examples, dim=1).T


def input_cosine(truth: Truth, seed: int) -> Matrix:
    """Cosine of the pixels, where the digit is the same."""
    pixels = [batch(images)[0] for images in (truth.queries, truth.examples)]
    return (_cosine(*pixels) * same_label(truth)).double().numpy()


def _embedded(truth: Truth, seed: int) -> Tensor:
    body = truth.snapshot("final", seed)[:-1]
    with torch.no_grad():
        return _cosine(*(body(batch(images)[0]) for images in (truth.queries, truth.examples)))


def embedding_cosine(truth: Truth, seed: int) -> Matrix:
    """Cosine of the last hidden layer, any digit."""
    return _embedded(truth, seed).double().numpy()


def embedding_cosine_label(truth: Truth, seed: int) -> Matrix:
    """The same where the digit is the same."""
    return (_embedded(truth, seed) * same_label(truth)).double().numpy()


def _projected(model: nn.Module, truth: Truth) -> tuple[Tensor, Tensor]:
    """Margin gradients of queries and examples through one random matrix of signs."""
    rows = [
        log_probability_gradients(model, images) / surprise(model, images)[:, None]
        for images in (truth.queries, truth.examples)
    ]
    generator = torch.Generator().manual_seed(0)
    signs = torch.randint(0, 2, (rows[0].shape[1], PROJECTED), generator=generator).float() * 2 - 1
    return rows[0] @ signs, rows[1] @ signs


def trak_like(truth: Truth, seed: int) -> Matrix:
    """Projected margins, undamped kernel, one model: TRAK as published (Park et al. 2023, arXiv 2303.14186)."""
    model = truth.snapshot("final", seed)
    queries, examples = (part.double() for part in _projected(model, truth))
    scores = queries @ torch.linalg.pinv(examples.T @ examples, hermitian=True) @ examples.T
    found: Matrix = (scores * surprise(model, truth.examples)).numpy()
    return found


def trackstar_like(truth: Truth, seed: int) -> Matrix:
    """Projected, whitened by the examples and cut to length one (after Chang et al. 2024, arXiv 2410.17413)."""
    queries, examples = _projected(truth.snapshot("final", seed), truth)
    moment = (examples.T @ examples).double()
    values, vectors = torch.linalg.eigh(moment + 0.1 * moment.diagonal().mean() * torch.eye(PROJECTED))
    whiten = (vectors / values.sqrt()).float()
    return _cosine(queries @ whiten, examples @ whiten).double().numpy()


__all__ = [
    "embedding_cosine",
    "embedding_cosine_label",
    "grad_dot",
    "input_cosine",
    "random",
    "tracin",
    "trackstar_like",
    "trak_like",
]
