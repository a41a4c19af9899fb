"""The store of funds, sheets, identifiers, titles and later credits: rows that are only ever added.

Parties of imports and sheets may be new to the registry; they are added here, and a work that a society's file names before
anybody brought its files is registered without any. Such a work earns nothing until a work with files is found to be it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.canonical import canonical_bytes, digest
from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.ids import VALIDATORS, PartyId, WorkId
from endcredits.store import Finding, check_rows, insert_records, many
from endcredits.works import share_tables, tables
from endcredits.works.names import clean_name
from endcredits.works.records import Credit, Party, Split
from endcredits.works.shares.agreeing import NOT_AGREED, NOT_AGREED_NAME
from endcredits.works.shares.funds import FundShare, check_fund, circle_in, members_on
from endcredits.works.shares.sheets import Acceptance, Sheet, SheetLine, SheetState, checked, states
from endcredits.works.splits import check_splits
from endcredits.works.utc import check_time

ROLE_LENGTH_MAX = 100


@dataclass(frozen=True, slots=True)
class WorkIdentifier:
    """A number by which others know a work.

    Attributes:
        scheme: "iswc", "isrc", ... (checked by its check digit), or "submitter:<who>" for somebody's own numbers.
        value: in compact form.
        work_id: the work.
        asserted_by: who says that it is this work's, in words.
    """

    scheme: str
    value: str
    work_id: WorkId
    asserted_by: str


def add_parties(conn: Connection, parties: Iterable[Party]) -> tuple[PartyId, ...]:
    """Adds parties that the registry does not have yet. Returns their ids.

    Raises:
        InputError: a name that cannot be kept.
    """
    wanted = {party.party_id: party for party in parties}
    known = set(conn.scalars(sa.select(tables.parties.c.party_id)))
    new = [party for party_id, party in sorted(wanted.items()) if party_id not in known]
    insert_records(
        conn,
        tables.parties,
        [
            {
                "party_id": party.party_id,
                "name": clean_name(party.name),
                "kind": party.kind,
                "identifiers": canonical_bytes(party.identifiers).decode(),
            }
            for party in new
        ],
    )
    insert_records(conn, share_tables.added_parties, [{"party_id": party.party_id} for party in new])
    return tuple(party.party_id for party in new)


def add_nobody(conn: Connection) -> None:
    """Makes sure that splits can name what is not agreed."""
    add_parties(conn, [Party(NOT_AGREED, NOT_AGREED_NAME, "unknown")])


def no_content_sha256(work_id: WorkId) -> str:
    """What stands for the content of a work that has no files; no two works share it."""
    return digest({"no_content_of": work_id})


@dataclass(frozen=True, slots=True)
class BareWork:
    """A work that has no files.

    Attributes:
        work_id: a new id.
        title: as published.
        credits: who made it; their parties are registered.
    """

    work_id: WorkId
    title: str
    credits: tuple[Credit, ...]


def add_works(conn: Connection, bare: Sequence[BareWork], at: str) -> None:
    """Registers works that have no files.

    Raises:
        ConflictError: an id is taken.
        InputError: the time is none.
    """
    check_time(at, field="registered_at")
    known = set(conn.scalars(sa.select(tables.works.c.work_id)))
    rows: list[dict[str, object]] = []
    credits: list[dict[str, object]] = []
    for work in bare:
        if work.work_id in known:
            raise ConflictError(f"there is a work '{work.work_id}' already", remedy="Give another id.", field="work_id")
        known.add(work.work_id)
        content = no_content_sha256(work.work_id)
        rows.append({"work_id": work.work_id, "title": work.title, "content_sha256": content, "registered_at": at})
        for credit in work.credits:
            place = {"work_id": work.work_id, "position": credit.position, "party_id": credit.party_id}
            credits.append({**place, "role": credit.role[:ROLE_LENGTH_MAX], "display_credit": credit.display_credit})
    insert_records(conn, tables.works, rows)
    insert_records(conn, tables.credits, credits)


def add_work(conn: Connection, work_id: WorkId, title: str, credits: Sequence[Credit], at: str) -> None:
    """Registers one work that has no files; see `add_works`."""
    add_works(conn, [BareWork(work_id, title, tuple(credits))], at)


def identify(conn: Connection, identifiers: Iterable[WorkIdentifier]) -> int:
    """Keeps what numbers works have; what is known already is not kept again. Returns how many are new.

    Raises:
        InputError: a number that its check digit refuses.
    """
    table = share_tables.work_identifiers
    known = {tuple(row) for row in conn.execute(sa.select(table.c.scheme, table.c.value, table.c.work_id))}
    rows: dict[tuple[str, str, str], dict[str, object]] = {}
    for one in identifiers:
        value = VALIDATORS[one.scheme](one.value) if one.scheme in VALIDATORS else one.value
        key = (one.scheme, value, str(one.work_id))
        if key not in known:
            rows[key] = {"scheme": key[0], "value": key[1], "work_id": key[2], "asserted_by": one.asserted_by}
    return insert_records(conn, table, [rows[key] for key in sorted(rows)])


def identifiers(conn: Connection) -> tuple[WorkIdentifier, ...]:
    """All numbers of works, by scheme, value and work."""
    columns = [column for column in share_tables.work_identifiers.columns if column.name != "digest"]
    found = [WorkIdentifier(**row) for row in many(conn, sa.select(*columns))]
    return tuple(sorted(found, key=lambda one: (one.scheme, one.value, one.work_id)))


def identify_parties(conn: Connection, known_as: Iterable[tuple[str, str, PartyId]], asserted_by: str) -> int:
    """Keeps numbers (scheme, value, party) by which parties are known besides those in their id. Returns how many are new.

    Raises:
        InputError: a number that its check digit refuses.
        ConflictError: it is another party's.
    """
    table = share_tables.party_identifiers
    held = {(scheme, value): party for scheme, value, party in conn.execute(sa.select(*table.columns[:3]))}
    rows = []
    for scheme, given, party_id in known_as:
        value = VALIDATORS[scheme](given)
        if held.setdefault((scheme, value), party_id) != party_id:
            raise ConflictError(
                f"the {scheme} {value} is of '{held[scheme, value]}'",
                remedy="Check the number against its source.",
                field=scheme,
            )
        rows.append({"scheme": scheme, "value": value, "party_id": party_id, "asserted_by": asserted_by})
    there = {(scheme, value) for scheme, value in conn.execute(sa.select(table.c.scheme, table.c.value))}
    new = {(row["scheme"], row["value"]): row for row in rows if (row["scheme"], row["value"]) not in there}
    return insert_records(conn, table, [new[key] for key in sorted(new)])


def parties_by_number(conn: Connection) -> dict[tuple[str, str], PartyId]:
    """Parties by every number that they are known by: (scheme, value) -> party."""
    table = share_tables.party_identifiers
    found = {
        (scheme, value): PartyId(party_id)
        for scheme, value, party_id in conn.execute(sa.select(table.c.scheme, table.c.value, table.c.party_id))
    }
    for party_id, text in conn.execute(sa.select(tables.parties.c.party_id, tables.parties.c.identifiers)):
        found |= {(scheme, value): PartyId(party_id) for scheme, value in json.loads(text)}
    return found


def add_sets(conn: Connection, sets: Mapping[WorkId, Sequence[Split]]) -> int:
    """Adds sets of splits of many works at once; parties are there, and no set of a day is there twice.

    Returns:
        How many rows were added.

    Raises:
        InputError: a set that does not sum to one whole, or is none; see `splits.check_splits`.
    """
    rows: list[dict[str, object]] = []
    for work_id, splits in sorted(sets.items()):
        for group in check_splits(splits, f"'{work_id}'").values():
            for split in group:
                place = {"work_id": work_id, "right_name": split.right, "territory": split.territory}
                rows.append(
                    {**place, "valid_from": split.valid_from, "party_id": split.party_id, "split_ppb": split.split_ppb}
                )
    return insert_records(conn, tables.splits, rows)


def add_titles(conn: Connection, titles: Iterable[tuple[WorkId, str]], asserted_by: str) -> int:
    """Keeps other titles of works. Returns how many are new."""
    table = share_tables.work_titles
    known = {(work_id, title) for work_id, title in conn.execute(sa.select(table.c.work_id, table.c.title))}
    new = sorted({(work_id, title[:400]) for work_id, title in titles} - known)
    return insert_records(
        conn, table, [{"work_id": work, "title": title, "asserted_by": asserted_by} for work, title in new]
    )


def other_titles(conn: Connection) -> dict[WorkId, tuple[str, ...]]:
    """Other titles, by work."""
    table = share_tables.work_titles
    found: dict[WorkId, list[str]] = {}
    for work_id, title in conn.execute(sa.select(table.c.work_id, table.c.title).order_by(table.c.work_id, table.c.title)):
        found.setdefault(WorkId(work_id), []).append(title)
    return {work_id: tuple(own) for work_id, own in found.items()}


def credits_of(conn: Connection, work_id: WorkId) -> tuple[Credit, ...]:
    """Everybody who made a work, as registered and as added since, in display order."""
    rows: list[Mapping[str, Any]] = []
    for table in (tables.credits, share_tables.added_credits):
        rows += many(conn, sa.select(table).where(table.c.work_id == work_id).order_by(table.c.position))
    return tuple(
        Credit(PartyId(row["party_id"]), row["role"], row["display_credit"], number) for number, row in enumerate(rows, 1)
    )


def add_credits(conn: Connection, work_id: WorkId, credits: Iterable[tuple[PartyId, str, str]], asserted_by: str) -> int:
    """Adds credits (party, role, words) that a work does not have; the same party in the same role is there already.

    Returns:
        How many are new.
    """
    known = credits_of(conn, work_id)
    held = {(one.party_id, one.role.casefold()) for one in known}
    rows = []
    for party_id, role, words in credits:
        key = (party_id, role[:ROLE_LENGTH_MAX].casefold())
        if key in held:
            continue
        held.add(key)
        place = {"work_id": work_id, "position": len(held), "party_id": party_id}
        rows.append({**place, "role": role[:ROLE_LENGTH_MAX], "display_credit": words, "asserted_by": asserted_by})
    taken = conn.scalar(
        sa.select(sa.func.coalesce(sa.func.max(share_tables.added_credits.c.position), 0)).where(
            share_tables.added_credits.c.work_id == work_id
        )
    )
    for number, row in enumerate(rows, int(taken or 0) + 1):
        row["position"] = number
    return insert_records(conn, share_tables.added_credits, rows)


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


def add_import(conn: Connection, *, sha256: str, form: str, label: str, size_bytes: int, records: int, at: str) -> bool:
    """Keeps that a file was imported, once. Returns whether it is new."""
    table = share_tables.share_imports
    there = sa.select(table.c.sha256).where(table.c.sha256 == sha256, table.c.form == form)
    if many(conn, there):
        return False
    row = {"sha256": sha256, "form": form, "label": label, "size_bytes": size_bytes, "records": records}
    insert_records(conn, table, [{**row, "imported_at": check_time(at, field="imported_at")}])
    return True


def imported_files(conn: Connection) -> tuple[str, ...]:
    """SHA-256 of every imported file, sorted."""
    return tuple(sorted(set(conn.scalars(sa.select(share_tables.share_imports.c.sha256)))))


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
            if sum(members[fund].values()) != 1_000_000_000:
                found.append(Finding(f"fund {fund}", f"its portions from {day} do not sum to the whole"))
        if circle := circle_in(members):
            found.append(Finding(f"fund {circle[0]}", f"funds pay each other in a circle on {day}: {' -> '.join(circle)}"))
    return found
