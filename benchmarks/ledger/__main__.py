"""How fast the books are written and checked, beside what the database does without them.

    python -m benchmarks.ledger --json

Posting: `post_many` with every invariant on, WAL and synchronous=FULL, one commit per batch; beside it the same postings
into a bare table of the same file system (`executemany`, no index, no constraint). Checking: `check_books` over all of it;
beside it the reading alone, as columns and as rows. The machine may be shared, so ratios are taken inside one run.
"""

from __future__ import annotations

import argparse
import functools
import random
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.frame import Figure, figure, options, seconds, show
from endcredits.ledger import Posting, balances, check_books, check_entries, make_entry, post_many
from endcredits.ledger.columns import read_pages
from endcredits.ledger.records import JournalEntry
from endcredits.store import Store, open_store

RECORDED_AT = "2026-12-01T09:00:00Z"
PAYEES = 200_000
ROWS = "SELECT posting_id, account_id, amount_micros FROM postings"


def batch(postings: int, legs: int, start: int, draw: random.Random) -> list[JournalEntry]:
    """Entries of so many postings each, to random payees."""
    made = []
    for number in range(start, start + postings // legs):
        amounts = [draw.randrange(1, 10**9) for _ in range(legs - 1)]
        payees = draw.sample(range(PAYEES), legs - 1)
        lines = [
            Posting(f"Liabilities:Payable:party:payee-{payee}", -amount, "EUR")
            for payee, amount in zip(payees, amounts, strict=True)
        ]
        lines.append(Posting("Assets:Receivable:Revenue", sum(amounts), "EUR"))
        made.append(
            make_entry(f"settle:2026-11:{postings}:{legs}:{number}", "2026-11-30", "Settled for November 2026", lines)
        )
    return made


def bare(folder: Path, entries: list[JournalEntry]) -> float:
    """Seconds for the same postings as plain rows in one durable commit."""
    rows = [(e.entry_id, n, p.account, p.amount_micros) for e in entries for n, p in enumerate(e.postings)]
    with closing(sqlite3.connect(folder / "bare.db", isolation_level=None)) as conn:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            conn.execute(f"PRAGMA {pragma}")
        conn.execute("CREATE TABLE IF NOT EXISTS bare (entry_id TEXT, position INTEGER, account TEXT, amount INTEGER)")

        def work() -> None:
            conn.execute("BEGIN IMMEDIATE")
            conn.executemany("INSERT INTO bare VALUES (?, ?, ?, ?)", rows)
            conn.execute("COMMIT")

        return seconds(work)


def first_period(store: Store) -> Figure:
    """The rate at which every payee gets an account and a posting for the first time."""
    rates = []
    for start in range(0, PAYEES, 40_000):
        made = []
        for payee in range(start, start + 40_000, 100):
            lines = [Posting(f"Liabilities:Payable:party:payee-{n}", -1_000_000, "EUR") for n in range(payee, payee + 100)]
            lines.append(Posting("Assets:Receivable:Revenue", 100_000_000, "EUR"))
            made.append(make_entry(f"settle:first:{payee}", "2026-10-31", "Settled for October 2026", lines))
        count = sum(len(entry.postings) for entry in made)
        work = functools.partial(post_many, entries=made, recorded_at=RECORDED_AT)
        rates.append(count / seconds(functools.partial(store.write, work)))
    return figure(f"{store.engine.dialect.name}: first postings of {PAYEES:,} payees", rates, "/s", "every account is new")


def posting(store: Store, folder: Path, postings: int, legs: int, runs: int) -> list[Figure]:
    """Rates of one batch size, each run with its bare twin beside it; the first run warms up."""
    draw = random.Random(postings + legs)
    ours, plain = [], []
    for run in range(runs + 1):
        entries = batch(postings, legs, run * (postings // legs), draw)
        count = sum(len(entry.postings) for entry in entries)
        work = functools.partial(post_many, entries=entries, recorded_at=RECORDED_AT)
        ours.append(count / seconds(functools.partial(store.write, work)))
        plain.append(count / bare(folder, entries))
    name = f"{postings} postings a commit, {legs} an entry"
    where = store.engine.dialect.name
    return [
        figure(
            f"{where}: {name}", ours[1:], "/s", "must 120,000/s, aim 300,000/s" if where == "sqlite" else "beside SQLite"
        ),
        figure(
            f"{where}: bare rows over it", [b / a for a, b in zip(ours, plain, strict=True)][1:], "x", "SQLite executemany"
        ),
    ]


def checking(store: Store, runs: int) -> list[Figure]:
    """Rates of the checks and of the reading that they cannot be faster than."""
    rates: dict[str, list[float]] = {}

    def timed(name: str, count: int, work: Any) -> None:
        begin = time.perf_counter()
        found = work()
        rates.setdefault(name, []).append(count / (time.perf_counter() - begin))
        assert not found, found

    with store.reading() as conn:
        count = conn.exec_driver_sql("SELECT COUNT(*) FROM postings").scalar_one()
        for _ in range(runs + 1):
            timed("check_books", count, lambda: check_books(conn))
            timed("reading alone, as columns", count, lambda: sum(1 for _ in read_pages(conn)) and None)
            timed("reading alone, as rows", count, lambda: conn.exec_driver_sql(ROWS).fetchall() and None)
            timed("balances", count, lambda: sum(balances(conn).values()))
        timed("check_entries", count, lambda: check_entries(conn))
    where = store.engine.dialect.name
    beside = {"check_books": "must 2,000,000/s, aim 6,000,000/s", "check_entries": "every id made again (slow, one run)"}
    return [
        figure(f"{where}: {name}", values[1:] or values, "/s", beside.get(name, "of the same rows"))
        for name, values in rates.items()
    ]


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--postgresql", default="", help="URL of an empty PostgreSQL database, to measure it too")


def main() -> None:
    chosen = options(__doc__.splitlines()[0], add_options)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        store = open_store(f"sqlite:///{folder / 'books.db'}")
        figures.append(first_period(store))
        for postings, legs in ((1_000, 4), (10_000, 4), (40_000, 4), (40_000, 100)):
            figures += posting(store, folder, postings, legs, chosen.runs)
        figures += checking(store, chosen.runs)
        store.close()
        if chosen.postgresql:
            server = open_store(chosen.postgresql)
            figures += posting(server, folder, 40_000, 4, chosen.runs)
            figures += checking(server, chosen.runs)
            server.close()
    best = {one.name: one.value for one in figures}
    facts = {
        "postings_per_s": round(best["sqlite: 40000 postings a commit, 4 an entry"]),
        "check_books_per_s": round(best["sqlite: check_books"]),
    }
    show("ledger", figures, facts, chosen.json)


if __name__ == "__main__":
    main()
