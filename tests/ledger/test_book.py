"""The books: posted once, found again, summed exactly."""

import datetime

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from endcredits.errors import ConflictError, InputError
from endcredits.ledger import (
    JournalEntry,
    Posting,
    balances,
    check_books,
    entries,
    find,
    find_by_id,
    make_entry,
    post,
    reverse_entry,
)
from endcredits.store import Store

from .helpers import post_all, sale


def test_what_is_posted_is_found_again_in_order(store: Store) -> None:
    """Entries come back equal, in the order of posting and not of their dates."""
    later, earlier = sale("b", date="2026-11-30"), sale("a", date="2026-01-01")

    post_all(store, later, earlier)

    with store.reading() as conn:
        assert entries(conn) == [later, earlier]
        assert find(conn, "a") == find_by_id(conn, earlier.entry_id) == earlier
        assert find(conn, "c") is None and find_by_id(conn, "entry:c") is None
        assert check_books(conn) == []


def test_posting_again_changes_nothing_and_returns_what_is_recorded(store: Store) -> None:
    """The same key with the same content counts once."""
    post_all(store, sale("a"))

    again = store.write(lambda conn: post(conn, sale("a")))

    assert again == sale("a")
    with store.reading() as conn:
        assert entries(conn) == [sale("a")]


def test_the_same_key_with_other_content_is_a_conflict(store: Store) -> None:
    """Nothing recorded is changed by asking again differently."""
    post_all(store, sale("a", 5))

    with pytest.raises(ConflictError, match=r"'a' is already in the books with other content"):
        post_all(store, sale("b"), sale("a", 6))

    with store.reading() as conn:
        assert entries(conn) == [sale("a", 5)]


def test_an_entry_altered_after_it_was_made_is_refused(store: Store) -> None:
    """The books trust no id that they cannot make themselves."""
    made = sale("a")
    forged = JournalEntry(made.entry_id, "a", made.date, "Gift", made.postings)
    unsorted = JournalEntry(made.entry_id, "a", made.date, made.narrative, made.postings[::-1])

    for entry in (forged, unsorted):
        with pytest.raises(InputError, match="not what its id"):
            post_all(store, entry)


def test_a_reversal_brings_the_balances_back(store: Store) -> None:
    """Entry and reversal come to zero, and accounts at zero are left out."""
    first, second = sale("a", 5), sale("b", 7)
    post_all(store, first, second, reverse_entry(first, "undo:a", "2026-12-01", "Wrong amount"))

    with store.reading() as conn:
        assert balances(conn) == {("Assets:Bank", "EUR"): 7, ("Liabilities:Payable:party:ada", "EUR"): -7}
        assert check_books(conn) == []


def test_a_reversal_of_an_unknown_entry_is_a_conflict(store: Store) -> None:
    """What is not in the books cannot be undone."""
    with pytest.raises(ConflictError, match="which is not in the books"):
        post_all(store, reverse_entry(sale("never-posted"), "undo", "2026-12-01", "Oops"))


def test_undoing_twice_is_a_conflict_but_undoing_again_with_the_same_key_is_not(store: Store) -> None:
    """A reversal is idempotent like any entry, and final."""
    first = sale("a")
    reversal = reverse_entry(first, "undo:a", "2026-12-01", "Wrong amount")
    post_all(store, first, reversal)

    post_all(store, reversal)
    with pytest.raises(ConflictError, match="already undone by 'undo:a'"):
        post_all(store, reverse_entry(first, "undo:a:2", "2026-12-01", "Once more"))

    with store.reading() as conn:
        assert entries(conn) == [first, reversal]


def test_a_reversal_that_is_no_mirror_image_is_refused(store: Store) -> None:
    """Half an undoing is not one."""
    first = sale("a", 10)
    half = make_entry("undo:a", "2026-12-01", "Half", sale("x", -5).postings, reverses=first.entry_id)
    post_all(store, first)

    with pytest.raises(InputError, match="not the mirror image"):
        post_all(store, half)


