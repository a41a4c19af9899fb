"""What holds for every close, checked from its document and its lines alone: sums to the unit, signs, order, digests.

The checks need no inputs and trust none of the arithmetic of `close.py` except dividing a single sum. Lines are read once,
side by side and in order, so that a close of millions of lines is checked in the memory of one work.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any, TypeVar

from endcredits.canonical import digest
from endcredits.money import PPB
from endcredits.royalties.laying import PoolKey
from endcredits.royalties.levies import own_totals
from endcredits.royalties.lines import line_key, work_line_key
from endcredits.royalties.portions import levies_micros, portion_micros, waterfall
from endcredits.royalties.records import ADJUSTED, KINDS, STATES, Adjusted, Line, PartSum, PeriodClose, Pool, WorkLine
from endcredits.royalties.rules import PoolRule

_DENOMINATOR = re.compile(r"0|[1-9][0-9]{0,38}")
_RATE = re.compile(r"[1-9][0-9]{0,18}/[1-9][0-9]{0,18} on [0-9]{4}-[0-9]{2}-[0-9]{2} from .*", re.DOTALL)

Place = tuple[int, int]
"""Numbers of a pool and a part."""

T = TypeVar("T", WorkLine, Line)


def problems(close: PeriodClose, work_lines: Iterable[WorkLine], lines: Iterable[Line]) -> list[str]:
    """What is wrong with a close, each in words; empty when everything adds up.

    Args:
        close: the document.
        work_lines: its table, in order.
        lines: its table, in order.
    """
    return [*document_problems(close), *_of_lines(close, work_lines, lines)]


def document_problems(close: PeriodClose) -> Iterator[str]:
    """What is wrong with a close's document by itself, without its tables."""
    if digest(close.policy) != close.policy_digest:
        yield "the policy does not fit its digest"
    rules = {rule.name: (number, rule) for number, rule in enumerate(close.policy.pools)}
    own = [pool for pool in close.pools if pool.kind != ADJUSTED]
    if any(pool.rule not in rules for pool in own):
        yield "a pool names a rule that the policy does not have"
        return
    keys = [_key(rules[pool.rule][0], pool) for pool in own]
    if keys != sorted(set(keys)) or tuple(own) != close.pools[: len(own)]:
        yield "the pools do not stand once each, in order"
    for number, pool in enumerate(own):
        yield from (f"pool {number} ({pool.rule}): {problem}" for problem in _of_pool(pool, rules[pool.rule][1], close))
    yield from _of_adjusted(close)
    yield from _of_totals(close, own)


def _of_adjusted(close: PeriodClose) -> Iterator[str]:
    """What is wrong with the differences of closed periods."""
    days = [(one.starts_on, one.ends_on) for one in close.adjusted]
    if days != sorted(days) or any(last >= close.starts_on for _, last in days):
        yield "the adjusted periods do not stand in order before the period"
    known = {one.period_id: one for one in close.adjusted}
    if len(known) != len(close.adjusted):
        yield "a period is adjusted twice"
    order = {period_id: place for place, period_id in enumerate(known)}
    changed = [(number, pool) for number, pool in enumerate(close.pools) if pool.kind == ADJUSTED]
    places = [order.get(pool.usage_period, -1) for _, pool in changed]
    if places != sorted(places) or -1 in places:
        yield "the pools of adjusted periods do not stand in the order of these periods"
    for number, pool in changed:
        yield from (
            f"pool {number} ({pool.rule}): {problem}" for problem in _of_difference(pool, known.get(pool.usage_period))
        )
    for one in close.adjusted:
        where = f"adjusted period '{one.period_id}'"
        sources: Counter[str] = Counter()
        for _, pool in changed:
            if pool.usage_period == one.period_id:
                sources[pool.earned_currency] += pool.source_micros
        levies: Counter[str] = Counter()
        for levy in one.levies:
            levies[levy.currency] += levy.amount_micros
        for total in one.totals:
            parts = total.tax_micros + total.operator_micros + total.pools_micros + total.levies_micros
            if total.revenue_micros != parts:
                yield f"{where}: revenue in {total.currency} is not taxes plus operator plus pools plus levies"
            if (total.pools_micros, total.levies_micros) != (sources.pop(total.currency, 0), levies.pop(total.currency, 0)):
                yield f"{where}: the pools or levies in {total.currency} are not the sum of its pools and levies"
        if any(sources.values()) or any(levies.values()):
            yield f"{where}: a currency has no total"


