"""Writing on the journal: new accounts, entries, postings, and last the page that closes them.

This is the only place that writes to the tables of the books. `append` takes entries that were checked, gives them their
numbers, and writes everything of a page in one go; `guards` says what the database itself then still refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.errors import IntegrityError
from endcredits.ledger import tables
from endcredits.ledger.entry import check_account, check_stamp
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
from endcredits.ledger.rows import rows_with, write_rows
from endcredits.money import currency_code
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
    for group in _pages(booked):
        last = _write_page(conn, last, group, recorded_at)


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


def _write_page(conn: Connection, last: Page, booked: Sequence[Booked], recorded_at: str) -> Page:
    pairs = [(p.account, p.currency) for b in booked for p in b.entry.postings]
    ids, new = _account_ids(conn, pairs, last.last_account)
    page = last.page + 1
    entry_rows: list[tuple[object, ...]] = []
    numbers: list[int] = []
    number = last.last_entry
    for one_of_them in booked:
        number += 1
        entry = one_of_them.entry
        entry_rows.append(
            (
                number,
                entry.entry_id,
                entry.idempotency_key,
                entry.date,
                entry.narrative,
                entry.reverses,
                one_of_them.kind,
                one_of_them.settles,
                one_of_them.expires_on,
            )
        )
        numbers += [number] * len(entry.postings)
    account_ids = [ids[pair] for pair in pairs]
    amounts = [p.amount_micros for b in booked for p in b.entry.postings]
    first_posting, last_posting = last.last_posting + 1, last.last_posting + len(amounts)
    row = Page(
        page,
        last.last_entry + 1,
        number,
        first_posting,
        last_posting,
        last.last_account + len(new),
        recorded_at,
        "",
    )
    texts = (accounts_text(new), entries_text(entry_rows), postings_text(numbers, account_ids, amounts))
    sealed = replace(row, page_digest=digest_of(row, last.page_digest, *texts))
    write_rows(conn, "accounts", ("account_id", "path", "currency"), new)
    write_rows(conn, "journal_entries", (*ENTRY_COLUMNS, "page"), [(*values, page) for values in entry_rows])
    posting_rows = list(zip(range(first_posting, last_posting + 1), numbers, account_ids, amounts, strict=True))
    write_rows(conn, "postings", ("posting_id", "number", "account_id", "amount_micros"), posting_rows)
    write_rows(conn, "journal_pages", _PAGE_COLUMNS, [_values(sealed)])
    return sealed


def _values(page: Page) -> tuple[object, ...]:
    return tuple(getattr(page, name) for name in _PAGE_COLUMNS)


def _account_ids(
    conn: Connection, pairs: Sequence[tuple[str, str]], last_account: int
) -> tuple[dict[tuple[str, str], int], list[tuple[int, str, str]]]:
    """The ids of accounts, and those among them that are new: numbered in the order in which they appear."""
    wanted = dict.fromkeys(pairs)
    # Sorted, so that one look at a page of the index finds many of them.
    paths = sorted({path for path, _ in wanted})
    select = "SELECT account_id, path, currency FROM accounts"
    ids = {(path, currency): account_id for account_id, path, currency in rows_with(conn, select, "path", paths)}
    new = []
    for pair in wanted:
        if pair not in ids:
            check_account(pair[0])
            currency_code(pair[1])
            last_account += 1
            ids[pair] = last_account
            new.append((last_account, *pair))
    return ids, new
