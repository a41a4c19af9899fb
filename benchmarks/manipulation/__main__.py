"""`python -m benchmarks.manipulation [--json] [--worlds N] [--jobs N]`: what tricks gain under the real close.

Every attack of `attacks.py` is tried at every strength on small markets (`world.py`) and paid through the real close under
the rules of `rules.py`. A gain is the attackers' income over what the same people earned in the honest market; where they
had nothing there, it is their part of the revenue. Who pays for own outputs is told what comes back of each 1.00 spent.
Medians over worlds; with --json also the lowest and the highest. Two minutes a world.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.frame import machine
from benchmarks.manipulation.attacks import ATTACKER, ATTACKS, VICTIM, Attack
from benchmarks.manipulation.detector import THRESHOLDS_PPB, Seen, curve
from benchmarks.manipulation.pay import Paid, freeze, measured, paid
from benchmarks.manipulation.refusals import refusals
from benchmarks.manipulation.rules import RULES, Rule
from benchmarks.manipulation.world import World, honest_world
from endcredits.money import PPB
from endcredits.royalties.frozen import Frozen


@dataclass(frozen=True, slots=True)
class Row:
    """What one attack gained under one rule, in one world.

    Attributes:
        attack: its name.
        strength: as tried.
        rule: the way to pay.
        gain: attackers' income over their honest income; None where they had none or pay for outputs.
        pool_part: attackers' income over all revenue.
        back: of each 1.00 the attackers spent, what came back beyond their honest income; None where they spend nothing.
        victim_kept: the victim's income over its honest income.
        others_kept: the income of all who neither attack nor are the victim, over their honest income.
        held: whether an attacker's money waits for a person.
        honest_held: payees held who are no attackers.
    """

    attack: str
    strength: float
    rule: str
    gain: float | None
    pool_part: float
    back: float | None
    victim_kept: float
    others_kept: float
    held: bool
    honest_held: int


def played(
    attack: Attack, strength: float, rule: Rule, one: World, frozen: Frozen, honest: Paid, revenue_before: int
) -> Row:
    """One attacked and frozen world under one rule."""
    found = paid(frozen, rule.gated(attack.gate), honest.earned if rule.holds else None)
    held = {owner for owner in found.suspected if owner.startswith(attack.gainers)} if attack.gainers else set()
    got = sum(_of(found, owner) for owner in found.earned if attack.gainers and owner.startswith(attack.gainers))
    before = sum(micros for owner, micros in honest.earned.items() if attack.gainers and owner.startswith(attack.gainers))
    revenue = sum(output.paid_micros for output in one.outputs)
    spent = revenue - revenue_before if attack.spends else 0
    others = [owner for owner in honest.earned if owner.startswith("owner-") and owner not in (ATTACKER, VICTIM)]
    return Row(
        attack.name,
        strength,
        rule.name,
        got / before if before and not spent else None,
        got / revenue,
        (got - before) / spent if spent else None,
        _of(found, VICTIM) / honest.earned[VICTIM],
        sum(_of(found, owner) for owner in others) / sum(honest.earned[owner] for owner in others),
        bool(held),
        len(found.suspected - held),
    )


def _of(found: Paid, owner: str) -> int:
    return 0 if owner in found.suspected else found.earned[owner]


def _claimed(world: World) -> frozenset[str]:
    """The works that the victim claims, once the squatting is seen, and its own."""
    return frozenset(work.work_id for work in world.works if work.owner in ("squatter", VICTIM))


def play_world(seed: int, payees: int = 200, outputs: int = 600, attacks: Iterable[Attack] = ATTACKS) -> list[Row]:
    """All attacks on one world."""
    world = honest_world(payees=payees, outputs=outputs, seed=seed)
    revenue = sum(output.paid_micros for output in world.outputs)
    honest: dict[float, dict[str, Paid]] = {}
    rows = []
    for attack in attacks:
        print(f"manipulation: world {seed + 1}, {attack.name}", file=sys.stderr)
        for strength in attack.strengths:
            noise = strength if attack.of_noise else world.noise
            if noise not in honest:
                honest[noise] = _closed(replace(world, noise=noise))
            attacked = attack.play(world, strength)
            disputed = _claimed(attacked) if attack.disputed else frozenset[str]()
            with _frozen(attacked, disputed) as frozen:
                for rule in RULES:
                    own = frozen[rule.clustered]
                    rows.append(played(attack, strength, rule, attacked, own, honest[noise][rule.name], revenue))
    return rows


@contextmanager
def _frozen(world: World, disputed: frozenset[str] = frozenset()) -> Iterator[dict[bool, Frozen]]:
    """The world frozen, by whether clusters are told."""
    one = measured(world)
    with tempfile.TemporaryDirectory() as folder:
        yield {
            False: freeze(one, Path(folder, "alone"), clustered=False),
            True: freeze(one, Path(folder, "clustered"), clustered=True, disputed=disputed),
        }


def _closed(world: World) -> dict[str, Paid]:
    with _frozen(world) as frozen:
        return {rule.name: paid(frozen[rule.clustered], rule.policy) for rule in RULES}


def run(worlds: int, jobs: int = 1) -> dict[str, Any]:
    """All attacks on all worlds."""
    found: dict[tuple[str, float, str], list[Row]] = {}
    with ProcessPoolExecutor(jobs) as pool:
        for rows in pool.map(play_world, range(worlds)):
            for row in rows:
                found.setdefault((row.attack, row.strength, row.rule), []).append(row)
    return {
        "benchmark": "manipulation",
        "machine": machine(),
        "worlds": worlds,
        "rules": {rule.name: rule.says for rule in RULES},
        "rows": [summed(rows) for rows in found.values()],
        "defences": {attack.name: attack.defence for attack in ATTACKS},
        "refusals": refusals(measured(honest_world(payees=20, outputs=200))),
        "detector": [asdict(seen) for seen in curve()],
    }


def summed(rows: list[Row]) -> dict[str, Any]:
    """Medians over worlds, with the range of what is gained; held is the part of the worlds in which it was."""
    document: dict[str, Any] = {"attack": rows[0].attack, "strength": rows[0].strength, "rule": rows[0].rule}
    for name in ("gain", "pool_part", "back", "victim_kept", "others_kept", "held", "honest_held"):
        values = [float(value) for row in rows if (value := getattr(row, name)) is not None]
        digits = 5 if name == "pool_part" else 3
        document[name] = round(statistics.median(values), digits) if values else None
        document[f"{name}_range"] = [round(min(values), digits), round(max(values), digits)] if values else None
    document["held"] = round(statistics.mean(row.held for row in rows), 3)
    return document


def cell(row: dict[str, Any]) -> str:
    """What stands in the table: a gain, what comes back of 1.00, or a part of the revenue."""
    if row["back"] is not None:
        text = f"{row['back']:.2f} back"
    elif row["gain"] is not None:
        text = f"{row['gain']:.2f}x"
    else:
        text = f"{row['pool_part']:.2%}"
    if "another" in row["attack"] or "squatting" in row["attack"]:
        text += f", victim {row['victim_kept']:.2f}"
    if row["attack"].startswith("operator"):
        text = f"others {row['others_kept']:.3f}"
    return text + (f" ({row['held']:.0%} held)" if row["held"] else "")


def show(document: dict[str, Any]) -> None:
    """The tables for people."""
    rules = list(document["rules"])
    print(f"manipulation  ({document['machine']}; medians of {document['worlds']} worlds)")
    for name, says in document["rules"].items():
        print(f"  {name}: {says}")
    cells: dict[tuple[str, float], dict[str, str]] = {}
    for row in document["rows"]:
        cells.setdefault((row["attack"], row["strength"]), {})[row["rule"]] = cell(row)
    wide = {rule: 2 + max(len(text) for text in (rule, *(by_rule[rule] for by_rule in cells.values()))) for rule in rules}
    print(f"  {'attack':<36}{'strength':>9}" + "".join(f"{rule:>{wide[rule]}}" for rule in rules))
    for (attack, strength), by_rule in cells.items():
        print(f"  {attack:<36}{strength:>9g}" + "".join(f"{by_rule[rule]:>{wide[rule]}}" for rule in rules))
    for trick, said in document["refusals"].items():
        print(f"  {trick}: {said}")
    limits = "".join(f"{limit / PPB:>10.0%}" for limit in THRESHOLDS_PPB)
    print(f"  {'two texts':<36}{'same work':>10}{'resemble':>10}{limits}   (part told as the same, by threshold)")
    for seen in (Seen(**row) for row in document["detector"]):
        told = "".join(f"{part:>10.0%}" for part in seen.found)
        print(f"  {seen.change:<36}{'yes' if seen.same else 'no':>10}{seen.resemblance:>10.2f}{told}")


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description="What tricks gain under the real close.")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--worlds", type=int, default=3, help="markets that every attack is tried on")
    parser.add_argument("--jobs", type=int, default=1, help="worlds at a time")
    asked = parser.parse_args()
    document = run(asked.worlds, asked.jobs)
    if asked.json:
        json.dump(document, sys.stdout, indent=2)
        print()
    else:
        show(document)


if __name__ == "__main__":
    main()
