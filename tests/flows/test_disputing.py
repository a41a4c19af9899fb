"""Disputes from the claim to the release: the money waits, goes to who was right, once, and statements show it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from endcredits.errors import ConflictError, InputError, MachineError, NotFoundError
from endcredits.flows import disputing, holding, periods, reporting
from endcredits.flows.attributing import all_attributions
from endcredits.flows.checking import check_studio
from endcredits.flows.studio import Studio, open_studio
from endcredits.ids import WorkId
from endcredits.ledger import balances
from endcredits.payouts import statements_for_period
from endcredits.royalties import disputed_account, payable_account
from endcredits.store import Store
from endcredits.works import party_id_of
from tests.story import house as h
from tests.story.house import House

TIDE = disputed_account(WorkId(h.TIDE))
CLEO, DORA = party_id_of(h.CLEO), party_id_of(h.DORA)
HALVES = [(h.CLEO, 600_000_000), (h.DORA, 400_000_000)]


@pytest.fixture
def studio(tmp_path: Path, house: House) -> Iterator[Studio]:
    """Two closed months."""
    opened = open_studio(house.copy(house.finished, tmp_path / "studio"))
    yield opened
    opened.close()


def close_month(studio: Studio, month: int) -> None:
    """A month of usage like February's, closed."""
    events = h.february(all_attributions(studio))
    at = f"-{month:02d}-"
    moved = [replace(one, event_id=f"m{month}-{n}", used_at=one.used_at.replace("-02-", at)) for n, one in enumerate(events)]
    reporting.report(studio, moved)
    periods.close(studio, f"2025{at[:-1]}")


def stands(studio: Studio, account: str) -> int:
    """Euros that an account owes, in micros."""
    with studio.store.reading() as conn:
        return -balances(conn, account).get((account, "EUR"), 0)


def opened(studio: Studio, **options: Any) -> str:
    return disputing.open_for(studio, h.TIDE, h.DORA, "I wrote the half of it.", **options).dispute_id


def test_the_walk_from_the_claim_to_the_next_statement(studio: Studio) -> None:
    dispute_id = opened(studio)
    before = stands(studio, payable_account(CLEO))
    close_month(studio, 3)
    waits = stands(studio, TIDE)
    assert waits > 0 and stands(studio, payable_account(CLEO)) == before
    (listed,) = disputing.all_disputes(studio)
    assert listed.waiting == {"EUR": waits} and listed.dispute.claimant == DORA

    ended = disputing.end(studio, dispute_id, "settled", "Both agreed.", to=HALVES)
    assert ended.entry is not None and stands(studio, TIDE) == 0
    gained = {CLEO: stands(studio, payable_account(CLEO)) - before, DORA: stands(studio, payable_account(DORA))}
    assert sum(gained.values()) == waits and abs(gained[CLEO] * 4 - gained[DORA] * 6) <= 10

    close_month(studio, 4)
    assert stands(studio, TIDE) == 0
    with studio.store.reading() as conn:
        march = {one.party_id: one for one in statements_for_period(conn, "2025-03") if one.currency == "EUR"}
        april = {one.party_id: one for one in statements_for_period(conn, "2025-04") if one.currency == "EUR"}
    assert march[CLEO].summary.disputed_micros == waits
    for party_id in (CLEO, DORA):
        (shown,) = april[party_id].payments
        assert (shown.rail, -shown.amount_micros) == ("released from where it waited", gained[party_id])
        stood = march[party_id].summary.closing_micros if party_id in march else 0
        assert april[party_id].summary.opening_micros == stood
    assert check_studio(studio) == []


def test_the_same_again_opens_and_ends_nothing_twice(studio: Studio) -> None:
    assert opened(studio) == opened(studio)
    close_month(studio, 3)
    (dispute,) = disputing.all_disputes(studio)
    first = disputing.end(studio, dispute.dispute.dispute_id, "rejected", "No proof was given.")
    rows = h.dump(studio)
    again = disputing.end(studio, dispute.dispute.dispute_id, "rejected", "No proof was given.")
    assert first.entry is not None and again.entry is None and again.dispute == first.dispute and h.dump(studio) == rows
    with pytest.raises(ConflictError, match="has ended"):
        disputing.end(studio, dispute.dispute.dispute_id, "upheld", "No proof was given.", to=HALVES)
    with pytest.raises(ConflictError, match="has ended"):
        opened(studio)
    assert opened(studio, dispute_id="second") == "second"
    assert check_studio(studio) == []


