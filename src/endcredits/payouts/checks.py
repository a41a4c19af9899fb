"""Checks of the issued statements: as written, adding up, equal to what the books say, and the same when made again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.canonical import sha256_bytes
from endcredits.errors import IntegrityError
from endcredits.ledger import find_by_id
from endcredits.payouts import tables
from endcredits.payouts.book import documents_for_period
from endcredits.payouts.documents import booked_micros, parse_statement, problems, statement_json
from endcredits.payouts.records import FINAL, Statement
from endcredits.store import Finding, check_rows, many

PAYABLE_PREFIX = "Liabilities:Payable:"
"""What the account of every payee begins with."""

_NAMES = ("statement_id", "period_id", "party_id", "currency", "version")


def check_payouts(conn: Connection) -> list[Finding]:
    """Checks all statements.

    Every row fits its digest; every statement fits its own digest and columns and adds up; what it says was added to the
    balance owed is what its journal entries say, and every payee of those entries has a statement.
    """
    findings = check_rows(conn, tables.statements)
    booked: dict[tuple[str, ...], dict[tuple[str, str], tuple[str, int]]] = defaultdict(dict)
    ids = conn.scalars(sa.select(tables.statements.c.statement_id).order_by(tables.statements.c.statement_id))
    for statement_id in list(ids):
        (row,) = many(conn, sa.select(tables.statements).where(tables.statements.c.statement_id == statement_id))
        where = f"statement {statement_id}"
        try:
            statement = parse_statement(row["document"])
        except IntegrityError as error:
            findings.append(Finding(where, error.message))
            continue
        findings += [Finding(where, problem) for problem in _of_row(row, statement)]
        # Versions say the same money: the last one stands for all.
        account = f"{PAYABLE_PREFIX}{statement.party_id}", statement.currency
        booked[statement.entry_ids][account] = where, booked_micros(statement)
    for entry_ids, issued in sorted(booked.items()):
        findings += _of_entries(conn, entry_ids, issued)
    return findings


def _of_row(row: Mapping[str, Any], statement: Statement) -> Iterator[str]:
    if sha256_bytes(row["document"].encode()) != row["statement_digest"]:
        yield "the document does not fit its digest"
    if any(getattr(statement, name) != row[name] for name in _NAMES):
        yield "the document and its row name different statements"
    if statement.kind != FINAL:
        yield "it is an estimate, and only final statements are kept"
    yield from problems(statement)


def _of_entries(
    conn: Connection, entry_ids: tuple[str, ...], issued: Mapping[tuple[str, str], tuple[str, int]]
) -> Iterator[Finding]:
    credited: Counter[tuple[str, str]] = Counter()
    for entry_id in entry_ids:
        entry = find_by_id(conn, entry_id)
        if entry is None:
            for where, _ in issued.values():
                yield Finding(where, f"its journal entry '{entry_id}' is not in the books")
            return
        for posting in entry.postings:
            if posting.account.startswith(PAYABLE_PREFIX):
                credited[posting.account, posting.currency] -= posting.amount_micros
    for account, (where, said) in issued.items():
        if credited[account] != said:
            yield Finding(
                where, f"it says that {said} micros were added to what is owed, and the books say {credited[account]}"
            )
    for (account_name, currency), micros in sorted(credited.items()):
        if micros and (account_name, currency) not in issued:
            yield Finding(
                f"journal entry {', '.join(entry_ids)}", f"nobody got a statement for {account_name} in {currency}"
            )


def check_remade(conn: Connection, period_id: str, remade: Iterable[Statement]) -> Iterator[Finding]:
    """Compares a period's stored statements with statements that were made again, byte by byte, streamed.

    Args:
        conn: the books.
        period_id: the period.
        remade: by party and currency, as `statements` makes them from the frozen inputs. Later versions correct words from
            outside and are compared by their first version alone.
    """
    stored = _first_versions(documents_for_period(conn, period_id))
    again = iter(remade)
    have, want = next(stored, None), next(again, None)
    while have is not None or want is not None:
        if want is None or (have is not None and _key(have[0]) < _key(want)):
            assert have is not None
            yield Finding(f"statement {have[0].statement_id}", "it is issued, and nothing in the period explains it")
            have = next(stored, None)
        elif have is None or _key(want) < _key(have[0]):
            yield Finding(f"statement {want.statement_id}", "it follows from the period and was never issued")
            want = next(again, None)
        else:
            if have[1] != statement_json(want):
                yield Finding(
                    f"statement {want.statement_id}", f"made again, it is another document ({_where(have[0], want)})"
                )
            have, want = next(stored, None), next(again, None)


def _first_versions(documents: Iterable[str]) -> Iterator[tuple[Statement, str]]:
    for document in documents:
        statement = parse_statement(document)
        if statement.version == 1:
            yield statement, document


def _key(statement: Statement) -> tuple[str, str]:
    return statement.party_id, statement.currency


def _where(one: Statement, other: Statement) -> str:
    """The fields in which two statements differ."""
    return ", ".join(name for name in Statement.__dataclass_fields__ if getattr(one, name) != getattr(other, name))
