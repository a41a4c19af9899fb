"""Why works of a close got nothing, or less than their credits: counted by reason, for whoever asks where the money went.

Every work line names the last thing that took from it (`WorkLine.taken`). A pool whose whole money went to the commons looks
like a mistake until one reads that all of its works were below the policy's fewest uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from endcredits.royalties.frozen import table_path
from endcredits.royalties.lines import WORK_LINES

WHY = {
    "clipped": "their credits over the period were not above zero",
    "cluster": "counted with a work of which they are copies",
    "not significant": "their credits could be chance (significance)",
    "uses": "fewer uses than the part asks for (uses_min)",
    "cap": "more than one work may take of the part (cap)",
    "floor": "raised to the least amount, or gave to those who were (floor)",
    "unreliable": "the outputs that credited them were measured too unreliably (reliability_min)",
    "revoked": "permission was withdrawn before the period",
}
"""What each reason means, in words that name the policy's key."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Works of one part of one pool from which the same thing took.

    Attributes:
        pool: number of the pool in the close, from 0.
        part: number of the part in its rule, from 0.
        reason: as in `WorkLine.taken`.
        works: how many.
        amount_micros: what they earn all the same.
    """

    pool: int
    part: int
    reason: str
    works: int
    amount_micros: int


def left_out(folder: Path) -> tuple[LeftOut, ...]:
    """Counts the works of a close by what took from them.

    Args:
        folder: of the close's tables.

    Returns:
        By pool, part and reason; nothing where nothing was taken from anybody.
    """
    keys = ["pool", "part", "taken"]
    table = pq.read_table(table_path(folder, WORK_LINES), columns=[*keys, "amount_micros"])
    found = table.group_by(keys).aggregate([("amount_micros", "count"), ("amount_micros", "sum")]).to_pylist()
    rows = (
        LeftOut(row["pool"], row["part"], row["taken"], row["amount_micros_count"], row["amount_micros_sum"])
        for row in found
        if row["taken"]
    )
    return tuple(sorted(rows, key=lambda one: (one.pool, one.part, one.reason)))
