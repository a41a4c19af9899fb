"""Double-entry book-keeping: journal entries whose postings sum to zero in every currency.

An account is a path whose first word is its kind: Assets, Liabilities, Income, Expenses or Equity. Amounts are signed
micros: positive debits the account, negative credits it, as in beancount. What is owed to somebody is therefore a
negative balance under Liabilities.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ACCOUNT_KINDS = ("Assets", "Liabilities", "Income", "Expenses", "Equity")

Kind = Literal["posted", "pending", "confirmed", "voided"]
"""What a row of the journal does: `posted` counts at once; `pending` only announces; `confirmed` posts what a pending
entry announced; `voided` takes the announcement back, and has no postings of its own."""

KINDS: tuple[Kind, ...] = ("posted", "pending", "confirmed", "voided")


@dataclass(frozen=True, slots=True)
class Posting:
    """One signed amount on one account.

    Attributes:
        account: path such as "Liabilities:Payable:party:emily-bronte-1a2b3c4d" (kind, then anything).
        amount_micros: signed, never zero.
        currency: ISO 4217 code.
    """

    account: str
    amount_micros: int
    currency: str


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """Postings that belong together and balance.

    Attributes:
        entry_id: made from the content; equal content has an equal id.
        idempotency_key: what this entry is about ("close:2026-11"); a key is posted once.
        date: accounting date, YYYY-MM-DD.
        narrative: what happened, in words.
        postings: at least two, summing to zero per currency, sorted by account and currency, one per pair.
        reverses: the entry that this one undoes, if any.
    """

    entry_id: str
    idempotency_key: str
    date: str
    narrative: str
    postings: tuple[Posting, ...]
    reverses: str | None = None


@dataclass(frozen=True, slots=True)
class Booked:
    """An entry as it stands in the journal.

    Attributes:
        entry: its content; a voided one has no postings.
        kind: what it does.
        settles: id of the pending entry that it confirms or voids.
        expires_on: last day on which it can be confirmed, if it is pending and has one.
        number: its place in the journal, from 1; 0 while it is not recorded.
        recorded_at: when it entered the books, UTC; "" where that was not said.
    """

    entry: JournalEntry
    kind: Kind = "posted"
    settles: str | None = None
    expires_on: str | None = None
    number: int = 0
    recorded_at: str = ""
