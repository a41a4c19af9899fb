"""Closing a period: a pure function from a frozen period to exact money. This is the definition, from top to bottom.

1. `laying`: every pool rule takes the revenue it names, and lays it on single uses;
2. `portions`: a pool is the rule's portion of that base, converted once, and falls through the parts of its waterfall;
3. `dividing`: each part is divided by `weighing` (signed, summed, clipped once per cluster by `clusters`), limited by
   `gates`, and paid to the parties of the splits; what nobody can be credited for is the commons';
4. what is in no pool, less taxes and levies, stays with the operator.

5. closed periods of which usage or refunds came since are divided again in the same way, and their differences stand behind
   the close's own pools (`adjusting`).

Written for reading, in plain integers and rows: it holds a whole period in memory. `columns/` does the same for millions of
rows, and tests compare the two to the byte.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from endcredits.canonical import digest
from endcredits.errors import InputError
from endcredits.ids import plain_id
from endcredits.royalties.adjusting import adjusted_of, difference, totals_with
from endcredits.royalties.adjustments import Adjustment
from endcredits.royalties.clusters import entitled_to
from endcredits.royalties.dividing import Setting, divide_part
from endcredits.royalties.evidence import significant_clusters, uses_of_clusters
from endcredits.royalties.frozen import Frozen
from endcredits.royalties.frozen_rows import FrozenRows, read_rows
from endcredits.royalties.laying import Laid, lay, tax_left_micros
from endcredits.royalties.lines import line_key, lines_digest, work_line_key, work_lines_digest
from endcredits.royalties.portions import check_amounts, converted, levies_micros, portion_micros, portion_of, waterfall
from endcredits.royalties.records import Line, PeriodClose, Pool, Total, WorkLine
from endcredits.royalties.rules import Policy, PoolRule
from endcredits.works.utc import check_day


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed period with all its lines.

    Attributes:
        close: sums and digests.
        work_lines: by pool, part, work.
        lines: by pool, part, work, party, territory, state.
    """

    close: PeriodClose
    work_lines: tuple[WorkLine, ...]
    lines: tuple[Line, ...]


def close_period(
    frozen: Frozen,
    period_id: str,
    starts_on: str,
    ends_on: str,
    policy: Policy,
    adjustments: Sequence[Adjustment] = (),
) -> Closed:
    """Computes what every work and party earned in a period.

    Args:
        frozen: the period's inputs.
        period_id: such as "2026-11".
        starts_on: first day, YYYY-MM-DD.
        ends_on: last day.
        policy: the rules.
        adjustments: of closed periods, by their days.

    Returns:
        The close and its lines; equal inputs give equal bytes.

    Raises:
        InputError: a bad period, a frozen row that makes no sense (by table, row and field), a currency without a rate, or
            sums beyond what documents and 128 bits hold.
        IntegrityError: a frozen table cannot be read.
    """
    return close_rows(read_rows(frozen.folder), frozen.digests, period_id, starts_on, ends_on, policy, adjustments)


def close_rows(
    rows: FrozenRows,
    frozen: tuple[tuple[str, str], ...],
    period_id: str,
    starts_on: str,
    ends_on: str,
    policy: Policy,
    adjustments: Sequence[Adjustment] = (),
) -> Closed:
    """Closes a period whose rows are in memory; `frozen` are the digests of their tables. Otherwise as `close_period`."""
    check_period(period_id, starts_on, ends_on)
    pools: list[Pool] = []
    work_lines: list[WorkLine] = []
    lines: list[Line] = []
    for number, rule in enumerate(policy.pools):
        laid = lay(number, rule, rows)
        settings = _settings(laid, rule, rows, policy)
        for pool in laid:
            closed, of_works, of_parties = _close_pool(len(pools), pool, settings[pool.key.currency], rows, policy, ends_on)
            pools.append(closed)
            work_lines += of_works
            lines += of_parties
    totals = totals_of(rows, pools, policy)
    for adjustment in adjustments:
        changed, of_works, of_parties = difference(adjustment, len(pools))
        pools += changed
        work_lines += of_works
        lines += of_parties
    adjusted = tuple(map(adjusted_of, adjustments))
    work_lines.sort(key=work_line_key)
    lines.sort(key=line_key)
    close = PeriodClose(
        period_id=period_id,
        starts_on=starts_on,
        ends_on=ends_on,
        policy=policy,
        policy_digest=digest(policy),
        frozen=frozen,
        totals=totals_with(totals, adjusted),
        pools=tuple(pools),
        work_lines=len(work_lines),
        work_lines_digest=work_lines_digest(work_lines),
        lines=len(lines),
        lines_digest=lines_digest(lines),
        adjusted=adjusted,
    )
    return Closed(close, tuple(work_lines), tuple(lines))


