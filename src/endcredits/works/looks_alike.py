"""Whether a file is another one in other clothes: the same bytes, the same letters, or a content code a few bits away.

A refused work comes back under another name: copied, re-encoded, typeset anew, saved again as JPEG, scaled. Its bytes and
its digest are others then. Three things are compared, the strictest first:

1. SHA-256: the same bytes.
2. The digest of its letters (`plain_text`): the same text in another encoding or setting.
3. Content codes (ISO 24138, 256 bits): how many bits differ. Of unrelated content about half of them do. `NEAR_BITS` says up
   to where two files are held to be alike; decision 0027 has what was measured. Likeness is no proof: a person looks.

`Excluded` finds the nearest of many at once; `nearest_slowly` is its obvious twin.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from endcredits.canonical import sha256_bytes
from endcredits.works.plain_text import letters_of

LETTERS_MIN = 20
"""A text of fewer letters and digits has no digest of its letters: too much would share it."""

BITS = 256
NEAR_BITS = {"text": 80, "image": 32, "data": 72}
"""So many bits of 256 may differ between two codes of one kind that are held to be alike."""

AT_ONCE = 2_000_000
"""Pairs of codes that are compared together, for the memory's sake."""


@dataclass(frozen=True, slots=True)
class Print:
    """What one file is recognised by.

    Attributes:
        sha256: of its bytes; empty where nobody has them, such as of a code that was handed in alone.
        letters_sha256: of the letters of its text; empty for no text.
        codes: (kind of code, its 32 bytes): "text", "image" or "data".
        owner: what it belongs to: a work's id, or the statement's subject.
    """

    sha256: str
    letters_sha256: str = ""
    codes: tuple[tuple[str, bytes], ...] = ()
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Likeness:
    """That a file looks like an excluded one.

    Attributes:
        owner: what the excluded file belongs to.
        sha256: of the excluded file; empty for a code that was handed in alone.
        by: what agrees: "bytes", "letters", or the kind of code: "text", "image", "data".
        distance_bits: of the codes; 0 for equal bytes or letters.
        own_sha256: of the file that looks like it.
    """

    owner: str
    sha256: str
    by: str
    distance_bits: int
    own_sha256: str = ""

    def words(self) -> str:
        """How alike they are.

        >>> Likeness("work:a", "", "image", 7).words()
        'the content codes of the pictures differ in 7 of 256 bits'
        """
        if self.by == "bytes":
            return "the same bytes"
        if self.by == "letters":
            return "the same text, letter by letter"
        what = {"text": "texts", "image": "pictures", "data": "files' data"}[self.by]
        return f"the content codes of the {what} differ in {self.distance_bits} of {BITS} bits"


def letters_digest(text: str) -> str:
    """The digest of a text's letters, empty where it has too few to be told from others."""
    letters = letters_of(text)
    return sha256_bytes(letters.encode("utf-8", "surrogatepass")) if len(letters) >= LETTERS_MIN else ""


class Excluded:
    """Files that are to be found again, whatever they were made into."""

    def __init__(self, prints: Iterable[Print]) -> None:
        self._prints = sorted(prints, key=_order)
        self._by_sha: dict[str, list[Print]] = {}
        self._by_letters: dict[str, list[Print]] = {}
        codes: dict[str, tuple[list[Print], list[bytes]]] = {}
        for one in self._prints:
            if one.sha256:
                self._by_sha.setdefault(one.sha256, []).append(one)
            if one.letters_sha256:
                self._by_letters.setdefault(one.letters_sha256, []).append(one)
            for kind, code in one.codes:
                owners, rows = codes.setdefault(kind, ([], []))
                owners.append(one)
                rows.append(code)
        self._codes = {kind: (owners, _matrix(rows)) for kind, (owners, rows) in codes.items()}

    def __len__(self) -> int:
        return len(self._prints)

    def alike(self, wanted: Sequence[Print]) -> list[tuple[Likeness, ...]]:
        """For each file, how it looks like excluded ones: the nearest file of each owner, the nearest owner first."""
        found: list[list[Likeness]] = [
            [
                *(Likeness(one.owner, one.sha256, "bytes", 0, own.sha256) for one in self._by_sha.get(own.sha256, ())),
                *(
                    Likeness(one.owner, one.sha256, "letters", 0, own.sha256)
                    for one in self._by_letters.get(own.letters_sha256, ())
                ),
            ]
            for own in wanted
        ]
        for kind, (owners, rows) in self._codes.items():
            places = [(at, code) for at, own in enumerate(wanted) for name, code in own.codes if name == kind]
            step = max(1, AT_ONCE // len(owners))
            for start in range(0, len(places), step):
                chunk = places[start : start + step]
                distances = _distances(_matrix([code for _, code in chunk]), rows)
                for row, column in zip(*np.nonzero(distances <= NEAR_BITS[kind]), strict=True):
                    at, other = chunk[row][0], owners[column]
                    bits = int(distances[row, column])
                    found[at].append(Likeness(other.owner, other.sha256, kind, bits, wanted[at].sha256))
        return [_nearest_of_owners(likes) for likes in found]


def nearest_slowly(wanted: Print, prints: Iterable[Print]) -> tuple[Likeness, ...]:
    """The same answer for one file as `Excluded.alike`, one comparison after the other."""
    found = []
    for one in prints:
        if one.sha256 and one.sha256 == wanted.sha256:
            found.append(Likeness(one.owner, one.sha256, "bytes", 0, wanted.sha256))
        if one.letters_sha256 and one.letters_sha256 == wanted.letters_sha256:
            found.append(Likeness(one.owner, one.sha256, "letters", 0, wanted.sha256))
        for kind, code in one.codes:
            for name, own in wanted.codes:
                bits = (int.from_bytes(code) ^ int.from_bytes(own)).bit_count()
                if name == kind and bits <= NEAR_BITS[kind]:
                    found.append(Likeness(one.owner, one.sha256, kind, bits, wanted.sha256))
    return _nearest_of_owners(found)


def _nearest_of_owners(found: Iterable[Likeness]) -> tuple[Likeness, ...]:
    best: dict[str, Likeness] = {}
    for one in sorted(found, key=_strength):
        best.setdefault(one.owner, one)
    return tuple(best.values())


def _strength(one: Likeness) -> tuple[int, int, str, str, str]:
    order = ("bytes", "letters", "image", "text", "data")
    return (order.index(one.by), one.distance_bits, one.owner, one.sha256, one.own_sha256)


def _order(one: Print) -> tuple[str, str]:
    return (one.owner, one.sha256)


def _matrix(rows: Sequence[bytes]) -> npt.NDArray[np.uint64]:
    return np.frombuffer(b"".join(rows), dtype=np.uint64).reshape(len(rows), BITS // 64)


def _distances(left: npt.NDArray[np.uint64], right: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Hamming distances of all pairs."""
    total = np.zeros((len(left), len(right)), dtype=np.int64)
    for word in range(BITS // 64):
        total += np.bitwise_count(left[:, word, None] ^ right[None, :, word])
    return total
