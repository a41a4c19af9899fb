"""Entries that wait: announced, then confirmed or voided, once."""

from __future__ import annotations

import pytest

from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.ledger import (
    balances,
    check_books,
    check_entries,
    confirm,
    entries,
    find_booked,
    journal,
    make_entry,
    pending_entries,
    post,
    post_pending,
    reverse_entry,
    void,
    void_expired,
)
from endcredits.store import Store

from .helpers import post_all, sale

MONDAY, TUESDAY, WEDNESDAY = (f"2026-12-0{day}T09:00:00Z" for day in (7, 8, 9))
FIVE = {("Assets:Bank", "EUR"): 5, ("Liabilities:Payable:party:ada", "EUR"): -5}


def test_what_waits_counts_apart_until_it_is_confirmed(store: Store) -> None:
    """First only announced, then posted; and running a step again changes nothing."""
    for _ in range(2):
        store.write(lambda conn: post_pending(conn, sale("p", 5), MONDAY))
    with store.reading() as conn:
        assert balances(conn) == {} and balances(conn, pending=True) == FIVE
        assert entries(conn) == [] and len(pending_entries(conn)) == 1

    for _ in range(2):
        entry = store.write(lambda conn: confirm(conn, "p", "2026-12-01", TUESDAY))
    with store.reading() as conn:
        assert balances(conn) == FIVE and balances(conn, pending=True) == {}
        assert entries(conn) == [entry] and pending_entries(conn) == []
        assert [one.kind for one in journal(conn)] == ["pending", "confirmed"]
        assert check_books(conn) == check_entries(conn) == []


def test_what_is_voided_never_counted(store: Store) -> None:
    """Nothing is posted, and the journal says why."""
    store.write(lambda conn: post_pending(conn, sale("p", 5), MONDAY))
    for _ in range(2):
        store.write(lambda conn: void(conn, "p", "2026-12-01", TUESDAY, "The bank returned it"))

    with store.reading() as conn:
        assert balances(conn) == balances(conn, pending=True) == {}
        last = find_booked(conn, "void:p")
        assert last is not None and last.entry.narrative == "The bank returned it" and last.entry.postings == ()
        assert check_books(conn) == check_entries(conn) == []


@pytest.mark.parametrize(
    "first,second", [("confirm", "void"), ("void", "confirm"), ("void", "void"), ("confirm", "confirm")]
)
def test_it_is_settled_once(store: Store, first: str, second: str) -> None:
    """The second of two different settlements is refused, whatever they are."""

    def settle(verb: str, words: str) -> None:
        if verb == "confirm":
            store.write(lambda conn: confirm(conn, "p", "2026-12-01", TUESDAY, words))
        else:
            store.write(lambda conn: void(conn, "p", "2026-12-01", TUESDAY, words))

    store.write(lambda conn: post_pending(conn, sale("p", 5), MONDAY))
    settle(first, "first")

    with pytest.raises(ConflictError, match=r"'p' was already (confirmed|voided) by '(confirm|void):p'"):
        settle(second, "second")


def test_what_is_not_pending_cannot_be_settled(store: Store) -> None:
    """Neither an unknown key nor what is posted."""
    post_all(store, sale("posted"))
    for key in ("unknown", "posted"):
        with pytest.raises(NotFoundError, match="no pending entry"):
            store.write(lambda conn, key=key: confirm(conn, key, "2026-12-01", TUESDAY))


