"""What coalition runs said about outputs, and the Shapley value by its definition.

v(S) is an output's log-likelihood under the model trained on coalition S. Letters: M coalitions, K catalogues, Q outputs,
n complement pairs. Arrays are float64, in nats.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from endcredits.errors import InputError


@dataclass(frozen=True, slots=True)
class Game:
    """What the runs said about Q outputs.

    Attributes:
        masks: the coalitions ``[M, K]`` bool, none of them empty or full, none twice.
        values: log-likelihoods ``[M, Q]``.
        base: ``[Q]`` under the run of nobody.
        full: ``[Q]`` under the run of everybody.
        weights: the Shapley kernel's mass that each coalition stands for, ``[M]``; None for equal.
    """

    masks: np.ndarray
    values: np.ndarray
    base: np.ndarray
    full: np.ndarray
    weights: np.ndarray | None = None

    @property
    def log_ratio(self) -> np.ndarray:
        """T, ``[Q]``."""
        return np.asarray(self.full - self.base)

    def of(self, outputs: np.ndarray) -> Game:
        """The same runs for some of the outputs (indices or bool)."""
        return Game(self.masks, self.values[:, outputs], self.base[outputs], self.full[outputs], self.weights)

    def runs(self, chosen: np.ndarray) -> Game:
        """Some of the runs for the same outputs."""
        weights = None if self.weights is None else self.weights[chosen]
        return Game(self.masks[chosen], self.values[chosen], self.base, self.full, weights)

    def summed(self) -> Game:
        """The statement over all outputs as one output: values are added, and so are its credits."""
        values, base, full = (part.sum(-1, keepdims=True) for part in (self.values, self.base, self.full))
        return Game(self.masks, values, base, full, self.weights)


def complement_pairs(masks: np.ndarray) -> np.ndarray:
    """Rows of coalitions whose complement is there too, ``[n, 2]``, each pair once, in the order of the first of the two."""
    place = {row.tobytes(): number for number, row in enumerate(np.ascontiguousarray(masks, dtype=bool))}
    if len(place) != len(masks):
        raise InputError("a coalition stands in the table twice", remedy="Keep one of its runs.", field="masks")
    other = [place.get((~row).tobytes(), -1) for row in np.ascontiguousarray(masks, dtype=bool)]
    return np.array([(a, b) for a, b in enumerate(other) if b > a], dtype=int).reshape(-1, 2)


def leave_one_out(game: Game) -> np.ndarray:
    """What each output loses without each catalogue, ``[Q, K]``; NaN for catalogues whose run is not in the table."""
    found = np.full((game.values.shape[1], game.masks.shape[1]), np.nan)
    for row, value in zip(game.masks, game.values, strict=True):
        if row.sum() == len(row) - 1:
            found[:, int(np.argmin(row))] = game.full - value
    return found


def brute_force(game: Game) -> np.ndarray:
    """The Shapley value by its definition, over all coalitions: ``[Q, K]``, the slow twin of the estimators.

    Raises:
        InputError: a coalition is missing.
    """
    count = game.masks.shape[1]
    value = {tuple(row): v for row, v in zip(game.masks.tolist(), game.values, strict=True)}
    value[(False,) * count], value[(True,) * count] = game.base, game.full
    if len(value) != 2**count:
        raise InputError(f"{2**count - len(value)} coalitions are missing", field="masks")
    credits = np.zeros((len(game.base), count))
    for k in range(count):
        others = [j for j in range(count) if j != k]
        for size in range(count):
            for members in combinations(others, size):
                without = tuple(j in members for j in range(count))
                gain = value[tuple(j in members or j == k for j in range(count))] - value[without]
                credits[:, k] += gain / (count * math.comb(count - 1, size))
    return credits


def whole_sizes(masks: np.ndarray) -> list[int]:
    """Sizes of which every coalition is among the masks."""
    count = masks.shape[1]
    sizes, runs = np.unique(masks.sum(1), return_counts=True)
    return [int(size) for size, found in zip(sizes, runs, strict=True) if found == math.comb(count, int(size))]
