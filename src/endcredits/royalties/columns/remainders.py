"""The largest-remainder method for columns: `money.allocate` for half a million claims at once, to the same unit.

Every claim's due is total * weight / whole. Its floor comes from a float guess, which an exact 128-bit remainder then puts
right: the guess is off by little, the remainder shows by how much. The units left over go to the largest remainders. Which
those are is decided on floats too, and exactly among the few that floats cannot tell apart.
"""

from __future__ import annotations

import numpy as np

from endcredits.royalties.columns.wide import Flags, Ints, Wide, add, constant, less, negative, of_ints, times

_CHUNK_ROWS = 1 << 14
"""Claims in work at a time: a dozen columns of them fit a core's own cache."""

_GUESSES_MAX = 8
"""How often a guess is put right before Python's integers take over; each time it gains fifty bits."""


def floors(total: int, weights: Wide, whole: int) -> tuple[Ints, Wide]:
    """Floors and remainders of total * weight / whole.

    Args:
        total: from 0 to 2**63 - 1.
        weights: each from 0 to `whole`.
        whole: > 0.

    Returns:
        The floors, and what of total * weight is left over, in units of 1 / whole.
    """
    largest = int(weights.floats().max(initial=0.0) * (1 + 2.0**-40)) + 1
    # Everything below must stay inside 2**127: products by this check; remainders because a guess q satisfies
    # |q - exact| <= q * 2**-50 + 1, so that |remainder| <= total * weight * 2**-50 + 2 * whole.
    if total * largest >= 1 << 126 or whole >= 1 << 124:
        return _floors_in_python(total, weights, whole)
    units = np.empty(len(weights), np.int64)
    left = Wide(np.empty(len(weights), np.int64), np.empty(len(weights), np.uint64))
    for start in range(0, len(weights), _CHUNK_ROWS):
        part = slice(start, start + _CHUNK_ROWS)
        units[part], remainder = _floors(total, Wide(weights.hi[part], weights.lo[part]), whole)
        left.hi[part], left.lo[part] = remainder.hi, remainder.lo
    return units, left


def _floors(total: int, weights: Wide, whole: int) -> tuple[Ints, Wide]:
    product = times(weights, total)
    units = np.zeros(len(weights), np.int64)
    remainder = product
    for _ in range(_GUESSES_MAX):
        # Rounded up to 2**63, a guess would not be a number of 64 bits any more; a smaller one is put right like any other.
        step = np.minimum(np.floor(remainder.floats() / float(whole)), 2.0**62).astype(np.int64)
        units += step
        remainder = add(product, negative(_products(units, whole)))
        wrong = (remainder.hi < 0) | ~less(remainder, constant(whole, len(weights)))
        if not wrong.any():
            return units, remainder
        # A float that stands on a whole number can say 0 steps for a remainder of -1, or of whole: one unit by hand.
        units += np.where(wrong & (step == 0), np.where(remainder.hi < 0, -1, 1), 0)
        remainder = add(product, negative(_products(units, whole)))
    return _floors_in_python(total, weights, whole)


def _products(units: Ints, whole: int) -> Wide:
    """units * whole for units >= -1: a guess may fall below zero by one."""
    sizes = times(constant(whole, len(units)), np.abs(units))
    opposite = negative(sizes)
    return Wide(np.where(units < 0, opposite.hi, sizes.hi), np.where(units < 0, opposite.lo, sizes.lo))


def _floors_in_python(total: int, weights: Wide, whole: int) -> tuple[Ints, Wide]:
    pairs = [divmod(total * weight, whole) for weight in weights.ints()]
    return np.array([pair[0] for pair in pairs], np.int64), of_ints([pair[1] for pair in pairs])


def largest(values: Wide, count: int) -> Flags:
    """Marks the `count` largest numbers; of equal ones those that stand first.

    Args:
        values: each >= 0, in the order that decides ties.
        count: from 0 to their number.
    """
    chosen = np.zeros(len(values), np.bool_)
    if count <= 0:
        return chosen
    keys = values.floats()
    limit = np.partition(keys, len(keys) - count)[len(keys) - count]
    chosen[keys > limit] = True
    near = np.flatnonzero(keys == limit)
    exact = values.take(near)
    order = np.lexsort((near, ~exact.lo, -exact.hi))  # ~ turns unsigned numbers around as - does signed ones
    chosen[near[order[: count - int(chosen.sum())]]] = True
    return chosen


