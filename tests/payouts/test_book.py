"""An issued statement is found again and never changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.errors import ConflictError, InputError, MachineError
from endcredits.ids import PartyId
from endcredits.payouts import (
    ESTIMATE,
    Payee,
    find_statement,
    save_statements,
    statement_json,
    statements_for_party,
    statements_for_period,
    tables,
)
from endcredits.payouts.book import documents_for_period
from endcredits.store import Store

from .makers import PAYEES, earning, issue, ordinary


def test_statements_come_back_as_they_were(store: Store) -> None:
    """By id, by period and by payee, in their orders."""
    later = issue(earning(5, 0, "2026-12"))

    new = store.write(lambda conn: save_statements(conn, (*ordinary()[::-1], *later)))

    assert new == len(ordinary()) + 1
    with store.reading() as conn:
        assert statements_for_period(conn, "2026-11") == ordinary()
        assert list(documents_for_period(conn, "2026-11")) == [statement_json(one) for one in ordinary()]
        assert statements_for_period(conn, "2026-10") == ()
        assert statements_for_party(conn, "ada") == (ordinary()[0], ordinary()[1], *later)
        assert find_statement(conn, later[0].statement_id) == later[0]
        assert find_statement(conn, "statement:none") is None


def test_issuing_again_changes_nothing(store: Store) -> None:
    """Not even in part: only what is missing is added."""
    first, *rest = ordinary()
    store.write(lambda conn: save_statements(conn, [first]))

    assert store.write(lambda conn: save_statements(conn, iter([first, *rest]))) == len(rest)
    assert store.write(lambda conn: save_statements(conn, [first, *rest])) == 0
    assert store.write(lambda conn: save_statements(conn, [first, first])) == 0


def test_another_content_is_refused_whole(store: Store) -> None:
    """The statement stands, and nothing handed in beside it is recorded."""
    first, second, *_ = ordinary()
    store.write(lambda conn: save_statements(conn, [first]))

    with pytest.raises(ConflictError, match="already issued") as caught:
        store.write(lambda conn: save_statements(conn, [second, replace(first, payee="Somebody else")]))

    assert caught.value.remedy
    with store.reading() as conn:
        assert statements_for_period(conn, "2026-11") == (first,)


@pytest.mark.parametrize("kept", [False, True])
def test_a_commit_that_fails_is_made_good_by_the_next_run(store: Store, monkeypatch: pytest.MonkeyPatch, kept: bool) -> None:
    """Lost, or kept but reported lost: issuing again leaves every statement once."""
    real = Store.write

    def failing(self: Store, work: Callable[[Connection], int]) -> int:
        if kept:
            real(self, work)
        raise MachineError("the connection broke")

    monkeypatch.setattr(Store, "write", failing)
    with pytest.raises(MachineError):
        store.write(lambda conn: save_statements(conn, ordinary()))
    monkeypatch.undo()

    new = store.write(lambda conn: save_statements(conn, ordinary()))

    assert new == (0 if kept else len(ordinary()))
    with store.reading() as conn:
        assert statements_for_period(conn, "2026-11") == ordinary()


def test_an_estimate_is_never_kept(store: Store) -> None:
    """It would look like a promise later."""
    with pytest.raises(InputError, match="estimate"):
        store.write(lambda conn: save_statements(conn, [replace(ordinary()[0], kind=ESTIMATE)]))


def test_a_later_version_corrects_words_and_no_money(store: Store) -> None:
    """In order, one after the other."""
    renamed = {**PAYEES, PartyId("ada"): Payee("Ada, Countess of Lovelace")}
    first, second, third = (ordinary(version=version, payees=renamed)[0] for version in (1, 2, 3))
    first = ordinary()[0]

    with pytest.raises(ConflictError, match="does not follow version 1"):
        store.write(lambda conn: save_statements(conn, [second]))
    store.write(lambda conn: save_statements(conn, [first, second]))
    other = replace(third, summary=replace(third.summary, earned_micros=1))
    with pytest.raises(ConflictError, match="same money"):
        store.write(lambda conn: save_statements(conn, [other]))

    assert store.write(lambda conn: save_statements(conn, [third])) == 1
    with store.reading() as conn:
        assert [one.version for one in statements_for_period(conn, "2026-11")] == [1, 2, 3]


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
        ("uq_statements_period_id", ["period_id", "party_id", "currency", "version"])
    ]
