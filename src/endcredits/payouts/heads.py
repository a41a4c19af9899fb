"""Statements by their heads: who, what for, and the digest of the document, without reading the documents themselves.

Two hundred thousand statements are a gigabyte of documents, and what proves them asks for their digests alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.payouts import tables

_TABLE = tables.statements


@dataclass(frozen=True, slots=True)
class StatementHead:
    """What a statement is, in a line.

    Attributes:
        statement_id: the statement.
        period_id: its accounting period.
        party_id: the payee.
        currency: ISO 4217 code.
        version: from 1.
        sha256: of its canonical document, 64 hex digits, as it was recorded.
    """

    statement_id: str
    period_id: str
    party_id: str
    currency: str
    version: int
    sha256: str


def heads_for_period(conn: Connection, period_id: str) -> tuple[StatementHead, ...]:
    """The heads of a period's statements, by party, currency and version."""
    return _heads(conn, _TABLE.c.period_id == period_id)


def heads_of_payees(conn: Connection, period_id: str) -> tuple[StatementHead, ...]:
    """The heads of all statements, of every period, of the payees who have one in this period; in the same order."""
    payees = sa.select(_TABLE.c.party_id).where(_TABLE.c.period_id == period_id)
    return _heads(conn, _TABLE.c.party_id.in_(payees))


def all_heads(conn: Connection) -> tuple[StatementHead, ...]:
    """The heads of all statements; in the same order."""
    return _heads(conn, sa.true())


def _heads(conn: Connection, which: sa.ColumnElement[bool]) -> tuple[StatementHead, ...]:
    columns = (_TABLE.c.statement_id, _TABLE.c.period_id, _TABLE.c.party_id, _TABLE.c.currency, _TABLE.c.version)
    found = conn.execute(sa.select(*columns, _TABLE.c.statement_digest).where(which))
    # Sorted here and not in the database, whose order of texts may be another.
    return tuple(
        sorted(
            (StatementHead(*row) for row in found), key=lambda one: (one.party_id, one.currency, one.version, one.period_id)
        )
    )
