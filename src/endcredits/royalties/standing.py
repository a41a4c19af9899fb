"""What stands on the accounts of payees before a settlement, read from the books alone.

Unrecouped advances are debits on `Assets:Advance:<party>:<contract>`, reserves credits on
`Liabilities:Reserve:<party>:<day of release>`; see `accounts.py`. No table of balances exists that could differ from them.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection

from endcredits.errors import IntegrityError
from endcredits.ids import PartyId
from endcredits.ledger import balances
from endcredits.royalties.accounts import ADVANCE_PREFIX, RESERVE_PREFIX


@dataclass(frozen=True, slots=True)
class StandingBalances:
    """What stands before a settlement.

    Attributes:
        unrecouped: (party, currency, contract) -> micros of advances still to be earned, > 0.
        reserved: (party, currency, day of release) -> micros held in reserve, > 0.
    """

    unrecouped: Mapping[tuple[PartyId, str, str], int] = field(default_factory=dict)
    reserved: Mapping[tuple[PartyId, str, str], int] = field(default_factory=dict)


def standing_balances(conn: Connection, until: str | None = None) -> StandingBalances:
    """Reads the standing balances.

    Args:
        conn: any connection.
        until: entries up to and including this day; None for all.

    Raises:
        IntegrityError: as for `standing_of`.
    """
    return standing_of({**balances(conn, ADVANCE_PREFIX, until), **balances(conn, RESERVE_PREFIX, until)})


def standing_of(stood: Mapping[tuple[str, str], int]) -> StandingBalances:
    """The standing balances among the ledger's balances by (account, currency); other accounts are passed over.

    Raises:
        IntegrityError: an account below the two is not spelt as this room spells it, or stands on the wrong side.
    """
    unrecouped = {}
    reserved = {}
    for (account, currency), micros in stood.items():
        if account.startswith(ADVANCE_PREFIX) and micros:
            party, contract = _parts(account, ADVANCE_PREFIX)
            unrecouped[PartyId(party), currency, contract] = _positive(micros, account)
        elif account.startswith(RESERVE_PREFIX) and micros:
            party, release_on = _parts(account, RESERVE_PREFIX)
            try:
                datetime.date.fromisoformat(release_on)
            except ValueError as error:
                raise _misspelt(account) from error
            reserved[PartyId(party), currency, release_on] = _positive(-micros, account)
    return StandingBalances(unrecouped, reserved)


def _parts(account: str, prefix: str) -> tuple[str, str]:
    # Ids of parties may hold colons; those of contracts and days do not.
    party, _, last = account.removeprefix(prefix).rpartition(":")
    if not party or not last:
        raise _misspelt(account)
    return party, last


def _misspelt(account: str) -> IntegrityError:
    return IntegrityError(
        f"the account {account} is not one of a payee's advances or reserves",
        remedy="Reverse the entry that posted to it, and post it to an account as endcredits.royalties.accounts spells it.",
    )


def _positive(micros: int, account: str) -> int:
    if micros < 0:
        raise IntegrityError(
            f"more was taken from the account {account} than it held",
            remedy="Reverse the entry that took too much; a settlement never does.",
        )
    return micros
