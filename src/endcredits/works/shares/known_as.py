"""The store of everything that others call works and parties by: numbers, other titles, and the files that said so."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.errors import ConflictError
from endcredits.ids import VALIDATORS, PartyId, WorkId
from endcredits.store import insert_records, many
from endcredits.works import share_tables, tables
from endcredits.works.utc import check_time


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
