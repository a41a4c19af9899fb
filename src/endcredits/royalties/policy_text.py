"""A policy written back as the TOML that reads as the same policy.

A rule that was changed in a program or replayed from an old close can so be handed to people. Only what differs from the
default is written; percentages and amounts are exact, since a percentage of seven decimals is a part in a billion.
"""

from __future__ import annotations

from collections.abc import Iterator

from endcredits.money import MICROS, PPB
from endcredits.royalties.policy_rules import check_policy
from endcredits.royalties.rules import Gate, Part, Policy, PoolRule

_PLAIN = Policy("plain", ())


def policy_toml(policy: Policy) -> str:
    """TOML text from which `read_policy` makes an equal policy.

    Raises:
        InputError: the policy breaks a rule (see `check_policy`).
    """
    check_policy(policy)
    lines = ["[policy]", f"name = {quoted(policy.name)}"]
    lines += _differing(policy, _PLAIN, ("weighting", "settle_in"), quoted)
    if policy.significance_ppb:
        lines.append(f"significance = {percent(policy.significance_ppb)}")
    if policy.reliability_min_ppb:
        lines.append(f"reliability_min = {percent(policy.reliability_min_ppb)}")
    if policy.tail_ppb != PPB:
        lines.append(f"tail = {percent(policy.tail_ppb)}")
    if policy.payout_threshold_micros:
        lines.append(f"payout_threshold = {amount(policy.payout_threshold_micros)}")
    lines += _differing(policy, _PLAIN, ("holds_anomalies", "four_eyes"), lambda value: str(value).lower())
    lines += _differing(policy, _PLAIN, ("audit_window_days",), str)
    for rule in policy.pools:
        lines += ["", *_pool(rule)]
    for levy in policy.levies:
        lines += ["", "[[levy]]", f"name = {quoted(levy.name)}", f"share = {percent(levy.share_ppb)}"]
        lines.append(f"party = {quoted(levy.party_id)}")
    return "\n".join(lines) + "\n"


def _pool(rule: PoolRule) -> Iterator[str]:
    yield "[[pool]]"
    yield f"name = {quoted(rule.name)}"
    yield f"base = {quoted(rule.base)}"
    if rule.base in ("gross", "net"):
        yield f"share = {percent(rule.share_ppb)}"
    else:
        yield f"amount = {amount(rule.amount_micros, rule.currency)}"
    yield f"spread = {quoted(rule.spread)}"
    if rule.by:
        yield f"by = [{', '.join(map(quoted, rule.by))}]"
    yield from _differing(rule, PoolRule("plain"), ("service", "offer", "use"), quoted)
    if rule.multipliers:
        pairs = (f"{quoted(kind)} = {_factor(factor_ppb)}" for kind, factor_ppb in rule.multipliers)
        yield f"multipliers = {{ {', '.join(pairs)} }}"
    for part in rule.parts:
        yield ""
        yield from _part(part)


def _part(part: Part) -> Iterator[str]:
    yield "[[pool.part]]"
    yield f"name = {quoted(part.name)}"
    yield f"share = {percent(part.share_ppb)}"
    if part.of_rest:
        yield "of_rest = true"
    yield f"by = {quoted(part.by)}"
    yield f"right = {quoted(part.right)}"
    if part.party_id:
        yield f"party = {quoted(part.party_id)}"
    if part.fixed_by_reliability:
        yield 'fixed = "by reliability"'
    elif part.fixed_ppb:
        yield f"fixed = {percent(part.fixed_ppb)}"
    if part.gate != Gate():
        yield f"gate = {_gate(part.gate)}"


def _gate(gate: Gate) -> str:
    pairs = [f"to = {quoted(gate.to)}"]
    if gate.uses_min:
        pairs.append(f"uses_min = {gate.uses_min}")
    if gate.cap_ppb != PPB:
        pairs.append(f"cap = {percent(gate.cap_ppb)}")
    if gate.floor_micros:
        pairs.append(f"floor = {amount(gate.floor_micros)}")
    return f"{{ {', '.join(pairs)} }}"


def _differing(record: object, plain: object, keys: tuple[str, ...], spell: object) -> Iterator[str]:
    assert callable(spell)
    for key in keys:
        value = getattr(record, key)
        if value != getattr(plain, key):
            yield f"{key} = {spell(value)}"


def quoted(text: str) -> str:
    """A basic string of TOML 1.0; names hold no control characters, so only the quotation mark and the stroke need care.

    >>> print(quoted('a "b"'))
    "a \\"b\\""
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def percent(ppb: int) -> str:
    """Parts per billion as an exact percentage in quotation marks.

    >>> percent(125_000_000)
    '"12.5%"'
    """
    whole, part = divmod(ppb, PPB // 100)
    return f'"{f"{whole}.{part:07d}".rstrip("0").rstrip(".")}%"'


def amount(micros: int, currency: str = "") -> str:
    """Micros as an exact amount in quotation marks.

    >>> amount(50_000, "USD")
    '"0.05 USD"'
    """
    whole, part = divmod(micros, MICROS)
    decimals = f"{part:06d}".rstrip("0").ljust(2, "0")
    return f'"{whole}.{decimals}{" " + currency if currency else ""}"'


def _factor(factor_ppb: int) -> str:
    whole, part = divmod(factor_ppb, PPB)
    return f'"{f"{whole}.{part:09d}".rstrip("0").rstrip(".")}x"'
