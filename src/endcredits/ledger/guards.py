"""What the database itself refuses, whoever writes to it: changed rows, and pages that do not balance.

Entries and postings are written first and do not count. The row of their page comes last, and a trigger lets it in only
if it follows the page before without a gap, and every entry on it has at least two postings whose sum is zero in every
currency. Nothing can be added to a page that is closed. So no SQL, however raw, can leave an unbalanced entry that
counts; where foreign keys are enforced (always on PostgreSQL, and on SQLite in every connection of ours) an entry without
a closed page cannot be committed at all. Numbers are primary keys without gaps, so a closed page has no room either.

Sums are taken in two halves of 32 bits, because SQLite's SUM refuses what passes 2**63 even on the way to zero.
"""

from __future__ import annotations

from endcredits.errors import InputError

TABLES = ("accounts", "journal_pages", "journal_entries", "postings")

_IN_PAGE = "p.posting_id BETWEEN new.first_posting AND new.last_posting"

_PAGE_RULES = {
    "a page follows the one before without a gap": (
        "new.page <> COALESCE((SELECT MAX(page) FROM journal_pages{before}), 0) + 1 "
        "OR new.first_entry <> COALESCE((SELECT MAX(last_entry) FROM journal_pages{before}), 0) + 1 "
        "OR new.first_posting <> COALESCE((SELECT MAX(last_posting) FROM journal_pages{before}), 0) + 1 "
        "OR new.last_entry < new.first_entry "
        "OR new.last_entry <> (SELECT MAX(number) FROM journal_entries) "
        "OR new.last_posting <> COALESCE((SELECT MAX(posting_id) FROM postings), 0) "
        "OR new.last_account <> COALESCE((SELECT MAX(account_id) FROM accounts), 0) "
        "OR (SELECT COUNT(*) FROM accounts) <> new.last_account"
    ),
    "a page holds the postings of its own entries": (
        "(SELECT COUNT(*) FROM journal_entries e WHERE e.number BETWEEN new.first_entry AND new.last_entry "
        "AND e.page = new.page) <> new.last_entry - new.first_entry + 1 "
        f"OR (SELECT COUNT(*) FROM postings p WHERE {_IN_PAGE} "
        "AND p.number BETWEEN new.first_entry AND new.last_entry) <> new.last_posting - new.first_posting + 1"
    ),
    "an entry is posted, pending, confirmed or voided, and only a pending one expires or is settled": (
        "EXISTS (SELECT 1 FROM journal_entries e WHERE e.number BETWEEN new.first_entry AND new.last_entry AND ("
        "e.kind NOT IN ('posted', 'pending', 'confirmed', 'voided') "
        "OR (e.kind IN ('confirmed', 'voided')) <> (e.settles IS NOT NULL) "
        "OR e.expires_on IS NOT NULL AND e.kind <> 'pending' OR e.reverses IS NOT NULL AND e.kind <> 'posted' "
        "OR e.settles IS NOT NULL AND NOT EXISTS "
        "(SELECT 1 FROM journal_entries s WHERE s.entry_id = e.settles AND s.kind = 'pending')))"
    ),
    "an entry has at least two postings, and a voided one none": (
        f"(SELECT COUNT(*) FROM (SELECT p.number FROM postings p WHERE {_IN_PAGE} GROUP BY p.number "
        "HAVING COUNT(*) >= 2) AS full_ones) <> (SELECT COUNT(*) FROM journal_entries e "
        "WHERE e.number BETWEEN new.first_entry AND new.last_entry AND e.kind <> 'voided') "
        "OR EXISTS (SELECT 1 FROM journal_entries e JOIN postings p ON p.number = e.number "
        f"WHERE e.number BETWEEN new.first_entry AND new.last_entry AND e.kind = 'voided' AND {_IN_PAGE})"
    ),
    "every entry balances in every currency": (
        "EXISTS (SELECT 1 FROM postings p JOIN accounts a ON a.account_id = p.account_id "
        f"WHERE {_IN_PAGE} GROUP BY p.number, a.currency "
        "HAVING (SUM(p.amount_micros & 4294967295) % 4294967296) <> 0 "
        "OR SUM(p.amount_micros >> 32) * 4294967296 + SUM(p.amount_micros & 4294967295) <> 0)"
    ),
}
# SQLite's product above would overflow where PostgreSQL's numbers are without end.
_SQLITE_BALANCE = _PAGE_RULES["every entry balances in every currency"].replace(
    "SUM(p.amount_micros >> 32) * 4294967296 + SUM(p.amount_micros & 4294967295) <> 0",
    "SUM(p.amount_micros >> 32) + SUM(p.amount_micros & 4294967295) / 4294967296 <> 0",
)

_POSTING_RULE = "nothing is added to a closed page"


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
    rules: dict[str, str] = {}
    if table == "journal_pages":
        balance = {"every entry balances in every currency": _SQLITE_BALANCE}
        rules = {words: rule.format(before="") for words, rule in (_PAGE_RULES | balance).items()}
    elif table == "postings":
        rules = {_POSTING_RULE: "new.number <= (SELECT last_entry FROM journal_pages ORDER BY page DESC LIMIT 1)"}
    if not rules:
        return []
    checks = " ".join(f"SELECT RAISE(ABORT, '{words}') WHERE {rule};" for words, rule in rules.items())
    return [f"CREATE TRIGGER {table}_guard BEFORE INSERT ON {table} BEGIN {checks} END"]


def _postgresql(table: str) -> list[str]:
    if table == "journal_pages":
        before = " x WHERE x.page < new.page"
        return _row_trigger(table, {words: rule.format(before=before) for words, rule in _PAGE_RULES.items()})
    if table == "postings":
        body = (
            "IF EXISTS (SELECT 1 FROM added WHERE added.number <= "
            "(SELECT last_entry FROM journal_pages ORDER BY page DESC LIMIT 1)) "
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
