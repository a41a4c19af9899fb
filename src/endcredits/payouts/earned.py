"""A close's lines, payee by payee, each with what it follows from.

A close stores its lines pool by pool, as it divides money; a statement needs them payee by payee, and beside each line
the work's own line and the *claim*: what of the work's amount fell under the splits of one territory, which is the sum
of the lines of all its payees there. `earned_lines` turns the tables around in memory; `read_earned_lines` lets DuckDB
do it on disk, in bounded memory, for closes with millions of lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from endcredits.errors import IntegrityError
from endcredits.ids import PartyId, WorkId
from endcredits.royalties.records import Line, WorkLine

if TYPE_CHECKING:
    import duckdb

FETCH_ROWS = 20_000
"""Lines held in memory at once while reading."""


@dataclass(frozen=True, slots=True)
class EarnedLine:
    """A payee's line of a close and what it follows from.

    Attributes:
        line: the payee's line; its party is known.
        work: the work's line; None where the part goes to a party directly.
        claim_micros: what of the work's amount fell under the splits of the line's territory.
    """

    line: Line
    work: WorkLine | None
    claim_micros: int


def earned_lines(lines: Iterable[Line], work_lines: Iterable[WorkLine]) -> Iterator[EarnedLine]:
    """The lines of everybody who is known, by party; within a party as the close has them.

    Args:
        lines: of a close, in any order.
        work_lines: of the same close.

    Raises:
        IntegrityError: a line names a work that has no line of its own in its pool and part.
    """
    works = {(work.pool, work.part, work.work_id): work for work in work_lines}
    claims: Counter[tuple[int, int, str, str]] = Counter()
    known = []
    for line in lines:
        claims[line.pool, line.part, line.work_id, line.territory] += line.amount_micros
        if line.party_id is not None:
            known.append((line.party_id, line))
    for _, line in sorted(known, key=lambda one: (one[0], one[1].pool, one[1].part, one[1].work_id, one[1].territory)):
        work = works.get((line.pool, line.part, line.work_id))
        if work is None and line.work_id:
            raise _no_work(line)
        yield EarnedLine(line, work, claims[line.pool, line.part, line.work_id, line.territory])


# Weights are texts in the table; they may pass 64 bits. HUGEINT sums come back as Python integers of any size.
_QUERY = """
WITH every AS (
  SELECT *, sum(amount_micros) OVER (PARTITION BY pool, part, work_id, territory) AS claim
  FROM read_parquet($lines)
)
SELECT e.pool, e.part, e.work_id, e.party_id, e.territory, e.split_ppb, e.amount_micros, e.state, e.claim,
       w.outputs, w.weight, w.share_ppb, w.amount_micros, w.taken
FROM every e LEFT JOIN read_parquet($works) w ON e.pool = w.pool AND e.part = w.part AND e.work_id = w.work_id
WHERE e.party_id <> '' {party}
ORDER BY e.party_id, e.pool, e.part, e.work_id, e.territory
"""


def read_earned_lines(
    folder: Path, *, party_id: PartyId | None = None, memory_mb: int = 400, threads: int = 2
) -> Iterator[EarnedLine]:
    """The same from a close's folder, sorted on disk where memory is short.

    Args:
        folder: holds `lines.parquet` and `work_lines.parquet`.
        party_id: only this payee's.
        memory_mb: what DuckDB may use.
        threads: of DuckDB.

    Raises:
        IntegrityError: a table is missing, damaged, or does not fit the other.
    """
    import duckdb

    paths = {"lines": str(folder / "lines.parquet"), "works": str(folder / "work_lines.parquet")}
    if party_id is not None:
        paths["party"] = party_id
    query = _QUERY.format(party="" if party_id is None else "AND e.party_id = $party")
    # Ordinary settings of our own connection; nothing of this is visible to other users of DuckDB in the process.
    with duckdb.connect(config={"memory_limit": f"{memory_mb}MB", "threads": threads}) as database:
        try:
            yield from _fetched(database.execute(query, paths))
        except duckdb.Error as error:
            raise IntegrityError(
                f"the tables of the close cannot be read ({error})",
                remedy="Restore the folder from your last copy, or close the period again.",
                file=folder,
            ) from error


def _fetched(found: duckdb.DuckDBPyConnection) -> Iterator[EarnedLine]:
    while rows := found.fetchmany(FETCH_ROWS):
        for pool, part, work_id, party, territory, split, amount, state, claim, *work in rows:
            line = Line(pool, part, WorkId(work_id), PartyId(party), territory, split, amount, state)
            outputs, weight, share, work_micros, taken = work
            if outputs is None:
                if work_id:
                    raise _no_work(line)
                yield EarnedLine(line, None, int(claim))
                continue
            of_work = WorkLine(pool, part, WorkId(work_id), outputs, int(weight), share, work_micros, taken)
            yield EarnedLine(line, of_work, int(claim))


def _no_work(line: Line) -> IntegrityError:
    return IntegrityError(
        f"the work '{line.work_id}' pays '{line.party_id}' in pool {line.pool}, part {line.part}, and earned nothing there",
        remedy="Restore the close's tables from your last copy, or close the period again.",
    )
