"""Who gets released money, and which part: as an operator names them, or as the registry has them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.engine import Connection

from endcredits.errors import InputError
from endcredits.flows.parties import party_called
from endcredits.ids import PartyId, WorkId
from endcredits.works import splits_at, works
from endcredits.works.shares import NOT_AGREED, members_on, through
from endcredits.works.shares.sheet_book import fund_shares


def portions_of(conn: Connection, named: Sequence[tuple[str, int]]) -> dict[PartyId, int]:
    """Portions in ppb by party, from portions by what people call the parties.

    Raises:
        NotFoundError: no such party.
        InputError: a party stands twice, or a name is several parties'.
    """
    found: dict[PartyId, int] = {}
    for called, ppb in named:
        party_id = party_called(conn, called)
        if party_id in found:
            raise InputError(f"'{called}' is named twice", remedy="Name each party once.", field="--to")
        found[party_id] = ppb
    return found


def registered_portions(conn: Connection, work_id: WorkId, on: str) -> dict[PartyId, int]:
    """The splits of a work in force on a day, where they are the same for every right and territory.

    Money that waits on one account was earned under all of them together, so where they differ a person has to say.

    Raises:
        InputError: nobody is registered for the work, or its splits differ by right or territory.
    """
    work = next((one for one in works(conn) if one.work_id == work_id), None)
    kinds = sorted({(split.right, split.territory) for split in work.splits}) if work is not None else []
    sets = [splits_at(work, right, territory, on) for right, territory in kinds if work is not None]
    found = {frozenset((split.party_id, split.split_ppb) for split in one) for one in sets if one}
    if len(found) != 1:
        problem = "has no makers yet" if not found else "is split differently by right or territory"
        raise InputError(f"the work {work_id} {problem}", remedy='Say who is paid: --to "NAME=60%", repeated.', field="--to")
    portions = dict(found.pop())
    if NOT_AGREED in portions:
        raise InputError(
            f"a part of the work {work_id} is nobody's yet",
            remedy='Say who is paid: --to "NAME=60%", repeated.',
            field="--to",
        )
    divided = through({str(one): ppb for one, ppb in portions.items()}, members_on(fund_shares(conn), on))
    return {PartyId(one): ppb for one, ppb in sorted(divided.items())}