def divide(total: int, weights: Wide, whole: int) -> Ints:
    """Splits a whole by weights that sum to `whole`, as `money.allocate` does; ties go to what stands first.

    Args:
        total: from 0 to 2**63 - 1.
        weights: each >= 0, in the order of their ids.
        whole: their exact sum, > 0.

    Returns:
        Parts that sum to `total`.
    """
    units, remainder = floors(total, weights, whole)
    return units + largest(remainder, total - int(units.sum()))


def divide_groups(totals: Ints, weights: Ints, starts: Ints) -> Ints:
    """Splits many wholes at once, each by the weights of its group.

    Args:
        totals: one per group, each from 0 to 2**63 - 1.
        weights: each >= 0, group after group, inside a group in the order of their ids; no group sums
            to 0 or past 2**63 - 1.
        starts: where each group begins; no group is empty.

    Returns:
        One part per weight; those of a group sum to its total.
    """
    if not len(starts):
        return np.zeros(0, np.int64)
    ends = np.append(starts, len(weights))
    parts = np.empty(len(weights), np.int64)
    for first in range(0, len(starts), _CHUNK_ROWS):
        own = starts[first : first + _CHUNK_ROWS]
        begin, end = int(own[0]), int(ends[first + len(own)])
        parts[begin:end] = _divide_groups(totals[first : first + len(own)], weights[begin:end], own - begin)
    return parts


def _divide_groups(totals: Ints, weights: Ints, starts: Ints) -> Ints:
    sizes = np.diff(starts, append=len(weights))
    wholes = np.add.reduceat(weights, starts)
    if int(wholes.max()) >= 1 << 31:
        return _groups_in_python(totals, weights, starts, sizes)
    # total = a * whole + b, so total * weight / whole = a * weight + b * weight / whole. With whole < 2**31 the last product
    # is below 2**62, and a * weight is at most total.
    often, rest = np.divmod(totals, wholes)
    group = np.repeat(np.arange(len(starts)), sizes)
    rest_products = rest[group] * weights
    whole_of = wholes[group]
    units, remainder = np.divmod(rest_products, whole_of)
    units += often[group] * weights
    left = totals - np.add.reduceat(units, starts)
    while (open_groups := np.flatnonzero(left > 0)).size:
        # One unit for the largest remainder of every group that has units left; each place gets at most one.
        rows = _rows_of(starts[open_groups], sizes[open_groups])
        inner = np.concatenate(([0], np.cumsum(sizes[open_groups])[:-1]))
        best = np.maximum.reduceat(remainder[rows], inner)
        hits = rows[remainder[rows] == np.repeat(best, sizes[open_groups])]
        first = hits[np.unique(group[hits], return_index=True)[1]]
        units[first] += 1
        remainder[first] = -1
        left[open_groups] -= 1
    return units


def _rows_of(starts: Ints, sizes: Ints) -> Ints:
    """The rows of some groups, one after the other."""
    ends = np.cumsum(sizes)
    rows: Ints = np.arange(int(ends[-1])) + np.repeat(starts - (ends - sizes), sizes)
    return rows


def _groups_in_python(totals: Ints, weights: Ints, starts: Ints, sizes: Ints) -> Ints:
    parts: list[int] = []
    for total, start, size in zip(totals.tolist(), starts.tolist(), sizes.tolist(), strict=True):
        own = weights[start : start + size].tolist()
        whole = sum(own)
        pairs = [divmod(total * weight, whole) for weight in own]
        units = [pair[0] for pair in pairs]
        for place in sorted(range(size), key=lambda place: (-pairs[place][1], place))[: total - sum(units)]:
            units[place] += 1
        parts += units
    return np.array(parts, np.int64)
