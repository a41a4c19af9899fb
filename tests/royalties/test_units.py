"""Units: the latest statement counts, earlier ones stay, and nonsense is refused."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from endcredits.errors import InputError
from endcredits.ids import PartyId, WorkId
from endcredits.royalties.step_tables import crew_units
from endcredits.royalties.units import Units, current_units, state_units

AT = "2026-02-01T00:00:00Z"


def units(time: int, salary: int, party: str = "party:a") -> Units:
    return Units(WorkId("film"), "residual", PartyId(party), time, salary)


def test_a_later_statement_replaces_and_keeps_the_earlier(store):
    assert store.write(lambda conn: state_units(conn, [units(1, 2), units(3, 4, "party:b")], AT)) == 2
    assert store.write(lambda conn: state_units(conn, [units(1, 2)], AT)) == 0
    assert store.write(lambda conn: state_units(conn, [units(5, 0)], AT)) == 1
    with store.reading() as conn:
        assert current_units(conn) == (units(5, 0), units(3, 4, "party:b"))
        assert conn.scalar(sa.select(sa.func.count()).select_from(crew_units)) == 3


def test_units_below_zero_are_refused_and_nothing_is_taken(store):
    with pytest.raises(InputError) as caught:
        store.write(lambda conn: state_units(conn, [units(1, 2), units(1, -2, "party:b")], AT))
    assert caught.value.field == "salary_units"
    with store.reading() as conn:
        assert current_units(conn) == ()
