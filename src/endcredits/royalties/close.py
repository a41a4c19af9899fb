"""Closing a period: a pure function from stored integers to exact money.

Per currency:

1. the policy splits the revenue into the operator's part and the pool;
2. `weighing` sums every work's signed weight over the period;
3. a work whose sum is not positive gets nothing. This is the only clipping: a work pays for the outputs it made less
   likely with the outputs it made more likely, within a period and never beyond it;
4. the pool is divided by largest remainder over the works' weights and the commons, which holds the rest of the
   denominator: what the credits do not explain belongs to everybody and never to the operator;
5. a work's amount is divided over the splits in force on the period's last day; where nobody is known it waits in
   suspense.

A territory counts as far as a work's splits tell it apart. Weights of one work are kept per territory of its splits;
after the work's total is clipped, territories with a negative weight drop out and the others share the total in
proportion.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from endcredits.attribution import Attribution
from endcredits.canonical import INTEGER_MAX, digest
from endcredits.errors import InputError
from endcredits.ids import OutputId, PartyId, WorkId, plain_id
from endcredits.money import PPB, allocate
from endcredits.royalties.policy import policy_digest
from endcredits.royalties.records import PartyAllocation, PeriodClose, Policy, Pool, UsageEvent, WorkAllocation
from endcredits.royalties.usage import day
from endcredits.royalties.weighing import Weights, attribution_of, weigh
from endcredits.works import WORLD, Split, Work, splits_at

COMMONS = "~commons"
"""Key of the commons beside works in one allocation. No id begins with "~"; in a tie it stands after all of them."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What one work may claim of a pool in one territory.

    Attributes:
        work_id: the work.
        territory: the territory of the splits that apply.
        weight: > 0, after clipping.
        splits: who is paid; empty for suspense.
    """

    work_id: WorkId
    territory: str
    weight: int
    splits: tuple[Split, ...]

    @property
    def key(self) -> str:
        """The claim's name in an allocation; the separator stands in no id."""
        return f"{self.work_id}\x1f{self.territory}"


def close_period(
    period_id: str,
    starts_on: str,
    ends_on: str,
    events: Iterable[UsageEvent],
    attributions: Mapping[OutputId, Attribution],
    works: Mapping[WorkId, Work],
    policy: Policy,
) -> PeriodClose:
    """Computes what every work and party earned in a period.

    Args:
        period_id: such as "2026-11".
        starts_on: first day, YYYY-MM-DD, inclusive, in UTC.
        ends_on: last day, inclusive.
        events: usage events in any order; those outside the period are left out, an equal event counts once.
        attributions: by output; every output of a counted event must be there.
        works: by id; every work that earns must be there.
        policy: the rules.

    Returns:
        The close. Equal inputs give equal bytes, whatever the order of `events` and of the mappings.

    Raises:
        InputError: a bad period, an event without attribution, an earning work that is not registered, one event id
            with two contents, or more revenue than a document can hold.
    """
    plain_id(period_id, what="period_id")
    counted = events_within(events, starts_on, ends_on)
    pools, applied = [], {}
    for currency in sorted({event.currency for event in counted}):
        own = [event for event in counted if event.currency == currency]
        weights = weigh(own, attributions, policy.weighting)
        claims = claims_of(weights, works, policy.right, ends_on)
        applied.update({(claim.work_id, claim.territory): claim.splits for claim in claims})
        pools.append(_pool(currency, own, weights, claims, policy))
    return PeriodClose(
        period_id=period_id,
        starts_on=starts_on,
        ends_on=ends_on,
        policy=policy,
        policy_digest=policy_digest(policy),
        events_digest=digest(counted),
        attributions_digest=attributions_digest(counted, attributions),
        splits_digest=digest([[*place, applied[place]] for place in sorted(applied)]),
        pools=tuple(pools),
    )


def events_within(events: Iterable[UsageEvent], starts_on: str, ends_on: str) -> tuple[UsageEvent, ...]:
    """The events of a period, by event id, each once.

    Raises:
        InputError: the days are no days or stand the wrong way round, or one event id has two contents.
    """
    if day(starts_on, field="starts_on") > day(ends_on, field="ends_on"):
        raise InputError(
            f"the period ends on {ends_on}, before it starts on {starts_on}",
            remedy="Exchange the two days.",
            field="ends_on",
        )
    found: dict[str, UsageEvent] = {}
    for event in events:
        if starts_on <= event.used_at[:10] <= ends_on and found.setdefault(event.event_id, event) != event:
            raise InputError(
                f"the event '{event.event_id}' is given twice, with different content",
                remedy="Give every use its own event_id.",
                field="event_id",
            )
    return tuple(found[event_id] for event_id in sorted(found))


def attributions_digest(events: Iterable[UsageEvent], attributions: Mapping[OutputId, Attribution]) -> str:
    """SHA-256 over the digests of all attributions that the events refer to, by output id.

    Raises:
        InputError: an event without attribution.
    """
    needed = {event.output_id: attribution_of(event, attributions) for event in events}
    return digest([[output_id, digest(needed[output_id])] for output_id in sorted(needed)])


