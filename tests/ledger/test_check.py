"""Reading the books again finds what somebody changed around us."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from endcredits.ledger import (
    balances,
    books_digest,
    check_books,
    check_entries,
    confirm,
    make_entry,
    post_many,
    post_pending,
    reverse_entry,
    tables,
    void,
)
from endcredits.ledger.append import append
from endcredits.ledger.columns import read_pages
from endcredits.ledger.pages import digest_of
from endcredits.ledger.records import Booked, Posting
from endcredits.store import Finding, Store, check_schema

from .helpers import break_in, post_all, sale

TABLES = [tables.accounts, tables.journal_pages, tables.journal_entries, tables.postings]
COLUMNS = [(table.name, column.name) for table in TABLES for column in table.columns]
NOW = "2026-12-01T12:00:00Z"


def findings_after(store: Store, *statements: str) -> list[Finding]:
    break_in(store, *statements)
    return findings_of(store)


def findings_of(store: Store) -> list[Finding]:
    with store.reading() as conn:
        return check_books(conn)


def problems(findings: list[Finding]) -> str:
    return "\n".join(f"{finding.where}: {finding.problem}" for finding in findings)


def fill(conn: sa.Connection) -> None:
    """Two currencies, a reversal, and one pending entry of each fate, on several pages."""
    first = sale("a", 5)
    post_many(conn, [first, sale("b", 7), sale("j", 11, currency="JPY")], NOW)
    post_many(conn, [reverse_entry(first, "undo:a", "2026-12-01", "Wrong")], "")
    for key in ("open", "yes", "no"):
        post_pending(conn, sale(key, 13), NOW, "2026-12-31")
    confirm(conn, "yes", "2026-12-02", NOW)
    void(conn, "no", "2026-12-02", NOW, "It came back")


@pytest.fixture
def filled(store: Store) -> Store:
    """Books with everything in them."""
    store.write(fill)
    return store


def test_untouched_books_have_no_findings(filled: Store) -> None:
    """The check does not cry wolf, nor does the slow one, nor that of the schema."""
    with filled.reading() as conn:
        assert check_books(conn) == check_entries(conn) == []
        assert [finding for finding in check_schema(conn) if "guard" in finding.problem] == []


def other(value: object) -> object:
    """A value that differs in the least way, and that no key of these small books has."""
    if isinstance(value, int):
        return value + 1000
    return "entry:0" if value is None else f"{value}1"


@pytest.mark.parametrize("table,column", COLUMNS)
def test_any_one_changed_value_is_found(filled: Store, table: str, column: str) -> None:
    """Every column of every row in turn: found, the row is named, and gone when the value is back."""
    described = next(one for one in TABLES if one.name == table)
    (key,) = [one.name for one in described.primary_key.columns]
    with filled.reading() as conn:
        rows = [dict(row) for row in conn.execute(sa.select(described)).mappings()]

    assert rows
    for row in rows:
        changed = {**row, column: other(row[column])}
        for before, after in ((row, changed), (changed, row)):
            update = sa.update(described).where(described.c[key] == before[key]).values({column: after[column]})
            statement = str(update.compile(filled.engine, compile_kwargs={"literal_binds": True}))
            found = findings_after(filled, statement)
            if after is changed:
                wheres = [finding.where for finding in found]
                assert f"database table {table}, row {key}={changed[key]}" in wheres, (row, problems(found))
    assert findings_of(filled) == []


@pytest.mark.parametrize("step", [1, -1, 2**32, 2**40])
def test_an_amount_changed_by_any_step_is_found(filled: Store, step: int) -> None:
    """Also where it differs in the upper half of the number alone."""
    found = problems(
        findings_after(filled, f"UPDATE postings SET amount_micros = amount_micros + {step} WHERE posting_id = 3")
    )

    assert "what it closes is not what it was when it was closed" in found
    assert "the entries do not balance that are numbered 2" in found
    assert "database table postings, row posting_id=3" in found
    assert f"EUR postings sum to {'-' if step < 0 else ''}" in found


@pytest.mark.parametrize("table", [table.name for table in TABLES])
def test_any_one_row_taken_out_is_found(filled: Store, table: str) -> None:
    """First, middle or last: what is left does not follow any more."""
    described = next(one for one in TABLES if one.name == table)
    (key,) = [one.name for one in described.primary_key.columns]
    with filled.reading() as conn:
        rows = [dict(row) for row in conn.execute(sa.select(described).order_by(described.c[key])).mappings()]
    for row in (rows[0], rows[len(rows) // 2], rows[-1]):
        insert = sa.insert(described).values(row).compile(filled.engine, compile_kwargs={"literal_binds": True})
        assert findings_after(filled, f"DELETE FROM {table} WHERE {key} = {row[key]}"), row
        assert findings_after(filled, str(insert)) == []


def test_an_entry_taken_out_with_its_postings_is_found(filled: Store) -> None:
    """Nothing dangles, and still the page is not what it was."""
    found = findings_after(
        filled, "DELETE FROM postings WHERE posting_id IN (3, 4)", "DELETE FROM journal_entries WHERE number = 2"
    )

    assert "entries are missing from it" in problems(found)


def test_a_last_page_taken_out_whole_is_seen_by_the_digest_of_the_books_alone(filled: Store) -> None:
    """Nothing inside can tell that something came after it; whoever kept the digest can."""
    with filled.reading() as conn:
        before = books_digest(conn)
        last = conn.execute(sa.select(tables.journal_pages).order_by(tables.journal_pages.c.page.desc())).mappings().first()
        assert last is not None and last["last_posting"] < last["first_posting"]

    found = findings_after(
        filled,
        f"DELETE FROM journal_entries WHERE page = {last['page']}",
        f"DELETE FROM journal_pages WHERE page = {last['page']}",
    )

    assert found == []
    with filled.reading() as conn:
        assert books_digest(conn) != before


def close_again(store: Store) -> None:
    """Makes all digests anew, as somebody would who knows our code."""
    with store.reading() as conn:
        texts = list(read_pages(conn))
    previous, statements = "0" * 64, []
    for text in texts:
        previous = digest_of(text.page, previous, text.accounts, text.entries, text.postings)
        statements.append(f"UPDATE journal_pages SET page_digest = '{previous}' WHERE page = {text.page.page}")
    break_in(store, *statements)


def test_a_forged_amount_with_fitting_digests_does_not_balance(filled: Store) -> None:
    """All digests fit; the entry gives it away."""
    break_in(filled, "UPDATE postings SET amount_micros = 8 WHERE posting_id = 3")
    close_again(filled)

    found = problems(findings_of(filled))

    assert "not what it was when it was closed" not in found
    assert "the entries do not balance that are numbered 2" in found
    assert "does not balance: its EUR postings sum to 0.000001" in found


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE journal_entries SET narrative = 'Gift' WHERE number = 2",
        "UPDATE postings SET amount_micros = amount_micros * 2 WHERE posting_id IN (3, 4)",
        "UPDATE journal_entries SET expires_on = '2027-12-31' WHERE expires_on IS NOT NULL AND number = 5",
    ],
)
def test_a_page_forged_whole_is_found_by_the_slow_check(filled: Store, change: str) -> None:
    """It balances and its digests fit, so only the ids of its entries tell, and the digest of the books."""
    with filled.reading() as conn:
        before = books_digest(conn)
    break_in(filled, change)
    close_again(filled)

    with filled.reading() as conn:
        assert check_books(conn) == []
        assert "its content belongs to the id entry:" in problems(check_entries(conn))
        assert books_digest(conn) != before


def forged(kind: str, **changes: object) -> Callable[[sa.Connection], None]:
    """Writes an entry past our own checks."""

    def work(conn: sa.Connection) -> None:
        append(conn, [Booked(sale("forged", 9), **{"kind": kind, **changes})], NOW)  # type: ignore[arg-type]

    return work


def test_a_forged_reversal_is_no_mirror_image(filled: Store) -> None:
    """It balances, and says that it undoes what it does not undo."""
    undone = sale("b", 7)
    fake = make_entry("undo:b", "2026-12-01", "Wrong", sale("x", -9).postings, reverses=undone.entry_id)

    filled.write(lambda conn: append(conn, [Booked(fake)], NOW))

    assert problems(findings_of(filled)) == (
        f"journal entry {fake.entry_id} ('undo:b'): it is not the mirror image of {undone.entry_id}, which it undoes"
    )


def test_a_forged_confirmation_is_not_what_was_announced(filled: Store) -> None:
    """A confirmation posts what was announced, and nothing else."""
    with filled.reading() as conn:
        (waiting,) = [row[0] for row in conn.exec_driver_sql("SELECT entry_id FROM journal_entries WHERE number = 5")]

    filled.write(forged("confirmed", settles=waiting))

    assert f"it does not post what {waiting} announced, which it confirms" in problems(findings_of(filled))


def test_a_reversal_of_nothing_is_named(filled: Store) -> None:
    """What a reversal undoes has to be there."""
    entry_id = sale("a", 5).entry_id

    found = findings_after(
        filled, "DELETE FROM postings WHERE posting_id IN (1, 2)", "DELETE FROM journal_entries WHERE number = 1"
    )

    assert f"it names {entry_id}, which is not in the books" in problems(found)


def test_sqlite_itself_refuses_a_text_where_a_number_belongs(sqlite_store: Store) -> None:
    """Even without triggers: the tables are strict."""
    post_all(sqlite_store, sale("b", 7))

    with pytest.raises(sa.exc.IntegrityError, match="cannot store TEXT value in INTEGER column"):
        break_in(sqlite_store, "UPDATE postings SET amount_micros = 'five'")


def test_the_fast_check_balances_like_a_slow_count(store: Store) -> None:
    """Several currencies in one entry and amounts up to the limit, which pass 2**63 on the way to zero."""
    largest = 2**63 - 1
    signs = {"a": 1, "b": 1, "c": -1, "d": -1}
    lines = [Posting(f"Assets:{name}", sign * largest, c) for c in ("EUR", "JPY") for name, sign in signs.items()]
    post_all(store, make_entry("big", "2026-11-30", "Large", lines), sale("a"))

    assert findings_of(store) == []
    with store.reading() as conn:
        assert balances(conn, "Assets:a") == {("Assets:a", "EUR"): largest, ("Assets:a", "JPY"): largest}
