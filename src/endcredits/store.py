"""The books' shelf: one schema on SQLite by default and on PostgreSQL by URL.

Three ideas hold every table of every room.

*Append-only.* Rows are added and never changed. The database itself refuses UPDATE and DELETE (triggers), so a mistake
or a malicious hand has to break the database to rewrite history. What changes over time is a new row with a date.

*Every row carries its digest.* `insert_records` adds the SHA-256 of the row's canonical content; `check_rows`
recomputes them all, so one changed value anywhere is found and named.

*One writer's view.* `Store.write` runs a function in one serialisable transaction and retries when the database says
that somebody else was faster. Rooms get a `Connection` and never open a transaction themselves; only `flows` does.

Each room keeps its tables in `<room>/tables.py` and its migrations in `<room>/migrations/`, an Alembic branch of its
own. Times are UTC texts (`2026-11-20T12:00:00Z`), money and credits BIGINT, documents canonical JSON text.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from endcredits.errors import ConflictError, InputError, MachineError

T = TypeVar("T")

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = sa.MetaData(naming_convention=NAMING)
"""All tables of all rooms, filled as the rooms' `tables` modules are imported."""

PACKAGE = Path(__file__).parent
ATTEMPTS_MAX = 8
_MIGRATION_LOCK = int.from_bytes(b"credits")


def record_table(name: str, *columns: sa.Column[Any] | sa.schema.SchemaItem) -> sa.Table:
    """Declares an append-only table: the given columns and a `digest` over them."""
    return sa.Table(name, metadata, *columns, sa.Column("digest", sa.String(64), nullable=False))


