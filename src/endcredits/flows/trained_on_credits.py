"""Which outputs credited which works, read from the recorded attributions one after the other.

An attribution names every work of its index, so a document may be long. Where few works are asked about, only their own
lines are read out of it: documents are canonical JSON, in which a line ends with the id of its work.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.attribution.tables import attribution_table
from endcredits.canonical import canonical_bytes
from endcredits.flows.trained_on_records import Credited, CreditedOutput
from endcredits.ids import WorkId

FEW = 50
"""Up to so many works, lines are read one by one; above, whole documents."""
ROWS_AT_ONCE = 200


@dataclass(slots=True)
class _Sum:
    measured: int = 0
    outputs: int = 0
    credit_nanonats: int = 0
    recent: list[CreditedOutput] = field(default_factory=list)


def count_outputs(conn: Connection) -> int:
    """How many attributions are recorded."""
    return int(conn.scalar(sa.select(sa.func.count()).select_from(attribution_table)) or 0)


def credited(
    conn: Connection, index_digests: Iterable[str], work_ids: Iterable[WorkId], *, most: int
) -> dict[WorkId, Credited]:
    """What the outputs of some indexes said of some works.

    Args:
        conn: any connection.
        index_digests: the indexes that hold one of the works; outputs of others cannot have credited them.
        work_ids: the works.
        most: so many outputs of each work are listed.
    """
    wanted = sorted(set(work_ids))
    sums = {work_id: _Sum() for work_id in wanted}
    lines_of = few_lines if len(wanted) <= FEW else all_lines
    table = attribution_table.c
    query = sa.select(table.output_id, table.recorded_at, table.document).where(
        table.index_digest.in_(sorted(index_digests))
    )
    for output_id, at, document in conn.execute(query, execution_options={"yield_per": ROWS_AT_ONCE}):
        for line in lines_of(document, wanted):
            own = sums[WorkId(line["work_id"])]
            own.measured += 1
            own.credit_nanonats += line["credit_nanonats"]
            if line["share_ppb"] > 0:
                own.outputs += 1
                own.recent.append(CreditedOutput(output_id, at, line["credit_nanonats"], line["share_ppb"]))
                if len(own.recent) >= 2 * most + 100:
                    own.recent = _latest(own.recent, most)
    return {
        work_id: Credited(own.measured, own.outputs, own.credit_nanonats, tuple(_latest(own.recent, most)))
        for work_id, own in sums.items()
    }


def _latest(outputs: Sequence[CreditedOutput], most: int) -> list[CreditedOutput]:
    return nlargest(most, outputs, key=lambda one: (one.recorded_at, one.output_id))


def few_lines(document: str, work_ids: Sequence[WorkId]) -> Iterator[dict[str, Any]]:
    """The lines of some works, cut out of an attribution's document."""
    for work_id in work_ids:
        end = f'"work_id":{canonical_bytes(work_id).decode()}}}'
        at = document.find(end)
        if at >= 0:
            yield json.loads(document[document.rindex("{", 0, at) : at + len(end)])


def all_lines(document: str, work_ids: Sequence[WorkId]) -> Iterator[dict[str, Any]]:
    """The same from the whole document."""
    wanted = set(work_ids)
    return (line for line in json.loads(document)["lines"] if line["work_id"] in wanted)
