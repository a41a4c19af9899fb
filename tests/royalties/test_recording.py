"""What is reported is recorded once, numbered without gaps; what cannot be taken is held, mended and taken once."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.errors import ConflictError, InputError, MachineError, NotFoundError
from endcredits.royalties import recording, tables
from endcredits.royalties.book import usage
from endcredits.royalties.forms import handed_in
from endcredits.royalties.held import (
    CONFLICT,
    FUTURE,
    UNKNOWN_OUTPUT,
    UNKNOWN_WORK,
    UNREADABLE,
    drop_held,
    export_held,
    held,
)
from endcredits.royalties.recording import Added, check_numbers, cut_off, record_events, record_revenue, take_held
from endcredits.royalties.usage import usage_rows
from endcredits.store import Store, check_rows

from .reporting import NOW, add_events, event, everything, only, refund, revenue

LATER = "2026-12-05T08:00:00Z"
ROW = {"event_id": "e1", "output_id": "o1", "used_at": "2026-11-03T12:00:00Z", "revenue": "1", "currency": "EUR"}


def write(folder: Path, *rows: object) -> Path:
    """A JSON Lines file of usage."""
    file = folder / "usage.jsonl"
    file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n")
    return file


def add_file(conn: Connection, file: Path, *, hold: bool = False) -> Added:
    """Records a file of events of known outputs."""
    return record_events(
        conn, usage_rows(file, now=NOW), at=NOW, outputs_known=everything, works_known=everything, hold=hold
    )


def retry(store: Store, known: Callable[..., Any] = everything, at: str = NOW) -> Added:
    """Tries held events again."""
    return store.write(partial(take_held, at=at, outputs_known=known, works_known=known))["events"]


def test_the_same_again_changes_nothing(store: Store) -> None:
    """In one hand-in and over several; all fields come back as they were."""
    one = event("a", uses=3, tax_micros=5, declared=["w2", "w1"], offer="x", payer="p", use="trailer", territory="DE")

    assert store.write(lambda conn: add_events(conn, one, event("b"), one)) == Added(2, 1)
    assert store.write(lambda conn: add_events(conn, event("b"), one, event("c"))) == Added(1, 2)

    with store.reading() as conn:
        assert usage(conn, "2026-11-01", "2026-11-30") == (one, event("b"), event("c"))
        assert cut_off(conn) == 3
        assert check_rows(conn, tables.usage_events) == []


def test_an_id_has_one_content(store: Store) -> None:
    """Recorded, or twice in one hand-in: refused with the id, and nothing of the hand-in is taken."""
    store.write(lambda conn: add_events(conn, event("a")))

    for events in ([event("b"), event("a", micros=1)], [event("b"), event("b", micros=1)]):
        with pytest.raises(ConflictError, match="different content") as caught:
            store.write(partial(_add, events=events))
        assert caught.value.field == "event_id"
        assert caught.value.remedy
    with store.reading() as conn:
        assert usage(conn, "2026-11-01", "2026-11-30") == (event("a"),)


def _add(conn: Connection, events: list[Any]) -> Added:
    return add_events(conn, *events)


def test_events_revenue_and_refunds_share_their_ids(store: Store) -> None:
    """So that a refund names one thing."""
    store.write(lambda conn: add_events(conn, event("a")))

    with pytest.raises(ConflictError, match="taken by one of the events"):
        store.write(lambda conn: record_revenue(conn, handed_in([revenue("a")]), at=NOW))
    with pytest.raises(ConflictError, match="taken by one of the events"):
        store.write(lambda conn: recording.record_refunds(conn, handed_in([refund("a", "a", 1)]), at=NOW))


def test_numbers_run_over_all_reports_without_gaps(store: Store) -> None:
    """A hand-in that fails takes none, and a row that vanished or was slipped in is found."""
    store.write(lambda conn: add_events(conn, event("a"), event("b")))
    with pytest.raises(ConflictError):
        store.write(lambda conn: add_events(conn, event("c"), event("a", micros=1)))
    store.write(lambda conn: record_revenue(conn, handed_in([revenue("r")]), at=NOW))
    store.write(lambda conn: recording.record_refunds(conn, handed_in([refund("x", "r", 1)]), at=NOW))

    with store.reading() as conn:
        assert cut_off(conn) == 4
        assert check_numbers(conn) == []
        assert conn.scalar(sa.select(tables.refunds.c.number)) == 4
    row = {"refund_id": "y", "of_id": "r", "refunded_at": NOW, "refund_micros": 1, "currency": "EUR", "recorded_at": NOW}
    with store.engine.begin() as conn:
        conn.execute(sa.insert(tables.refunds), [{**row, "number": 6, "digest": "0" * 64}])
    with store.reading() as conn:
        assert "not numbered 1 to 5" in check_numbers(conn)[0].problem


def test_a_bad_row_takes_the_whole_file_with_it(store: Store, tmp_path: Path) -> None:
    """By default; the error names the row."""
    file = write(tmp_path, ROW, ROW | {"event_id": "e2", "currency": "XXX"})

    with pytest.raises(InputError) as caught:
        store.write(lambda conn: add_file(conn, file))

    assert (caught.value.file, caught.value.row, caught.value.field) == (str(file), 2, "currency")
    with store.reading() as conn:
        assert usage(conn, "2026-11-01", "2026-11-30") == ()
        assert held(conn) == ()


def test_held_rows_are_mended_and_taken_once(store: Store, tmp_path: Path) -> None:
    """Good rows are taken; bad ones go out to a file with their problems and come back mended, under any id."""
    rows = [ROW, ROW | {"event_id": "e2", "currency": "=XXX\x1b"}, ROW | {"event_id": "bad id"}, "{", ROW | {"revenue": "2"}]
    file = write(tmp_path, *rows)

    for expected in (Added(1, 0, 4), Added(0, 1, 4)):
        assert store.write(lambda conn: add_file(conn, file, hold=True)) == expected

    with store.reading() as conn:
        waiting = held(conn, "events")
    assert [(row.row, row.reason, row.record_id) for row in waiting] == [
        (2, UNREADABLE, "e2"),
        (3, UNREADABLE, ""),
        (4, UNREADABLE, ""),
        (5, CONFLICT, "e1"),
    ]
    assert all(row.problem.isprintable() and row.remedy for row in waiting)
    out = tmp_path / "held.jsonl"
    assert export_held(waiting, out) == 4
    mended = [json.loads(line) for line in out.read_text().splitlines()]
    mended[0]["currency"] = "EUR"
    mended[1]["event_id"] = "e3"
    mended[2] = ROW | {"event_id": "e4", "held_id": mended[2]["held_id"]}
    mended[3]["event_id"] = "e5"
    again = write(tmp_path, *mended)

    for expected in (Added(4, 0), Added(0, 4)):
        assert store.write(lambda conn: add_file(conn, again)) == expected

    with store.reading() as conn:
        assert [one.event_id for one in usage(conn, "2026-11-01", "2026-11-30")] == ["e1", "e2", "e3", "e4", "e5"]
        assert held(conn) == ()
        assert check_rows(conn, tables.held_rows) == check_rows(conn, tables.held_ends) == []


def test_events_wait_for_their_output_and_their_works(store: Store) -> None:
    """Held without being asked, never lost; taken once when the attribution is there, and not before."""
    events = [event("a", declared=["w1"]), event("b", output="o2")]
    add = partial(record_events, at=NOW, outputs_known=only("o1"), works_known=only())

    for _ in range(2):
        assert store.write(lambda conn: add(conn, handed_in(events))) == Added(0, 0, 2)
    with store.reading() as conn:
        assert {row.record_id: row.reason for row in held(conn)} == {"a": UNKNOWN_WORK, "b": UNKNOWN_OUTPUT}
    assert retry(store, only("o1")) == Added(0, 0, 2)
    assert retry(store, only("o1", "w1")) == Added(1, 0, 1)
    assert retry(store) == Added(1, 0, 0)
    assert retry(store) == Added(0, 0, 0)
    with store.reading() as conn:
        assert usage(conn, "2026-11-01", "2026-11-30") == tuple(events)
        assert held(conn) == ()


def test_two_contents_of_one_waiting_id_are_not_lost(store: Store) -> None:
    """The first is taken when its output is there; the other becomes a conflict that somebody has to end."""
    add = partial(record_events, at=NOW, outputs_known=only(), works_known=only())
    store.write(lambda conn: add(conn, handed_in([event("a", micros=1)])))
    store.write(lambda conn: add(conn, handed_in([event("a", micros=2)])))

    assert retry(store) == Added(1, 0, 1)

    with store.reading() as conn:
        (left,) = held(conn)
        assert (left.reason, left.record_id) == (CONFLICT, "a")
    store.write(lambda conn: drop_held(conn, left.held_id, "the first was right", NOW))
    store.write(lambda conn: drop_held(conn, left.held_id, "the first was right", NOW))
    with store.reading() as conn:
        assert held(conn) == ()
    with pytest.raises(ConflictError, match="ended already"):
        store.write(lambda conn: drop_held(conn, left.held_id, "another reason", NOW))
    with pytest.raises(NotFoundError):
        store.write(lambda conn: drop_held(conn, "0" * 64, "why", NOW))
    with pytest.raises(InputError, match="no reason"):
        store.write(lambda conn: drop_held(conn, left.held_id, " ", NOW))


def test_the_future_is_refused_or_waited_for(store: Store) -> None:
    """A day ahead is taken; more is an error, or held until its day comes."""
    far = event("far", on="2026-12-04")
    assert store.write(lambda conn: add_events(conn, event("near", on="2026-12-02"))) == Added(1, 0)

    with pytest.raises(InputError, match="in the future") as caught:
        store.write(lambda conn: add_events(conn, far))
    assert caught.value.field == "used_at"
    assert store.write(lambda conn: add_events(conn, far, hold=True)) == Added(0, 0, 1)
    with store.reading() as conn:
        assert held(conn)[0].reason == FUTURE

    assert retry(store) == Added(0, 0, 1)
    assert retry(store, at=LATER) == Added(1, 0, 0)


def test_a_wrong_file_is_not_held_row_by_row(sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More bad rows than a person mends: nothing is taken and nothing is held."""
    monkeypatch.setattr(recording, "HELD_MAX", 3)
    file = write(tmp_path, ROW, *({**ROW, "event_id": f"b{number}", "revenue": "x"} for number in range(4)))

    with pytest.raises(InputError, match="more than 3 rows cannot be taken") as caught:
        sqlite_store.write(lambda conn: add_file(conn, file, hold=True))

    assert caught.value.row == 5
    with sqlite_store.reading() as conn:
        assert cut_off(conn) == 0
        assert held(conn) == ()


