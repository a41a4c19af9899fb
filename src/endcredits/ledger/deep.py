"""The slow half of checking the books: entry by entry, and every finding with its row.

`check_entries` makes every entry again and compares ids and rules; that is the check which also finds a page that
somebody forged whole, with digests and all. The rest names rows for `check_books`.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy.engine import Connection

from endcredits.errors import InputError
from endcredits.ledger.book import entries_between
from endcredits.ledger.entry import content_id, make_entry
from endcredits.ledger.pages import Page
from endcredits.ledger.ranges import postings_of_entry
from endcredits.ledger.records import KINDS, Booked
from endcredits.store import Finding

ROWS_NAMED_MAX = 20
"""How many postings are named for one entry, and rows for one page."""


def check_entries(conn: Connection) -> list[Finding]:
    """Makes every entry again from what is recorded and says where its id or a rule of book-keeping does not fit."""
    return [finding for booked in entries_between(conn) for finding in _check_entry(booked)]


def _check_entry(booked: Booked) -> Iterator[Finding]:
    entry = booked.entry
    where = _name(booked)
    if booked.kind not in KINDS:
        yield Finding(where, f"it is {booked.kind!r}, which is none of {', '.join(KINDS)}")
    if booked.kind != "voided":
        if not entry.postings:
            yield Finding(where, "it has no postings")
            return
        try:
            # Says what breaks a rule of book-keeping: balance, accounts, currencies, dates.
            made = make_entry(entry.idempotency_key, entry.date, entry.narrative, entry.postings, entry.reverses)
        except InputError as error:
            yield Finding(where, error.message)
        else:
            if made.postings != entry.postings:
                yield Finding(where, "its postings are not in the one order and spelling")
    expected = expected_id(booked)
    if expected != entry.entry_id:
        yield Finding(where, f"its content belongs to the id {expected}")


def expected_id(booked: Booked) -> str:
    """The id that an entry's content belongs to."""
    entry = booked.entry
    return content_id(
        entry.idempotency_key,
        entry.date,
        entry.narrative,
        entry.postings,
        entry.reverses,
        kind=booked.kind,
        settles=booked.settles,
        expires_on=booked.expires_on,
    )


def unfit_rows(conn: Connection, page: Page) -> Iterator[Finding]:
    """The rows of a page that no longer fit: its entries that are not what their ids say, with all that they consist of."""
    unfit = [booked for booked in entries_between(conn, page.first_entry, page.last_entry) if list(_check_entry(booked))]
    for booked in unfit[:ROWS_NAMED_MAX]:
        problem = f"it belongs to {_name(booked)}, which is not what it was"
        yield Finding(f"database table journal_entries, row number={booked.number}", problem)
        rows = conn.exec_driver_sql(
            "SELECT p.posting_id, p.account_id FROM journal_entries e "
            f"{postings_of_entry(conn.dialect.name)} WHERE e.number = {int(booked.number)} ORDER BY p.posting_id"
        ).fetchall()
        for posting_id, account_id in rows[:ROWS_NAMED_MAX]:
            yield Finding(f"database table postings, row posting_id={posting_id}", problem)
            yield Finding(f"database table accounts, row account_id={account_id}", f"{problem}, or only its account")
        yield from _check_entry(booked)
    query = _query(
        conn,
        "SELECT e.number, f.number FROM journal_entries e LEFT JOIN journal_entries f ON f.number = e.number - 1 "
        "WHERE e.number BETWEEN ? AND ? AND (e.first_posting <> COALESCE(f.last_posting, 0) + 1 "
        "OR e.last_posting < e.first_posting - 1 OR e.number = ? AND e.last_posting <> ?)",
    )
    places = (page.first_entry, page.last_entry, page.last_entry, page.last_posting)
    for numbers in conn.exec_driver_sql(query, places).fetchmany(ROWS_NAMED_MAX):
        for number in filter(None, numbers):
            where = f"database table journal_entries, row number={number}"
            yield Finding(where, "its postings do not follow those of the entry before, or do not end where its page does")


