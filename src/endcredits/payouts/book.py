"""The book of statements: issued once, found again, never changed.

Only final statements are kept; an estimate is made anew from the days so far. Words that were wrong (a name, a tax
status) are corrected by a later version of the statement with the same lines and the same money; wrong money is
corrected in the next period.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.canonical import sha256_bytes
from endcredits.errors import ConflictError, InputError
from endcredits.payouts import tables
from endcredits.payouts.documents import parse_statement, statement_json
from endcredits.payouts.records import FINAL, Statement
from endcredits.store import insert_records, one

_TABLE = tables.statements
BATCH = 500
"""Statements that are looked up and written at once."""


def save_statements(conn: Connection, issued: Iterable[Statement]) -> int:
    """Records statements; one that is recorded already with the same content is left as it is.

    Args:
        conn: inside a transaction of the caller: all are recorded, or none.
        issued: streamed, in any order.

    Returns:
        How many were new.

    Raises:
        InputError: an estimate, which is never kept.
        ConflictError: the payee has another statement for the period and currency, or a later version says other money.
    """
    left, new = iter(issued), 0
    while batch := list(islice(left, BATCH)):
        rows = [_row(statement) for statement in batch]
        ids = [row["statement_id"] for row in rows]
        query = sa.select(_TABLE.c.statement_id, _TABLE.c.document).where(_TABLE.c.statement_id.in_(ids))
        known: dict[str, str] = {found.statement_id: found.document for found in conn.execute(query)}
        fresh: list[dict[str, object]] = []
        for statement, row in zip(batch, rows, strict=True):
            standing = known.get(statement.statement_id)
            if standing is None:
                if statement.version > 1:
                    # The version before may be one of those that wait to be written.
                    new += insert_records(conn, _TABLE, fresh)
                    fresh = []
                    _must_follow(conn, statement)
                known[statement.statement_id] = str(row["document"])
                fresh.append(row)
            elif standing != row["document"]:
                raise ConflictError(
                    f"the statement of '{statement.party_id}' for the period '{statement.period_id}' "
                    f"in {statement.currency} is already issued, with other content",
                    remedy="An issued statement is never changed: correct money in the next period, words in a new version.",
                    field="statement_id",
                )
        new += insert_records(conn, _TABLE, fresh)
    return new


def _row(statement: Statement) -> dict[str, object]:
    if statement.kind != FINAL:
        raise InputError(
            f"the statement of '{statement.party_id}' is an estimate, and estimates are not kept",
            remedy="Close the period; its statements are final.",
            field="kind",
        )
    document = statement_json(statement)
    return {
        "statement_id": statement.statement_id,
        "period_id": statement.period_id,
        "party_id": statement.party_id,
        "currency": statement.currency,
        "version": statement.version,
        "document": document,
        "statement_digest": sha256_bytes(document.encode()),
    }


def _must_follow(conn: Connection, statement: Statement) -> None:
    """A version after the first corrects words of the one before, and no money."""
    about = (_TABLE.c.period_id == statement.period_id) & (_TABLE.c.party_id == statement.party_id)
    before = (_TABLE.c.currency == statement.currency) & (_TABLE.c.version == statement.version - 1)
    row = one(conn, sa.select(_TABLE.c.document).where(about & before))
    standing = None if row is None else parse_statement(row["document"])
    if standing is None or (standing.summary, standing.control_micros) != (statement.summary, statement.control_micros):
        raise ConflictError(
            f"version {statement.version} of the statement of '{statement.party_id}' does not follow version "
            f"{statement.version - 1} with the same money",
            remedy="Correct money in the next period; a new version corrects words alone.",
            field="version",
        )


def find_statement(conn: Connection, statement_id: str) -> Statement | None:
    """The statement of that id, or None.

    Raises:
        IntegrityError: its document is damaged.
    """
    row = one(conn, sa.select(_TABLE.c.document).where(_TABLE.c.statement_id == statement_id))
    return None if row is None else parse_statement(row["document"])


def statements_for_period(conn: Connection, period_id: str) -> tuple[Statement, ...]:
    """A period's statements, by party, currency and version.

    Raises:
        IntegrityError: a document is damaged.
    """
    return tuple(parse_statement(document) for document in documents_for_period(conn, period_id))


def statements_for_party(conn: Connection, party_id: str) -> tuple[Statement, ...]:
    """A payee's statements, by last day, currency and version.

    Raises:
        IntegrityError: a document is damaged.
    """
    rows = conn.execute(sa.select(_TABLE.c.document).where(_TABLE.c.party_id == party_id))
    found = (parse_statement(row.document) for row in rows)
    return tuple(sorted(found, key=lambda one: (one.ends_on, one.currency, one.version)))


def documents_for_period(conn: Connection, period_id: str) -> Iterator[str]:
    """The documents of a period's statements as they are stored, streamed, by party, currency and version."""
    query = sa.select(_TABLE.c.statement_id, _TABLE.c.party_id, _TABLE.c.currency, _TABLE.c.version)
    keys = [tuple(row) for row in conn.execute(query.where(_TABLE.c.period_id == period_id))]
    # Sorted here and not in the database, whose order of texts may be another.
    left = iter(sorted(keys, key=lambda key: key[1:]))
    while batch := [key[0] for key in islice(left, BATCH)]:
        found = conn.execute(sa.select(_TABLE.c.statement_id, _TABLE.c.document).where(_TABLE.c.statement_id.in_(batch)))
        documents = {row.statement_id: row.document for row in found}
        yield from (documents[statement_id] for statement_id in batch)