def test_balances_by_account_path_and_day(store: Store) -> None:
    """A prefix ends at a colon; a day is included; case and wildcards are letters like others."""
    names = ["Payable", "Payable:a", "Payable:a:b", "Payables:c", "payable:d", "P_yable:e", "P%:f"]
    for number, name in enumerate(names, 1):
        postings = [Posting(f"Liabilities:{name}", -number, "EUR"), Posting("Assets:Bank", number, "EUR")]
        post_all(store, make_entry(f"k{number}", f"2026-11-0{number}", "n", postings))

    with store.reading() as conn:
        payable = balances(conn, "Liabilities:Payable")
        wild = balances(conn, "Liabilities:P_yable:")
        early = balances(conn, "Assets:Bank", until=datetime.date(2026, 11, 3))
        text = balances(conn, "Assets:Bank", until="2026-11-03")
        moment = balances(conn, "Assets:Bank", until=datetime.datetime(2026, 11, 3, 12, 0))
        with pytest.raises(InputError):
            balances(conn, until="yesterday")

    assert payable == {
        ("Liabilities:Payable", "EUR"): -1,
        ("Liabilities:Payable:a", "EUR"): -2,
        ("Liabilities:Payable:a:b", "EUR"): -3,
    }
    assert wild == {("Liabilities:P_yable:e", "EUR"): -6}
    assert early == text == moment == {("Assets:Bank", "EUR"): 6}


def test_balances_beyond_a_bigint_are_exact(store: Store) -> None:
    """Sums are Python integers: no overflow where a database's own would."""
    largest = 2**63 - 1
    post_all(store, *(sale(f"k{number}", largest) for number in range(3)))

    with store.reading() as conn:
        assert balances(conn, "Assets") == {("Assets:Bank", "EUR"): 3 * largest}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(-(2**63) + 1, 2**63 - 1).filter(bool), st.sampled_from(["EUR", "JPY"])), max_size=8))
def test_balances_are_the_plain_sum_of_all_postings(sqlite_store: Store, amounts) -> None:
    """The query's answer is that of adding every posting of every entry by hand."""
    with sqlite_store.engine.connect() as conn:
        known = len(entries(conn))
        for number, (amount, currency) in enumerate(amounts):
            post(conn, sale(f"k{known}:{number}", amount, currency=currency))
        slow: dict[tuple[str, str], int] = {}
        for entry in entries(conn):
            for p in entry.postings:
                slow[p.account, p.currency] = slow.get((p.account, p.currency), 0) + p.amount_micros

        assert balances(conn) == {key: total for key, total in slow.items() if total}
        assert sum(total for (_, currency), total in slow.items() if currency == "EUR") == 0


@pytest.mark.parametrize(
    "table,column",
    [("journal_entries", "number"), ("postings", "amount_micros"), ("accounts", "account_id"), ("journal_pages", "page")],
)
@pytest.mark.parametrize("verb", ["UPDATE", "DELETE"])
def test_the_database_refuses_to_change_the_books(store: Store, table: str, column: str, verb: str) -> None:
    """Not our code but the database says no."""
    post_all(store, sale("a"))
    sql = f"UPDATE {table} SET {column} = {column} + 1" if verb == "UPDATE" else f"DELETE FROM {table}"

    with pytest.raises(sa.exc.DBAPIError, match="is append-only"):
        store.write(lambda conn: conn.exec_driver_sql(sql))

    with store.reading() as conn:
        assert entries(conn) == [sale("a")]
        assert check_books(conn) == []


def test_postgresql_refuses_truncate_too(postgres_url: str) -> None:
    """Emptying a table is deleting."""
    from endcredits.store import open_store

    store = open_store(postgres_url)
    post_all(store, sale("a"))

    with pytest.raises(sa.exc.DBAPIError, match="is append-only"):
        store.write(lambda conn: conn.exec_driver_sql("TRUNCATE journal_entries CASCADE"))

    with store.reading() as conn:
        assert entries(conn) == [sale("a")]
    store.close()
