"""The attacks: each makes of an honest world one in which `owner-000` or a stranger tries a trick.

The list is that of the literature and of platforms' experience: copies and edited copies, sybil accounts, squatting, floods
of generic works, hubs, washing, outputs registered as works. What an attack changes is stated in its docstring; what it
gains is its people's income over what it was without the trick.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.manipulation.world import DIMENSIONS, Made, Said, World, a_text, unit
from endcredits.royalties.rules import Gate

ATTACKER = "owner-000"
VICTIM = "owner-001"
LATER = "2026-01-15T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack.

    Attributes:
        name: for the table.
        strengths: what is tried, weakest first.
        play: makes the attacked world of the honest one and a strength.
        gainers: whose income counts, by prefix of the owner's id.
        defence: what is meant to stop it.
        spends: whether the attackers pay for outputs themselves.
        disputed: whether the victim claims its works once it sees the trick.
        gate: limits that all rules but the first have besides, for this attack.
        of_noise: whether the strength is the measuring error, in the honest market too.
    """

    name: str
    strengths: tuple[float, ...]
    play: Callable[[World, float], World]
    gainers: tuple[str, ...]
    defence: str
    spends: bool = False
    disputed: bool = False
    gate: Gate | None = None
    of_noise: bool = False


def edited(text: str, part: float, seed: int) -> str:
    """The text with a part of its words replaced: what light rewriting leaves of it."""
    draw = random.Random(seed)
    words = a_text(np.random.default_rng(seed), 50).split()
    return " ".join(draw.choice(words) if draw.random() < part else word for word in text.split())


def moved(place: np.ndarray, far: float, seed: int) -> np.ndarray:
    """A place near another."""
    return unit(place + far * np.random.default_rng(seed).normal(size=DIMENSIONS))


def _copies(world: World, of: str, count: int, part: float, owners: Sequence[str]) -> World:
    """`count` copies of every work of an owner, a part of their words replaced; they move as far as they are rewritten."""
    made = []
    for work in [work for work in world.works if work.owner == of]:
        for number in range(count):
            seed = 1000 * number + len(made)
            name = f"zz-{work.work_id}-{number:03d}"
            owner = owners[number % len(owners)]
            made.append(Made(name, owner, moved(work.place, 0.15 * part, seed), edited(work.text, part, seed), LATER))
    return world.with_works(*made)


def own_copies(world: World, part: float) -> World:
    """Twenty copies of each own work."""
    return _copies(world, ATTACKER, 20, part, [ATTACKER])


def sybils(world: World, accounts: float) -> World:
    """Twenty exact copies of each own work, spread over so many accounts."""
    return _copies(world, ATTACKER, 20, 0.0, [f"{ATTACKER}-sybil-{n:03d}" for n in range(int(accounts))])


def edited_sybils(world: World, part: float) -> World:
    """The same over 20 accounts, with a part of the words replaced."""
    return _copies(world, ATTACKER, 20, part, [f"{ATTACKER}-sybil-{n:03d}" for n in range(20)])


def theft(world: World, part: float) -> World:
    """Twenty copies of each of the victim's works, registered later by a stranger."""
    return _copies(world, VICTIM, 20, part, ["thief"])


def copies_by_noise(world: World, noise: float) -> World:
    """Twenty exact copies of each own work, where credits are measured with this error."""
    return own_copies(replace(world, noise=noise), 0.0)


def theft_by_noise(world: World, noise: float) -> World:
    """Twenty exact copies of each of the victim's works, where credits are measured with this error."""
    return theft(replace(world, noise=noise), 0.0)


def crops(world: World, part: float) -> World:
    """The first part of each own work registered again, twenty times."""
    made = []
    for work in [work for work in world.works if work.owner == ATTACKER]:
        words = work.text.split()
        text = " ".join(words[: round(part * len(words))])
        for number in range(20):
            seed = 1000 * number + len(made)
            place = moved(work.place, 0.15 * (1 - part), seed)
            made.append(Made(f"zz-crop-{work.work_id}-{number:03d}", ATTACKER, place, text, LATER))
    return world.with_works(*made)


def outliers(world: World, spike: float) -> World:
    """Own works are made so that their measured credits jump up and down, in every output, by so much of its log-ratio."""
    return replace(world, spiked=ATTACKER, spike=spike)


def dropped(world: World, part: float) -> World:
    """The operator reports so much less: every n-th output's use is left out."""
    every = round(1 / part)
    return replace(world, outputs=tuple(one for n, one in enumerate(world.outputs) if n % every != every - 1))


