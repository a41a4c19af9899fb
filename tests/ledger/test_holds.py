"""Money that waits for its owner: how long already, found and released."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import ConflictError, InputError
from endcredits.ledger import (
    Age,
    Lot,
    ageing,
    balances,
    check_books,
    claim,
    free_on,
    lots,
    make_entry,
    may_leave,
    post,
    release_entries,
    reverse_entry,
    search,
)
from endcredits.ledger.holds import _after, released_entry
from endcredits.ledger.records import JournalEntry, Posting
from endcredits.store import Store

from .helpers import post_all

NOW = "2026-12-07T09:00:00Z"
WORK, PARTY = "Liabilities:Suspense:work:wuthering-1a", "Liabilities:Unclaimed:party:emily-1a"


def held(key: str, account: str, micros: int, date: str, currency: str = "EUR") -> JournalEntry:
    lines = [Posting("Assets:Receivable:Revenue", micros, currency), Posting(account, -micros, currency)]
    return make_entry(key, date, "Held", lines)


def lots_of(store: Store, **options: str) -> list[Lot]:
    with store.reading() as conn:
        return lots(conn, **options)


def test_lots_stand_since_their_entries_and_the_oldest_goes_first(store: Store) -> None:
    """What names no lot takes from the oldest; what is left of it keeps its day."""
    first, second = held("a", WORK, 10, "2026-01-31"), held("b", WORK, 20, "2026-02-28")
    taken = make_entry("take", "2026-03-15", "Paid", [Posting(WORK, 15, "EUR"), Posting("Assets:Bank", -15, "EUR")])
    post_all(store, second, first, taken)

    assert lots_of(store, until="2026-02-28") == [
        Lot("unmatched", WORK, "EUR", 10, "2026-01-31", first.entry_id),
        Lot("unmatched", WORK, "EUR", 20, "2026-02-28", second.entry_id),
    ]
    assert lots_of(store) == [Lot("unmatched", WORK, "EUR", 15, "2026-02-28", second.entry_id)]


def test_a_release_takes_the_lot_that_it_names(store: Store) -> None:
    """Search, claim, and the younger lot is gone while the older stands."""
    first, second = held("a", PARTY, 10, "2026-01-31"), held("b", PARTY, 20, "2026-02-28")
    post_all(store, first, second, held("c", WORK, 5, "2026-02-28", "JPY"))
    mine = search(lots_of(store), name="party:emily-1a")
    assert [lot.amount_micros for lot in mine] == [10, 20]
    assert search(mine, kind="disputed") == [] and len(search(lots_of(store), kind="unmatched")) == 1

    def work(conn: sa.Connection) -> int:
        return claim(conn, mine[1:], "Liabilities:Payable:party:emily-1a", "claim-7", "2026-12-01", "Found her", NOW)

    assert [store.write(work), store.write(work)] == [1, 0]

    assert [lot.entry_id for lot in search(lots_of(store), name="party:emily-1a")] == [first.entry_id]
    with store.reading() as conn:
        assert balances(conn, "Liabilities:Payable") == {("Liabilities:Payable:party:emily-1a", "EUR"): -20}
        assert check_books(conn) == []
    with pytest.raises(ConflictError, match="no longer stands on"):
        store.write(lambda conn: claim(conn, mine[1:], "Liabilities:Commons", "other", "2026-12-01", "Again", NOW))


def test_a_reversal_takes_back_its_own_lot(store: Store) -> None:
    """Although another is older."""
    first, second = held("a", PARTY, 10, "2026-01-31"), held("b", PARTY, 20, "2026-02-28")
    post_all(store, first, second, reverse_entry(second, "undo", "2026-03-01", "Wrong"))

    assert [lot.entry_id for lot in lots_of(store)] == [first.entry_id]


def test_what_was_known_of_holds_when(store: Store) -> None:
    """A late entry of an early day was not known before."""
    store.write(lambda conn: post(conn, held("a", PARTY, 10, "2026-01-31"), "2026-02-01T00:00:00Z"))
    store.write(lambda conn: post(conn, held("b", PARTY, 20, "2026-01-31"), NOW))

    assert [lot.amount_micros for lot in lots_of(store, known_at="2026-03-01T00:00:00Z")] == [10]
    assert [lot.amount_micros for lot in lots_of(store, known_at=NOW)] == [10, 20]


def lot(micros: int, since: str, kind: str = "unclaimed", entry_id: str = "entry:a") -> Lot:
    return Lot(kind, PARTY, "EUR", micros, since, entry_id)


def test_ages_count_from_the_day_of_the_lot() -> None:
    """A bound belongs to the older bucket; days to come are of age 0."""
    some = [lot(1, "2026-12-31"), lot(2, "2026-11-02"), lot(4, "2026-11-01"), lot(8, "2023-12-01"), lot(16, "2020-01-01")]

    assert ageing(some, "2026-12-01", (30, 1096)) == [
        Age("unclaimed", "EUR", 0, 30, 2, 3),
        Age("unclaimed", "EUR", 30, 1096, 1, 4),
        Age("unclaimed", "EUR", 1096, None, 2, 24),
    ]
    with pytest.raises(InputError, match="ages must rise"):
        ageing(some, "2026-12-01", (90, 30))


def test_a_sum_may_leave_after_the_stated_years_and_not_a_day_before() -> None:
    """Years are the calendar's."""
    assert free_on(lot(1, "2024-02-29"), 3) == "2027-03-01"
    assert free_on(lot(1, "2024-02-29"), 4) == "2028-02-29"
    three = [lot(5, "2023-12-01"), lot(7, "2023-12-02"), lot(-9, "2020-01-01")]
    assert may_leave(three, "2026-12-01", 3) == [three[0]]
    assert may_leave(three, "2026-12-02", 3) == three[:2]


def test_only_what_is_held_is_released() -> None:
    """Neither nothing nor before its day."""
    for wrong in (lot(0, "2026-01-01"), lot(-1, "2026-01-01"), lot(1, "2026-12-02")):
        with pytest.raises(InputError, match="cannot be released"):
            release_entries([wrong], "Liabilities:Commons", "k", "2026-12-01", "Out")
    (entry,) = release_entries([lot(3, "2026-01-01")], "Liabilities:Commons", "k", "2026-12-01", "Out")
    assert released_entry(entry.idempotency_key) == "entry:a"
    assert released_entry("release:other") is None and released_entry("close:entry:a:x") is None


@given(st.lists(st.tuples(st.integers(-50, 50).filter(bool), st.sampled_from(["entry:0", "entry:1", "entry:2", None]))))
def test_lots_always_sum_to_the_balance_and_never_stand_on_both_sides(moves) -> None:
    """Whatever is put there and taken away, linked or not."""
    queue: list[Lot] = []
    for number, (amount, linked) in enumerate(moves):
        queue = _after(queue, lot(amount, "2026-01-01", entry_id=f"entry:{number}"), linked)
        assert sum(one.amount_micros for one in queue) == sum(amount for amount, _ in moves[: number + 1])
        assert len({one.amount_micros > 0 for one in queue}) <= 1
        assert all(one.amount_micros for one in queue)
