"""What the database itself refuses, whoever writes to it: changed rows, and pages that do not balance.

Entries and postings are written first and do not count. The row of their page comes last, and a trigger lets it in only
if it follows the page before without a gap, and every entry on it has at least two postings whose sum is zero in every
currency. A posting is let in only where an entry without a page names its id, and accounts are asked for a whole page at
once. So no SQL, however raw, can leave an unbalanced entry that
counts; where foreign keys are enforced (always on PostgreSQL, and on SQLite in every connection of ours) an entry without
a closed page cannot be committed at all. Numbers are primary keys without gaps, so a closed page has no room either.

Sums are taken in two halves of 32 bits, because SQLite's SUM refuses what passes 2**63 even on the way to zero.
"""

from __future__ import annotations

from endcredits.errors import InputError
from endcredits.ledger.ranges import postings_of_entry

TABLES = ("accounts", "journal_pages", "journal_entries", "postings")

_ON_PAGE = "p.posting_id BETWEEN new.first_posting AND new.last_posting"
_ENTRIES = "e.number BETWEEN new.first_entry AND new.last_entry"


def _before(column: str) -> str:
    return f"COALESCE((SELECT {column} FROM journal_pages{{before}} ORDER BY page DESC LIMIT 1), 0)"


_PAGE_RULES = {
    "a page follows the one before without a gap": (
        f"new.page <> {_before('page')} + 1 OR new.first_entry <> {_before('last_entry')} + 1 "
        f"OR new.first_posting <> {_before('last_posting')} + 1 OR new.last_entry < new.first_entry "
        "OR new.last_entry <> (SELECT MAX(number) FROM journal_entries) "
        "OR new.last_posting <> COALESCE((SELECT MAX(posting_id) FROM postings), 0) "
        "OR new.last_account <> COALESCE((SELECT MAX(account_id) FROM accounts), 0) "
        f"OR (SELECT COUNT(*) FROM accounts WHERE account_id > {_before('last_account')}) "
        f"<> new.last_account - {_before('last_account')}"
    ),
    "a page holds the postings of its own entries": (
        f"(SELECT COUNT(*) FROM journal_entries e WHERE {_ENTRIES} AND e.page = new.page) "
        "<> new.last_entry - new.first_entry + 1 "
        f"OR EXISTS (SELECT 1 FROM journal_entries e LEFT JOIN journal_entries f ON f.number = e.number - 1 "
        f"WHERE {_ENTRIES} AND e.first_posting <> COALESCE(f.last_posting, 0) + 1) "
        "OR (SELECT last_posting FROM journal_entries WHERE number = new.last_entry) <> new.last_posting "
        f"OR (SELECT COUNT(*) FROM postings p WHERE {_ON_PAGE}) <> new.last_posting - new.first_posting + 1"
    ),
    "a posting is on an account that exists": (
        f"EXISTS (SELECT 1 FROM postings p WHERE {_ON_PAGE} AND NOT p.account_id BETWEEN 1 AND new.last_account)"
    ),
    "an entry is posted, pending, confirmed or voided, and only a pending one expires or is settled": (
        f"EXISTS (SELECT 1 FROM journal_entries e WHERE {_ENTRIES} AND ("
        "e.kind NOT IN ('posted', 'pending', 'confirmed', 'voided') "
        "OR (e.kind IN ('confirmed', 'voided')) <> (e.settles IS NOT NULL) "
        "OR e.expires_on IS NOT NULL AND e.kind <> 'pending' OR e.reverses IS NOT NULL AND e.kind <> 'posted' "
        "OR e.settles IS NOT NULL AND NOT EXISTS "
        "(SELECT 1 FROM journal_entries s WHERE s.entry_id = e.settles AND s.kind = 'pending')))"
    ),
    "an entry has at least two postings, and a voided one none": (
        f"EXISTS (SELECT 1 FROM journal_entries e WHERE {_ENTRIES} AND CASE WHEN e.kind = 'voided' "
        "THEN e.last_posting <> e.first_posting - 1 ELSE e.last_posting <= e.first_posting END)"
    ),
    "every entry balances in every currency": "{balance}",
}

_SUMS = {
    "sqlite": (
        "SUM(p.amount_micros & 4294967295) % 4294967296 <> 0 "
        "OR SUM(p.amount_micros >> 32) + SUM(p.amount_micros & 4294967295) / 4294967296 <> 0"
    ),
    # Numbers without end; on SQLite this product would overflow.
    "postgresql": "SUM(p.amount_micros >> 32) * 4294967296 + SUM(p.amount_micros & 4294967295) <> 0",
}

