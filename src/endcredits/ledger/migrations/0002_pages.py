"""The journal gets pages, accounts of their own, and entries that wait.

What was posted before is read, checked against its rows' digests, and written again on pages, unchanged in content and
order and with the same ids. When it entered the books was not kept then, so their pages say nothing of it.
"""

import sqlalchemy as sa
from alembic import op

from endcredits.errors import IntegrityError
from endcredits.ledger.append import append
from endcredits.ledger.guards import TABLES, guard_sql
from endcredits.ledger.records import Booked, JournalEntry, Posting
from endcredits.store import append_only_sql, row_digest

revision = "ledger_0002"
down_revision = "ledger_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    conn = op.get_bind()
    before = _before(conn)
    op.execute("DROP TABLE postings")
    op.execute("DROP TABLE journal_entries")
    number = "INTEGER" if conn.dialect.name == "sqlite" else "BIGINT"
    # On SQLite a column then holds what it is declared to hold, and nothing else.
    strict = " STRICT" if conn.dialect.name == "sqlite" else ""
    for statement in _CREATE:
        op.execute(statement.replace("NUMBER", number) + strict)
    op.execute("CREATE INDEX ix_journal_entries_page ON journal_entries (page)")
    op.execute("CREATE INDEX ix_journal_entries_first_posting ON journal_entries (first_posting, number)")
    for column in ("reverses", "settles"):
        where = f"ON journal_entries ({column}) WHERE {column} IS NOT NULL"
        op.execute(f"CREATE UNIQUE INDEX uq_journal_entries_{column} {where}")
    op.execute("CREATE INDEX ix_postings_account_id ON postings (account_id)")
    for table in TABLES:
        for statement in [*append_only_sql(table, conn.dialect.name), *guard_sql(table, conn.dialect.name)]:
            op.execute(statement)
    append(conn, before, "")


def _before(conn: sa.Connection) -> list[Booked]:
    postings: dict[str, list[Posting]] = {}
    for row in conn.execute(sa.text("SELECT * FROM postings ORDER BY entry_id, position")).mappings():
        _must_fit("postings", dict(row), f"{row['entry_id']}, position {row['position']}")
        postings.setdefault(row["entry_id"], []).append(Posting(row["account"], row["amount_micros"], row["currency"]))
    booked = []
    for row in conn.execute(sa.text("SELECT * FROM journal_entries ORDER BY number")).mappings():
        _must_fit("journal_entries", dict(row), row["entry_id"])
        lines = tuple(postings.pop(row["entry_id"], ()))
        entry = JournalEntry(row["entry_id"], row["idempotency_key"], row["date"], row["narrative"], lines, row["reverses"])
        booked.append(Booked(entry))
        if row["number"] != len(booked) or not lines:
            raise _damaged(f"{row['entry_id']}: a number is missing before it, or its postings are")
    if postings:
        raise _damaged(f"the postings of {next(iter(postings))} belong to no entry")
    return booked


def _must_fit(table: str, row: dict[str, object], name: str) -> None:
    if row_digest(table, row) != row["digest"]:
        raise _damaged(f"the row {name} of {table} does not fit its digest")


def _damaged(what: str) -> IntegrityError:
    return IntegrityError(
        f"the books cannot be brought to this version, because {what}",
        remedy="Restore the database from your last good copy, then open it again.",
    )


_CREATE = (
    """CREATE TABLE accounts (
        account_id NUMBER NOT NULL CONSTRAINT pk_accounts PRIMARY KEY,
        path TEXT NOT NULL,
        currency TEXT NOT NULL,
        CONSTRAINT uq_accounts_path UNIQUE (path, currency),
        CONSTRAINT ck_accounts_account_id CHECK (account_id > 0)
    )""",
    """CREATE TABLE journal_pages (
        page NUMBER NOT NULL CONSTRAINT pk_journal_pages PRIMARY KEY,
        first_entry NUMBER NOT NULL,
        last_entry NUMBER NOT NULL,
        first_posting NUMBER NOT NULL,
        last_posting NUMBER NOT NULL,
        last_account NUMBER NOT NULL,
        recorded_at TEXT NOT NULL,
        page_digest TEXT NOT NULL
    )""",
    """CREATE TABLE journal_entries (
        number NUMBER NOT NULL CONSTRAINT pk_journal_entries PRIMARY KEY,
        page NUMBER NOT NULL,
        first_posting NUMBER NOT NULL,
        last_posting NUMBER NOT NULL,
        entry_id TEXT NOT NULL,
        idempotency_key TEXT NOT NULL,
        date TEXT NOT NULL,
        narrative TEXT NOT NULL,
        reverses TEXT,
        kind TEXT NOT NULL,
        settles TEXT,
        expires_on TEXT,
        CONSTRAINT uq_journal_entries_entry_id UNIQUE (entry_id),
        CONSTRAINT uq_journal_entries_idempotency_key UNIQUE (idempotency_key),
        CONSTRAINT fk_journal_entries_page FOREIGN KEY (page) REFERENCES journal_pages (page)
            DEFERRABLE INITIALLY DEFERRED,
        CONSTRAINT fk_journal_entries_reverses FOREIGN KEY (reverses) REFERENCES journal_entries (entry_id),
        CONSTRAINT fk_journal_entries_settles FOREIGN KEY (settles) REFERENCES journal_entries (entry_id)
    )""",
    """CREATE TABLE postings (
        posting_id NUMBER NOT NULL CONSTRAINT pk_postings PRIMARY KEY,
        account_id NUMBER NOT NULL,
        amount_micros NUMBER NOT NULL,
        CONSTRAINT ck_postings_posting_id CHECK (posting_id > 0),
        CONSTRAINT ck_postings_amount_micros CHECK (amount_micros <> 0)
    )""",
)
