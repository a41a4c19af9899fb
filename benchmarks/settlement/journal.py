"""What the close books: whether its postings are the pool to the unit, and what beancount and hledger make of its journal.

The entry is the real one (`royalties.close_entry`), summed from the written lines, not from anything that the close kept in
memory. Text ledgers cannot hold 20 million rows, nor (hledger) one entry of 200,000 postings, which takes it ten minutes:
they get an entry of two postings for each of the first 20,000 accounts of it.
"""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.frame import Figure, figure, seconds
from benchmarks.settlement.closing import close
from endcredits.ledger import Posting, export_beancount, export_hledger, make_entry
from endcredits.ledger.records import JournalEntry
from endcredits.royalties.accounts import OPERATOR_ACCOUNT, RECEIVABLE_ACCOUNT, TAX_ACCOUNT
from endcredits.royalties.frozen import Frozen
from endcredits.royalties.line_sums import line_sums, lines_of
from endcredits.royalties.posting import close_entry
from endcredits.royalties.records import PeriodClose

PAIRS_MAX = 20_000


def booked(frozen: Frozen, into: Path) -> tuple[PeriodClose, JournalEntry]:
    """A close and the entry that books it."""
    made = close(frozen, into)
    entry = close_entry(made, line_sums(lines_of(into)))
    assert entry is not None
    return made, entry


def pool_minus_postings(made: PeriodClose, entry: JournalEntry) -> int:
    """Micros of the pools less everything that was posted to anybody but the operator, the state and the revenue itself."""
    others = (RECEIVABLE_ACCOUNT, OPERATOR_ACCOUNT, TAX_ACCOUNT)
    posted = -sum(posting.amount_micros for posting in entry.postings if posting.account not in others)
    return sum(pool.pool_micros for pool in made.pools) - posted


def pairs_of(entry: JournalEntry) -> list[JournalEntry]:
    """The entry told apart by account, for ledgers that slow down on long entries."""
    owed = [posting for posting in entry.postings if posting.amount_micros < 0][:PAIRS_MAX]
    return [
        make_entry(
            f"pair:{number}",
            entry.date,
            "A payee's part",
            [posting, Posting(RECEIVABLE_ACCOUNT, -posting.amount_micros, posting.currency)],
        )
        for number, posting in enumerate(owed)
    ]


def run(frozen: Frozen, runs: int) -> tuple[list[Figure], dict[str, Any]]:
    """The difference, which must be 0, and the seconds of the text ledgers on the period's entry."""
    with tempfile.TemporaryDirectory() as place:
        made, entry = booked(frozen, Path(place) / "close")
        gap = pool_minus_postings(made, entry)
        balance = sum(posting.amount_micros for posting in entry.postings)
        figures = [
            figure("pool_minus_postings", [gap], "micros", f"{len(entry.postings)} postings of the close's entry; must 0"),
            figure("entry_balance", [balance], "micros", "sum of the entry; must 0"),
        ]
        facts: dict[str, Any] = {"postings": len(entry.postings)}
        pairs = pairs_of(entry)
        for name, text, command in (
            ("hledger", export_hledger(pairs), ["hledger", "-f", "{file}", "check", "--strict"]),
            ("beancount", export_beancount(pairs), []),
        ):
            file = Path(place) / f"books.{name}"
            file.write_text(text, encoding="utf-8")
            facts[name] = _checked(name, file, [part.format(file=file) for part in command])
            if not isinstance(facts[name], str):
                rate = 2 * len(pairs) / facts[name]
                figures.append(figure(f"{name}_postings_per_s", [rate], "/s", "20,000 payees' sums, not 20 M rows"))
    return figures, facts


def _checked(name: str, file: Path, command: list[str]) -> float | str:
    """Seconds that a text ledger takes to read and check the file, or why it did not."""
    if command:
        if shutil.which(command[0]) is None:
            return "not installed"
        return seconds(lambda: subprocess.run(command, check=True, capture_output=True))
    if importlib.util.find_spec(name) is None:
        return "not installed"
    loader = importlib.import_module("beancount.loader")
    errors: list[Any] = []
    spent = seconds(lambda: errors.extend(loader.load_file(str(file))[1]))
    return f"refuses the books: {errors[0].message}" if errors else spent
