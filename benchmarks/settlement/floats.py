"""The same job by other means: DuckDB in exact integers, DuckDB and Polars in floats, and what rounding each row would pay.

All of them join credits with what their outputs earned, sum per work, join the splits and sum per payee, and then have
amounts; the scan that they stand over is that of `close_over_scan`. None of them writes or digests lines, and the floats do
not divide what rounding leaves.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Callable
from typing import Any

import duckdb

from benchmarks.frame import Figure, figure, ratios
from benchmarks.settlement.closing import by_zstd, in_turn, scan
from endcredits.royalties.frozen import Frozen, table_path

_EXACT = """
with money as (select output, gross_micros as micros from events),
works as (select work, greatest(sum(share_ppb::hugeint * micros), 0) as weight
    from credits join money using (output) group by work),
dues as (select party, work, weight * split_ppb as due from works join splits using (work)),
whole as (select sum(micros)::hugeint * 1000000000 * 1000000000 as w from money),
floors as (select party, work, (due * (select pool from pool)) // (select w from whole) as units,
    (due * (select pool from pool)) % (select w from whole) as left_over from dues),
ranked as (select party, units, row_number() over (order by left_over desc, work, party) as place,
    (select (sum(left_over) // (select w from whole)) from floors) as spare from floors)
select count(*), sum(micros) from (select party, sum(units + (place <= spare)::int) as micros from ranked group by party)
"""

_DOUBLE = """
with money as (select output, gross_micros::double as micros from events),
works as (select work, greatest(sum(share_ppb * micros / 1e9), 0) as weight
    from credits join money using (output) group by work),
paid as (select party, sum(weight * split_ppb / 1e9) / 2 as micros from works join splits using (work) group by party)
select count(*), sum(micros) from paid
"""

_ROUNDED = """
with money as (select output, gross_micros / 2 as micros from events),
rows as (select share_ppb * micros / 1e9 as due from credits join money using (output) where share_ppb > 0)
select sum(due) / 1e6, sum(round(due / 1e4)) / 100, sum(floor(due / 1e4)) / 100, avg((round(due / 1e4) = 0)::int) from rows
"""


def opened(frozen: Frozen, memory: str = "2GB") -> duckdb.DuckDBPyConnection:
    """DuckDB with the frozen tables as views, on one thread."""
    connection = duckdb.connect()
    connection.execute(f"set threads = 1; set memory_limit = '{memory}'")
    for name in ("credits", "events", "splits"):
        path = str(table_path(frozen.folder, name)).replace("'", "''")
        connection.execute(f"create view {name} as select * from '{path}'")
    connection.execute("create view pool as select sum(gross_micros)::hugeint // 2 as pool from events")
    return connection


def run(frozen: Frozen, runs: int) -> tuple[list[Figure], dict[str, Any]]:
    """Times of each over the scan of the same round, and what rounding rules would pay."""
    facts: dict[str, Any] = {}
    with opened(frozen) as connection:
        works: dict[str, Callable[[], Any]] = {"scan": lambda: scan(by_zstd(frozen.folder))}
        works["duckdb_float"] = lambda: facts.update(float_rows=connection.execute(_DOUBLE).fetchone())
        works["duckdb_exact"] = lambda: facts.update(exact_rows=connection.execute(_EXACT).fetchone())
        if (polars := _polars(frozen, facts)) is not None:
            works["polars_float"] = polars
        try:
            times = dict(zip(works, in_turn(runs, *works.values()), strict=True))
        except duckdb.OutOfRangeException as error:
            facts["duckdb_exact"] = f"overflows 128 bits: {str(error)[:100]}"
            del works["duckdb_exact"]
            times = dict(zip(works, in_turn(runs, *works.values()), strict=True))
        rounded = connection.execute(_ROUNDED).fetchone()
    figures = []
    for name in works:
        if name != "scan":
            ratio = ratios([cpu for _, cpu in times[name]], [cpu for _, cpu in times["scan"]])
            figures.append(figure(f"{name}_over_scan", ratio, "x", "processor time, one thread; amounts only"))
    if rounded is not None:
        due, cents, floored, nothing = rounded
        facts["rounding"] = {
            "positive dues": round(due, 2),
            "each row to cents": f"{cents:.2f} ({100 * (cents / due - 1):+.1f} %), {100 * nothing:.1f} % of rows become 0",
            "each row cut off": f"{floored:.2f} ({100 * (floored / due - 1):+.1f} %)",
            "largest remainder": "equal to the pool",
        }
    _float_error(frozen, facts)
    return figures, facts


def _float_error(frozen: Frozen, facts: dict[str, Any]) -> None:
    """How far the floats' sum per payee, rounded to micros, is from the exact one."""
    with opened(frozen) as connection:
        exact = connection.execute(
            """select sum(weight) from (select greatest(sum(share_ppb::hugeint * gross_micros), 0) as weight
            from credits join events using (output) group by work)"""
        ).fetchone()
    if exact and "float_rows" in facts:
        true = int(exact[0]) // (2 * 10**9)
        facts["float misses the exact sum by micros"] = math.floor(facts["float_rows"][1]) - true


def _polars(frozen: Frozen, facts: dict[str, Any]) -> Callable[[], Any] | None:
    if importlib.util.find_spec("polars") is None:
        facts["polars"] = "not installed"
        return None
    pl: Any = importlib.import_module("polars")

    def work() -> None:
        credits, events, splits = (
            pl.scan_parquet(table_path(frozen.folder, name)) for name in ("credits", "events", "splits")
        )
        money = events.select("output", pl.col("gross_micros").cast(pl.Float64))
        weight = (pl.col("share_ppb") * pl.col("gross_micros") / 1e9).sum().clip(lower_bound=0)
        weights = credits.join(money, on="output").group_by("work").agg(weight.alias("weight"))
        due = (pl.col("weight") * pl.col("split_ppb") / 2e9).sum()
        facts["polars_rows"] = len(weights.join(splits, on="work").group_by("party").agg(due).collect(engine="streaming"))

    return work
