"""The period's sum tree at the size of a large operator: built, proven, verified, kept and read again.

    python -m benchmarks.proof --json            (all parts)
    python -m benchmarks.proof.sums --json       (this part alone, also with --payees N)

Leaves are made with random ids and amounts. Building counts everything from the leaves and salts in memory to the root:
spelling every leaf, hashing it, sorting, and hashing the nodes. The bound of bare SHA-256 calls stands beside it. Issuing
counts the receipts of statements from records in memory to files on the disk. Memory is that of a process of its own that
builds one tree and nothing else.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.frame import Figure, figure, options, seconds, show
from endcredits.canonical import canonical_bytes
from endcredits.receipts import Item, Log, issue
from endcredits.receipts.chain import FIRST, TYPE, Link, receipt_id_of
from endcredits.receipts.note import make_keypair
from endcredits.receipts.sum_file import read_tree, write_tree
from endcredits.receipts.sum_tree import PAYEE, Salted, SumLeaf, build, leaf_bytes, sum_problem

PAYEES = 200_000
STATEMENTS = 10_000
LIMIT_SECONDS = 3.0
"""What building a tree of `PAYEES` may take."""
VERIFIED = 2_000
"""Proofs that are verified for one figure."""
AT = "2026-12-01T09:00:00Z"


def leaves(payees: int) -> list[Salted]:
    """One leaf a payee."""
    draw = random.Random(payees)
    salts = secrets.token_bytes(32 * payees).hex()
    return [
        Salted(
            SumLeaf(PAYEE, f"party:{draw.getrandbits(96):024x}", "EUR", draw.randrange(10**10), 0, salts[:64]),
            salts[64 * number : 64 * number + 64],
        )
        for number in range(payees)
    ]


def bare(payees: int) -> float:
    """Seconds for as many SHA-256 calls over as many bytes as a tree needs, and nothing besides."""
    leaf, node = b"\x10" * 300, b"\x11" * 129

    def work() -> None:
        for _ in range(payees):
            hashlib.sha256(leaf).digest()
        for _ in range(payees - 1):
            hashlib.sha256(node).digest()

    return seconds(work)


def peak_bytes(payees: int) -> int:
    """Most memory that a process of its own holds while it builds one tree, beyond its leaves. Linux only."""
    program = (
        "from pathlib import Path; from benchmarks.proof.sums import build, held_bytes, leaves\n"
        f"rows = leaves({payees})\n"
        "Path('/proc/self/clear_refs').write_text('5')\n"
        "before = held_bytes(); build(rows); print(held_bytes() - before)"
    )
    return int(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout)


def held_bytes() -> int:
    """Most memory that this process held since counting began; `ru_maxrss` would include its parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def processor(work: Callable[[], Any]) -> float:
    """Seconds of processor that one call takes: what it would take on a machine with nothing else to do."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def issued(folder: Path, statements: int) -> float:
    """Seconds to issue the receipts of as many statements: drafts, one log append a thousand, files, all flushed."""
    log = Log.open(folder / "log", make_keypair(folder / "key", "bench.example/endcredits/log"))
    items = [
        Item(
            receipt_id_of(f"statement:2026-11:EUR:{number:016x}"),
            TYPE,
            Link(f"statement:2026-11:EUR:{number:016x}", "ab" * 32, f"party:{number}", "EUR", "2026-11", 1, FIRST),
        )
        for number in range(statements)
    ]

    def work() -> None:
        for start in range(0, statements, 1_000):
            issue(log, folder / "receipts", items[start : start + 1_000], AT)

    return seconds(work)


def measure(runs: int = 5, payees: int = PAYEES, statements: int = STATEMENTS) -> dict[str, Any]:
    """Everything of this part: `figures` and `facts`."""
    rows = leaves(payees)
    built = [seconds(lambda: build(rows)) for _ in range(runs)]
    worked = [processor(lambda: build(rows)) for _ in range(runs)]
    floor = [bare(payees) for _ in range(runs)]
    tree = build(rows)
    published, draw = tree.published("EUR"), random.Random(1)
    places = [tree.place(draw.randrange(payees)) for _ in range(VERIFIED)]
    assert all(sum_problem(place, published) == "" for place in places)
    proving = [seconds(lambda: [tree.place(draw.randrange(payees)) for _ in range(VERIFIED)]) for _ in range(runs)]
    verifying = [seconds(lambda: [sum_problem(place, published) for place in places]) for _ in range(runs)]
    sizes = [len(canonical_bytes(place)) for place in places]
    few = rows[:10_000]
    spelt = seconds(lambda: [leaf_bytes(row.leaf) for row in few])
    slow = seconds(lambda: [canonical_bytes(row.leaf) for row in few])
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "EUR.jsonl"
        written = [seconds(lambda: write_tree(path, tree)) for _ in range(runs)]
        read = [seconds(lambda: read_tree(path)) for _ in range(min(runs, 3))]
        kept = path.stat().st_size
        issuing = issued(Path(scratch), statements)
    figures: list[Figure] = [
        figure(f"tree of {payees:,} payees built", built, "s", "by the clock, with whatever else the machine does"),
        figure("the same, processor time", worked, "s", f"at most {LIMIT_SECONDS} s for {PAYEES:,}; one thread"),
        figure("the same SHA-256 calls and nothing besides", floor, "s", "the bound of hashing"),
        figure("one proof made", [1_000 * one / VERIFIED for one in proving], "ms", "from the tree in memory"),
        figure("one proof verified", [1_000 * one / VERIFIED for one in verifying], "ms", "leaf, path, root and both sums"),
        figure("one proof as canonical JSON", sizes, "bytes", f"{len(places[0].path)} steps, leaf, salt"),
        figure("tree and salts written", written, "s", f"{kept:,} bytes, flushed"),
        figure("read again, checked, built", read, "s", "as publishing again does"),
        figure("a leaf spelt fast, against RFC 8785 in general", [slow / spelt], "x", "same bytes, compared by tests"),
        figure(f"{statements:,} statement receipts issued", [issuing], "s", "drafts, log, files, each flushed"),
        figure("memory to build the tree", [peak_bytes(payees) / 2**20], "MiB", "beyond the leaves themselves"),
    ]
    facts = {"payees": payees, "statements": statements, "runs": runs, "within_limit": figures[1].value <= LIMIT_SECONDS}
    return {"figures": figures, "facts": facts}


def main() -> None:
    """This part alone."""

    def add(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--payees", type=int, default=PAYEES, help=f"leaves of the tree (default {PAYEES:,})")
        parser.add_argument("--statements", type=int, default=STATEMENTS, help=f"receipts issued (default {STATEMENTS:,})")

    chosen = options(__doc__ or "", add)
    found = measure(chosen.runs, chosen.payees, chosen.statements)
    show("sum tree of a period", found["figures"], found["facts"], chosen.json)


if __name__ == "__main__":
    main()
