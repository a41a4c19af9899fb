"""Summing twenty million products of money and shares, exactly, at the speed at which the rows can be read.

Credits lie sorted by output, so they are read once, in batches, and never joined: the money of a batch's outputs stands in a
dense column that rows look their factor up in, and the products are added to one 64-bit sum per work. That a 64-bit sum does
not run over is not hoped for but known: a work appears once per output and a value is at most `values.largest`, so a batch
moves no sum by more than largest * (money of its outputs). Only when these bounds add up to 2**62 are the sums themselves
looked at, and only where one is really large are they carried into 128 bits.

A *lane* is whatever sums are kept apart by (a pool, and the territory whose splits apply); one output may stand in several
lanes, which are then added one *layer* after the other. Money too large for one factor is cut into limbs, which are layers
too. Sums of integers do not depend on order or partition: any cut of the outputs into shards gives the same bytes.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from endcredits.royalties.columns.credits import BATCH_ROWS, Values, read_credits
from endcredits.royalties.columns.wide import Ints, Wide, add, of_int64, times, zeros
from endcredits.royalties.frozen import table_path

_SAFE = 1 << 62


@dataclass(frozen=True, slots=True)
class Laid:
    """Money that lies on outputs, each (output, lane) at most once.

    Attributes:
        output: row of the output, ascending.
        lane: what its products are summed under.
        money: >= 0; micros, or uses.
        events: usage events that it stands for.
    """

    output: Ints
    lane: Ints
    money: Ints
    events: Ints


@dataclass(frozen=True, slots=True)
class Layer:
    """At most one factor per output of a range of outputs.

    Attributes:
        first: the range's first output.
        base: lane * works per output; None where all outputs lie in lane 0.
        money: the factor per output, 0 where it has none.
        events: events per output; None where each has exactly one.
        shift: the factor stands for money << shift.
    """

    first: int
    base: Ints | None
    money: Ints
    events: Ints | None
    shift: int


@dataclass(slots=True)
class Sums:
    """Exact sums per cell (lane * works + work), and how many events moved each.

    Attributes:
        cells: how many.
        counts: events per cell.
        narrow: 64-bit sums by shift, since they were last carried.
        carried: what was carried.
        bounds: no narrow sum of that shift is larger.
    """

    cells: int
    counts: Ints
    narrow: dict[int, Ints] = field(default_factory=dict)
    carried: Wide | None = None
    bounds: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, cells: int) -> Sums:
        """Nothing summed yet."""
        return cls(cells, np.zeros(cells, np.int64))

    def reserve(self, shift: int, bound: int) -> Ints:
        """The narrow sums of a shift, after making sure that each may grow by `bound` <= 2**62 without running over."""
        if shift not in self.narrow:
            self.narrow[shift] = np.zeros(self.cells, np.int64)
        sums = self.narrow[shift]
        before = self.bounds.get(shift, 0)
        if before + bound > _SAFE:
            before = max(int(sums.max(initial=0)), -int(sums.min(initial=0)))
            if before > _SAFE:
                self.carry(shift)
                before = 0
        self.bounds[shift] = before + bound
        return sums

    def carry(self, shift: int) -> None:
        """Moves narrow sums into 128 bits."""
        moved = of_int64(self.narrow[shift].copy())
        if shift:
            moved = times(moved, 1 << shift)
        self.carried = moved if self.carried is None else add(self.carried, moved)
        self.narrow[shift][:] = 0

    def total(self) -> Wide:
        """The exact sums."""
        for shift in sorted(self.narrow):
            self.carry(shift)
        self.narrow.clear()
        self.bounds.clear()
        return zeros(self.cells) if self.carried is None else self.carried


def layers_of(laid: Laid, first: int, stop: int, works: int, largest: int) -> list[Layer]:
    """Cuts laid money of outputs first..stop-1 into layers that rows can look up.

    Args:
        laid: of these outputs, each (output, lane) once.
        first: first output.
        stop: one past the last.
        works: cells per lane.
        largest: of the values that factors are multiplied with.
    """
    layers: list[Layer] = []
    begins = np.flatnonzero(np.diff(laid.output, prepend=-1))
    rank = np.arange(len(laid.output)) - np.repeat(begins, np.diff(begins, append=len(laid.output)))
    for number in range(int(rank.max(initial=-1)) + 1):
        rows = rank == number
        places = laid.output[rows] - first
        base, events, money = (np.zeros(stop - first, np.int64) for _ in range(3))
        base[places], events[places], money[places] = laid.lane[rows] * works, laid.events[rows], laid.money[rows]
        layers += limbs_of(Layer(first, base, money, events, 0), largest)
    return layers


def limbs_of(layer: Layer, largest: int) -> list[Layer]:
    """Cuts a layer's factors so that none times a value passes 2**62; in ordinary periods there is nothing to cut."""
    limb_bits = max(62 - max(largest, 1).bit_length(), 1)
    events = None if (layer.events is None or (layer.events == 1).all()) else layer.events
    base = layer.base if layer.base is not None and layer.base.any() else None
    limbs = []
    for shift in range(0, max(int(layer.money.max(initial=0)).bit_length(), 1), limb_bits):
        limb = (layer.money >> shift) & ((1 << limb_bits) - 1)
        limbs.append(Layer(layer.first, base, limb, events if shift == 0 else np.zeros(0, np.int64), shift))
    return limbs


