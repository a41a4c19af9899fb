"""Digests that stand for the books: of everything up to now, and of one period.

The journal is a chain: every page's digest covers the digest of the page before, so the last one stands for all of it.
A period's entries lie on many pages among others, so they have a chain of their own: from the period before, one link
per entry in the order of posting. Either changes with any one integer that it covers.
"""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.canonical import canonical_bytes
from endcredits.ledger import tables
from endcredits.ledger.book import journal
from endcredits.ledger.entry import check_date
from endcredits.ledger.pages import GENESIS
from endcredits.ledger.records import Booked
from endcredits.store import one


def books_digest(conn: Connection) -> str:
    """The digest of the whole journal, 64 hex digits; of an empty one, 64 zeros."""
    pages = tables.journal_pages
    row = one(conn, sa.select(pages.c.page_digest).order_by(pages.c.page.desc()).limit(1))
    return str(row["page_digest"]) if row else GENESIS


def period_digest(conn: Connection, starts_on: str, ends_on: str, previous: str = GENESIS) -> str:
    """The digest of a period: of all entries with an accounting date in it, whatever their kind, in posting order.

    Args:
        conn: any connection.
        starts_on: first day, YYYY-MM-DD.
        ends_on: last day, included.
        previous: digest of the period before, which this one continues.

    Raises:
        InputError: a day is not one.
    """
    check_date(starts_on)
    check_date(ends_on)
    chain = previous
    for booked in journal(conn):
        if starts_on <= booked.entry.date <= ends_on:
            chain = hashlib.sha256(f"{chain}\n{booked_digest(booked)}".encode()).hexdigest()
    return chain


def booked_digest(booked: Booked) -> str:
    """SHA-256 of one entry as it stands in the journal: canonical bytes, amounts as decimal strings."""
    entry = booked.entry
    document = {
        "number": booked.number,
        "recorded_at": booked.recorded_at,
        "kind": booked.kind,
        "settles": booked.settles,
        "expires_on": booked.expires_on,
        "entry_id": entry.entry_id,
        "idempotency_key": entry.idempotency_key,
        "date": entry.date,
        "narrative": entry.narrative,
        "reverses": entry.reverses,
        "postings": [[posting.account, str(posting.amount_micros), posting.currency] for posting in entry.postings],
    }
    return hashlib.sha256(canonical_bytes(document)).hexdigest()
