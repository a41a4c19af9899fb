"""Differentiating a run, forward and backward.

Write H for the Hessian of the step's weighted mean loss plus weight decay, g_i for example i's gradient there. The weights
move by the rule in `run`; its derivative with respect to the loss weight w_i obeys

    dm     <- momentum dm + H dtheta + [i in the batch] g_i / normaliser
    dtheta <- dtheta - rate dm

and nothing is approximated: H dtheta is an exact Hessian-vector product, the derivative of the gradient along dtheta.
The backward walk is the same rule transposed. With a Gauss-Newton product instead of H the measured agreement with
retraining is the same, so the exact derivative, which can be checked against finite differences, is what we keep.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import jvp, vjp, vmap

from endcredits.errors import InputError
from endcredits.influence.task import Task
from endcredits.influence.trajectory.run import Flat, Loss, SgdRun, Trajectory, check_batches
from endcredits.progress import Progress, silent

CHUNK = 50
"""Vectors that one product carries at a time: more is hardly faster, and its temporary tensors are slow to come by."""

BLOCK = 32
"""Outputs in one pass: each one's gradient is pulled back through all of them."""


@dataclass(frozen=True, slots=True)
class Responses:
    """How the end of a run moves with the weight of each work.

    Attributes:
        flat: the model and task as functions of flat weights.
        end: the weights at the end of the run, ``[P]``.
        per_work: d end / d (loss weight of all examples of work k), ``[works, P]``, 4 bytes each.
    """

    flat: Flat
    end: Tensor
    per_work: Tensor

    def scores(self, outputs: Sequence[Any]) -> Tensor:
        """Derivative of each output's measurement to each work's weight: ``[outputs, works]``, nats per unit of weight.

        At half weight, a work's weight goes from 0 to 1 when it joins: its score is then its first-order credit.
        """
        return gradients(self.flat, self.end, outputs) @ self.per_work.T


def gradients(flat: Flat, weights: Tensor, outputs: Sequence[Any]) -> Tensor:
    """Gradient of each output's measurement at some weights: ``[outputs, P]``, nats."""
    rows = []
    for start in range(0, len(outputs), BLOCK):
        block = outputs[start : start + BLOCK]
        _, pull = _pulled(flat.measurement(block), weights)
        rows.append(pull(torch.eye(len(block)).to(weights)))
    return torch.cat(rows)


def responses(
    model: nn.Module,
    task: Task,
    contents: Sequence[Any],
    works: Sequence[int],
    run: SgdRun,
    *,
    progress: Progress = silent,
) -> Responses:
    """Makes a run and carries along how its weights move with the weight of each work (forward mode).

    Args:
        model: at the start of the run; it is copied and not changed.
        task: supplies the training loss, and the measurement for `Responses.scores`.
        contents: the examples, in the order that `run.batches` counts.
        works: for each example, the number of its work, from 0; -1 for an example of nobody.
        run: what to do; see `at_half_weight`.
        progress: told about the stage "response" (steps).

    Returns:
        The responses; three times their size is needed while the run is made.

    Raises:
        InputError: `works` and `contents` differ in length, or batches name examples that are not there.
    """
    check_batches(run, len(contents))
    if len(works) != len(contents) or max(works, default=-1) < 0:
        raise InputError(
            f"{len(works)} numbers of works for {len(contents)} examples",
            remedy="Give one number per example, and at least one work.",
            field="works",
        )
    flat = Flat(model, task)
    owner = torch.tensor(works, device=flat.start.device)
    weights, speed = flat.start.clone(), torch.zeros_like(flat.start)
    moved = weights.new_zeros(int(owner.max()) + 1, len(weights))
    moving = torch.zeros_like(moved)
    for step, (batch, rate) in enumerate(zip(run.batches, run.rates, strict=True)):
        loss = flat.loss([contents[i] for i in batch])
        losses, pull = _pulled(loss, weights)
        moving.mul_(run.momentum).add_(moved, alpha=run.weight_decay)
        product = _product(loss, weights)
        for start in range(0, len(moved), CHUNK):
            rows = slice(start, start + CHUNK)
            moving[rows].add_(product(moved[rows])[0], alpha=run.weight / run.normaliser)
        present = sorted({works[i] for i in batch if works[i] >= 0})
        if present:
            places = torch.tensor(present, device=owner.device)
            belongs = (owner[list(batch)] == places[:, None]).to(losses)
            moving[places] += pull(belongs) / run.normaliser
        moved.sub_(moving, alpha=rate)
        gradient = pull(torch.full_like(losses, run.weight / run.normaliser)[None])[0]
        speed = run.momentum * speed + gradient + run.weight_decay * weights
        weights = weights - rate * speed
        progress("response", step + 1, len(run.batches))
    return Responses(flat, weights, moved)


def trace_back(trajectory: Trajectory, directions: Tensor, *, progress: Progress = silent) -> Tensor:
    """Derivative of something at the end of a run to the weight of every example (reverse mode).

    Args:
        trajectory: a run that was recorded by `run.train`.
        directions: gradients at the end of the run, ``[outputs, P]``, normally `gradients(...)`.
        progress: told about the stage "trace" (steps).

    Returns:
        Tensor ``[outputs, examples]``: what `Responses.scores` gives when each example is a work of its own.
    """
    run, flat = trajectory.run, trajectory.flat
    scores = directions.new_zeros(len(directions), len(trajectory.contents))
    left, pulled = directions.clone(), torch.zeros_like(directions)
    for step in reversed(range(len(run.batches))):
        batch = torch.tensor(run.batches[step], device=scores.device)
        # A copy: forward differentiation gives a view a tangent as large as all that it is a view of.
        point = trajectory.points[step].clone()
        product = _product(flat.loss([trajectory.contents[i] for i in run.batches[step]]), point)
        pulled.sub_(left, alpha=run.rates[step])
        for start in range(0, len(directions), CHUNK):
            rows = slice(start, start + CHUNK)
            curved, slopes = product(pulled[rows])
            # A batch may hold an example twice: index_add counts it twice, plain indexing would not.
            scores[rows].index_add_(1, batch, slopes / run.normaliser)
            left[rows] += curved * (run.weight / run.normaliser) + run.weight_decay * pulled[rows]
        pulled.mul_(run.momentum)
        progress("trace", len(run.batches) - step, len(run.batches))
    return scores


def _pulled(loss: Loss, weights: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """The losses ``[n]``, and a function from k combinations of them ``[k, n]`` to their gradients ``[k, P]``."""
    found: Any = vjp(loss, weights)
    losses, pull = found

    def rows(combinations: Tensor) -> Tensor:
        gradients_of: Tensor = vmap(lambda row: pull(row)[0], chunk_size=CHUNK)(combinations)
        return gradients_of

    return losses, rows


def _product(loss: Loss, weights: Tensor) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """For vectors ``[k, P]``: the Hessian of the summed loss times each, and each example's slope along it ``[k, n]``."""

    def gradient_and_losses(at: Tensor) -> tuple[Tensor, Tensor]:
        found: Any = vjp(loss, at)
        losses, pull = found
        return pull(torch.ones_like(losses))[0], losses

    def along(vector: Tensor) -> tuple[Tensor, Tensor]:
        found: tuple[Tensor, Tensor] = jvp(gradient_and_losses, (weights,), (vector,))[1]
        return found

    def product(vectors: Tensor) -> tuple[Tensor, Tensor]:
        found: tuple[Tensor, Tensor] = vmap(along)(vectors)
        return found

    return product
