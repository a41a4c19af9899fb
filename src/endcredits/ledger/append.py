"""Writing on the journal: new accounts, entries, postings, and last the page that closes them.

This is the only place that writes to the tables of the books. `append` takes entries that were checked, gives them their
numbers, and writes everything of a page in one go; `guards` says what the database itself then still refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, repeat
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.errors import IntegrityError
from endcredits.ledger import tables
from endcredits.ledger.entry import check_stamp
from endcredits.ledger.numbering import Known, account_ids, keep, take
from endcredits.ledger.pages import (
    ENTRY_COLUMNS,
    GENESIS,
    POSTINGS_PER_PAGE,
    Page,
    accounts_text,
    digest_of,
    entries_text,
    postings_text,
)
from endcredits.ledger.records import Booked
from endcredits.ledger.rows import write_rows
from endcredits.store import one

_PAGES = tables.journal_pages
_PAGE_COLUMNS = tuple(column.name for column in _PAGES.columns)


def append(conn: Connection, booked: Sequence[Booked], recorded_at: str) -> None:
    """Writes entries, in their order, on one page or on several.

    Args:
        conn: inside `Store.write`.
        booked: checked by the caller; their numbers and times are given here.
        recorded_at: UTC, 2026-11-20T12:00:00Z, or "".

    Raises:
        InputError: `recorded_at` is not a time, or an account that is new cannot be used.
        IntegrityError: rows of an unfinished page stand in the books, which only a hand other than ours can have left.
        sqlalchemy.exc.DBAPIError: the database refuses an entry.
    """
    check_stamp(recorded_at)
    if not booked:
        return
    last = _last_page(conn)
    known = take(conn, last)
    for group in _pages(booked):
        last = _write_page(conn, last, known, group, recorded_at)
    keep(conn, known, last)


def _last_page(conn: Connection) -> Page:
    row = one(conn, sa.select(_PAGES).order_by(_PAGES.c.page.desc()).limit(1))
    last = Page(**row) if row else Page(0, 0, 0, 1, 0, 0, "", GENESIS)
    query = (
        "SELECT (SELECT MAX(number) FROM journal_entries), (SELECT MAX(posting_id) FROM postings), "
        "(SELECT MAX(account_id) FROM accounts)"
    )
    found = [value or 0 for value in conn.exec_driver_sql(query).one()]
    if found != [last.last_entry, last.last_posting, last.last_account]:
        raise IntegrityError(
            f"after page {last.page} the journal holds rows that no page closes",
            remedy="Something else wrote to the database; run endcredits check and restore it from your last copy.",
        )
    return last


def _pages(booked: Sequence[Booked]) -> Iterator[Sequence[Booked]]:
    start, postings = 0, 0
    for place, one_of_them in enumerate(booked):
        postings += len(one_of_them.entry.postings)
        if postings >= POSTINGS_PER_PAGE:
            yield booked[start : place + 1]
            start, postings = place + 1, 0
    if start < len(booked):
        yield booked[start:]


def _write_page(conn: Connection, last: Page, known: Known, booked: Sequence[Booked], recorded_at: str) -> Page:
    # Columns of plain values rather than rows: nothing is made for a posting but its two numbers.
    entries = [one_of_them.entry for one_of_them in booked]
    paths = [p.account for entry in entries for p in entry.postings]
    currencies = [p.currency for entry in entries for p in entry.postings]
    amounts = [p.amount_micros for entry in entries for p in entry.postings]
    ids, new = account_ids(conn, known, paths, currencies, last.last_account)
    first_posting, first_entry = last.last_posting + 1, last.last_entry + 1
    ends = list(accumulate((len(entry.postings) for entry in entries), initial=last.last_posting))
    columns: list[Sequence[Any]] = [
        range(first_entry, first_entry + len(entries)),
        [end + 1 for end in ends[:-1]],
        ends[1:],
        [entry.entry_id for entry in entries],
        [entry.idempotency_key for entry in entries],
        [entry.date for entry in entries],
        [entry.narrative for entry in entries],
        [entry.reverses for entry in entries],
        [one_of_them.kind for one_of_them in booked],
        [one_of_them.settles for one_of_them in booked],
        [one_of_them.expires_on for one_of_them in booked],
    ]
    last_entry, last_account = last.last_entry + len(entries), last.last_account + len(new)
    row = Page(last.page + 1, first_entry, last_entry, first_posting, ends[-1], last_account, recorded_at, "")
    texts = (accounts_text(new), entries_text(columns), postings_text(ids, amounts))
    sealed = replace(row, page_digest=digest_of(row, last.page_digest, *texts))
    write_rows(conn, "accounts", ("account_id", "path", "currency"), new)
    write_rows(conn, "journal_entries", (*ENTRY_COLUMNS, "page"), zip(*columns, repeat(row.page)))
    postings = zip(range(first_posting, ends[-1] + 1), ids, amounts, strict=True)
    write_rows(conn, "postings", ("posting_id", "account_id", "amount_micros"), postings)
    write_rows(conn, "journal_pages", _PAGE_COLUMNS, [tuple(getattr(sealed, name) for name in _PAGE_COLUMNS)])
    return sealed
