"""Laying money on uses: which revenue a pool rule takes, and how much of it each single use carries.

After this step every policy is the same arithmetic. A rule takes the rows that fit its service, offer and kind of use, and
sorts them into pools by its keys, the kind and the currency. In a pool,

- "direct": every event carries its own base; revenue of many uses together is laid over the pool's events by `uses`;
- "uses": all of the pool's base is laid over its events by `uses`;
- keyed by "payer": the same inside each payer's rows alone. What payers brought who used nothing is *breakage*. The payers
  are merged again afterwards: a payer decides where money lies and is no pool of the document.

Whole micros are laid by largest remainder, ties by event id.

The *base* of a row: "gross" is all it earned, taxes and later refunds included; "net" is what is left after taxes and
refunds, where a refund gives back its part of the taxes too; "per-use" is the fee times uses times the multiplier of its
kind of use, cut off to whole micros per event; "fixed" is one sum a period over all events that the rule counts in this
close, by `uses`, late ones too. Only net pools know refunds. Revenue of many uses has no kind of use, so a rule for one
kind does not take it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from endcredits.money import PPB, allocate
from endcredits.royalties.frozen_rows import FrozenRows, Row
from endcredits.royalties.refunds import tax_back
from endcredits.royalties.rules import PoolRule


@dataclass(frozen=True, slots=True, order=True)
class PoolKey:
    """What tells pools apart, in the order in which a close lists them.

    Attributes:
        rule: number of the pool rule in the policy.
        kind: one of `records.KINDS`.
        usage_period: the closed period that late usage or a refund belongs to.
        service: "" where the rule does not tell it apart.
        territory: the same.
        offer: the same.
        currency: of the base.
    """

    rule: int
    kind: str
    usage_period: str
    service: str
    territory: str
    offer: str
    currency: str


@dataclass(slots=True)
class Laid:
    """A pool's base, laid on its events.

    base_micros == sum of money + unused_micros, unless a pool without payers has revenue and no events at all.

    Attributes:
        key: of the pool.
        base_micros: all of it; never negative, also in refund pools.
        unused_micros: what payers brought who used nothing.
        money: micros by event, every event of the pool.
    """

    key: PoolKey
    base_micros: int = 0
    unused_micros: int = 0
    money: dict[int, int] = field(default_factory=dict)


def lay(number: int, rule: PoolRule, rows: FrozenRows) -> list[Laid]:
    """The pools of a rule with their money laid on events, by key.

    Args:
        number: of the rule in its policy.
        rule: the rule.
        rows: the frozen period.
    """
    if rule.base == "fixed":
        return _lay_fixed(number, rule, rows)
    own: defaultdict[tuple[PoolKey, str], dict[int, int]] = defaultdict(dict)
    shared: Counter[tuple[PoolKey, str]] = Counter()
    for event, row in enumerate(rows.events):
        if takes(rule, row):
            own[group_of(number, rule, row)][event] = base_micros(rule, row)
    if rule.base in ("gross", "net"):
        for row in rows.revenue:
            if takes(rule, row):
                shared[group_of(number, rule, row)] += base_micros(rule, row)
    pools: dict[PoolKey, Laid] = {}
    for group in own.keys() | shared.keys():
        pool = pools.setdefault(group[0], Laid(group[0]))
        carried = own.get(group, {})
        pool.base_micros += shared[group] + sum(carried.values())
        if carried:
            pool.money |= _spread(rule, rows, carried, shared[group])
        elif "payer" in rule.by:
            pool.unused_micros += shared[group]
    return [pools[key] for key in sorted(pools)]


def takes(rule: PoolRule, row: Row) -> bool:
    """Whether a rule counts a usage event or a revenue."""
    if row["kind"] == "refund" and rule.base != "net":
        return False
    if rule.use and row.get("use") != rule.use:
        return False
    return rule.service in ("", row["service"]) and rule.offer in ("", row["offer"])


def base_micros(rule: PoolRule, row: Row) -> int:
    """What a row adds to a pool's base, >= 0 (for a refund what it takes away)."""
    if rule.base == "gross":
        return int(row["gross_micros"])
    if rule.base == "net":
        return int(row["gross_micros"] - row["refunded_micros"] - tax_left_micros(row))
    factor = dict(rule.multipliers).get(row["use"], PPB)
    return int(row["uses"] * rule.amount_micros * factor // PPB)


def tax_left_micros(row: Row) -> int:
    """The taxes of a row that remain after its refunds: what is given back takes its part of the taxes with it.

    >>> tax_left_micros({"gross_micros": 120, "tax_micros": 20, "refunded_micros": 60})
    10
    """
    return int(row["tax_micros"] - tax_back(row["gross_micros"], row["tax_micros"], row["refunded_micros"]))


def by_uses(rows: FrozenRows, events: Iterable[int], micros: int) -> dict[int, int]:
    """Whole micros laid over events by their uses, ties by event id."""
    # Event rows stand by event id, so that a row's padded number orders ties as its id does.
    laid = allocate(micros, {f"{event:012d}": rows.events[event]["uses"] for event in events})
    return {int(name): amount for name, amount in laid.items()}


def _lay_fixed(number: int, rule: PoolRule, rows: FrozenRows) -> list[Laid]:
    counted = [event for event, row in enumerate(rows.events) if takes(rule, row)]
    if not counted:
        return [Laid(PoolKey(number, "earned", "", "", "", "", rule.currency), rule.amount_micros)]
    pools: dict[PoolKey, Laid] = {}
    for event, money in by_uses(rows, counted, rule.amount_micros).items():
        key, _payer = group_of(number, rule, rows.events[event])
        pool = pools.setdefault(key, Laid(key))
        pool.base_micros += money
        pool.money[event] = money
    return [pools[key] for key in sorted(pools)]


def group_of(number: int, rule: PoolRule, row: Row) -> tuple[PoolKey, str]:
    """The pool that a row belongs to, and the payer whose money stays together in it."""
    fixed = rule.base == "fixed"
    key = PoolKey(
        rule=number,
        kind="earned" if fixed else row["kind"],
        usage_period="" if fixed else row["usage_period"],
        service=row["service"] if "service" in rule.by else "",
        territory=row["territory"] if "territory" in rule.by else "",
        offer=row["offer"] if "offer" in rule.by else "",
        currency=rule.currency if rule.base in ("fixed", "per-use") else row["currency"],
    )
    return key, row["payer"] if "payer" in rule.by else ""


def _spread(rule: PoolRule, rows: FrozenRows, carried: dict[int, int], shared: int) -> dict[int, int]:
    if rule.spread == "uses":
        return by_uses(rows, carried, shared + sum(carried.values()))
    laid = by_uses(rows, carried, shared)
    return {event: own + laid[event] for event, own in carried.items()}
