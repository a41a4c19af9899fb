"""The book of statements: issued once, found again, never changed."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.canonical import sha256_bytes
from endcredits.errors import ConflictError
from endcredits.payouts import tables
from endcredits.payouts.documents import parse_statement, statement_json
from endcredits.payouts.records import Statement
from endcredits.store import insert_records, many, one

_TABLE = tables.statements


def save_statements(conn: Connection, issued: Iterable[Statement]) -> int:
    """Records statements; one that is recorded already with the same content is left as it is.

    Returns:
        How many were new.

    Raises:
        ConflictError: the payee has another statement for the period and currency.
    """
    new = []
    for statement in issued:
        document = statement_json(statement)
        known = one(conn, sa.select(_TABLE.c.document).where(_TABLE.c.statement_id == statement.statement_id))
        if known is None:
            new.append(_row(statement, document))
        elif known["document"] != document:
            raise ConflictError(
                f"the statement of '{statement.party_id}' for the period '{statement.period_id}' "
                f"in {statement.currency} is already issued, with other content",
                remedy="An issued statement is never changed: correct it in the next period.",
                field="statement_id",
            )
    return insert_records(conn, _TABLE, new)


def _row(statement: Statement, document: str) -> dict[str, object]:
    return {
        "statement_id": statement.statement_id,
        "period_id": statement.period_id,
        "party_id": statement.party_id,
        "currency": statement.currency,
        "document": document,
        "statement_digest": sha256_bytes(document.encode()),
    }


def find_statement(conn: Connection, statement_id: str) -> Statement | None:
    """The statement of that id, or None.

    Raises:
        IntegrityError: its document is damaged.
    """
    row = one(conn, sa.select(_TABLE.c.document).where(_TABLE.c.statement_id == statement_id))
    return None if row is None else parse_statement(row["document"])


def statements_for_period(conn: Connection, period_id: str) -> tuple[Statement, ...]:
    """A period's statements, by party and currency.

    Raises:
        IntegrityError: a document is damaged.
    """
    rows = many(conn, sa.select(_TABLE.c.document).where(_TABLE.c.period_id == period_id))
    found = (parse_statement(row["document"]) for row in rows)
    return tuple(sorted(found, key=lambda statement: (statement.party_id, statement.currency)))
