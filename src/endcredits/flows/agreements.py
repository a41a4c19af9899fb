"""What was agreed outside comes in: contracts with parties, and the units by which crews share.

A file is taken whole or not at all, and the same file again changes nothing. An advance is booked in the transaction that
records its contract, so no contract stands without its advance and no advance without its contract. Terms begin after the
last closed day: a statement that was made by other terms is not rewritten.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.engine import Connection

from endcredits.errors import ConflictError, EndcreditsError, InputError, NotFoundError
from endcredits.flows import fact_log
from endcredits.flows.clock import now
from endcredits.flows.parties import party_called
from endcredits.flows.studio import Studio
from endcredits.ids import PartyId, WorkId, plain_id
from endcredits.ledger import post_many
from endcredits.royalties import (
    Contract,
    Units,
    advance_entries,
    all_contracts,
    closed_days,
    current_units,
    read_contracts,
    record_contracts,
    standing_balances,
    state_units,
)
from endcredits.royalties.cells import whole
from endcredits.royalties.forms import Form, Read, all_or_nothing, at_row, read_rows
from endcredits.royalties.units import UNITS_MAX
from endcredits.works import known_works, parties


@dataclass(frozen=True, slots=True)
class AddedContracts:
    """What a file of contracts did.

    Attributes:
        new: contracts or versions that were recorded now.
        already_there: how many were recorded before.
        advances: entries that were booked now.
    """

    new: tuple[Contract, ...]
    already_there: int
    advances: int


@dataclass(frozen=True, slots=True)
class StandingContract:
    """A version of a contract and what stands of its advance.

    Attributes:
        contract: the version.
        payee: the party's name.
        unrecouped_micros: of the contract's advances, what is still to be earned.
    """

    contract: Contract
    payee: str
    unrecouped_micros: int


def add_contracts(studio: Studio, path: str | os.PathLike[str]) -> AddedContracts:
    """Records the contracts of a file, and books their advances.

    Args:
        studio: whose.
        path: TOML, CSV, JSON Lines or Parquet; see `endcredits.royalties.contract_files`.

    Raises:
        InputError: a contract cannot be used; file, number and field are named.
        NotFoundError: a party or work that is not registered.
        ConflictError: terms contradict recorded ones, or begin in days that are closed.
    """
    read = read_contracts(path)
    at = now()

    def work(conn: Connection) -> AddedContracts:
        named = tuple(_named(conn, contract, str(path), row) for row, contract in enumerate(read, 1))
        new = record_contracts(conn, named, at)
        _must_be_open(conn, new, named, str(path))
        booked = post_many(conn, advance_entries(all_contracts(conn)), at)
        return AddedContracts(new, len(set(named)) - len(new), booked)

    return fact_log.write(studio, work)


def _named(conn: Connection, contract: Contract, file: str, row: int) -> Contract:
    """The contract with its party's id, whose party and works are registered."""
    try:
        for work_id in contract.works:
            _must_know(conn, work_id)
        return replace(contract, party_id=party_called(conn, contract.party_id))
    except EndcreditsError as error:
        raise at_row(error, file, row) from error


def _must_be_open(conn: Connection, new: Iterable[Contract], named: tuple[Contract, ...], file: str) -> None:
    last = max((ends_on for _, _, ends_on in closed_days(conn)), default="")
    for contract in new:
        if contract.valid_from <= last:
            following = datetime.date.fromisoformat(last) + datetime.timedelta(days=1)
            raise ConflictError(
                f"terms from {contract.valid_from} on would change periods that are closed up to {last}",
                remedy=f"Let them begin on {following}, the day after.",
                file=file,
                row=named.index(contract) + 1,
                field="valid_from",
            )


def contracts(studio: Studio) -> tuple[StandingContract, ...]:
    """Every version of every contract by id and first day, with what is still to be earned of its advances."""
    with studio.store.reading() as conn:
        unrecouped = standing_balances(conn).unrecouped
        names = {party_id: party.name for party_id, party in parties(conn).items()}
        return tuple(
            StandingContract(
                one,
                names.get(one.party_id, str(one.party_id)),
                unrecouped.get((one.party_id, one.currency, one.contract_id), 0),
            )
            for one in all_contracts(conn)
        )


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of units before its party is looked up: the work, the right, what the party is called, and the units."""

    work_id: WorkId
    right: str
    called: str
    time_units: int
    salary_units: int


def _row(texts: Mapping[str, str], _: str) -> _Row:
    for field in ("time_units", "salary_units"):
        if whole(texts, field) > UNITS_MAX:
            raise InputError(f"{texts[field]} units are absurd", remedy=f"Give 0 to {UNITS_MAX}.", field=field)
    return _Row(
        WorkId(plain_id(texts["work_id"], what="work_id")),
        plain_id(texts["right"], what="right"),
        texts["party"],
        whole(texts, "time_units"),
        whole(texts, "salary_units"),
    )


_UNITS: Form[_Row] = Form(
    kind="units",
    id_field="",
    needed=("work_id", "right", "party", "time_units", "salary_units"),
    others=(),
    numbers=frozenset({"time_units", "salary_units"}),
    make=_row,
)


def add_units(studio: Studio, path: str | os.PathLike[str]) -> tuple[int, int]:
    """Records the crew units of a file; a later statement replaces an earlier one from the next proposed close on.

    Args:
        studio: whose.
        path: CSV, JSON Lines or Parquet with `work_id, right, party, time_units, salary_units`; the party by id or name.

    Returns:
        How many statements are new, and how many rows the file has.

    Raises:
        InputError: the file or a row cannot be used.
        NotFoundError: a work or party is not registered.
    """
    at = now()

    def work(conn: Connection) -> tuple[int, int]:
        stated = _units(conn, read_rows(Path(path), _UNITS, now=at))
        return state_units(conn, stated, at), len(stated)

    return fact_log.write(studio, work)


def _units(conn: Connection, rows: Iterable[Read[_Row]]) -> list[Units]:
    people: dict[str, PartyId] = {}
    seen: set[WorkId] = set()
    stated: dict[tuple[WorkId, str, PartyId], Units] = {}
    for read in rows:
        (one,) = all_or_nothing([read])
        try:
            if one.work_id not in seen:
                _must_know(conn, one.work_id)
                seen.add(one.work_id)
            if one.called not in people:
                people[one.called] = party_called(conn, one.called)
            found = Units(one.work_id, one.right, people[one.called], one.time_units, one.salary_units)
            if stated.setdefault((found.work_id, found.right, found.party_id), found) != found:
                raise ConflictError(
                    f"the units of '{one.called}' on {one.work_id} are stated twice, differently",
                    remedy="Keep one of the two rows.",
                    field="party",
                )
        except EndcreditsError as error:
            raise at_row(error, read.file, read.row) from error
    return list(stated.values())


def _must_know(conn: Connection, work_id: WorkId) -> None:
    if not known_works(conn, [work_id]):
        raise NotFoundError(
            f"there is no work '{work_id}'", remedy="Register it first (endcredits works add).", field="work_id"
        )


def units(studio: Studio) -> tuple[Units, ...]:
    """The latest statement of everybody's units, by work, right and party."""
    with studio.store.reading() as conn:
        return current_units(conn)