def claims_of(weights: Weights, works: Mapping[WorkId, Work], right: str, on: str) -> tuple[Claim, ...]:
    """Clips the weights at zero, once per work, and joins them to the splits in force.

    Args:
        weights: signed, per work and territory of use.
        works: by id.
        right: whose splits apply.
        on: the day on which they must be in force, YYYY-MM-DD.

    Returns:
        The positive claims, by work id and territory. A work's claims sum to its signed weight over all territories.

    Raises:
        InputError: a work with a positive weight is not registered.
    """
    by_work: dict[WorkId, Counter[str]] = defaultdict(Counter)
    for (work_id, territory), weight in weights.signed.items():
        by_work[work_id][territory] += weight
    claims: list[Claim] = []
    for work_id in sorted(by_work):
        total = sum(by_work[work_id].values())
        if total > 0:
            claims += _claims_of_work(_registered(work_id, works), by_work[work_id], total, right, on)
    return tuple(claims)


def _registered(work_id: WorkId, works: Mapping[WorkId, Work]) -> Work:
    work = works.get(work_id)
    if work is None:
        raise InputError(
            f"the work '{work_id}' earned money and is not registered",
            remedy="Register it, or attribute the outputs against the registered works.",
            field="work_id",
        )
    return work


def _claims_of_work(work: Work, weights: Mapping[str, int], total: int, right: str, on: str) -> list[Claim]:
    splits_of: dict[str, tuple[Split, ...]] = {}
    folded: Counter[str] = Counter()
    for territory, weight in weights.items():
        splits = splits_at(work, right, territory, on)
        applied = splits[0].territory if splits else WORLD
        splits_of[applied] = splits
        folded[applied] += weight
    clipped = allocate(total, {territory: max(weight, 0) for territory, weight in folded.items()})
    return [
        Claim(work.work_id, territory, clipped[territory], splits_of[territory])
        for territory in sorted(clipped)
        if clipped[territory] > 0
    ]


def divide(pool_micros: int, claims: Iterable[Claim], denominator: int) -> tuple[dict[str, int], int]:
    """Divides a pool over claims; what the claims leave of the denominator is the commons'.

    Args:
        pool_micros: the whole, >= 0.
        claims: with positive weights.
        denominator: what the weights are divided by; raised to their sum where it is smaller.

    Returns:
        The amount by `Claim.key`, and the commons' amount; together exactly the pool.
    """
    weights = {claim.key: claim.weight for claim in claims}
    rest = max(denominator - sum(weights.values()), 0)
    if rest == 0 and not weights:
        return {}, pool_micros
    amounts = allocate(pool_micros, {**weights, COMMONS: rest})
    commons = amounts.pop(COMMONS)
    return amounts, commons


def _pool(currency: str, events: Iterable[UsageEvent], weights: Weights, claims: tuple[Claim, ...], policy: Policy) -> Pool:
    counted = tuple(events)
    revenue = sum(event.revenue_micros for event in counted)
    if revenue > INTEGER_MAX:
        raise InputError(
            f"the period earned {revenue} micros of {currency}, more than a document keeps exactly",
            remedy="Close a shorter period.",
        )
    parts = allocate(revenue, {"pool": policy.pool_ppb, "operator": PPB - policy.pool_ppb})
    denominator = max(weights.denominator, sum(claim.weight for claim in claims))
    amounts, commons = divide(parts["pool"], claims, denominator)
    works = _work_allocations(weights, claims, amounts, denominator)
    parties = _party_allocations(claims, amounts)
    allocated = sum(work.amount_micros for work in works)
    return Pool(
        currency=currency,
        events=len(counted),
        revenue_micros=revenue,
        operator_micros=parts["operator"],
        pool_micros=parts["pool"],
        denominator=str(denominator),
        commons_micros=commons,
        allocated_micros=allocated,
        suspense_micros=sum(party.amount_micros for party in parties if party.party_id is None),
        rounding_carry_micros=parts["pool"] - allocated - commons,
        works=works,
        parties=parties,
    )


def _work_allocations(
    weights: Weights, claims: Iterable[Claim], amounts: Mapping[str, int], denominator: int
) -> tuple[WorkAllocation, ...]:
    signed: Counter[WorkId] = Counter()
    for (work_id, _territory), weight in weights.signed.items():
        signed[work_id] += weight
    earned: Counter[WorkId] = Counter()
    for claim in claims:
        earned[claim.work_id] += amounts[claim.key]
    return tuple(
        WorkAllocation(
            work_id=work_id,
            outputs=weights.outputs[work_id],
            weight=str(signed[work_id]),
            share_ppb=max(signed[work_id], 0) * PPB // max(denominator, 1),
            amount_micros=earned[work_id],
        )
        for work_id in sorted(weights.outputs)
    )


def _party_allocations(claims: Iterable[Claim], amounts: Mapping[str, int]) -> tuple[PartyAllocation, ...]:
    lines: list[PartyAllocation] = []
    for claim in claims:
        portions: Counter[str] = Counter()
        for split in claim.splits:
            portions[split.party_id] += split.split_ppb
        if not portions:
            lines.append(PartyAllocation(claim.work_id, None, claim.territory, PPB, amounts[claim.key]))
        for party, amount in allocate(amounts[claim.key], portions).items() if portions else ():
            lines.append(PartyAllocation(claim.work_id, PartyId(party), claim.territory, portions[party], amount))
    lines = [line for line in lines if line.amount_micros]
    return tuple(sorted(lines, key=lambda line: (line.work_id, line.party_id or "", line.territory)))
