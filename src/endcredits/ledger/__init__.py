"""The books: double entry, in which money is only ever moved and never made.

An entry moves amounts between accounts and sums to zero in every currency; what does not balance is refused, by us and by
the database itself. `make_entry` makes one (pure), `post` records it once per idempotency key, `post_many` records tens of
thousands; `post_pending`, `confirm` and `void` are for what is not yet certain. `balances` sums what is recorded, by
accounting day and by what was known when. Nothing is edited: a mistake is undone by `reverse_entry` and posted again under
a new key. `lots`, `ageing` and `claim` look after money that waits for its owner; `payable` says what of a balance is whole
coins. `check_books` reads everything again and names what no longer fits; `export_hledger` and `export_beancount` let other
programs come to the same balances.

This room knows nothing of art or models.
"""

from endcredits.ledger.book import (
    balances,
    entries,
    find,
    find_booked,
    find_by_id,
    journal,
    post,
    post_many,
    post_slowly,
)
from endcredits.ledger.check import check_books
from endcredits.ledger.coins import Payable, payable, payables
from endcredits.ledger.deep import check_entries
from endcredits.ledger.digests import books_digest, period_digest
from endcredits.ledger.entry import make_entry, reverse_entry
from endcredits.ledger.export import export_beancount, export_hledger
from endcredits.ledger.holds import (
    AGE_BOUNDS_DAYS,
    HOLD_PREFIXES,
    Age,
    Lot,
    ageing,
    claim,
    free_on,
    lots,
    may_leave,
    release_entries,
    search,
)
from endcredits.ledger.pending import confirm, pending_entries, post_pending, void, void_expired
from endcredits.ledger.records import ACCOUNT_KINDS, Booked, JournalEntry, Posting

__all__ = [
    "ACCOUNT_KINDS",
    "AGE_BOUNDS_DAYS",
    "Age",
    "Booked",
    "HOLD_PREFIXES",
    "JournalEntry",
    "Lot",
    "Payable",
    "Posting",
    "ageing",
    "balances",
    "books_digest",
    "check_books",
    "check_entries",
    "claim",
    "confirm",
    "entries",
    "export_beancount",
    "export_hledger",
    "find",
    "find_booked",
    "find_by_id",
    "free_on",
    "journal",
    "lots",
    "make_entry",
    "may_leave",
    "payable",
    "payables",
    "pending_entries",
    "period_digest",
    "post",
    "post_many",
    "post_pending",
    "post_slowly",
    "release_entries",
    "reverse_entry",
    "search",
    "void",
    "void_expired",
]
