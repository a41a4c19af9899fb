"""Time and salary units: how film crews share what a work earns again.

Everybody who worked on a film gets units for the time worked and units for the salary, and their part is their units over
all units (SAG-AFTRA residuals share so). Units are stated per work, right and party; a later statement replaces an earlier
one, which stays on record.

    work_id,right,party,time_units,salary_units
    film-1,residual,Ada Lovelace,12,40
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.errors import InputError
from endcredits.ids import PartyId, WorkId
from endcredits.royalties.row_log import insert_logged
from endcredits.royalties.step_tables import crew_units
from endcredits.store import many

UNITS_MAX = 10**9


@dataclass(frozen=True, slots=True)
class Units:
    """One person's units on one work.

    Attributes:
        work_id: the work.
        right: the right whose money they share ("residual").
        party_id: who.
        time_units: >= 0.
        salary_units: >= 0.
    """

    work_id: WorkId
    right: str
    party_id: PartyId
    time_units: int
    salary_units: int


def state_units(conn: Connection, units: Iterable[Units], at: str) -> int:
    """Records statements of units; what is stated already is not recorded again. Returns how many are new.

    Raises:
        InputError: units that are negative, absurd, or none at all.
    """
    known = {(one.work_id, one.right, one.party_id): one for one in current_units(conn)}
    rows = []
    for one in units:
        if not (0 <= one.time_units <= UNITS_MAX and 0 <= one.salary_units <= UNITS_MAX):
            raise InputError(
                f"{one.party_id} has {one.time_units} time and {one.salary_units} salary units on {one.work_id}",
                remedy=f"Give whole units from 0 to {UNITS_MAX}.",
                field="time_units" if not 0 <= one.time_units <= UNITS_MAX else "salary_units",
            )
        key = (one.work_id, one.right, one.party_id)
        if known.get(key) == one:
            continue
        known[key] = one
        query = sa.select(sa.func.count()).select_from(crew_units)
        taken = conn.scalar(query.where(*(crew_units.c[name] == value for name, value in _key(one).items()))) or 0
        rows.append(
            {
                **_key(one),
                "version": taken + 1,
                "time_units": one.time_units,
                "salary_units": one.salary_units,
                "recorded_at": at,
            }
        )
        insert_logged(conn, crew_units, rows[-1:])
    return len(rows)


def current_units(conn: Connection) -> tuple[Units, ...]:
    """The latest statement of everybody's units, by work, right and party."""
    latest: dict[tuple[str, str, str], Units] = {}
    for row in many(conn, sa.select(crew_units).order_by(crew_units.c.version)):
        key = (row["work_id"], row["right_name"], row["party_id"])
        latest[key] = Units(
            WorkId(row["work_id"]), row["right_name"], PartyId(row["party_id"]), row["time_units"], row["salary_units"]
        )
    return tuple(latest[key] for key in sorted(latest))


def _key(one: Units) -> dict[str, str]:
    return {"work_id": one.work_id, "right_name": one.right, "party_id": one.party_id}
