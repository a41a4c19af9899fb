"""The response as a derivative: forward mode through the optimizer, instead of a difference of two runs.

d theta / d w_k at the middle obeys the run's own recursion. With the step scale s_t fixed, one step is

    m <- b m + (1 - b) g(theta, w) / n,      theta <- theta - length_t m / s_t,

so its tangent (dm, dtheta) moves by the same two lines with dg = grad of k's own loss + H dtheta, where H dtheta is one
Hessian-vector product of the batch at the weights that the run has reached (Pearlmutter 1994). One pass carries any number
of catalogues, at about three gradient passes each. It needs no second run to be stored, and it is exact where a finite
difference bends; it is *not* the difference over the whole range of w that a payout is about, so the bench decides which to
use. `difference` is the slow twin: two runs with the weight moved a little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from endcredits.ids import WorkId
from endcredits.influence.text.finetune import TextFineTune
from endcredits.influence.trainer import Snapshot
from endcredits.progress import Progress, silent


def tangents(
    trainer: TextFineTune,
    work_weights: Mapping[WorkId, float],
    catalogues: Mapping[str, Sequence[WorkId]],
    progress: Progress = silent,
) -> tuple[Snapshot, dict[str, Snapshot]]:
    """Trains once and carries the derivative of the weights with respect to each catalogue's weight.

    Args:
        trainer: with a recorded scale; plain Adam's own scale would move too.
        work_weights: where the derivative is taken, such as 1/2 for every work.
        catalogues: whose derivatives.
        progress: told about the steps.

    Returns:
        The weights after the last step, and per catalogue d theta / d w.
    """
    model, task, recipe = trainer.new_model(), trainer.task(), trainer.recipe
    names = [name for name, value in model.named_parameters() if value.requires_grad]
    parameters = [value for value in model.parameters() if value.requires_grad]
    scales = trainer.recorded_scales()
    weights = {work: float(work_weights.get(work, 1.0)) for work in trainer.work_ids}
    momentum = [torch.zeros_like(value) for value in parameters]
    moved = {name: [torch.zeros_like(value) for value in parameters] for name in catalogues}
    pushed = {name: [torch.zeros_like(value) for value in parameters] for name in catalogues}
    for step, batch in enumerate(trainer.batches):
        examples = [trainer.examples[number] for number in batch]
        losses = task.train_loss(model, [example.content for example in examples]) / recipe.batch_tokens
        factors = torch.tensor([weights[example.work_id] for example in examples])
        gradients = torch.autograd.grad((losses * factors).sum(), parameters, create_graph=True, materialize_grads=True)
        scale = _split(np.array(scales[step]), parameters)
        length = recipe.rate_at(step, len(trainer.batches)) / (1 - recipe.beta_1 ** (step + 1))
        for name, works in catalogues.items():
            own = torch.tensor([float(example.work_id in set(works)) for example in examples])
            direct = (
                _gradient((losses * own).sum(), parameters) if bool(own.any()) else [torch.zeros_like(p) for p in parameters]
            )
            bent = _hessian_product(gradients, parameters, moved[name])
            for m, d, h in zip(pushed[name], direct, bent, strict=True):
                m.mul_(recipe.beta_1).add_(d + h, alpha=1 - recipe.beta_1)
        with torch.no_grad():
            for value, m, g, s in zip(parameters, momentum, gradients, scale, strict=True):
                m.mul_(recipe.beta_1).add_(g.detach(), alpha=1 - recipe.beta_1)
                value.addcdiv_(m, s, value=-length)
            for name in catalogues:
                for change, m, s in zip(moved[name], pushed[name], scale, strict=True):
                    change.addcdiv_(m, s, value=-length)
        progress("steps", step + 1, len(trainer.batches))
    final = {name: value.detach().clone() for name, value in zip(names, parameters, strict=True)}
    return final, {key: dict(zip(names, change, strict=True)) for key, change in moved.items()}


def difference(
    trainer: TextFineTune, work_weights: Mapping[WorkId, float], works: Sequence[WorkId], width: float
) -> Snapshot:
    """The central finite difference of two runs, d theta / d w of some works moved together by `width` to each side."""
    centre = {work: float(work_weights.get(work, 1.0)) for work in trainer.work_ids}
    more, less = (
        trainer.train({work: value + (side * width if work in set(works) else 0) for work, value in centre.items()}, 0)
        for side in (1, -1)
    )
    return {name: (more[name] - less[name]) / (2 * width) for name in more}


def _split(flat: np.ndarray, parameters: Sequence[nn.Parameter]) -> list[Tensor]:
    pieces = torch.split(torch.from_numpy(flat), [value.numel() for value in parameters])
    return [piece.view(value.shape) for piece, value in zip(pieces, parameters, strict=True)]


def _gradient(total: Tensor, parameters: Sequence[nn.Parameter]) -> list[Tensor]:
    return list(torch.autograd.grad(total, parameters, retain_graph=True, materialize_grads=True))


def _hessian_product(
    gradients: Sequence[Tensor], parameters: Sequence[nn.Parameter], direction: Sequence[Tensor]
) -> list[Tensor]:
    along = torch.stack([(g * d).sum() for g, d in zip(gradients, direction, strict=True)]).sum()
    return list(torch.autograd.grad(along, parameters, retain_graph=True, materialize_grads=True))
