"""Money that waited is released to those whose it turned out to be, in one balanced entry.

Money waits on three kinds of account: disputed (who is entitled is fought over), suspense (nobody is known), held (the payee
is known and must do or explain something). A release empties the account in every currency, divided exactly. It reads what
stands there inside the same transaction that posts it, so a release that is tried again finds nothing left and pays nobody
twice.

What is released goes to payable accounts as it is. Contracts apply to it like to any other adjustment: hand it to the next
period's `settle` as an `Earning` with these adjustments.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.engine import Connection

from endcredits.canonical import digest
from endcredits.errors import InputError
from endcredits.ids import PartyId, plain_id
from endcredits.ledger import JournalEntry, Posting, balances, find, make_entry
from endcredits.money import PPB, allocate
from endcredits.royalties.accounts import DISPUTED_PREFIX, HELD_PREFIX, SUSPENSE_PREFIX, payable_account

PREFIXES = (DISPUTED_PREFIX, SUSPENSE_PREFIX, HELD_PREFIX)
"""Accounts on which money waits."""


def release(conn: Connection, account: str, parties: Mapping[PartyId, int], on: str, why: str) -> JournalEntry | None:
    """Makes the entry that moves all that waits on an account to payees.

    Args:
        conn: inside `Store.write`, where the entry is then posted.
        account: from `disputed_account`, `suspense_account` or `held_account`.
        parties: their portions in ppb, summing to one whole; units that cannot be divided go by largest remainder.
        on: accounting day, YYYY-MM-DD.
        why: in one line, for the narrative.

    Returns:
        The entry; None when nothing waits there.

    Raises:
        InputError: another account, portions that are no whole, or a day or reason that cannot be used.
    """
    if not account.startswith(PREFIXES):
        raise InputError(
            f"money does not wait on the account {account[:60]}",
            remedy=f"Name one below {', '.join(PREFIXES)}.",
            field="account",
        )
    _check_portions(parties)
    # Paths below the account belong to other ids that begin alike.
    # A currency in debit is one of which too much was taken: nothing waits there, and nobody named owes it.
    stands = {currency: -micros for (path, currency), micros in balances(conn, account).items() if path == account}
    waiting = {currency: micros for currency, micros in stands.items() if micros > 0}
    if not waiting:
        return None
    postings = [Posting(account, micros, currency) for currency, micros in waiting.items()]
    weights = {str(party_id): ppb for party_id, ppb in parties.items()}
    for currency, micros in waiting.items():
        for party_id, part in allocate(micros, weights).items():
            postings.append(Posting(payable_account(PartyId(party_id)), -part, currency))
    return make_entry(_free_key(conn, account, on), on, f"Released from {account}: {why}", postings)


def _check_portions(parties: Mapping[PartyId, int]) -> None:
    for party_id, ppb in parties.items():
        plain_id(party_id, what="party_id")
        if isinstance(ppb, bool) or not isinstance(ppb, int) or ppb <= 0:
            raise InputError(
                f"the portion of {party_id} is {ppb!r}", remedy="Give whole parts per billion above 0.", field="parties"
            )
    if sum(parties.values()) != PPB:
        raise InputError(
            f"the portions sum to {sum(parties.values()):,} ppb, not to 1,000,000,000",
            remedy="Correct them so that they are exactly one whole.",
            field="parties",
        )


def _free_key(conn: Connection, account: str, on: str) -> str:
    # Money may gather again on the same day; a key names one release. Accounts may be longer than a key.
    key = f"release:{digest(account)[:24]}:{on}"
    number = 1
    while find(conn, key if number == 1 else f"{key}:{number}") is not None:
        number += 1
    return key if number == 1 else f"{key}:{number}"
