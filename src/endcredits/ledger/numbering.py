"""The numbers of accounts, kept in mind between one page and the next.

Looking up thousands of accounts in the database takes as long as writing them. An account never changes its number once
its page is closed, so what was looked up stays right as long as the books continue from where it was looked up. The
digest of that page says whether they do: after a rollback, or in another copy of the file, the journal holds another
page there or none, and everything is looked up again.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection, Engine

from endcredits.ledger.entry import check_account
from endcredits.ledger.pages import Page
from endcredits.ledger.rows import rows_with
from endcredits.money import currency_code

ACCOUNTS_KEPT_MAX = 250_000
"""How many accounts are kept in mind for one open database, some 40 MB; beyond it, it begins anew."""


@dataclass(slots=True)
class Known:
    """Accounts whose numbers are known.

    Attributes:
        page: the page as of which they are right.
        page_digest: its digest.
        ids: account numbers by path, by currency.
    """

    page: int = 0
    page_digest: str = ""
    ids: dict[str, dict[str, int]] = field(default_factory=dict)


_KEPT: weakref.WeakKeyDictionary[Engine, Known] = weakref.WeakKeyDictionary()


def take(conn: Connection, last: Page) -> Known:
    """What is kept for this database, if it is still right; it belongs to the caller until `keep` gives it back."""
    # Taken out, so that two threads never change the same one.
    known = _KEPT.pop(conn.engine, None)
    if known is None or sum(map(len, known.ids.values())) > ACCOUNTS_KEPT_MAX:
        return Known()
    if (known.page, known.page_digest) == (last.page, last.page_digest):
        return known
    query = f"SELECT page_digest FROM journal_pages WHERE page = {int(known.page)}"
    return known if conn.exec_driver_sql(query).scalar() == known.page_digest else Known()


def keep(conn: Connection, known: Known, last: Page) -> None:
    """Keeps accounts in mind as of the page that was just written."""
    known.page, known.page_digest = last.page, last.page_digest
    _KEPT[conn.engine] = known


def account_ids(
    conn: Connection, known: Known, paths: Sequence[str], currencies: Sequence[str], last_account: int
) -> tuple[list[int], list[tuple[int, str, str]]]:
    """The numbers of accounts, and those among them that are new: numbered in the order in which they appear.

    Raises:
        InputError: a new account cannot be used.
    """
    of_currency = {currency: known.ids.setdefault(currency, {}) for currency in dict.fromkeys(currencies)}
    only = next(iter(of_currency.values())) if len(of_currency) == 1 else None
    if only is not None:
        missing = set(paths).difference(only)
    else:
        missing = {path for path, currency in zip(paths, currencies, strict=True) if path not in of_currency[currency]}
    # Sorted, so that one look at a page of the index finds many of them.
    select = "SELECT account_id, path, currency FROM accounts"
    for account_id, path, currency in rows_with(conn, select, "path", sorted(missing)) if missing else ():
        known.ids.setdefault(currency, {})[path] = account_id
    new = []
    if missing:
        for path, currency in zip(paths, currencies, strict=True):
            if path in missing and path not in of_currency[currency]:
                check_account(path)
                currency_code(currency)
                last_account += 1
                of_currency[currency][path] = last_account
                new.append((last_account, path, currency))
    if only is not None:
        return [only[path] for path in paths], new
    return [of_currency[currency][path] for path, currency in zip(paths, currencies, strict=True)], new
