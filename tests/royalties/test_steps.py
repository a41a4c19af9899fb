"""The steps of a close: in order, once each, and never two different ones under one number."""

from __future__ import annotations

import pytest

from endcredits.errors import ConflictError
from endcredits.royalties.steps import Step, add_step, check_steps, open_proposals, standing, steps_of

AT = "2026-02-01T00:00:00Z"


def step(number: int, kind: str, by: str = "ada", **facts: object) -> Step:
    return Step("2026-01", number, kind, by, AT, facts)


def test_a_close_goes_through_its_steps(store):
    done = [step(1, "proposed", cut_off=7), step(2, "computed", close_digest="d"), step(3, "approved", by="bob")]
    for one in done:
        store.write(lambda conn, one=one: add_step(conn, one))
    with store.reading() as conn:
        found = steps_of(conn, "2026-01")
        assert list(found) == done
        assert standing(found, "proposed") == done[0]
        assert open_proposals(conn) == ()
        assert check_steps(conn) == []


def test_a_withdrawn_proposal_makes_room_for_another(store):
    for one in (step(1, "proposed"), step(2, "withdrawn", reason="wrong policy"), step(3, "proposed", by="cy")):
        store.write(lambda conn, one=one: add_step(conn, one))
    with store.reading() as conn:
        assert standing(steps_of(conn, "2026-01"), "proposed") == step(3, "proposed", by="cy")
        assert open_proposals(conn) == ("2026-01",)


def test_the_same_step_again_changes_nothing_and_another_is_refused(store):
    first = step(1, "proposed", cut_off=7)
    for _ in range(2):
        store.write(lambda conn: add_step(conn, first))
    with pytest.raises(ConflictError, match="is proposed"):
        store.write(lambda conn: add_step(conn, step(1, "proposed", by="bob", cut_off=9)))
    with pytest.raises(ConflictError, match="cannot be approved"):
        store.write(lambda conn: add_step(conn, step(2, "approved")))
    with store.reading() as conn:
        assert len(steps_of(conn, "2026-01")) == 1
