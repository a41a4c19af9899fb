"""The leaves of a period's sum trees: all that a close gave and took back, and nothing else.

Every currency of a close has a tree: a leaf for each payee with a statement, and one for each place where money stays that
went to no payee. What was given less what was taken back is the sum of the close's pools in that currency, to the micro, so
a published root leaves no room for anybody else. The files that keep the trees are `kept_sums`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow.compute as pc
from sqlalchemy.engine import Connection

from endcredits.errors import InputError, IntegrityError
from endcredits.money import format_micros
from endcredits.payouts.heads import heads_for_period
from endcredits.receipts.sum_tree import MICROS_MAX, PAYEE, SumLeaf
from endcredits.royalties import Line, PeriodClose, line_sums, lines_of
from endcredits.royalties.records import STATES

PAYABLE = STATES[0]

Sums = Mapping[tuple[int, str, str], int]
"""Micros by pool, state and whose they are, as `line_sums` gives them."""


def signed_sums(folder: Path) -> tuple[Sums, Sums]:
    """What the lines of a close's folder give and what they take back, each by pool, state and whose.

    A payee may have lines of both signs in one pool that adjusts an earlier period; they are counted apart.

    Raises:
        IntegrityError: the table is missing or damaged.
    """
    given, taken = (
        line_sums(batch.filter(of_sign(batch.column("amount_micros"), 0)) for batch in lines_of(folder))
        for of_sign in (pc.greater, pc.less)
    )
    return given, taken


def signed_sums_of(lines: Iterable[Line]) -> tuple[Sums, Sums]:
    """The same of lines in memory."""
    rows = list(lines)
    return line_sums(row for row in rows if row.amount_micros > 0), line_sums(row for row in rows if row.amount_micros < 0)


def leaves_of(
    close: PeriodClose, sums: tuple[Sums, Sums], statements: Mapping[tuple[str, str], str]
) -> dict[str, list[SumLeaf]]:
    """The leaves of a close's trees, by currency.

    Args:
        close: the close.
        sums: what its lines give and take back.
        statements: digest of every payee's statement, by party and currency.

    Returns:
        For every currency of a pool or a statement, by kind and party: one leaf for every payee, and for every other kind
        that has something.

    Raises:
        IntegrityError: the lines do not add up to the pools.
    """
    found: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])

    def add(currency: str, kind: str, party_id: str, micros: int) -> None:
        if micros:
            found[currency, kind, party_id][micros < 0] += abs(micros)

    for pool in close.pools:
        add(pool.currency, "breakage", "", pool.breakage_micros)
        add(pool.currency, "rest", "", pool.rest_micros)
        for part in pool.parts:
            add(pool.currency, "commons", "", part.commons_micros)
    for side in sums:
        for (number, state, whose), micros in side.items():
            of_payee = state == PAYABLE
            add(close.pools[number].currency, PAYEE if of_payee else state, whose if of_payee else "", micros)
    for party_id, currency in statements:
        found[currency, PAYEE, party_id]  # also whoever got nothing has a statement, and its digest a leaf
    leaves: dict[str, list[SumLeaf]] = {currency: [] for currency in sorted({pool.currency for pool in close.pools})}
    for (currency, kind, party_id), (paid, taken) in sorted(found.items()):
        digest = statements.get((party_id, currency), "") if kind == PAYEE else ""
        leaves.setdefault(currency, []).append(SumLeaf(kind, party_id, currency, paid, taken, digest))
    _must_add_up(close, leaves)
    return leaves


def _must_add_up(close: PeriodClose, leaves: Mapping[str, Sequence[SumLeaf]]) -> None:
    for currency, of_currency in leaves.items():
        whole = sum(pool.pool_micros for pool in close.pools if pool.currency == currency)
        left = sum(leaf.paid_micros - leaf.taken_micros for leaf in of_currency)
        if whole != left:
            raise IntegrityError(
                f"the lines of '{close.period_id}' come to {format_micros(left, currency)}, its pools to "
                f"{format_micros(whole, currency)}",
                remedy="The close or its lines were changed: restore them from your last copy.",
            )


def must_be_provable(close: PeriodClose, folder: Path) -> None:
    """Refuses a close whose sums no document can hold; asked before it is posted.

    Raises:
        InputError: what was given or taken back in one currency is beyond `MICROS_MAX`.
    """
    for currency, leaves in leaves_of(close, signed_sums(folder), {}).items():
        for what in ("paid_micros", "taken_micros"):
            total = sum(getattr(leaf, what) for leaf in leaves)
            if total > MICROS_MAX:
                raise InputError(
                    f"the pools in {currency} come to {total} micros, more than a document can hold",
                    remedy=f"Close shorter periods: at most {MICROS_MAX} micros a currency and period.",
                )


def expected_leaves(conn: Connection, close: PeriodClose, folder: Path) -> dict[str, list[SumLeaf]]:
    """The leaves of a close, or of a correction of it, by its folder and the statements that were issued for the period.

    Raises:
        IntegrityError: its lines are damaged, or do not add up to the pools.
    """
    statements = {
        (one.party_id, one.currency): one.sha256 for one in heads_for_period(conn, close.period_id) if one.version == 1
    }
    return leaves_of(close, signed_sums(folder), statements)
