"""Looking into the books, and booking what was paid out.

Nothing here moves money: a payment is booked after it was made, so that the next statement opens with what is still owed.
"""

from __future__ import annotations

from sqlalchemy.engine import Connection

from endcredits.errors import ConflictError, InputError
from endcredits.flows.clock import now
from endcredits.flows.parties import party_called
from endcredits.flows.studio import Studio
from endcredits.ids import PartyId
from endcredits.ledger import (
    JournalEntry,
    Posting,
    balances,
    check_books,
    check_entries,
    entries,
    export_beancount,
    export_hledger,
    find,
    journal,
    make_entry,
    post,
)
from endcredits.money import currency_code, format_micros
from endcredits.royalties import payable_account
from endcredits.store import Finding

EXPORTS = {"hledger": export_hledger, "beancount": export_beancount}

BANK_ACCOUNT = "Assets:Bank"


def check_ledger(studio: Studio) -> tuple[int, list[Finding]]:
    """How many journal entries there are, and what is wrong with them."""
    with studio.store.reading() as conn:
        return len(entries(conn)), list(dict.fromkeys([*check_books(conn), *check_entries(conn)]))


def account_balances(studio: Studio, prefix: str = "") -> dict[tuple[str, str], int]:
    """Balances in micros by account and currency, in the order of the accounts."""
    with studio.store.reading() as conn:
        return dict(sorted(balances(conn, prefix).items()))


def export_journal(studio: Studio, form: str) -> str:
    """The whole journal as text.

    Raises:
        InputError: the form is not known.
    """
    if form not in EXPORTS:
        raise InputError(f"'{form}' is not a form of the journal", remedy="Write hledger or beancount.", field="--form")
    with studio.store.reading() as conn:
        return EXPORTS[form](journal(conn), assertions=True)


def record_payment(
    studio: Studio, called: str, amount_micros: int, currency: str, *, key: str, date: str
) -> tuple[JournalEntry, int]:
    """Books a payment that was made to a party. The same key with the same content again changes nothing.

        debit   Liabilities:Payable:<party>      no longer owed
        credit  Assets:Bank                      what left the account

    Args:
        studio: whose books.
        called: the party's id or name.
        amount_micros: what was paid, > 0 and at most what is owed.
        currency: ISO 4217 code.
        key: the operator's own name of the payment, such as the bank's reference; a key is booked once.
        date: accounting date, YYYY-MM-DD.

    Returns:
        The entry, and the micros that are still owed.

    Raises:
        InputError: an amount that is not positive, or another value that cannot be used.
        NotFoundError: no such party.
        ConflictError: more than is owed, or the key is booked with other content.
    """
    if amount_micros <= 0:
        raise InputError(
            f"a payment of {format_micros(amount_micros)} is none", remedy="Give an amount above zero.", field="amount"
        )
    currency_code(currency)

    def work(conn: Connection) -> tuple[JournalEntry, int]:
        party_id = party_called(conn, called)
        account = payable_account(party_id)
        postings = [Posting(account, amount_micros, currency), Posting(BANK_ACCOUNT, -amount_micros, currency)]
        entry = make_entry(f"pay:{key}", date, f"Paid to {party_id}", postings)
        if find(conn, entry.idempotency_key) is None:
            _must_owe(conn, party_id, amount_micros, currency)
        return post(conn, entry, now()), _owed(conn, party_id, currency)

    return studio.store.write(work)


def _must_owe(conn: Connection, party_id: PartyId, amount_micros: int, currency: str) -> None:
    owed = _owed(conn, party_id, currency)
    if amount_micros > owed:
        raise ConflictError(
            f"{format_micros(owed, currency)} is owed to {party_id}, less than {format_micros(amount_micros, currency)}",
            remedy="Book what was owed and paid; see what is: endcredits ledger balances Liabilities:Payable.",
            field="amount",
        )


def _owed(conn: Connection, party_id: PartyId, currency: str) -> int:
    account = payable_account(party_id)
    return -balances(conn, account).get((account, currency), 0)
