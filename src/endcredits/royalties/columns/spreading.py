"""Laying a sum over millions of events by their uses, to the unit, without holding the events.

Largest remainder looks at all events at once, but events of the same uses have the same due. So the method is decided on
(uses, how many events) pairs: each class of equal remainders gets one unit more for all its events, for none, or for the
first few in the order of their ids; the last is counted down while the events stream by.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from endcredits.royalties.columns.wide import Ints


@dataclass(slots=True)
class Tally:
    """How many events of each (group, uses) there are.

    Attributes:
        groups: group numbers, in parallel with the others.
        uses: uses of one event.
        events: how many.
    """

    groups: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    uses: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    events: Ints = field(default_factory=lambda: np.zeros(0, np.int64))

    def add(self, groups: Ints, uses: Ints) -> None:
        """Counts some events."""
        self.groups, self.uses, self.events = _reduced(
            np.concatenate([self.groups, groups]),
            np.concatenate([self.uses, uses]),
            np.concatenate([self.events, np.ones(len(groups), np.int64)]),
        )


def _reduced(groups: Ints, uses: Ints, events: Ints) -> tuple[Ints, Ints, Ints]:
    if not len(groups):
        return groups, uses, events
    order = np.lexsort((uses, groups))
    groups, uses, events = groups[order], uses[order], events[order]
    starts = np.flatnonzero((np.diff(groups, prepend=groups[0] - 1) != 0) | (np.diff(uses, prepend=uses[0] - 1) != 0))
    return groups[starts], uses[starts], np.add.reduceat(events, starts)


class Spread:
    """Sums laid over groups of events, handed out in the order of the events.

    Args:
        tally: of all events.
        totals: micros by group; groups not named get nothing.
    """

    def __init__(self, tally: Tally, totals: dict[int, int]) -> None:
        self._distinct = np.unique(tally.uses)
        self._keys = self._key(tally.groups, tally.uses)
        self._units = np.zeros(len(tally.uses), np.int64)
        self._class = np.full(len(tally.uses), -1, np.int64)
        self._left: list[int] = []
        starts = np.flatnonzero(np.diff(tally.groups, prepend=-1))
        stops = np.append(starts[1:], len(tally.groups))
        for start, stop in zip(starts.tolist(), stops[: len(starts)].tolist(), strict=True):
            total = totals.get(int(tally.groups[start]), 0)
            if total:
                self._decide(total, start, tally.uses[start:stop].tolist(), tally.events[start:stop].tolist())
        self._quota = np.array(self._left, np.int64)

    def _decide(self, total: int, start: int, uses: list[int], events: list[int]) -> None:
        whole = sum(use * count for use, count in zip(uses, events, strict=True))
        dues = [divmod(total * use, whole) for use in uses]
        left = total - sum(floor * count for (floor, _), count in zip(dues, events, strict=True))
        for place, (floor, _) in enumerate(dues):
            self._units[start + place] = floor
        classes: dict[int, list[int]] = {}
        for place, (_, remainder) in enumerate(dues):
            classes.setdefault(remainder, []).append(place)
        for remainder in sorted(classes, reverse=True):
            members = sum(events[place] for place in classes[remainder])
            for place in classes[remainder]:
                if left >= members:
                    self._units[start + place] += 1
                elif left:
                    self._class[start + place] = len(self._left)
            if 0 < left < members:
                self._left.append(left)
            left = max(left - members, 0)

    def _key(self, groups: Ints, uses: Ints) -> Ints:
        return groups * (len(self._distinct) + 1) + np.searchsorted(self._distinct, uses)

    def take(self, groups: Ints, uses: Ints) -> Ints:
        """The next events' parts, in order."""
        places = np.searchsorted(self._keys, self._key(groups, uses))
        units = self._units[places]
        kind = self._class[places]
        rows = np.flatnonzero(kind >= 0)
        if len(rows):
            order = rows[np.argsort(kind[rows], kind="stable")]
            counted = kind[order]
            starts = np.flatnonzero(np.diff(counted, prepend=-1))
            sizes = np.diff(starts, append=len(order))
            rank = np.arange(len(order)) - np.repeat(starts, sizes)
            units[order[rank < self._quota[counted]]] += 1
            names = counted[starts]
            self._quota[names] = np.maximum(self._quota[names] - sizes, 0)
        return units