def _of_difference(pool: Pool, adjusted: Adjusted | None) -> Iterator[str]:
    rules = [rule for policy in adjusted.policies for rule in policy.pools] if adjusted else []
    names = [part.name for part in pool.parts]
    if not any(rule.name == pool.rule and [part.name for part in rule.parts] == names for rule in rules):
        yield "it names a rule with parts that no policy of its period has"
    if pool.pool_micros != pool.breakage_micros + pool.rest_micros + sum(part.amount_micros for part in pool.parts):
        yield "it is not breakage plus parts plus rest"
    if (pool.rate == "1/1") != (pool.currency == pool.earned_currency):
        yield "its currencies and its rate do not fit each other"
    elif pool.rate == "1/1" and pool.pool_micros != pool.source_micros:
        yield "it changed without a conversion"
    elif pool.rate != "1/1" and not _RATE.fullmatch(pool.rate):
        yield "its rate is not one"
    for part in pool.parts:
        if part.amount_micros != part.allocated_micros + part.commons_micros:
            yield f"part '{part.name}': its amount is not allocated plus commons"


def _key(rule: int, pool: Pool) -> PoolKey:
    return PoolKey(rule, pool.kind, pool.usage_period, pool.service, pool.territory, pool.offer, pool.earned_currency)


def _of_pool(pool: Pool, rule: PoolRule, close: PeriodClose) -> Iterator[str]:
    if pool.kind not in KINDS or (pool.kind == "earned") != (pool.usage_period == ""):
        yield "its kind and usage period do not fit each other"
    sign = -1 if pool.kind == "refund" else 1
    money = [pool.revenue_micros, pool.source_micros, pool.pool_micros, pool.breakage_micros, pool.rest_micros]
    if min(sign * amount for amount in money) < 0:
        yield "an amount has the wrong sign"
        return
    share = portion_micros(pool.revenue_micros, rule.share_ppb) if rule.base in ("gross", "net") else pool.revenue_micros
    if pool.source_micros != share:
        yield "it is not the rule's portion of its revenue"
    yield from _of_rate(pool, close.policy.settle_in or pool.earned_currency)
    if pool.pool_micros != pool.breakage_micros + pool.rest_micros + sum(part.amount_micros for part in pool.parts):
        yield "it is not breakage plus parts plus rest"
    if pool.breakage_micros and "payer" not in rule.by:
        yield "it has breakage and tells no payers apart"
    if [part.name for part in pool.parts] != [part.name for part in rule.parts]:
        yield "its parts are not those of the rule"
    elif sign * (pool.pool_micros - pool.breakage_micros) >= 0:
        amounts, rest = waterfall(sign * (pool.pool_micros - pool.breakage_micros), rule.parts)
        if [*amounts, rest] != [sign * part.amount_micros for part in pool.parts] + [sign * pool.rest_micros]:
            yield "its parts are not the waterfall of the rule"
    for part in pool.parts:
        yield from (f"part '{part.name}': {problem}" for problem in _of_part(part, sign))


