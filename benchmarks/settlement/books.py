"""The ledger: posting in batches with every rule on, and checking all books again, on SQLite with durable commits."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.frame import Figure, figure, seconds
from endcredits.ledger import JournalEntry, Posting, check_books, make_entry
from endcredits.ledger.book import post_many
from endcredits.store import Store, migrate, open_store

LEGS = 4
BATCH_ENTRIES = 10_000


def made_up(count: int) -> list[JournalEntry]:
    """Entries of four postings each: what came in, the operator's part and two payees'."""
    return [
        make_entry(
            f"bench:{number}",
            "2026-11-30",
            f"Entry {number}",
            [
                Posting("Assets:Receivable:Revenue", 1_000_003, "USD"),
                Posting("Income:Operator", -500_001, "USD"),
                Posting(f"Liabilities:Payable:party-{number % 20_000:06d}", -250_002, "USD"),
                Posting(f"Liabilities:Payable:party-{(number * 7 + 1) % 20_000:06d}", -250_000, "USD"),
            ],
        )
        for number in range(count)
    ]


def run(postings: int, runs: int) -> tuple[list[Figure], dict[str, Any]]:
    """Postings a second, into a new database each run."""
    entries = made_up(postings // LEGS)
    posted, checked = [], []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as place:
            store = open_store(f"sqlite:///{Path(place) / 'books.db'}")
            try:
                migrate(store)
                spent = seconds(lambda: _post(store, entries))  # noqa: B023 - called at once
                posted.append(len(entries) * LEGS / spent)
                with store.reading() as conn:
                    found: list[Any] = []
                    spent = seconds(lambda: found.extend(check_books(conn)))  # noqa: B023
                if found:
                    raise SystemExit(f"the books are wrong: {found[0]}")
                checked.append(len(entries) * LEGS / spent)
            finally:
                store.close()
    figures = [
        figure(
            "postings_per_s", posted, "/s", f"{BATCH_ENTRIES} entries a commit, all rules on, SQLite; must 120 k, aim 300 k"
        ),
        figure("check_books_per_s", checked, "/s", "every rule over all books; must 2 M, aim 6 M"),
    ]
    return figures, {"postings in the books": len(entries) * LEGS}


def _post(store: Store, entries: list[JournalEntry]) -> None:
    for batch in itertools.batched(entries, BATCH_ENTRIES) if hasattr(itertools, "batched") else _batches(entries):
        store.write(lambda conn, own=batch: post_many(conn, own, "2026-12-01T00:00:00Z"))


def _batches(entries: list[JournalEntry]) -> list[list[JournalEntry]]:
    return [entries[start : start + BATCH_ENTRIES] for start in range(0, len(entries), BATCH_ENTRIES)]
