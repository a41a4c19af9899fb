"""The store of split sheets, of who accepted them, and of funds; and the check of all that stands in these tables."""

from __future__ import annotations

import json
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.canonical import canonical_bytes
from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.ids import PartyId, WorkId
from endcredits.money import PPB
from endcredits.store import Finding, check_rows, insert_records, many
from endcredits.works import share_tables, tables
from endcredits.works.shares.funds import FundShare, check_fund, circle_in, members_on
from endcredits.works.shares.sheets import Acceptance, Sheet, SheetLine, SheetState, checked, states


def fund_shares(conn: Connection) -> tuple[FundShare, ...]:
    """All sets of all funds, by fund, day and member."""
    found = [
        FundShare(PartyId(row["fund_id"]), PartyId(row["party_id"]), row["share_ppb"], row["valid_from"])
        for row in many(conn, sa.select(share_tables.fund_shares))
    ]
    return tuple(sorted(found, key=lambda one: (one.fund_id, one.valid_from, one.party_id)))


def set_fund(conn: Connection, shares: Sequence[FundShare]) -> tuple[FundShare, ...]:
    """Adds a dated set of a fund's members.

    Raises:
        InputError: it cannot be divided by, or funds would pay each other in a circle; see `funds.check_fund`.
        NotFoundError: no such party.
        ConflictError: the fund has another set from that day; the same set again changes nothing.
    """
    names = {PartyId(one): name for one, name in conn.execute(sa.select(tables.parties.c.party_id, tables.parties.c.name))}
    for party in {one for share in shares for one in (share.fund_id, share.party_id)}:
        if party not in names:
            raise NotFoundError(f"there is no party '{party}'", remedy="See: endcredits works parties.", field="party_id")
    known = fund_shares(conn)
    ordered = tuple(sorted(shares, key=lambda one: one.party_id))
    first = [(one.fund_id, one.valid_from) for one in shares[:1]]
    there = tuple(one for one in known if [(one.fund_id, one.valid_from)] == first)
    if there and there == ordered:
        return there
    check_fund(shares, [one for one in known if one not in there], names)
    if there:
        raise ConflictError(
            f"{names[shares[0].fund_id]} has members from {shares[0].valid_from} on already",
            remedy="A set is never edited: give the new one a later first day.",
            field="valid_from",
        )
    fields = ("fund_id", "party_id", "share_ppb", "valid_from")
    insert_records(conn, share_tables.fund_shares, [{name: getattr(one, name) for name in fields} for one in ordered])
    return ordered


def sheets(conn: Connection) -> tuple[Sheet, ...]:
    """All sheets ever proposed, by work, right, territory and number."""
    found = []
    for row in many(conn, sa.select(share_tables.split_sheets)):
        lines = tuple(SheetLine(**line) for line in json.loads(row["lines"]))
        plain = {name: row[name] for name in ("territory", "valid_from", "number", "proposed_by", "proposed_at", "sheet_id")}
        found.append(Sheet(WorkId(row["work_id"]), row["right_name"], lines=lines, **plain))
    return tuple(sorted(found, key=lambda one: (one.work_id, one.right, one.territory, one.number)))


def acceptances(conn: Connection) -> tuple[Acceptance, ...]:
    """All acceptances."""
    columns = [column for column in share_tables.sheet_acceptances.columns if column.name != "digest"]
    return tuple(Acceptance(**row) for row in many(conn, sa.select(*columns)))


def sheet_states(conn: Connection) -> dict[str, SheetState]:
    """Where every sheet stands, by id."""
    return states(sheets(conn), acceptances(conn))


def add_sheet(conn: Connection, sheet: Sheet) -> None:
    """Keeps a proposed sheet."""
    fields = ("sheet_id", "work_id", "territory", "valid_from", "number", "proposed_by", "proposed_at")
    row = {name: getattr(sheet, name) for name in fields}
    lines = canonical_bytes(list(sheet.lines)).decode()
    insert_records(conn, share_tables.split_sheets, [{**row, "right_name": sheet.right, "lines": lines}])


def add_acceptance(conn: Connection, one: Acceptance) -> None:
    """Keeps a yes."""
    insert_records(conn, share_tables.sheet_acceptances, [{name: getattr(one, name) for name in one.__dataclass_fields__}])


def check_shares(conn: Connection) -> list[Finding]:
    """Recomputes what stands in these tables: digests of rows, ids of sheets, sums and circles of funds."""
    found = [finding for table in share_tables.ALL for finding in check_rows(conn, table)]
    for sheet in sheets(conn):
        where = f"split sheet {sheet.sheet_id}"
        try:
            if checked(sheet) != sheet:
                found.append(Finding(where, "what it says does not fit its id"))
        except InputError as error:
            found.append(Finding(where, f"it cannot be a sheet: {error.message}"))
    known = {sheet.sheet_id: sheet for sheet in sheets(conn)}
    for state in states(known.values(), acceptances(conn)).values():
        given = sum(1 for one in acceptances(conn) if one.sheet_id == state.sheet.sheet_id)
        if given != len(state.accepted):
            found.append(Finding(f"split sheet {state.sheet.sheet_id}", "somebody accepted other words, or is not on it"))
    shares = fund_shares(conn)
    for day in sorted({one.valid_from for one in shares}):
        members = members_on(shares, day)
        for fund in sorted({one.fund_id for one in shares if one.valid_from == day}):
            if sum(members[fund].values()) != PPB:
                found.append(Finding(f"fund {fund}", f"its portions from {day} do not sum to the whole"))
        if circle := circle_in(members):
            found.append(Finding(f"fund {circle[0]}", f"funds pay each other in a circle on {day}: {' -> '.join(circle)}"))
    return found
