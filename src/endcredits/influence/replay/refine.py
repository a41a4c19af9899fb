"""Asking one output again, with a better inverse of the curvature and without training.

A credit is a gradient times (F + damping)^-1 times a work's gradient. The index inverts F in the EK-FAC approximation:
layer by layer, diagonal in an eigenbasis. Here that inverse only *preconditions*: conjugate gradients solve

    (F + damping) u = gradient of log p(output) at the middle model

for F itself on a sample of the training examples, curvature between layers and off the diagonal included. F is the Fisher
information per example with labels drawn from the model, which for a cross-entropy loss is its Gauss-Newton matrix
(Martens 2020, arXiv 1412.1193); a product F v is one pass over the sample, mean of g (g . v). Then every example of every
work is met once for its own dot product with u, so an answer costs (iterations + 1) passes of the sample and one of the
works: for a contested output, not for every output.

ASTRA (arXiv 2507.14740) does the same by stochastic steps with EK-FAC as the preconditioner; on a sample fixed by its seed
conjugate gradients need fewer passes, no step size, and give the same answer twice. What it gives up: F is that of the
sample, and all that any first-order credit at one point gives up; `run` is the judge of that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence.gradient.ekfac import Curvature
from endcredits.influence.gradient.index import CurvatureIndex
from endcredits.influence.gradient.layers import Capture, Layer, capturing
from endcredits.influence.residual import complete
from endcredits.influence.task import Task, one_each
from endcredits.progress import Progress, silent

BATCH = 16
ITERATIONS = 20
TOLERANCE = 1e-3

Parts = dict[str, Tensor]
"""A vector over the index's coordinates: per layer ``[o, i]``."""


@dataclass(frozen=True, slots=True)
class Refined:
    """One output's credits before and after.

    Attributes:
        work_ids: K works.
        before: credits by the EK-FAC inverse, ``[K]``: from `refine_output` in nats, as the index answers; from `refine`
            bare.
        credits: credits by the solved system, ``[K]``, likewise.
        residuals: length of what the solution leaves over of the gradient, relative to it and in the preconditioner's
            metric, before the first iteration (1) and after each.
    """

    work_ids: tuple[WorkId, ...]
    before: Tensor
    credits: Tensor
    residuals: tuple[float, ...]


def refine_output(
    index: CurvatureIndex,
    output: Any,
    works: Mapping[WorkId, Sequence[Any]],
    *,
    sample: Sequence[Any] | None = None,
    iterations: int = ITERATIONS,
    progress: Progress = silent,
) -> Refined:
    """Refines an output's credits under an open index: scaled, sloped, capped and completed as the index's own.

    Args:
        index: gives middle model, layers, preconditioner and damping.
        output: as the task's `pieces` reads it.
        works: the training examples of every work of the index.
        sample: examples that F is measured on; all of the works' by default.
        iterations: at most.
        progress: told about "curvature" in iterations and "works" in works.

    Raises:
        InputError: other works than the index's, or as `refine`.
    """
    if set(works) != set(index.work_ids):
        raise InputError(
            f"{len(works)} works are given, and the index holds {len(index.work_ids)}",
            remedy="Give the examples of exactly the index's works.",
            field="works",
        )
    ordered = {work_id: works[work_id] for work_id in index.work_ids}
    found = refine(
        index.models[2],
        index.loaded.layers,
        index.loaded.curvature,
        index.task,
        output,
        ordered,
        sample=[content for contents in ordered.values() for content in contents] if sample is None else sample,
        damping=float(index.manifest.facts["settings"]["damping"]),
        iterations=iterations,
        progress=progress,
    )
    factors = torch.tensor([float(slope) for slope in index.manifest.slopes], dtype=torch.float64)
    factors *= float(index.manifest.scale)
    if index.loaded.factors is not None:
        factors *= index.loaded.factors
    log_ratio = index.contrasts(output).log_ratio_nats
    sizes = torch.tensor([float(size) for size in index.manifest.sizes])
    before, after = (complete(credits * factors, log_ratio, sizes) for credits in (found.before, found.credits))
    return Refined(found.work_ids, before, after, found.residuals)


