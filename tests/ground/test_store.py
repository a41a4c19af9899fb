"""The shelf: append-only, digested, one consistent view, and clear when it cannot be used."""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from endcredits.errors import ConflictError, InputError, MachineError
from endcredits.store import (
    ATTEMPTS_MAX,
    PACKAGE,
    Store,
    append_only_sql,
    check_rows,
    insert_records,
    known_revisions,
    many,
    metadata,
    migration_folders,
    one,
    open_store,
    row_digest,
)

TABLE = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("count", sa.BigInteger),
    sa.Column("note", sa.Text),
    sa.Column("good", sa.Boolean),
    sa.Column("digest", sa.String(64), nullable=False),
)


@pytest.fixture
def things(store: Store) -> Store:
    """A store with an append-only table of things."""
    store.write(make_things)
    return store


def make_things(conn: sa.Connection) -> None:
    TABLE.create(conn)
    for statement in append_only_sql("things", conn.dialect.name):
        # A percent sign means a parameter to a driver that is asked to fill in.
        conn.execute(sa.text(statement))


def drop_guard(conn: sa.Connection) -> None:
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql("DROP TRIGGER things_no_update")
    else:
        conn.exec_driver_sql("DROP TRIGGER things_append_only ON things")


ROW = {"name": "a", "count": 7, "note": None, "good": True}


def test_rows_come_back_as_they_were_with_a_digest_that_fits(things: Store) -> None:
    """Left-out columns are NULL, and the digest covers them."""
    things.write(lambda conn: insert_records(conn, TABLE, [{"name": "a", "count": 7, "good": True}]))

    with things.reading() as conn:
        row = one(conn, sa.select(TABLE))
        assert row == {**ROW, "digest": row_digest("things", ROW)}
        assert many(conn, sa.select(TABLE)) == [row]
        assert one(conn, sa.select(TABLE).where(TABLE.c.name == "b")) is None
        assert check_rows(conn, TABLE) == []


def test_an_unknown_column_is_a_bug(things: Store) -> None:
    """A misspelt column is not silently lost."""
    with pytest.raises(ValueError, match="no column \\['nmae'\\]"):
        things.write(lambda conn: insert_records(conn, TABLE, [{"nmae": "a"}]))


def test_no_rows_are_no_work(things: Store) -> None:
    """Nothing inserted, nothing broken."""
    assert things.write(lambda conn: insert_records(conn, TABLE, [])) == 0


@pytest.mark.parametrize(
    "change",
    ["name = 'b'", "count = 8", "count = NULL", "note = 'None'", "note = ''", "good = false", "digest = 'x'"],
)
def test_any_single_changed_value_is_found(things: Store, change: str) -> None:
    """Whatever column, and also where the change looks the same as text."""
    things.write(lambda conn: insert_records(conn, TABLE, [ROW, {**ROW, "name": "untouched"}]))
    things.write(drop_guard)

    things.write(lambda conn: conn.exec_driver_sql(f"UPDATE things SET {change} WHERE name = 'a'"))

    with things.reading() as conn:
        findings = check_rows(conn, TABLE)
    assert len(findings) == 1
    assert findings[0].where in ("database table things, row name=a", "database table things, row name=b")
    assert findings[0].problem == "its content does not fit its digest"


rows = st.fixed_dictionaries(
    {
        "name": st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1),
        "count": st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
        "note": st.one_of(st.none(), st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"))),
        "good": st.one_of(st.none(), st.booleans()),
    }
)


@given(rows, rows)
def test_different_rows_have_different_digests(row, other) -> None:
    """Also None and "None", True and 1, 1 and "1"."""
    assert (row_digest("t", row) == row_digest("t", other)) == (row == other)
    assert row_digest("t", row) != row_digest("u", row)
    assert row_digest("t", row) == row_digest("t", dict(reversed(row.items())))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows, st.sampled_from(["count", "note", "good"]), rows)
def test_any_value_survives_and_any_change_is_found(sqlite_store: Store, row, column, other) -> None:
    """What comes back has the digest of what went in, and no other value does."""
    assume(row[column] != other[column])
    with sqlite_store.engine.connect() as conn:
        TABLE.create(conn)
        insert_records(conn, TABLE, [row])
        fits = check_rows(conn, TABLE)
        conn.execute(sa.update(TABLE).values({column: other[column]}))
        changed = check_rows(conn, TABLE)

    assert fits == []
    assert len(changed) == 1


