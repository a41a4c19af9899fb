"""Reading the books again finds what somebody changed around us."""

import pytest
import sqlalchemy as sa

from endcredits.ledger import check_books, reverse_entry, tables
from endcredits.store import Finding, Store, insert_records, row_digest

from .helpers import break_in, post_all, sale


def findings_after(store: Store, *statements: str) -> list[Finding]:
    break_in(store, *statements)
    with store.reading() as conn:
        return check_books(conn)


def problems(findings: list[Finding]) -> str:
    return "\n".join(f"{finding.where}: {finding.problem}" for finding in findings)


def forge(store: Store, table: sa.Table, where: sa.ColumnElement[bool], **changes: object) -> None:
    """Changes a row together with its digest, as somebody would who knows our code."""
    with store.reading() as conn:
        row = dict(conn.execute(sa.select(table).where(where)).mappings().one())
    row.update(changes)
    row["digest"] = row_digest(table.name, row)
    literal = sa.update(table).where(where).values(**row).compile(store.engine, compile_kwargs={"literal_binds": True})
    break_in(store, str(literal))


@pytest.fixture
def filled(store: Store) -> Store:
    """Books with two entries and a reversal."""
    first = sale("a", 5)
    post_all(store, first, sale("b", 7), reverse_entry(first, "undo:a", "2026-12-01", "Wrong"))
    return store


def test_untouched_books_have_no_findings(filled: Store) -> None:
    """The check does not cry wolf."""
    with filled.reading() as conn:
        assert check_books(conn) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE journal_entries SET narrative = 'Gift' WHERE idempotency_key = 'b'",
        "UPDATE journal_entries SET date = '2026-11-29' WHERE idempotency_key = 'b'",
        "UPDATE journal_entries SET idempotency_key = 'c' WHERE idempotency_key = 'b'",
        "UPDATE journal_entries SET number = 9 WHERE idempotency_key = 'b'",
        "UPDATE journal_entries SET reverses = NULL WHERE idempotency_key = 'undo:a'",
        "UPDATE journal_entries SET digest = 'x' WHERE idempotency_key = 'b'",
        "UPDATE postings SET amount_micros = amount_micros + 1 WHERE amount_micros = 7",
        "UPDATE postings SET account = 'Assets:Pocket' WHERE amount_micros = 7",
        "UPDATE postings SET currency = 'USD' WHERE amount_micros = 7",
        "UPDATE postings SET position = 3 WHERE amount_micros = 7",
    ],
)
def test_any_changed_value_is_named_by_its_rows_digest(filled: Store, change: str) -> None:
    """Whatever column was changed."""
    findings = findings_after(filled, change)

    table = change.split()[1]
    assert findings[0].where.startswith(f"database table {table}, row ")
    assert findings[0].problem == "its content does not fit its digest"


def test_an_entry_taken_out_leaves_a_gap(filled: Store) -> None:
    """Removing an entry with its postings is seen by the numbers."""
    entry_id = sale("b", 7).entry_id

    findings = findings_after(
        filled,
        f"DELETE FROM postings WHERE entry_id = '{entry_id}'",
        f"DELETE FROM journal_entries WHERE entry_id = '{entry_id}'",
    )

    assert problems(findings) == "database table journal_entries: number 3 stands where number 2 belongs"


def test_postings_without_entry_are_named(filled: Store) -> None:
    """And so is the gap."""
    entry_id = sale("b", 7).entry_id

    found = problems(findings_after(filled, f"DELETE FROM journal_entries WHERE entry_id = '{entry_id}'"))

    assert f"postings of {entry_id}: there is no such entry" in found


def test_an_entry_without_postings_is_named(filled: Store) -> None:
    """An entry that moves nothing is none."""
    entry_id = sale("b", 7).entry_id

    found = problems(findings_after(filled, f"DELETE FROM postings WHERE entry_id = '{entry_id}'"))

    assert f"journal entry {entry_id} ('b'): it has no postings" in found


