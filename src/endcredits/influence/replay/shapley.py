"""From log-likelihoods of coalitions to credits: two least-squares estimators of the Shapley value, both complete.

v(S) is an output's log-likelihood under the model trained on coalition S, less that under base; T = v(everybody). Both
estimators work on differences of complement pairs, d = v(S) - v(not S), and regress them on membership x, +1 for members and
-1 for the others. Odd functions of the coalition's size are regressors too, so that what depends on size alone is nobody's.

- `kernel_shap`: weighted least squares under the constraint that credits add up to T (Lundberg & Lee 2017,
  arXiv 1705.07874; paired as in Covert & Lee 2021, arXiv 2012.01536). Consistent, and noisy when pairs are few.
- `stratified`: phi = T / K + the mean over sizes 1..K-1 of the slope of v on membership within that size, which is the
  Shapley value written size by size. A size of which every coalition was run gives its slope exactly; the other sizes share
  one slope from a ridge regression. The ridge pulls towards a *centre*, by default half the mean of the exact slopes. With
  credits as the centre (`centre_from`) the runs only have to show how those are wrong: a control variate, which is what
  makes an audit with two runs a catalogue worth its price (docs/decisions/0011).

Given all 2^K coalitions both are the Shapley value to rounding (`games.brute_force`). Errors are a jackknife over
the drawn pairs, in closed form; `bootstrap` draws the pairs again instead. They say how much the draw of coalitions
matters and nothing of the seed's noise, which repeats show (`run.Scores.repeats`), nor of a centre that is wrong.

Letters: M coalitions, K catalogues, Q outputs, n pairs. Arrays are float64, in nats.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from endcredits.errors import InputError
from endcredits.influence.replay.games import Game, complement_pairs, whole_sizes

CENTRE_FRACTION = 0.5
"""The part of the exact sizes' slope towards which the other sizes' slope is pulled (chosen by leave-one-pair-out error)."""
RIDGE = 1.0
"""Weight of the pull; a pair weighs 1."""
ODD_FUNCTIONS = 3


@dataclass(frozen=True, slots=True)
class Audited:
    """Credits that retraining shows.

    Attributes:
        credits: phi ``[Q, K]``; rows add up to the log-ratio.
        errors: standard errors ``[Q, K]``; NaN where fewer than two pairs were drawn and sizes are missing.
    """

    credits: np.ndarray
    errors: np.ndarray


def stratified(
    game: Game,
    *,
    centre: np.ndarray | None = None,
    fraction: float | None = None,
    ridge: float = RIDGE,
    counts: np.ndarray | None = None,
) -> Audited:
    """Size-stratified estimate; see the module.

    Args:
        game: the runs.
        centre: credits ``[Q, K]`` towards which the slope of sizes that were not run whole is pulled; only their contrast
            within an output counts. None: the exact sizes' mean slope, or nothing where no size was run whole.
        fraction: the centre is multiplied by it; by default 1 where a centre is given and `CENTRE_FRACTION` where not.
        ridge: weight of the pull, > 0; `choose_ridge` finds one.
        counts: how often each drawn pair counts, for the bootstrap.

    Returns:
        Credits that add up to the log-ratio, and jackknife errors over the drawn pairs (0 where every size is exact).
    """
    count = game.masks.shape[1]
    level = game.log_ratio[:, None] / count
    if count == 1:
        return Audited(level, np.zeros_like(level))
    exact, missing = _strata(game)
    if not missing:
        return Audited(level + sum(exact.values()) / (count - 1), np.zeros((len(game.base), count)))
    if fraction is None:
        fraction = CENTRE_FRACTION if centre is None else 1.0
    if centre is None:
        centre = np.mean(list(exact.values()), axis=0) if exact else np.zeros((len(game.base), count))
    fit = _shared_slope(game, set(exact), _contrast(centre) * fraction, ridge, counts)
    known = sum(exact.values()) if exact else np.zeros_like(fit.slope)
    part = missing / (count - 1)
    return Audited(level + known / (count - 1) + part * fit.slope, part * fit.errors)


def centre_from(game: Game, credits: np.ndarray) -> np.ndarray:
    """A centre for `stratified` from credits of a tier that looks at the middle, as the response and midpoint tiers do.

    Their contrast is the slope at half of the catalogues. Where both outermost sizes were run whole, their exact slopes are
    known too, and a parabola through the three is averaged over the sizes between: Simpson's rule along the diagonal of
    Aumann and Shapley, from nobody to everybody.

    Args:
        game: the runs.
        credits: ``[Q, K]`` nats.

    Returns:
        ``[Q, K]``; only contrasts.
    """
    count = game.masks.shape[1]
    exact, _ = _strata(game)
    middle = _contrast(credits)
    if count < 4 or not {1, count - 1} <= set(exact):
        return middle
    place = (np.array([size for size in range(1, count) if size not in exact]) - count / 2) / (count / 2 - 1)  # -1 to 1
    if not len(place):
        return middle
    ends = ((place**2 - place).mean() / 2, (place**2 + place).mean() / 2)  # Lagrange's parabolas, averaged
    return np.asarray(ends[0] * exact[1] + (1 - place**2).mean() * middle + ends[1] * exact[count - 1])


def choose_ridge(
    game: Game,
    *,
    centre: np.ndarray | None = None,
    fractions: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25),
    ridges: tuple[float, ...] = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0),
) -> tuple[float, float]:
    """The fraction and ridge for `stratified` with the least leave-one-pair-out error over all outputs.

    Every drawn pair is predicted from the others (in closed form); nothing but the runs themselves is looked at.

    Returns:
        Fraction and ridge; the module's own where fewer than four pairs were drawn.
    """
    exact, missing = _strata(game)
    if centre is None:
        centre = np.mean(list(exact.values()), axis=0) if exact else np.zeros((len(game.base), game.masks.shape[1]))
    best = (math.inf, CENTRE_FRACTION, RIDGE)
    for fraction in fractions:
        for ridge in ridges:
            if not missing:
                break
            fit = _shared_slope(game, set(exact), _contrast(centre) * fraction, ridge, None)
            if len(fit.left_out) >= 4:
                best = min(best, (float(np.square(fit.left_out).mean()), fraction, ridge))
    return best[1], best[2]


def mean_errors(
    game: Game, *, centre: np.ndarray | None = None, fraction: float | None = None, ridge: float = RIDGE
) -> np.ndarray:
    """Jackknife errors ``[K]`` of each catalogue's mean credit over the outputs, arguments as for `stratified`.

    All outputs share the draw of coalitions, so this is far more than their own errors over the root of their number.
    """
    summed = None if centre is None else centre.sum(0, keepdims=True)
    audited = stratified(game.summed(), centre=summed, fraction=fraction, ridge=ridge)
    return np.asarray(audited.errors[0] / len(game.base))


def kernel_shap(game: Game, *, counts: np.ndarray | None = None) -> np.ndarray:
    """Paired KernelSHAP under the sum constraint: ``[Q, K]``.

    Args:
        game: the runs; coalitions without their complement are left out.
        counts: how often each pair counts, for the bootstrap; pairs in the order of `complement_pairs`.

    Raises:
        InputError: there is no pair.
    """
    count = game.masks.shape[1]
    if count == 1:
        return game.log_ratio[:, None]
    pairs = complement_pairs(game.masks)
    if not len(pairs):
        raise InputError("no coalition was run together with its complement", field="masks")
    first, second = pairs.T
    members = game.masks[first] * 2.0 - 1  # (n, K)
    weights = np.ones(len(pairs)) if game.weights is None else game.weights[first] + game.weights[second]
    weights = weights / weights.mean() * (1.0 if counts is None else counts)
    size = (game.masks[first].sum(1) - count / 2) / (count / 2)
    # Odd in the size and zero for the full coalition, whose value the constraint already states.
    odd = _independent(np.stack([size**power - size for power in (3, 5, 7)], 1))
    basis = np.linalg.svd(np.ones((1, count)))[2][1:].T  # (K, K - 1): contrasts that add up to zero
    level = game.log_ratio / count
    target = game.values[first] - game.values[second] - members.sum(1)[:, None] * level
    root = np.sqrt(weights)[:, None]
    solution = np.linalg.lstsq(root * np.concatenate([members @ basis, odd], 1), root * target, rcond=None)[0]
    return np.asarray((level + basis @ solution[: count - 1]).T)


@dataclass(frozen=True, slots=True)
class _Fit:
    """A shared slope: itself and its jackknife errors ``[Q, K]``, and each pair's error when left out ``[n, Q]``."""

    slope: np.ndarray
    errors: np.ndarray
    left_out: np.ndarray


