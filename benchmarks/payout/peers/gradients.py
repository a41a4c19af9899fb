"""First-order influence at the final model, over the same layers as our own index.

`grad_dot` is the plain dot product of an output's gradient with the summed gradient of a creator's examples (TracIn at one
snapshot, Pruthi et al. 2020, arXiv 2002.08484). `ekfac_final` puts the damped inverse curvature between the two (EK-FAC
influence functions, Grosse et al. 2023, arXiv 2308.03296): the same parts, seed and damping as our curvature tier,
with every gradient taken at the full model in place of the midpoint.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from benchmarks.payout.panel import Panel, Scored
from benchmarks.payout.peers.common import creator_gradients, in_batches, output_pieces, summed_gradient
from endcredits.influence import IndexSettings
from endcredits.influence.gradient.ekfac import Curvature, fit_curvature
from endcredits.influence.gradient.layers import Layer, find_layers, flatten
from endcredits.influence.text.windows import Window

Wanted = Callable[[str, nn.Module], bool]

YARDSTICK_EXAMPLES = 1024
"""Examples of the curvature's sample: fixed, so that the yardstick does not move when our own index takes fewer."""


def grad_dot(panel: Panel) -> Scored:
    """Dot products of summed gradients at the full model."""
    layers = find_layers(panel.models.full, panel.models.task.layers)
    begin = time.process_time()
    works = creator_gradients(panel.models.full, layers, panel)  # (C, P)
    once = time.process_time() - begin
    begin = time.process_time()
    rows = [works @ summed_gradient(panel.models.full, layers, panel.models.task, pieces) for pieces in output_pieces(panel)]
    each = (time.process_time() - begin) / max(1, len(panel.queries))
    return Scored(torch.stack(rows).numpy().astype(np.float64), False, once, each, works.numel() * 4)


def ekfac_final(panel: Panel) -> Scored:
    """EK-FAC influence at the full model over the layers of the panel's task; unscaled."""
    return ekfac_at(panel, panel.models.full, panel.models.task.layers)


def ekfac_at(panel: Panel, model: nn.Module, wanted: Wanted, settings: IndexSettings | None = None) -> Scored:
    """EK-FAC influence with curvature and gradients at any model, over any of its linear layers; unscaled."""
    settings = settings or IndexSettings(curvature_examples=YARDSTICK_EXAMPLES)
    layers = find_layers(model, wanted)
    begin = time.process_time()
    curvature = curvature_at(panel, model, layers, settings)
    works = creator_gradients(model, layers, panel)  # (C, P)
    once = time.process_time() - begin
    begin = time.process_time()
    rows = []
    for pieces in output_pieces(panel):
        gradient = summed_gradient(model, layers, panel.models.task, pieces)
        rows.append(works @ _precondition(layers, curvature, gradient, settings.damping))
    each = (time.process_time() - begin) / max(1, len(panel.queries))
    numbers = sum(layer.inputs**2 + layer.outputs**2 + layer.size for layer in layers) + works.numel()
    return Scored(torch.stack(rows).numpy().astype(np.float64), False, once, each, numbers * 4)


def curvature_at(panel: Panel, model: nn.Module, layers: tuple[Layer, ...], settings: IndexSettings) -> Curvature:
    """EK-FAC on an evenly spread sample of the examples, ordered by creator as an index orders them."""
    ordered = [Window(example.ids) for example in sorted(panel.examples, key=lambda example: example.creator)]
    count = min(settings.curvature_examples, len(ordered))
    sample = [ordered[number * len(ordered) // count] for number in range(count)]
    batches = list(in_batches(sample, settings.batch_examples))
    return fit_curvature(model, layers, panel.models.task, batches, settings.seed, lambda done: None)


def _precondition(layers: tuple[Layer, ...], curvature: Curvature, gradient: torch.Tensor, damping: float) -> torch.Tensor:
    parts = torch.split(gradient, [layer.size for layer in layers])
    return flatten(
        layers,
        {
            layer.name: curvature.damped_inverse(layer, part.view(layer.outputs, layer.inputs), damping)
            for layer, part in zip(layers, parts, strict=True)
        },
    )
