"""When the machine fails in the middle of posting: all of it is in the books, or nothing, and never twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from endcredits.errors import ConflictError, MachineError
from endcredits.ledger import check_books, entries, post
from endcredits.store import Store, open_store

from .helpers import post_all, sale

PRELUDE = """
import os, signal, sys, time
import sqlalchemy as sa
from endcredits.errors import EndcreditsError
from endcredits.ledger import append, post, tables
from endcredits.store import open_store
from tests.ledger.helpers import post_all, sale

store = open_store(sys.argv[1])
"""
ROOT = Path(__file__).parents[2]


def start(body: str, *arguments: str) -> subprocess.Popen[str]:
    """Runs a program with an open store in a process of its own."""
    program = PRELUDE + textwrap.dedent(body)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, "the other process did not get there"
        time.sleep(0.01)


def test_a_process_that_dies_between_entry_and_postings_leaves_nothing(store: Store, store_url: str) -> None:
    """The entry's row is written, its postings are not, and the process ends without a word."""
    process = start(
        """
        real = append.write_rows

        def die_at_postings(conn, table, columns, rows):
            if table == "postings":
                assert conn.execute(sa.select(sa.func.count()).select_from(tables.journal_entries)).scalar() == 1
                os._exit(9)
            real(conn, table, columns, rows)

        append.write_rows = die_at_postings
        post_all(store, sale("a"))
        """,
        store_url,
    )
    errors = process.communicate(timeout=60)[1]

    assert process.returncode == 9, errors
    with store.reading() as conn:
        assert entries(conn) == []
    post_all(store, sale("a"))
    with store.reading() as conn:
        assert entries(conn) == [sale("a")]
        assert check_books(conn) == []


def test_a_process_killed_before_commit_leaves_nothing(store: Store, store_url: str, tmp_path: Path) -> None:
    """Everything is written but the commit, when somebody pulls the plug."""
    ready = tmp_path / "ready"
    process = start(
        """
        def work(conn):
            post(conn, sale("a"))
            open(sys.argv[2], "w").close()
            time.sleep(60)

        store.write(work)
        """,
        store_url,
        str(ready),
    )
    wait_for(ready, process)
    process.kill()
    process.communicate(timeout=60)

    assert process.returncode == -signal.SIGKILL
    post_all(store, sale("b"))
    with store.reading() as conn:
        assert entries(conn) == [sale("b")]
        assert check_books(conn) == []


def fail_once(store: Store, monkeypatch: pytest.MonkeyPatch, *, kept: bool) -> None:
    """Lets the next commit fail: lost, or done and reported as lost."""
    dialect = store.engine.dialect
    real: Callable[[object], None] = dialect.do_commit
    failures = iter([True])

    def commit(connection: object) -> None:
        failing = next(failures, False)
        if kept or not failing:
            real(connection)
        if failing:
            raise dialect.loaded_dbapi.OperationalError("the connection was lost")

    monkeypatch.setattr(dialect, "do_commit", commit)


@pytest.mark.parametrize("kept", [False, True], ids=["lost", "kept-but-reported-lost"])
def test_posting_again_after_a_failed_commit_counts_once(store: Store, monkeypatch: pytest.MonkeyPatch, kept: bool) -> None:
    """Whoever cannot know whether it was written posts again, and it stands there once."""
    fail_once(store, monkeypatch, kept=kept)

    with pytest.raises(MachineError, match="the connection was lost"):
        post_all(store, sale("a"), sale("b"))
    with store.reading() as conn:
        assert entries(conn) == ([sale("a"), sale("b")] if kept else [])

    post_all(store, sale("a"), sale("b"))
    with store.reading() as conn:
        assert entries(conn) == [sale("a"), sale("b")]
        assert check_books(conn) == []


def test_failing_twice_in_both_ways_still_counts_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """First lost, then kept but reported lost, then at last well."""
    with monkeypatch.context() as patch:
        fail_once(store, patch, kept=False)
        with pytest.raises(MachineError):
            post_all(store, sale("a"))
    with monkeypatch.context() as patch:
        fail_once(store, patch, kept=True)
        with pytest.raises(MachineError):
            post_all(store, sale("a"))

    post_all(store, sale("a"))

    with store.reading() as conn:
        assert entries(conn) == [sale("a")]


