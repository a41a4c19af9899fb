"""The exact close beside DuckDB's own scan of the three columns that it reads, in turn in one process."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.frame import Figure, figure, ratios
from endcredits.royalties.columns import close_period
from endcredits.royalties.frozen import Frozen, table_path
from endcredits.royalties.records import PeriodClose
from endcredits.royalties.rules import Policy, PoolRule

HALF = Policy("fifty-fifty", (PoolRule("half", "gross", share_ppb=500_000_000),))
DAYS = ("2026-11", "2026-11-01", "2026-11-30")

Clocks = tuple[float, float]


def clocked(work: Callable[[], Any]) -> Clocks:
    """Seconds on the wall and of processor time (of all threads) of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def in_turn(runs: int, *works: Callable[[], Any]) -> list[list[Clocks]]:
    """Times several calls in turn; the first round warms up and is dropped."""
    rounds = [[clocked(work) for work in works] for _ in range(runs + 1)][1:]
    return [list(column) for column in zip(*rounds, strict=True)]


def scan(folder: Path, threads: int = 1) -> None:
    """DuckDB reads output, work and share of every credit, and sums them."""
    with duckdb.connect() as connection:
        connection.execute(f"set threads = {threads}")
        path = str(table_path(folder, "credits")).replace("'", "''")
        connection.execute(f"select sum(output), sum(work), sum(share_ppb) from '{path}'").fetchone()


def close(frozen: Frozen, into: Path) -> PeriodClose:
    """The whole close: from the frozen folder to two written and digested tables of lines."""
    return close_period(frozen, *DAYS, HALF, into)


def run(frozen: Frozen, runs: int) -> tuple[list[Figure], dict[str, Any]]:
    """Times, and the digests that every run must agree on."""
    with tempfile.TemporaryDirectory() as place:
        found: list[PeriodClose] = []
        works: list[Callable[[], Any]] = [
            lambda: scan(frozen.folder),
            lambda: found.append(close(frozen, Path(place))),
        ]
        scanned, closed = in_turn(runs, *works)
    if len({(one.work_lines_digest, one.lines_digest) for one in found}) != 1:
        raise SystemExit("two closes of the same period differ")
    by_wall = ratios([wall for wall, _ in closed], [wall for wall, _ in scanned])
    by_cpu = ratios([cpu for _, cpu in closed], [cpu for _, cpu in scanned])
    beside = "DuckDB's scan of output, work, share_ppb on one thread, in turn; must 4, aim 2.5"
    figures = [
        figure("close_over_scan", by_cpu, "x", f"processor time, {beside}"),
        figure("close_over_scan_wall", by_wall, "x", f"clock on the wall, {beside}"),
        figure("close_s", [wall for wall, _ in closed], "s", "wall; freeze to written, digested lines"),
        figure("scan_s", [wall for wall, _ in scanned], "s", "wall; the reference"),
    ]
    facts = {"lines": found[0].lines, "work_lines": found[0].work_lines, "lines_digest": found[0].lines_digest}
    return figures, facts


if __name__ == "__main__":
    close(Frozen(Path(sys.argv[1]), ()), Path(sys.argv[2]))
