"""`python -m benchmarks.settlement [--json] [--runs N] [--grow] [--cache DIR]`: what a period costs; about five minutes.

A made-up period of two million outputs that draw on ten works each (20 million credits), half a million works, a million
split rows, 200,000 payees, divided fifty-fifty in one currency, is

- closed exactly, from the frozen folder to written and digested lines, beside DuckDB's own scan of the three columns that a
  close must read (medians of processor time, one thread each, timed in turn): of zstd Parquet
  (`close_over_scan`), of the Parquet that DuckDB writes by itself (`close_over_scan_snappy`) and of our packed file
  (`close_over_scan_same_file`), which DuckDB reads faster, so that these ratios are higher; see `closing.py`;
- closed in a fresh process for its peak memory (`peak_mb`), at 1, 5 and 20 million credits and with --grow also at 100;
- booked, to see that the postings are the pool to the unit (`pool_minus_postings`);
- computed by DuckDB in exact integers and in floats and by Polars in floats, where it is installed;
- handed to hledger and beancount as one aggregated entry, since neither can hold the rows.

Besides: posting and checking in the ledger (`postings_per_s`, `check_books_per_s`), a bank file (`pain001_s`), statements
(`statements_s`). Limit: a close reads 16 bytes a credit; the scan is that and nothing else.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.frame import Figure, figure, options, show
from benchmarks.settlement import bank, books, closing, floats, journal, papers
from benchmarks.settlement.data import Size, frozen_period
from benchmarks.settlement.memory import peak_mb

GROWTH = (1, 5, 20)
"""Millions of credits."""

MILLION = 1_000_000


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--grow", action="store_true", help="also close 100 million credits (two minutes, 2 GB on the disk)")
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "endcredits-settlement", help="for the data"
    )
    parser.add_argument("--outputs", type=int, default=Size().outputs, help="of the period (default 2,000,000)")
    parser.add_argument("--postings", type=int, default=400_000, help="for the ledger (default 400,000)")


def growth(cache: Path, size: Size, millions: tuple[int, ...]) -> list[Figure]:
    """Seconds and peak memory of a close as rows grow, in fresh processes."""
    found = []
    for million in millions:
        frozen = frozen_period(cache, replace(size, outputs=million * MILLION // size.works_per_output))
        clocks = closing.in_turn(
            1, lambda own=frozen: closing.scan(closing.by_zstd(own.folder)), lambda own=frozen: _closed(own)
        )
        (_, scanned), (wall, cpu) = clocks[0][0], clocks[1][0]
        beside = f"{cpu / scanned:.1f} x scan; {wall:.1f} s wall"
        found.append(figure(f"close_cpu_s_{million}m", [cpu], "s", beside))
        found.append(figure(f"peak_mb_{million}m", [peak_mb(frozen)], "MB", "flat as rows grow"))
    return found


def _closed(frozen: Any) -> None:
    with tempfile.TemporaryDirectory() as place:
        closing.close(frozen, Path(place))


def main() -> None:
    """Runs everything and prints the table."""
    asked = options("What a period costs to close, book, pay and explain.", add_options)
    size = Size(outputs=asked.outputs)
    frozen = frozen_period(asked.cache, size)
    figures: list[Figure] = []
    facts: dict[str, Any] = {"size": asdict(size)}

    def add(found: tuple[list[Figure], dict[str, Any]]) -> None:
        figures.extend(found[0])
        facts.update(found[1])

    add(closing.run(frozen, asked.runs))
    figures.append(figure("peak_mb", [peak_mb(frozen)], "MB", "fresh process, libraries included; must 600, aim 400"))
    add(journal.run(frozen, 1))
    add(floats.run(frozen, max(1, asked.runs - 2)))
    figures.extend(growth(asked.cache, size, GROWTH + ((100,) if asked.grow else ())))
    add(books.run(asked.postings, min(asked.runs, 3)))
    add(bank.run(asked.runs))
    add(papers.run(frozen, 1))
    keys = (
        "close_over_scan",
        "close_over_scan_snappy",
        "close_over_scan_same_file",
        "peak_mb",
        "pool_minus_postings",
        "postings_per_s",
        "check_books_per_s",
        "pain001_s",
        "statements_s",
    )
    facts |= {one.name: one.value for one in figures if one.name in keys}
    show("settlement", figures, facts, asked.json)


if __name__ == "__main__":
    main()
