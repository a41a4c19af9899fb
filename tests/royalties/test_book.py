"""A closed period stays closed: saved once, in order, sharing no day; what arrives later is counted by the next close."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import sqlalchemy as sa

from endcredits.errors import ConflictError, InputError, MachineError
from endcredits.royalties.book import closed_days, closes, find_close, must_follow, save_close, usage
from endcredits.royalties.counting import adjusted_periods, counted_events, counts_anything, window
from endcredits.royalties.forms import handed_in
from endcredits.royalties.freeze import frozen_digest
from endcredits.royalties.recording import cut_off, record_refunds, record_revenue
from endcredits.royalties.tables import period_closes, usage_events
from endcredits.store import Store, check_rows

from .reporting import NOW, a_close, add_events, close_days, event, refund, revenue
from .test_recording import fail_once


def counted(store: Store, starts_on: str, ends_on: str) -> set[str]:
    """The events that a close of some days would count now."""
    with store.reading() as conn:
        seen = window(conn, starts_on, ends_on, cut_off(conn))
        return set(conn.scalars(sa.select(usage_events.c.event_id).where(counted_events(seen))))


def adjusted(store: Store, starts_on: str, ends_on: str) -> tuple[str, ...]:
    """The closed periods that a close of some days would divide again."""
    with store.reading() as conn:
        return adjusted_periods(conn, window(conn, starts_on, ends_on, cut_off(conn)))


def test_a_close_comes_back_as_it_was(store: Store) -> None:
    """With its digests, its cut-off and its journal entry; an unknown period is None."""
    close = a_close()
    store.write(lambda conn: add_events(conn, event("a"), event("b")))

    store.write(lambda conn: save_close(conn, close, "entry:1", cut_off=2))

    with store.reading() as conn:
        found = find_close(conn, "2026-11")
        assert found is not None
        assert (found.close, found.entry_id, found.cut_off, len(found.close_digest)) == (close, "entry:1", 2, 64)
        assert found.frozen_digest == frozen_digest(close.frozen)
        assert closes(conn) == (found,)
        assert closed_days(conn) == (("2026-11", "2026-11-01", "2026-11-30"),)
        assert find_close(conn, "2026-12") is None
        assert check_rows(conn, period_closes) == []


def test_a_close_is_saved_once(store: Store) -> None:
    """The same again is silent; another result, entry or cut-off is refused."""
    close = a_close()
    store.write(lambda conn: add_events(conn, event("a")))
    store.write(lambda conn: save_close(conn, close, "entry:1", cut_off=0))

    store.write(lambda conn: save_close(conn, close, "entry:1", cut_off=0))
    other = replace(close, frozen=(("events", "1" * 64),))
    for again, entry_id, number in ((other, "entry:1", 0), (close, "entry:2", 0), (close, "entry:1", 1)):
        with pytest.raises(ConflictError, match="another result"):
            store.write(partial(save_close, close=again, entry_id=entry_id, cut_off=number))

    with store.reading() as conn:
        assert len(closes(conn)) == 1


@pytest.mark.parametrize("kept", [False, True], ids=["lost", "kept-but-reported-lost"])
def test_a_close_that_may_have_been_saved_is_saved_again(store: Store, monkeypatch: pytest.MonkeyPatch, kept: bool) -> None:
    """And stands there once."""
    save = partial(save_close, close=a_close(), entry_id="entry:1", cut_off=0)
    with monkeypatch.context() as patch:
        fail_once(store, patch, kept=kept)
        with pytest.raises(MachineError):
            store.write(save)
    with store.reading() as conn:
        assert len(closes(conn)) == (1 if kept else 0)

    store.write(save)

    with store.reading() as conn:
        assert len(closes(conn)) == 1


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "problem"),
    [
        ("2026-11-30", "2026-12-31", "shares days"),
        ("2026-10-01", "2026-11-01", "shares days"),
        ("2026-10-01", "2026-12-31", "shares days"),
        ("2026-11-10", "2026-11-10", "shares days"),
        ("2026-10-01", "2026-10-31", "lies before"),
        ("2026-12-01", "2026-12-31", ""),
    ],
)
def test_periods_close_in_order_and_share_no_day(sqlite_store: Store, starts_on: str, ends_on: str, problem: str) -> None:
    """Overlapping by a single day is refused, and so is an earlier period; touching from behind is fine."""
    sqlite_store.write(lambda conn: save_close(conn, a_close(), None, cut_off=0))
    save = partial(save_close, close=a_close("other", starts_on, ends_on), entry_id=None, cut_off=0)

    if problem:
        with pytest.raises(ConflictError, match=f"{problem}.* the closed period '2026-11'"):
            sqlite_store.write(save)
    else:
        sqlite_store.write(save)

    with sqlite_store.reading() as conn:
        assert len(closes(conn)) == (1 if problem else 2)


def test_a_cut_off_never_goes_back_and_never_ahead(sqlite_store: Store) -> None:
    """Otherwise a report could be counted twice, or one that nobody looked at be taken as counted."""
    sqlite_store.write(lambda conn: add_events(conn, event("a"), event("b"), event("c")))
    sqlite_store.write(lambda conn: save_close(conn, a_close(), None, cut_off=2))
    december = a_close("2026-12", "2026-12-01", "2026-12-31")

    for number in (1, 4):
        with pytest.raises(ConflictError, match=f"the cut-off {number} .* lies outside 2"):
            sqlite_store.write(partial(save_close, close=december, entry_id=None, cut_off=number))
    sqlite_store.write(lambda conn: save_close(conn, december, None, cut_off=3))


def test_late_usage_is_taken_and_adjusts_its_period_in_the_next_close(store: Store) -> None:
    """Days of a closed period, and days before it that no period holds; and never twice."""
    store.write(lambda conn: add_events(conn, event("own"), event("next", on="2026-12-01")))
    assert counted(store, "2026-11-01", "2026-11-30") == {"own"}
    store.write(lambda conn: close_days(conn, "2026-11", "2026-11-01", "2026-11-30"))

    store.write(lambda conn: add_events(conn, event("late"), event("older", on="2026-09-09")))

    assert counted(store, "2026-11-01", "2026-11-30") == {"own", "late", "older"}, "had it been closed now"
    assert counted(store, "2026-12-01", "2026-12-31") == {"next"}
    assert adjusted(store, "2026-12-01", "2026-12-31") == ("2026-11",)
    with store.reading() as conn:
        must_follow(conn, "2026-12-01", "2026-12-31")
        seen = window(conn, "2026-12-01", "2026-12-31", cut_off(conn))
        assert [seen.usage_period(day) for day in ("2026-09-09", "2026-11-30", "2026-12-01")] == ["2026-11", "2026-11", ""]
    store.write(lambda conn: close_days(conn, "2026-12", "2026-12-01", "2026-12-31"))
    assert counted(store, "2027-01-01", "2027-01-31") == set()
    assert adjusted(store, "2027-01-01", "2027-01-31") == ()
    store.write(lambda conn: record_refunds(conn, handed_in([refund("r", "older", 1), refund("s", "next", 1)]), at=NOW))
    assert adjusted(store, "2027-01-01", "2027-01-31") == ("2026-11", "2026-12")


def test_a_close_is_refused_while_earlier_days_are_open(store: Store) -> None:
    """Usage and revenue between the last closed day and the period's first would be nobody's own."""
    store.write(lambda conn: close_days(conn, "2026-11", "2026-11-01", "2026-11-30"))
    store.write(lambda conn: add_events(conn, event("a", on="2026-12-01")))

    with store.reading() as conn:
        must_follow(conn, "2026-12-01", "2026-12-31")
        with pytest.raises(ConflictError, match="usage of 2026-12-01") as caught:
            must_follow(conn, "2026-12-02", "2026-12-31")
        assert "from 2026-12-01 on first" in caught.value.remedy
        with pytest.raises(ConflictError, match="lies before the closed period '2026-11'"):
            must_follow(conn, "2026-10-01", "2026-10-31")
    store.write(lambda conn: close_days(conn, "one-day", "2026-12-01", "2026-12-01"))
    store.write(lambda conn: record_revenue(conn, handed_in([revenue("r", on="2026-12-02")]), at=NOW))
    with store.reading() as conn, pytest.raises(ConflictError, match="revenue of 2026-12-02"):
        must_follow(conn, "2026-12-03", "2026-12-31")


def test_whether_a_close_would_count_anything(store: Store) -> None:
    """Usage, revenue, or a refund of what was counted before."""

    def anything(starts_on: str, ends_on: str) -> bool:
        with store.reading() as conn:
            return counts_anything(conn, starts_on, ends_on, cut_off(conn))

    assert not anything("2026-11-01", "2026-11-30")
    store.write(lambda conn: record_revenue(conn, handed_in([revenue("r")]), at=NOW))
    assert anything("2026-11-01", "2026-11-30")
    assert not anything("2026-10-01", "2026-10-31")
    store.write(lambda conn: close_days(conn, "2026-11", "2026-11-01", "2026-11-30"))
    assert not anything("2026-12-01", "2026-12-31")
    store.write(lambda conn: record_refunds(conn, handed_in([refund("x", "r", 1)]), at=NOW))
    assert anything("2026-12-01", "2026-12-31")


def test_usage_is_selected_by_days_of_use(store: Store) -> None:
    """Both days inclusive, by id; a day in another spelling is refused."""
    store.write(
        lambda conn: add_events(conn, event("b", on="2026-11-01"), event("a", on="2026-11-30"), event("c", on="2026-12-01"))
    )

    with store.reading() as conn:
        assert [one.event_id for one in usage(conn, "2026-11-01", "2026-11-30")] == ["a", "b"]
        with pytest.raises(InputError):
            usage(conn, "2026-11-1", "2026-11-30")


@pytest.mark.parametrize("table", [usage_events, period_closes])
def test_the_database_refuses_changes(store: Store, table: sa.Table) -> None:
    """Neither update nor delete, on either database."""
    store.write(lambda conn: add_events(conn, event("a")))
    store.write(lambda conn: save_close(conn, a_close(), None, cut_off=1))

    for statement in (sa.update(table).values(digest="0" * 64), sa.delete(table)):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), store.engine.begin() as conn:
            conn.execute(statement)
