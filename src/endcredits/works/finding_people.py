"""Finding parties and their works by names, ids and standard identifiers, as people write them.

Who is meant by a name is asked of the registry, of what others call its parties (`shares.known_as`), and of the words that
stand on the screen of a work, which may be other ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.errors import InputError
from endcredits.ids import VALIDATORS, PartyId, WorkId
from endcredits.works import share_tables, tables
from endcredits.works.finding import parts_of
from endcredits.works.names import party_key

OF_WORKS = ("isbn", "isrc", "iswc", "eidr")
"""Identifiers that works have."""
OF_PEOPLE = ("isni", "orcid", "ipi")
"""Identifiers that people have; an ORCID iD is an ISNI of a block of its own, and means the same person."""


def people_called(conn: Connection, name: str) -> list[tuple[PartyId, str]]:
    """The parties that somebody means: (id, what fits: "id", "name" or the scheme of an identifier), by id.

    Args:
        conn: any connection.
        name: an id, a name (case and spaces do not count), or an ISNI, ORCID iD or IPI name number, as it is or after its
            scheme ("isni:0000 0001 2281 955X").

    Raises:
        InputError: it is empty, or it can only be an identifier and its check digits do not fit.
    """
    if not name.strip():
        raise InputError("no name was given", remedy="Give a name, an id or an identifier.", field="--name")
    try:
        numbers, wrong = identifiers_in(name), None
    except InputError as error:
        numbers, wrong = set(), error  # unless somebody is called so
    key, table, found = party_key(name), tables.parties.c, {}
    for party_id, own, identifiers in conn.execute(sa.select(table.party_id, table.name, table.identifiers)):
        scheme = next((one for one, value in json.loads(identifiers) if (one, _same_block(value)) in numbers), "")
        fits = "id" if party_id == name else "name" if party_key(own) == key else scheme
        if fits:
            found[PartyId(party_id)] = fits
    known_as = share_tables.party_identifiers.c
    written = {value for _, value in numbers} | {_with_hyphens(value) for _, value in numbers}
    for some in parts_of(written):
        rows = conn.execute(sa.select(known_as.party_id, known_as.scheme, known_as.value).where(known_as.value.in_(some)))
        for party_id, scheme, value in rows:
            if (scheme, _same_block(value)) in numbers:
                found.setdefault(PartyId(party_id), scheme)
    if wrong is not None and not found:
        raise wrong
    return sorted(found.items())


def identifiers_in(text: str) -> set[tuple[str, str]]:
    """What a text may be as an identifier of a person: (scheme, number); empty where it is a name.

    >>> sorted(identifiers_in("0000-0002-1825-0097"))
    [('isni', '0000000218250097'), ('orcid', '0000000218250097')]

    Raises:
        InputError: it can only be an identifier, and its check digits do not fit.
    """
    named = re.fullmatch(r"\s*(isni|orcid|ipi)\s*:\s*(.+)", text, re.IGNORECASE | re.DOTALL)
    schemes = (named[1].lower(),) if named else OF_PEOPLE
    number = named[2] if named else text
    compact = re.sub(r"^\s*https?://(?:orcid\.org|isni\.org/isni)/|[\s.-]", "", number)
    if named is None and not re.fullmatch(r"[0-9]{8,15}[0-9Xx]", compact):
        return set()
    found = set()
    for scheme in schemes:
        try:
            found.add((scheme, _same_block(VALIDATORS[scheme](compact))))
        except InputError:
            continue
    if not found:
        raise InputError(
            f"'{text[:60]}' is no ISNI, ORCID iD or IPI name number: its check digits do not fit",
            remedy="Check the number against its source, or give the name.",
            field="--name",
        )
    if {scheme for scheme, _ in found} & {"isni", "orcid"}:
        found |= {(scheme, value) for _, value in found if len(value) == 16 for scheme in ("isni", "orcid")}
    return found


def _same_block(value: str) -> str:
    return value.replace("-", "")


def _with_hyphens(value: str) -> str:
    """As an ORCID iD is kept."""
    return "-".join(value[place : place + 4] for place in range(0, len(value), 4))


def works_numbered(conn: Connection, text: str) -> dict[WorkId, str]:
    """The works that somebody knows by a standard number (ISBN, ISRC, ISWC, EIDR), each with the number's scheme.

    Args:
        conn: any connection.
        text: the number, as it is or after its scheme ("iswc:T-034.524.680-1"); what is none finds nothing.
    """
    table = share_tables.work_identifiers.c
    named, _, rest = text.strip().partition(":")
    found: dict[WorkId, str] = {}
    for scheme in OF_WORKS:
        try:
            value = VALIDATORS[scheme](rest if named.lower() == scheme else text)
        except InputError:
            continue
        for work_id in conn.scalars(sa.select(table.work_id).where(table.scheme == scheme, table.value == value)):
            found[WorkId(work_id)] = scheme
    return dict(sorted(found.items()))


def funds_of(conn: Connection, party_id: str) -> set[PartyId]:
    """The funds that pass money on to a party, directly or through other funds, on whatever day."""
    table = share_tables.fund_shares.c
    found: set[PartyId] = set()
    wanted = {party_id}
    while wanted:
        rows = conn.scalars(sa.select(table.fund_id).where(table.party_id.in_(sorted(wanted)))).all()
        wanted = {one for one in rows if one not in found}
        found |= {PartyId(one) for one in wanted}
    return found


def names_of(conn: Connection, party_ids: Iterable[str]) -> dict[PartyId, str]:
    """The names of those parties that are registered."""
    table = tables.parties.c
    found: dict[PartyId, str] = {}
    for some in parts_of(set(party_ids)):
        rows = conn.execute(sa.select(table.party_id, table.name).where(table.party_id.in_(some)))
        found.update({PartyId(row.party_id): row.name for row in rows})
    return found


def works_of(conn: Connection, party_ids: Iterable[str]) -> set[WorkId]:
    """The works that credit some parties, or in which they own a part."""
    found: set[WorkId] = set()
    for some in parts_of(set(party_ids)):
        for table in (tables.credits.c, tables.splits.c, share_tables.added_credits.c):
            found.update(map(WorkId, conn.scalars(sa.select(table.work_id).where(table.party_id.in_(some)))))
    return found


def works_crediting(conn: Connection, name: str) -> dict[WorkId, set[PartyId]]:
    """The works on whose screen a name stands, with whom it means there; it may be another than the party's own."""
    key = party_key(name)
    found: dict[WorkId, set[PartyId]] = {}
    for table in (tables.credits.c, share_tables.added_credits.c):
        words = conn.scalars(sa.select(table.display_credit).distinct())
        for some in parts_of({one for one in words if party_key(one) == key}):
            rows = conn.execute(sa.select(table.work_id, table.party_id).where(table.display_credit.in_(some)))
            for work_id, party_id in rows:
                found.setdefault(WorkId(work_id), set()).add(PartyId(party_id))
    return found
