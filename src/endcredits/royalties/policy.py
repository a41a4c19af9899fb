"""The policy in a TOML file that both sides can read: who pays what into which pool, and how a pool is divided.

    [policy]
    name = "streams"
    payout_threshold = "10.00"       # main units of each currency
    settle_in = "EUR"

    [[pool]]
    name = "subscriptions"
    base = "net"                     # gross, net, fixed, per-use
    share = "55%"                    # of the revenue; amount = "0.05 USD" for fixed and per-use
    spread = "uses"                  # direct: each use keeps what it earned; uses: all uses of the pool count the same
    by = ["service", "territory"]    # what pools are told apart by: service, territory, offer, payer

    [[pool.part]]                    # the waterfall, in order; a pool without parts is one part for its works
    name = "administration"
    share = "5%"
    by = "party"                     # credits, declared, equal, units, party
    party = "party:society"

    [[pool.part]]
    name = "works"
    share = "100%"
    of_rest = true                   # a portion of what the earlier parts left
    gate = { uses_min = 1000, cap = "10%", floor = "0.01", to = "commons" }

    [[levy]]
    name = "pension fund"
    share = "4%"
    party = "party:pension-fund"

A policy of one pool of the net revenue (less taxes and refunds) may be written shortly: `pool = "50%"` and, where it is
not "train", `right` under [policy]. `policy_toml` writes any policy back so that it reads the same. Its keys are told in
`rules.py`; what is allowed together, in `policy_rules.py`; whole examples lie in `policies/`.
"""

from __future__ import annotations

import os
from importlib import resources

from endcredits.canonical import digest
from endcredits.errors import InputError, NotFoundError
from endcredits.money import PPB
from endcredits.royalties.policy_rules import AUDIT_DAYS_MAX, WEIGHTINGS, check_policy
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
from endcredits.royalties.spellings import chosen
from endcredits.royalties.toml_table import Table, load_toml

_DEFAULTS = Policy("defaults", ())
_SHIPPED = resources.files("endcredits.royalties").joinpath("policies")


def read_policy(source: str | os.PathLike[str]) -> Policy:
    """Reads a policy from a TOML file, or from TOML text.

    Args:
        source: a path; a `str` with a line break, or beginning with "[", is the TOML text itself.

    Raises:
        InputError: no such file, not TOML, a key that is unknown, missing, given twice, of a wrong type or out of range, or
            rules that do not go together; file and key path are named.
    """
    is_text = isinstance(source, str) and ("\n" in source or source.lstrip().startswith("["))
    return parse_policy(source, file=None if is_text else source)


def parse_policy(source: str | os.PathLike[str], *, file: object = None) -> Policy:
    """Reads a policy like `read_policy`, with the file's name as the caller wants it in errors."""
    tables = load_toml(source, file=file)
    try:
        return check_policy(_policy(Table(tables)))
    except InputError as error:
        raise type(error)(error.message, remedy=error.remedy, file=file, field=error.field) from error


def policy_digest(policy: Policy) -> str:
    """SHA-256 of the policy's canonical bytes; the close and every statement name it."""
    return digest(policy)


def shipped_policies() -> tuple[str, ...]:
    """The names of the examples that come with this package, sorted."""
    return tuple(sorted(one.name.removesuffix(".toml") for one in _SHIPPED.iterdir() if one.name.endswith(".toml")))


def shipped_policy(name: str) -> Policy:
    """An example by its name.

    Raises:
        NotFoundError: there is none of that name.
    """
    return parse_policy(shipped_text(name), file=f"{name}.toml")


def shipped_text(name: str) -> str:
    """An example's TOML text, with the comments that explain it.

    Raises:
        NotFoundError: there is none of that name.
    """
    if name not in shipped_policies():
        raise NotFoundError(
            f"no policy '{name[:60]}' comes with this package",
            remedy=f"Name one of {', '.join(shipped_policies())}, or a file.",
            field="policy",
        )
    return _SHIPPED.joinpath(f"{name}.toml").read_text(encoding="utf-8")