@pytest.mark.parametrize("statement", ["UPDATE things SET count = 8", "DELETE FROM things"])
def test_the_database_itself_refuses_to_change_rows(things: Store, statement: str) -> None:
    """A trigger says no to any program."""
    things.write(lambda conn: insert_records(conn, TABLE, [ROW]))

    with pytest.raises(sa.exc.DBAPIError, match="things is append-only"):
        things.write(lambda conn: conn.exec_driver_sql(statement))

    with things.reading() as conn:
        assert check_rows(conn, TABLE) == []
        assert one(conn, sa.select(TABLE.c["count"])) == {"count": 7}


def test_a_taken_key_is_an_integrity_error(things: Store) -> None:
    """Rooms may rely on it, and it is not mistaken for a busy database."""
    things.write(lambda conn: insert_records(conn, TABLE, [ROW]))

    with pytest.raises(sa.exc.IntegrityError):
        things.write(lambda conn: insert_records(conn, TABLE, [ROW]))


def test_reading_writes_nothing(things: Store) -> None:
    """The database refuses, so nothing is lost silently."""
    with (
        pytest.raises((MachineError, sa.exc.DBAPIError), match=r"may not be written|read-only"),
        things.reading() as conn,
    ):
        insert_records(conn, TABLE, [ROW])

    things.write(lambda conn: insert_records(conn, TABLE, [ROW]))
    with things.reading() as conn:
        assert len(many(conn, sa.select(TABLE))) == 1


def test_readers_keep_no_writer_waiting_and_see_one_state(things: Store) -> None:
    """While somebody reads, somebody else writes; the reader's view stays as it was."""
    with things.reading() as reader, things.reading() as other_reader:
        before = len(many(reader, sa.select(TABLE)))
        things.write(lambda conn: insert_records(conn, TABLE, [ROW]))
        during = len(many(reader, sa.select(TABLE)))
        fresh = len(many(other_reader, sa.select(TABLE)))

    assert (before, during, fresh) == (0, 0, 1)


