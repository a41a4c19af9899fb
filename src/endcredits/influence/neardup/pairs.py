"""Which works resemble each other: candidates by MinHash, then their resemblance exactly.

Comparing all pairs would cost the square of the works. MinHash (Broder 1997) keeps, for each of many scramblings, the
smallest shingle of a work; two works agree in one with a probability equal to their resemblance. Bands of `ROWS` minima are
hashed to buckets (locality-sensitive hashing; Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", 3.4), and whoever
shares a bucket is compared exactly. A pair of resemblance r is missed with probability (1 - r**ROWS)**BANDS: 0.4 % at one
half, one in 10**10 at 0.75. That is all this approximates; a pair that is returned resembles as stated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from endcredits.ids import WorkId
from endcredits.influence.neardup.shingles import mixed, shingles
from endcredits.money import PPB

BANDS, ROWS = 42, 3
RESEMBLANCE_MIN_PPB = PPB // 2
"""From half of all shingles in common two works count as the same work."""

_AT_ONCE = 9
_SEEDS = mixed(np.arange(1, BANDS * ROWS + 1, dtype=np.uint64))

Shingles = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    """Two works that resemble each other.

    Attributes:
        first: the one with the smaller id.
        second: the other.
        resemblance_ppb: shingles that both hold over shingles that either holds.
        containment_ppb: shingles that both hold over those of the smaller work.
    """

    first: WorkId
    second: WorkId
    resemblance_ppb: int
    containment_ppb: int


def near_pairs(texts: Mapping[WorkId, bytes], resemblance_min_ppb: int = RESEMBLANCE_MIN_PPB) -> tuple[Pair, ...]:
    """The pairs of works that resemble each other, by ids.

    Args:
        texts: UTF-8 by work; a work without letters or digits resembles nothing.
        resemblance_min_ppb: from which on a pair is told.
    """
    sets = {work: found for work, text in sorted(texts.items()) if (found := shingles(text)).size}
    pairs = (compared(one, other, sets) for one, other in _candidates(sets))
    return tuple(sorted(pair for pair in pairs if pair.resemblance_ppb >= resemblance_min_ppb))


def compared(first: WorkId, second: WorkId, sets: Mapping[WorkId, Shingles]) -> Pair:
    """The exact resemblance of two works."""
    mine, others = sets[first], sets[second]
    common = np.intersect1d(mine, others, assume_unique=True).size
    either = mine.size + others.size - common
    return Pair(first, second, common * PPB // either, common * PPB // min(mine.size, others.size))


def _candidates(sets: Mapping[WorkId, Shingles]) -> Iterable[tuple[WorkId, WorkId]]:
    buckets: dict[tuple[int, bytes], list[WorkId]] = defaultdict(list)
    for work, found in sets.items():
        for band, row in enumerate(_minima(found).reshape(BANDS, ROWS)):
            buckets[band, row.tobytes()].append(work)
    return sorted({pair for works in buckets.values() for pair in combinations(works, 2)})


def _minima(found: Shingles) -> npt.NDArray[np.uint64]:
    # Nine scramblings at a time: one by one, calls cost more than sums for a short text; all at once, a long one leaves
    # the processor's cache.
    several = (mixed(found ^ _SEEDS[at : at + _AT_ONCE, None]).min(axis=1) for at in range(0, _SEEDS.size, _AT_ONCE))
    return np.concatenate(list(several)).astype("<u8")


def clusters(work_ids: Iterable[WorkId], pairs: Iterable[tuple[WorkId, WorkId]]) -> dict[WorkId, WorkId]:
    """The cluster of every work, named after its smallest id: works joined by pairs, directly or through others.

    >>> clusters([WorkId("a"), WorkId("b"), WorkId("c")], [(WorkId("b"), WorkId("c"))])
    {'a': 'a', 'b': 'b', 'c': 'b'}
    """
    leader = {work: work for work in work_ids}

    def head(work: WorkId) -> WorkId:
        while leader[work] != work:
            leader[work] = leader[leader[work]]
            work = leader[work]
        return work

    for one, other in pairs:
        low, high = sorted((head(one), head(other)))
        leader[high] = low
    return {work: head(work) for work in sorted(leader)}
