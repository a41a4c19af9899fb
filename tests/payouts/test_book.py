"""An issued statement is found again and never changes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from endcredits.errors import ConflictError
from endcredits.payouts import find_statement, save_statements, statements_for_period, tables
from endcredits.store import Store

from .makers import earning, issue, ordinary


def test_statements_come_back_as_they_were(store: Store) -> None:
    """By id and by period, in the order of party and currency."""
    later = issue(earning(5, 0, month=12))

    new = store.write(lambda conn: save_statements(conn, (*ordinary()[::-1], *later)))

    assert new == len(ordinary()) + 1
    with store.reading() as conn:
        assert statements_for_period(conn, "2026-11") == ordinary()
        assert statements_for_period(conn, "2026-10") == ()
        assert find_statement(conn, later[0].statement_id) == later[0]
        assert find_statement(conn, "statement:none") is None


def test_issuing_again_changes_nothing(store: Store) -> None:
    """Not even in part: only what is missing is added."""
    first, *rest = ordinary()
    store.write(lambda conn: save_statements(conn, [first]))

    assert store.write(lambda conn: save_statements(conn, [first, *rest])) == len(rest)
    assert store.write(lambda conn: save_statements(conn, [first, *rest])) == 0


def test_another_content_is_refused_whole(store: Store) -> None:
    """The statement stands, and nothing handed in beside it is recorded."""
    first, second, *_ = ordinary()
    store.write(lambda conn: save_statements(conn, [first]))

    with pytest.raises(ConflictError, match="already issued") as caught:
        store.write(lambda conn: save_statements(conn, [second, replace(first, payee="Somebody else")]))

    assert caught.value.remedy
    with store.reading() as conn:
        assert statements_for_period(conn, "2026-11") == (first,)


def test_the_database_refuses_changes(store: Store) -> None:
    """Neither update nor delete."""
    store.write(lambda conn: save_statements(conn, ordinary()))

    for statement in (sa.update(tables.statements).values(digest="0" * 64), sa.delete(tables.statements)):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), store.engine.begin() as conn:
            conn.execute(statement)


def test_the_migration_makes_the_declared_table(store: Store) -> None:
    """Same columns, key and uniqueness as the declaration."""
    with store.reading() as conn:
        found = sa.inspect(conn)
        columns = {column["name"]: column["nullable"] for column in found.get_columns("statements")}
        unique = found.get_unique_constraints("statements")

    assert columns == {column.name: column.nullable for column in tables.statements.columns}
    assert [(one["name"], one["column_names"]) for one in unique] == [
        ("uq_statements_period_id", ["period_id", "party_id", "currency"])
    ]