def _of_rate(pool: Pool, settle_in: str) -> Iterator[str]:
    if pool.currency != settle_in:
        yield "its currency is not that of the settlement"
    if (pool.rate == "1/1") != (pool.currency == pool.earned_currency):
        yield "its currencies and its rate do not fit each other"
    elif pool.rate == "1/1":
        if pool.pool_micros != pool.source_micros:
            yield "it changed without a conversion"
    elif not _RATE.fullmatch(pool.rate):
        yield "its rate is not one"
    else:
        numerator, denominator = map(int, pool.rate.split(" ")[0].split("/"))
        if abs(pool.pool_micros) != abs(pool.source_micros) * numerator // denominator:
            yield "it is not the source at the rate stated"


def _of_part(part: PartSum, sign: int) -> Iterator[str]:
    if part.amount_micros != part.allocated_micros + part.commons_micros:
        yield "its amount is not allocated plus commons"
    held = [part.suspense_micros, part.disputed_micros]
    if min(sign * each for each in [part.allocated_micros, part.commons_micros, *held]) < 0:
        yield "an amount has the wrong sign"
    if sign * sum(held) > sign * part.allocated_micros:
        yield "more is held than allocated"
    if not _DENOMINATOR.fullmatch(part.denominator) or int(part.denominator) >= 2**127:
        yield "its denominator is no whole number below 2**127"


def _of_totals(close: PeriodClose, own: list[Pool]) -> Iterator[str]:
    sources: Counter[str] = Counter()
    for pool in own:
        sources[pool.earned_currency] += pool.source_micros
    currencies = [total.currency for total in close.totals]
    if currencies != sorted(set(currencies)) or not {*sources, *_adjusted_currencies(close)} <= set(currencies):
        yield "the totals do not stand once per currency, in order"
    for total in own_totals(close):
        where = f"total {total.currency}"
        parts = total.tax_micros + total.operator_micros + total.pools_micros + total.levies_micros
        if total.revenue_micros != parts:
            yield f"{where}: revenue is not taxes plus operator plus pools plus levies"
        if total.pools_micros != sources[total.currency]:
            yield f"{where}: its pools are not the sum of the pools"
        if total.levies_micros != sum(levies_micros(close.policy.levies, sources[total.currency])):
            yield f"{where}: its levies are not those of the policy"


def _adjusted_currencies(close: PeriodClose) -> set[str]:
    return {total.currency for one in close.adjusted for total in one.totals}


def _of_lines(close: PeriodClose, work_lines: Iterable[WorkLine], lines: Iterable[Line]) -> Iterator[str]:
    found: list[str] = []
    places = {(number, part) for number, pool in enumerate(close.pools) for part in range(len(pool.parts))}
    sums: Counter[tuple[Place, str]] = Counter()
    counts: Counter[str] = Counter()
    works = groupby(_in_order(work_lines, work_line_key, "work lines", found), lambda one: (one.pool, one.part, one.work_id))
    parties = groupby(_in_order(lines, line_key, "lines", found), lambda one: (one.pool, one.part, one.work_id))
    for key, of_work, of_parties in _side_by_side(works, parties):
        counts["work lines"] += len(of_work)
        counts["lines"] += len(of_parties)
        place = key[:2]
        if place not in places:
            found.append(f"a line stands in pool {place[0]}, part {place[1]}, and there is none")
            continue
        pool = close.pools[place[0]]
        where = f"pool {place[0]}, part {place[1]}, '{key[2]}'"
        if pool.kind == ADJUSTED:
            found += [f"{where}: {problem}" for problem in _of_changed(of_work, of_parties)]
        else:
            party_id = _rule_of(close, pool).parts[place[1]].party_id if place[1] < len(_rule_of(close, pool).parts) else ""
            sign = -1 if pool.kind == "refund" else 1
            found += [f"{where}: {problem}" for problem in _of_work(of_work, of_parties, sign, party_id)]
        for line in of_parties:
            sums[place, "allocated"] += line.amount_micros
            sums[place, line.state] += line.amount_micros
        sums[place, "share"] += sum(line.share_ppb for line in of_work)
    yield from found
    if (counts["work lines"], counts["lines"]) != (close.work_lines, close.lines):
        yield "the tables have other numbers of lines than the close states"
    for number, pool in enumerate(close.pools):
        for at, part in enumerate(pool.parts):
            place = number, at
            stated = part.allocated_micros, part.suspense_micros, part.disputed_micros
            if tuple(sums[place, name] for name in ("allocated", "suspense", "disputed")) != stated:
                yield f"pool {number}, part {at}: its sums are not those of its lines"
            if sums[place, "share"] > PPB:
                yield f"pool {number}, part {at}: the works' shares are more than the whole"


