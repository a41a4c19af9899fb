"""The chain of a payee's statements: each receipt says its number and where the one before stands in the log.

A payee who holds some of their statements' receipts sees from them alone whether one is missing between the first and the
last: numbers count from 1 without a gap, and `previous` is the log position of the receipt before, which cannot be given
to another statement later. What came after the last one that somebody holds no chain can say; the period's own receipt
does, whose sum tree holds the digest of every statement of the period (`sum_tree`).

A chain belongs to one payee and one currency, in the order in which receipts were issued: mostly by period, while a later
version of an old statement comes when it was issued.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from endcredits.canonical import INTEGER_MAX
from endcredits.errors import InputError

TYPE = "statement"
"""Type of the receipt of a statement."""
FIRST = -1
"""`previous` of the first link."""

_HEX64 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Link:
    """The body of a statement's receipt.

    Attributes:
        statement_id: the statement.
        sha256: of its canonical document, 64 hex digits.
        party_id: the payee.
        currency: ISO 4217 code.
        period_id: the accounting period.
        count: its number among the payee's statements in this currency, from 1.
        previous: log position of number `count - 1`; `FIRST` for the first.
    """

    statement_id: str
    sha256: str
    party_id: str
    currency: str
    period_id: str
    count: int
    previous: int


@dataclass(frozen=True, slots=True)
class Chain:
    """What some receipts of one payee and currency say about those that are not among them.

    Attributes:
        party_id: the payee.
        currency: ISO 4217 code.
        held: how many different numbers are there.
        last: the highest number.
        missing: (first, last) of every run of missing numbers below it, in order.
        problems: what does not fit, in words; empty when the receipts that are there agree.
    """

    party_id: str
    currency: str
    held: int
    last: int
    missing: tuple[tuple[int, int], ...]
    problems: tuple[str, ...]


def receipt_id_of(statement_id: str) -> str:
    """The id of a statement's receipt."""
    return f"{TYPE}:{statement_id}"


def link_of(body: Any) -> Link:
    """Reads the body of a statement's receipt.

    Raises:
        InputError: it has other fields, or a value that cannot be.
    """
    names = {field.name: int if field.type == "int" else str for field in fields(Link)}
    if not isinstance(body, Mapping) or set(body) != set(names):
        raise InputError(f"the body of a statement's receipt has exactly the fields {', '.join(names)}")
    for name, kind in names.items():
        if type(body[name]) is not kind:
            raise InputError("the value is of the wrong kind", field=name)
    link = Link(**body)
    if not _HEX64.fullmatch(link.sha256):
        raise InputError("the statement's digest has not 64 small hex digits", field="sha256")
    if not 1 <= link.count <= INTEGER_MAX:
        raise InputError(f"statements count from 1, not {link.count}", field="count")
    if (link.previous == FIRST) != (link.count == 1) or not FIRST <= link.previous <= INTEGER_MAX:
        raise InputError(
            f"statement number {link.count} cannot follow the log entry {link.previous}",
            remedy=f"The first has {FIRST}, every other the position of the one before.",
            field="previous",
        )
    return link


def chains(links: Iterable[tuple[int, Link]]) -> tuple[Chain, ...]:
    """Says which numbers are missing among some statement receipts, for every payee and currency they are of.

    Args:
        links: (log position, link), in any order; whether each receipt is proven is for the verifier to say.

    Returns:
        By party and currency. Time and memory grow with the receipts that are there, never with the numbers they claim.
    """
    of_payee: dict[tuple[str, str], dict[tuple[int, Link], None]] = defaultdict(dict)
    for position, link in links:
        of_payee[link.party_id, link.currency][position, link] = None
    return tuple(_chain(key, list(found)) for key, found in sorted(of_payee.items()))


def _chain(key: tuple[str, str], found: list[tuple[int, Link]]) -> Chain:
    found.sort(key=lambda one: (one[1].count, one[0]))
    numbers = sorted({link.count for _, link in found})
    runs = [(before + 1, number - 1) for before, number in zip([0, *numbers], numbers, strict=False) if number > before + 1]
    return Chain(*key, len(numbers), numbers[-1], tuple(runs), tuple(_problems(found)))


def _problems(found: list[tuple[int, Link]]) -> Iterable[str]:
    """What does not fit among receipts that are sorted by number."""
    at: dict[int, int] = {}
    of_statement: dict[str, int] = {}
    latest = FIRST
    for position, link in found:
        if link.count in at:
            yield f"number {link.count} stands at the log entries {at[link.count]} and {position}: it was given twice"
            continue
        at[link.count] = position
        if link.previous >= position:
            yield f"number {link.count} at entry {position} names a later entry, {link.previous}, as the one before"
        if position <= latest:
            yield f"number {link.count} at entry {position} stands before a lower number, at entry {latest}"
        latest = max(latest, position)
        before = at.get(link.count - 1, link.previous)
        if before != link.previous:
            yield (
                f"number {link.count} names the entry {link.previous} as the one before, "
                f"and number {link.count - 1} is entry {before}"
            )
        other = of_statement.setdefault(link.statement_id, link.count)
        if other != link.count:
            yield f"the statement {link.statement_id} has the numbers {other} and {link.count}"


def in_words(chain: Chain) -> str:
    """A chain in one sentence, for people."""
    if not chain.missing:
        return f"Nothing is missing from number 1 to {chain.last}."
    told = ", ".join(f"{first}" if first == last else f"{first} to {last}" for first, last in chain.missing)
    many = len(chain.missing) > 1 or chain.missing[0][0] != chain.missing[0][1]
    return f"{'Numbers' if many else 'Number'} {told} {'are' if many else 'is'} missing among 1 to {chain.last}."
