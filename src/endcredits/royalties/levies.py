"""Levies of a close, by whom they are for: those on its own pools, and what adjusting closed periods changes of theirs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from endcredits.royalties.portions import levies_micros
from endcredits.royalties.records import LevyDue, PeriodClose, Total
from endcredits.royalties.rules import Levy

AMOUNTS = ("revenue_micros", "tax_micros", "operator_micros", "pools_micros", "levies_micros")
"""The amounts of a `Total`."""


def levies_of(close: PeriodClose) -> Iterator[LevyDue]:
    """Every levy of a close with what it is of each currency; none of zero. Changes of closed periods are named so."""
    yield from levies_on(close.policy.levies, own_totals(close))
    for adjusted in close.adjusted:
        for levy in adjusted.levies:
            yield replace(levy, name=f"{levy.name}, change of {adjusted.period_id}")


def levies_on(levies: Iterable[Levy], totals: Iterable[Total]) -> Iterator[LevyDue]:
    """The levies on the pools of some totals; none of zero."""
    rules = list(levies)
    for total in totals:
        for levy, micros in zip(rules, levies_micros(rules, total.pools_micros), strict=True):
            if micros:
                yield LevyDue(levy.name, levy.party_id, total.currency, levy.share_ppb, total.pools_micros, micros)


def own_totals(close: PeriodClose) -> tuple[Total, ...]:
    """The sums of a close's own usage, without adjustments of closed periods; one for each of its totals, also of zero."""
    left: Counter[tuple[str, str]] = Counter()
    for total in (total for adjusted in close.adjusted for total in adjusted.totals):
        left.update({(total.currency, name): getattr(total, name) for name in AMOUNTS})
    return tuple(
        replace(total, **{name: getattr(total, name) - left[total.currency, name] for name in AMOUNTS})
        for total in close.totals
    )


def summed(signed: Iterable[tuple[int, Iterable[Total]]]) -> tuple[Total, ...]:
    """Totals added up by currency, each with its sign; currencies that come to nothing at all are left out."""
    sums: Counter[tuple[str, str]] = Counter()
    for sign, totals in signed:
        for total in totals:
            for name in AMOUNTS:
                sums[total.currency, name] += sign * getattr(total, name)
    found = [Total(currency, *(sums[currency, name] for name in AMOUNTS)) for currency in sorted({key[0] for key in sums})]
    return tuple(total for total in found if any(getattr(total, name) for name in AMOUNTS))
