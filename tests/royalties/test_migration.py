"""A studio of the first schema opens under this one: nothing is lost, and every row fits its digest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Connection

from endcredits.errors import IntegrityError
from endcredits.royalties import recording, tables
from endcredits.royalties.book import closed_days, usage
from endcredits.royalties.counting import window
from endcredits.store import PACKAGE, check_rows, check_schema, migration_folders, open_store, row_digest

from .reporting import add_events, event

OLD_EVENT = {
    "event_id": "sale-1",
    "output_id": "o1",
    "used_at": "2026-11-03T12:00:00Z",
    "revenue_micros": 250_000,
    "currency": "EUR",
    "service": "web",
    "territory": "DE",
}
OLD_CLOSE = {
    "period_id": "2026-11",
    "starts_on": "2026-11-01",
    "ends_on": "2026-11-30",
    "document": "{}",
    "close_digest": "0" * 64,
    "entry_id": None,
}


@pytest.fixture(params=["sqlite", "postgresql"])
def old_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database, once per kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'old.db'}"
        return
    url = sa.make_url(request.getfixturevalue("postgres_url"))
    engine = sa.create_engine(url)
    with engine.begin() as conn:
        conn.exec_driver_sql("DROP SCHEMA public CASCADE")
        conn.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    yield url.render_as_string(hide_password=False)


def make_old(url: str, events: list[dict[str, object]], closes: list[dict[str, object]]) -> None:
    """A database as the first schema left it."""
    engine = sa.create_engine(url)
    with engine.begin() as conn:
        config = Config()
        config.set_main_option("script_location", str(PACKAGE / "migrations"))
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", "\n".join(str(folder) for folder in migration_folders()))
        config.attributes["connection"] = conn
        command.upgrade(config, "royalties_0001")
        for table, rows in (("usage_events", events), ("period_closes", closes)):
            for row in rows:
                _insert(conn, table, row)
    engine.dispose()


def _insert(conn: Connection, table: str, row: dict[str, object]) -> None:
    full = {"digest": row_digest(table, row), **row}
    into = sa.table(table, *(sa.column(name) for name in full))
    conn.execute(sa.insert(into), [full])


def test_old_events_get_defaults_numbers_and_new_digests(old_url: str) -> None:
    """In the order of their use; they count as before, and the next one follows them without a gap."""
    second = OLD_EVENT | {"event_id": "sale-0", "used_at": "2026-12-01T12:00:00Z"}
    make_old(old_url, [second, OLD_EVENT], [OLD_CLOSE])

    store = open_store(old_url)

    with store.reading() as conn:
        assert [finding for finding in check_schema(conn) if "usage" in finding.where or "period" in finding.where] == []
        for table in (*tables.NUMBERED, tables.period_closes, tables.held_rows, tables.held_ends):
            assert check_rows(conn, table) == []
        assert usage(conn, "2026-11-01", "2026-12-31") == (
            event("sale-0", on="2026-12-01", micros=250_000, service="web", territory="DE"),
            event("sale-1", micros=250_000, service="web", territory="DE"),
        )
        numbers = dict(conn.execute(sa.select(tables.usage_events.c.event_id, tables.usage_events.c.number)).all())
        assert numbers == {"sale-1": 1, "sale-0": 2}
        assert closed_days(conn) == (("2026-11", "2026-11-01", "2026-11-30"),)
        assert window(conn, "2026-12-01", "2026-12-31", 2).counted_to == 1
    store.write(lambda conn: add_events(conn, event("sale-2")))
    with store.reading() as conn:
        assert recording.cut_off(conn) == 3
        assert recording.check_numbers(conn) == []
    store.close()


def test_a_damaged_row_stops_the_migration_and_nothing_is_changed(old_url: str) -> None:
    """It is named, and the old schema stands: no damaged row gets a digest that fits it."""
    make_old(old_url, [OLD_EVENT, OLD_EVENT | {"event_id": "sale-2", "digest": "0" * 64}], [])

    with pytest.raises(IntegrityError, match="sale-2"):
        open_store(old_url)

    engine = sa.create_engine(old_url)
    with engine.connect() as conn:
        columns = {column["name"] for column in sa.inspect(conn).get_columns("usage_events")}
        names = set(sa.inspect(conn).get_table_names())
        count = conn.scalar(sa.text("SELECT count(*) FROM usage_events"))
    engine.dispose()
    assert columns == {*OLD_EVENT, "digest"}
    assert "revenues" not in names
    assert count == 2


def test_more_rows_than_a_batch_are_carried_over(tmp_path: Path) -> None:
    """All of them, each once."""
    url = f"sqlite:///{tmp_path / 'old.db'}"
    make_old(url, [], [])
    engine = sa.create_engine(url)
    rows = [OLD_EVENT | {"event_id": f"sale-{number}"} for number in range(10_001)]
    with engine.begin() as conn:
        full = [{**row, "digest": row_digest("usage_events", row)} for row in rows]
        conn.execute(sa.insert(sa.table("usage_events", *(sa.column(name) for name in full[0]))), full)
    engine.dispose()

    store = open_store(url)

    with store.reading() as conn:
        assert conn.scalar(sa.select(sa.func.count()).select_from(tables.usage_events)) == 10_001
        assert recording.check_numbers(conn) == []
        assert check_rows(conn, tables.usage_events) == []
    store.close()


@pytest.mark.parametrize("table", [*tables.NUMBERED, tables.period_closes, tables.held_rows, tables.held_ends])
def test_the_migration_makes_the_declared_tables(request: pytest.FixtureRequest, table: sa.Table, old_url: str) -> None:
    """Same columns, same nullability, same key and indexes as the declaration, and changes are refused."""
    store = open_store(old_url)
    with store.reading() as conn:
        found = sa.inspect(conn)
        columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
        key = found.get_pk_constraint(table.name)
        indexes = {(index["name"], bool(index["unique"])) for index in found.get_indexes(table.name)}
        guards = [finding for finding in check_schema(conn) if finding.where.endswith(f" {table.name}")]
    store.close()

    assert columns == {column.name: column.nullable for column in table.columns}
    assert (key["constrained_columns"], key["name"]) == (
        [column.name for column in table.primary_key],
        f"pk_{table.name}",
    )
    assert indexes == {(index.name, index.unique) for index in table.indexes}
    assert guards == []
