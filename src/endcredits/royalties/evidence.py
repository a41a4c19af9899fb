"""What a rule's credits show over the whole period, beyond a single pool: significance and how often works were used.

Both are counted over all pools of a rule together, late usage and refunds included, because a cluster that is noise in the
period is noise in each of its pools, and because usage must not fall under a threshold by being told apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from endcredits.royalties.frozen_rows import FrozenRows
from endcredits.royalties.laying import Laid
from endcredits.royalties.significance import significant
from endcredits.royalties.weighing import credits_somebody, is_believed


def significant_clusters(pools: Iterable[Laid], rows: FrozenRows, reliability_min_ppb: int, rate_ppb: int) -> set[int]:
    """The clusters whose credit is significant over pools.

    Args:
        pools: of one rule and currency.
        rows: the frozen period.
        reliability_min_ppb: outputs less reliable are not counted.
        rate_ppb: the false discovery rate.
    """
    uses: Counter[int] = Counter()
    for pool in pools:
        for event in pool.money:
            uses[rows.events[event]["output"]] += rows.events[event]["uses"]
    credits: Counter[int] = Counter()
    variances: Counter[int] = Counter()
    for output, times in uses.items():
        if credits_somebody(rows, output) and is_believed(rows, output, reliability_min_ppb):
            for credit in rows.credits_of.get(output, ()):
                cluster = rows.works[credit["work"]]["cluster"]
                credits[cluster] += times * credit["credit_nanonats"]
                variances[cluster] += (times * credit["error_nanonats"]) ** 2
    return significant(credits, variances, rate_ppb)


def uses_of_clusters(pools: Iterable[Laid], rows: FrozenRows, by: str, reliability_min_ppb: int) -> Counter[int]:
    """How often each cluster was used: uses of events that credit one of its works positively, or declare it.

    Args:
        pools: of one rule.
        rows: the frozen period.
        by: of the part; "declared" counts declarations, everything else credits.
        reliability_min_ppb: outputs less reliable are not counted.
    """
    uses: Counter[int] = Counter()
    for pool in pools:
        for event in pool.money:
            row = rows.events[event]
            works: Iterable[int] = rows.declared_of.get(event, ())
            if by != "declared":
                believed = is_believed(rows, row["output"], reliability_min_ppb) and credits_somebody(rows, row["output"])
                credits = rows.credits_of.get(row["output"], ()) if believed else ()
                works = [credit["work"] for credit in credits if credit["share_ppb"] > 0]
            for cluster in {rows.works[work]["cluster"] for work in works}:
                uses[cluster] += row["uses"]
    return uses
