"""Usage is recorded once, a closed period stays closed, and refusing leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import sqlalchemy as sa

from endcredits.errors import ConflictError, InputError
from endcredits.royalties import Added, add_usage, closed_days, closes, find_close, must_follow, save_close, usage
from endcredits.royalties.book import CHUNK
from endcredits.royalties.tables import period_closes, usage_events
from endcredits.store import Store

from .makers import event, november


def test_events_come_back_as_they_were(store: Store) -> None:
    """All fields, by event id, whatever the order in which they came."""
    events = [event("b", "o2", 2**53 - 1, service="Büro, 東京", territory="DE"), event("a", "o1", 0, currency="JPY")]

    added = store.write(lambda conn: add_usage(conn, events))

    with store.reading() as conn:
        assert usage(conn, "2026-11-01", "2026-11-30") == (events[1], events[0])
    assert added == Added(new=2, already_there=0)


def test_usage_is_chosen_by_day(store: Store) -> None:
    """Both days inclusive, to the second."""
    times = ["2026-10-31T23:59:59Z", "2026-11-01T00:00:00Z", "2026-11-30T23:59:59Z", "2026-12-01T00:00:00Z"]
    store.write(lambda conn: add_usage(conn, [event(f"e{number}", "o", 1, at=at) for number, at in enumerate(times)]))

    with store.reading() as conn:
        found = usage(conn, "2026-11-01", "2026-11-30")

        assert [one.event_id for one in found] == ["e1", "e2"]
        with pytest.raises(InputError):
            usage(conn, "November", "2026-11-30")


def test_an_event_is_recorded_once(store: Store) -> None:
    """The same again, and the same twice in one batch, change nothing."""
    first, second = event("e1", "o", 1), event("e2", "o", 2)
    store.write(lambda conn: add_usage(conn, [first]))

    again = store.write(lambda conn: add_usage(conn, [first, second, second]))

    assert again == Added(new=1, already_there=2)
    with store.reading() as conn:
        assert usage(conn, "2026-11-01", "2026-11-30") == (first, second)


def test_contradiction_is_refused_whole(store: Store) -> None:
    """One id with other content refuses the batch, against the book and inside the batch."""
    store.write(lambda conn: add_usage(conn, [event("e1", "o", 1)]))

    for batch in ([event("e0", "o", 5), event("e1", "o", 2)], [event("e3", "o", 1), event("e3", "o", 2)]):
        with pytest.raises(ConflictError, match="different content") as caught:
            store.write(partial(add_usage, events=batch))
        assert "the same use, repeat it as it was, with its recorded time 2026-11-03T12:00:00Z" in caught.value.remedy

    with store.reading() as conn:
        assert [one.event_id for one in usage(conn, "2026-11-01", "2026-11-30")] == ["e1"]


def test_more_events_than_fit_in_one_question(sqlite_store: Store) -> None:
    """Batches larger than one lookup are recognised throughout."""
    events = [event(f"e{number}", "o", number) for number in range(2 * CHUNK + 1)]
    sqlite_store.write(lambda conn: add_usage(conn, events))

    assert sqlite_store.write(lambda conn: add_usage(conn, events)) == Added(0, len(events))


def test_sharded_reports_make_the_same_close(sqlite_store: Store) -> None:
    """One report or many, in any order: the recorded events close to the same bytes (P4)."""
    one = november()
    for each in reversed(one.events):
        sqlite_store.write(partial(add_usage, events=[each]))

    with sqlite_store.reading() as conn:
        recorded = usage(conn, "2026-11-01", "2026-11-30")

    assert one.close(events=recorded) == one.close()


def test_a_closed_period_takes_no_new_usage(store: Store) -> None:
    """Known events may be reported again; a new one is refused with the period's name and what to do."""
    one = november()
    store.write(lambda conn: add_usage(conn, one.events))
    store.write(lambda conn: save_close(conn, one.close(), "entry:1"))

    again = store.write(lambda conn: add_usage(conn, one.events))
    with pytest.raises(ConflictError, match="closed period '2026-11'") as caught:
        store.write(lambda conn: add_usage(conn, [event("ok", "o1", 1, at="2026-12-01T00:00:00Z"), event("late", "o1", 1)]))

    assert again.new == 0
    assert "adjustments in the next period" in caught.value.remedy
    with store.reading() as conn:
        assert usage(conn, "2026-12-01", "2026-12-31") == ()


def test_what_lies_before_a_closed_period_is_closed_too(store: Store) -> None:
    """No usage is taken for days that can never be closed any more."""
    store.write(lambda conn: save_close(conn, november().close(), "entry:1"))

    with pytest.raises(ConflictError, match="before the end of the closed period '2026-11'") as caught:
        store.write(lambda conn: add_usage(conn, [event("late", "o1", 1, at="2026-10-31T23:59:59Z")]))

    assert "after 2026-11-30" in caught.value.remedy
    with store.reading() as conn:
        assert closed_days(conn) == (("2026-11", "2026-11-01", "2026-11-30"),)


