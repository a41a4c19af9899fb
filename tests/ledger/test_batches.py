"""Many entries at once: the same books as one after the other, and each once."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from endcredits.canonical import digest
from endcredits.errors import ConflictError, InputError
from endcredits.ledger import append as append_module
from endcredits.ledger import (
    balances,
    books_digest,
    check_books,
    check_entries,
    entries,
    journal,
    make_entry,
    period_digest,
    post_many,
    post_slowly,
    reverse_entry,
    tables,
)
from endcredits.ledger.entry import content_id
from endcredits.ledger.records import JournalEntry, Posting
from endcredits.store import Store, open_store

from .helpers import post_all, sale

NOW = "2026-12-07T09:00:00Z"


def many(count: int, start: int = 0) -> list[JournalEntry]:
    """Entries of four postings in two currencies between a few accounts, some undone."""
    made = []
    for number in range(start, start + count):
        postings = [
            Posting("Assets:Receivable:Revenue", 3 * number + 3, "EUR"),
            Posting(f"Liabilities:Payable:party:p{number % 7}", -number - 1, "EUR"),
            Posting("Liabilities:Commons", -2 * number - 2, "EUR"),
            Posting("Assets:Bank", number + 1, "JPY"),
            Posting(f"Liabilities:Payable:party:p{number % 5}", -number - 1, "JPY"),
        ]
        made.append(make_entry(f"settle:{number}", "2026-11-30", f"Settled {number}", postings))
        if number % 10 == 3:
            made.append(reverse_entry(made[-1], f"undo:{number}", "2026-12-01", "Wrong"))
    return made


def rows(store: Store) -> list[tuple[object, ...]]:
    """Everything but the pages."""
    with store.reading() as conn:
        queries = [
            sa.select(tables.accounts).order_by(tables.accounts.c.account_id),
            sa.select(*[c for c in tables.journal_entries.columns if c.name != "page"]).order_by(
                tables.journal_entries.c.number
            ),
            sa.select(tables.postings).order_by(tables.postings.c.posting_id),
        ]
        return [tuple(row) for query in queries for row in conn.execute(query)]


def test_the_fast_way_leaves_the_same_rows_as_the_slow_one(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows identical to the last value, over several pages; and posting all again records nothing."""
    monkeypatch.setattr(append_module, "POSTINGS_PER_PAGE", 40)
    batch = many(60)
    fast, slow = open_store(sqlite_url), open_store(f"sqlite:///{tmp_path / 'slow.db'}")

    assert fast.write(lambda conn: post_many(conn, batch, NOW)) == len(batch)
    assert slow.write(lambda conn: post_slowly(conn, batch, NOW)) == len(batch)

    assert rows(fast) == rows(slow)
    for store in (fast, slow):
        assert store.write(lambda conn: post_many(conn, batch, NOW)) == 0
        assert store.write(lambda conn: post_slowly(conn, batch, NOW)) == 0
        with store.reading() as conn:
            assert entries(conn) == batch
            assert check_books(conn) == check_entries(conn) == []
    with fast.reading() as one, slow.reading() as two:
        assert balances(one) == balances(two)
        assert period_digest(one, "2026-11-01", "2026-11-30") == period_digest(two, "2026-11-01", "2026-11-30")
        assert len(list(one.execute(sa.select(tables.journal_pages)))) > 5
    fast.close()
    slow.close()


def test_a_batch_is_posted_on_both_databases(store: Store) -> None:
    """Enough rows that PostgreSQL takes them by COPY; what was posted before is skipped, what repeats counts once."""
    batch = many(150)
    store.write(lambda conn: post_many(conn, batch[:50], NOW))

    assert store.write(lambda conn: post_many(conn, [*batch, *batch[:3]], NOW)) == len(batch) - 50

    with store.reading() as conn:
        assert entries(conn) == batch
        assert check_books(conn) == check_entries(conn) == []


@pytest.mark.parametrize("post_them", [post_many, post_slowly])
def test_what_one_entry_may_not_do_no_batch_may(store: Store, post_them) -> None:
    """Altered, unbalanced, other content under a key, undone twice, undoing nothing: all of it is refused."""
    first = sale("a")
    undo = reverse_entry(first, "undo:a", "2026-12-01", "Wrong")
    lines = (Posting("Assets:Bank", 5, "EUR"), Posting("Income:X", -4, "EUR"))
    unbalanced = JournalEntry(content_id("u", "2026-11-30", "n", lines, None), "u", "2026-11-30", "n", lines)
    spaced = (Posting("Assets:My bank", 5, "EUR"), Posting("Income:X", -5, "EUR"))
    odd = JournalEntry(content_id("o", "2026-11-30", "n", spaced, None), "o", "2026-11-30", "n", spaced)
    foreign = (Posting("Assets:Bank", 5, "XXX"), Posting("Income:X", -5, "XXX"))
    unknown = JournalEntry(content_id("f", "2026-11-30", "n", foreign, None), "f", "2026-11-30", "n", foreign)
    post_all(store, sale("before"))
    cases = [
        ([first, JournalEntry(first.entry_id, "b", first.date, "n", first.postings)], InputError, "not what its id"),
        ([first, unbalanced], InputError, "does not balance"),
        ([first, odd], InputError, "cannot be used"),
        ([first, unknown], InputError, "not a currency"),
        ([sale("a", 5), sale("a", 6)], ConflictError, "already in the books with other content"),
        ([sale("before", 1)], ConflictError, "already in the books with other content"),
        ([first, undo, reverse_entry(first, "undo:2", "2026-12-01", "Again")], ConflictError, "already undone by 'undo:a'"),
        ([undo, first], ConflictError, "which is not in the books"),
    ]
    for batch, error, words in cases:
        with pytest.raises(error, match=words):
            store.write(lambda conn, batch=batch: post_them(conn, batch, NOW))
    with store.reading() as conn:
        assert entries(conn) == [sale("before")]


