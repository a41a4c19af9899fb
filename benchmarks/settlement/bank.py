"""A payment file of 5,000 payments: built, checked by our own rules, and against the schema."""

from __future__ import annotations

from typing import Any

from benchmarks.frame import Figure, figure, seconds
from endcredits.payouts.rails.pain001 import pain001
from endcredits.payouts.rails.sample import sample_order

PAYMENTS = 5_000


def run(runs: int) -> tuple[list[Figure], dict[str, Any]]:
    """Seconds of one file."""
    order = sample_order(PAYMENTS)
    files: list[Any] = []
    times = [seconds(lambda: files.append(pain001(order))) for _ in range(runs + 1)][1:]
    if len({made.data for made in files}) != 1:
        raise SystemExit("the same order gave two files")
    return [figure("pain001_s", times, "s", "5,000 payments, built, rules and XSD; must 1, aim 0.4")], {
        "bytes of the payment file": len(files[0].data)
    }
