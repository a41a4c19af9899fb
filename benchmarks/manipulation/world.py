"""A small market in which attacks can be tried: works with texts and places, outputs near works, credits by nearness.

Works stand at points of a sphere, an output stands near one of them, and a work's credit is the output's log-ratio times a
softmax of nearness, plus measuring noise whose size is stated. That is a harsher rule than measured influence: copies take a
share of every output near them, however little a model learns from a twentieth copy, so what holds here holds against the
worst that an attribution may do (`benchmarks.payout` measures tricks on trained models). Texts decide what the real detector
of near duplicates sees.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

DIMENSIONS = 32
TEMPERATURE = 0.07
NOISE = 0.02
"""Standard error of a credit, as a part of the output's log-ratio, where a world says nothing else."""
NATS = 5.0
"""Log-ratio of every output."""
KEPT = 50
"""Works an output's attribution lists; the rest of its log-ratio is unattributed."""
WORDS = 240
"""Words in a work's text."""
SYLLABLES = tuple(a + b for a in "bcdfghjklmnprst" for b in "aeiou")


@dataclass(frozen=True, slots=True)
class Made:
    """A registered work.

    Attributes:
        work_id: its id.
        owner: who is paid.
        place: unit vector ``[DIMENSIONS]``.
        text: its text.
        registered_at: UTC.
    """

    work_id: str
    owner: str
    place: np.ndarray
    text: str
    registered_at: str = "2026-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Said:
    """An output that was used.

    Attributes:
        output_id: its id.
        place: unit vector ``[DIMENSIONS]``.
        payer: who paid for it.
        paid_micros: what it earned.
    """

    output_id: str
    place: np.ndarray
    payer: str
    paid_micros: int = 1_000_000


@dataclass(frozen=True, slots=True)
class World:
    """Works and the outputs of a period.

    Attributes:
        works: by order of registration.
        outputs: in any order.
        seed: of all drawing.
        noise: standard error of a credit, as a part of the output's log-ratio.
        spiked: an owner whose works are made to disturb the measurement; "" for nobody.
        spike: standard deviation of that disturbance, as a part of the log-ratio.
    """

    works: tuple[Made, ...]
    outputs: tuple[Said, ...]
    seed: int = 0
    noise: float = NOISE
    spiked: str = ""
    spike: float = 0.0

    def with_works(self, *made: Made) -> World:
        """The world with more works."""
        return replace(self, works=(*self.works, *made))

    def with_outputs(self, *said: Said) -> World:
        """The world with more outputs."""
        return replace(self, outputs=(*self.outputs, *said))


def honest_world(payees: int = 200, works_each: int = 4, outputs: int = 600, payers: int = 60, seed: int = 0) -> World:
    """A market without attackers; `owner-000` is who will try the tricks."""
    draw = np.random.default_rng(seed)
    works = []
    for payee in range(payees):
        for number in range(works_each):
            name = f"work-{payee:03d}-{number}"
            works.append(Made(name, f"owner-{payee:03d}", unit(draw.normal(size=DIMENSIONS)), a_text(draw)))
    said = []
    for number in range(outputs):
        near = works[int(draw.integers(len(works)))].place
        place = unit(near + 0.12 * draw.normal(size=DIMENSIONS))
        said.append(Said(f"output-{number:04d}", place, f"payer-{number % payers:03d}"))
    return World(tuple(works), tuple(said), seed)


def credits_of(world: World) -> tuple[np.ndarray, np.ndarray]:
    """Which works every output lists, and their credits in nats: both ``[outputs, KEPT]``."""
    places = np.stack([work.place for work in world.works])
    asked = np.stack([output.place for output in world.outputs])
    near = np.exp((asked @ places.T - 1) / TEMPERATURE)
    share = near / near.sum(axis=1, keepdims=True)
    kept = min(KEPT, share.shape[1])
    listed = np.argsort(-share, axis=1, kind="stable")[:, :kept]
    spiked = np.array([n for n, work in enumerate(world.works) if work.owner == world.spiked], dtype=int)
    for row in listed:
        # Whoever disturbs a measurement stands in every list.
        missing = spiked[~np.isin(spiked, row)]
        row[kept - len(missing) :] = missing
    # Noise is drawn per output and work id, so that an attack changes no other work's noise.
    pairs = zip(world.outputs, listed, strict=True)
    noise = _normal([[f"{world.seed}/{one.output_id}/{world.works[n].work_id}" for n in row] for one, row in pairs])
    size = world.noise + world.spike * np.isin(listed, spiked)
    return listed, NATS * (np.take_along_axis(share, listed, axis=1) + size * noise)


def _normal(names: list[list[str]]) -> np.ndarray:
    """A standard normal number for every name (Box and Muller 1958): the same for the same name, in any process."""
    raw = b"".join(hashlib.sha256(name.encode()).digest()[:16] for row in names for name in row)
    one, two = (np.frombuffer(raw, "<u8").reshape(len(names), -1, 2) / 2.0**64).transpose(2, 0, 1)
    return np.sqrt(-2 * np.log1p(-one)) * np.cos(2 * np.pi * two)


def unit(vector: np.ndarray) -> np.ndarray:
    """The vector at length one."""
    return vector / np.linalg.norm(vector)


def a_text(draw: np.random.Generator, words: int = WORDS) -> str:
    """Words of three syllables, drawn."""
    picked = draw.integers(len(SYLLABLES), size=(words, 3))
    return " ".join("".join(SYLLABLES[n] for n in row) for row in picked)
