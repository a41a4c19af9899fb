"""Reconciliation: what the bank says, against what was sent; each line posted once, and what does not fit named.

A line that names a payment is compared with it in amount and currency: equal, the payment is confirmed, or, coming back,
returned. A line for a whole batch confirms its payments when it is exactly what is still on its way. Everything else posts
nothing and is reported: a part of an amount, a payment that the bank booked or sent back a second time, an entry whose
details do not sum to it, a line of a payment that was never sent, a line that is nobody's. In one file debits are read
before credits, so that a payment and its return on one day are taken in their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.errors import NotFoundError
from endcredits.money import format_micros
from endcredits.payouts import payout_book
from endcredits.payouts import payout_tables as tables
from endcredits.payouts.payments import Payment
from endcredits.payouts.payout_documents import document
from endcredits.payouts.payout_log import insert_logged
from endcredits.payouts.payout_states import BookedBatch
from endcredits.payouts.rails.bank_files import BankLine

POSTED = ("confirmed", "returned")
UNFIT = ("partial", "twice", "unfit")
"""Outcomes that somebody has to look into."""
ON_ITS_WAY = ("sending", "sent", "accepted")
_ORDER = {"rejected": 0, "debit": 1, "credit": 2}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a line came to.

    Attributes:
        line: the line.
        outcome: "confirmed", "returned" (both posted), "duplicate" (posted before), "accepted", "pending", "unmatched"
            (nobody's), "partial" (another amount), "twice" (booked or come back a second time), "unfit" (does not
            follow from what was sent, or contradicts itself).
        payment_ids: payments concerned.
        detail: the same in words.
    """

    line: BankLine
    outcome: str
    payment_ids: tuple[str, ...]
    detail: str


def judge(line: BankLine, payments: Mapping[str, Payment], currency: str, fates: Mapping[str, str]) -> tuple[str, str]:
    """What a line comes to; pure.

    Args:
        line: what the bank says.
        payments: those that the line is about, by id; empty when it names none of ours.
        currency: of their batch.
        fates: what became of each payment so far.

    Returns:
        The outcome and its words; see `Outcome`.
    """
    if line.kind == "pending":
        return "pending", "the bank has not booked it yet"
    if not payments:
        return "unmatched", "no payment of ours is named"
    if line.fault:
        return "unfit", f"{line.fault}: nothing of it is booked"
    if line.source == "pain.002" and (contradiction := _contradiction(line, payments, currency)):
        return "unfit", contradiction
    if line.kind == "accepted":
        return "accepted", f"the bank has it ({line.reason or 'accepted'}); nothing is booked before the account says so"
    states = {fates[payment_id] for payment_id in payments}
    if states & {"planned", "approved"}:
        return "unfit", "it names a payment that was not sent"
    if line.kind == "rejected":
        return _judge_return(line, states)
    open_ones = [payment for payment in payments.values() if fates[payment.payment_id] in ON_ITS_WAY]
    expected = sum(payment.transfer_micros for payment in (open_ones if line.whole_batch else payments.values()))
    if line.kind == "debit" and states == {"confirmed"}:
        return "twice", "the bank booked a second time what it had booked before: ask for it back"
    if line.currency != currency:
        return "unfit", f"the bank names {line.currency}, and {currency} was sent"
    if line.amount_micros != expected or not expected:
        said, sent = format_micros(line.amount_micros, currency), format_micros(expected, currency)
        return "partial", f"the bank names {said}, and {sent} is what it stands for: nothing is booked"
    if line.kind == "debit":
        return ("confirmed", "") if open_ones else ("unfit", "the payment was returned before")
    return _judge_return(line, states)


def _contradiction(line: BankLine, payments: Mapping[str, Payment], currency: str) -> str:
    """How a status report misnames the payment that it speaks of, "" when it does not; an amount it may leave out."""
    sent = sum(payment.transfer_micros for payment in payments.values())
    if not line.currency or (line.amount_micros, line.currency) == (sent, currency):
        return ""
    said = format_micros(line.amount_micros, line.currency)
    return f"the bank names {said}, and {format_micros(sent, currency)} was sent: nothing is booked"


