"""What only some policies ask, as questions to DuckDB over the frozen tables and the laid records.

Significance, fewest uses and declared works need other sums than shares times money, and a policy with thousands of pools
has more sums than fit dense columns. DuckDB groups them exactly in HUGEINT (128 bits, an overflow is an error, never a wrong
number) and puts on the disk what does not fit its memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from endcredits.errors import InputError
from endcredits.money import PPB
from endcredits.royalties.columns.laid import Period
from endcredits.royalties.columns.spool import read_blocks
from endcredits.royalties.columns.weighing import PoolWeights
from endcredits.royalties.columns.wide import Wide, zeros
from endcredits.royalties.frozen import table_path
from endcredits.royalties.significance import significant
from endcredits.royalties.weighing import Weights

_LAID = pa.schema(
    [
        ("pool", pa.int32()),
        ("rule", pa.int32()),
        ("territory", pa.int32()),
        ("output", pa.int32()),
        ("event", pa.int32()),
        ("money", pa.int64()),
        ("uses", pa.int64()),
    ]
)


class Queries:
    """Questions about one period.

    Args:
        folder: of the frozen period.
        period: with its laid money.
        spool: a folder for working files.
        reliability_min_ppb: of the policy.
        threads: DuckDB's.
    """

    def __init__(self, folder: Path, period: Period, spool: Path, reliability_min_ppb: int, threads: int = 1) -> None:
        self.period = period
        self.connection = duckdb.connect()
        self.connection.execute(f"set threads = {threads}")
        self.connection.execute("set memory_limit = '384MB'")
        self.connection.execute(f"set temp_directory = {quoted(spool / 'duckdb')}")
        laid = spool / "laid.parquet"
        _write_laid(period, laid)
        for table in ("works", "outputs", "credits", "declared"):
            place = quoted(table_path(folder, table))
            self.connection.execute(f"create view {table} as select * from read_parquet({place}, file_row_number = true)")
        self.connection.execute(f"create view laid as select * from read_parquet({quoted(laid)})")
        self.connection.execute(
            f"""create view believed as select file_row_number as output from outputs
            where log_ratio_nanonats > 0 and greatest(reliability_ppb, 0) >= {int(reliability_min_ppb)}"""
        )
        self.connection.execute("create view cluster_of as select file_row_number as work, cluster from works")
        self._significant: dict[tuple[int, str, int], set[int]] = {}
        self._uses: dict[tuple[int, bool], Counter[int]] = {}
        self._declared: dict[int, Weights] | None = None

    def close(self) -> None:
        """Lets go of DuckDB's memory."""
        self.connection.close()

    def significant(self, rule: int, currency: str, rate_ppb: int) -> set[int]:
        """As `royalties.evidence.significant_clusters`, for the pools of a rule and currency."""
        key = rule, currency, rate_ppb
        if key not in self._significant:
            self._check_errors()
            pools = [n for n, pool in enumerate(self.period.pools) if (pool.key.rule, pool.key.currency) == (rule, currency)]
            with _exactly():
                found = self.connection.execute(
                    """with used as (
                        select output, sum(uses) as times from laid semi join believed using (output)
                        where list_contains(?, pool) group by output)
                    select cluster, sum(times::hugeint * credit_nanonats),
                        sum((times::hugeint * error_nanonats) * (times::hugeint * error_nanonats))
                    from credits join used using (output) join cluster_of using (work) group by cluster""",
                    [pools],
                ).fetchall()
            credits = {int(cluster): int(credit) for cluster, credit, _ in found}
            variances = {int(cluster): int(variance) for cluster, _, variance in found}
            self._significant[key] = significant(credits, variances, rate_ppb)
        return self._significant[key]

    def _check_errors(self) -> None:
        (least,) = self.connection.execute("select min(error_nanonats) from credits").fetchone() or (None,)
        if least is not None and least < 0:
            raise InputError(
                "the error of a credit is below zero",
                remedy="Correct the source and freeze the period again.",
                file="credits.parquet",
                field="error_nanonats",
            )

    def uses_of_clusters(self, rule: int, *, declared: bool) -> Counter[int]:
        """As `royalties.evidence.uses_of_clusters`, for all pools of a rule."""
        if (rule, declared) not in self._uses:
            pairs = (
                "select distinct event as place, cluster from declared join cluster_of using (work)"
                if declared
                else """select distinct output as place, cluster from credits semi join believed using (output)
                    join cluster_of using (work) where share_ppb > 0"""
            )
            place = "event" if declared else "output"
            with _exactly():
                found = self.connection.execute(
                    f"""with used as (select {place} as place, sum(uses) as times from laid where rule = ? group by all)
                    select cluster, sum(times::hugeint) from ({pairs}) join used using (place) group by cluster""",
                    [rule],
                ).fetchall()
            self._uses[rule, declared] = Counter({int(cluster): int(times) for cluster, times in found})
        return self._uses[rule, declared]

    def declared_weights(self, pool: int) -> Weights:
        """As `royalties.weighing.by_declaration`, for one pool."""
        if self._declared is None:
            self._declared = {number: Weights() for number in range(len(self.period.pools))}
            with _exactly():
                found = self.connection.execute(
                    f"""with named as (
                        select event, work, row_number() over (partition by event order by work) as place,
                            count(*) over (partition by event) as works from declared)
                    select pool, territory, work,
                        sum((money // works + (place <= money % works)::bigint)::hugeint * {PPB}), count(*)
                    from laid join named using (event) group by all"""
                ).fetchall()
            for number, territory, work, weight, events in found:
                weights = self._declared[number]
                weights.signed[work][self.period.territories[territory]] += int(weight)
                weights.outputs[work] += int(events)
        weights = self._declared[pool]
        weights.denominator = self.period.pools[pool].laid_micros * PPB
        return weights

    def reliable(self, pool: int) -> int:
        """Sum of micros * reliability over a pool's events."""
        with _exactly():
            found = self.connection.execute(
                """select coalesce(sum(money::hugeint * greatest(reliability_ppb, 0)), 0)
                from laid join outputs on outputs.file_row_number = laid.output where pool = ?""",
                [pool],
            ).fetchone()
        return int(found[0]) if found else 0

    def pool_weights(self, works: int) -> Iterator[PoolWeights]:
        """The weights of every pool by shares of money, where there are too many sums for dense columns."""
        with _exactly():
            table = self.connection.sql(
                """select pool, territory, work, believed.output is not null as counted,
                    sum(case when believed.output is null then 0 else share_ppb::hugeint * money end) as weight,
                    count(*) as events
                from laid join credits using (output)
                join (select file_row_number as output from outputs where log_ratio_nanonats > 0) using (output)
                left join believed using (output)
                group by all order by pool, territory, work"""
            ).to_arrow_table()
        pool, territory, work, events = (
            table.column(name).to_numpy().astype(np.int64) for name in ("pool", "territory", "work", "events")
        )
        counted = table.column("counted").to_numpy()
        weight = _wide_of(table.column("weight"))
        for number in range(len(self.period.pools)):
            begin, end = np.searchsorted(pool, [number, number + 1])
            own = slice(int(begin), int(end))
            found = PoolWeights([], np.zeros(works, np.int64), np.zeros(works, np.int64))
            np.add.at(found.outputs, work[own], np.where(counted[own], events[own], 0))
            np.add.at(found.unreliable, work[own], np.where(counted[own], 0, events[own]))
            for place in range(len(self.period.territories)):
                rows = begin + np.flatnonzero((territory[own] == place) & counted[own])
                lane = zeros(works)
                lane.hi[work[rows]], lane.lo[work[rows]] = weight.hi[rows], weight.lo[rows]
                found.weights.append(lane)
            yield found


