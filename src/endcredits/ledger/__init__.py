"""The books: double entry, in which money is only ever moved and never made.

An entry moves amounts between accounts and sums to zero in every currency; what does not balance is refused.
`make_entry` makes one (pure), `post` records it once per idempotency key, `balances` sums what is recorded. Nothing is
edited: a mistake is undone by `reverse_entry` and posted again under a new key. `check_books` reads everything again
and names what no longer fits; `export_hledger` and `export_beancount` let other programs come to the same balances.

This room knows nothing of art or models.
"""

from endcredits.ledger.book import balances, entries, find, find_by_id, post
from endcredits.ledger.check import check_books
from endcredits.ledger.entry import make_entry, reverse_entry
from endcredits.ledger.export import export_beancount, export_hledger
from endcredits.ledger.records import ACCOUNT_KINDS, JournalEntry, Posting

__all__ = [
    "ACCOUNT_KINDS",
    "JournalEntry",
    "Posting",
    "balances",
    "check_books",
    "entries",
    "export_beancount",
    "export_hledger",
    "find",
    "find_by_id",
    "make_entry",
    "post",
    "reverse_entry",
]
