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
        spends: whether the attackers pay for outputs themselves; their spending is then taken from the gain.
        defence: what is meant to stop it.
    """

    name: str
    strengths: tuple[float, ...]
    play: Callable[[World, float], World]
    gainers: tuple[str, ...]
    defence: str
    spends: bool = False


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
    own = [work.place for work in world.works if work.owner == ATTACKER]
    said = [Said(f"wash-{n:04d}", moved(own[n % len(own)], 0.02, n), "payer-washer") for n in range(int(outputs))]
    return world.with_outputs(*said)


def reregistered(world: World, count: float) -> World:
    """Outputs of the model registered as works by the one who had them made."""
    draw = np.random.default_rng(8)
    said = world.outputs[: int(count)]
    made = [Made(f"zz-loop-{n:04d}", "looper", output.place, a_text(draw), LATER) for n, output in enumerate(said)]
    return world.with_works(*made)


ATTACKS = (
    Attack(
        "own copies, part of words replaced",
        (0.0, 0.02, 0.05, 0.1, 0.2, 0.4),
        own_copies,
        (ATTACKER,),
        "one cluster is paid once",
    ),
    Attack("exact copies over accounts", (1, 5, 20, 100), sybils, (ATTACKER,), "the first registrant is paid"),
    Attack(
        "edited copies over 20 accounts",
        (0.02, 0.05, 0.1, 0.2, 0.4),
        edited_sybils,
        (ATTACKER,),
        "the first registrant is paid",
    ),
    Attack("copies of another's works", (0.0, 0.02, 0.05, 0.1, 0.2, 0.4), theft, ("thief",), "the first registrant is paid"),
    Attack("squatting", (0.0, 0.05), squatting, ("squatter",), "a dispute holds the money"),
    Attack("flood of generic works", (100, 1000, 5000), flood, ("spammer",), "significance"),
    Attack("hubs", (5, 20, 50), hubs, ("hubster",), "none but the measure itself"),
    Attack("washing", (20, 100, 300), wash, (ATTACKER,), "user-centric pools", spends=True),
    Attack("outputs registered as works", (20, 100), reregistered, ("looper",), "provenance at admission"),
)