def test_a_busy_database_ends_in_a_conflict(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """After several attempts the error says what to do."""
    attempts: list[float] = []
    monkeypatch.setattr("endcredits.store.time", SimpleNamespace(sleep=attempts.append))  # other threads sleep on

    def work(conn: sa.Connection) -> None:
        raise sa.exc.OperationalError("INSERT", {}, Exception("database is locked"))

    with pytest.raises(ConflictError, match="stayed busy") as caught:
        sqlite_store.write(work)

    assert len(attempts) == ATTEMPTS_MAX - 1
    assert caught.value.remedy == "Run the same command again."


def test_a_busy_database_while_reading_is_a_conflict_too(sqlite_store: Store) -> None:
    """No private exception gets out."""
    with pytest.raises(ConflictError, match="stayed busy"), sqlite_store.reading():
        raise sa.exc.OperationalError("SELECT", {}, Exception("database is locked"))


def test_opening_again_needs_no_migration(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An up-to-date database costs one query; Alembic is not asked."""
    from alembic import command

    monkeypatch.setattr(command, "upgrade", lambda *given: pytest.fail("asked to migrate"))

    open_store(store_url).close()


def declared() -> list[str]:
    """Imports every module in which a room declares tables, and names them."""
    files = sorted(PACKAGE.rglob("*tables.py"))
    names = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in files]
    for name in names:
        importlib.import_module(name)
    return names


def test_the_migrated_schema_is_the_declared_one(store: Store) -> None:
    """What the rooms declare and what their migrations make are the same, table for table."""
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    modules = declared()

    with store.reading() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        differences = compare_metadata(context, metadata)

    assert "endcredits.ledger.tables" in modules
    assert differences == []


def test_every_table_refuses_changes(store: Store) -> None:
    """No room forgot the guard."""
    declared()
    sqlite = "SELECT tbl_name, sql FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%is append-only%'"
    postgres = (
        "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE t.tgname = c.relname || '_append_only'"
    )

    with store.reading() as conn:
        guarded = [row[0] for row in conn.execute(sa.text(sqlite if conn.dialect.name == "sqlite" else postgres))]

    expected = 2 if store.engine.dialect.name == "sqlite" else 1
    assert {name: guarded.count(name) for name in metadata.tables} == dict.fromkeys(metadata.tables, expected)


def test_a_database_of_a_newer_version_is_refused(store_url: str) -> None:
    """And nothing is done to it."""
    store = open_store(store_url)
    store.write(lambda conn: conn.execute(sa.text("INSERT INTO alembic_version VALUES ('ledger_9999')")))

    with pytest.raises(ConflictError, match=r"written by a newer version of endcredits \(schema ledger_9999\)") as caught:
        open_store(store_url)

    assert "Update endcredits" in caught.value.remedy
    with store.reading() as conn:
        assert "ledger_9999" in conn.scalars(sa.text("SELECT version_num FROM alembic_version")).all()
    store.close()


def test_every_migration_file_is_known_with_its_parent() -> None:
    """Reading the files finds what Alembic finds."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(PACKAGE / "migrations"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(str(folder) for folder in migration_folders()))
    scripts = {script.revision: script.down_revision for script in ScriptDirectory.from_config(config).walk_revisions()}

    assert known_revisions() == scripts


def test_several_processes_opening_a_new_database_at_once_all_succeed(tmp_path: Path, postgres_url: str) -> None:
    """Each finds a migrated database, whoever migrated it."""
    empty = sa.make_url(postgres_url)
    engine = sa.create_engine(empty, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.exec_driver_sql("DROP SCHEMA public CASCADE")
        conn.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    program = (
        "import sys, time\n"
        "from endcredits.store import open_store\n"
        "from alembic import command, config\n"
        "time.sleep(max(0, float(sys.argv[2]) - time.time()))\n"
        "open_store(sys.argv[1]).close()\n"
    )
    for url in (f"sqlite:///{tmp_path}/new.db", empty.render_as_string(hide_password=False)):
        begin = str(time.time() + 2.5)
        several = [
            subprocess.Popen([sys.executable, "-c", program, url, begin], stderr=subprocess.PIPE, text=True)
            for _ in range(4)
        ]
        for process in several:
            errors = process.communicate(timeout=120)[1]
            assert process.returncode == 0, errors
        open_store(url).close()


@pytest.mark.parametrize("url", ["mysql://host/name", "studio.db", "", "nonsense://x"])
def test_a_url_that_is_none_is_bad_input(url: str) -> None:
    """The error shows how to write one."""
    with pytest.raises(InputError) as caught:
        open_store(url)

    assert "sqlite" in caught.value.remedy.lower()


def test_a_file_that_is_no_database_is_a_machine_error(tmp_path: Path) -> None:
    """A text file is not opened, and not harmed."""
    path = tmp_path / "letter.db"
    path.write_text("Dear Ada, " * 1000)

    with pytest.raises(MachineError, match="damaged"):
        open_store(f"sqlite:///{path}")

    assert path.read_text() == "Dear Ada, " * 1000


def test_a_database_in_a_missing_folder_is_a_machine_error(tmp_path: Path) -> None:
    """The error names the place."""
    with pytest.raises(MachineError, match="cannot be used") as caught:
        open_store(f"sqlite:///{tmp_path}/missing/studio.db")

    assert "missing/studio.db" in str(caught.value)


def test_an_unreachable_server_is_a_machine_error_that_keeps_the_password(tmp_path: Path) -> None:
    """The error names the server and not the secret."""
    with pytest.raises(MachineError, match="Check the URL and that the server runs") as caught:
        open_store(f"postgresql://ada:lovelace1815@/studio?host={tmp_path}")

    assert "lovelace1815" not in str(caught.value)
    assert caught.value.file is not None and "ada:***@" in caught.value.file


def test_a_full_disk_of_postgresql_is_a_machine_error(sqlite_store: Store) -> None:
    """SQLSTATE 53100, as PostgreSQL reports it."""

    class DiskFull(Exception):
        sqlstate = "53100"

    def work(conn: sa.Connection) -> None:
        raise sa.exc.OperationalError("INSERT", {}, DiskFull("could not extend file"))

    with pytest.raises(MachineError, match="the disk is full"):
        sqlite_store.write(work)


def test_a_database_that_may_not_be_written_is_a_machine_error(sqlite_url: str) -> None:
    """Reading works, writing says why not."""
    path = sqlite_url.removeprefix("sqlite:///")
    store = open_store(f"sqlite:///file:{path}?mode=ro&uri=true")

    with pytest.raises(MachineError, match="may not be written"):
        store.write(make_things)

    with store.reading() as conn:
        assert not sa.inspect(conn).has_table("things")
    store.close()


def test_the_guard_is_known_for_our_two_databases_only() -> None:
    """Another database would be left without one."""
    with pytest.raises(InputError, match="'oracle' is not a database we know"):
        append_only_sql("things", "oracle")


def test_importing_the_package_is_light() -> None:
    """Neither torch nor Alembic is loaded to look at the books."""
    program = "import sys, endcredits.ledger; print([m for m in ('torch', 'alembic', 'pyarrow') if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
