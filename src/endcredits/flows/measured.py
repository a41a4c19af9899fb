"""How the shares behind a period's money were measured, and with what error, told from what was frozen.

A work's share of a pool has the relative error of its credit in the period: the root of the summed squares of its credits'
errors over the sum of its credits. That takes the errors of single outputs as independent, as the significance test does;
what all outputs share (the index, the seed) is in each of them and does not average out, so the error told is the least
that there is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from endcredits.ids import OutputId, WorkId
from endcredits.payouts import Measurement
from endcredits.royalties import PeriodClose
from endcredits.royalties.adjustments import ADJUSTED_FOLDER, name_of
from endcredits.royalties.frozen import table_path
from endcredits.royalties.lines import WORK_LINES

OUTPUTS_ASKED = 2_000
"""Outputs asked for their methods; a period of one index has one method."""


def measured_by(
    close: PeriodClose, folder: Path, methods_of: Callable[[Sequence[OutputId]], set[str]]
) -> Callable[[int, WorkId], Measurement]:
    """Tells how a work's share of a pool was measured.

    Args:
        close: as computed.
        folder: of it.
        methods_of: the methods by which some outputs were attributed.
    """
    inputs = {"": folder / "frozen"}
    inputs |= {one.period_id: folder / ADJUSTED_FOLDER / name_of(one.period_id) / "frozen" for one in close.adjusted}
    known = {period_id: (_method(frozen, methods_of), _relative_errors(frozen)) for period_id, frozen in inputs.items()}
    periods = [pool.usage_period if pool.usage_period in known else "" for pool in close.pools]
    table = pq.read_table(table_path(folder, WORK_LINES), columns=["pool", "work_id", "share_ppb"])
    shares: dict[tuple[int, str], int] = {}
    for row in table.to_batches():
        for pool, work, share in zip(*(row.column(n).to_pylist() for n in range(3)), strict=True):
            shares[pool, work] = max(share, shares.get((pool, work), 0))

    def told(pool: int, work_id: WorkId) -> Measurement:
        (method, version), relative = known[periods[pool]]
        error = relative.get(work_id)
        share = shares.get((pool, work_id), 0)
        return Measurement(method, version, -1 if error is None else round(error * abs(share)))

    return told


def _method(frozen: Path, methods_of: Callable[[Sequence[OutputId]], set[str]]) -> tuple[str, str]:
    outputs = pq.read_table(table_path(frozen, "outputs"), columns=["output_id"])["output_id"]
    methods = sorted(methods_of([OutputId(one) for one in outputs.slice(0, OUTPUTS_ASKED).to_pylist()]))
    if len(methods) != 1:
        return ("several methods" if methods else ""), ""
    method, _, version = methods[0].partition("/")
    return method, version


def _relative_errors(frozen: Path) -> dict[str, float]:
    # Using an output again repeats its error: uses are added up first. One thread, because sums of floats depend on their
    # order and a statement that is made again must be the same to the byte.
    query = """
        WITH used AS (SELECT output, sum(uses)::BIGINT AS uses FROM events GROUP BY output)
        SELECT work_id, sqrt(sum((uses * error_nanonats::DOUBLE) ** 2)) / nullif(abs(sum(uses * credit_nanonats::DOUBLE)), 0)
        FROM used JOIN credits USING (output) JOIN works ON works.file_row_number = work GROUP BY ALL
    """
    with duckdb.connect(config={"threads": 1}) as database:
        for name in ("works", "credits", "events"):
            database.read_parquet(str(table_path(frozen, name)), file_row_number=True).create_view(name)
        return {work: error for work, error in database.execute(query).fetchall() if error is not None}