texts = st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp")), min_size=1, max_size=20)


@given(texts, texts, st.integers(-(2**63) + 1, 2**63 - 1), st.one_of(st.none(), st.just("entry:x")))
def test_the_fast_id_is_that_of_the_canonical_document(narrative: str, rest: str, amount: int, reverses: str | None) -> None:
    """The bytes written directly are those of RFC 8785."""
    postings = (Posting(f"Assets:{rest}", amount, "EUR"), Posting("Income:X", -amount, "EUR"))
    slow = {
        "idempotency_key": "k:1",
        "date": "2026-11-30",
        "narrative": narrative,
        "postings": [[p.account, str(p.amount_micros), p.currency] for p in postings],
        "reverses": reverses,
    }
    extra = {"kind": "pending", "settles": "entry:y", "expires_on": "2026-12-31"}

    assert content_id("k:1", "2026-11-30", narrative, postings, reverses) == f"entry:{digest(slow)[:24]}"
    assert content_id("k:1", "2026-11-30", narrative, postings, reverses, **extra) == f"entry:{digest(slow | extra)[:24]}"


def test_the_digests_change_with_one_micro(sqlite_url: str, tmp_path: Path) -> None:
    """Of the books, and of the period that holds the entry; the period before is not touched."""
    found = []
    for number, amount in enumerate((5, 5, 6)):
        store = open_store(f"sqlite:///{tmp_path / f'{number}.db'}")
        store.write(lambda conn: post_many(conn, [sale("o", 1, "2026-10-31")], NOW))
        store.write(lambda conn, amount=amount: post_many(conn, [sale("n", amount, "2026-11-30")], NOW))
        with store.reading() as conn:
            october = period_digest(conn, "2026-10-01", "2026-10-31")
            november = period_digest(conn, "2026-11-01", "2026-11-30", october)
            assert november != period_digest(conn, "2026-11-01", "2026-11-30")
            found.append((books_digest(conn), october, november))
        store.close()

    assert found[0] == found[1]
    assert found[0][0] != found[2][0] and found[0][1] == found[2][1] and found[0][2] != found[2][2]


def _writer(url: str, name: str, go: object) -> None:
    store = open_store(url)
    go.wait(60)  # type: ignore[attr-defined]
    for number in range(8):
        batch = [sale(f"{name}:{number}:{i}", i + 1) for i in range(20)] + [sale(f"both:{number}", 9)]
        store.write(lambda conn, batch=batch: post_many(conn, batch, NOW))
    store.close()


def test_two_writers_at_once_lose_nothing_and_post_nothing_twice(store: Store, store_url: str) -> None:
    """Each conflict is run again: every entry of both is there once, numbered without a gap."""
    spawn = multiprocessing.get_context("spawn")
    go = spawn.Event()
    writers = [spawn.Process(target=_writer, args=(store_url, name, go)) for name in ("one", "two")]
    for writer in writers:
        writer.start()
    go.set()
    for writer in writers:
        writer.join(120)

    assert [writer.exitcode for writer in writers] == [0, 0]
    with store.reading() as conn:
        booked = journal(conn)
        assert check_books(conn) == check_entries(conn) == []
    assert [one.number for one in booked] == list(range(1, 2 * 8 * 20 + 8 + 1))
    assert len({one.entry.idempotency_key for one in booked}) == len(booked)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(-(2**63) + 1, 2**63 - 1).filter(bool), st.sampled_from(["EUR", "JPY"])), max_size=12))
def test_balances_of_a_batch_are_the_plain_sum(sqlite_store: Store, amounts) -> None:
    """Also where sums pass 2**63."""
    with sqlite_store.engine.connect() as conn:
        known = len(entries(conn))
        post_many(conn, [sale(f"k{known}:{n}", amount, currency=c) for n, (amount, c) in enumerate(amounts)], NOW)
        slow: dict[tuple[str, str], int] = {}
        for entry in entries(conn):
            for p in entry.postings:
                slow[p.account, p.currency] = slow.get((p.account, p.currency), 0) + p.amount_micros

        assert balances(conn) == {key: total for key, total in slow.items() if total}
        assert check_books(conn) == []
