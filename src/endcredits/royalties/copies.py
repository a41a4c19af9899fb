"""Copies take no more of an output than their original would have taken alone.

A model that read a work and twenty copies of it gives each of them a credit, and their sum is several times what the work
alone would have got, at the cost of everybody else. Clipping and paying a cluster once does not change that sum. So before
credits become money, each output's credits are brought to a world without the copies: a cluster keeps what one of it would
have, the credit of its first registered member here or the mean over its members where that is larger, and what its copies
took beyond goes back to all credited works in proportion.

For credits that divide an output in proportion to the works' weights this undoes copying exactly, whoever owns the copies:
with weights a for the work and R for all others, m exact copies take m a / (m a + R) of the output, and what is left to the
cluster is a / (a + R). For measured influence it is an approximation: a work that was read twenty times did move the model
more than one that was read once. It gives up paying for that repetition, on purpose; a licence that pays by repetition
registers one work. The mean keeps a cluster from losing what it earned where its first member was itself never read, and
the first member keeps others from lowering its credit by registering weak copies of it.
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
        attribution: of an output; it is returned as it is where it credits no two works of a cluster.
        cluster_of: the cluster of works that have duplicates.
        registered_at: UTC time, by work.
    """
    credits = {line.work_id: line.credit_nanonats for line in attribution.lines}
    together = Counter(cluster_of[work] for work, credit in credits.items() if credit and work in cluster_of)
    if max(together.values(), default=0) < 2:
        return attribution
    found = shared_without_copies(credits, cluster_of, registered_at)
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
    credits: Mapping[WorkId, int], cluster_of: Mapping[WorkId, Hashable], registered_at: Mapping[WorkId, str]
) -> dict[WorkId, int]:
    """The credits that an output would have given had every cluster been one work.

    >>> a, copy, other = WorkId("a"), WorkId("copy"), WorkId("other")
    >>> shared_without_copies({a: 40, copy: 40, other: 20}, {a: 1, copy: 1}, {a: "2026-01-01", copy: "2026-02-01"})
    {'a': 33, 'copy': 33, 'other': 33}

    Args:
        credits: signed nano-nats by work.
        cluster_of: the cluster of works that have duplicates; works that are left out stand alone.
        registered_at: UTC time, by work; works left out come last.

    Returns:
        Signed nano-nats for the same works. Their sum is that of `credits`, but for up to two nano-nats a work, which
        rounding toward zero leaves, and unless nothing credits the output at all.
    """
    families: dict[Hashable, list[WorkId]] = defaultdict(list)
    for work in credits:
        if work in cluster_of:
            families[cluster_of[work]].append(work)
    found = dict(credits)
    for members in families.values():
        total = sum(credits[work] for work in members)
        first = min(members, key=lambda work: (registered_at.get(work, "~"), work))
        side = 1 if total > 0 else -1
        # The same for credits against an output, or noise around zero would no longer cancel over a period.
        kept = side * max(side * credits[first], abs(total) // len(members))
        if abs(kept) < abs(total):
            found.update({work: toward_zero(credits[work] * kept, total) for work in members})
    freed = sum(credits.values()) - sum(found.values())
    positive = sum(max(credit, 0) for credit in found.values())
    if not freed or not positive:
        return found
    return {work: credit + toward_zero(max(credit, 0) * max(freed, -positive), positive) for work, credit in found.items()}