@contextmanager
def _exactly() -> Iterator[None]:
    try:
        yield
    except (duckdb.OutOfRangeException, duckdb.ConversionException) as error:
        raise InputError(
            f"the period's sums pass 2**127 ({error})", remedy="Close a shorter period, or look for an absurd amount."
        ) from error


def quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _wide_of(column: pa.ChunkedArray) -> Wide:
    """DuckDB hands out HUGEINT as decimals of 38 digits: 128-bit integers in memory."""
    parts: list[npt.NDArray[np.uint64]] = []
    for chunk in column.cast(pa.decimal128(38, 0)).chunks:
        words = np.frombuffer(chunk.buffers()[1], np.uint64).reshape(-1, 2)
        parts.append(words[chunk.offset : chunk.offset + len(chunk)])
    words = np.concatenate(parts) if parts else np.zeros((0, 2), np.uint64)
    return Wide(words[:, 1].copy().view(np.int64), words[:, 0].copy())


def _write_laid(period: Period, path: Path) -> None:
    rules = np.array([pool.key.rule for pool in period.pools], np.int32)
    with pq.ParquetWriter(path, _LAID) as writer:
        for file in period.files:
            for records in read_blocks(file):
                pool = period.pool_of[records["group"]].astype(np.int32)
                columns = {"pool": pool, "rule": rules[pool]}
                arrays = [columns[name] if name in columns else records[name] for name in _LAID.names]
                writer.write_batch(
                    pa.RecordBatch.from_arrays([pa.array(np.ascontiguousarray(array)) for array in arrays], schema=_LAID)
                )
