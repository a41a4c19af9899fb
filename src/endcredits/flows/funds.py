"""Members of a fund, from a day on which no closed period depends, and who is paid through it in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.errors import ConflictError, NotFoundError
from endcredits.flows import fact_log
from endcredits.flows.clock import now
from endcredits.flows.holdings import last_closed_day, must_begin_after
from endcredits.flows.parties import party_called
from endcredits.flows.studio import Studio
from endcredits.ids import PartyId
from endcredits.money import PPB
from endcredits.works import Party, parties, party_id_of, share_tables, tables
from endcredits.works.likeness.people import people as people_of
from endcredits.works.names import clean_name
from endcredits.works.shares import FundShare, members_on, through
from endcredits.works.shares.book import add_parties
from endcredits.works.shares.roles import role_code
from endcredits.works.shares.sheet_book import fund_shares, set_fund, sheets
from endcredits.works.shares.sheets import GIVES_UP

ROLES_OF_FUNDS = ("Fund", GIVES_UP)
"""As what a fund may stand among the people of a work."""


def set_members(
    studio: Studio, called: str, members: Sequence[tuple[str, int]], *, valid_from: str
) -> tuple[FundShare, ...]:
    """Records who shares a fund from a day on; names that nobody has yet are new parties.

    Args:
        studio: whose.
        called: the fund's id or name.
        members: (name or id, parts per billion), 1,000,000,000 together; a member may be a fund.
        valid_from: first day, after the last closed one.

    Raises:
        InputError: the portions do not sum to one whole, or funds would pay each other in a circle, which is named.
        ConflictError: the fund has another set from that day on, or the day is closed; or the fund is a
            person, or somebody who made a work: what they earn is theirs, and goes elsewhere by a sheet that they accept.
    """

    def work(conn: Connection) -> tuple[FundShare, ...]:
        fund = _party(conn, called, "body")
        shares = [FundShare(fund, _party(conn, one, "unknown"), ppb, valid_from) for one, ppb in members]
        _no_person(conn, fund)
        must_begin_after(last_closed_day(conn), valid_from, "members of a fund")
        return set_fund(conn, shares)

    return fact_log.write(studio, work)


def _party(conn: Connection, called: str, kind: str) -> PartyId:
    try:
        return party_called(conn, called)
    except NotFoundError:
        if ":" in called and " " not in called.strip():
            raise  # it was meant as an id
    name = clean_name(called)
    add_parties(conn, [Party(party_id_of(name), name, kind)])
    return party_id_of(name)


def _no_person(conn: Connection, fund: PartyId) -> None:
    """Refuses to make a fund of somebody who is paid for what they did: nobody's money goes elsewhere without a yes."""
    party = parties(conn)[fund]
    why = "is a person" if party.kind == "person" or fund in people_of(conn) else ""
    for table in (tables.credits, share_tables.added_credits):
        for role in conn.scalars(sa.select(table.c.role).where(table.c.party_id == fund)):
            why = why or ("" if role_code(role) in ROLES_OF_FUNDS else f"is credited as {role}")
    for sheet in () if why else sheets(conn):
        for line in sheet.lines:
            if line.party_id == fund and line.role not in ROLES_OF_FUNDS:
                why = f"stands on the sheet {sheet.sheet_id} as {line.role}"
    if why:
        raise ConflictError(
            f"'{party.name}' {why}, and so can be no fund",
            remedy="Give the fund a name of its own, and propose a sheet on which they share with it.",
            field="FUND",
        )


@dataclass(frozen=True, slots=True)
class Fund:
    """A fund on a day.

    Attributes:
        fund_id: a party.
        name: of it.
        members: portions by member, in parts per billion.
        reached: whom its money reaches in the end, in parts per billion: members of members stand in their place.
    """

    fund_id: PartyId
    name: str
    members: Mapping[str, int]
    reached: Mapping[str, int]


def funds(studio: Studio, day: str = "") -> tuple[tuple[Fund, ...], Mapping[PartyId, str]]:
    """All funds that have members on a day (today by default), by id, and the names of parties."""
    with studio.store.reading() as conn:
        members = members_on(fund_shares(conn), day or now()[:10])
        names = {party_id: party.name for party_id, party in parties(conn).items()}
    found = [Fund(PartyId(one), names[PartyId(one)], own, through({one: PPB}, members)) for one, own in members.items()]
    return tuple(sorted(found, key=lambda fund: fund.fund_id)), names
