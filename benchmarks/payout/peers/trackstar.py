"""A TrackStar-like retrieval score (Chang et al. 2024, arXiv 2410.17413): projected, whitened, unit-normed gradients.

Each layer's gradient of one example is projected from both sides by random Gaussian matrices to `SIDE` x `SIDE` numbers,
whitened by the damped inverse square root of the second moment of the training examples (one block per layer), joined over
layers and scaled to length one. The output is treated alike; an example's score is the cosine, a creator's the sum over the
examples. TrackStar proper divides by the optimizer's second moments and mixes the outputs' moment into the whitening; both
were left out: the panel keeps no optimizer state, and mixing removes what outputs have in common, which is credit here.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from benchmarks.payout.panel import Panel, Scored
from benchmarks.payout.peers.common import example_creators, in_batches, output_pieces
from endcredits.influence.gradient.layers import Layer, capturing, find_layers
from endcredits.influence.text.windows import Window

SIDE = 20
"""Per layer 400 numbers: with the 21 layers of the literature panel about 8,192 in all."""

DAMPING = 0.03
"""Relative to a layer's mean eigenvalue."""


def trackstar_like(panel: Panel) -> Scored:
    """Cosines of projected and whitened gradients at the full model, summed by creator."""
    layers = find_layers(panel.models.full, panel.models.task.layers)
    begin = time.process_time()
    projections = _projections(layers)
    examples = [Window(example.ids) for example in panel.examples]
    raw = torch.cat([_projected(panel, layers, projections, batch) for batch in in_batches(examples)])  # (N, L, s * s)
    whiten = torch.stack([_inverse_root(raw[:, number]) for number in range(len(layers))])  # (L, s * s, s * s)
    kept = _finished(raw, whiten)  # (N, D)
    once = time.process_time() - begin
    begin = time.process_time()
    owners = torch.tensor(example_creators(panel))
    scores = torch.zeros(len(panel.queries), len(panel.creators))
    for number, pieces in enumerate(output_pieces(panel)):
        query = _projected(panel, layers, projections, pieces).sum(0, keepdim=True)
        scores[number].index_add_(0, owners, kept @ _finished(query, whiten)[0])
    each = (time.process_time() - begin) / max(1, len(panel.queries))
    return Scored(scores.numpy().astype(np.float64), False, once, each, (kept.numel() + whiten.numel()) * 4)


def _projections(layers: Sequence[Layer]) -> dict[str, tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    return {
        layer.name: (
            torch.randn(layer.outputs, min(SIDE, layer.outputs), generator=generator) / layer.outputs**0.5,
            torch.randn(layer.inputs, min(SIDE, layer.inputs), generator=generator) / layer.inputs**0.5,
        )
        for layer in layers
    }


def _projected(
    panel: Panel, layers: Sequence[Layer], projections: dict[str, tuple[Tensor, Tensor]], windows: Sequence[Window]
) -> Tensor:
    """Gradients of the windows' log-probabilities, projected: ``[n, L, SIDE * SIDE]``, short layers padded with zeros."""
    with capturing(panel.models.full, layers) as capture:
        measured = panel.models.task.measurement(panel.models.full, windows)
    capture.backward(measured.sum())
    rows = torch.zeros(len(windows), len(layers), SIDE * SIDE)
    for number, layer in enumerate(layers):
        left, right = projections[layer.name]
        parts = [
            torch.einsum("nto,nti->noi", gradient @ left, value @ right)
            for gradient, value in zip(capture.gradients[layer.name], capture.inputs[layer.name], strict=True)
        ]
        flat = torch.stack(parts).sum(0).flatten(1)
        rows[:, number, : flat.shape[1]] = flat
    return rows


def _inverse_root(rows: Tensor) -> Tensor:
    """(E[g g^T] + damping * mean eigenvalue)^(-1/2) of ``[N, s]``; zero where no gradient ever arrives."""
    values, vectors = torch.linalg.eigh((rows.T @ rows / len(rows)).double())
    values = values.clamp(min=0)
    scale = (values + DAMPING * values.mean()).clamp(min=1e-30).rsqrt()
    scale = torch.where(values.mean() > 0, scale, torch.zeros_like(scale))
    root: Tensor = vectors * scale @ vectors.T
    return root.float()


def _finished(rows: Tensor, whiten: Tensor) -> Tensor:
    """Whitened layer by layer, joined and scaled to length one: ``[n, D]``."""
    return torch.nn.functional.normalize(torch.einsum("nls,lsr->nlr", rows, whiten).flatten(1), dim=1)
