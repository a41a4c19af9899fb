"""Copies take no more of an output than their original would have taken alone.

A model that read a work and twenty copies of it gives each of them a credit, and their sum is several times what the work
alone would have got, at the cost of everybody else. Clipping and paying a cluster once does not change that sum. So before
credits become money, each output's credits are brought to a world without the copies.

In a cluster of m works with together `total` of the output's log-ratio T, one of them has `kept`: the credit of its first
registered member here, or the mean over its members where that is larger. Without the others, it would have stood against
T - total alone, so the cluster is given kept T / (kept + T - total), and what its copies took beyond goes back to all other
works, and to what no work is credited for, in proportion. For credits that divide an output in proportion to weights this
undoes copying exactly: with a for the work and R for all else, m exact copies take m a / (m a + R), and a / (a + R) is left.

Where copies took nearly all of an output, T - total is mostly measuring error, m copies' errors together, and so is what is
left to them; it is never more than they had. On average it is less than the original would have got: twenty copies cost
their own owner, and also an owner whose work somebody else copied, money that `benchmarks.manipulation` states.

For measured influence it is an approximation: a work that was read twenty times did move the model more than one that was
read once, and this gives up paying for the repetition, on purpose. The mean keeps a cluster from losing what it earned where
its first member was itself never read; the first member keeps others from lowering its credit by registering weak copies of
it; and a total against the output is treated alike, or noise around zero would no longer cancel over a period.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import replace

from endcredits.attribution import Attribution
from endcredits.ids import WorkId
from endcredits.royalties.shares import toward_zero


def without_copies(
    attribution: Attribution, cluster_of: Mapping[WorkId, Hashable], registered_at: Mapping[WorkId, str]
) -> Attribution:
    """An attribution as money sees it: credits brought to a world without the copies, their errors in the same proportion.

    Args:
        attribution: of an output; it is returned as it is where it credits no two works of a cluster, or owes nothing.
        cluster_of: the cluster of works that have duplicates.
        registered_at: UTC time, by work.
    """
    credits = {line.work_id: line.credit_nanonats for line in attribution.lines}
    together = Counter(cluster_of[work] for work, credit in credits.items() if credit and work in cluster_of)
    if attribution.log_ratio_nanonats <= 0 or max(together.values(), default=0) < 2:
        return attribution
    found = shared_without_copies(credits, attribution.log_ratio_nanonats, cluster_of, registered_at)
    lines = tuple(
        replace(
            line,
            credit_nanonats=found[line.work_id],
            error_nanonats=line.error_nanonats * abs(found[line.work_id]) // max(abs(line.credit_nanonats), 1),
        )
        for line in attribution.lines
    )
    return replace(attribution, lines=lines)


def shared_without_copies(
    credits: Mapping[WorkId, int],
    log_ratio: int,
    cluster_of: Mapping[WorkId, Hashable],
    registered_at: Mapping[WorkId, str],
) -> dict[WorkId, int]:
    """The credits that an output would have given had every cluster been one work.

    >>> a, copy, other = WorkId("a"), WorkId("copy"), WorkId("other")
    >>> shared_without_copies({a: 40, copy: 40, other: 20}, 100, {a: 1, copy: 1}, {a: "2026-01-01", copy: "2026-02-01"})
    {'a': 33, 'copy': 33, 'other': 34}

    Args:
        credits: signed nano-nats by work.
        log_ratio: measured, in nano-nats, > 0.
        cluster_of: the cluster of works that have duplicates; works that are left out stand alone.
        registered_at: UTC time, by work; works left out come last.

    Returns:
        Signed nano-nats for the same works, none with another sign. Their positive ones sum to at most those of `credits`.
    """
    families: dict[Hashable, list[WorkId]] = defaultdict(list)
    for work in credits:
        if work in cluster_of:
            families[cluster_of[work]].append(work)
    copied: list[tuple[list[WorkId], int, int]] = []
    for members in families.values():
        total = sum(credits[work] for work in members)
        first = min(members, key=lambda work: (registered_at.get(work, "~"), work))
        side = 1 if total > 0 else -1
        kept = side * max(side * credits[first], abs(total) // len(members))
        if abs(kept) < abs(total):
            copied.append((members, total, kept))
    # What is no cluster's, told by difference: the small credits of all others are mostly noise one by one. Sizes and not
    # signed sums, so that noise is treated alike on both sides of zero.
    rest = max(log_ratio - sum(abs(total) for _, total, _ in copied), 0)
    alone = rest + sum(abs(kept) for _, _, kept in copied)
    found, left = dict(credits), 0
    for members, total, kept in copied:
        given = min(abs(kept) * log_ratio // max(alone, 1), abs(total))
        left += max(total, 0) - (given if total > 0 else 0)
        found.update({work: toward_zero(credits[work] * given, abs(total)) for work in members})
    inside = {work for members, _, _ in copied for work in members}
    others = {work: credit for work, credit in credits.items() if credit > 0 and work not in inside}
    # The part that no work was credited for gets its portion of what is left, too.
    together = max(sum(others.values()), rest)
    return found | {work: credit + credit * left // together for work, credit in others.items()}
