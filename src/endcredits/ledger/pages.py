"""Pages of the journal: what is posted in one go, closed by one digest that continues the page before.

A digest over a page of thousands of postings costs one SHA-256, and a database writes the digested text itself (all
values of one column after another), so that a check reads at the database's own speed. The text of a page is

    endcredits page/1, the previous digest, and the page's own numbers and time   one line each
    the accounts that are new on it                                                ids, paths, currencies
    its entries                                                                    every column
    its postings                                                                   account ids, amounts

Columns end with the character 1E (record separator) and values are joined by 1F (unit separator) or, where they are
integers, by commas. Ids of postings count without a gap, so they are not written out. No text of ours may hold these
characters, and a page says how many values there are, so that two different pages never have one text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

UNIT, RECORD = "\x1f", "\x1e"
GENESIS = "0" * 64
"""What stands for the digest before the first page."""

POSTINGS_PER_PAGE = 40_000
"""Roughly how many postings one page holds before `post_many` begins another; an entry is never divided."""

ENTRY_COLUMNS = (
    "number",
    "first_posting",
    "last_posting",
    "entry_id",
    "idempotency_key",
    "date",
    "narrative",
    "reverses",
    "kind",
    "settles",
    "expires_on",
)
"""Columns of `journal_entries` in the order in which they are digested (its `page` is the page's own number)."""

INTEGERS = 3
"""How many of these columns, the first ones, are integers."""


@dataclass(frozen=True, slots=True)
class Page:
    """A closed page.

    Attributes:
        page: its number, from 1.
        first_entry: number of its first entry.
        last_entry: number of its last entry.
        first_posting: id of its first posting.
        last_posting: id of its last posting; first_posting - 1 where it has none.
        last_account: highest account id that was known when it was closed.
        recorded_at: when it entered the books, UTC; "" where that was not said.
        page_digest: SHA-256 of its text, 64 hex digits.
    """

    page: int
    first_entry: int
    last_entry: int
    first_posting: int
    last_posting: int
    last_account: int
    recorded_at: str
    page_digest: str


def digest_of(page: Page, previous: str, accounts: str, entries: str, postings: str) -> str:
    """The digest of a page from its row, the digest before it, and the texts of its three columns of things."""
    head = (
        f"endcredits page/1\n{previous}\n{page.page},{page.first_entry},{page.last_entry},{page.first_posting},"
        f"{page.last_posting},{page.last_account}\n{page.recorded_at}\n"
    )
    content = f"{head}{accounts}{RECORD}{entries}{RECORD}{postings}"
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def accounts_text(rows: Sequence[tuple[int, str, str]]) -> str:
    """The text of new accounts, each (account_id, path, currency)."""
    ids, paths, currencies = zip(*rows, strict=True) if rows else ((), (), ())
    return RECORD.join([",".join(map(str, ids)), UNIT.join(paths), UNIT.join(currencies)])


def entries_text(columns: Sequence[Sequence[Any]]) -> str:
    """The text of entries, given as the `ENTRY_COLUMNS`, one sequence of values each; None reads as empty."""
    numbers = [",".join(map(str, column)) for column in columns[:INTEGERS]]
    # A column of None alone, which most are, is nothing but separators.
    texts = [
        UNIT.join([value or "" for value in column]) if any(column) else UNIT * (len(column) - 1)
        for column in columns[INTEGERS:]
    ]
    return RECORD.join([*numbers, *texts])


def postings_text(account_ids: Iterable[int], amounts: Iterable[int]) -> str:
    """The text of postings, column by column."""
    return RECORD.join([",".join(map(str, column)) for column in (account_ids, amounts)])
