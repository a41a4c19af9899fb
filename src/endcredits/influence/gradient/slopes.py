"""Was this work really read, and how far did it move the model? The works' own examples say so, without retraining.

An index holds whatever it is given: also works that the run never read. Their gradients look like anybody's, and an
influence function answers "if it had been trained on", so it would pay them. But every work brings its own test: on its own
examples the measured log-ratio T must contain its own credit, which is large there because a work moves nothing so much as
itself. A work that was never read has that predicted credit and no measured gain.

So the measured log-ratios of a few examples of every work are regressed on all works' credits for them,

    T_i = sum over works of slope_w * credit_iw + noise,    slope_w ~ normal(1, PRIOR), noise in proportion to the credits,

in one joint fit, so that works that share a style, or pieces of one work, divide what they explain. On the public truth
panel read works get slopes of .7 to 1.1 and works that were never read at most .25, where no other quantity of an index told
them apart.

Whether a work was read is decided by its *evidence*: by how many nats its own examples are likelier at slope 0 than at
slope 1, all other slopes as fitted. Only works that move their own examples much more than others do are asked; where works
cannot be told apart by their examples, all count as read. A work that looks unread keeps its fitted slope, next to nothing;
every other keeps a slope of exactly 1: a slope of its own would follow the accidents of sixteen examples, and a work cut in
pieces would draw anew (measured: shares moved by a third).

What it gives up: a work whose content the model learnt elsewhere (a copy in base's diet, a near-copy among the works) looks
unread too, and of a work of a few examples little can be said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

PRIOR = 0.3
"""Standard deviation of slopes before anything is measured."""
LEAST_NOISE = 0.2
"""Least proportion of noise: credits of one example are never believed to be truer than that."""
ROUNDS = 4
"""Fits, each with the noise that the one before left over."""
LARGEST = 2.0
"""No slope is larger."""
DOMINANCE = 3.0
"""A work is asked when its credits on its own examples are this many times those of the average other work."""
UNREAD_FROM_NATS = 10.0
"""Evidence from which a work counts as never read: about 20,000 to 1, because many works are asked."""


@dataclass(frozen=True, slots=True)
class Slopes:
    """What the works' own examples say of them.

    Attributes:
        slopes: ``[W]`` float64 in [0, LARGEST], as fitted; exactly 1 for works that cannot be asked.
        evidence_nats: ``[W]`` that a work was never read; 0 for works that cannot be asked.
    """

    slopes: Tensor
    evidence_nats: Tensor

    @property
    def read(self) -> Tensor:
        """``[W]`` bool; all when none would be left, for then the test itself failed."""
        counted = self.evidence_nats < UNREAD_FROM_NATS
        return counted if bool(counted.any()) else torch.ones_like(counted)

    @property
    def factors(self) -> Tensor:
        """``[W]`` what credits are multiplied by: 1 for works that were read, the slope for the others."""
        return torch.where(self.read, 1.0, self.slopes)


def fit_slopes(credits: Tensor, log_ratios_nats: Tensor, owners: Sequence[int]) -> Slopes:
    """The mean of the slopes' posterior (ridge regression towards 1, in dual form), and the evidence against each work.

    The noise of an example is taken to be proportional to the sum of its absolute credits (at least to the median of that
    sum), and its proportion is estimated by the median absolute residual. The cost is that of the examples' number cubed,
    never of the works'.

    Args:
        credits: ``[n, W]`` of n examples in nats.
        log_ratios_nats: ``[n]`` measured.
        owners: ``[n]`` the column of the work that each example is of.
    """
    credits = credits.double()
    asked = _asked(credits.abs(), owners)
    known = credits * asked
    gap = log_ratios_nats.double() - credits.sum(1)
    size = credits.abs().sum(1)
    size = size.clamp(min=max(float(size.median()), 1e-9))
    kernel, left, change = PRIOR**2 * known @ known.T, gap, torch.zeros(credits.shape[1], dtype=torch.float64)
    noise = size
    for _ in range(ROUNDS):
        noise = max(float((left.abs() / size).median()) * 1.4826, LEAST_NOISE) * size  # a normal's deviation from its median
        change = PRIOR**2 * known.T @ torch.linalg.solve(kernel + torch.diag(noise.square()), gap)
        left = gap - known @ change
    at_one = left[:, None] + known * change  # (n, W): what is left when only this work's slope is 1
    evidence = ((at_one / noise[:, None]).square() - ((at_one + known) / noise[:, None]).square()).sum(0) / 2
    return Slopes((1 + change).clamp(0, LARGEST), evidence)


def _asked(sizes: Tensor, owners: Sequence[int]) -> Tensor:
    """Which works move their own examples enough to be asked: ``[W]`` 0 or 1."""
    works = sizes.shape[1]
    own = torch.zeros(len(owners), works, dtype=torch.bool)
    own[torch.arange(len(owners)), torch.tensor(owners)] = True
    mine = (sizes * own).sum(0) / own.sum(0).clamp(min=1)
    others = (sizes * ~own).sum(1) / max(1, works - 1)  # (n,): the average other work on each example
    theirs = (own.double() * others[:, None]).sum(0) / own.sum(0).clamp(min=1)
    return ((mine > DOMINANCE * theirs) & own.any(0)).double()


FEWEST = 4
"""A work of fewer examples is not asked: its answer would say more of the example than of the work."""


def own_examples(counts: list[int], per_work: int, at_most: int) -> list[int]:
    """Numbers of the examples that are asked, evenly spread over each work, when works stand one after the other.

    Args:
        counts: examples of each work.
        per_work: of each, at most.
        at_most: in all; with more works than that, evenly spread works are asked.
    """
    chosen, start = [], 0
    for count in counts:
        number = min(per_work, count) if count >= FEWEST else 0
        chosen += [start + place * count // number for place in range(number)]
        start += count
    if len(chosen) <= at_most:
        return chosen
    return [chosen[place * len(chosen) // at_most] for place in range(at_most)]
