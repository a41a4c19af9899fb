"""What every benchmark shares: medians of several runs, the machine in a line, a table or one JSON document."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number.

    Attributes:
        name: what was measured.
        value: the median of the runs.
        unit: "x" for ratios, "s", "ms", "bytes"...
        beside: the reference, peer or limit that it stands beside, in words.
        low: smallest of the runs.
        high: largest of the runs.
        runs: how many.
    """

    name: str
    value: float
    unit: str
    beside: str
    low: float
    high: float
    runs: int


def figure(name: str, values: Sequence[float], unit: str, beside: str) -> Figure:
    """The median of some runs."""
    return Figure(name, statistics.median(values), unit, beside, min(values), max(values), len(values))


def seconds(work: Callable[[], Any]) -> float:
    """How long one call takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def paired(work: Callable[[], Any], reference: Callable[[], Any], runs: int) -> tuple[list[float], list[float]]:
    """Times two calls in turn, so that a drifting machine hits both alike; the first pair warms up and is dropped."""
    pairs = [(seconds(work), seconds(reference)) for _ in range(runs + 1)][1:]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> list[float]:
    """Ratio of each pair."""
    return [a / b for a, b in zip(numerators, denominators, strict=True)]


def machine() -> str:
    """The machine in a line."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def options(description: str, add: Callable[[argparse.ArgumentParser], None] | None = None) -> argparse.Namespace:
    """The command line of a benchmark."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--runs", type=int, default=5, help="runs per figure (default 5)")
    if add is not None:
        add(parser)
    return parser.parse_args()


def show(title: str, figures: Sequence[Figure], facts: dict[str, Any], as_json: bool) -> None:
    """Prints the figures."""
    if as_json:
        document = {"benchmark": title, "machine": machine(), **facts, "figures": [asdict(f) for f in figures]}
        json.dump(document, sys.stdout, indent=2)
        print()
        return
    print(f"{title}  ({machine()})")
    for name, value in facts.items():
        print(f"  {name}: {value}")
    for f in figures:
        print(f"  {f.name:<44}{f.value:>10.3g} {f.unit:<6} [{f.low:.3g} .. {f.high:.3g}, {f.runs} runs]  {f.beside}")
