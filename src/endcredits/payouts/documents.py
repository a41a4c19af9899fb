"""The statement as a document: canonical bytes out, a checked record in; and what holds for every statement."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from endcredits.canonical import canonical_bytes
from endcredits.errors import IntegrityError
from endcredits.payouts.records import Statement, StatementLine
from endcredits.payouts.statements import payable_micros, statement_id

LINE_FIELDS = tuple(field.name for field in dataclasses.fields(StatementLine))
FIELDS = tuple(field.name for field in dataclasses.fields(Statement))


def statement_json(statement: Statement) -> str:
    """The canonical JSON text of a statement (RFC 8785)."""
    return canonical_bytes(statement).decode()


def parse_statement(document: str | bytes) -> Statement:
    """Reads a statement back; `statement_json` of the result is the document again.

    Raises:
        IntegrityError: not JSON, a field missing, unknown or of a wrong type, or not in canonical spelling.
    """
    try:
        plain = _fields(json.loads(document), FIELDS)
        lines = plain.pop("lines")
        if not isinstance(lines, list):
            raise TypeError("lines is not a list")
        statement = Statement(**plain, lines=tuple(StatementLine(**_fields(line, LINE_FIELDS)) for line in lines))
    except (ValueError, TypeError, RecursionError) as error:
        raise _refuse(str(error)) from error
    text = document.decode() if isinstance(document, bytes) else document
    if statement_json(statement) != text:
        raise _refuse("its spelling is not canonical")
    return statement


def _refuse(why: str) -> IntegrityError:
    return IntegrityError(f"the document is not a statement ({why})", remedy="Restore it from your last copy.")


def _fields(plain: Any, names: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(plain, Mapping) or set(plain) != set(names):
        raise TypeError("it has other fields")
    for name, value in plain.items():
        if name.endswith(("_micros", "_ppb")) or name == "outputs":
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"{name} is not a whole number")
        elif name != "lines" and not isinstance(value, str):
            raise TypeError(f"{name} is not a text")
    return dict(plain)


def problems(statement: Statement) -> Iterator[str]:
    """What does not add up in a statement, in words."""
    if statement.statement_id != statement_id(statement.period_id, statement.party_id, statement.currency):
        yield "its id is not made from its period, party and currency"
    if statement.earned_micros != sum(line.amount_micros for line in statement.lines):
        yield "its lines do not sum to what was earned"
    if statement.closing_balance_micros != statement.opening_balance_micros + statement.earned_micros:
        yield "its closing balance is not opening balance plus earnings"
    if statement.payable_micros != payable_micros(statement.closing_balance_micros, statement.payout_threshold_micros):
        yield "what is payable does not follow from the threshold"
    if statement.carried_over_micros != statement.closing_balance_micros - statement.payable_micros:
        yield "what is carried over is not the rest of the closing balance"
    order = [(-line.amount_micros, line.work_id, line.territory) for line in statement.lines]
    if order != sorted(set(order)):
        yield "its lines are out of order or stand twice"
