"""Reading the journal page by page as columns, at the database's own speed.

For each page the database joins every column into one text, the very text that was digested when the page was closed
(`pages`). So a page of 40,000 postings is one row of one query, and no loop of Python's ever touches a posting.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.ledger.pages import ENTRY_COLUMNS, GENESIS, INTEGERS, Page

_MAY_BE_NULL = ("reverses", "settles", "expires_on")


@dataclass(frozen=True, slots=True)
class PageText:
    """A page as it stands in the database.

    Attributes:
        page: its row.
        previous: the digest that the page before has.
        accounts: text of the accounts that are new on it.
        entries: text of the entries in its range.
        postings: text of the postings in its range.
    """

    page: Page
    previous: str
    accounts: str
    entries: str
    postings: str


def read_pages(conn: Connection) -> Iterator[PageText]:
    """All pages in their order, each read when it is asked for."""
    previous = GENESIS
    query = sa.text(_query(conn.dialect.name)).execution_options(stream_results=True, max_row_buffer=4)
    for row in conn.execute(query):
        page = Page(*row[:8])
        yield PageText(page, previous, *row[8:])
        previous = page.page_digest


def _query(dialect: str) -> str:
    between = "BETWEEN g.first_{0} AND g.last_{0}"
    entries = [(column, "','" if place < INTEGERS else "CHR31", "number") for place, column in enumerate(ENTRY_COLUMNS)]
    postings = [(column, "','", "posting_id") for column in ("account_id", "amount_micros")]
    accounts = [("account_id", "','", "account_id"), *((column, "CHR31", "account_id") for column in ("path", "currency"))]
    parts = (
        _texts(dialect, "accounts", accounts, "account_id BETWEEN COALESCE(h.last_account, 0) + 1 AND g.last_account"),
        _texts(dialect, "journal_entries", entries, f"number {between.format('entry')}"),
        _texts(dialect, "postings", postings, f"posting_id {between.format('posting')}"),
    )
    columns = "page, first_entry, last_entry, first_posting, last_posting, last_account, recorded_at, page_digest"
    row = ", ".join(f"g.{column.strip()}" for column in columns.split(","))
    return (
        f"SELECT {row}, {', '.join(parts)} FROM journal_pages g "
        "LEFT JOIN journal_pages h ON h.page = g.page - 1 ORDER BY g.page"
    )


def _texts(dialect: str, table: str, columns: list[tuple[str, str, str]], condition: str) -> str:
    """A subquery that joins each column's values, and the columns."""
    joined = []
    for column, separator, order in columns:
        if dialect == "sqlite":
            # Rows come in the order of their primary key, by which they are picked; group_concat leaves out a NULL.
            value = f"COALESCE({column}, '')" if column in _MAY_BE_NULL else column
            joined.append(f"COALESCE(group_concat({value}, {separator}), '')")
        else:
            joined.append(f"COALESCE(string_agg(COALESCE({column}::text, ''), {separator} ORDER BY {order}), '')")
    text = " || CHR30 || ".join(joined)
    char = "char" if dialect == "sqlite" else "chr"
    text = text.replace("CHR30", f"{char}(30)").replace("CHR31", f"{char}(31)")
    # Never by another index: that would be another order.
    hint = " NOT INDEXED" if dialect == "sqlite" else ""
    return f"(SELECT {text} FROM {table}{hint} WHERE {condition})"
