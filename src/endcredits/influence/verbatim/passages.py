"""Which passages a given text and a long row of other texts have in common, without an index of those texts.

The given text is small and the others are many, so the given one is prepared: every stretch of `GRAM` bytes of it is hashed.
Of each other text only every `STRIDE`th stretch is looked up, since whatever both have in common over `LETTERS_MIN` bytes
holds at least one of these whole. Where one is found, the passage is extended to both sides as far as both texts agree. That
reads each text once, at about the speed of its disk, and keeps nothing.

Nothing that long is missed. Only where a text repeats itself over and over (a row of equal lines) not every way of laying
one repetition over another is followed; then the passage is found, and may be told a little shorter than it is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from endcredits.influence.neardup.shingles import mixed

GRAM = 16
STRIDE = 33
LETTERS_MIN = GRAM + STRIDE - 1
"""Bytes of folded text in common from which a passage is found: about nine English words."""
SAME_GRAMS_MAX = 64
"""So many equal stretches of the given text are tried for one of another text."""
EXTENSIONS_MAX = 2_000
"""So many passages are extended in one text before repetitions of what was found are passed over."""

Words = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Passage:
    """What two folded texts have in common; it cannot be extended to either side.

    Attributes:
        length: in bytes.
        given_start: where it begins in the given text.
        start: where it begins in the other one.
    """

    length: int
    given_start: int
    start: int

    @property
    def stop(self) -> int:
        """Its end in the other text."""
        return self.start + self.length


class Given:
    """A given text, prepared to be looked for.

    Attributes:
        text: folded.
    """

    def __init__(self, text: bytes) -> None:
        """Args: text: folded; shorter than `LETTERS_MIN` it is found only whole."""
        self.text = text
        if len(text) >= LETTERS_MIN:
            keys = _keys(text, 1)
            self._order = np.argsort(keys, kind="stable")
            self._keys = keys[self._order]

    def hits(self, keys: Words) -> list[tuple[int, npt.NDArray[np.int64]]]:
        """(number of the key, where in the given text its stretch may stand) for every key that may be found."""
        first = np.searchsorted(self._keys, keys, side="left")
        there = np.flatnonzero(self._keys[np.minimum(first, len(self._keys) - 1)] == keys)
        last = np.searchsorted(self._keys, keys[there], side="right")
        return [
            (int(number), self._order[first[number] : min(stop, first[number] + SAME_GRAMS_MAX)])
            for number, stop in zip(there, last, strict=True)
        ]


def common_passages(given: Sequence[Given], text: bytes) -> list[list[Passage]]:
    """The passages that each given text has in common with another text.

    Args:
        given: one or several; the other text is read once for all of them.
        text: folded.

    Returns:
        For each given text the passages of at least `LETTERS_MIN` bytes, the longest first; of a shorter text the places
        where it stands whole.
    """
    keys = _keys(text, STRIDE) if len(text) >= LETTERS_MIN else None
    found = []
    for one in given:
        if len(one.text) < LETTERS_MIN:
            found.append([Passage(len(one.text), 0, at) for at in _places(one.text, text)])
        else:
            found.append([] if keys is None else _extended(one.text, text, one.hits(keys)))
    return found


def _places(wanted: bytes, text: bytes) -> Iterator[int]:
    """Where a short text stands in another one, without overlaps."""
    at = text.find(wanted) if wanted else -1
    while at >= 0:
        yield at
        at = text.find(wanted, at + len(wanted))


def common_with_each(given: Sequence[Given], texts: Sequence[bytes]) -> list[list[list[Passage]]]:
    """The same as `common_passages` for several texts at once, which costs much less where they are short.

    They are laid in a row with a byte between them that stands in no folded text, so that no passage reaches over it.
    """
    starts = list(accumulate((len(text) + 1 for text in texts), initial=0))
    found: list[list[list[Passage]]] = [[[] for _ in given] for _ in texts]
    for number, passages in enumerate(common_passages(given, b"\0".join(texts))):
        for one in passages:
            which = bisect_right(starts, one.start) - 1
            found[which][number].append(replace(one, start=one.start - starts[which]))
    return found


def covered(passages: Sequence[Passage]) -> int:
    """How many bytes of the given text stand in at least one of some passages."""
    total = reached = 0
    for one in sorted(passages, key=lambda one: one.given_start):
        stop = one.given_start + one.length
        total += max(0, stop - max(reached, one.given_start))
        reached = max(reached, stop)
    return total


def covered_other(passages: Sequence[Passage]) -> int:
    """How many bytes of the other text stand in at least one of some passages."""
    return covered([Passage(one.length, one.start, 0) for one in passages])


def _extended(given: bytes, text: bytes, hits: Sequence[tuple[int, npt.NDArray[np.int64]]]) -> list[Passage]:
    found: dict[tuple[int, int], Passage] = {}
    reached: dict[int, int] = {}  # how far on each diagonal (place in the text less place in the given one)
    extensions, passed = 0, 0
    for number, candidates in hits:
        at = number * STRIDE
        if extensions >= EXTENSIONS_MAX and at + GRAM <= passed:
            continue
        for place in candidates.tolist():
            if reached.get(at - place, 0) >= at + GRAM:
                continue
            if given[place : place + GRAM] != text[at : at + GRAM]:
                continue  # another stretch of the same hash
            extensions += 1
            back = _same_before(given, place, text, at)
            ahead = _same_from(given, place, text, at)
            one = Passage(back + ahead, place - back, at - back)
            reached[at - place] = one.stop
            passed = max(passed, one.stop)
            if one.length >= LETTERS_MIN:
                found[one.given_start, one.start] = one
            if extensions >= EXTENSIONS_MAX:
                break
    return sorted(found.values(), key=lambda one: (-one.length, one.start, one.given_start))


def _same_from(given: bytes, place: int, text: bytes, at: int) -> int:
    """How many bytes are equal from two places on."""
    same, step = 0, GRAM
    most = min(len(given) - place, len(text) - at)
    while same < most:
        step = min(step, most - same)
        left, right = given[place + same : place + same + step], text[at + same : at + same + step]
        if left != right:
            return same + int(np.argmax(np.frombuffer(left, np.uint8) != np.frombuffer(right, np.uint8)))
        same += step
        step *= 2
    return same


def _same_before(given: bytes, place: int, text: bytes, at: int) -> int:
    """How many bytes are equal before two places."""
    same, step = 0, GRAM
    most = min(place, at)
    while same < most:
        step = min(step, most - same)
        left, right = given[place - same - step : place - same], text[at - same - step : at - same]
        if left != right:
            return same + int(np.argmax(np.frombuffer(left, np.uint8)[::-1] != np.frombuffer(right, np.uint8)[::-1]))
        same += step
        step *= 2
    return same


def _keys(text: bytes, stride: int) -> Words:
    """Hashes of the stretches of a text that begin at every `stride`th byte."""
    count = (len(text) - GRAM) // stride + 1
    if stride == 1:
        return _key_of(_sliding(text, 0, count), _sliding(text, 8, count))
    rows = np.lib.stride_tricks.as_strided(np.frombuffer(text, np.uint8), (count, GRAM), (stride, 1))
    words = np.ascontiguousarray(rows).view("<u8")
    return _key_of(words[:, 0], words[:, 1])


def _sliding(text: bytes, offset: int, count: int) -> Words:
    """The eight bytes from every place on, as one number each."""
    rows = np.lib.stride_tricks.as_strided(np.frombuffer(text, np.uint8)[offset:], (count, 8), (1, 1))
    return np.ascontiguousarray(rows).view("<u8")[:, 0]


def _key_of(first: Words, second: Words) -> Words:
    with np.errstate(over="ignore"):
        return mixed(first) ^ (mixed(second) * np.uint64(0x9E3779B97F4A7C15))