def test_a_last_day_is_a_last_day(store: Store) -> None:
    """On it: yes. After it: announces nothing, is not confirmed, and is voided by a row of its own."""
    store.write(lambda conn: post_pending(conn, sale("late", 5), MONDAY, "2026-12-10"))
    store.write(lambda conn: post_pending(conn, sale("long", 7), MONDAY, "2026-12-11"))
    with store.reading() as conn:
        assert balances(conn, "Assets", until="2026-12-10", pending=True) == {("Assets:Bank", "EUR"): 12}
        assert balances(conn, "Assets", until="2026-12-11", pending=True) == {("Assets:Bank", "EUR"): 7}

    with pytest.raises(ConflictError, match="could be confirmed until 2026-12-10"):
        store.write(lambda conn: confirm(conn, "late", "2026-12-11", TUESDAY))
    assert store.write(lambda conn: void_expired(conn, "2026-12-11", WEDNESDAY)) == ["late"]
    assert store.write(lambda conn: void_expired(conn, "2026-12-11", WEDNESDAY)) == []
    store.write(lambda conn: confirm(conn, "long", "2026-12-11", WEDNESDAY))

    with store.reading() as conn:
        assert balances(conn, "Assets") == {("Assets:Bank", "EUR"): 7}
        assert check_books(conn) == check_entries(conn) == []


def test_what_was_known_when(store: Store) -> None:
    """The accounting day and the time of entering are two axes."""
    store.write(lambda conn: post(conn, sale("early", 1, date="2026-11-30"), MONDAY))
    store.write(lambda conn: post_pending(conn, sale("p", 5, date="2026-11-30"), MONDAY))
    store.write(lambda conn: confirm(conn, "p", "2026-12-05", TUESDAY))
    store.write(lambda conn: post(conn, sale("late-arrival", 20, date="2026-11-30"), WEDNESDAY))

    def bank(until: str | None, known_at: str | None, pending: bool = False) -> int:
        with store.reading() as conn:
            found = balances(conn, "Assets:Bank", until, known_at=known_at, pending=pending)
        return found.get(("Assets:Bank", "EUR"), 0)

    assert [bank("2026-11-30", known) for known in (MONDAY, TUESDAY, WEDNESDAY, None)] == [1, 1, 21, 21]
    assert [bank("2026-12-05", known) for known in (MONDAY, TUESDAY, WEDNESDAY, None)] == [1, 6, 26, 26]
    assert [bank("2026-12-05", known, True) for known in (MONDAY, TUESDAY)] == [5, 0]
    assert bank("2026-12-04", None, True) == 5
    assert bank(None, "2026-12-01T00:00:00Z") == 0
    with pytest.raises(InputError, match="not a time in UTC"):
        bank(None, "yesterday")


def test_what_cannot_wait_is_refused(store: Store) -> None:
    """A reversal, a key too long, a last day before the first, a time that is none, a settlement before its time."""
    first = sale("a")
    post_all(store, first)
    cases = [
        (reverse_entry(first, "undo", "2026-12-01", "Wrong"), MONDAY, None, "a reversal cannot wait"),
        (sale("k" * 195), MONDAY, None, "is too long for an entry that waits"),
        (sale("p"), MONDAY, "2026-11-29", "expires on 2026-11-29, before its own date"),
        (sale("p"), "2026-12-07 09:00", None, "is not a time in UTC"),
    ]
    for entry, recorded_at, expires_on, words in cases:
        with pytest.raises(InputError, match=words):
            store.write(lambda conn, e=entry, r=recorded_at, x=expires_on: post_pending(conn, e, r, x))
    store.write(lambda conn: post_pending(conn, sale("p"), MONDAY))
    with pytest.raises(InputError, match="lies before 2026-11-30"):
        store.write(lambda conn: confirm(conn, "p", "2026-11-29", MONDAY))


def test_what_waits_is_not_reversed(store: Store) -> None:
    """It moved nothing; but what was confirmed is reversed like any entry."""
    waiting = store.write(lambda conn: post_pending(conn, sale("p", 5), MONDAY))
    undo = make_entry("undo", "2026-12-01", "Wrong", sale("x", -5).postings, reverses=waiting.entry.entry_id)
    with pytest.raises(ConflictError, match="is pending and moved nothing"):
        post_all(store, undo)

    entry = store.write(lambda conn: confirm(conn, "p", "2026-12-01", TUESDAY))
    post_all(store, reverse_entry(entry, "undo", "2026-12-02", "Wrong after all"))

    with store.reading() as conn:
        assert balances(conn) == {} and check_books(conn) == []
