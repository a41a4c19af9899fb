"""Money that waits: found by any word, aged, released once to whose it is, or let go after the years that a law asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from endcredits.errors import ConflictError, InputError, MachineError
from endcredits.flows import holding
from endcredits.flows.checking import check_studio
from endcredits.flows.splits import share_work
from endcredits.flows.studio import Studio, open_studio
from endcredits.ids import WorkId
from endcredits.ledger import Posting, balances, make_entry, post
from endcredits.royalties import COMMONS_ACCOUNT, payable_account, suspense_account
from endcredits.store import Store
from endcredits.works import party_id_of
from tests.story import house as h
from tests.story.house import House

RHYME = suspense_account(WorkId(h.RHYME))
CLEO = party_id_of(h.CLEO)
TODAY = "2026-01-15"


@pytest.fixture
def studio(tmp_path: Path, house: House) -> Iterator[Studio]:
    """Two closed months, in which a work that names nobody earned."""
    opened = open_studio(house.copy(house.finished, tmp_path / "studio"))
    yield opened
    opened.close()


def stands(studio: Studio, account: str) -> dict[str, int]:
    with studio.store.reading() as conn:
        return {money: -micros for (path, money), micros in balances(conn, account).items() if path == account and micros}


def test_what_waits_is_listed_found_and_aged(studio: Studio) -> None:
    found = holding.waiting(studio, on=TODAY, years=3)
    assert {one.lot.account for one in found} == {RHYME}
    sums: dict[str, int] = {}
    for one in found:
        sums[one.lot.currency] = sums.get(one.lot.currency, 0) + one.lot.amount_micros
    assert sums == stands(studio, RHYME)
    assert [one.lot.since for one in found] == sorted(one.lot.since for one in found)
    first = found[0]
    assert (first.name, first.days, first.free_on) == ("Counting Rhymes", 349, "2028-01-31")
    assert holding.waiting(studio, on=TODAY, text="COUNTING") and holding.waiting(studio, on=TODAY, text="work:rhy")
    assert holding.waiting(studio, on=TODAY, text="nothing like it") == ()
    assert holding.waiting(studio, on="2025-01-30") == ()

    ages = holding.ages(studio, on=TODAY)
    assert {(one.kind, one.from_days, one.to_days) for one in ages} == {("unmatched", 90, 365)}
    assert {one.currency: one.amount_micros for one in ages} == sums
    with pytest.raises(InputError, match="ages must rise"):
        holding.ages(studio, on=TODAY, bounds_days=[90, 30])


def test_a_work_whose_makers_became_known_is_paid_by_its_splits(studio: Studio) -> None:
    """Without makers it is refused; once the registry knows them, the whole account goes to them, once."""
    waits = stands(studio, RHYME)
    with pytest.raises(InputError, match="has no makers yet"):
        holding.release(studio, RHYME, why="found")
    share_work(studio, WorkId(h.RHYME), [(h.ADA, 700_000_000), (h.DORA, 300_000_000)], "2025-03-01")
    ada, dora = (payable_account(party_id_of(name)) for name in (h.ADA, h.DORA))
    before = stands(studio, ada)
    entry = holding.release(studio, RHYME, why="the makers were found")
    assert entry is not None and stands(studio, RHYME) == {}
    for currency, micros in waits.items():
        gained = stands(studio, ada).get(currency, 0) - before.get(currency, 0)
        assert gained + stands(studio, dora).get(currency, 0) == micros and abs(gained * 10 - micros * 7) < 10
    assert holding.release(studio, RHYME, why="the makers were found") is None
    assert holding.waiting(studio) == () and check_studio(studio) == []


def test_unclaimed_money_is_set_aside_and_claimed(studio: Studio) -> None:
    owed = stands(studio, payable_account(CLEO))
    account = f"Liabilities:Unclaimed:{CLEO}"
    assert holding.set_aside(studio, h.CLEO, why="two letters came back") is not None
    assert holding.set_aside(studio, h.CLEO, why="two letters came back") is None
    assert (stands(studio, payable_account(CLEO)), stands(studio, account)) == ({}, owed)
    (name,) = {one.name for one in holding.waiting(studio, text="unclaimed")}
    assert name == h.CLEO
    with pytest.raises(InputError, match="one party's"):
        holding.release(studio, account, [(h.ADA, 500_000_000), (h.BEN, 500_000_000)], why="wrong")
    assert holding.release(studio, account, why="she wrote back") is not None
    assert (stands(studio, payable_account(CLEO)), stands(studio, account)) == (owed, {})
    # On the same day once more: the keys differ, and nothing is lost.
    holding.set_aside(studio, h.CLEO, why="moved again")
    assert holding.release(studio, account, why="she wrote again") is not None
    assert stands(studio, payable_account(CLEO)) == owed and check_studio(studio) == []


def test_only_what_waited_long_enough_goes_to_the_commons(studio: Studio) -> None:
    before, waits = stands(studio, COMMONS_ACCOUNT), stands(studio, RHYME)
    assert holding.let_go(studio, RHYME, years=1, why="law of the place", on="2026-01-30") == 0
    january = [one.lot for one in holding.waiting(studio, on="2026-02-01") if one.lot.since == "2025-01-31"]
    assert holding.let_go(studio, RHYME, years=1, why="law of the place", on="2026-02-01") == len(january) > 0
    assert holding.let_go(studio, RHYME, years=1, why="law of the place", on="2026-02-01") == 0
    for lot in january:
        assert stands(studio, RHYME).get(lot.currency, 0) < waits[lot.currency]
        assert stands(studio, COMMONS_ACCOUNT)[lot.currency] - before.get(lot.currency, 0) == sum(
            one.amount_micros for one in january if one.currency == lot.currency
        )
    assert check_studio(studio) == []


def test_what_is_no_hold_is_refused(studio: Studio) -> None:
    rows = h.dump(studio)
    for account in ("Liabilities:Payable:x", "Income:Operator", "", "Liabilities:Suspense"):
        with pytest.raises(InputError, match="money does not wait"):
            holding.release(studio, account, [(h.ADA, 10**9)], why="mine")
    for why in ("", "two\nlines", "\u202e", "x" * 151):
        with pytest.raises(InputError, match="cannot be a reason"):
            holding.release(studio, RHYME, [(h.ADA, 10**9)], why=why)
    with pytest.raises(InputError, match="named twice"):
        holding.release(studio, RHYME, [(h.ADA, 500_000_000), (h.ADA, 500_000_000)], why="x")
    with pytest.raises(InputError, match="after years"):
        holding.let_go(studio, RHYME, years=0, why="x")
    assert holding.release(studio, "Liabilities:Suspense:work:none", [(h.ADA, 10**9)], why="x") is None
    assert h.dump(studio) == rows


@pytest.mark.parametrize("kept", [False, True])
def test_a_failed_release_pays_once(studio: Studio, monkeypatch: pytest.MonkeyPatch, kept: bool) -> None:
    """Lost, or kept but reported lost."""
    waits, before = stands(studio, RHYME), stands(studio, payable_account(CLEO))
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
        holding.release(studio, RHYME, [(h.CLEO, 10**9)], why="hers")
    monkeypatch.setattr(Store, "write", real)
    assert stands(studio, RHYME) == ({} if kept else waits)
    holding.release(studio, RHYME, [(h.CLEO, 10**9)], why="hers")
    assert stands(studio, RHYME) == {}
    for currency, micros in waits.items():
        assert stands(studio, payable_account(CLEO))[currency] - before.get(currency, 0) == micros
    assert check_studio(studio) == []


def test_a_debit_is_nothing_that_waits(studio: Studio) -> None:
    """Too much was taken: it is shown apart, is of no age, and is taken from nobody who is named."""
    held = stands(studio, RHYME)
    postings = [Posting(RHYME, held["EUR"] + 5, "EUR"), Posting(COMMONS_ACCOUNT, -held["EUR"] - 5, "EUR")]
    studio.store.write(
        lambda conn: post(conn, make_entry("wrong", "2025-03-01", "by hand", postings), "2025-03-01T00:00:00Z")
    )
    (taken,) = holding.waiting(studio, taken=True)
    assert (taken.lot.account, taken.lot.currency, taken.lot.amount_micros) == (RHYME, "EUR", -5)
    assert all(one.lot.amount_micros > 0 for one in holding.waiting(studio))
    assert "EUR" not in {one.lot.currency for one in holding.waiting(studio)}
    assert "EUR" not in {one.currency for one in holding.ages(studio)}

    before = stands(studio, payable_account(party_id_of(h.ADA)))
    if set(held) != {"EUR"}:  # what waits in other currencies goes, and the debit stays
        holding.release(studio, RHYME, [(h.ADA, 10**9)], why="found")
    assert stands(studio, RHYME) == {"EUR": -5}
    rows = h.dump(studio)
    with pytest.raises(ConflictError, match=r"nothing waits on Liabilities:Suspense:work:.*0\.000005 EUR more was taken"):
        holding.release(studio, RHYME, [(h.ADA, 10**9)], why="found")
    assert h.dump(studio) == rows
    assert stands(studio, payable_account(party_id_of(h.ADA)))["EUR"] == before["EUR"]
