"""Adjusting a closed period: what it gives now, less what was booked of it, as pools and lines of a later close.

When usage or refunds of a closed period arrive, the period is divided again by its own rules with everything that is known
by now. Nobody can be asked to pay back what is paid, and no statement is written again; so the later close books the
*difference*. Where A is what came out now and B the sum of what was booked before,

    pool of the difference = pool in A - pool in B, part by part, for pools of one rule and one key
    line of the difference = line in A - line in B, for one work, party, territory and state

and so for work lines, totals and levies. Everything in A and B adds up to the unit, and so does the difference: refunds take
back from everybody what they had got of them, and late usage pays what it would have paid. Adjusting twice sums to
adjusting once with both, since the second A holds the rows of the first and the second B its result.

The weight and the share of a work line are those in A; its counts and amounts are differences. A line of nothing is left
out. So is a pool in which nothing changed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from endcredits.ids import PartyId, WorkId
from endcredits.royalties.adjustments import Adjustment, Term
from endcredits.royalties.levies import AMOUNTS, levies_on, own_totals, summed
from endcredits.royalties.line_sums import Key, line_sums, lines_of
from endcredits.royalties.lines import line_key, read_lines, read_work_lines, work_line_key
from endcredits.royalties.portions import check_amounts
from endcredits.royalties.records import (
    ADJUSTED,
    KINDS,
    Adjusted,
    LevyDue,
    Line,
    PartSum,
    PeriodClose,
    Pool,
    Total,
    WorkLine,
)
from endcredits.royalties.rules import Policy, PoolRule

COUNTS = ("events", "uses", "revenue_micros", "source_micros", "pool_micros", "breakage_micros", "rest_micros")
PART_AMOUNTS = ("amount_micros", "allocated_micros", "suspense_micros", "disputed_micros", "commons_micros")

Place = tuple[int, int]
"""Numbers of a term and of a pool of its close."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The differences of one adjustment before its lines are known.

    Attributes:
        pools: every pool of any term, in order; also those in which nothing changed.
        place_of: the number among them of each term's own pools.
        moved: the numbers of those whose sums changed.
    """

    pools: tuple[Pool, ...]
    place_of: Mapping[Place, int]
    moved: frozenset[int]


def adjusted_of(one: Adjustment) -> Adjusted:
    """What a close states of an adjustment, beside its pools and lines."""
    again = one.terms[0].close
    levies: Counter[tuple[str, str, str, int]] = Counter()
    bases: Counter[tuple[str, str, str, int]] = Counter()
    for term in one.terms:
        for levy in levies_on(term.close.policy.levies, own_totals(term.close)):
            key = levy.name, levy.party_id, levy.currency, levy.share_ppb
            levies[key] += term.sign * levy.amount_micros
            bases[key] += term.sign * levy.base_micros
    policies: dict[str, Policy] = {}
    for term in one.terms:
        policies.setdefault(term.close.policy_digest, term.close.policy)
    return Adjusted(
        period_id=again.period_id,
        starts_on=again.starts_on,
        ends_on=again.ends_on,
        version=one.version,
        again_digest=one.terms[0].close_digest,
        booked=tuple((-term.sign, term.close_digest) for term in one.terms[1:]),
        policies=tuple(policies.values()),
        totals=summed((term.sign, own_totals(term.close)) for term in one.terms),
        levies=tuple(LevyDue(*key, bases[key], levies[key]) for key in sorted(levies) if levies[key]),
    )


def changes_of(one: Adjustment) -> Changes:
    """The pools of an adjustment."""
    placed: defaultdict[tuple[Any, ...], list[tuple[Place, Pool]]] = defaultdict(list)
    for number, term in enumerate(one.terms):
        for at, pool in enumerate(term.close.pools):
            if pool.kind == KINDS[0]:
                placed[_key(term.close.policy, pool)].append(((number, at), pool))
    ordered = sorted(placed)
    pools = tuple(_difference(one.terms, placed[key]) for key in ordered)
    place_of = {place: number for number, key in enumerate(ordered) for place, _ in placed[key]}
    return Changes(pools, place_of, frozenset(number for number, pool in enumerate(pools) if any(_amounts(pool))))


def _key(policy: Policy, pool: Pool) -> tuple[Any, ...]:
    """What tells pools of a difference apart: the rule with the ways in which its parts are divided, and the pool's key."""
    parts = tuple((part.name, part.by, part.right, part.party_id) for part in rule_named(policy, pool.rule).parts)
    return pool.rule, pool.service, pool.territory, pool.offer, pool.earned_currency, pool.currency, pool.rate, parts


def rule_named(policy: Policy, name: str) -> PoolRule:
    """A rule of a policy."""
    return next(rule for rule in policy.pools if rule.name == name)


def _difference(terms: Sequence[Term], placed: Sequence[tuple[Place, Pool]]) -> Pool:
    """One pool of the difference; its parts keep the denominators of the close that came out now."""
    (number, _), first = placed[0]
    signed = [(terms[term].sign, pool) for (term, _), pool in placed]
    parts = tuple(
        PartSum(
            name=part.name,
            denominator=part.denominator if number == 0 else "0",
            **{name: sum(sign * getattr(pool.parts[at], name) for sign, pool in signed) for name in PART_AMOUNTS},
        )
        for at, part in enumerate(first.parts)
    )
    sums = {name: sum(sign * getattr(pool, name) for sign, pool in signed) for name in COUNTS}
    return replace(first, kind=ADJUSTED, usage_period=terms[0].close.period_id, parts=parts, **sums)