_BALANCE = {
    # One pass in the order of the rows, without sorting them; entries of several currencies are then looked at again.
    "sqlite": (
        "EXISTS (SELECT 1 FROM journal_entries e CROSS JOIN postings p CROSS JOIN accounts a "
        f"WHERE {_ENTRIES} AND p.posting_id BETWEEN e.first_posting AND e.last_posting AND a.account_id = p.account_id "
        f"GROUP BY e.number HAVING CASE WHEN MIN(a.currency) = MAX(a.currency) THEN {_SUMS['sqlite']} ELSE EXISTS ("
        "SELECT 1 FROM postings q CROSS JOIN accounts b WHERE q.posting_id BETWEEN e.first_posting AND e.last_posting "
        "AND b.account_id = q.account_id GROUP BY b.currency "
        f"HAVING {_SUMS['sqlite'].replace('p.amount', 'q.amount')}) END)"
    ),
    "postgresql": (
        f"EXISTS (SELECT 1 FROM journal_entries e {postings_of_entry('postgresql')} "
        f"JOIN accounts a ON a.account_id = p.account_id WHERE {_ENTRIES} GROUP BY e.number, a.currency "
        f"HAVING {_SUMS['postgresql']})"
    ),
}

_POSTING_RULE = "nothing is added to a closed page, nor where no entry says so"
_LAST_CLOSED = "COALESCE((SELECT last_posting FROM journal_pages ORDER BY page DESC LIMIT 1), 0)"
_LAST_NAMED = "COALESCE((SELECT last_posting FROM journal_entries ORDER BY number DESC LIMIT 1), 0)"


def guard_sql(table: str, dialect: str) -> list[str]:
    """The statements that guard a table beyond `store.append_only_sql`; used by migrations and to check the schema.

    Raises:
        InputError: the database is neither SQLite nor PostgreSQL.
    """
    if dialect == "sqlite":
        return _sqlite(table)
    if dialect == "postgresql":
        return _postgresql(table)
    raise InputError(f"'{dialect}' is not a database we know", remedy="Use SQLite or PostgreSQL.")


def _sqlite(table: str) -> list[str]:
    if table == "journal_pages":
        rules = {words: rule.format(before="", balance=_BALANCE["sqlite"]) for words, rule in _PAGE_RULES.items()}
        checks = " ".join(f"SELECT RAISE(ABORT, '{words}') WHERE {rule};" for words, rule in rules.items())
        return [f"CREATE TRIGGER journal_pages_guard BEFORE INSERT ON journal_pages BEGIN {checks} END"]
    if table == "postings":
        # The ids of closed pages are all taken, so the primary key refuses what would be added to one.
        return [
            f"CREATE TRIGGER postings_guard BEFORE INSERT ON postings WHEN new.posting_id > {_LAST_NAMED} "
            f"BEGIN SELECT RAISE(ABORT, '{_POSTING_RULE}'); END"
        ]
    return []


def _postgresql(table: str) -> list[str]:
    if table == "journal_pages":
        before = " x WHERE x.page < new.page"
        rules = {words: rule.format(before=before, balance=_BALANCE["postgresql"]) for words, rule in _PAGE_RULES.items()}
        return _row_trigger(table, rules)
    if table == "postings":
        body = (
            f"IF EXISTS (SELECT 1 FROM added HAVING MIN(posting_id) <= {_LAST_CLOSED} OR MAX(posting_id) > {_LAST_NAMED}) "
            f"THEN RAISE EXCEPTION '{_POSTING_RULE}' USING ERRCODE = 'check_violation'; END IF; RETURN NULL;"
        )
        return [
            _function(table, body),
            "CREATE TRIGGER postings_guard AFTER INSERT ON postings REFERENCING NEW TABLE AS added "
            "FOR EACH STATEMENT EXECUTE FUNCTION endcredits_postings_guard()",
        ]
    return []


def _row_trigger(table: str, rules: dict[str, str]) -> list[str]:
    checks = " ".join(
        f"IF {rule} THEN RAISE EXCEPTION '{words}' USING ERRCODE = 'check_violation'; END IF;"
        for words, rule in rules.items()
    )
    return [
        _function(table, f"{checks} RETURN NULL;"),
        f"CREATE TRIGGER {table}_guard AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION endcredits_{table}_guard()",
    ]


def _function(table: str, body: str) -> str:
    return (
        f"CREATE OR REPLACE FUNCTION endcredits_{table}_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$"
    )
