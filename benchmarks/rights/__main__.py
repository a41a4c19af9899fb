"""`python -m benchmarks.rights [--json] [--runs N] [--parts scan,decisions]`: hearing what works say, and deciding by it.

Parts: `scan` (ten thousand pictures beside the bare libraries; minutes) and `decisions` (a million works with five million
statements on SQLite and PostgreSQL; half an hour, most of it making them, and ten gigabytes of disk). Each can be run alone:
`python -m benchmarks.rights.decisions --works 10000` is quick.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from benchmarks.frame import machine, options, show
from benchmarks.rights import decisions, scan

PARTS = ("scan", "decisions")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of all parts."""
    parser.add_argument("--parts", default=",".join(PARTS), help="which parts (default: all)")
    scan.add_options(parser)
    decisions.add_options(parser)


def measured(part: str, asked: argparse.Namespace) -> dict[str, Any]:
    """What one part has to tell."""
    if part == "scan":
        return scan.measured(asked.runs, asked.files, asked.photographs)
    return decisions.measured(asked.runs, asked.works, asked.databases)


def main() -> None:
    """Runs the parts and prints them."""
    asked = options("Hearing what works say, and deciding by it.", add_options)
    found = {part: measured(part, asked) for part in PARTS if part in asked.parts.split(",")}
    if asked.json:
        told = {part: {**one["facts"], "figures": [asdict(f) for f in one["figures"]]} for part, one in found.items()}
        print(json.dumps({"benchmark": "rights", "machine": machine(), **told}, indent=2))
        return
    for part, one in found.items():
        show(f"rights: {part}", one["figures"], one["facts"], False)


if __name__ == "__main__":
    main()
