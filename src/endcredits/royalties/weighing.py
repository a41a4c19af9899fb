"""From credits to weights: how much each work counts in one pool, and what the weights are divided by.

*revenue*: every output divides what it earned by its own credits. An event's whole is the largest of its measured
log-ratio, the sum of its positive credits and that of its negative ones; a work's weight is revenue * credit / whole,
counted in micros * ppb, and the event adds revenue * 1,000,000,000 to the denominator. So no event gives or takes more
than it earned, and what the credits leave of it belongs to the commons.

*nats*: credits are summed as they are, whatever each output earned, and divided by the sum of the log-ratios, or by the
sum of the works' positive credits where that is larger. All of it counts for the part of the revenue that outputs with a
positive log-ratio earned: weights are multiplied by that part and the denominator by all revenue (nano-nats * micros), so
that the rest of the pool is the commons'.

An output whose log-ratio is not positive was made no likelier by the works: it owes them nothing, as its receipt says
(all of it unattributed), takes nothing from them, and what it earned for the pool is the commons'.

Weights are signed and summed over the whole period; clipping at zero comes afterwards, once per work. Every step is
integer arithmetic on one event at a time, and sums do not care for order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from endcredits.attribution import Attribution, whole_nanonats
from endcredits.errors import InputError
from endcredits.ids import OutputId, WorkId
from endcredits.money import PPB
from endcredits.royalties.records import UsageEvent


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of one pool.

    Attributes:
        signed: weight by (work, territory of use), positive or negative.
        outputs: usage events that credited a work, by work.
        denominator: sum of what the events add to it, >= 0.
    """

    signed: dict[tuple[WorkId, str], int]
    outputs: dict[WorkId, int]
    denominator: int


def toward_zero(numerator: int, denominator: int) -> int:
    """Quotient of integers, cut off toward zero, so that a credit and its negative weigh the same.

    >>> toward_zero(7, 2), toward_zero(-7, 2)
    (3, -3)
    """
    quotient = abs(numerator) // denominator
    return quotient if numerator >= 0 else -quotient


def event_whole_nanonats(attribution: Attribution) -> int:
    """What an output's credits are divided by in its money: the same whole as on its receipt."""
    return whole_nanonats((line.credit_nanonats for line in attribution.lines), attribution.log_ratio_nanonats)


def is_unattributed(attribution: Attribution) -> bool:
    """Whether the works made an output no likelier, so that it owes them nothing; its receipt says the same."""
    return attribution.log_ratio_nanonats <= 0


def weigh(events: Iterable[UsageEvent], attributions: Mapping[OutputId, Attribution], weighting: str) -> Weights:
    """Sums the signed weights of events in one currency.

    Args:
        events: of one pool.
        attributions: of every output they name.
        weighting: "revenue" (unit: micros * ppb) or "nats" (unit: nano-nats * micros).

    Raises:
        InputError: an event names an output without attribution, or the weighting is not one of ours.
    """
    if weighting not in ("revenue", "nats"):
        raise InputError(f"'{weighting}' is not a weighting", remedy='Write "revenue" or "nats".', field="weighting")
    by_revenue = weighting == "revenue"
    signed: Counter[tuple[WorkId, str]] = Counter()
    outputs: Counter[WorkId] = Counter()
    denominator = revenue_micros = attributed_micros = 0
    for event in events:
        attribution = attribution_of(event, attributions)
        revenue_micros += event.revenue_micros
        denominator += event.revenue_micros * PPB if by_revenue else max(attribution.log_ratio_nanonats, 0)
        if is_unattributed(attribution):
            continue
        attributed_micros += event.revenue_micros
        factor, whole = (event.revenue_micros * PPB, event_whole_nanonats(attribution)) if by_revenue else (1, 1)
        for line in attribution.lines:
            if line.credit_nanonats:
                signed[line.work_id, event.territory] += toward_zero(factor * line.credit_nanonats, whole)
                outputs[line.work_id] += 1
    if by_revenue:
        return Weights(dict(signed), dict(outputs), denominator)
    of_revenue = {place: weight * attributed_micros for place, weight in signed.items()}
    return Weights(of_revenue, dict(outputs), max(denominator, _positive(signed)) * revenue_micros)


def _positive(signed: Mapping[tuple[WorkId, str], int]) -> int:
    """The sum of the works' weights, each work over all territories and none of them below zero."""
    by_work: Counter[WorkId] = Counter()
    for (work_id, _territory), weight in signed.items():
        by_work[work_id] += weight
    return sum(max(weight, 0) for weight in by_work.values())


def attribution_of(event: UsageEvent, attributions: Mapping[OutputId, Attribution]) -> Attribution:
    """The attribution of an event's output.

    Raises:
        InputError: there is none.
    """
    attribution = attributions.get(event.output_id)
    if attribution is None:
        raise InputError(
            f"the usage event '{event.event_id}' names the output '{event.output_id}', which has no attribution",
            remedy="Attribute the output first, or record the use under the output that was meant.",
            field="output_id",
        )
    return attribution