def _policy(file: Table) -> Policy:
    if not file.has("policy"):
        raise InputError("there is no table [policy]", remedy="Begin the rules with a line [policy].", field="policy")
    head = file.table("policy")
    pools = tuple(_pool(table) for table in file.tables("pool"))
    if any([head.has("pool"), head.has("pool_ppb"), head.has("right")]):
        if pools:
            raise InputError(
                "the policy has a short form ('pool', 'right') and tables [[pool]]",
                remedy="Move the short form into a [[pool]] of its own.",
                field=head.at("pool" if head.has("pool") else "right"),
            )
        pools = (PoolRule("works", "net", head.percent("pool"), parts=(Part("works", right=head.id("right", "train")),)),)
    if not pools:
        raise InputError("the policy has no pool", remedy='Add pool = "50%" or a table [[pool]].', field=head.at("pool"))
    policy = Policy(
        name=head.id("name"),
        pools=pools,
        levies=tuple(_levy(table) for table in file.tables("levy")),
        weighting=head.choice("weighting", WEIGHTINGS, _DEFAULTS.weighting),
        settle_in=head.text("settle_in", ""),
        significance_ppb=head.percent("significance", 0),
        reliability_min_ppb=head.percent("reliability_min", 0),
        tail_ppb=head.percent("tail", PPB),
        payout_threshold_micros=head.amount("payout_threshold", 0),
        holds_anomalies=head.truth("holds_anomalies"),
        four_eyes=head.truth("four_eyes"),
        audit_window_days=head.whole("audit_window_days", _DEFAULTS.audit_window_days, top=AUDIT_DAYS_MAX),
    )
    head.close()
    file.close()
    return policy


def _pool(table: Table) -> PoolRule:
    base = table.choice("base", BASES, "gross")
    if base in ("gross", "net"):
        share_ppb, amount, currency = table.percent("share"), 0, ""
        wrong = [key for key in ("amount", "amount_micros", "currency") if table.has(key)]
        remedy = f'A pool of {base} revenue has a share; write base = "fixed" or "per-use" for an amount.'
    else:
        amount, currency = table.money("amount")
        share_ppb = 0
        wrong = [key for key in ("share", "share_ppb") if table.has(key)]
        remedy = f"A pool of base '{base}' has an amount; leave the share out."
    if wrong:
        raise InputError(f"a pool of base '{base}' has no '{wrong[0]}'", remedy=remedy, field=table.at(wrong[0]))
    factors = table.table("multipliers")
    rule = PoolRule(
        name=table.name("name"),
        base=base,
        share_ppb=share_ppb,
        amount_micros=amount,
        currency=currency,
        spread=table.choice("spread", SPREADS, "uses" if base == "fixed" else "direct"),
        by=table.choices("by", KEYS),
        service=table.text("service", ""),
        offer=table.text("offer", ""),
        use=table.text("use", ""),
        multipliers=tuple((kind, factors.factor(kind)) for kind in factors.names()),
        parts=tuple(_part(part) for part in table.tables("part")) or (Part("works"),),
    )
    table.close()
    return rule


def _part(table: Table) -> Part:
    by_reliability = table.has("fixed") and table.text("fixed") == "by reliability"
    gate = table.table("gate")
    part = Part(
        name=table.name("name"),
        share_ppb=table.percent("share", PPB),
        of_rest=table.truth("of_rest"),
        by=table.choice("by", BASES_OF_DIVISION, "credits"),
        right=table.id("right", "train"),
        party_id=table.text("party", ""),
        fixed_ppb=0 if by_reliability else table.percent("fixed", 0),
        fixed_by_reliability=by_reliability,
        gate=Gate(
            uses_min=gate.whole("uses_min", 0),
            cap_ppb=gate.percent("cap", PPB),
            floor_micros=gate.amount("floor", 0),
            to=chosen(gate.text("to", "commons"), DESTINATIONS, gate.at("to")),
        ),
    )
    gate.close()
    table.close()
    return part


def _levy(table: Table) -> Levy:
    levy = Levy(name=table.name("name"), share_ppb=table.percent("share"), party_id=table.id("party"))
    table.close()
    return levy


FIFTY_FIFTY = shipped_policy("fifty-fifty")
"""The default policy: half of the net revenue, by revenue, paid out from 10.00 on."""
