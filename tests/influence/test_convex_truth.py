"""Where retraining is exact, credits come close to what retraining says.

Softmax regression with a small ridge is convex: its weights are a function of how much each work counts, so both truths
can be computed. *Leave-one-out*: train again without one work. *Aumann-Shapley*, which is what a credit means: raise the
weight of all works together from 0 to 1 and integrate, on the way, how fast an output's log-probability rises with one
work's weight. `base` counts the works nothing, `full` counts them whole; the background is in both and in no index.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from endcredits.ids import WorkId
from endcredits.influence import Example, IndexSettings, build_index
from tests.influence.helpers import SAMPLED

FEATURES, LABELS, WORKS, EXAMPLES, BACKGROUND, OUTPUTS = 5, 3, 6, 60, 600, 6
RIDGE = 1.0

Matrix = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class World:
    """Background, works and outputs, each of features ``[n, d]`` and labels ``[n]``; `owner` names an example's work."""

    background: tuple[Tensor, Tensor]
    works: tuple[Tensor, Tensor]
    owner: Tensor
    outputs: tuple[Tensor, Tensor]

    def train(self, weights: Tensor) -> Tensor:
        """The optimum when work k counts `weights[k]`: ``[labels, features]``."""
        x, y, each = self._weighted(weights)
        solution = torch.zeros(LABELS, x.shape[1], dtype=torch.float64, requires_grad=True)
        solver = torch.optim.LBFGS(
            [solution], max_iter=200, tolerance_grad=1e-10, tolerance_change=1e-14, line_search_fn="strong_wolfe"
        )

        def loss() -> float:
            solver.zero_grad()
            total = (nn.functional.cross_entropy(x @ solution.T, y, reduction="none") * each).sum()
            total = total + RIDGE * solution.square().sum() / 2
            torch.autograd.backward(total)
            return float(total.detach())

        solver.step(loss)
        return solution.detach()

    def log_probability(self, weights: Tensor) -> Matrix:
        """Of every output under a solution."""
        x, y = self.outputs
        return torch.log_softmax(x @ weights.T, 1).gather(1, y[:, None])[:, 0].numpy()

    def leave_one_out(self) -> Matrix:
        """What every output loses when one work is left out of the training: ``[outputs, works]``."""
        whole = self.log_probability(self.train(torch.ones(WORKS)))
        without = [self.log_probability(self.train(1 - nn.functional.one_hot(torch.tensor(k), WORKS))) for k in range(WORKS)]
        return whole[:, None] - np.stack(without, 1)

    def aumann_shapley(self, nodes: int = 6) -> Matrix:
        """The integral along the path, by Gauss-Legendre, with exact Hessians: ``[outputs, works]``."""
        total = np.zeros((WORKS * OUTPUTS, WORKS))
        for node, share in zip(*np.polynomial.legendre.leggauss(nodes), strict=True):
            weights = torch.full((WORKS,), (node + 1) / 2, dtype=torch.float64)
            solution = self.train(weights)
            x, _, each = self._weighted(weights)
            chances = torch.softmax(x @ solution.T, 1)
            spread = torch.diag_embed(chances) - chances[:, :, None] * chances[:, None, :]
            size = solution.numel()
            hessian = torch.einsum("n,nab,ni,nj->aibj", each, spread, x, x).reshape(size, size) + RIDGE * torch.eye(size)
            scores = _scores(solution, *self.works)
            sums = torch.stack([scores[self.owner == k].sum(0) for k in range(WORKS)])
            slope = _scores(solution, *self.outputs) @ torch.linalg.solve(hessian, sums.T)
            total += share / 2 * slope.numpy()
        return total

    def _weighted(self, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = torch.cat([self.background[0], self.works[0]])
        y = torch.cat([self.background[1], self.works[1]])
        return x, y, torch.cat([torch.ones(len(self.background[0])), weights[self.owner]]).double()


def _scores(solution: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Gradient of each example's log-probability at the weights: ``[n, labels * features]``."""
    surprise = nn.functional.one_hot(y, LABELS) - torch.softmax(x @ solution.T, 1)
    return torch.einsum("nc,nd->ncd", surprise, x).flatten(1)


def world(seed: int) -> World:
    """Works share one rule that the background does not know; each has a place of its own."""
    generator = torch.Generator().manual_seed(seed)

    def draw(count: int, rule: Tensor, place: Tensor | float = 0.0) -> tuple[Tensor, Tensor]:
        x = torch.randn(count, FEATURES, generator=generator, dtype=torch.float64) + place
        return x, torch.multinomial(torch.softmax(x @ rule, 1), 1, generator=generator)[:, 0]

    rules = torch.randn(2, FEATURES, LABELS, generator=generator, dtype=torch.float64)
    places = torch.randn(WORKS, FEATURES, generator=generator, dtype=torch.float64) * 0.4
    works = [draw(EXAMPLES, rules[0] * 1.5, place) for place in places]
    outputs = [draw(OUTPUTS, rules[0] * 1.5, place) for place in places]
    return World(
        draw(BACKGROUND, rules[1] * 0.5),
        (torch.cat([x for x, _ in works]), torch.cat([y for _, y in works])),
        torch.arange(WORKS).repeat_interleave(EXAMPLES),
        (torch.cat([x for x, _ in outputs]), torch.cat([y for _, y in outputs])),
    )


def model_of(solution: Tensor) -> nn.Module:
    """A solution as a network of one linear layer."""
    layer = nn.Linear(solution.shape[1], LABELS, bias=False)
    with torch.no_grad():
        layer.weight.copy_(solution)
    return nn.Sequential(layer)


def measured(given: World, folder: Path) -> tuple[Matrix, Matrix]:
    """Credits ``[outputs, works]``, before gaps are divided, and log-ratios of an index scaled on the works' examples."""
    contents = [(x.float(), int(y)) for x, y in zip(*given.works, strict=True)]
    index = build_index(
        folder,
        base=model_of(given.train(torch.zeros(WORKS))),
        full=model_of(given.train(torch.ones(WORKS))),
        task=SAMPLED,
        examples=[Example(WorkId(f"w-{k}"), content) for k, content in zip(given.owner.tolist(), contents, strict=True)],
        settings=IndexSettings(batch_examples=60),
    )
    answers = [index.contrasts((x.float(), int(y))) for x, y in zip(*given.outputs, strict=True)]
    return (
        np.array([answer.credits.tolist() for answer in answers]),
        np.array([answer.log_ratio_nats for answer in answers]),
    )


def correlation(one: Matrix, other: Matrix) -> float:
    """Pearson's, over all pairs of output and work."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_credits_come_close_to_retraining(seed: int, tmp_path: Path) -> None:
    """Close to both truths, and they add up to the log-ratio on outputs that the scale was not fitted on."""
    given = world(seed)

    credits, log_ratios = measured(given, tmp_path)

    shapley = given.aumann_shapley()
    np.testing.assert_allclose(shapley.sum(1), log_ratios, atol=1e-3)  # the truth itself is complete
    assert correlation(credits, shapley) > 0.96
    assert correlation(credits, given.leave_one_out()) > 0.92
    assert credits.sum() == pytest.approx(log_ratios.sum(), rel=0.1)
    assert np.abs(credits.sum(1) - log_ratios).mean() < 0.25 * np.abs(log_ratios).mean()


def test_the_final_model_alone_cannot_tell(tmp_path: Path) -> None:
    """The midpoint earns its place: with both gradients at the full model, the same credits come further from the truth."""
    given = world(0)
    credits, _ = measured(given, tmp_path)
    shapley = given.aumann_shapley()
    full = given.train(torch.ones(WORKS))
    scores = _scores(full, *given.works)
    fisher = scores.T @ scores / len(scores)
    damped = fisher + 0.03 * torch.trace(fisher) / len(fisher) * torch.eye(len(fisher))
    sums = torch.stack([scores[given.owner == k].sum(0) for k in range(WORKS)])

    late = (_scores(full, *given.outputs) @ torch.linalg.solve(damped, sums.T)).numpy()

    def error(found: Matrix) -> float:
        best = (found * shapley).sum() / np.square(found).sum()  # each at its own best scale
        return float(np.abs(found * best - shapley).sum() / np.abs(shapley).sum())

    assert error(credits) < 0.6 * error(late)


def test_a_work_of_another_kind_earns_nothing(tmp_path: Path) -> None:
    """A work whose features no output has moves none of them, and its credit says so."""
    given = world(3)
    empty = torch.zeros(len(given.works[0]), 2, dtype=torch.float64)
    theirs = torch.cat([given.works[0], empty], 1)
    stranger = given.owner == WORKS - 1
    theirs[stranger] = torch.cat(
        [torch.zeros(EXAMPLES, FEATURES), torch.randn(EXAMPLES, 2, generator=torch.Generator().manual_seed(5))], 1
    ).double()

    def widened(part: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return torch.cat([part[0], torch.zeros(len(part[0]), 2, dtype=torch.float64)], 1), part[1]

    wide = World(widened(given.background), (theirs, given.works[1]), given.owner, widened(given.outputs))

    credits, _ = measured(wide, tmp_path)

    real = np.abs(credits[:, : WORKS - 1])
    assert np.abs(wide.leave_one_out()[:, -1]).max() < 1e-6
    assert np.abs(credits[:, -1]).max() < 1e-4 * real.mean()
    assert real.mean() > 0.01