def _amounts(pool: Pool) -> Iterator[int]:
    yield from (getattr(pool, name) for name in COUNTS)
    for part in pool.parts:
        yield from (getattr(part, name) for name in PART_AMOUNTS)


def numbered(changes: Changes, with_lines: Iterable[int], first: int) -> dict[int, int]:
    """The numbers in the close of those pools in which something changed.

    Args:
        changes: of an adjustment.
        with_lines: the pools of which lines changed.
        first: number of the first one.
    """
    return {number: first + at for at, number in enumerate(sorted({*changes.moved, *with_lines}))}


def difference(one: Adjustment, first: int) -> tuple[list[Pool], list[WorkLine], list[Line]]:
    """Pools, work lines and lines of an adjustment, in the order of a close.

    Args:
        one: the adjustment.
        first: number of its first pool in the close.
    """
    changes = changes_of(one)
    amounts: Counter[tuple[int, int, WorkId, PartyId | None, str, str]] = Counter()
    splits: dict[tuple[int, int, WorkId, PartyId | None, str, str], int] = {}
    works: dict[tuple[int, int, WorkId], WorkLine] = {}
    for number, term in enumerate(one.terms):
        for line in read_lines(term.folder):
            if (number, line.pool) in changes.place_of:
                pool = changes.place_of[number, line.pool]
                key = pool, line.part, line.work_id, line.party_id, line.territory, line.state
                amounts[key] += term.sign * line.amount_micros
                splits.setdefault(key, line.split_ppb)
        for work in read_work_lines(term.folder):
            if (number, work.pool) in changes.place_of:
                place = changes.place_of[number, work.pool], work.part, work.work_id
                known = works.get(place, WorkLine(*place, 0, 0, 0, 0, ""))
                now = replace(work, pool=place[0], outputs=0, amount_micros=0) if number == 0 else known
                works[place] = replace(
                    now,
                    outputs=known.outputs + term.sign * work.outputs,
                    amount_micros=known.amount_micros + term.sign * work.amount_micros,
                )
    moved = {key: micros for key, micros in amounts.items() if micros}
    numbers = numbered(changes, {key[0] for key in moved}, first)
    lines = [
        Line(
            numbers[pool],
            part,
            work_id,
            party,
            territory,
            splits[pool, part, work_id, party, territory, state],
            micros,
            state,
        )
        for (pool, part, work_id, party, territory, state), micros in moved.items()
    ]
    paid = {key[:3] for key in moved}
    work_lines = [replace(work, pool=numbers[place[0]]) for place, work in works.items() if place in paid]
    return [changes.pools[number] for number in numbers], sorted(work_lines, key=work_line_key), sorted(lines, key=line_key)


def totals_with(own: Sequence[Total], adjusted: Iterable[Adjusted]) -> tuple[Total, ...]:
    """A close's totals: those of its own usage and the differences of closed periods, by currency.

    Raises:
        InputError: a sum is more than a document keeps exactly.
    """
    differences = [total for one in adjusted for total in one.totals]
    if not differences:
        return tuple(own)
    found = {total.currency: total for total in own}  # also those of zero
    found |= {total.currency: total for total in summed([(1, own), (1, differences)])}
    for total in found.values():
        check_amounts((getattr(total, name) for name in AMOUNTS), f"the total of {total.currency}")
    return tuple(found[currency] for currency in sorted(found))


def changed_problems(close: PeriodClose, folder: Path, adjustments: Sequence[Adjustment]) -> Iterator[str]:
    """What is wrong with the differences in a close too large to be held in memory, in words.

    Pools, totals and levies are computed again; lines are added up by pool, state and whose they are, in memory that grows
    with payees and not with lines.

    Args:
        close: the document.
        folder: holds its tables, which fit it.
        adjustments: beside its inputs.
    """
    if close.adjusted != tuple(map(adjusted_of, adjustments)):
        yield "the adjusted periods are not those beside its inputs"
        return
    first = sum(pool.kind != ADJUSTED for pool in close.pools)
    stated = {key: micros for key, micros in line_sums(lines_of(folder)).items() if key[0] >= first}
    sums: Counter[Key] = Counter()
    pools: list[Pool] = []
    for one in adjustments:
        changes = changes_of(one)
        found: Counter[Key] = Counter()
        for number, term in enumerate(one.terms):
            for (pool, state, whose), micros in line_sums(lines_of(term.folder)).items():
                if (number, pool) in changes.place_of:
                    found[changes.place_of[number, pool], state, whose] += term.sign * micros
        with_lines = {pool for pool in range(len(changes.pools)) if changes.pools[pool] in close.pools[first:]}
        numbers = numbered(changes, with_lines, first + len(pools))
        pools += [changes.pools[pool] for pool in numbers]
        for (pool, state, whose), micros in found.items():
            if micros:
                sums[numbers.get(pool, -1), state, whose] += micros
    if tuple(pools) != close.pools[first:]:
        yield "the pools of adjusted periods are not the differences of what they gave and give"
    if stated != dict(sums):
        yield "the lines of adjusted periods are not the differences of what they gave and give"
