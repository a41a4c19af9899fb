"""`python -m benchmarks.proof [--json] [--runs N] [--parts log,sums,media]`: what proof costs; half an hour in all.

Parts: `log` (adding, proofs, a log of ten million entries), `sums` (a period's sum tree), `media` (content
credentials). Each can be run alone: `python -m benchmarks.proof.log --sizes 10000,100000` is quick.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from benchmarks.frame import machine, options, show
from benchmarks.proof import log, media, sums

PARTS = ("log", "sums", "media")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of all parts."""
    parser.add_argument("--parts", default=",".join(PARTS), help="which parts (default: all)")
    parser.add_argument(
        "--sizes", default=",".join(map(str, log.SIZES)), help="sizes of the logs that are built and checked"
    )


def measured(part: str, asked: argparse.Namespace) -> dict[str, Any]:
    """What one part has to tell."""
    if part == "log":
        return log.measure(sizes=[int(size) for size in asked.sizes.split(",")], runs=asked.runs)
    return sums.measure(asked.runs) if part == "sums" else media.measure(max(asked.runs, 11))


def main() -> None:
    """Runs the parts and prints them."""
    asked = options("What proof costs.", add_options)
    found = {part: measured(part, asked) for part in PARTS if part in asked.parts.split(",")}
    if asked.json:
        document = {"benchmark": "proof", "machine": machine(), **found}
        print(
            json.dumps(document, indent=2, default=lambda record: {name: getattr(record, name) for name in record.__slots__})
        )
        return
    for part, told in found.items():
        figures = told.pop("figures", None)
        if figures is None:
            print(f"proof: {part}\n{json.dumps(told, indent=2)}")
        else:
            show(f"proof: {part}", figures, told.get("facts", {}), False)


if __name__ == "__main__":
    main()