def test_one_posting_taken_out_is_named(filled: Store) -> None:
    """The positions no longer count from 1, and the entry is none any more."""
    entry_id = sale("b", 7).entry_id

    found = problems(findings_after(filled, "DELETE FROM postings WHERE amount_micros = 7"))

    assert f"postings of {entry_id}: their positions are [2], not 1 to 1" in found
    assert "double entry needs two" in found


def test_a_forged_amount_with_a_fitting_digest_does_not_balance(filled: Store) -> None:
    """The rows' digests fit; the entry gives it away."""
    forge(filled, tables.postings, tables.postings.c.amount_micros == 7, amount_micros=8)

    with filled.reading() as conn:
        found = problems(check_books(conn))

    assert "does not fit its digest" not in found
    assert "does not balance: its EUR postings sum to 0.000001" in found
    assert "its content belongs to the id entry:" in found


def test_a_forged_narrative_with_a_fitting_digest_does_not_fit_the_id(filled: Store) -> None:
    """Ids are made again from the content."""
    forge(filled, tables.journal_entries, tables.journal_entries.c.idempotency_key == "b", narrative="Gift")

    with filled.reading() as conn:
        findings = check_books(conn)

    assert [finding.problem[:30] for finding in findings] == ["its content belongs to the id "]


def test_a_forged_reversal_is_no_mirror_image(filled: Store) -> None:
    """A whole forged entry, digests and id and all, that claims to undo another."""
    first = sale("b", 7)
    fake = reverse_entry(sale("b", 9), "undo:b", "2026-12-01", "Wrong")
    from endcredits.ledger import make_entry

    fake = make_entry(fake.idempotency_key, fake.date, fake.narrative, fake.postings, reverses=first.entry_id)
    row = {
        "entry_id": fake.entry_id,
        "number": 4,
        "idempotency_key": fake.idempotency_key,
        "date": fake.date,
        "narrative": fake.narrative,
        "reverses": fake.reverses,
    }
    lines = [
        {
            "entry_id": fake.entry_id,
            "position": position,
            "account": posting.account,
            "amount_micros": posting.amount_micros,
            "currency": posting.currency,
        }
        for position, posting in enumerate(fake.postings, 1)
    ]
    filled.write(lambda conn: insert_records(conn, tables.journal_entries, [row]))
    filled.write(lambda conn: insert_records(conn, tables.postings, lines))

    with filled.reading() as conn:
        found = problems(check_books(conn))

    assert found == (
        f"journal entry {fake.entry_id} ('undo:b'): it is not the mirror image of {first.entry_id}, which it undoes"
    )


def test_a_reversal_of_nothing_is_named(filled: Store) -> None:
    """What a reversal undoes has to be there."""
    entry_id = sale("a", 5).entry_id

    found = problems(
        findings_after(
            filled,
            f"DELETE FROM postings WHERE entry_id = '{entry_id}'",
            f"DELETE FROM journal_entries WHERE entry_id = '{entry_id}'",
        )
    )

    assert f"it undoes {entry_id}, which is not in the books" in found


def test_a_text_where_an_amount_belongs_is_named_and_the_check_goes_on(sqlite_store: Store) -> None:
    """SQLite lets anything into a column; the check must not stumble over it."""
    first = sale("a", 5)
    post_all(sqlite_store, first, sale("b", 7), reverse_entry(first, "undo:a", "2026-12-01", "Wrong"))

    found = problems(
        findings_after(
            sqlite_store,
            "UPDATE postings SET amount_micros = 'five' WHERE amount_micros = 5 AND account = 'Assets:Bank'",
            "UPDATE journal_entries SET number = 'two' WHERE number = 2",
        )
    )

    assert "'five' micros, which is not a whole number" in found
    assert "it is not the mirror image of" in found
    assert "number two stands where" in found