def squatting(world: World, part: float) -> World:
    """A stranger registers the victim's works before the victim does."""
    after = _copies(world, VICTIM, 1, part, ["squatter"])
    early = [
        replace(work, registered_at="2025-12-01T00:00:00Z") if work.owner == "squatter" else work for work in after.works
    ]
    return replace(after, works=tuple(early))


def flood(world: World, count: float) -> World:
    """So many generic works: texts of a dozen common words, at the middle of everything."""
    middle = unit(np.mean([work.place for work in world.works], axis=0))
    draw = np.random.default_rng(5)
    made = [Made(f"zz-spam-{n:05d}", "spammer", moved(middle, 0.5, n), a_text(draw, 12), LATER) for n in range(int(count))]
    return world.with_works(*made)


def hubs(world: World, count: float) -> World:
    """So many works placed where most outputs are near: at the means of the busiest neighbourhoods."""
    asked = np.stack([output.place for output in world.outputs])
    made = []
    draw = np.random.default_rng(6)
    for number in range(int(count)):
        near = asked[np.argsort(-(asked @ asked[number * 7 % len(asked)]))[:25]]
        made.append(Made(f"zz-hub-{number:03d}", "hubster", unit(near.mean(axis=0)), a_text(draw), LATER))
    return world.with_works(*made)


def wash(world: World, outputs: float) -> World:
    """A payer who belongs to the attacker makes so many outputs next to the attacker's works, at 1.00 each."""
    return _washed(world, int(outputs), 1_000_000)


def flat_wash(world: World, outputs: float) -> World:
    """The same for a flat fee: together they cost 10.00."""
    return _washed(world, int(outputs), 10_000_000 // int(outputs))


def _washed(world: World, outputs: int, each_micros: int) -> World:
    own = [work.place for work in world.works if work.owner == ATTACKER]
    said = [Said(f"wash-{n:04d}", moved(own[n % len(own)], 0.02, n), "payer-washer", each_micros) for n in range(outputs)]
    return world.with_outputs(*said)


def reregistered(world: World, count: float) -> World:
    """Outputs of the model registered as works by the one who had them made."""
    draw = np.random.default_rng(8)
    said = world.outputs[: int(count)]
    made = [Made(f"zz-loop-{n:04d}", "looper", output.place, a_text(draw), LATER) for n, output in enumerate(said)]
    return world.with_works(*made)


STEPS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)
OWN, THIEF, SQUATTER, HUBSTER = (ATTACKER,), ("thief",), ("squatter",), ("hubster",)
FIRST = "the first registrant is paid"
ATTACKS = (
    Attack("exact copies, by measuring error", (0.0, 0.005, 0.02), copies_by_noise, OWN, "copies are undone", of_noise=True),
    Attack("copies of another's, by error", (0.0, 0.005, 0.02), theft_by_noise, THIEF, FIRST, of_noise=True),
    Attack("own copies, words replaced", STEPS[1:], own_copies, OWN, "one cluster is paid once"),
    Attack("own crops, part kept", (0.9, 0.7, 0.5, 0.3), crops, OWN, "one cluster is paid once"),
    Attack("exact copies over accounts", (5, 20, 100), sybils, OWN, FIRST),
    Attack("edited copies over 20 accounts", STEPS[1:], edited_sybils, OWN, FIRST),
    Attack("copies of another's, words replaced", STEPS[1:], theft, THIEF, FIRST),
    Attack("squatting, nobody claims", (0.0, 0.05), squatting, SQUATTER, "none"),
    Attack("squatting, claimed", (0.0, 0.05), squatting, SQUATTER, "a dispute holds the money", disputed=True),
    Attack("flood of generic works", (100, 1000, 5000), flood, ("spammer",), "significance"),
    Attack("hubs", (5, 20, 50), hubs, HUBSTER, "none but the measure itself"),
    Attack(
        "hubs, works capped at 0.2 %",
        (5, 20, 50),
        hubs,
        HUBSTER,
        "a cap, too high to help here",
        gate=Gate(cap_ppb=2_000_000),
    ),
    Attack("outlier works", (0.05, 0.2), outliers, OWN, "signed sums; influence capped at build, not here"),
    Attack("washing at 1.00 each", (20, 100, 300), wash, OWN, "money stays with its use", spends=True),
    Attack("washing on a flat fee of 10.00", (20, 100, 300), flat_wash, OWN, "money stays with its payer", spends=True),
    Attack("outputs registered as works", (20, 100), reregistered, ("looper",), "provenance at admission"),
    Attack("operator leaves uses out", (0.01,), dropped, (), "totals against billing"),
)
