"""Laid money on the disk between the pass over events and the pass over credits: one file per range of outputs.

A file is a row of *blocks*. A block holds its records column by column, so that it is written and read without touching a
record, and a column whose numbers are all alike (the group, the territory and the uses, in most periods) as one number.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from endcredits.royalties.columns.wide import Ints

COLUMNS = {
    name: np.dtype(kind)
    for name, kind in {
        "output": "<i4",
        "group": "<i4",
        "territory": "<i4",
        "event": "<i4",
        "money": "<i8",
        "uses": "<i8",
    }.items()
}
"""An event's money in one pool; the territory counts in `Period.territories`."""

Records = dict[str, Ints]
"""Columns of records, all of one length."""

_ALIKE, _EACH = 0, 1


def write_block(file: BinaryIO, records: Records) -> None:
    """Appends records, at least one."""
    length = len(records["output"])
    head = np.zeros((len(COLUMNS) + 1, 2), "<i8")
    head[0, 0] = length
    data = []
    for place, (name, kind) in enumerate(COLUMNS.items(), 1):
        values = records[name]
        if values[0] == values[-1] and values.min() == values.max():
            head[place] = _ALIKE, values[0]
        else:
            head[place, 0] = _EACH
            data.append(np.ascontiguousarray(values, kind))
    file.write(head.data)
    for values in data:
        file.write(values.data)


def read_blocks(path: Path) -> Iterator[Records]:
    """The records of a file, block by block; the arrays may not be written to."""
    with path.open("rb") as file:
        while len(head := np.fromfile(file, "<i8", 2 * (len(COLUMNS) + 1))):
            length = int(head[0])
            records: Records = {}
            for place, (name, kind) in enumerate(COLUMNS.items(), 1):
                how, value = head[2 * place : 2 * place + 2].tolist()
                records[name] = (
                    np.fromfile(file, kind, length) if how == _EACH else np.broadcast_to(np.array(value, kind), length)
                )
            yield records