def test_an_error_in_the_middle_takes_back_what_was_before_it(store: Store) -> None:
    """One transaction: the first entry goes with the second."""

    def work(conn: sa.Connection) -> None:
        post(conn, sale("a"))
        raise RuntimeError("a bug further on")

    with pytest.raises(RuntimeError, match="a bug further on"):
        store.write(work)

    with store.reading() as conn:
        assert entries(conn) == []


def test_two_processes_posting_the_same_keys_at_once_post_them_once(store: Store, store_url: str, tmp_path: Path) -> None:
    """Both succeed, and every entry stands there once, numbered without gaps."""
    go = tmp_path / "go"
    body = """
    open(sys.argv[2], "w").close()
    while not os.path.exists(sys.argv[3]):
        time.sleep(0.001)
    for number in range(15):
        post_all(store, sale(f"k{number}"))
    """
    both = [start(body, store_url, str(tmp_path / name), str(go)) for name in ("one", "two")]
    for name, process in zip(("one", "two"), both, strict=True):
        wait_for(tmp_path / name, process)
    go.touch()

    for process in both:
        errors = process.communicate(timeout=120)[1]
        assert process.returncode == 0, errors
    with store.reading() as conn:
        assert [entry.idempotency_key for entry in entries(conn)] == [f"k{number}" for number in range(15)]
        assert check_books(conn) == []


def test_two_processes_posting_different_content_under_one_key_leave_one_of_them(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    """One is recorded; the other is told that it came too late."""
    go = tmp_path / "go"
    body = """
    open(sys.argv[2], "w").close()
    while not os.path.exists(sys.argv[3]):
        time.sleep(0.001)
    try:
        post_all(store, sale("same", int(sys.argv[4])))
    except EndcreditsError as error:
        sys.exit(error.exit_code)
    """
    both = [start(body, store_url, str(tmp_path / name), str(go), amount) for name, amount in (("a", "5"), ("b", "6"))]
    for name, process in zip(("a", "b"), both, strict=True):
        wait_for(tmp_path / name, process)
    go.touch()
    for process in both:
        process.communicate(timeout=120)

    assert sorted(process.returncode for process in both) == [0, ConflictError.exit_code]
    with store.reading() as conn:
        assert entries(conn) in ([sale("same", 5)], [sale("same", 6)])


def test_a_serialisation_conflict_is_retried(postgres_url: str) -> None:
    """PostgreSQL refuses the one who was overtaken; running again sees what the other did."""
    store, other = open_store(postgres_url), open_store(postgres_url)
    seen: list[int] = []

    def work(conn: sa.Connection) -> None:
        seen.append(len(entries(conn)))
        if len(seen) == 1:
            post_all(other, sale("overtaking"))
        post(conn, sale("overtaken"))

    store.write(work)

    assert seen == [0, 1]
    with store.reading() as conn:
        assert entries(conn) == [sale("overtaking"), sale("overtaken")]
    store.close()
    other.close()


def test_being_overtaken_every_time_ends_in_a_conflict(postgres_url: str) -> None:
    """Retrying has an end, and it is an error that says what to do."""
    store, other = open_store(postgres_url), open_store(postgres_url)
    seen: list[int] = []

    def work(conn: sa.Connection) -> None:
        seen.append(len(entries(conn)))
        post_all(other, sale(f"overtaking-{len(seen)}"))
        post(conn, sale("overtaken"))

    with pytest.raises(ConflictError, match="stayed busy"):
        store.write(work)

    with store.reading() as conn:
        assert [entry.idempotency_key for entry in entries(conn)] == [f"overtaking-{n}" for n in range(1, len(seen) + 1)]
    store.close()
    other.close()


def test_a_full_disk_is_a_machine_error_and_leaves_nothing_half_written(sqlite_store: Store) -> None:
    """SQLite gets no page more; what was posted before stands, what was being posted does not."""
    post_all(sqlite_store, sale("before"))

    def work(conn: sa.Connection) -> None:
        pages = conn.exec_driver_sql("PRAGMA page_count").scalar()
        conn.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        try:
            for number in range(1000):
                post(conn, sale(f"k{number}"))
        finally:
            conn.exec_driver_sql("PRAGMA max_page_count=1073741823")

    with pytest.raises(MachineError, match="the disk is full") as caught:
        sqlite_store.write(work)

    assert "Free some space" in caught.value.remedy
    with sqlite_store.reading() as conn:
        assert entries(conn) == [sale("before")]
        assert check_books(conn) == []
    post_all(sqlite_store, sale("after"))
    with sqlite_store.reading() as conn:
        assert entries(conn) == [sale("before"), sale("after")]
