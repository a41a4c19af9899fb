"""A statement's money: from the lines to what is owed, due and sent; every step an addition that a reader can do again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set

from endcredits.errors import IntegrityError
from endcredits.payouts.facts import Standing
from endcredits.payouts.records import Deduction, StatementLevy, StatementLine, Summary
from endcredits.royalties.contract_records import Movement, Settlement

TAKES = {"recoup": "recouped", "reserve": "reserved", "hold": "held"}
"""Kinds of movement that take from what is owed, with their word in the summary."""
GIVES = {"guarantee": "guaranteed", "release": "released"}
"""Kinds of movement that add to it."""


def due_micros(closing_micros: int, threshold_micros: int, coin_micros: int) -> int:
    """What of a closing balance is due: from the threshold on all of it in whole coins, otherwise nothing.

    >>> due_micros(9_999_999, 10_000_000, 10_000), due_micros(10_000_001, 10_000_000, 10_000), due_micros(-5, 0, 1)
    (0, 10000000, 0)
    """
    if closing_micros < max(threshold_micros, 0):
        return 0
    return closing_micros - closing_micros % coin_micros


def moved(movements: Iterable[Movement]) -> dict[str, int]:
    """The sums of movements by their word in the summary, each as a positive number where it goes its usual way.

    Raises:
        IntegrityError: a movement of a kind that is not known.
    """
    sums = dict.fromkeys([*TAKES.values(), *GIVES.values()], 0)
    for one in movements:
        if one.kind in TAKES:
            sums[TAKES[one.kind]] -= one.amount_micros
        elif one.kind in GIVES:
            sums[GIVES[one.kind]] += one.amount_micros
        else:
            raise IntegrityError(f"a settlement has a movement of the kind '{one.kind}'", remedy="Settle the period again.")
    return sums


def summary(
    lines: Iterable[StatementLine],
    adjusting: Set[int],
    levies: Iterable[StatementLevy],
    settlement: Settlement | None,
    standing: Standing,
    *,
    threshold_micros: int,
    coin_micros: int,
    pays: bool,
    deduct: Callable[[int], tuple[Deduction, ...]],
) -> tuple[Summary, tuple[Deduction, ...]]:
    """A statement's money and what is deducted from what is due.

    Args:
        lines: of the statement.
        adjusting: numbers of the pools of adjusted periods.
        levies: of the statement.
        settlement: what contracts did, None for nothing.
        standing: the account before.
        threshold_micros: balances below it are carried over.
        coin_micros: the currency's smallest coin.
        pays: whether anything can be due at all; not for an estimate.
        deduct: asked with what is due.

    Raises:
        IntegrityError: the settlement says that other amounts were earned, or deductions are more than what is due.
    """
    earned = sum(levy.amount_micros for levy in levies)
    adjustments = disputed = 0
    for line in lines:
        if line.state == "disputed":
            disputed += line.amount_micros
        elif line.pool in adjusting:
            adjustments += line.amount_micros
        else:
            earned += line.amount_micros
    if settlement is not None and (settlement.earned_micros, settlement.adjustments_micros) != (earned, adjustments):
        raise IntegrityError(
            f"the settlement of '{settlement.party_id}' in {settlement.currency} is of {settlement.earned_micros} + "
            f"{settlement.adjustments_micros} micros, and the lines sum to {earned} + {adjustments}",
            remedy="Settle the period again.",
        )
    steps = moved(settlement.movements if settlement else ())
    owed = earned + adjustments + sum(one.amount_micros for one in (settlement.movements if settlement else ()))
    if settlement is not None and settlement.owed_micros != owed:
        raise IntegrityError(
            f"the settlement of '{settlement.party_id}' in {settlement.currency} owes {settlement.owed_micros} micros, and "
            f"its movements make {owed}",
            remedy="Settle the period again.",
        )
    paid = sum(payment.amount_micros for payment in standing.payments)
    closing = standing.opening_micros - paid + owed
    due = due_micros(closing, threshold_micros, coin_micros) if pays and not standing.blocked else 0
    deductions = deduct(due) if due else ()
    withheld = sum(one.amount_micros for one in deductions if one.kind == "withholding")
    fees = sum(one.amount_micros for one in deductions if one.kind == "fee")
    if any(one.kind not in ("withholding", "fee") or one.amount_micros < 0 for one in deductions) or withheld + fees > due:
        raise IntegrityError(
            f"deductions of {withheld + fees} micros from {due} micros due cannot be",
            remedy="Correct the tax rates or fees.",
        )
    return Summary(
        opening_micros=standing.opening_micros,
        paid_micros=paid,
        earned_micros=earned,
        adjustments_micros=adjustments,
        guaranteed_micros=steps["guaranteed"],
        recouped_micros=steps["recouped"],
        reserved_micros=steps["reserved"],
        released_micros=steps["released"],
        held_micros=steps["held"],
        closing_micros=closing,
        due_micros=due,
        withheld_micros=withheld,
        fees_micros=fees,
        payable_micros=due - withheld - fees,
        carried_over_micros=closing - due,
        rounding_micros=closing % coin_micros if due else 0,
        disputed_micros=disputed,
        unrecouped_micros=settlement.unrecouped_micros if settlement else 0,
        in_reserve_micros=settlement.reserved_micros if settlement else 0,
    ), deductions
