"""Reading credits for a close: in order, in batches that fit a core's cache, and not trusted.

What the sums of a close stand on is looked at while the rows pass: they are sorted, a work appears once per output, rows
that are named exist, and an output gives at most all of itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from endcredits.errors import InputError, IntegrityError
from endcredits.money import PPB
from endcredits.royalties.columns.wide import Ints
from endcredits.royalties.frozen import table_path

BATCH_ROWS = 1 << 16
"""Rows of credits in work at a time: their columns fit a core's own cache."""


@dataclass(frozen=True, slots=True)
class Values:
    """The column of the credits that is summed.

    Attributes:
        name: "share_ppb" or "credit_nanonats".
        largest: no value of it is larger, whatever its sign.
    """

    name: str
    largest: int


def values_of(folder: Path, name: str, works: int, outputs: int) -> Values:
    """A column of the credits with the size of its largest value, from the table's own statistics.

    Args:
        folder: of the frozen period.
        name: of the column.
        works: how many there are.
        outputs: how many there are.

    Raises:
        InputError: a share is larger than a whole, or a work or output is named that there is not.
        IntegrityError: the table has no statistics.
    """
    path = table_path(folder, "credits")
    reach: dict[str, tuple[int, int]] = {}
    with pq.ParquetFile(path) as source:
        places = {column: source.schema_arrow.names.index(column) for column in ("output", "work", name)}
        for group in range(source.metadata.num_row_groups):
            part = source.metadata.row_group(group)
            for column, place in places.items() if part.num_rows else ():
                found = part.column(place).statistics
                if found is None or not found.has_min_max:
                    raise IntegrityError("the table has no statistics", remedy="Freeze the period again.", file=path)
                low, high = reach.get(column, (0, 0))
                reach[column] = min(low, found.min), max(high, found.max)
    for column, rows in (("output", outputs), ("work", works)):
        low, high = reach.get(column, (0, 0))
        if low < 0 or high >= max(rows, 1):
            raise _refused(path, column, f"row {low if low < 0 else high} of {column}s is named and there is none")
    low, high = reach.get(name, (0, 0))
    if name == "share_ppb" and max(high, -low) > PPB:
        raise _refused(path, name, "a share is beyond the whole")
    return Values(name, max(high, -low))


def _refused(path: Path, column: str, what: str) -> InputError:
    return InputError(what, remedy="Correct the source and freeze the period again.", file=path.name, field=column)


def read_credits(path: Path, name: str, first: int, stop: int) -> Iterator[tuple[Ints, Ints, Ints]]:
    """Outputs, works and values of the credits of a range of outputs, in order, a batch at a time.

    Args:
        path: of the credits.
        name: of the column of values.
        first: first output.
        stop: one past the last.

    Raises:
        InputError: an output gives or takes more than the whole of it; asked where shares are read.
        IntegrityError: the rows are not sorted by output and work, each once.
    """
    last = first, -1
    shares = Shares(path) if name == "share_ppb" else None
    with pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 18) as source:
        groups = [
            group
            for group in range(source.metadata.num_row_groups)
            if (found := source.metadata.row_group(group).column(0).statistics) and found.max >= first and found.min < stop
        ]
        for batch in source.iter_batches(BATCH_ROWS, row_groups=groups, columns=["output", "work", name], use_threads=False):
            outputs, works, values = (column.to_numpy() for column in batch.columns)
            # What the bounds of the sums stand on: sorted, and each work once per output.
            later = outputs[1:] > outputs[:-1]
            later |= (outputs[1:] == outputs[:-1]) & (works[1:] > works[:-1])
            if not later.all():
                raise _unordered(path)
            if len(outputs) and (outputs[0] < first or outputs[-1] >= stop):
                begin, end = np.searchsorted(outputs, [first, stop])
                outputs, works, values = outputs[begin:end], works[begin:end], values[begin:end]
            if not len(outputs):
                continue
            if (int(outputs[0]), int(works[0])) <= last:
                raise _unordered(path)
            last = int(outputs[-1]), int(works[-1])
            if shares is not None:
                shares.check(outputs, values)
            yield outputs, works, values


def _unordered(path: Path) -> IntegrityError:
    return IntegrityError(
        "the credits are not in the order of outputs and works, each once", remedy="Freeze the period again.", file=path
    )


class Shares:
    """Whether outputs give, and take, at most all of themselves; credits come in order, an output perhaps in two batches.

    Args:
        path: of the credits, for the refusal.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._output, self._given, self._taken = -1, 0, 0

    def check(self, outputs: Ints, shares: Ints) -> None:
        """Looks at the next credits, at least one.

        Raises:
            InputError: the shares of an output that are above zero, or those below, are more than the whole of it.
        """
        starts = np.append(0, np.flatnonzero(outputs[1:] != outputs[:-1]) + 1)
        begun = self._given + self._taken if outputs[0] == self._output else 0
        sums = np.add.reduceat(np.abs(shares), starts)
        if int(sums[0]) + begun > PPB or int(sums.max()) > PPB:  # not yet wrong: signs are told apart
            self._check_signs(outputs, shares, starts)
        tail = shares[starts[-1] :]
        given, taken = int(tail[tail > 0].sum()), -int(tail[tail < 0].sum())
        whole = len(starts) == 1 and outputs[0] == self._output
        self._given, self._taken = (self._given + given, self._taken + taken) if whole else (given, taken)
        self._output = int(outputs[-1])

    def _check_signs(self, outputs: Ints, shares: Ints, starts: Ints) -> None:
        for side, begun in ((np.maximum(shares, 0), self._given), (np.maximum(-shares, 0), self._taken)):
            sums = np.add.reduceat(side, starts)
            sums[0] += begun if outputs[0] == self._output else 0
            if (bad := np.flatnonzero(sums > PPB)).size:
                row = int(outputs[starts[bad[0]]])
                raise _refused(self._path, "share_ppb", f"the shares of row {row} of outputs are more than the whole of it")
