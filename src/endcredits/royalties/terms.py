"""The terms of contracts, each applied to a book of earnings: guarantee, recoup, reserve, release.

A *book* holds what was earned under one contract while a period is settled. Every function here changes books by movements
with a reason that says its numbers; how books make a settlement is told in `settling.py`.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from endcredits.ids import PartyId
from endcredits.money import PPB, format_micros
from endcredits.royalties.accounts import GUARANTEE_ACCOUNT, advance_account, reserve_account
from endcredits.royalties.contract_records import Contract, Movement


@dataclass(slots=True)
class Book:
    """Earnings under one contract while they are settled.

    Attributes:
        contract: None for what no contract governs.
        earned: micros of the period's own usage.
        due: what stands in the book now.
        released: what of it came out of reserves.
        takes: micros that this book recoups of which contract's advance.
        steps: what was done.
    """

    contract: Contract | None
    earned: int
    due: int
    released: int = 0
    takes: dict[str, int] = field(default_factory=dict)
    steps: list[Movement] = field(default_factory=list)


def net(books: Sequence[Book]) -> None:
    """Lets positive books pay for negative ones, in their order; their sum stays."""
    for debtor in books:
        for other in books:
            paid = min(-debtor.due, other.due)
            if paid > 0:
                debtor.due += paid
                other.due -= paid


def plan_recoupment(books: Sequence[Book], unrecouped: Mapping[str, int], releases: int) -> None:
    """Decides what each book recoups of which advance: of its own first, then of those in its group."""
    capacity = {}
    left = dict(unrecouped)
    for number, book in enumerate(books):
        if book.contract is None:
            continue
        identity = book.contract.contract_id
        room = _before_recoup(book, releases if number == 0 else 0) * book.contract.recoup_ppb // PPB
        own = min(room, left.get(identity, 0))
        capacity[identity] = room - own
        if own:
            book.takes[identity] = own
            left[identity] -= own
    for book in books:
        if book.contract is None or not book.contract.cross_group:
            continue
        for other in books:
            if other is book or other.contract is None or other.contract.cross_group != book.contract.cross_group:
                continue
            identity = other.contract.contract_id
            taken = min(capacity[book.contract.contract_id], left.get(identity, 0))
            if taken:
                book.takes[identity] = taken
                capacity[book.contract.contract_id] -= taken
                left[identity] -= taken


def _before_recoup(book: Book, releases: int) -> int:
    """What stands in a book when its turn to recoup comes, never less than nothing."""
    assert book.contract is not None
    due, released = book.due, 0
    for term in book.contract.order:
        if term == "recoup":
            break
        if term == "guarantee":
            due += _missing(book)
        elif term == "release":
            due, released = due + releases, releases
        else:
            due -= _reserve(book.contract, due, released)
    return max(0, due)


def _missing(book: Book) -> int:
    assert book.contract is not None
    return max(0, book.contract.guarantee_micros - book.earned)


def _reserve(contract: Contract, due: int, released: int) -> int:
    return max(0, due - released) * contract.reserve_ppb // PPB


def apply(
    term: str, book: Book, key: tuple[PartyId, str], releases: Mapping[str, int], ends_on: str, left: dict[str, int]
) -> None:
    """Applies one term to a book.

    Args:
        term: one of `ORDER`; for a book without a contract only "release".
        book: changed.
        key: the payee and currency.
        releases: micros to be released by day.
        ends_on: the period's last day.
        left: unrecouped micros by contract; changed.
    """
    party_id, currency = key
    contract = book.contract
    if term == "release":
        for day, micros in releases.items():
            reason = f"{format_micros(micros, currency)} held in reserve until {day} is released."
            _move(book, "release", micros, reserve_account(party_id, day), "", reason)
            book.released += micros
        return
    assert contract is not None
    name = contract.contract_id
    if term == "guarantee" and _missing(book):
        reason = (
            f"{format_micros(contract.guarantee_micros, currency)} are guaranteed for a period and "
            f"{format_micros(book.earned, currency)} were earned."
        )
        _move(book, "guarantee", _missing(book), GUARANTEE_ACCOUNT, name, reason)
    elif term == "recoup":
        before = book.due
        for identity, micros in book.takes.items():
            left[identity] -= micros
            other = "" if identity == name else f" of contract {identity}, which shares advances with contract {name}"
            reason = (
                f"{format_micros(micros, currency)} go against the advance{other}; up to "
                f"{_percent(contract.recoup_ppb)} of {format_micros(before, currency)} may, and "
                f"{format_micros(left[identity], currency)} are still to be earned."
            )
            _move(book, "recoup", -micros, advance_account(party_id, identity), name, reason)
    elif term == "reserve" and (micros := _reserve(contract, book.due, book.released)):
        day = _days_after(ends_on, contract.reserve_days)
        base = format_micros(max(0, book.due - book.released), currency)
        reason = f"{_percent(contract.reserve_ppb)} of {base} are held against refunds until {day}."
        _move(book, "reserve", -micros, reserve_account(party_id, day), name, reason)


def _move(book: Book, kind: str, micros: int, account: str, contract_id: str, reason: str) -> None:
    book.due += micros
    book.steps.append(Movement(kind, micros, account, contract_id, reason))


def _days_after(day: str, days: int) -> str:
    return (datetime.date.fromisoformat(day) + datetime.timedelta(days=days)).isoformat()


def _percent(ppb: int) -> str:
    whole, part = divmod(ppb, PPB // 100)
    return f"{whole}.{part:07d}".rstrip("0").rstrip(".") + "%"
