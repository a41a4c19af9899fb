"""The book of contracts: terms are recorded with the day from which they hold, and never changed.

New terms are a new version of the same contract with a later first day; the older ones still answer for the days before, so
that a period which is closed late is settled by what was agreed then. `in_force` tells which version holds on a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.errors import ConflictError, InputError
from endcredits.ids import PartyId, WorkId
from endcredits.ledger import JournalEntry, Posting, make_entry
from endcredits.royalties.accounts import advance_account, payable_account
from endcredits.royalties.cells import day, utc_time
from endcredits.royalties.contract_files import check_contract
from endcredits.royalties.contract_records import Contract
from endcredits.royalties.contract_tables import contracts as table
from endcredits.royalties.row_log import insert_logged
from endcredits.store import Finding, check_rows, many


def record_contracts(conn: Connection, contracts: Iterable[Contract], at: str) -> tuple[Contract, ...]:
    """Records contracts or new versions of them; what is recorded already is passed over.

    Args:
        conn: inside `Store.write`.
        contracts: in any order.
        at: UTC time of recording.

    Returns:
        Those that are new.

    Raises:
        InputError: a contract is malformed.
        ConflictError: it is recorded with other terms from the same day, a version is older than one that is there, its
            party or currency changed, an advance became smaller, or two contracts would govern the same earnings.
    """
    utc_time(at, field="recorded_at")
    known = list(all_contracts(conn))
    new: list[Contract] = []
    for contract in sorted(contracts, key=lambda one: (one.contract_id, one.valid_from)):
        check_contract(contract)
        if contract in known:
            continue
        _check_versions(contract, [one for one in known if one.contract_id == contract.contract_id])
        known.append(contract)
        new.append(contract)
    _check_scopes(known)
    insert_logged(conn, table, [_row(contract, at) for contract in new])
    return tuple(new)


def all_contracts(conn: Connection) -> tuple[Contract, ...]:
    """Every version of every contract, by id and first day."""
    rows = many(conn, sa.select(table).order_by(table.c.contract_id, table.c.valid_from))
    return tuple(_contract(row) for row in rows)


def in_force(contracts: Iterable[Contract], on: str) -> tuple[Contract, ...]:
    """The versions that hold on a day, by contract.

    Args:
        contracts: any versions, in any order.
        on: the day, YYYY-MM-DD.

    Raises:
        InputError: `on` is not a day.
    """
    day(on, field="on")
    latest: dict[str, Contract] = {}
    for one in sorted(contracts, key=lambda one: one.valid_from):
        if one.valid_from <= on:
            latest[one.contract_id] = one
    return tuple(latest[key] for key in sorted(latest) if not latest[key].valid_to or on <= latest[key].valid_to)


def contracts_on(conn: Connection, on: str) -> tuple[Contract, ...]:
    """The contracts in force on a day, by id."""
    return in_force(all_contracts(conn), on)


def advance_entry(contract: Contract, before: Contract | None = None) -> JournalEntry | None:
    """The journal entry of an advance: it is owed to the party at once, and the party owes it to be earned.

    The payable part leaves with the next payout; the debit on the contract's advance account is what `settle` recoups.

    Args:
        contract: a version.
        before: the version before it, whose advance is booked already.

    Returns:
        The entry, dated on the version's first day, with a key of its own so that it is posted once; None where nothing is
        advanced (more).
    """
    amount = contract.advance_micros - (before.advance_micros if before else 0)
    if not amount:
        return None
    return make_entry(
        f"advance:{contract.contract_id}:{contract.valid_from}",
        contract.valid_from,
        f"Advance under contract {contract.contract_id}",
        [
            Posting(advance_account(contract.party_id, contract.contract_id), amount, contract.currency),
            Posting(payable_account(contract.party_id), -amount, contract.currency),
        ],
    )


def advance_entries(contracts: Iterable[Contract]) -> tuple[JournalEntry, ...]:
    """The entries of all advances of all versions, by contract and first day; each may be posted again without harm."""
    entries = []
    before: Contract | None = None
    for contract in sorted(contracts, key=lambda one: (one.contract_id, one.valid_from)):
        same = before is not None and before.contract_id == contract.contract_id
        entry = advance_entry(contract, before if same else None)
        if entry is not None:
            entries.append(entry)
        before = contract
    return tuple(entries)


def check_contracts(conn: Connection) -> list[Finding]:
    """That rows fit their digests, are contracts, and do not govern the same earnings."""
    findings = check_rows(conn, table)
    for contract in all_contracts(conn):
        try:
            check_contract(contract)
        except InputError as error:
            findings.append(Finding(f"contract {contract.contract_id} of {contract.valid_from}", error.message))
    try:
        _check_scopes(all_contracts(conn))
    except ConflictError as error:
        findings.append(Finding("contracts", error.message))
    return findings


def _check_versions(contract: Contract, others: Sequence[Contract]) -> None:
    for other in others:
        if contract.valid_from <= other.valid_from:
            raise ConflictError(
                f"the contract '{contract.contract_id}' is recorded with other terms from {other.valid_from} on",
                remedy="New terms begin on a later day; what held before is never changed.",
                field="valid_from",
            )
        for key in ("party_id", "currency"):
            if getattr(contract, key) != getattr(other, key):
                raise ConflictError(
                    f"the contract '{contract.contract_id}' is with {other.party_id} in {other.currency}",
                    remedy="Record another party or currency as a contract of its own.",
                    field=key,
                )
        if contract.advance_micros < other.advance_micros:
            raise ConflictError(
                f"the contract '{contract.contract_id}' has advanced more already ({other.advance_micros} micros)",
                remedy="An advance that was paid cannot shrink; state all advances so far.",
                field="advance",
            )


def _check_scopes(contracts: Iterable[Contract]) -> None:
    """No two contracts of a party and currency govern the same work on any day."""
    of_payee: dict[tuple[str, str], list[Contract]] = {}
    for contract in contracts:
        of_payee.setdefault((contract.party_id, contract.currency), []).append(contract)
    for versions in of_payee.values():
        # An overlap begins on the first day of a version.
        for on in sorted({one.valid_from for one in versions}):
            taken: dict[str, str] = {}
            for contract in in_force(versions, on):
                for work_id in contract.works or ("",):
                    _check_scope(contract, work_id, taken.setdefault(work_id, contract.contract_id), on)


def _check_scope(contract: Contract, work_id: str, taken_by: str, on: str) -> None:
    if taken_by != contract.contract_id:
        what = f"the work {work_id}" if work_id else "all works"
        raise ConflictError(
            f"'{taken_by}' and '{contract.contract_id}' both govern {what} of {contract.party_id} on {on}",
            remedy="Name different works, or end one of them the day before.",
            field="works",
        )


def _row(contract: Contract, at: str) -> dict[str, object]:
    return {
        "contract_id": contract.contract_id,
        "valid_from": contract.valid_from,
        "valid_to": contract.valid_to,
        "party_id": contract.party_id,
        "currency": contract.currency,
        "advance_micros": contract.advance_micros,
        "recoup_ppb": contract.recoup_ppb,
        "cross_group": contract.cross_group,
        "reserve_ppb": contract.reserve_ppb,
        "reserve_days": contract.reserve_days,
        "guarantee_micros": contract.guarantee_micros,
        "term_order": ";".join(contract.order),
        "works": ";".join(contract.works),
        "source": contract.source,
        "recorded_at": at,
    }


def _contract(row: Mapping[str, Any]) -> Contract:
    values = {key: value for key, value in row.items() if key not in ("digest", "recorded_at", "term_order", "works")}
    values["party_id"] = PartyId(row["party_id"])
    works = tuple(WorkId(work) for work in row["works"].split(";") if work)
    return Contract(**values, order=tuple(row["term_order"].split(";")), works=works)
