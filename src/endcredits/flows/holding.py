"""Money that waits for its owner: what there is, how long already, from when on it may go elsewhere, and its release.

Four kinds wait on accounts of their own (see `endcredits.ledger.holds`). A release empties an account; what has
waited for the years that the law or a contract of the place asks for can be let go to the commons. What is owed to somebody
who cannot be reached can be set aside as unclaimed, so that plans of payment leave it out and its age is seen.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from endcredits.canonical import digest
from endcredits.errors import ConflictError, InputError
from endcredits.flows.clock import now
from endcredits.flows.parties import party_called
from endcredits.flows.portions import portions_of, registered_portions
from endcredits.flows.studio import Studio
from endcredits.ids import PartyId, WorkId
from endcredits.ledger import (
    AGE_BOUNDS_DAYS,
    HOLD_PREFIXES,
    Age,
    JournalEntry,
    Lot,
    Posting,
    ageing,
    balances,
    find,
    free_on,
    lots,
    make_entry,
    may_leave,
    post,
    post_many,
    release_entries,
)
from endcredits.money import PPB, format_micros
from endcredits.royalties import (
    COMMONS_ACCOUNT,
    DISPUTED_PREFIX,
    SUSPENSE_PREFIX,
    disputes,
    payable_account,
    release_disputed,
)
from endcredits.royalties import release as release_account
from endcredits.works import parties, works

UNCLAIMED_PREFIX = HOLD_PREFIXES["unclaimed"]
WHY_LENGTH_MAX = 150
"""Characters of a reason: an entry's narrative also holds the account."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A sum that waits.

    Attributes:
        lot: as the ledger has it.
        name: title of the work, or name of the party, that the account is of; "" when neither is registered.
        days: how long it has waited.
        free_on: first day on which it may go elsewhere, YYYY-MM-DD; "" when no number of years was given.
    """

    lot: Lot
    name: str
    days: int
    free_on: str


def waiting(studio: Studio, *, on: str = "", years: int = 0, text: str = "", taken: bool = False) -> tuple[Waiting, ...]:
    """What waits, oldest first.

    Args:
        studio: whose.
        on: as of the end of this accounting day; today by default.
        years: after how many years a sum may go elsewhere; 0 for no answer.
        text: only what has it in its account or its name, whatever the case of the letters; "" for all.
        taken: instead of what waits, the sums that were taken too much: amounts below 0, which nobody can be given.
    """
    day = on or now()[:10]
    wanted = text.casefold()
    with studio.store.reading() as conn:
        names = {**_party_names(conn), **{str(work.work_id): work.title for work in works(conn)}}
        found = (_waiting(lot, names, day, years) for lot in lots(conn, until=day) if (lot.amount_micros < 0) == taken)
        return tuple(one for one in found if wanted in one.lot.account.casefold() or wanted in one.name.casefold())


def _party_names(conn: Connection) -> dict[str, str]:
    return {str(party_id): party.name for party_id, party in parties(conn).items()}


def _waiting(lot: Lot, names: dict[str, str], day: str, years: int) -> Waiting:
    whose = lot.account.removeprefix(HOLD_PREFIXES[lot.kind])
    if lot.kind == "held":
        whose = whose.partition(":")[2]
    days = (datetime.date.fromisoformat(day) - datetime.date.fromisoformat(lot.since)).days
    return Waiting(lot, names.get(whose, ""), max(0, days), free_on(lot, years) if years else "")


def ages(studio: Studio, *, on: str = "", bounds_days: Sequence[int] = AGE_BOUNDS_DAYS) -> list[Age]:
    """How much of each kind and currency has waited for how long; see `endcredits.ledger.ageing`."""
    day = on or now()[:10]
    with studio.store.reading() as conn:
        return ageing([lot for lot in lots(conn, until=day) if lot.amount_micros > 0], day, bounds_days)


def release(
    studio: Studio, account: str, to: Sequence[tuple[str, int]] = (), *, why: str, on: str = ""
) -> JournalEntry | None:
    """Gives all that waits on an account to payees, in one balanced entry. Again, it finds nothing left.

    Args:
        studio: whose.
        account: as listed.
        to: (id or name of a party, ppb), one whole together. Empty for those whom the registry knows: the splits in force
            of a work in suspense or dispute, or the party that unclaimed money is kept for.
        why: in one line.
        on: accounting day; today by default.

    Returns:
        The entry; None when nothing waits there.

    Raises:
        InputError: no such account, portions that are no whole, or nobody to pay it to.
        NotFoundError: no such party.
        ConflictError: a dispute of the work is open, or too much was taken from the account already.
    """
    _check_why(why)
    at = now()
    day = on or at[:10]

    def work(conn: Connection) -> JournalEntry | None:
        stands = _stands(conn, account)
        if not stands:
            return None
        _must_hold_something(account, stands)
        entry = _entry(conn, account, _payees(conn, account, to, day), day, why)
        return post(conn, entry, at) if entry is not None else None

    _must_be_hold(account)
    return studio.store.write(work)


def _must_hold_something(account: str, stands: dict[str, int]) -> None:
    if max(stands.values()) < 0:
        sums = ", ".join(format_micros(-micros, currency) for currency, micros in sorted(stands.items()))
        raise ConflictError(
            f"nothing waits on {account}: {sums} more was taken from it than it held",
            remedy="What comes in next makes it up; where an entry took too much, reverse it. Nobody named here owes it.",
            field="account",
        )


def _payees(conn: Connection, account: str, to: Sequence[tuple[str, int]], day: str) -> dict[PartyId, int]:
    if to:
        return portions_of(conn, to)
    for prefix in (SUSPENSE_PREFIX, DISPUTED_PREFIX):
        if account.startswith(prefix):
            return registered_portions(conn, WorkId(account.removeprefix(prefix)), day)
    if account.startswith(UNCLAIMED_PREFIX):
        return {PartyId(account.removeprefix(UNCLAIMED_PREFIX)): PPB}
    return {PartyId(account.removeprefix(HOLD_PREFIXES["held"]).partition(":")[2]): PPB}


def _entry(conn: Connection, account: str, right: dict[PartyId, int], day: str, why: str) -> JournalEntry | None:
    if account.startswith(DISPUTED_PREFIX):
        return release_disputed(conn, WorkId(account.removeprefix(DISPUTED_PREFIX)), right, day, why)
    if not account.startswith(UNCLAIMED_PREFIX):
        return release_account(conn, account, right, day, why)
    if len(right) != 1:
        raise InputError("unclaimed money is one party's", remedy="Name one party, or leave out --to.", field="--to")
    (party_id,) = right
    moved = {currency: micros for currency, micros in _stands(conn, account).items() if micros > 0}
    postings = [Posting(account, micros, currency) for currency, micros in moved.items()]
    postings += [Posting(payable_account(party_id), -micros, currency) for currency, micros in moved.items()]
    return make_entry(
        _free_key(conn, f"release:{digest(account)[:24]}:{day}"), day, f"Released from {account}: {why}", postings
    )


def _stands(conn: Connection, account: str) -> dict[str, int]:
    """What an account owes, in micros by currency; what it does not hold is left out."""
    found = balances(conn, account).items()
    return {currency: -micros for (path, currency), micros in found if path == account and micros}


def let_go(studio: Studio, account: str, *, years: int, why: str, on: str = "") -> int:
    """Moves to the commons what has waited on an account for so many years; younger sums stay. Again, it changes nothing.

    Args:
        studio: whose.
        account: as listed.
        years: what the law or contract of the place asks for, at least 1.
        why: in one line; it should name that law or contract.
        on: accounting day; today by default.

    Returns:
        How many sums went.

    Raises:
        InputError: no such account, or no years.
        ConflictError: a dispute of the work is open.
    """
    _check_why(why)
    _must_be_hold(account)
    if years < 1:
        raise InputError("money goes elsewhere after years only", remedy="Give at least 1.", field="--years")
    at = now()
    day = on or at[:10]

    def work(conn: Connection) -> int:
        if account.startswith(DISPUTED_PREFIX):
            _must_be_ended(conn, WorkId(account.removeprefix(DISPUTED_PREFIX)))
        ripe = [lot for lot in may_leave(lots(conn), day, years) if lot.account == account]
        entries = release_entries(ripe, COMMONS_ACCOUNT, "commons", day, f"Let go after {years} years: {why}")
        return post_many(conn, entries, at)

    return studio.store.write(work)


def _must_be_ended(conn: Connection, work_id: WorkId) -> None:
    for dispute in disputes(conn, work_id):
        if not dispute.closed_at:
            raise ConflictError(
                f"the dispute '{dispute.dispute_id}' about {work_id} is open",
                remedy="End it first; until then its money waits.",
                field="account",
            )


def set_aside(studio: Studio, called: str, *, why: str, on: str = "") -> JournalEntry | None:
    """Moves what is owed to a party that cannot be reached to its unclaimed account, in every currency, whole.

    A payment that is planned and not yet sent is refused afterwards, since less is owed then; what is on its way stays so.

    Args:
        studio: whose.
        called: the party's id or name.
        why: in one line.
        on: accounting day; today by default.

    Returns:
        The entry; None when nothing is owed.

    Raises:
        NotFoundError: no such party.
    """
    _check_why(why)
    at = now()
    day = on or at[:10]

    def work(conn: Connection) -> JournalEntry | None:
        party_id = party_called(conn, called)
        owed = {currency: micros for currency, micros in _stands(conn, payable_account(party_id)).items() if micros > 0}
        if not owed:
            return None
        account = f"{UNCLAIMED_PREFIX}{party_id}"
        postings = [Posting(payable_account(party_id), micros, currency) for currency, micros in owed.items()]
        postings += [Posting(account, -micros, currency) for currency, micros in owed.items()]
        key = _free_key(conn, f"unclaimed:{digest(account)[:24]}:{day}")
        return post(conn, make_entry(key, day, f"Unclaimed by {party_id}: {why}", postings), at)

    return studio.store.write(work)


def _free_key(conn: Connection, key: str) -> str:
    """The key, or with a number where it is taken: money may gather again on the same day."""
    number = 1
    while find(conn, key if number == 1 else f"{key}:{number}") is not None:
        number += 1
    return key if number == 1 else f"{key}:{number}"


def _must_be_hold(account: str) -> None:
    if not account.startswith(tuple(HOLD_PREFIXES.values())):
        raise InputError(
            f"money does not wait on the account {account[:60]!r}",
            remedy=f"Name one below {', '.join(HOLD_PREFIXES.values())}; see: endcredits holds list.",
            field="account",
        )


def _check_why(why: str) -> None:
    if not why.strip() or len(why) > WHY_LENGTH_MAX or not why.isprintable():
        raise InputError(
            f"{why[:60]!r} cannot be a reason",
            remedy=f"Use one line of 1 to {WHY_LENGTH_MAX} visible characters.",
            field="--why",
        )
