"""Looking into the books: checks, balances, exports."""

from __future__ import annotations

from endcredits.errors import InputError
from endcredits.flows.studio import Studio
from endcredits.ledger import balances, check_books, entries, export_beancount, export_hledger
from endcredits.store import Finding

EXPORTS = {"hledger": export_hledger, "beancount": export_beancount}


def check_ledger(studio: Studio) -> tuple[int, list[Finding]]:
    """How many journal entries there are, and what is wrong with them."""
    with studio.store.reading() as conn:
        return len(entries(conn)), check_books(conn)


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
        return EXPORTS[form](entries(conn))
