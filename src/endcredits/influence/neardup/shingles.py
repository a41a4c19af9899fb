"""Shingles: what a text is made of, as a set of hashes of every run of characters of one length.

Before cutting, a text is brought to the letters and digits that it consists of (Unicode NFKC, case folded), so that layout,
punctuation, accents' spelling and line ends make no difference. Characters, not words, are counted: that serves code and
scripts without spaces alike. One changed character changes `WIDTH` shingles, so a text in which every hundredth character is
replaced keeps about five of six.
"""

from __future__ import annotations

import unicodedata

import numpy as np
import numpy.typing as npt

WIDTH = 16
"""Characters in a shingle: about three English words, long enough to be rare by accident."""

# Odd multipliers of a polynomial hash modulo 2**64 and of its finish (Steele et al. 2014, SplitMix64).
_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def shingles(text: bytes) -> npt.NDArray[np.uint64]:
    """The hashes of a text's shingles, sorted, each once.

    Args:
        text: UTF-8; bytes that are not are replaced.

    Returns:
        ``[n]``; one hash of the whole where it is shorter than a shingle, none where it holds no letter or digit.
    """
    plain = unicodedata.normalize("NFKC", text.decode("utf-8", "replace")).casefold()
    points = np.array([ord(mark) for mark in plain if mark.isalnum()], dtype=np.uint64)
    if not points.size:
        return points
    width = min(WIDTH, points.size)
    count = points.size - width + 1
    hashed = np.zeros(count, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for offset in range(width):
            hashed = hashed * _BASE + points[offset : offset + count]
        hashed = mixed(hashed)
    return np.unique(hashed)


def mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """A one-to-one scrambling of 64-bit numbers, after which every bit depends on every bit."""
    with np.errstate(over="ignore"):
        values = (values ^ (values >> np.uint64(30))) * _MIX[0]
        values = (values ^ (values >> np.uint64(27))) * _MIX[1]
        return values ^ (values >> np.uint64(31))
