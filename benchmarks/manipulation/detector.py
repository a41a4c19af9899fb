"""Where the detector of near duplicates ends: how often it takes two texts for the same, by what was done to one of them.

Below the line "the same" a text is found again (anything else is a false split); "another" are texts that two people made,
which should not be found (anything else is a false merge). Texts are those of `world.py`; a translation is another text, as
no character run survives it; a form is a text two people filled in, so much of it the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.manipulation.attacks import edited
from benchmarks.manipulation.world import a_text
from endcredits.ids import WorkId
from endcredits.influence.neardup import near_pairs, shingles
from endcredits.influence.neardup.pairs import compared
from endcredits.money import PPB

THRESHOLDS_PPB = (300_000_000, 500_000_000, 700_000_000)
TEXTS = 60


@dataclass(frozen=True, slots=True)
class Seen:
    """What the detector sees of one change.

    Attributes:
        change: what was done, in words.
        same: whether the two texts are one work and should be found.
        resemblance: mean over the texts, 0..1.
        found: by threshold, the part of the pairs that `near_pairs` tells.
    """

    change: str
    same: bool
    resemblance: float
    found: tuple[float, ...]


def _cropped(text: str, part: float, seed: int) -> str:
    words = text.split()
    return " ".join(words[: round(part * len(words))])


def _form(text: str, part: float, seed: int) -> str:
    head = text.split()
    kept = round(part * len(head))
    return " ".join([*head[:kept], *a_text(np.random.default_rng(90_000 + seed), len(head) - kept).split()])


def _again(text: str, part: float, seed: int) -> str:
    return a_text(np.random.default_rng(70_000 + seed))


CHANGES: tuple[tuple[str, bool, Callable[[str, float, int], str], tuple[float, ...]], ...] = (
    ("words replaced", True, edited, (0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.2, 0.4)),
    ("cropped, part kept", True, _cropped, (0.9, 0.7, 0.55, 0.5, 0.3)),
    ("translated", True, _again, (1.0,)),
    ("another text", False, _again, (1.0,)),
    ("a form, part in common", False, _form, (0.3, 0.5, 0.65, 0.7, 0.8)),
)


def curve(texts: int = TEXTS) -> tuple[Seen, ...]:
    """Every change at every strength, on so many texts."""
    return tuple(_seen(texts))


def _seen(texts: int) -> Iterator[Seen]:
    made = [a_text(np.random.default_rng(50_000 + n)) for n in range(texts)]
    for name, same, change, strengths in CHANGES:
        for strength in strengths:
            pairs = [(text, change(text, strength, n)) for n, text in enumerate(made)]
            alike = [_resemblance(*pair) for pair in pairs]
            found = tuple(sum(_told(*pair, limit) for pair in pairs) / texts for limit in THRESHOLDS_PPB)
            yield Seen(f"{name} {strength:g}" if strength != 1 else name, same, round(sum(alike) / texts, 3), found)


def _told(one: str, other: str, limit_ppb: int) -> bool:
    return bool(near_pairs({WorkId("a"): one.encode(), WorkId("b"): other.encode()}, limit_ppb))


def _resemblance(one: str, other: str) -> float:
    sets = {WorkId("a"): shingles(one.encode()), WorkId("b"): shingles(other.encode())}
    return compared(WorkId("a"), WorkId("b"), sets).resemblance_ppb / PPB
