"""The differences of adjusted periods, in DuckDB: `royalties.adjusting` for millions of lines in bounded memory.

Lines of the close that came out now and of those that were booked before are added up by key, each with its sign; what comes
to nothing falls away, and the rest is written behind the close's own lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from endcredits.royalties.adjusting import Changes, changes_of, numbered
from endcredits.royalties.adjustments import Adjustment
from endcredits.royalties.columns.queries import quoted
from endcredits.royalties.frozen import table_path
from endcredits.royalties.lines import LINES, WORK_LINES, lines_schema, write_table
from endcredits.royalties.records import Pool

BATCH_ROWS = 1 << 17

_MOVED = """
CREATE TABLE moved AS
SELECT place, part, work_id, party_id, territory, arg_min(split_ppb, term) AS split_ppb,
       sum(sign * amount_micros)::BIGINT AS amount_micros, state
FROM ({lines}) GROUP BY place, part, work_id, party_id, territory, state HAVING sum(sign * amount_micros) <> 0
"""
_LINES = """
SELECT number AS pool, part, work_id, party_id, territory, split_ppb, amount_micros, state
FROM moved JOIN numbers USING (place)
ORDER BY pool, part, work_id, party_id, territory, state
"""
# Where the close that came out now has no such line, nothing counts for the work and its weight is none.
_WORK_LINES = """
SELECT number AS pool, part, work_id, sum(sign * outputs)::BIGINT AS outputs,
       coalesce(max(weight) FILTER (term = 0), '0') AS weight, coalesce(max(share_ppb) FILTER (term = 0), 0) AS share_ppb,
       sum(sign * amount_micros)::BIGINT AS amount_micros, coalesce(max(taken) FILTER (term = 0), '') AS taken
FROM ({works}) JOIN numbers USING (place)
WHERE (place, part, work_id) IN (SELECT (place, part, work_id) FROM moved)
GROUP BY ALL ORDER BY pool, part, work_id
"""


@dataclass(frozen=True, slots=True)
class Added:
    """What adjustments add to a close.

    Attributes:
        pools: behind its own.
        tables: number and digest of all its work lines, then of all its lines.
    """

    pools: list[Pool]
    tables: tuple[int, str, int, str]


def add_differences(adjustments: Sequence[Adjustment], own: Path, pools: int, into: Path) -> Added:
    """Writes a close's tables: its own lines, and behind them the differences of closed periods.

    Args:
        adjustments: by the days of their periods.
        own: holds the tables of the close's own lines; working files lie there, too.
        pools: how many pools of its own it has.
        into: gets the tables.

    Raises:
        MachineError: the disk is full.
    """
    changed: list[Pool] = []
    opened: list[duckdb.DuckDBPyConnection] = []
    try:
        for place, one in enumerate(adjustments):
            changes = changes_of(one)
            connection = _moved(one, changes, own / f"duckdb-{place}")
            opened.append(connection)
            with_lines = [row[0] for row in connection.execute("SELECT DISTINCT place FROM moved").fetchall()]
            numbers = numbered(changes, with_lines, pools + len(changed))
            _insert(connection, "numbers (place INTEGER, number INTEGER)", list(numbers.items()))
            changed += [changes.pools[number] for number in numbers]
        found: list[int | str] = []
        for name, query in ((WORK_LINES, _WORK_LINES), (LINES, _LINES)):
            rows = [0]
            digest = write_table(
                table_path(into, name), name, _counted(_batches(own, name, query, adjustments, opened), rows)
            )
            found += [rows[0], digest]
    finally:
        for connection in opened:
            connection.close()
    return Added(changed, tuple(found))  # type: ignore[arg-type]


def _moved(one: Adjustment, changes: Changes, spool: Path) -> duckdb.DuckDBPyConnection:
    """A database with the sums of all lines that changed."""
    connection = duckdb.connect(config={"threads": 1, "memory_limit": "384MB", "temp_directory": str(spool)})
    signs = [(number, pool, place, one.terms[number].sign) for (number, pool), place in sorted(changes.place_of.items())]
    _insert(connection, "places (term INTEGER, pool INTEGER, place INTEGER, sign INTEGER)", signs)
    connection.execute(_MOVED.format(lines=_every(one, LINES)))
    return connection


def _every(one: Adjustment, name: str) -> str:
    """The rows of one table of all terms, with the place and the sign of their pool."""
    return " UNION ALL ".join(
        f"SELECT * EXCLUDE (pool) FROM read_parquet({quoted(table_path(term.folder, name))}) "
        f"JOIN (SELECT * FROM places WHERE term = {number}) USING (pool)"
        for number, term in enumerate(one.terms)
    )


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[int, ...]]) -> None:
    connection.execute(f"CREATE TABLE {table}")
    if rows:
        name, marks = table.partition(" ")[0], ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)


def _batches(
    own: Path, name: str, query: str, adjustments: Sequence[Adjustment], opened: Sequence[duckdb.DuckDBPyConnection]
) -> Iterator[pa.RecordBatch]:
    schema = lines_schema(name)
    with pq.ParquetFile(table_path(own, name)) as source:
        yield from source.iter_batches(BATCH_ROWS)
    for one, connection in zip(adjustments, opened, strict=True):
        asked = query.format(works=_every(one, WORK_LINES))
        for batch in connection.sql(asked).to_arrow_reader(BATCH_ROWS):
            columns = [batch.column(field.name).cast(field.type) for field in schema]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _counted(batches: Iterator[pa.RecordBatch], rows: list[int]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        rows[0] += batch.num_rows
        yield batch
