"""What the databases refuse by themselves, however raw the SQL is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from endcredits.errors import InputError, IntegrityError
from endcredits.ledger import balances, check_books, check_entries, entries, post
from endcredits.ledger.guards import guard_sql
from endcredits.store import PACKAGE, Store, check_schema, migration_folders, open_store, row_digest

from .helpers import post_all, sale

PAGE = "INSERT INTO journal_pages VALUES (2, {0}, {1}, {2}, {3}, {4}, '', 'x')"
ENTRY = (
    "INSERT INTO journal_entries VALUES "
    "({0}, {1}, {3}, {4}, 'entry:{0}', 'key:{0}', '2026-11-30', 'n', NULL, '{2}', NULL, NULL)"
)
POSTING = "INSERT INTO postings VALUES ({0}, {1}, {2})"

RAW = {
    "unbalanced": ([ENTRY.format(2, 2, "posted", 3, 4), POSTING.format(3, 1, 5), POSTING.format(4, 2, -4)], (2, 2, 3, 4)),
    "one posting": ([ENTRY.format(2, 2, "posted", 3, 3), POSTING.format(3, 1, 5)], (2, 2, 3, 3)),
    "no posting": ([ENTRY.format(2, 2, "posted", 3, 2)], (2, 2, 3, 2)),
    "2**32 off": (
        [ENTRY.format(2, 2, "posted", 3, 4), POSTING.format(3, 1, 5), POSTING.format(4, 2, -5 + 2**32)],
        (2, 2, 3, 4),
    ),
    "2**64 off": (
        [ENTRY.format(2, 2, "posted", 3, 6), *(POSTING.format(3 + n, 1 + n % 2, 2**62) for n in range(4))],
        (2, 2, 3, 6),
    ),
    "a gap in entries": (
        [ENTRY.format(3, 2, "posted", 3, 4), POSTING.format(3, 1, 5), POSTING.format(4, 2, -5)],
        (3, 3, 3, 4),
    ),
    "a gap in postings": (
        [ENTRY.format(2, 2, "posted", 4, 5), POSTING.format(4, 1, 5), POSTING.format(5, 2, -5)],
        (2, 2, 4, 5),
    ),
    "a page not its own": (
        [ENTRY.format(2, 3, "posted", 3, 4), POSTING.format(3, 1, 5), POSTING.format(4, 2, -5)],
        (2, 2, 3, 4),
    ),
    "one entry takes what the next lacks": (
        [
            ENTRY.format(2, 2, "posted", 3, 4),
            ENTRY.format(3, 2, "posted", 5, 6),
            *(POSTING.format(3 + n, 1 + n % 2, amount) for n, amount in enumerate((5, -4, 5, -6))),
        ],
        (2, 3, 3, 6),
    ),
    "postings between two entries": (
        [
            ENTRY.format(2, 2, "posted", 3, 4),
            ENTRY.format(3, 2, "posted", 7, 8),
            *(POSTING.format(3 + n, 1 + n % 2, (-1) ** n) for n in range(6)),
        ],
        (2, 3, 3, 8),
    ),
    "a posting twice": (
        [
            ENTRY.format(2, 2, "posted", 3, 5),
            ENTRY.format(3, 2, "posted", 5, 6),
            *(POSTING.format(3 + n, 1 + n % 2, amount) for n, amount in enumerate((5, -4, -1, 1))),
        ],
        (2, 3, 3, 6),
    ),
    "an entry that ends too late": (
        [ENTRY.format(2, 2, "posted", 3, 9), POSTING.format(3, 1, 5), POSTING.format(4, 2, -5)],
        (2, 2, 3, 4),
    ),
    "no such account": (
        [ENTRY.format(2, 2, "posted", 3, 5), *(POSTING.format(3 + n, n, (1, 1, -2)[n]) for n in (1, 2, 0))],
        (2, 2, 3, 5),
    ),
    "two currencies that only sum to zero together": (
        [
            "INSERT INTO accounts VALUES (3, 'Assets:Bank', 'JPY')",
            ENTRY.format(2, 2, "posted", 3, 4),
            POSTING.format(3, 1, 5),
            POSTING.format(4, 3, -5),
        ],
        (2, 2, 3, 4, 3),
    ),
    "an unknown kind": (
        [ENTRY.format(2, 2, "maybe", 3, 4), POSTING.format(3, 1, 5), POSTING.format(4, 2, -5)],
        (2, 2, 3, 4),
    ),
    "a confirmation of nothing": (
        [ENTRY.format(2, 2, "confirmed", 3, 4), POSTING.format(3, 1, 5), POSTING.format(4, 2, -5)],
        (2, 2, 3, 4),
    ),
}


@pytest.mark.parametrize("case", RAW)
def test_no_raw_sql_leaves_an_unbalanced_page(store: Store, case: str) -> None:
    """Two accounts and one entry are there; what is written beside our code is refused, and what was there stands."""
    post_all(store, sale("a", 5))
    statements, page = RAW[case]

    def work(conn: sa.Connection) -> None:
        for statement in [*statements, PAGE.format(*page, 2)]:
            conn.exec_driver_sql(statement)

    with pytest.raises(sa.exc.DBAPIError):
        store.write(work)
    with store.reading() as conn:
        assert entries(conn) == [sale("a", 5)] and check_books(conn) == []


def test_a_balanced_page_is_let_in(store: Store) -> None:
    """So it is the imbalance that was refused above."""
    post_all(store, sale("a", 5))

    def work(conn: sa.Connection) -> None:
        for statement in [ENTRY.format(2, 2, "posted", 3, 4), POSTING.format(3, 1, 5), POSTING.format(4, 2, -5)]:
            conn.exec_driver_sql(statement)
        conn.exec_driver_sql(PAGE.format(2, 2, 3, 4, 2))

    store.write(work)
    with store.reading() as conn:
        assert balances(conn, "Assets") == {("Assets:Bank", "EUR"): 10}


@pytest.mark.parametrize(
    "statement,words",
    [
        (POSTING.format(3, 1, 7), "nothing is added to a closed page"),
        (ENTRY.format(2, 2, "posted", 3, 4), "FOREIGN KEY|foreign key"),
        (ENTRY.format(1, 1, "posted", 3, 4), "UNIQUE|duplicate key"),
        (POSTING.format(2, 1, 7), "UNIQUE|duplicate key"),
        (POSTING.format(0, 1, 7), "posting_id|nothing is added to a closed page"),
    ],
)
def test_nothing_is_added_without_a_page_or_to_a_closed_one(store: Store, statement: str, words: str) -> None:
    """Neither a posting to an entry that stands, nor an entry that no page closes."""
    post_all(store, sale("a", 5))

    with pytest.raises(sa.exc.DBAPIError, match=words):
        store.write(lambda conn: conn.exec_driver_sql(statement))
    with store.reading() as conn:
        assert entries(conn) == [sale("a", 5)] and check_books(conn) == []


def test_what_a_hand_without_foreign_keys_leaves_never_counts_and_is_named(sqlite_store: Store, tmp_path: Path) -> None:
    """SQLite enforces foreign keys per connection only: such rows stand on no page, and nothing is posted after them."""
    post_all(sqlite_store, sale("a", 5))
    with closing(sqlite3.connect(tmp_path / "studio.db", isolation_level=None)) as hand:
        for statement in (ENTRY.format(2, 2, "posted", 3, 3), POSTING.format(3, 1, 7)):
            hand.execute(statement)
        with pytest.raises(sqlite3.IntegrityError, match="two postings"):
            hand.execute(PAGE.format(2, 2, 3, 3, 2))

    with sqlite_store.reading() as conn:
        assert balances(conn, "Assets") == {("Assets:Bank", "EUR"): 5}
        wheres = [finding.where for finding in check_books(conn)]
    assert {"database table postings, row posting_id=3", "database table journal_entries, row number=2"} <= set(wheres)
    with pytest.raises(IntegrityError, match="rows that no page closes"):
        post_all(sqlite_store, sale("b"))


@pytest.mark.parametrize("table", ["journal_pages", "postings"])
def test_a_missing_guard_is_named(store: Store, table: str) -> None:
    """The check of the schema knows these triggers too."""
    on = "" if store.engine.dialect.name == "sqlite" else f" ON {table}"
    with store.engine.begin() as conn:
        conn.exec_driver_sql(f"DROP TRIGGER {table}_guard{on}")

    with store.reading() as conn:
        assert [finding.where for finding in check_schema(conn)] == [f"database table {table}"]


def test_guards_are_known_for_our_two_databases_only() -> None:
    """Elsewhere nothing would be guarded."""
    with pytest.raises(InputError, match="not a database we know"):
        guard_sql("postings", "oracle")


def at_revision(url: str, revision: str) -> sa.Engine:
    """A database whose ledger is of an older version."""
    engine = sa.create_engine(url)
    with engine.begin() as conn:
        config = Config()
        config.set_main_option("script_location", str(PACKAGE / "migrations"))
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", "\n".join(str(folder) for folder in migration_folders()))
        config.attributes["connection"] = conn
        command.upgrade(config, revision)
    return engine


@pytest.fixture(params=["sqlite", "postgresql"])
def old_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'old.db'}"
        return
    server: sa.URL = request.getfixturevalue("postgres_server")
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with admin.connect() as conn:
        conn.exec_driver_sql("CREATE DATABASE endcredits_old")
    yield server.set(database="endcredits_old").render_as_string(hide_password=False)
    with admin.connect() as conn:
        conn.exec_driver_sql("DROP DATABASE endcredits_old WITH (FORCE)")


def write_old(engine: sa.Engine, damaged: bool) -> None:
    """Two entries as version 0001 wrote them."""
    with engine.begin() as conn:
        for number, entry in enumerate((sale("a", 5), sale("b", 7)), 1):
            row: dict[str, object] = {
                "entry_id": entry.entry_id,
                "number": number,
                "idempotency_key": entry.idempotency_key,
                "date": entry.date,
                "narrative": entry.narrative,
                "reverses": None,
            }
            lines: list[dict[str, object]] = [
                {
                    "entry_id": entry.entry_id,
                    "position": position,
                    "account": posting.account,
                    "amount_micros": posting.amount_micros,
                    "currency": posting.currency,
                }
                for position, posting in enumerate(entry.postings, 1)
            ]
            for table, record in [("journal_entries", row), *(("postings", line) for line in lines)]:
                full = {**record, "digest": row_digest(table, record)}
                if damaged and record is lines[0]:
                    full["amount_micros"] = 6
                names = ", ".join(full)
                marks = ", ".join(f":{name}" for name in full)
                conn.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), full)


def test_an_older_studio_moves_in_with_all_its_entries(old_url: str) -> None:
    """Same entries, same ids, same order; and posting goes on."""
    engine = at_revision(old_url, "ledger_0001")
    write_old(engine, damaged=False)
    engine.dispose()

    store = open_store(old_url)

    with store.reading() as conn:
        assert entries(conn) == [sale("a", 5), sale("b", 7)]
        assert check_books(conn) == check_entries(conn) == []
    assert store.write(lambda conn: post(conn, sale("a", 5))) == sale("a", 5)
    post_all(store, sale("c", 9))
    with store.reading() as conn:
        assert len(entries(conn)) == 3 and check_books(conn) == []
    store.close()


def test_damaged_books_do_not_move_in_and_lose_nothing(old_url: str) -> None:
    """What does not fit its digest is never closed under a new one."""
    engine = at_revision(old_url, "ledger_0001")
    write_old(engine, damaged=True)

    with pytest.raises(IntegrityError, match="does not fit its digest"):
        open_store(old_url)

    with engine.connect() as conn:
        assert conn.exec_driver_sql("SELECT COUNT(*) FROM postings").scalar() == 4
        assert conn.exec_driver_sql("SELECT COUNT(*) FROM journal_entries").scalar() == 2
    engine.dispose()
