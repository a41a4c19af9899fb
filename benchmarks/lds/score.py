"""From scores to the linear datamodeling score (Park et al. 2023, arXiv 2303.14186)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.lds.truth import Matrix, Truth, spearman

FOLDS = 5


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well one matrix of scores predicts retraining.

    Attributes:
        lds: mean over queries of Spearman over subsets, between the scores' sum in a subset and minus the mean loss.
        lds_margin: the same against the mean margin.
        se: standard error of `lds` over queries.
        worst_fold: the lowest of the same over folds of queries x folds of subsets, each fold alone: what another split
            of the truth may show.
    """

    lds: float
    lds_margin: float
    se: float
    worst_fold: float


def agreement(truth: Truth, scores: Matrix) -> Agreement:
    """Judges scores ``[queries, examples]``, higher where an example helps."""
    predicted = truth.masks.astype(np.float64) @ scores.T
    gained, margin = -truth.loss.mean(1), truth.margin.mean(1)
    each = spearman(predicted, gained)
    queries, subsets = np.arange(predicted.shape[1]), np.arange(predicted.shape[0])
    folds = [
        spearman(predicted[np.ix_(some, those)], gained[np.ix_(some, those)]).mean()
        for some in (subsets[subsets % 2 == part] for part in range(2))
        for those in (queries[queries % FOLDS == part] for part in range(FOLDS))
    ]
    return Agreement(
        float(each.mean()),
        float(spearman(predicted, margin).mean()),
        float(each.std(ddof=1) / np.sqrt(len(each))),
        float(min(folds)),
    )


def ceiling(truth: Truth, draws: int = 20) -> float:
    """What perfect scores would read: the correlation of the truth's mean over seeds with its expectation.

    Two halves of the seeds are correlated; Spearman-Brown's formula, 2 r / (1 + r), gives the reliability of the mean over
    all seeds, and its root is the correlation with what that mean estimates.
    """
    seeds = truth.loss.shape[1]
    generator = np.random.default_rng(0)
    found = []
    for _ in range(draws):
        order = generator.permutation(seeds)
        halves = [truth.loss[:, part].mean(1) for part in (order[: seeds // 2], order[seeds // 2 : 2 * (seeds // 2)])]
        found.append(float(spearman(*halves).mean()))
    mean = float(np.mean(found))
    return float(np.sqrt(max(0.0, 2 * mean / (1 + mean))))
