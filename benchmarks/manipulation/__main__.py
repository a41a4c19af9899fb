"""`python -m benchmarks.manipulation [--json] [--worlds N]`: what tricks gain under the real close, a minute a world.

Every attack of `attacks.py` is tried at every strength on small markets (`world.py`), and paid through the real close under
three rules: every work for itself; duplicates in clusters, first registrant first, with a significance test (the shipped
defence); and the same with user-centric pools. A gain is the attackers' income, less what they spent, over what they earned
in the honest market; where they had nothing there, it is their part of the pool. Medians over worlds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from dataclasses import asdict, dataclass, replace
from typing import Any

from benchmarks.frame import machine
from benchmarks.manipulation.attacks import ATTACKER, ATTACKS, VICTIM, Attack
from benchmarks.manipulation.pay import incomes
from benchmarks.manipulation.world import World, honest_world
from endcredits.royalties.policy import FIFTY_FIFTY
from endcredits.royalties.rules import Policy

GUARDED = replace(FIFTY_FIFTY, name="guarded", significance_ppb=100_000_000)
USER_CENTRIC = replace(
    GUARDED, name="user-centric", pools=tuple(replace(pool, spread="uses", by=("payer",)) for pool in GUARDED.pools)
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A way to pay.

    Attributes:
        name: for the table.
        policy: of the close.
        clustered: whether duplicates are clustered.
    """

    name: str
    policy: Policy
    clustered: bool


RULES = (
    Rule("each work for itself", FIFTY_FIFTY, False),
    Rule("clusters and significance", GUARDED, True),
    Rule("the same, user-centric", USER_CENTRIC, True),
)


@dataclass(frozen=True, slots=True)
class Row:
    """What one attack gained.

    Attributes:
        attack: its name.
        strength: as tried.
        rule: the way to pay.
        gain: attackers' income less spending over their honest income; None where they had none.
        pool_part: attackers' income over the pool.
        victim_kept: the victim's income over its honest income.
    """

    attack: str
    strength: float
    rule: str
    gain: float | None
    pool_part: float
    victim_kept: float


def played(attack: Attack, strength: float, rule: Rule, world: World, honest: dict[str, int]) -> Row:
    """One attack on one world under one rule."""
    attacked = attack.play(world, strength)
    disputed = _disputed(attacked) if attack.name == "squatting" else frozenset[str]()
    earned = incomes(attacked, rule.policy, clustered=rule.clustered, disputed=disputed if rule.clustered else frozenset())
    got = sum(micros for owner, micros in earned.items() if owner.startswith(attack.gainers))
    before = sum(micros for owner, micros in honest.items() if owner.startswith(attack.gainers))
    spent = sum(output.paid_micros for output in attacked.outputs[len(world.outputs) :]) if attack.spends else 0
    return Row(
        attack.name,
        strength,
        rule.name,
        (got - spent) / before if before else None,
        got / sum(earned.values()),
        earned[VICTIM] / honest[VICTIM],
    )


def _disputed(world: World) -> frozenset[str]:
    """The works that the victim claims, once the squatting is seen."""
    squatted = {work.work_id for work in world.works if work.owner == "squatter"}
    return squatted | {work.work_id for work in world.works if work.owner == VICTIM}


def run(worlds: int) -> dict[str, Any]:
    """All attacks on all worlds."""
    found: dict[tuple[str, float, str], list[Row]] = {}
    for seed in range(worlds):
        world = honest_world(seed=seed)
        for rule in RULES:
            honest = incomes(world, rule.policy, clustered=rule.clustered)
            for attack in ATTACKS:
                print(f"manipulation: world {seed + 1}, {rule.name}, {attack.name}", file=sys.stderr)
                for strength in attack.strengths:
                    key = (attack.name, strength, rule.name)
                    found.setdefault(key, []).append(played(attack, strength, rule, world, honest))
    return {
        "benchmark": "manipulation",
        "machine": machine(),
        "worlds": worlds,
        "attacker": ATTACKER,
        "rows": [asdict(_median(rows)) for rows in found.values()],
        "defences": {attack.name: attack.defence for attack in ATTACKS},
    }


def _median(rows: list[Row]) -> Row:
    gains = [row.gain for row in rows if row.gain is not None]
    return replace(
        rows[0],
        gain=round(statistics.median(gains), 4) if gains else None,
        pool_part=round(statistics.median(row.pool_part for row in rows), 5),
        victim_kept=round(statistics.median(row.victim_kept for row in rows), 4),
    )


def show(document: dict[str, Any]) -> None:
    """The table for people: a line an attack and strength, a column a rule."""
    rules = [rule.name for rule in RULES]
    print(
        f"manipulation  ({document['machine']}; {document['worlds']} worlds; gain over honest income, or part of the pool)"
    )
    print(f"  {'attack':<36}{'strength':>9}" + "".join(f"{rule:>28}" for rule in rules))
    cells: dict[tuple[str, float], dict[str, str]] = {}
    for row in document["rows"]:
        text = f"{row['gain']:.2f}x" if row["gain"] is not None else f"{row['pool_part']:.2%} of pool"
        text += f", victim {row['victim_kept']:.2f}" if row["attack"] in ("copies of another's works", "squatting") else ""
        cells.setdefault((row["attack"], row["strength"]), {})[row["rule"]] = text
    for (attack, strength), by_rule in cells.items():
        print(f"  {attack:<36}{strength:>9g}" + "".join(f"{by_rule[rule]:>28}" for rule in rules))


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description="What tricks gain under the real close.")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--worlds", type=int, default=3, help="markets that every attack is tried on")
    asked = parser.parse_args()
    document = run(asked.worlds)
    if asked.json:
        json.dump(document, sys.stdout, indent=2)
        print()
    else:
        show(document)


if __name__ == "__main__":
    main()