def _judge_return(line: BankLine, states: set[str]) -> tuple[str, str]:
    if states == {"returned"} and line.kind == "credit":
        # The line itself is new: its own second reading never comes here.
        return "twice", "it had come back before, and the bank credits it again: ask the bank whose money it is"
    if states == {"returned"}:
        return "duplicate", "it is known to have come back"
    if line.kind == "rejected" and "confirmed" in states:
        return "unfit", "the bank rejects what it had booked before"
    return "returned", line.reason or "no reason is named"


def reconcile(conn: Connection, lines: Iterable[BankLine], at: str) -> tuple[Outcome, ...]:
    """Posts what fits, once, and says of every line what it came to.

    Args:
        conn: a connection inside `Store.write`.
        lines: of one file.
        at: UTC time; its day dates what the bank gives no date for.

    Returns:
        One outcome per line, in the order in which they were taken.
    """
    taken = sorted(lines, key=lambda line: _ORDER.get(line.kind, 3))
    of_payment = payout_book.batch_of_payment(conn, {line.end_to_end_id for line in taken if line.end_to_end_id})
    read_before = set(conn.scalars(sa.select(tables.bank_lines.c.line_id)))
    books: dict[str, BookedBatch] = {}
    fates: dict[str, str] = {}
    outcomes = []
    for line in taken:
        if line.line_id in read_before:
            outcomes.append(Outcome(line, "duplicate", (), "the same line was read and booked before"))
            continue
        booked = _batch(
            conn, of_payment.get(line.end_to_end_id) or (line.batch_id if line.whole_batch else ""), books, fates
        )
        payments = _concerned(line, booked)
        outcome, detail = judge(line, payments, booked.batch.currency if booked else "", fates)
        if booked is not None and outcome in POSTED:
            payments = {name: one for name, one in payments.items() if _moves(outcome, line, fates[name])}
            _post(conn, line, outcome, booked, payments, detail, at)
            read_before.add(line.line_id)
            fates.update(dict.fromkeys(payments, outcome))
        outcomes.append(Outcome(line, outcome, tuple(payments), detail))
    return tuple(outcomes)


def _moves(outcome: str, line: BankLine, fate: str) -> bool:
    """Whether a line for several payments changes this one: what is settled already stays as it is."""
    return fate in ON_ITS_WAY if outcome == "confirmed" or line.whole_batch else fate != "returned"


def _batch(conn: Connection, batch_id: str, books: dict[str, BookedBatch], fates: dict[str, str]) -> BookedBatch | None:
    """A batch by its id, and the fates of its payments as they are now; None when it is not ours."""
    if not batch_id:
        return None
    if batch_id not in books:
        try:
            booked = payout_book.find_batch(conn, batch_id)
        except NotFoundError:
            return None
        books[batch_id] = booked
        fates.update({payment.payment_id: booked.fate(payment.payment_id) for payment in booked.batch.payments})
    return books[batch_id]


def _concerned(line: BankLine, booked: BookedBatch | None) -> dict[str, Payment]:
    if booked is None:
        return {}
    return {
        payment.payment_id: payment
        for payment in booked.batch.payments
        if line.whole_batch or payment.payment_id == line.end_to_end_id
    }


def _post(
    conn: Connection,
    line: BankLine,
    outcome: str,
    booked: BookedBatch,
    payments: Mapping[str, Payment],
    detail: str,
    at: str,
) -> None:
    date = line.date or at[:10]
    for payment in payments.values():
        if outcome == "confirmed":
            payout_book.confirm(conn, booked, payment, date, line.reference, at)
        else:
            payout_book.return_payment(conn, booked, payment, date, detail, at)
    only = next(iter(payments)) if len(payments) == 1 else None
    row = {"line_id": line.line_id, "recorded_at": at, "outcome": outcome, "payment_id": only}
    insert_logged(conn, tables.bank_lines, [{**row, "document": document(line)}])
