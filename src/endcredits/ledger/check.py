"""Reading the books again from the raw rows, trusting nothing that was true when they were written.

`check_books` reads everything once, page by page as columns (`columns`), and finds

- any one changed value of any row: the page's digest no longer fits;
- entries that do not balance, numbers that do not follow each other, accounts that are unknown, also where somebody has
  made the digests anew;
- rows that no page closes, and entries that stand on another page than they say;
- reversals and confirmations that are not the image of what they name.

What it finds wrong on a page it then looks at entry by entry, to name the rows. `deep.check_entries` asks every entry
whether it fits its id and the rules of `make_entry`, which also finds pages that were forged whole.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from sqlalchemy.engine import Connection

from endcredits.ledger.columns import PageText, read_pages
from endcredits.ledger.deep import check_links, page_rows, unfit_rows
from endcredits.ledger.pages import ENTRY_COLUMNS, RECORD, UNIT, Page, digest_of
from endcredits.store import Finding

_KIND = ENTRY_COLUMNS.index("kind")
_AHEAD = 2
"""Pages that are being looked at while the database reads the next."""


def check_books(conn: Connection) -> list[Finding]:
    """Checks every row of the books and how they hang together; see the module for what is found.

    Returns:
        What is wrong; empty when the books are as they were written.
    """
    checker = _Checker()
    found: list[tuple[Page, list[str]]] = []
    waiting: deque[tuple[Page, Future[list[str]]]] = deque()
    # The database and the digest both work outside Python's lock, so two threads are nearly twice as fast.
    with ThreadPoolExecutor(1) as pool:
        for text in read_pages(conn):
            waiting.append((text.page, pool.submit(checker.problems, text)))
            if len(waiting) > _AHEAD:
                page, future = waiting.popleft()
                found.append((page, future.result()))
        found += [(page, future.result()) for page, future in waiting]
    findings: list[Finding] = []
    for page, problems in found:
        where = f"database table journal_pages, row page={page.page}"
        findings += [Finding(where, problem) for problem in problems]
        if problems:
            findings += unfit_rows(conn, page)
    last = found[-1][0] if found else None
    return list(dict.fromkeys([*findings, *page_rows(conn, last), *check_links(conn)]))


class _Checker:
    """Goes through the pages in their order and remembers what the next one must follow."""

    def __init__(self) -> None:
        self.page, self.entry, self.posting, self.account = 0, 0, 0, 0
        self.codes: dict[str, int] = {}
        self.currencies = np.zeros(1, dtype=np.int32)  # by account id

    def problems(self, text: PageText) -> list[str]:
        """What is wrong with a page, in words."""
        page = text.page
        problems = []
        if digest_of(page, text.previous, text.accounts, text.entries, text.postings) != page.page_digest:
            problems.append("what it closes is not what it was when it was closed")
        expected = (self.page + 1, self.entry + 1, self.posting + 1)
        if (page.page, page.first_entry, page.first_posting) != expected:
            problems.append("it does not follow the page before")
        self.page, self.entry, self.posting = page.page, page.last_entry, page.last_posting
        try:
            self._accounts(page, text.accounts)
            problems += self._entries(page, text)
        except (ValueError, IndexError, TypeError) as error:
            problems.append(f"what stands on it cannot be read ({error})")
        return problems

    def _accounts(self, page: Page, text: str) -> None:
        ids, _, currencies = text.split(RECORD)
        if not _follow(ids, self.account + 1, page.last_account):
            raise ValueError("accounts are missing")
        if ids:
            named = currencies.split(UNIT)
            codes = {currency: self.codes.setdefault(currency, len(self.codes) + 1) for currency in dict.fromkeys(named)}
            only = next(iter(codes.values())) if len(codes) == 1 else 0
            new = [only] * len(named) if only else [codes[currency] for currency in named]
            self.currencies = np.concatenate([self.currencies, np.array(new, dtype=np.int32)])
        self.account = page.last_account

    def _entries(self, page: Page, text: PageText) -> Iterator[str]:
        columns = text.entries.split(RECORD)
        count = page.last_entry - page.first_entry + 1
        if not _follow(columns[0], page.first_entry, page.last_entry):
            yield "entries are missing from it, or are numbered wrongly"
            return
        kinds = columns[_KIND]
        accounts, amounts = (_integers(column) for column in text.postings.split(RECORD))
        if not len(accounts) == len(amounts) == page.last_posting - page.first_posting + 1:
            yield "postings are missing from it"
            return
        firsts, lasts = _integers(columns[1]), _integers(columns[2])
        if not np.array_equal(np.append(firsts, page.last_posting + 1), np.insert(lasts + 1, 0, page.first_posting)):
            yield "the postings of one entry do not follow those of the entry before"
            return
        lengths = lasts - firsts + 1
        empty = np.zeros(count, dtype=bool)
        if "voided" in kinds:
            empty = np.array([kind == "voided" for kind in kinds.split(UNIT)])
        if ((lengths < 2) & ~empty).any() or (lengths[empty] != 0).any():
            yield "entries on it have fewer than two postings, or voided ones have some"
        if not len(accounts) or (lengths < 0).any():
            return
        if (accounts < 1).any() or (accounts > self.account).any():
            yield "postings on it are on accounts that do not exist"
            return
        numbers = np.repeat(np.arange(page.first_entry, page.last_entry + 1), lengths)
        wrong = _unbalanced(numbers, self.currencies[accounts], amounts)
        if len(wrong):
            yield f"the entries do not balance that are numbered {', '.join(map(str, wrong[:10]))}"


def _follow(text: str, first: int, last: int) -> bool:
    """Whether a text of numbers counts from the first to the last of them."""
    return bool(np.array_equal(_integers(text), np.arange(first, last + 1)))


def _integers(text: str) -> np.ndarray:
    if not text:
        return np.zeros(0, dtype=np.int64)
    values = np.fromstring(text, dtype=np.int64, sep=",")
    return values


def _unbalanced(numbers: np.ndarray, currencies: np.ndarray, amounts: np.ndarray) -> np.ndarray:
    """The entries whose amounts do not sum to zero in one of their currencies; `numbers` rises."""
    if (currencies != currencies[0]).any():
        # Stable, so that equal pairs stand together and nothing else changes.
        order = np.argsort(numbers * (int(currencies.max()) + 1) + currencies, kind="stable")
        numbers, currencies, amounts = numbers[order], currencies[order], amounts[order]
    starts = np.flatnonzero(np.concatenate([[True], (np.diff(numbers) != 0) | (np.diff(currencies) != 0)]))
    # In two halves of 32 bits: sums of whole amounts could pass 2**63 on the way to zero, and then come out as zero.
    low = np.add.reduceat(amounts & 0xFFFFFFFF, starts)
    high = np.add.reduceat(amounts >> 32, starts)
    wrong: np.ndarray = numbers[starts[(low % 2**32 != 0) | (high + (low >> 32) != 0)]]
    return wrong
