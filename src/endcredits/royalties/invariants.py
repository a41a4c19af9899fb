"""What holds for every close, checked from its document alone: sums to the unit, nothing negative, all in order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from endcredits.ids import WorkId
from endcredits.money import PPB, allocate
from endcredits.royalties.policy import policy_digest
from endcredits.royalties.records import PeriodClose, Pool

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,200})")


def problems(close: PeriodClose) -> list[str]:
    """What is wrong with a close, each in words; empty when everything adds up."""
    found = []
    if policy_digest(close.policy) != close.policy_digest:
        found.append("the policy does not fit its digest")
    currencies = [pool.currency for pool in close.pools]
    if currencies != sorted(set(currencies)):
        found.append("the pools do not stand one per currency, in order")
    for pool in close.pools:
        found += [f"pool {pool.currency}: {problem}" for problem in _of_pool(pool, close.policy.pool_ppb)]
    return found


def _of_pool(pool: Pool, pool_ppb: int) -> Iterator[str]:
    works = sum(work.amount_micros for work in pool.works)
    parties = sum(party.amount_micros for party in pool.parties)
    suspense = sum(party.amount_micros for party in pool.parties if party.party_id is None)
    if pool.revenue_micros != pool.pool_micros + pool.operator_micros:
        yield "revenue is not pool plus operator"
    elif pool.revenue_micros >= 0:
        parts = allocate(pool.revenue_micros, {"pool": pool_ppb, "operator": PPB - pool_ppb})
        if parts["pool"] != pool.pool_micros:
            yield "the pool is not the policy's part of the revenue"
    if pool.pool_micros != pool.allocated_micros + pool.commons_micros:
        yield "the pool is not allocated plus commons"
    if pool.rounding_carry_micros != 0:
        yield "the rounding carry is not zero"
    if works != pool.allocated_micros:
        yield "the works' amounts do not sum to the allocated amount"
    if parties != pool.allocated_micros:
        yield "the parties' amounts do not sum to the allocated amount"
    if suspense != pool.suspense_micros:
        yield "the amounts without a payee do not sum to the suspense"
    amounts = [pool.revenue_micros, pool.operator_micros, pool.pool_micros, pool.commons_micros]
    amounts += [work.amount_micros for work in pool.works] + [party.amount_micros for party in pool.parties]
    if min(amounts) < 0:
        yield "an amount is negative"
    if any(party.amount_micros == 0 for party in pool.parties):
        yield "a party's line is zero"
    yield from _of_lines(pool)
    yield from _of_weights(pool)


def _of_lines(pool: Pool) -> Iterator[str]:
    ids = [work.work_id for work in pool.works]
    if ids != sorted(set(ids)):
        yield "the works do not stand once each, in order"
    keys = [(party.work_id, party.party_id or "", party.territory) for party in pool.parties]
    if keys != sorted(set(keys)):
        yield "the parties do not stand once each, in order"
    by_work: Counter[WorkId] = Counter()
    for party in pool.parties:
        by_work[party.work_id] += party.amount_micros
    for work in pool.works:
        if by_work.pop(work.work_id, 0) != work.amount_micros:
            yield f"the parties of {work.work_id} do not sum to its amount"
    for work_id in by_work:
        yield f"{work_id} pays parties and is no work of the pool"


def _of_weights(pool: Pool) -> Iterator[str]:
    texts = [pool.denominator, *(work.weight for work in pool.works)]
    if not all(_INTEGER.fullmatch(text) for text in texts):
        yield "a weight is not a whole number"
        return
    denominator = int(pool.denominator)
    clipped = {work.work_id: max(int(work.weight), 0) for work in pool.works}
    if denominator < sum(clipped.values()):
        yield "the denominator is smaller than the sum of the positive weights"
    for work in pool.works:
        if clipped[work.work_id] * PPB // max(denominator, 1) != work.share_ppb:
            yield f"the share of {work.work_id} is not its weight over the denominator"
        if clipped[work.work_id] == 0 and work.amount_micros:
            yield f"{work.work_id} has no positive weight and earned something"