def _rule_of(close: PeriodClose, pool: Pool) -> PoolRule:
    return next((rule for rule in close.policy.pools if rule.name == pool.rule), close.policy.pools[0])


def _of_work(works: list[WorkLine], parties: list[Line], sign: int, party_id: str) -> Iterator[str]:
    amount = sum(line.amount_micros for line in parties)
    if party_id:
        if works or [(line.party_id, line.work_id, line.state) for line in parties] != [(party_id, "", "payable")]:
            yield "the part is one party's, and its lines say otherwise"
    elif not works:
        yield "it pays parties and has no work line"
    elif sum(line.amount_micros for line in works) != amount:
        yield "its parties do not sum to its amount"
    for work in works:
        if not 0 <= work.share_ppb <= PPB or work.outputs < 0 or sign * work.amount_micros < 0:
            yield "a share, a count or an amount is out of range"
        if abs(work.weight) >= 2**127:
            yield "its weight passes 2**127"
    for line in parties:
        if sign * line.amount_micros <= 0 or not 0 <= line.split_ppb <= PPB:
            yield "a line is nothing, has the wrong sign, or a split that is none"
        if line.state not in STATES or (line.state == "payable") != (line.party_id is not None and line.state != "disputed"):
            yield "a line's state does not fit its party"


def _of_changed(works: list[WorkLine], parties: list[Line]) -> Iterator[str]:
    """What is wrong with the difference of one work; a part of one party has no works."""
    amount = sum(line.amount_micros for line in parties)
    if not parties:
        yield "it has a work line and no party's amount changed"
    elif bool(works) != bool(parties[0].work_id) or sum(line.amount_micros for line in works) != (amount if works else 0):
        yield "its parties do not sum to its amount"
    for work in works:
        if not 0 <= work.share_ppb <= PPB or abs(work.weight) >= 2**127:
            yield "a share or a weight is out of range"
    for line in parties:
        if not line.amount_micros or not 0 <= line.split_ppb <= PPB:
            yield "a line is nothing, or has a split that is none"
        if line.state not in STATES or (line.state == "payable") != (line.party_id is not None and line.state != "disputed"):
            yield "a line's state does not fit its party"


def _in_order(rows: Iterable[T], key: Callable[[T], tuple[Any, ...]], what: str, found: list[str]) -> Iterator[T]:
    last: tuple[Any, ...] = ()
    said = False
    for row in rows:
        if key(row) <= last and not said:
            found.append(f"the {what} do not stand once each, in order")
            said = True
        last = key(row)
        yield row


def _side_by_side(
    works: Iterator[tuple[Any, Iterator[WorkLine]]], parties: Iterator[tuple[Any, Iterator[Line]]]
) -> Iterator[tuple[Any, list[WorkLine], list[Line]]]:
    """Both tables by (pool, part, work), each key once."""
    left, right = _next(works), _next(parties)
    while left or right:
        key = min(one[0] for one in (left, right) if one)
        of_work = left[1] if left and left[0] == key else []
        of_parties = right[1] if right and right[0] == key else []
        left = _next(works) if left and left[0] == key else left
        right = _next(parties) if right and right[0] == key else right
        yield key, of_work, of_parties


def _next(groups: Iterator[tuple[Any, Iterator[T]]]) -> tuple[Any, list[T]] | None:
    group = next(groups, None)
    return None if group is None else (group[0], list(group[1]))
