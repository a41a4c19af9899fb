"""Sums over the lines of a close: what books, contracts and checks need of a table that may have millions of rows.

A book takes one posting per account, not one per line, so lines are added up first: to whom each pool's money goes
(`line_sums`), and what each payee earned (`earnings`). Lines come as records or as batches of the Arrow table; both
give the same sums, the batches in seconds for millions of rows and in memory that grows with payees, not with rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from endcredits.errors import IntegrityError
from endcredits.ids import PartyId, WorkId
from endcredits.royalties.contract_records import Contract
from endcredits.royalties.frozen import table_path
from endcredits.royalties.lines import LINES
from endcredits.royalties.records import STATES, Line, PeriodClose

Key = tuple[int, str, str]
"""(pool, state, whose): whose is a party for payable lines and a work for all others."""

BATCH_ROWS = 200_000
GROUPS_MAX = 1_000_000
"""Rows of partial sums that are kept before they are added up again."""

_KEYS = ["pool", "state", "name"]
_GAP = " "  # stands in no id


@dataclass(frozen=True, slots=True)
class Earning:
    """What a payee earned under one contract in a period and currency.

    Attributes:
        party_id: the payee.
        currency: ISO 4217 code.
        contract_id: the contract that governs it, "" for none.
        earned_micros: of the period's own usage.
        adjustments_micros: of late usage and refunds of earlier periods; may be negative.
    """

    party_id: PartyId
    currency: str
    contract_id: str
    earned_micros: int
    adjustments_micros: int


def line_sums(lines: Iterable[Line] | Iterable[pa.RecordBatch]) -> dict[Key, int]:
    """Micros by pool, state and whose they are, sorted; sums of zero are left out.

    Args:
        lines: records, or batches with the columns of `lines.SCHEMAS`; `table.to_batches()` makes batches of an Arrow table.
    """
    totals: Counter[Key] = Counter()
    for pool, state, whose, micros in _added(lines, _whose, _whose_of_batch):
        totals[pool, state, whose] += micros
    return {key: micros for key, micros in sorted(totals.items()) if micros}


def _whose(line: Line) -> str:
    return (line.party_id or "") if line.state == "payable" else line.work_id


def _whose_of_batch(batch: pa.RecordBatch) -> pa.Array:
    return pc.if_else(pc.equal(batch.column("state"), "payable"), batch.column("party_id"), batch.column("work_id"))


def lines_of(folder: Path) -> Iterator[pa.RecordBatch]:
    """The lines of a close's folder as batches, in bounded memory.

    Raises:
        IntegrityError: the table is missing or damaged.
    """
    path = table_path(folder, LINES)
    try:
        with pq.ParquetFile(path) as source:
            yield from source.iter_batches(BATCH_ROWS, columns=["pool", "state", "party_id", "work_id", "amount_micros"])
    except (OSError, pa.ArrowException) as error:
        raise IntegrityError(
            f"the table cannot be read ({error})",
            remedy="Restore it from your last copy, or close the period again.",
            file=path,
        ) from error


def earnings(
    close: PeriodClose, lines: Iterable[Line] | Iterable[pa.RecordBatch], contracts: Iterable[Contract]
) -> tuple[Earning, ...]:
    """What every payee earned, told apart by the contract that governs the work.

    A contract that names a work governs it; the others of the same party and currency fall to the contract that names none,
    or to no contract. Only payable lines count: money in suspense or dispute is nobody's yet.

    Args:
        close: whose pools say kind and currency.
        lines: its lines, as for `line_sums`.
        contracts: those in force.

    Returns:
        By party, currency and contract.
    """
    scopes = _scopes(contracts)
    scoped = sorted({party for party, _ in scopes})
    known = set(scoped)

    def party_and_work(line: Line) -> str:
        return f"{line.party_id or ''}{_GAP}{line.work_id if line.party_id in known else ''}"

    def of_batch(batch: pa.RecordBatch) -> pa.Array:
        # Only a contract asks for the work; without one, all works of a party are added up at once.
        asked = pc.is_in(batch.column("party_id"), value_set=pa.array(scoped, pa.string()))
        work = pc.if_else(asked, batch.column("work_id"), pa.scalar(""))
        return pc.binary_join_element_wise(batch.column("party_id"), work, _GAP)

    sums: dict[tuple[PartyId, str, str], list[int]] = {}
    for number, state, both, micros in _added(lines, party_and_work, of_batch):
        if state != STATES[0]:
            continue
        party, _, work = both.partition(_GAP)
        pool = close.pools[number]
        scope = scopes.get((PartyId(party), pool.currency), {})
        key = (PartyId(party), pool.currency, scope.get(WorkId(work), scope.get(WorkId(""), "")))
        sums.setdefault(key, [0, 0])[0 if pool.kind == "earned" else 1] += micros
    return tuple(Earning(*key, *sums[key]) for key in sorted(sums))


def _added(
    lines: Iterable[Line] | Iterable[pa.RecordBatch],
    of_line: Callable[[Line], str],
    of_batch: Callable[[pa.RecordBatch], pa.Array],
) -> Iterator[tuple[int, str, str, int]]:
    """(pool, state, name, micros) with equal names added up; lines that are records come one by one."""
    parts: list[pa.Table] = []
    rows, limit = 0, GROUPS_MAX
    for one in lines:
        if isinstance(one, Line):
            yield one.pool, one.state, of_line(one), one.amount_micros
            continue
        columns = [one.column("pool"), one.column("state"), of_batch(one), one.column("amount_micros")]
        parts.append(_grouped(pa.Table.from_arrays(columns, [*_KEYS, "amount_micros"])))
        rows += parts[-1].num_rows
        if rows > limit:
            parts = [_grouped(pa.concat_tables(parts))]
            rows = parts[0].num_rows
            limit = max(GROUPS_MAX, 2 * rows)  # sums that do not shrink are not added up again for every batch
    if parts:
        found = _grouped(pa.concat_tables(parts))
        yield from zip(*(found.column(name).to_pylist() for name in [*_KEYS, "amount_micros"]), strict=True)


def _grouped(table: pa.Table) -> pa.Table:
    # A pool holds at most 2**53 micros of one sign, so 64 bits hold every sum.
    found = table.group_by(_KEYS).aggregate([("amount_micros", "sum")])
    return found.select([*_KEYS, "amount_micros_sum"]).rename_columns([*_KEYS, "amount_micros"])


def _scopes(contracts: Iterable[Contract]) -> Mapping[tuple[PartyId, str], dict[WorkId, str]]:
    """The governing contract by (party, currency) and work; "" stands for the works that none names."""
    scopes: dict[tuple[PartyId, str], dict[WorkId, str]] = {}
    for contract in contracts:
        of_party = scopes.setdefault((contract.party_id, contract.currency), {})
        for work_id in contract.works or (WorkId(""),):
            other = of_party.setdefault(work_id, contract.contract_id)
            if other != contract.contract_id:
                raise IntegrityError(
                    f"the contracts '{other}' and '{contract.contract_id}' govern the same earnings of {contract.party_id}",
                    remedy="Check the recorded contracts: two of a party may not name the same work.",
                )
    return scopes
