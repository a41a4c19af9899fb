"""What a policy may say: the rules that hold between its fields, whoever wrote it, a file or a program.

The most important one is that nothing is promised twice: of any revenue all pools together take at most the whole, levies
included, and of any pool its parts. Everything is checked on integers and fractions, so a policy of exactly 100 % passes and
one of a billionth more does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from endcredits.canonical import INTEGER_MAX
from endcredits.errors import InputError
from endcredits.ids import plain_id
from endcredits.money import PPB
from endcredits.royalties.rules import (
    BASES,
    BASES_OF_DIVISION,
    DESTINATIONS,
    KEYS,
    SPREADS,
    Gate,
    Levy,
    Part,
    Policy,
    PoolRule,
)
from endcredits.royalties.spellings import checked_currency, chosen, readable

WEIGHTINGS = ("revenue", "nats")
"""What `Policy.weighting` may say."""
AUDIT_DAYS_MAX = 36_500
POOLS_MAX = 100
PARTS_MAX = 100
FACTOR_MAX_PPB = 10_000 * PPB


def check_policy(policy: Policy) -> Policy:
    """Returns a policy as it is.

    Raises:
        InputError: a value is out of range, or rules do not go together; the field is the path in TOML,
            counted from 1.
    """
    plain_id(policy.name, what="policy.name")
    chosen(policy.weighting, WEIGHTINGS, "policy.weighting")
    if policy.settle_in:
        checked_currency(policy.settle_in, "policy.settle_in")
    for key in ("significance", "reliability_min", "tail"):
        _portion(getattr(policy, f"{key}_ppb"), f"policy.{key}")
    if policy.significance_ppb == PPB:
        raise InputError(
            "a significance of 100% tests nothing", remedy="Use 10%, or 0% for no test.", field="policy.significance"
        )
    _whole(policy.payout_threshold_micros, INTEGER_MAX, "policy.payout_threshold")
    _whole(policy.audit_window_days, AUDIT_DAYS_MAX, "policy.audit_window_days")
    if not 1 <= len(policy.pools) <= POOLS_MAX:
        raise InputError(
            f"the policy has {len(policy.pools)} pools", remedy=f"Give 1 to {POOLS_MAX} tables [[pool]].", field="pool"
        )
    for number, rule in enumerate(policy.pools, 1):
        _check_pool(rule, f"pool[{number}]")
    for number, levy in enumerate(policy.levies, 1):
        readable(levy.name, f"levy[{number}].name")
        plain_id(levy.party_id, what=f"levy[{number}].party")
        _portion(levy.share_ppb, f"levy[{number}].share")
    _names_once([rule.name for rule in policy.pools], "pool[{}].name")
    _names_once([levy.name for levy in policy.levies], "levy[{}].name")
    _check_revenue(policy.pools, policy.levies)
    return policy


def _check_pool(rule: PoolRule, path: str) -> None:
    readable(rule.name, f"{path}.name")
    chosen(rule.base, BASES, f"{path}.base")
    chosen(rule.spread, SPREADS, f"{path}.spread")
    for key in ("service", "offer", "use"):
        if getattr(rule, key):
            readable(getattr(rule, key), f"{path}.{key}")
    for key in rule.by:
        chosen(key, KEYS, f"{path}.by")
    if rule.by != tuple(key for key in KEYS if key in rule.by):
        raise InputError("keys are out of order or doubled", remedy=f"Write them as in {KEYS}.", field=f"{path}.by")
    if rule.base in ("gross", "net"):
        _portion(rule.share_ppb, f"{path}.share")
        if rule.amount_micros or rule.currency:
            raise InputError(
                f"a pool of {rule.base} revenue has no amount", remedy="Give its share alone.", field=f"{path}.amount"
            )
    else:
        _check_amount(rule, path)
    if "payer" in rule.by and rule.spread != "uses":
        raise InputError(
            "each use keeps what it earned, so telling payers apart changes nothing",
            remedy='Write spread = "uses", or leave "payer" out.',
            field=f"{path}.by",
        )
    if rule.multipliers and rule.base != "per-use":
        raise InputError(
            "only a fee for every use can be multiplied",
            remedy='Write base = "per-use", or leave the multipliers out.',
            field=f"{path}.multipliers",
        )
    kinds = [kind for kind, _ in rule.multipliers]
    if kinds != sorted(set(kinds)):
        raise InputError("kinds of use are not sorted or stand twice", field=f"{path}.multipliers")
    for kind, factor_ppb in rule.multipliers:
        readable(kind, f"{path}.multipliers")
        _whole(factor_ppb, FACTOR_MAX_PPB, f"{path}.multipliers.{kind}")
        if rule.use and kind != rule.use:
            raise InputError(
                f"the pool takes uses of the kind '{rule.use}' alone",
                remedy=f"Leave '{kind}' out.",
                field=f"{path}.multipliers.{kind}",
            )
    _check_parts(rule.parts, path)


def _check_amount(rule: PoolRule, path: str) -> None:
    _whole(rule.amount_micros, INTEGER_MAX, f"{path}.amount")
    if not rule.amount_micros:
        raise InputError(
            f"a pool of base '{rule.base}' needs an amount",
            remedy='Add amount = "0.05 USD".',
            field=f"{path}.amount",
        )
    checked_currency(rule.currency, f"{path}.amount")
    if rule.share_ppb:
        raise InputError(
            f"a pool of base '{rule.base}' has no share", remedy="Give its amount alone.", field=f"{path}.share"
        )
    if rule.base == "per-use" and rule.spread != "direct":
        raise InputError("a fee for a use lies on that use", remedy='Write spread = "direct".', field=f"{path}.spread")
    if rule.base == "fixed" and rule.spread != "uses":
        raise InputError(
            "a fixed sum was not earned by single uses", remedy='Write spread = "uses".', field=f"{path}.spread"
        )
    if rule.base == "fixed" and rule.by:
        raise InputError("a fixed sum is one pool", remedy="Write a [[pool]] for each service or offer.", field=f"{path}.by")


def _check_parts(parts: Sequence[Part], path: str) -> None:
    if not 1 <= len(parts) <= PARTS_MAX:
        raise InputError(
            f"the pool has {len(parts)} parts", remedy=f"Give 1 to {PARTS_MAX}, or none for one part.", field=f"{path}.part"
        )
    total, of_rest = 0, ""
    for number, part in enumerate(parts, 1):
        where = f"{path}.part[{number}]"
        _check_part(part, where)
        if part.of_rest:
            of_rest = part.name
            continue
        if of_rest:
            raise InputError(
                f"'{part.name}' is a portion of the pool and comes after '{of_rest}', a portion of the rest",
                remedy="Put portions of the pool first, or write of_rest = true for a portion of what is left.",
                field=f"{where}.share",
            )
        total += part.share_ppb
        if total > PPB:
            raise InputError(
                f"the parts up to '{part.name}' take {_percent(Fraction(total, PPB))} of the pool",
                remedy="Lower a share, or write of_rest = true for a portion of what is left.",
                field=f"{where}.share",
            )
    _names_once([part.name for part in parts], path + ".part[{}].name")


def _check_part(part: Part, path: str) -> None:
    readable(part.name, f"{path}.name")
    chosen(part.by, BASES_OF_DIVISION, f"{path}.by")
    plain_id(part.right, what=f"{path}.right")
    _portion(part.share_ppb, f"{path}.share")
    _portion(part.fixed_ppb, f"{path}.fixed")
    _portion(part.gate.cap_ppb, f"{path}.gate.cap")
    _whole(part.gate.uses_min, INTEGER_MAX, f"{path}.gate.uses_min")
    _whole(part.gate.floor_micros, INTEGER_MAX, f"{path}.gate.floor")
    chosen(part.gate.to, DESTINATIONS, f"{path}.gate.to")
    if (part.by == "party") != bool(part.party_id):
        raise InputError(
            "a part by party names the party" if part.by == "party" else f"a part by {part.by} names no party",
            remedy='Write by = "party" and party = "party:..." together.',
            field=f"{path}.party",
        )
    if part.party_id:
        plain_id(part.party_id, what=f"{path}.party")
    if part.fixed_ppb and part.fixed_by_reliability:
        raise InputError("the fixed portion is given and measured", remedy="Keep one of them.", field=f"{path}.fixed")
    if part.by in ("party", "equal"):
        # What would be ignored is refused, so that nobody relies on it.
        for wrong, key in ((part.fixed_ppb or part.fixed_by_reliability, "fixed"), (part.gate != Gate(), "gate")):
            if wrong:
                raise InputError(f"a part by {part.by} has no '{key}'", remedy=f"Leave {key} out.", field=f"{path}.{key}")


def _check_revenue(pools: Sequence[PoolRule], levies: Sequence[Levy]) -> None:
    """Of any revenue at most the whole is taken; pools meet where their filters allow the same use."""
    shared = [(number, rule) for number, rule in enumerate(pools, 1) if rule.base in ("gross", "net")]
    with_levies = PPB + sum(levy.share_ppb for levy in levies)
    for service in _values(rule.service for _, rule in shared):
        of_service = [one for one in shared if one[1].service in ("", service)]
        if sum(rule.share_ppb for _, rule in of_service) * with_levies <= PPB * PPB:
            continue
        for offer in _values(rule.offer for _, rule in of_service):
            of_offer = [one for one in of_service if one[1].offer in ("", offer)]
            for use in _values(rule.use for _, rule in of_offer):
                meeting = [one for one in of_offer if one[1].use in ("", use)]
                total = sum(rule.share_ppb for _, rule in meeting)
                if total * with_levies > PPB * PPB:
                    names = ", ".join(f"'{rule.name}'" for _, rule in meeting)
                    on_top = " with the levies on top" if total <= PPB else ""
                    raise InputError(
                        f"the pools {names}{on_top} take {_percent(Fraction(total * with_levies, PPB * PPB))} "
                        "of the same revenue",
                        remedy="Lower a share, or tell their services, offers or uses apart.",
                        field="levy[1].share" if on_top else f"pool[{meeting[-1][0]}].share",
                    )


def _values(named: Iterable[str]) -> list[str]:
    # "\0" stands for everything that no rule names; no name holds it.
    return sorted({one for one in named if one} | {"\0"})


def _names_once(names: Sequence[str], path: str) -> None:
    for number, name in enumerate(names, 1):
        if name in names[: number - 1]:
            raise InputError(
                f"the name '{name}' stands twice", remedy="Statements need different names.", field=path.format(number)
            )


def _portion(ppb: int, field: str) -> None:
    _whole(ppb, PPB, field)


def _whole(value: int, top: int, field: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= top:
        raise InputError(f"{value!r:.60} is out of range", remedy=f"Give a whole number from 0 to {top}.", field=field)


def _percent(part: Fraction) -> str:
    """A fraction of more than the whole in percent, rounded up so that it never reads as 100%."""
    ten_millionths = -(-part * 100 * 10**7 // 1)
    return f"{ten_millionths // 10**7}.{ten_millionths % 10**7:07d}".rstrip("0").rstrip(".") + "%"
