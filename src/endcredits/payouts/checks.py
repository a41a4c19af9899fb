"""Checks of the issued statements: as written, adding up, and equal to what the books say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.canonical import sha256_bytes
from endcredits.errors import IntegrityError
from endcredits.ledger import JournalEntry, find_by_id
from endcredits.payouts import tables
from endcredits.payouts.documents import parse_statement, problems
from endcredits.payouts.records import Statement
from endcredits.royalties import PAYABLE_PREFIX, payable_account
from endcredits.store import Finding, check_rows, many


def check_payouts(conn: Connection) -> list[Finding]:
    """Checks all statements.

    Every row fits its digest; every statement fits its own digest and columns and adds up; what it says was earned is
    what its journal entry credits to the payee, and every payee of that entry has a statement.
    """
    findings = check_rows(conn, tables.statements)
    of_entry: dict[str, list[Statement]] = defaultdict(list)
    for row in many(conn, sa.select(tables.statements).order_by(tables.statements.c.statement_id)):
        where = f"statement {row['statement_id']}"
        try:
            statement = parse_statement(row["document"])
        except IntegrityError as error:
            findings.append(Finding(where, error.message))
            continue
        of_entry[statement.entry_id].append(statement)
        findings += [Finding(where, problem) for problem in _of_row(row, statement)]
    for entry_id, issued in sorted(of_entry.items()):
        findings += _of_entry(find_by_id(conn, entry_id), entry_id, issued)
    return findings


def _of_row(row: Mapping[str, Any], statement: Statement) -> Iterator[str]:
    if sha256_bytes(row["document"].encode()) != row["statement_digest"]:
        yield "the document does not fit its digest"
    if any(getattr(statement, name) != row[name] for name in ("statement_id", "period_id", "party_id", "currency")):
        yield "the document and its row name different statements"
    yield from problems(statement)


def _of_entry(entry: JournalEntry | None, entry_id: str, issued: list[Statement]) -> Iterator[Finding]:
    if entry is None:
        for statement in issued:
            if entry_id or statement.earned_micros:
                yield Finding(f"statement {statement.statement_id}", f"its journal entry '{entry_id}' is not in the books")
        return
    credited = {
        (posting.account, posting.currency): -posting.amount_micros
        for posting in entry.postings
        if posting.account.startswith(PAYABLE_PREFIX)
    }
    for statement in issued:
        booked = credited.pop((payable_account(statement.party_id), statement.currency), 0)
        if booked != statement.earned_micros:
            yield Finding(
                f"statement {statement.statement_id}",
                f"it says {statement.earned_micros} micros were earned, and the books say {booked}",
            )
    for account, currency in credited:
        yield Finding(f"journal entry {entry_id}", f"nobody got a statement for {account} in {currency}")
