"""Our rows: the response of a run, kernels over snapshots, and the curvature tier at one, between and over points."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.lds.gradients import log_probability_gradients, solve_in_examples, surprise
from benchmarks.lds.truth import BATCH, SNAPSHOTS, TASK, Image, Matrix, Truth, run_of, start
from endcredits.influence.gradient.ekfac import Curvature, fit_curvature
from endcredits.influence.gradient.layers import Layer, capturing, find_layers
from endcredits.influence.gradient.midpoint import midpoint_model
from endcredits.influence.trajectory.response import gradients, trace_back
from endcredits.influence.trajectory.run import SgdRun, Trajectory, at_half_weight, train

DAMPING = 1.0
"""Of the kernels and of the snapshots' curvature, relative to the mean eigenvalue: its natural scale."""

FINAL_DAMPING = 0.03
"""The product's default for the curvature tier."""


def _trace(truth: Truth, run: SgdRun, seed: int) -> Matrix:
    trajectory = train(start(seed), TASK, truth.examples, run)
    found: Matrix = trace_back(trajectory, gradients(trajectory.flat, trajectory.end, truth.queries)).double().numpy()
    return found


def response_half(truth: Truth, seed: int) -> Matrix:
    """The derivative of a run in which every example counts one half."""
    return _trace(truth, at_half_weight(run_of(seed)), seed)


def response_full(truth: Truth, seed: int) -> Matrix:
    """The derivative of the recorded run."""
    return _trace(truth, run_of(seed), seed)


def kernel(model: nn.Module, truth: Truth, damping: float = DAMPING) -> Tensor:
    """Margins as a linear model of the weights, solved exactly over all examples (TRAK's form, without projection).

    score = grad margin(query) . (Phi^T Phi + damping)^-1 . grad margin(example) * (1 - p_example): ``[queries, examples]``.
    """
    weights = surprise(model, truth.examples)
    examples = log_probability_gradients(model, truth.examples) / weights[:, None]
    queries = log_probability_gradients(model, truth.queries) / surprise(model, truth.queries)[:, None]
    return solve_in_examples(examples, queries, damping) * weights


def kernel_snapshots(truth: Truth, seed: int) -> Matrix:
    """Summed over the recorded snapshots."""
    found: Matrix = torch.stack([kernel(truth.snapshot(name, seed), truth) for name in SNAPSHOTS]).sum(0).numpy()
    return found


def kernel_half_run(truth: Truth, seed: int) -> Matrix:
    """Summed over snapshots, at the same epochs, of a run in which every example counts one half."""
    trajectory = train(start(seed), TASK, truth.examples, at_half_weight(run_of(seed)))
    found: Matrix = torch.stack([kernel(model, truth) for model in _points(trajectory)]).sum(0).numpy()
    return found


def _points(trajectory: Trajectory) -> list[nn.Module]:
    steps = len(trajectory.points)
    epochs = [int(name.removeprefix("epoch")) for name in SNAPSHOTS]
    at = [steps * epoch // epochs[-1] for epoch in epochs]
    return [trajectory.flat.module(trajectory.points[step] if step < steps else trajectory.end) for step in at]


def _per_example(model: nn.Module, layers: tuple[Layer, ...], contents: list[Image]) -> dict[str, Tensor]:
    with capturing(model, layers) as capture:
        measured = TASK.measurement(model, contents)
    capture.backward(measured.sum())
    return {layer.name: capture.per_example(layer, len(contents)) for layer in layers}


def ekfac(model: nn.Module, truth: Truth, damping: float) -> Tensor:
    """The project's EK-FAC with labels drawn from the model: ``[queries, examples]``."""
    layers = find_layers(model, TASK.layers)
    batches = [truth.examples[at : at + BATCH] for at in range(0, len(truth.examples), BATCH)]
    curvature: Curvature = fit_curvature(model, layers, TASK, batches, 0, lambda done: None)
    queries, examples = (_per_example(model, layers, images) for images in (truth.queries, truth.examples))
    parts = [
        curvature.damped_inverse(layer, queries[layer.name], damping).flatten(1) @ examples[layer.name].flatten(1).T
        for layer in layers
    ]
    return torch.stack(parts).sum(0).double()


def ekfac_final(truth: Truth, seed: int) -> Matrix:
    """At the final model."""
    return ekfac(truth.snapshot("final", seed), truth, FINAL_DAMPING).numpy()


def ekfac_midpoint(truth: Truth, seed: int) -> Matrix:
    """Halfway between the untrained and the final model: for a run from scratch such a point is nobody's model."""
    return ekfac(midpoint_model(start(seed), truth.snapshot("final", seed)), truth, FINAL_DAMPING).numpy()


def ekfac_late_midpoint(truth: Truth, seed: int) -> Matrix:
    """Halfway between the first snapshot and the final model."""
    return ekfac(
        midpoint_model(truth.snapshot(SNAPSHOTS[0], seed), truth.snapshot("final", seed)), truth, FINAL_DAMPING
    ).numpy()


def ekfac_snapshots(truth: Truth, seed: int) -> Matrix:
    """Summed over the recorded snapshots."""
    found: Matrix = torch.stack([ekfac(truth.snapshot(name, seed), truth, DAMPING) for name in SNAPSHOTS]).sum(0).numpy()
    return found
