"""Examples that stand in the index more than once.

Registering a work again must not earn again. Examples of equal content (by digest of their values, whatever work they are
filed under) count as one example together, and share that one equally: each of m copies enters its work's sum with 1/m of
its weight. Near-copies are another matter: they differ, so each has a gradient of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from endcredits.ids import WorkId
from endcredits.influence.records import Example


def shared_factors(examples: Sequence[Example], digests: Sequence[str]) -> list[float]:
    """What each example counts: its weight, divided by the number of its copies.

    Args:
        examples: N of them.
        digests: of their contents.
    """
    number = Counter(digests)
    return [example.weight / number[digest] for example, digest in zip(examples, digests, strict=True)]


def copies_between_works(examples: Sequence[Example], digests: Sequence[str]) -> tuple[tuple[WorkId, WorkId, int], ...]:
    """Pairs of works that hold equal examples, for the manifest: (first work, other work, examples in common), sorted.

    Within a group of copies each other work is paired with the first, so a work registered three times gives two pairs;
    a work that repeats itself is paired with itself.
    """
    first: dict[str, WorkId] = {}
    pairs: Counter[tuple[WorkId, WorkId]] = Counter()
    for example, digest in zip(examples, digests, strict=True):
        if digest in first:
            pairs[(first[digest], example.work_id)] += 1
        else:
            first[digest] = example.work_id
    return tuple((one, other, count) for (one, other), count in sorted(pairs.items()))
