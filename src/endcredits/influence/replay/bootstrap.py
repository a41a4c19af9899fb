"""Errors of an estimator by drawing its pairs again: slower than the jackknife of `shapley`, and free of its formula.

It says how much the draw of coalitions matters, and nothing of the noise of single runs, which repeats show.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from endcredits.influence.replay.games import Game, complement_pairs, whole_sizes


def bootstrap_errors(
    game: Game, estimate: Callable[[np.ndarray], np.ndarray], *, draws: int = 200, seed: int = 0
) -> np.ndarray:
    """Standard errors ``[Q, K]`` of an estimator under another draw of the same number of pairs.

    Args:
        game: the runs.
        estimate: from a count per drawn pair to credits ``[Q, K]``, as `lambda counts: kernel_shap(game, counts=counts)`.
            Sizes that were run whole must keep their count of 1; `drawn_counts` sees to it.
        draws: how many times.
        seed: of the draws.
    """
    generator = np.random.default_rng(seed)
    found = [estimate(drawn_counts(game, generator)) for _ in range(draws)]
    return np.asarray(np.std(found, axis=0, ddof=1))


def drawn_counts(game: Game, generator: np.random.Generator) -> np.ndarray:
    """How often each pair counts in one bootstrap draw: ``[n]``, 1 for pairs of sizes that were run whole."""
    pairs = complement_pairs(game.masks)
    whole = set(whole_sizes(game.masks))
    drawn = np.flatnonzero([int(game.masks[first].sum()) not in whole for first, _ in pairs])
    counts = np.ones(len(pairs))
    if len(drawn):
        counts[drawn] = np.bincount(generator.integers(len(drawn), size=len(drawn)), minlength=len(drawn))
    return counts