def add_credits(
    sums: Sums, folder: Path, values: Values, layers: list[Layer], first: int, stop: int, threads: int = 1
) -> Sums:
    """Adds the products of all credits of outputs first..stop-1 with their money.

    Args:
        sums: what is added to.
        folder: of the frozen period.
        values: the column summed.
        layers: of these outputs.
        first: first output.
        stop: one past the last.
        threads: with two, the next rows are read while these are summed.
    """
    room = _Rows()
    with ThreadPoolExecutor(1) as ahead:
        batches = read_credits(table_path(folder, "credits"), values.name, first, stop)
        if threads <= 1:
            for outputs, works, factors in batches:
                _add_batch(sums, values, layers, outputs, works, factors, room)
            return sums
        coming = ahead.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = ahead.submit(next, batches, None)
            _add_batch(sums, values, layers, *batch, room)
    return sums


def merge(left: Sums, right: Sums) -> Sums:
    """The sums of two shards together."""
    return Sums(left.cells, left.counts + right.counts, {}, add(left.total(), right.total()))


class _Rows:
    """Numbers per row that every batch needs again: the same memory each time, which the core then has at hand."""

    def __init__(self) -> None:
        self._held: dict[str, Ints] = {}

    def of(self, name: str, length: int) -> Ints:
        """Room for `length` numbers, with anything in it."""
        held = self._held.get(name)
        if held is None or len(held) < length:
            held = self._held[name] = np.empty(max(length, BATCH_ROWS), np.int64)
        return held[:length]

    def wide(self, name: str, values: Ints, less: int = 0) -> Ints:
        """Numbers of 32 bits in 64, less a constant."""
        return np.subtract(values, less, out=self.of(name, len(values)), dtype=np.int64)

    def looked_up(self, name: str, table: Ints, rows: Ints) -> Ints:
        """The numbers of a table that stand in these rows, all of which it has."""
        return table.take(rows, out=self.of(name, len(rows)), mode="clip")


def _add_batch(
    sums: Sums, values: Values, layers: list[Layer], outputs: Ints, works: Ints, factors: Ints, room: _Rows
) -> None:
    columns = room.wide("columns", works)
    rows = room.wide("rows", outputs, layers[0].first) if layers else columns
    for layer in layers:  # all of one range of outputs
        first, last = int(rows[0]), int(rows[-1])
        bound = values.largest * int(layer.money[first : last + 1].sum())
        cells = columns
        if layer.base is not None:
            cells = room.looked_up("cells", layer.base, rows)
            cells += columns
        if layer.events is None:
            np.add.at(sums.counts, cells, 1)
        elif len(layer.events):
            np.add.at(sums.counts, cells, room.looked_up("events", layer.events, rows))
        if bound:
            _add_products(sums, values, layer, bound, rows, cells, factors, room)


def _add_products(
    sums: Sums, values: Values, layer: Layer, bound: int, rows: Ints, cells: Ints, factors: Ints, room: _Rows
) -> None:
    if bound > _SAFE and len(rows) > 1:
        # Too much money for one step: halves have half of it, and a single product is below 2**62.
        half = len(rows) // 2
        for part in (slice(0, half), slice(half, None)):
            first, last = int(rows[part][0]), int(rows[part][-1])
            inner = values.largest * int(layer.money[first : last + 1].sum())
            if inner:
                _add_products(sums, values, layer, inner, rows[part], cells[part], factors[part], room)
        return
    money = room.looked_up("money", layer.money, rows)
    np.multiply(money, factors, out=money)
    np.add.at(sums.reserve(layer.shift, min(bound, _SAFE)), cells, money)
