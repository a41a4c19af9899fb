"""Split sheets, funds and units on the desk of an archive: the creator's own line and yes, and where the whole stands.

A sheet is an agreement of several people. The creator's own line leaves with it, and how the others are credited; their
shares and their yes are theirs. Of a fund that pays the creator its name and the creator's portion leave.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Connection

from endcredits.flows.exporting_desk import Desk
from endcredits.royalties.units import current_units
from endcredits.works import Party, parties
from endcredits.works.shares.sheet_book import fund_shares, sheet_states


def lay_out_shares(conn: Connection, desk: Desk, party: Party) -> None:
    """Lays out the sheets that name the creator, and the funds that pay them."""
    rows = desk.rows("works/sheets.json")
    for state in sheet_states(conn).values():
        if any(line.party_id == party.party_id for line in state.sheet.lines):
            rows.add(_sheet(state, party))
    own = [one for one in fund_shares(conn) if one.party_id == party.party_id]
    known = parties(conn) if own else {}
    funds = desk.rows("works/funds.json")
    for one in own:
        funds.add({"fund": known[one.fund_id].name, "share_ppb": one.share_ppb, "valid_from": one.valid_from})
    units = desk.rows("works/units.json")
    for unit in current_units(conn):
        if unit.party_id == party.party_id:
            units.add(unit)


def _sheet(state: Any, party: Party) -> dict[str, Any]:
    sheet = state.sheet
    return {
        "sheet_id": sheet.sheet_id,
        "work_id": sheet.work_id,
        "right": sheet.right,
        "territory": sheet.territory,
        "valid_from": sheet.valid_from,
        "number": sheet.number,
        "proposed_at": sheet.proposed_at,
        "state": state.state,
        "own_lines": [
            {"role": line.role, "display_credit": line.display_credit, "share_ppb": line.share_ppb}
            for line in sheet.lines
            if line.party_id == party.party_id
        ],
        "others": [line.display_credit for line in sheet.lines if line.party_id != party.party_id],
        "accepted_at": [one.accepted_at for one in state.accepted if one.party_id == party.party_id],
    }