def row_digest(table: str, row: Mapping[str, object]) -> str:
    """SHA-256 over a table's name and a row's values (without `digest`), each with its type."""
    values = {key: [type(value).__name__, str(value)] for key, value in row.items() if key != "digest"}
    text = json.dumps([table, values], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def insert_records(conn: Connection, table: sa.Table, rows: Iterable[Mapping[str, object]]) -> int:
    """Adds rows with their digests and returns how many.

    Columns that a row leaves out are stored as NULL, and the digest covers them as such.

    Raises:
        sqlalchemy.exc.IntegrityError: a key is taken, or another constraint of the table is broken.
    """
    names = [column.name for column in table.columns if column.name != "digest"]
    full = []
    for row in rows:
        unknown = set(row) - set(names)
        if unknown:
            raise ValueError(f"{table.name} has no column {sorted(unknown)}")
        record = {name: row.get(name) for name in names}
        full.append({**record, "digest": row_digest(table.name, record)})
    if full:
        conn.execute(sa.insert(table), full)
    return len(full)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a check found wrong.

    Attributes:
        where: the thing concerned, in words a person can look up ("database table splits, row id=...").
        problem: what is wrong with it.
    """

    where: str
    problem: str


def check_rows(conn: Connection, table: sa.Table) -> list[Finding]:
    """Recomputes every row's digest and names the rows that no longer fit."""
    if "digest" not in table.columns:
        return []  # digested together with other rows, which its own room checks
    keys = [column.name for column in table.primary_key.columns]
    findings = []
    for row in many(conn, sa.select(table)):
        if row_digest(table.name, row) != row["digest"]:
            name = ", ".join(f"{key}={row[key]}" for key in keys)
            findings.append(Finding(f"database table {table.name}, row {name}", "its content does not fit its digest"))
    return findings


def append_only_sql(table: str, dialect: str) -> list[str]:
    """The statements that make a database refuse UPDATE and DELETE on a table; used by migrations."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    if dialect == "postgresql":
        return [
            "CREATE OR REPLACE FUNCTION endcredits_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ "
            "BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$",
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION endcredits_append_only()",
        ]
    raise InputError(f"'{dialect}' is not a database we know", remedy="Use SQLite or PostgreSQL.")


@dataclass(frozen=True, slots=True)
class Store:
    """An open database whose schema is up to date.

    Attributes:
        engine: SQLAlchemy's engine; rooms never see it.
        url: where it is, without a password.
    """

    engine: Engine
    url: str

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one consistent state, writes nothing, and keeps no writer waiting.

        Raises:
            ConflictError: the database is busy.
            MachineError: the database is unreachable or damaged.
        """
        try:
            with _database_errors(self.url), self.engine.connect() as conn:
                yield conn.execution_options(**_READING[self.engine.dialect.name])
        except _Retry as retry:
            raise _busy(self.url) from retry

    def write(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in one serialisable transaction: all of it counts, or none.

        `work` may run again from its beginning when the database reports a conflict, so it must not do anything
        outside the database.

        Raises:
            ConflictError: the database was still busy after several attempts.
            MachineError: the database is unreachable or the disk is full.
        """
        for attempt in range(ATTEMPTS_MAX):
            try:
                with _database_errors(self.url), self.engine.begin() as conn:
                    return work(conn)
            except _Retry as retry:
                if attempt == ATTEMPTS_MAX - 1:
                    raise _busy(self.url) from retry
                # Not in step with the others who were refused at the same moment.
                time.sleep(0.02 * 2**attempt * random.uniform(0.5, 1.5))
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Gives the connections back."""
        self.engine.dispose()


class _Retry(Exception):
    """The database asks for the transaction to be run again."""


_READING: Mapping[str, dict[str, Any]] = {
    "sqlite": {"endcredits_reading": True},
    # One snapshot, which a serialisable transaction would also give, but without ever being asked to retry.
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}


def _busy(url: str) -> ConflictError:
    return ConflictError(
        "the database stayed busy with somebody else's writing", remedy="Run the same command again.", file=url
    )


@contextlib.contextmanager
def _database_errors(url: str) -> Iterator[None]:
    try:
        yield
    except sa.exc.DBAPIError as error:
        text = str(error.orig)
        state = getattr(error.orig, "sqlstate", None)
        if state in ("40001", "40P01") or "database is locked" in text:
            raise _Retry(text) from error
        if isinstance(error, sa.exc.IntegrityError):
            raise
        if "disk is full" in text or state == "53100":
            raise MachineError(
                "the disk is full", remedy="Free some space and run the same command again.", file=url
            ) from error
        if "malformed" in text or "not a database" in text:
            raise MachineError(
                f"the database file is damaged ({text})", remedy="Restore it from your last copy.", file=url
            ) from error
        if "readonly" in text:
            raise MachineError("the database may not be written", remedy="Check its permissions.", file=url) from error
        if isinstance(error, sa.exc.OperationalError):
            raise MachineError(
                f"the database cannot be used ({text.strip().splitlines()[0]})",
                remedy="Check the URL and that the server runs.",
                file=url,
            ) from error
        raise


def _on_sqlite_connect(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    # Explicit transactions (the driver's implicit ones start too late), durable commits, foreign keys on; up to 64 MiB
    # of the file in memory, so that a batch does not read an index's pages again and again.
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-65536"):
            cursor.execute(f"PRAGMA {pragma}")
    except UnicodeDecodeError as error:
        # The driver fails to tell its own error when that quotes a damaged schema.
        raise sqlite3.DatabaseError("the database schema is malformed") from error
    cursor.close()


def _on_sqlite_begin(conn: Connection) -> None:
    # A writer takes its place in the queue at once; readers need none, and may not write.
    reading = conn.get_execution_options().get("endcredits_reading", False)
    conn.exec_driver_sql(f"PRAGMA query_only={int(reading)}")
    conn.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def open_store(url: str | sa.URL) -> Store:
    """Opens a database, making or updating its tables when needed.

    Args:
        url: `sqlite:///path/to/studio.db` or `postgresql+psycopg://user@host/name`, as text or as SQLAlchemy's URL.

    Raises:
        InputError: not a URL of a database that we know.
        MachineError: it cannot be reached.
        ConflictError: it was written by a newer version of endcredits.
    """
    try:
        parsed = sa.engine.make_url(url)
        if parsed.get_backend_name() == "postgresql" and parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() not in ("sqlite", "postgresql"):
            raise InputError(f"'{parsed.get_backend_name()}' is not a database we know", remedy="Use SQLite or PostgreSQL.")
        options: dict[str, Any] = {}
        if parsed.get_backend_name() == "postgresql":
            options["isolation_level"] = "SERIALIZABLE"
        engine = sa.create_engine(parsed, **options)
    except sa.exc.ArgumentError as error:
        raise InputError(
            f"'{url}' is not a database URL",
            remedy="Write sqlite:///studio.db or postgresql+psycopg://user@host/name.",
            field="database",
        ) from error
    except ModuleNotFoundError as error:
        raise InputError("PostgreSQL needs the package psycopg", remedy="Run: pip install 'psycopg[binary]'.") from error
    shown = parsed.render_as_string(hide_password=True)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _on_sqlite_connect)
        sa.event.listen(engine, "begin", _on_sqlite_begin)
    store = Store(engine, shown)
    try:
        migrate(store)
    except BaseException:
        store.close()
        raise
    return store


def migration_folders() -> list[Path]:
    """The rooms' folders of migrations, in the order of their names."""
    return sorted(path for path in PACKAGE.glob("*/migrations") if path.is_dir())


def known_revisions() -> dict[str, str | None]:
    """Every revision that this version knows, with the one it follows; read from the files, without Alembic."""
    revisions: dict[str, str | None] = {}
    for folder in migration_folders():
        for path in sorted(folder.glob("[0-9]*.py")):
            names: dict[str, str | None] = {}
            for line in path.read_text().splitlines():
                key, equals, value = line.partition(" = ")
                if equals and key in ("revision", "down_revision"):
                    names[key] = None if value == "None" else value.strip("\"'")
            if names.get("revision"):
                revisions[str(names["revision"])] = names.get("down_revision")
    return revisions


def migrate(store: Store) -> None:
    """Brings the schema to this version: nothing to do costs one query; otherwise Alembic runs the rooms' branches.

    Raises:
        ConflictError: the schema is of a newer version.
    """
    known = known_revisions()
    heads = set(known) - {parent for parent in known.values() if parent}
    with store.reading() as conn:
        present: set[str] = set()
        if sa.inspect(conn).has_table("alembic_version"):
            present = set(conn.scalars(sa.text("SELECT version_num FROM alembic_version")))
    newer = present - set(known)
    if newer:
        raise ConflictError(
            f"the database was written by a newer version of endcredits (schema {', '.join(sorted(newer))})",
            remedy="Update endcredits, or open the studio with the version that wrote it.",
            file=store.url,
        )
    if present == heads:
        return

    # Alembic is slow to import, and a studio that is up to date never needs it.
    from alembic import command
    from alembic.config import Config

    def upgrade(conn: Connection) -> None:
        if conn.dialect.name == "postgresql":
            # One process at a time; the others find the work done.
            conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        config = Config()
        config.set_main_option("script_location", str(PACKAGE / "migrations"))
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", "\n".join(str(folder) for folder in migration_folders()))
        config.attributes["connection"] = conn
        command.upgrade(config, "heads")

    engine = store.engine
    if engine.dialect.name == "postgresql":
        # Who waited for the lock must then see what the other did, and not the state from before.
        engine = engine.execution_options(isolation_level="READ COMMITTED")
    Store(engine, store.url).write(upgrade)


def one(conn: Connection, query: sa.Select[Any]) -> Mapping[str, Any] | None:
    """The single row of a query as a mapping, or None."""
    row = conn.execute(query).mappings().first()
    return None if row is None else dict(row)


def many(conn: Connection, query: sa.Select[Any]) -> Sequence[Mapping[str, Any]]:
    """All rows of a query as mappings."""
    return [dict(row) for row in conn.execute(query).mappings()]


def check_file(conn: Connection, where: str) -> Iterator[Finding]:
    """What SQLite itself says of its file and of rows that name others; a server keeps watch over both by itself."""
    if conn.dialect.name != "sqlite":
        return
    for problem in conn.scalars(sa.text("PRAGMA integrity_check(20)")):
        if problem != "ok":
            yield Finding(f"database file {where}", str(problem))
    for child, row, parent, _ in conn.execute(sa.text("PRAGMA foreign_key_check")):
        yield Finding(f"database table {child}, row {row}", f"what it names is missing in the table {parent}")


def _no_guards(dialect: str) -> list[str]:
    return []


def check_schema(conn: Connection) -> Iterator[Finding]:
    """That the schema is this version's, and that the database still refuses to change rows."""
    known = known_revisions()
    heads = set(known) - set(known.values())
    present = set(conn.scalars(sa.text("SELECT version_num FROM alembic_version")))
    if present != heads:
        problem = f"it names the schema {', '.join(sorted(present))}; this version has {', '.join(sorted(heads))}"
        yield Finding("database table alembic_version", problem)
    dialect = conn.dialect.name
    if dialect == "sqlite":
        guards = set(conn.scalars(sa.text("SELECT sql FROM sqlite_master WHERE type = 'trigger'")))
    else:
        query = (
            "SELECT c.relname || ' ' || p.prosrc FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "JOIN pg_proc p ON p.oid = t.tgfoid "
            "WHERE t.tgname IN (c.relname || '_append_only', c.relname || '_guard') AND t.tgenabled = 'O'"
        )
        guards = set(conn.scalars(sa.text(query)))
    for table in metadata.sorted_tables:
        # What a room's table refuses beyond changes stands in its info.
        wanted = append_only_sql(table.name, dialect) + table.info.get("guards", _no_guards)(dialect)
        if dialect == "postgresql":
            wanted = [f"{table.name} {statement.split('$$')[1]}" for statement in wanted if "$$" in statement]
        if not guards.issuperset(wanted):
            problem = "its guard against changes is missing or was changed (triggers that refuse UPDATE and DELETE)"
            yield Finding(f"database table {table.name}", problem)


def filled_tables(conn: Connection) -> list[str]:
    """The rooms' tables that hold at least one row."""
    return [table.name for table in metadata.sorted_tables if conn.execute(sa.select(table).limit(1)).first()]
