"""New splits of a work, from a day on which no closed period depends.

A close divides by the splits in force on its last day. Splits that began on or before that day would change what a
closed period is computed from, so new ones begin after it.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from sqlalchemy.engine import Connection

from endcredits.errors import ConflictError
from endcredits.flows import fact_log
from endcredits.flows.parties import party_called
from endcredits.flows.studio import Studio
from endcredits.ids import WorkId
from endcredits.royalties import closed_days
from endcredits.works import Split, set_splits


def set_work_splits(studio: Studio, work_id: WorkId, splits: Sequence[Split]) -> tuple[Split, ...]:
    """Records a dated set of splits of a work, or several sets.

    Args:
        studio: whose catalogue it is.
        work_id: a registered work.
        splits: portions that sum to one whole per right, territory and first day; see `endcredits.works.set_splits`.

    Returns:
        The splits as kept, by set and party.

    Raises:
        InputError: the portions do not sum to one whole, or a value cannot be used.
        NotFoundError: no such work or party.
        ConflictError: a set for that day is there already, or its first day is not after the last closed one.
    """
    return fact_log.write(studio, lambda conn: _record(conn, work_id, splits))


def share_work(studio: Studio, work_id: WorkId, portions: Sequence[tuple[str, int]], valid_from: str) -> tuple[Split, ...]:
    """The same for one set of the right to train, everywhere, with parties by name.

    Args:
        studio: whose catalogue it is.
        work_id: a registered work.
        portions: (name or id of a party, parts per billion), 1,000,000,000 together.
        valid_from: first day, YYYY-MM-DD.
    """

    def work(conn: Connection) -> tuple[Split, ...]:
        splits = [Split(party_called(conn, called), ppb, valid_from=valid_from) for called, ppb in portions]
        return _record(conn, work_id, splits)

    return fact_log.write(studio, work)


def _record(conn: Connection, work_id: WorkId, splits: Sequence[Split]) -> tuple[Split, ...]:
    kept = set_splits(conn, work_id, splits)
    last = max((ends_on for _, _, ends_on in closed_days(conn)), default="")
    for split in kept:
        if split.valid_from <= last:
            next_day = datetime.date.fromisoformat(last) + datetime.timedelta(days=1)
            raise ConflictError(
                f"splits from {split.valid_from} on would change periods that are closed up to {last}",
                remedy=f"Let them begin on {next_day}, the day after.",
                field="valid_from",
            )
    return kept