def page_rows(conn: Connection, last: Page | None) -> Iterator[Finding]:
    """Rows that no page closes, and entries that name another page than the one they stand on."""
    ends = {"postings": ("posting_id", 0), "journal_entries": ("number", 0), "accounts": ("account_id", 0)}
    if last is not None:
        ends = {
            "postings": ("posting_id", last.last_posting),
            "journal_entries": ("number", last.last_entry),
            "accounts": ("account_id", last.last_account),
        }
    for table, (key, end) in ends.items():
        query = _query(conn, f"SELECT {key} FROM {table} WHERE {key} > ? OR {key} < 1 ORDER BY {key}")
        for (value,) in conn.exec_driver_sql(query, (end,)).fetchmany(ROWS_NAMED_MAX):
            yield Finding(f"database table {table}, row {key}={value}", "it stands on no page")
    query = (
        "SELECT e.number, e.page, g.page FROM journal_entries e LEFT JOIN journal_pages g "
        "ON g.page = e.page WHERE g.page IS NULL OR NOT e.number BETWEEN g.first_entry AND g.last_entry ORDER BY e.number"
    )
    for number, named, _ in conn.exec_driver_sql(query).fetchmany(ROWS_NAMED_MAX):
        where = f"database table journal_entries, row number={number}"
        yield Finding(where, f"it names page {named}, and does not stand on it")


def check_links(conn: Connection) -> Iterator[Finding]:
    """That reversals, confirmations and voidings name an entry of the right kind, once, and are its image."""
    # Postings stand in one order, so the image of each has the same place.
    same = (
        "(SELECT COUNT(*) FROM postings p JOIN postings q "
        "ON q.posting_id = p.posting_id - e.first_posting + u.first_posting AND q.account_id = p.account_id "
        "AND q.amount_micros = {sign}p.amount_micros "
        "WHERE p.posting_id BETWEEN e.first_posting AND e.last_posting)"
    )
    lines = "({0}.last_posting - {0}.first_posting + 1)"
    rules = {
        ("reverses", "posted"): (
            "it is not the mirror image of {0}, which it undoes",
            f"{same.format(sign='-')} <> {lines.format('e')} OR {lines.format('e')} <> {lines.format('u')}",
        ),
        ("settles", "confirmed"): (
            "it does not post what {0} announced, which it confirms",
            f"u.kind <> 'pending' OR {same.format(sign='')} <> {lines.format('e')} "
            f"OR {lines.format('e')} <> {lines.format('u')} OR e.date < u.date OR e.date > u.expires_on",
        ),
        ("settles", "voided"): (
            "it takes back {0}, which does not wait",
            f"u.kind <> 'pending' OR {lines.format('e')} > 0 OR e.date < u.date",
        ),
    }
    for (column, kind), (problem, wrong) in rules.items():
        query = (
            f"SELECT e.entry_id, e.idempotency_key, e.{column}, u.entry_id FROM journal_entries e "
            f"LEFT JOIN journal_entries u ON u.entry_id = e.{column} "
            f"WHERE e.{column} IS NOT NULL AND e.kind = '{kind}' AND (u.entry_id IS NULL OR {wrong}) ORDER BY e.number"
        )
        for entry_id, key, named, found in conn.exec_driver_sql(query):
            where = f"journal entry {entry_id} ('{key}')"
            if found is None:
                yield Finding(where, f"it names {named}, which is not in the books")
            else:
                yield Finding(where, problem.format(named))
    for column, verb in (("reverses", "undone"), ("settles", "settled")):
        query = (
            f"SELECT {column}, COUNT(*) FROM journal_entries WHERE {column} IS NOT NULL "
            f"GROUP BY {column} HAVING COUNT(*) > 1"
        )
        for entry_id, times in conn.exec_driver_sql(query):
            yield Finding(f"journal entry {entry_id}", f"it is {verb} {times} times")


def _name(booked: Booked) -> str:
    return f"journal entry {booked.entry.entry_id} ('{booked.entry.idempotency_key}')"


def _query(conn: Connection, query: str) -> str:
    return query if conn.dialect.name == "sqlite" else query.replace("?", "%s")
