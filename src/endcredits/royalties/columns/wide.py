"""Whole numbers of 128 bits in NumPy: a high and a low half per number, two's complement.

A work's weight is a sum of money times shares (micros * ppb). At twenty million rows it passes 2**63, and its product with
a pool's money, which the largest-remainder method must know exactly, passes it by far. NumPy has no such integers, floats
are not exact and Python's own cost half a microsecond each. Two 64-bit columns and schoolbook multiplication do, at a few
nanoseconds a number. Arithmetic is modulo 2**128; whoever calls proves that true values stay inside (-2**127, 2**127), and
where that cannot be proven takes `ints` and goes on in Python, which is slow and has no bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from endcredits.errors import InputError

Ints = npt.NDArray[np.int64]
Places = npt.NDArray[np.int32]
"""Row numbers and other small numbers: half the memory of `Ints`."""

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
_Words = npt.NDArray[np.uint64]

_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_DIGITS = 38
"""Decimal digits that every number below 10**38 < 2**127 has at most: what Arrow's decimals hold."""


@dataclass(frozen=True, slots=True)
class Wide:
    """A column of 128-bit numbers: hi * 2**64 + lo.

    Attributes:
        hi: signed high halves.
        lo: unsigned low halves.
    """

    hi: Ints
    lo: _Words

    def __len__(self) -> int:
        return len(self.hi)

    def take(self, rows: Ints | Flags) -> Wide:
        """Some of the numbers."""
        return Wide(self.hi[rows], self.lo[rows])

    def floats(self) -> Floats:
        """The numbers as floats; never decreasing where the exact numbers do not."""
        return self.hi.astype(np.float64) * 2.0**64 + self.lo.astype(np.float64)

    def ints(self) -> list[int]:
        """The numbers as Python's own."""
        return [(hi << 64) + lo for hi, lo in zip(self.hi.tolist(), self.lo.tolist(), strict=True)]

    def positive(self) -> Wide:
        """The numbers, those below zero as zero."""
        below = self.hi < 0
        return Wide(np.where(below, 0, self.hi), np.where(below, np.uint64(0), self.lo))

    def total(self) -> int:
        """The exact sum, however large."""
        # Sums of 32-bit quarters stay within 64 bits for fewer than 2**31 numbers, which no column here reaches.
        low = int((self.lo & _LOW).sum()) + (int((self.lo >> _HALF).sum()) << 32)
        high = self.hi.view(np.uint64)
        return low + (int((high & _LOW).sum()) << 64) + (int((self.hi >> 32).sum()) << 96)

    def texts(self) -> pa.StringArray:
        """The numbers as decimal digits.

        Raises:
            InputError: a number has more than 38 digits.
        """
        if len(self) and float(np.abs(self.floats()).max()) >= 9.9e37:
            raise InputError(
                "a weight has more than 38 digits, more than the tables of a close hold",
                remedy="Close a shorter period, or look for an absurd amount among its usage.",
            )
        words = np.empty((len(self), 2), np.uint64)
        words[:, 0], words[:, 1] = self.lo, self.hi.view(np.uint64)
        decimals = pa.Array.from_buffers(pa.decimal128(_DIGITS, 0), len(self), [None, pa.py_buffer(words)])
        return decimals.cast(pa.string())


def zeros(length: int) -> Wide:
    """A column of zeros."""
    return Wide(np.zeros(length, np.int64), np.zeros(length, np.uint64))


def of_int64(values: Ints) -> Wide:
    """64-bit numbers, widened."""
    return Wide(values >> 63, values.view(np.uint64))


def of_ints(values: Sequence[int]) -> Wide:
    """Python's numbers.

    Raises:
        InputError: one does not fit 128 bits.
    """
    if any(not -(1 << 127) <= value < 1 << 127 for value in values):
        raise InputError(
            "the period's money times shares passes 2**127", remedy="Close a shorter period, or look for an absurd amount."
        )
    hi = np.fromiter((value >> 64 for value in values), np.int64, len(values))
    return Wide(hi, np.fromiter((value & 0xFFFFFFFFFFFFFFFF for value in values), np.uint64, len(values)))


def add(left: Wide, right: Wide) -> Wide:
    """Sums modulo 2**128."""
    lo = left.lo + right.lo
    return Wide(left.hi + right.hi + (lo < left.lo), lo)


def negative(values: Wide) -> Wide:
    """The numbers with the other sign."""
    lo = ~values.lo + np.uint64(1)
    return Wide(~values.hi + (lo == 0), lo)


def times(values: Wide, factors: Ints | int) -> Wide:
    """Products with numbers from 0 to 2**63 - 1, modulo 2**128."""
    factor = np.asarray(factors, np.int64).view(np.uint64)
    low, high = values.lo & _LOW, values.lo >> _HALF
    factor_low, factor_high = factor & _LOW, factor >> _HALF
    first, second, third = low * factor_low, low * factor_high, high * factor_low
    middle = (first >> _HALF) + (second & _LOW) + (third & _LOW)  # below 3 * 2**32
    carried = high * factor_high + (second >> _HALF) + (third >> _HALF) + (middle >> _HALF)
    hi = (values.hi.view(np.uint64) * factor + carried).view(np.int64)
    return Wide(hi, (first & _LOW) | (middle << _HALF))


def less(left: Wide, right: Wide) -> Flags:
    """Where a number is smaller than the other."""
    smaller: Flags = (left.hi < right.hi) | ((left.hi == right.hi) & (left.lo < right.lo))
    return smaller


def constant(value: int, length: int) -> Wide:
    """A column of one number, without copies of it.

    Raises:
        InputError: it does not fit 128 bits.
    """
    one = of_ints([value])
    return Wide(np.broadcast_to(one.hi, length), np.broadcast_to(one.lo, length))