def refine(
    middle: nn.Module,
    layers: Sequence[Layer],
    curvature: Curvature,
    task: Task,
    output: Any,
    works: Mapping[WorkId, Sequence[Any]],
    *,
    sample: Sequence[Any],
    damping: float,
    iterations: int = ITERATIONS,
    tolerance: float = TOLERANCE,
    seed: int = 0,
    progress: Progress = silent,
) -> Refined:
    """Solves for one output; arguments as for `refine_output`.

    Args:
        middle: the model at which gradients are taken.
        layers: those that carry the index; a layer that no gradient of the curvature's sample reached is left out.
        curvature: the preconditioner.
        task: the two functions.
        output: see `refine_output`.
        works: see `refine_output`.
        sample: see `refine_output`.
        damping: relative to each layer's mean eigenvalue, > 0.
        iterations: at most.
        tolerance: relative residual at which iterations stop.
        seed: of the labels' draws.
        progress: see `refine_output`.

    Raises:
        InputError: no works, an empty sample, or a gradient that is not finite.
    """
    if not works or not sample:
        raise InputError("a refinement needs the works' examples", field="works")
    known = [layer for layer in layers if float(curvature.eigenvalues[layer.name].mean()) > 0]
    added = {layer.name: damping * float(curvature.eigenvalues[layer.name].mean()) for layer in known}

    def precondition(vector: Parts) -> Parts:
        return {layer.name: curvature.damped_inverse(layer, vector[layer.name], damping) for layer in known}

    def multiply(vector: Parts) -> Parts:
        total = {name: added[name] * part for name, part in vector.items()}
        for capture, count in _passes(middle, known, task, sample, seed):
            singles = {layer.name: capture.per_example(layer, count) for layer in known}  # (n, o, i)
            along = sum(torch.einsum("noi,oi->n", singles[name], part) for name, part in vector.items())
            for name, single in singles.items():
                total[name] = total[name] + torch.einsum("n,noi->oi", along, single) / len(sample)
        return total

    gradient = _output_gradient(middle, known, task, output)
    solution, residuals = _conjugate(multiply, precondition, gradient, iterations, tolerance, progress)
    directions = [precondition(gradient), solution]
    found = torch.zeros(2, len(works), dtype=torch.float64)
    for number, contents in enumerate(works.values()):
        for total in _summed(middle, known, task, contents):
            found[:, number] -= torch.tensor([_dot(direction, total) for direction in directions], dtype=torch.float64)
        progress("works", number + 1, len(works))
    examples = sum(len(contents) for contents in works.values())
    before, after = found / examples
    return Refined(tuple(works), before, after, tuple(residuals))


def _conjugate(
    multiply: Callable[[Parts], Parts],
    precondition: Callable[[Parts], Parts],
    target: Parts,
    iterations: int,
    tolerance: float,
    progress: Progress,
) -> tuple[Parts, list[float]]:
    """Preconditioned conjugate gradients (Hestenes & Stiefel 1952) from zero, and the relative residuals."""
    solution = {name: torch.zeros_like(part) for name, part in target.items()}
    residual = dict(target)
    direction = steep = precondition(residual)
    length = first = _dot(residual, steep)
    residuals = [1.0]
    for number in range(iterations):
        if first <= 0 or residuals[-1] <= tolerance:
            break
        moved = multiply(direction)
        step = length / _dot(direction, moved)
        solution = _plus(solution, direction, step)
        residual = _plus(residual, moved, -step)
        steep = precondition(residual)
        before, length = length, _dot(residual, steep)
        residuals.append((max(length, 0.0) / first) ** 0.5)
        direction = _plus(steep, direction, length / before)
        progress("curvature", number + 1, iterations)
    return solution, residuals


def _output_gradient(middle: nn.Module, layers: Sequence[Layer], task: Task, output: Any) -> Parts:
    total = {layer.name: torch.zeros(layer.outputs, layer.inputs) for layer in layers}
    contents = task.pieces(output)
    for start in range(0, len(contents), BATCH):
        batch = contents[start : start + BATCH]
        with capturing(middle, layers) as capture:
            measured = task.measurement(middle, batch)
        capture.backward(one_each(measured, batch, "measurement").sum())
        total = {layer.name: total[layer.name] + capture.summed(layer) for layer in layers}
    if not all(torch.isfinite(part).all() for part in total.values()):
        raise InputError(
            "the gradient of the output is not finite", remedy="Check the output and the models.", field="output"
        )
    return total


def _passes(
    middle: nn.Module, layers: Sequence[Layer], task: Task, sample: Sequence[Any], seed: int
) -> Iterator[tuple[Capture, int]]:
    """The sample's gradients batch by batch, with the same labels in every pass."""
    generator = torch.Generator().manual_seed(seed)
    for start in range(0, len(sample), BATCH):
        batch = sample[start : start + BATCH]
        with capturing(middle, layers) as capture:
            if task.sampled_loss is None:
                losses = one_each(task.train_loss(middle, batch), batch, "train_loss")
            else:
                losses = one_each(task.sampled_loss(middle, batch, generator), batch, "sampled_loss")
        capture.backward(losses.sum())
        yield capture, len(batch)


def _summed(middle: nn.Module, layers: Sequence[Layer], task: Task, contents: Sequence[Any]) -> Iterator[Parts]:
    """Summed gradients of the training loss, batch by batch."""
    for start in range(0, len(contents), BATCH):
        batch = contents[start : start + BATCH]
        with capturing(middle, layers) as capture:
            losses = one_each(task.train_loss(middle, batch), batch, "train_loss")
        capture.backward(losses.sum())
        yield {layer.name: capture.summed(layer) for layer in layers}


def _dot(one: Parts, other: Parts) -> float:
    return float(sum((part.double() * other[name].double()).sum() for name, part in one.items()))


def _plus(one: Parts, other: Parts, factor: float) -> Parts:
    return {name: part + factor * other[name] for name, part in one.items()}
