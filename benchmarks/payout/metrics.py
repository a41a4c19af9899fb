"""What a score is held to: would the money have gone where retraining says it should?

Headline is the *payout error*: total variation, half the sum of absolute differences, between the shares paid and the true
ones; 0 is right, 1 is all to the wrong people. Shares are positive parts over their sum (equal where nothing is positive).
Per output it is a mean; per statement signed scores are summed over the outputs of one kind and clipped once, as money is.
"""

from __future__ import annotations

import numpy as np


def shares(credits: np.ndarray) -> np.ndarray:
    """Positive parts as shares along the last axis; equal where nothing is positive."""
    positive = np.clip(credits, 0, None)
    total = positive.sum(-1, keepdims=True)
    return np.where(total > 0, positive / np.where(total > 0, total, 1), 1 / credits.shape[-1])


def errors_per_output(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Total variation between shares of each output, ``[Q]``."""
    return 0.5 * np.abs(shares(found) - shares(true)).sum(-1)


def error_per_statement(found: np.ndarray, true: np.ndarray) -> float:
    """Total variation between the shares of the summed credits."""
    return float(0.5 * np.abs(shares(found.sum(0)) - shares(true.sum(0))).sum())


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 0, ties averaged."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return np.asarray((first + (counts - 1) / 2)[inverse], float)


def coalition_lds(scores: np.ndarray, masks: np.ndarray, values: np.ndarray) -> float:
    """Linear datamodeling score over coalitions, adjusted for their size.

    For each output the rank correlation, over coalitions, between the summed scores of its members and the measured
    log-likelihood, after taking the mean of each coalition size out of both ranks (a partial Spearman correlation): without
    that, an equal split scores .74, because larger coalitions know more (Park et al. 2023, arXiv 2303.14186, for the LDS).

    Args:
        scores: ``[Q, K]``.
        masks: ``[M, K]`` bool.
        values: ``[M, Q]`` log-likelihood under each coalition's model.
    """
    sizes = masks.sum(1)
    same = (sizes[:, None] == sizes[None, :]).astype(float)
    same /= same.sum(1, keepdims=True)  # (M, M): takes the mean over coalitions of one size
    found = []
    for predicted, measured in zip((masks @ scores.T).T, values.T, strict=True):
        left, right = (value - same @ value for value in (ranks(predicted), ranks(measured)))
        norm = np.sqrt((left @ left) * (right @ right))
        found.append(left @ right / norm if norm > 1e-9 else 0.0)
    return float(np.mean(found))


def top1(found: np.ndarray, true: np.ndarray) -> float:
    """How often the first creator is the truth's first; ties in the scores count as their chance."""
    highest = found == found.max(-1, keepdims=True)
    return float((highest[np.arange(len(true)), true.argmax(-1)] / highest.sum(-1)).mean())


def ndcg3(found: np.ndarray, true: np.ndarray) -> float:
    """Normalised discounted cumulative gain of the first three, with the true share as the gain."""
    gains, discount = shares(true), 1 / np.log2(np.arange(min(3, true.shape[-1])) + 2)
    order = np.argsort(-found, axis=-1, kind="stable")[:, :3]
    best = -np.sort(-gains, axis=-1)[:, :3] @ discount
    return float((np.take_along_axis(gains, order, -1) @ discount / best).mean())


def completeness(scores: np.ndarray, log_ratio: np.ndarray) -> float:
    """Credits summed over outputs and creators, of the log-ratio summed over outputs: 1 is complete."""
    return float(scores.sum() / log_ratio.sum())


def completeness_error(scores: np.ndarray, log_ratio: np.ndarray) -> float:
    """Mean absolute gap between an output's credits and its log-ratio, over the mean absolute log-ratio."""
    return float(np.abs(scores.sum(1) - log_ratio).mean() / np.abs(log_ratio).mean())


def leakage(scores: np.ndarray, paid: int) -> tuple[float, float]:
    """Share of the money that goes to phantoms (columns from `paid` on): mean per output, and of the statement."""
    return float(shares(scores)[:, paid:].sum(-1).mean()), float(shares(scores.sum(0))[paid:].sum())


def coverage(scores: np.ndarray, errors: np.ndarray, true: np.ndarray, true_errors: np.ndarray, z: float = 1.645) -> float:
    """How often a 90 % band (1.645 standard errors) holds the truth, whose own error is added in quadrature."""
    width = z * np.sqrt(errors**2 + true_errors**2)
    return float((np.abs(scores - true) <= width).mean())


def noise_floor(phi: np.ndarray, phi_error: np.ndarray, draws: int = 20) -> tuple[float, float]:
    """Payout error per output and per statement between the truth and itself with its own standard errors added."""
    generator = np.random.default_rng(0)
    noisy = [phi + generator.standard_normal(phi.shape) * phi_error for _ in range(draws)]
    return (
        float(np.mean([errors_per_output(one, phi).mean() for one in noisy])),
        float(np.mean([error_per_statement(one, phi) for one in noisy])),
    )
