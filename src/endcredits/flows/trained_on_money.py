"""What works earned, for whom, over all closed periods: exact, and nothing of any other work.

A period may have been corrected; its last version holds, and the books say the same. What came late for a period stands as a
difference in the close that counted it. So the lines of all versions that hold, added up, are what a work earned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from endcredits.errors import EndcreditsError, IntegrityError
from endcredits.flows.studio import Studio
from endcredits.flows.versions import Version, standing_version
from endcredits.ids import WorkId
from endcredits.royalties.book import closed_days
from endcredits.royalties.frozen import table_digest, table_path
from endcredits.royalties.lines import LINES

Key = tuple[WorkId, str, str, str]
"""(work, currency, party or "", state)."""


@dataclass(frozen=True, slots=True)
class Money:
    """What some works earned.

    Attributes:
        micros: exact sums; zero is left out.
        periods: for each work the closed periods in which it earned something, by their days.
        read: how many closed periods were read.
        unread: periods that could not be read, in words.
    """

    micros: dict[Key, int]
    periods: dict[WorkId, tuple[str, ...]]
    read: int
    unread: tuple[str, ...]


def money_of(studio: Studio, work_ids: Iterable[WorkId]) -> Money:
    """What some works earned in all closed periods; rows of other works are passed over."""
    wanted = sorted(set(work_ids))
    found: Counter[Key] = Counter()
    periods: dict[WorkId, list[str]] = {work_id: [] for work_id in wanted}
    unread, read = [], 0
    with studio.store.reading() as conn:
        for period_id, _, _ in closed_days(conn):
            try:
                version = standing_version(studio, conn, period_id)
                own = _of_close(version, wanted)
            except EndcreditsError as error:
                unread.append(f"the money of {period_id}: {error.message}")
                continue
            read += 1
            for (work_id, *_rest), _ in own.items():
                if period_id not in periods[work_id][-1:]:
                    periods[work_id].append(period_id)
            found.update(own)
    return Money(
        {key: micros for key, micros in found.items() if micros},
        {work_id: tuple(own) for work_id, own in periods.items()},
        read,
        tuple(unread),
    )


def _of_close(version: Version, wanted: list[WorkId]) -> Counter[Key]:
    """What a close gives of some works, after comparing the table with the digest that the close states."""
    path = table_path(version.folder, LINES)
    try:
        if table_digest(LINES, path) != version.close.lines_digest:
            raise IntegrityError("the table is not what was computed", remedy="Restore it from your last copy.", file=path)
        columns = ["pool", "work_id", "party_id", "state", "amount_micros"]
        table = pq.read_table(path, columns=columns, filters=[("work_id", "in", wanted)]) if wanted else None
    except (OSError, pa.ArrowException) as error:
        raise IntegrityError(
            f"the table cannot be read ({error})", remedy="Restore it from your last copy.", file=path
        ) from error
    found: Counter[Key] = Counter()
    for row in table.to_pylist() if table is not None else ():
        currency = version.close.pools[row["pool"]].currency
        found[WorkId(row["work_id"]), currency, row["party_id"], row["state"]] += row["amount_micros"]
    return found