def check_period(period_id: str, starts_on: str, ends_on: str) -> None:
    """Refuses a period without a name or with its days the wrong way round.

    Raises:
        InputError: what is wrong with it.
    """
    plain_id(period_id, what="period_id")
    check_day(starts_on, field="starts_on")
    check_day(ends_on, field="ends_on")
    if starts_on > ends_on:
        raise InputError(
            f"the period ends on {ends_on}, before it starts on {starts_on}",
            remedy="Exchange the two days.",
            field="ends_on",
        )


def _close_pool(
    number: int, laid: Laid, settings: list[Setting], rows: FrozenRows, policy: Policy, ends_on: str
) -> tuple[Pool, list[WorkLine], list[Line]]:
    key, rule = laid.key, policy.pools[laid.key.rule]
    sign = -1 if key.kind == "refund" else 1
    by_portion = rule.base in ("gross", "net")
    source = portion_micros(laid.base_micros, rule.share_ppb) if by_portion else laid.base_micros
    pool_micros, currency, rate = converted(source, key.currency, policy.settle_in, rows.rates, ends_on)
    breakage = _breakage(pool_micros, laid)
    check_amounts((laid.base_micros, source, pool_micros), f"pool {number} of the rule '{rule.name}'")
    amounts, rest = waterfall(pool_micros - breakage, rule.parts)
    sums, work_lines, lines = [], [], []
    for place, (part, amount) in enumerate(zip(rule.parts, amounts, strict=True)):
        total, of_works, of_parties = divide_part((number, place), part, amount, laid, settings[place])
        sums.append(total)
        work_lines += of_works
        lines += of_parties
    pool = Pool(
        rule=rule.name,
        kind=key.kind,
        usage_period=key.usage_period,
        service=key.service,
        territory=key.territory,
        offer=key.offer,
        events=len(laid.money),
        uses=sum(rows.events[event]["uses"] for event in laid.money),
        revenue_micros=sign * laid.base_micros,
        source_micros=sign * source,
        earned_currency=key.currency,
        currency=currency,
        rate=rate,
        pool_micros=sign * pool_micros,
        breakage_micros=sign * breakage,
        rest_micros=sign * rest,
        parts=tuple(sums),
    )
    return pool, work_lines, lines


def _breakage(pool_micros: int, laid: Laid) -> int:
    """The pool's portion that was brought by payers who used nothing; a tie goes to the works."""
    if not laid.unused_micros:
        return 0
    return portion_of(pool_micros, laid.unused_micros, laid.base_micros)


def _settings(pools: list[Laid], rule: PoolRule, rows: FrozenRows, policy: Policy) -> dict[str, list[Setting]]:
    """What the parts of a rule are divided under, by currency and part: what counts over all pools of the rule."""
    demanded, rate = policy.reliability_min_ppb, policy.significance_ppb
    entitled = [entitled_to(rows, part) for part in rule.parts]
    uses = [uses_of_clusters(pools, rows, part.by, demanded) if part.gate.uses_min else {} for part in rule.parts]
    found = {}
    for currency in {pool.key.currency for pool in pools}:
        alike = [pool for pool in pools if pool.key.currency == currency]
        passing = significant_clusters(alike, rows, demanded, rate) if rate else None
        found[currency] = [
            Setting(rows, entitled[place], policy.weighting, demanded, passing, uses[place])
            for place in range(len(rule.parts))
        ]
    return found


def totals_of(rows: FrozenRows, pools: Iterable[Pool], policy: Policy) -> tuple[Total, ...]:
    """The sums of every currency in which something was earned or is paid, by code."""
    revenue: Counter[str] = Counter()
    taxes: Counter[str] = Counter()
    for row in [*rows.events, *rows.revenue]:
        sign = -1 if row["kind"] == "refund" else 1
        revenue[row["currency"]] += sign * (row["gross_micros"] - row["refunded_micros"])
        taxes[row["currency"]] += sign * tax_left_micros(row)
    sources: defaultdict[str, int] = defaultdict(int)
    for pool in pools:
        sources[pool.earned_currency] += pool.source_micros
    found = []
    for currency in sorted(revenue.keys() | sources.keys()):
        levies = sum(levies_micros(policy.levies, sources[currency]))
        kept = revenue[currency] - taxes[currency] - sources[currency] - levies
        check_amounts((revenue[currency], sources[currency], levies, kept), f"the total of {currency}")
        found.append(Total(currency, revenue[currency], taxes[currency], kept, sources[currency], levies))
    return tuple(found)
