"""Sums over the lines of a close: what books, contracts and checks need of a table that may have millions of rows.

A book takes one posting per account, not one per line, so lines are added up first: to whom each pool's money goes
(`line_sums`), and what each payee earned (`earnings`). Lines come as records or as batches of the Arrow table; both
give the same sums, the batches in seconds for millions of rows and in memory that grows with payees, not with rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
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
    for one in lines:
        if isinstance(one, Line):
            totals[one.pool, one.state, (one.party_id or "") if one.state == "payable" else one.work_id] += one.amount_micros
        else:
            for pool, state, party, work, micros in _grouped(one, ["pool", "state", "party_id", "work_id"]):
                totals[pool, state, party if state == "payable" else work] += micros
    return {key: micros for key, micros in sorted(totals.items()) if micros}


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
    scoped = {party for party, _ in scopes}
    sums: dict[tuple[PartyId, str, str], list[int]] = {}
    for pool_number, party, work, micros in _payable(lines, scoped):
        pool = close.pools[pool_number]
        scope = scopes.get((party, pool.currency), {})
        key = (party, pool.currency, scope.get(work, scope.get(WorkId(""), "")))
        sums.setdefault(key, [0, 0])[0 if pool.kind == "earned" else 1] += micros
    return tuple(Earning(*key, *sums[key]) for key in sorted(sums))


def _payable(
    lines: Iterable[Line] | Iterable[pa.RecordBatch], scoped: set[PartyId]
) -> Iterator[tuple[int, PartyId, WorkId, int]]:
    """(pool, party, work, micros) of payable money, added up; the work is "" where no contract could ask for it."""
    totals: Counter[tuple[int, PartyId, WorkId]] = Counter()
    for one in lines:
        rows: Iterable[tuple[int, str, str, str, int]]
        if isinstance(one, Line):
            rows = [(one.pool, one.state, one.party_id or "", one.work_id, one.amount_micros)]
        else:
            rows = _grouped(one, ["pool", "state", "party_id", "work_id"])
        for pool, state, party, work, micros in rows:
            if state == STATES[0]:
                party_id = PartyId(party)
                totals[pool, party_id, WorkId(work if party_id in scoped else "")] += micros
    for (pool, party_id, work_id), micros in sorted(totals.items()):
        yield pool, party_id, work_id, micros


def _grouped(batch: pa.RecordBatch, keys: list[str]) -> Iterator[tuple[int, str, str, str, int]]:
    # A pool holds at most 2**53 micros of one sign, so 64 bits hold every sum.
    found = pa.Table.from_batches([batch]).group_by(keys).aggregate([("amount_micros", "sum")])
    yield from zip(*(found.column(name).to_pylist() for name in [*keys, "amount_micros_sum"]), strict=True)


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
