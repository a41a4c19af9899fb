"""What of a text counts when passages are compared: its letters and digits, without case, layout and punctuation.

A text is brought to one spelling (Unicode NFKC, case folded) and everything that is no letter or digit is left out, as
`neardup.shingles` does. Most texts are ASCII with a few typographic quotes; for them two passes over the bytes give the same
result many times as fast, and of other texts only the words with foreign letters take longer. Lengths and positions in a
folded text are bytes of its UTF-8: one for an English letter, three for a Chinese one, which says about as much more.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

_ASCII = "".join(map(chr, range(128)))
_LOWER = bytes(ord(chr(one).lower()) if one < 128 else one for one in range(256))
_DROPPED = bytes(ord(one) for one in _ASCII if not one.isalnum())
_NOT_COUNTED = re.compile(r"[\W_]+")
_TYPOGRAPHIC = tuple(mark.encode() for mark in "\u2018\u2019\u201c\u201d\u2013\u2014\u2026\u00a0\ufeff")
"""Marks that are no letters and join nothing in a text that is otherwise ASCII."""
_FOREIGN = re.compile(rb"[\x80-\xff]\S*")
"""From a letter that is not ASCII to the end of the word."""
_WORD = re.compile(r"\S+")


def folded(text: bytes) -> bytes:
    """What counts of a text.

    Args:
        text: UTF-8; bytes that are not are left out.
    """
    plain = text
    if not plain.isascii():
        for mark in _TYPOGRAPHIC:
            plain = plain.replace(mark, b"")
    if not plain.isascii():
        plain = b"".join(_pieces(text))
    return plain.translate(_LOWER, _DROPPED)


def _pieces(text: bytes) -> Iterator[bytes]:
    """The text with its foreign words folded; an accent may belong to the ASCII letter before it."""
    done = 0
    for found in _FOREIGN.finditer(text):
        begin = max(done, found.start() - 1)
        yield text[done:begin]
        yield folded_slowly(text[begin : found.end()].decode("utf-8", "replace"))
        done = found.end()
    yield text[done:]


def folded_slowly(text: str) -> bytes:
    """The same for any text, by the letter."""
    return _NOT_COUNTED.sub("", unicodedata.normalize("NFKC", text).casefold()).encode()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a passage stands in a text as it was written; a word that it touches is counted whole.

    Attributes:
        start: of its first word, in characters from 0.
        stop: behind its last word.
        line: of its first word, from 1.
        words: the text between, as written.
    """

    start: int
    stop: int
    line: int
    words: str


def places(text: bytes, passages: Sequence[tuple[int, int]]) -> list[Place]:
    """Where passages of a folded text stand in the text itself.

    Args:
        text: as given to `folded`.
        passages: (start, stop) in the folded text, start < stop.
    """
    written = text.decode("utf-8", "replace")
    lines = written.split("\n")
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    ends = list(accumulate(len(folded(line.encode())) for line in lines))
    found = []
    for start, stop in passages:
        first, last = bisect_right(ends, start), bisect_left(ends, stop)
        begin = starts[first] + _word(lines[first], start - (ends[first - 1] if first else 0))[0]
        end = starts[last] + _word(lines[last], stop - 1 - (ends[last - 1] if last else 0))[1]
        found.append(Place(begin, end, first + 1, written[begin:end]))
    return found


def _word(line: str, at: int) -> tuple[int, int]:
    """Where the word begins and ends that holds a place of a folded line."""
    done = 0
    for found in _WORD.finditer(line):
        done += len(folded(found[0].encode()))
        if done > at:
            return found.start(), found.end()
    raise ValueError("the place is not in the line")