def _contrast(credits: np.ndarray) -> np.ndarray:
    return np.asarray(credits - credits.mean(-1, keepdims=True))


def _strata(game: Game) -> tuple[dict[int, np.ndarray], int]:
    """The exact slope ``[Q, K]`` of every size that was run whole, and how many sizes were not."""
    count = game.masks.shape[1]
    exact = {}
    for size in whole_sizes(game.masks):
        rows = game.masks.sum(1) == size
        members, values = game.masks[rows].astype(float), game.values[rows]
        # In a whole stratum memberships are balanced, so the slope is a difference of two means, scaled.
        inside = members.T @ values / members.sum(0)[:, None]
        outside = (1 - members).T @ values / (1 - members).sum(0)[:, None]
        exact[size] = ((inside - outside) * (count - 1) / count).T
    return exact, count - 1 - len(exact)


def _independent(columns: np.ndarray) -> np.ndarray:
    """The same span in independent columns (small panels have few sizes, and odd functions of them coincide)."""
    if not columns.size:
        return columns
    left, values, _ = np.linalg.svd(columns, full_matrices=False)
    return np.asarray(left[:, values > 1e-9 * max(1.0, float(values.max(initial=0.0)))])


def _shared_slope(game: Game, exact: set[int], centre: np.ndarray, ridge: float, counts: np.ndarray | None) -> _Fit:
    count = game.masks.shape[1]
    every = complement_pairs(game.masks)
    drawn = [number for number, (first, _) in enumerate(every) if int(game.masks[first].sum()) not in exact]
    pairs = every[drawn]
    if not len(pairs):
        return _Fit(centre, np.full_like(centre, np.nan), np.zeros((0, len(centre))))
    first, second = pairs.T
    members = _contrast(game.masks[first] * 2.0 - 1)  # (n, K)
    size = (game.masks[first].sum(1) - count / 2) / (count / 2)
    powers = [2 * number + 1 for number in range(min(ODD_FUNCTIONS, len(pairs) // 4))]
    odd = _independent(np.stack([size**power for power in powers], 1)) if powers else np.zeros((len(pairs), 0))
    design = np.concatenate([members, odd], 1)
    weight = np.ones(len(pairs)) if counts is None else counts[drawn]
    difference = game.values[first] - game.values[second] - members @ centre.T  # (n, Q)
    penalty = np.diag([ridge] * count + [1e-12] * odd.shape[1])
    inverse = np.linalg.inv(design.T @ (weight[:, None] * design) + penalty)
    solution = inverse @ design.T @ (weight[:, None] * difference)
    residual = difference - design @ solution
    # Without pair i the solution moves by inverse x_i r_i / (1 - h_i) (Sherman & Morrison), exactly. A pair that the odd
    # functions follow wherever it goes (h_i = 1) says nothing about anybody.
    free = 1 - np.einsum("np,pq,nq->n", design, inverse, design)
    left_out = np.where(free[:, None] > 1e-9, residual / np.maximum(free, 1e-9)[:, None], 0.0)
    slope = centre + _contrast(solution[:count].T)
    if len(pairs) < 2:
        return _Fit(slope, np.full_like(slope, np.nan), left_out)
    moves = -(design @ inverse)[:, :count]  # (n, K)
    moves = _contrast(moves)
    mean = np.einsum("nk,nq->qk", moves, left_out) / len(pairs)
    square = np.einsum("nk,nq->qk", moves**2, left_out**2) / len(pairs) - mean**2
    errors = np.sqrt(np.maximum(square, 0.0) * (len(pairs) - 1))
    return _Fit(slope, errors, left_out)