def test_periods_follow_one_another(store: Store) -> None:
    """Not before a closed one, and not past usage that nobody would ever be paid for."""
    store.write(lambda conn: add_usage(conn, [event("e", "o", 1, at="2026-12-05T00:00:00Z")]))

    with store.reading() as conn:
        must_follow(conn, "2026-12-05", "2026-12-05")
        with pytest.raises(ConflictError, match="usage of 2026-12-05T00:00:00Z, before 2026-12-06") as caught:
            must_follow(conn, "2026-12-06", "2026-12-31")
    store.write(lambda conn: save_close(conn, november().close(), None))

    with store.reading() as conn:
        must_follow(conn, "2026-12-01", "2026-12-31")
        must_follow(conn, "2026-11-30", "2026-12-04")
        with pytest.raises(ConflictError, match="lies before the closed period '2026-11'"):
            must_follow(conn, "2026-10-01", "2026-10-31")
        with pytest.raises(ConflictError, match="no closed period holds"):
            must_follow(conn, "2026-12-06", "2026-12-31")
    assert "from 2026-12-05 on first" in caught.value.remedy


def test_a_close_comes_back_as_it_was(store: Store) -> None:
    """With its digest and its journal entry; an unknown period is None."""
    close = november().close()

    store.write(lambda conn: save_close(conn, close, "entry:1"))

    with store.reading() as conn:
        found = find_close(conn, "2026-11")
        assert found is not None
        assert (found.close, found.entry_id, len(found.close_digest)) == (close, "entry:1", 64)
        assert closes(conn) == (found,)
        assert find_close(conn, "2026-12") is None


def test_a_close_is_saved_once(store: Store) -> None:
    """The same again is silent; another result, or another entry, is refused."""
    close = november().close()
    store.write(lambda conn: save_close(conn, close, "entry:1"))

    store.write(lambda conn: save_close(conn, close, "entry:1"))
    for other, entry_id in ((replace(close, ends_on="2026-11-29"), "entry:1"), (close, "entry:2")):
        with pytest.raises(ConflictError, match="another result"):
            store.write(partial(save_close, close=other, entry_id=entry_id))

    with store.reading() as conn:
        assert len(closes(conn)) == 1


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "free"),
    [
        ("2026-11-30", "2026-12-31", False),
        ("2026-10-01", "2026-11-01", False),
        ("2026-10-01", "2026-12-31", False),
        ("2026-11-10", "2026-11-10", False),
        ("2026-12-01", "2026-12-31", True),
        ("2026-10-01", "2026-10-31", True),
    ],
)
def test_periods_never_share_a_day(sqlite_store: Store, starts_on: str, ends_on: str, free: bool) -> None:
    """Overlapping by a single day is refused; touching is fine, before and after."""
    close = november().close()
    other = replace(close, period_id="other", starts_on=starts_on, ends_on=ends_on)
    sqlite_store.write(lambda conn: save_close(conn, close, None))

    if free:
        sqlite_store.write(lambda conn: save_close(conn, other, None))
    else:
        with pytest.raises(ConflictError, match="shares days with the closed period '2026-11'"):
            sqlite_store.write(lambda conn: save_close(conn, other, None))

    with sqlite_store.reading() as conn:
        assert len(closes(conn)) == (2 if free else 1)


@pytest.mark.parametrize("table", [usage_events, period_closes])
def test_the_database_refuses_changes(store: Store, table: sa.Table) -> None:
    """Neither update nor delete, on either database."""
    one = november()
    store.write(lambda conn: add_usage(conn, one.events))
    store.write(lambda conn: save_close(conn, one.close(), None))

    for statement in (sa.update(table).values(digest="0" * 64), sa.delete(table)):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), store.engine.begin() as conn:
            conn.execute(statement)


@pytest.mark.parametrize("table", [usage_events, period_closes])
def test_the_migration_makes_the_declared_tables(store: Store, table: sa.Table) -> None:
    """Same columns, same nullability, same key as the declaration."""
    with store.reading() as conn:
        found = sa.inspect(conn)
        columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
        key = found.get_pk_constraint(table.name)
        indexes = {index["name"] for index in found.get_indexes(table.name)}

    assert columns == {column.name: column.nullable for column in table.columns}
    assert (key["constrained_columns"], key["name"]) == (
        [column.name for column in table.primary_key],
        f"pk_{table.name}",
    )
    assert indexes == {index.name for index in table.indexes}