def test_a_name_that_nobody_has_ends_no_dispute(studio: Studio) -> None:
    """Not even where nothing waits, and its sums would not matter."""
    dispute_id = opened(studio)
    rows = h.dump(studio)
    with pytest.raises(NotFoundError, match="there is no party"):
        disputing.end(studio, dispute_id, "settled", "Agreed.", to=(("Nobody at All", 1_000_000_000),))
    assert h.dump(studio) == rows


def test_the_last_dispute_of_a_work_releases_the_money(studio: Studio) -> None:
    first, second = opened(studio), opened(studio, dispute_id="second")
    close_month(studio, 3)
    waits = stands(studio, TIDE)
    with pytest.raises(ConflictError, match="its money waits on"):
        disputing.end(studio, first, "settled", "Agreed.", to=HALVES)
    assert disputing.end(studio, first, "withdrawn", "Given up.").still_open == (second,)
    assert stands(studio, TIDE) == waits
    with pytest.raises(ConflictError, match="is open"):
        holding.release(studio, TIDE, why="too early")
    before = stands(studio, payable_account(CLEO))
    disputing.end(studio, second, "rejected", "It is hers.")
    assert stands(studio, payable_account(CLEO)) - before == waits
    assert check_studio(studio) == []


def test_what_cannot_be_done_changes_nothing(studio: Studio) -> None:
    dispute_id = opened(studio)
    close_month(studio, 3)
    rows = h.dump(studio)
    with pytest.raises(InputError, match="nobody says who gets"):
        disputing.end(studio, dispute_id, "upheld", "She is right.")
    with pytest.raises(InputError, match="not to 1,000,000,000"):
        disputing.end(studio, dispute_id, "upheld", "She is right.", to=[(h.DORA, 999_999_999)])
    with pytest.raises(NotFoundError, match="no party 'Nobody'"):
        disputing.end(studio, dispute_id, "upheld", "She is right.", to=[("Nobody", 10**9)])
    with pytest.raises(NotFoundError, match="no dispute"):
        disputing.end(studio, "none", "upheld", "She is right.")
    with pytest.raises(NotFoundError, match="no work"):
        disputing.open_for(studio, "work:none", h.DORA, "mine")
    with pytest.raises(InputError, match="cannot be a reason"):
        disputing.open_for(studio, h.LAMP, h.DORA, "mi\u202ene")
    assert h.dump(studio) == rows


@pytest.mark.parametrize("kept", [False, True])
def test_a_failed_end_is_made_good_by_the_same_command(studio: Studio, monkeypatch: pytest.MonkeyPatch, kept: bool) -> None:
    """Decision and money stand or fall together, whether the transaction was lost or only reported lost."""
    dispute_id = opened(studio)
    close_month(studio, 3)
    waits = stands(studio, TIDE)
    real = Store.write

    def write(self: Store, work: Callable[[sa.Connection], Any]) -> Any:
        def lost(conn: sa.Connection) -> Any:
            work(conn)
            raise MachineError("the disk is full")

        if kept:
            real(self, work)
            raise MachineError("the connection broke")
        return real(self, lost)

    monkeypatch.setattr(Store, "write", write)
    with pytest.raises(MachineError):
        disputing.end(studio, dispute_id, "upheld", "She is right.", to=[(h.DORA, 10**9)])
    monkeypatch.setattr(Store, "write", real)
    (listed,) = disputing.all_disputes(studio)
    assert (listed.dispute.outcome, stands(studio, TIDE)) == (("upheld", 0) if kept else ("", waits))
    disputing.end(studio, dispute_id, "upheld", "She is right.", to=[(h.DORA, 10**9)])
    assert stands(studio, payable_account(DORA)) == waits
    assert check_studio(studio) == []


def test_claims_beyond_the_whole_are_held_once(studio: Studio, tmp_path: Path) -> None:
    claims = tmp_path / "claims.csv"
    claims.write_text(f"work_id,party_id,claimed\n{h.TIDE},{CLEO},100%\n{h.TIDE},{DORA},0.5%\n{h.LAMP},{DORA},30%\n")
    done = disputing.claim_file(studio, claims)
    assert (done.claims, done.opened, [one.work_id for one in done.disputes]) == (3, 1, [h.TIDE])
    assert disputing.claim_file(studio, claims).opened == 0
    close_month(studio, 3)
    assert stands(studio, TIDE) > 0
    claims.write_text(f"work_id,party_id,claimed\nwork:none,{CLEO},100%\n")
    with pytest.raises(NotFoundError, match="no work 'work:none'"):
        disputing.claim_file(studio, claims)
    assert check_studio(studio) == []
