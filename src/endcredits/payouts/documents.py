"""The statement as a document: canonical bytes out, a checked record in; and what holds for every statement."""

from __future__ import annotations

import json
from collections.abc import Iterator

from endcredits.canonical import canonical_bytes, digest
from endcredits.errors import IntegrityError
from endcredits.money import PPB
from endcredits.payouts.explain import reason
from endcredits.payouts.records import ESTIMATE, KINDS, Statement, StatementPart, StatementPool
from endcredits.payouts.statements import coin_micros, line_order, outputs_counted, statement_id
from endcredits.payouts.sums import due_micros, moved
from endcredits.royalties.documents import record_of
from endcredits.royalties.records import ADJUSTED


def statement_json(statement: Statement) -> str:
    """The canonical JSON text of a statement (RFC 8785)."""
    return canonical_bytes(statement).decode()


def parse_statement(document: str | bytes) -> Statement:
    """Reads a statement back; `statement_json` of the result is the document again.

    Raises:
        IntegrityError: not JSON, a field missing, unknown or of a wrong type, or not in canonical spelling.
    """
    try:
        statement = record_of(Statement, json.loads(document))
    except (ValueError, TypeError, RecursionError) as error:
        raise _refuse(str(error)) from error
    text = document.decode() if isinstance(document, bytes) else document
    if statement_json(statement) != text:
        raise _refuse("its spelling is not canonical")
    return statement


def _refuse(why: str) -> IntegrityError:
    return IntegrityError(f"the document is not a statement ({why})", remedy="Restore it from your last copy.")


def problems(statement: Statement) -> Iterator[str]:
    """What does not add up in a statement, in words."""
    if statement.kind not in KINDS:
        yield "it is of no known kind"
    about = statement.kind, statement.period_id, statement.party_id, statement.currency, statement.version
    if statement.statement_id != statement_id(*about):
        yield "its id is not made from its period, party and currency"
    yield from _lines(statement)
    yield from _sums(statement)
    yield from _balances(statement)
    if statement.kind == ESTIMATE and (statement.close_digest or statement.entry_ids or statement.summary.due_micros):
        yield "it is an estimate and names a close or money that is due"


def _lines(statement: Statement) -> Iterator[str]:
    lines = statement.lines
    order = [line_order(line) for line in lines]
    if order != sorted(set(order)):
        yield "its lines are out of order or stand twice"
    if statement.line_count != len(lines):
        yield "its number of lines is another"
    if statement.lines_digest != digest(lines):
        yield "its lines do not fit their digest"
    if statement.outputs_counted != outputs_counted(lines):
        yield "its count of usage is not that of its lines"
    parts: dict[tuple[int, int], tuple[StatementPool, StatementPart]] = {
        (pool.pool, part.part): (pool, part) for pool in statement.pools for part in pool.parts
    }
    if set(parts) != {(line.pool, line.part) for line in lines}:
        yield "its pools are not those of its lines"
        return
    for line in lines:
        pool, part = parts[line.pool, line.part]
        if line.reason != reason(line, pool, part, statement.currency):
            yield f"what it says about the line of '{line.title}' does not follow from its numbers"
        # By largest remainder a part is less than one unit away from its exact due; a difference is made of four at most.
        most = PPB * (4 if pool.kind == ADJUSTED else 1)
        if part.by != "units" and abs(line.amount_micros * PPB - line.claim_micros * line.split_ppb) >= most:
            yield f"the line of '{line.title}' is not the split of what the work earned"


def _sums(statement: Statement) -> Iterator[str]:
    money, lines = statement.summary, statement.lines
    levies = sum(levy.amount_micros for levy in statement.levies)
    if statement.control_micros != sum(line.amount_micros for line in lines) + levies:
        yield "its control total is not the sum of its lines"
    payable = [line for line in lines if line.state != "disputed"]
    adjusting = {pool.pool for pool in statement.pools if pool.kind != "earned"}
    if money.earned_micros != sum(line.amount_micros for line in payable if line.pool not in adjusting) + levies:
        yield "its lines do not sum to what was earned"
    if money.adjustments_micros != sum(line.amount_micros for line in payable if line.pool in adjusting):
        yield "its lines do not sum to its adjustments"
    if money.disputed_micros != sum(line.amount_micros for line in lines if line.state == "disputed"):
        yield "its lines do not sum to what is disputed"
    if money.paid_micros != sum(payment.amount_micros for payment in statement.payments):
        yield "its payments do not sum to what was paid"
    try:
        steps = moved(statement.movements)
    except IntegrityError as error:
        yield error.message
        return
    if any(getattr(money, f"{name}_micros") != micros for name, micros in steps.items()):
        yield "its movements do not sum to what contracts did"
    for name, kind in (("withheld", "withholding"), ("fees", "fee")):
        taken = sum(one.amount_micros for one in statement.deductions if one.kind == kind)
        if getattr(money, f"{name}_micros") != taken:
            yield f"its deductions do not sum to the {name}"


def _balances(statement: Statement) -> Iterator[str]:
    money = statement.summary
    owed = money.opening_micros - money.paid_micros + booked_micros(statement)
    if money.closing_micros != owed:
        yield "its closing balance is not what it opened with, less payments, plus what was earned and moved"
    coin = coin_micros(statement.currency)
    pays = statement.kind != ESTIMATE and not statement.blocked
    if money.due_micros != (due_micros(money.closing_micros, statement.threshold_micros, coin) if pays else 0):
        yield "what is due does not follow from the threshold"
    if money.payable_micros != money.due_micros - money.withheld_micros - money.fees_micros or money.payable_micros < 0:
        yield "what is payable is not what is due less deductions"
    if money.carried_over_micros != money.closing_micros - money.due_micros:
        yield "what is carried over is not the rest of the closing balance"
    if money.rounding_micros != (money.closing_micros % coin if money.due_micros else 0):
        yield "its rounding carry is not what is less than a coin"


def booked_micros(statement: Statement) -> int:
    """What a statement's period adds to the balance owed."""
    money = statement.summary
    gives = money.earned_micros + money.adjustments_micros + money.guaranteed_micros + money.released_micros
    return gives - money.recouped_micros - money.reserved_micros - money.held_micros