def test_chunks_change_nothing(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Doubles and refunds over the edge of a chunk are seen like those within one."""
    monkeypatch.setattr(recording, "CHUNK", 2)
    names = ["a", "b", "c", "a", "d", "b"]

    assert sqlite_store.write(lambda conn: add_events(conn, *map(event, names))) == Added(4, 2)
    refunds = [refund(f"r{number}", "a", 250_001) for number in range(4)]
    with pytest.raises(InputError, match=r"more than the 1\.00 EUR that"):
        sqlite_store.write(lambda conn: recording.record_refunds(conn, handed_in(refunds), at=NOW))
    assert sqlite_store.write(lambda conn: recording.record_refunds(conn, handed_in(refunds[:3]), at=NOW)) == Added(3, 0)


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
def test_a_file_that_may_have_been_taken_is_handed_in_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    """Good rows and held ones stand there once, and numbers have no gap."""
    file = write(tmp_path, ROW, ROW | {"event_id": "e2", "revenue": "x"}, ROW | {"event_id": "e3"})
    with monkeypatch.context() as patch:
        fail_once(store, patch, kept=kept)
        with pytest.raises(MachineError, match="the connection was lost"):
            store.write(lambda conn: add_file(conn, file, hold=True))
    with store.reading() as conn:
        assert cut_off(conn) == (2 if kept else 0)

    assert store.write(lambda conn: add_file(conn, file, hold=True)) == (Added(0, 2, 1) if kept else Added(2, 0, 1))

    with store.reading() as conn:
        assert (cut_off(conn), len(held(conn))) == (2, 1)
        assert check_numbers(conn) == []
