"""What comes late or is given back is divided as it would have been: early and adjusted is all at once, to the micro."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from endcredits.errors import ConflictError, InputError, IntegrityError
from endcredits.flows import adjusting, agreements, catalogue, closing, correcting, disputing, holding, periods, reporting
from endcredits.flows.books import account_balances
from endcredits.flows.checking import check_studio
from endcredits.flows.close_files import close_folder, proposed_step
from endcredits.flows.studio import Studio, open_studio
from endcredits.ids import WorkId
from endcredits.money import PPB
from endcredits.royalties import (
    ADJUSTED,
    FIFTY_FIFTY,
    Gate,
    Levy,
    Policy,
    disputed_account,
    make_rate,
    make_refund,
    make_revenue,
    steps_of,
)
from endcredits.works import Split, read_table, set_splits
from tests.story import house as h
from tests.story.house import House

from .used import ADA, BEN, CLEO, FEBRUARY, JANUARY, MARCH, build_attributed, studio, used

__all__ = ["studio"]

(_RULE,) = FIFTY_FIFTY.pools
MOST = replace(FIFTY_FIFTY, name="most", pools=(replace(_RULE, share_ppb=900_000_000),))
PARTS = (replace(_RULE.parts[0], gate=Gate(uses_min=2)),)
GATED = replace(FIFTY_FIFTY, name="gated", pools=(replace(_RULE, parts=PARTS),))
POOLED = replace(FIFTY_FIFTY, name="pooled", pools=(replace(_RULE, spread="uses", by=("payer",)),))
LEVIED = replace(POOLED, name="levied", levies=(Levy("culture", 40_000_000, "party:fund"),))
DOLLARS = replace(MOST, name="dollars", settle_in="USD", pools=(replace(MOST.pools[0], name="others"),))

Reports = Sequence[Any]


@pytest.fixture
def other(tmp_path: Path, house: House) -> Iterator[Studio]:
    """A second studio of the same works and outputs, in which everything is reported in time."""
    opened = open_studio(house.copy(build_attributed(house), tmp_path / "other"))
    yield opened
    opened.close()


def early(studio: Studio) -> Reports:
    """What is known of January when it is closed."""
    return [
        used(studio, "jan-1", h.SALT, "2025-01-05", payer="p1", tax_micros=7_000_001),
        used(studio, "jan-2", h.LAMP, "2025-01-06", 31, payer="p2", uses=3),
        used(studio, "jan-3", h.SALT, "2025-01-07", 17, payer="p2"),
        make_revenue("sub-1", "2025-01-09", 23_000_003, "EUR", service="web", payer="p3"),
    ]


def late(studio: Studio) -> Reports:
    """What is told of January in February: uses, money of many uses, and refunds of both and of what came late itself."""
    return [
        used(studio, "jan-4", h.TIDE, "2025-01-30", 40, payer="p1", uses=7),
        used(studio, "jan-5", h.SALT, "2025-01-02", 5, payer="p3"),
        make_revenue("sub-2", "2025-01-31", 50_000_000, "EUR", service="web", payer="p2"),
        make_refund("back-1", "jan-1", "2025-02-03T00:00:00Z", 33_333_333, "EUR"),
        make_refund("back-2", "sub-1", "2025-02-03T00:00:00Z", 3_000_001, "EUR"),
        make_refund("back-3", "jan-4", "2025-02-04T00:00:00Z", 1_000_000, "EUR"),
        make_refund("back-4", "jan-2", "2025-02-04T00:00:00Z", 31_000_000, "EUR"),
    ]


def february(studio: Studio) -> Reports:
    return [used(studio, "feb", h.TIDE, "2025-02-05", 11), make_rate("EUR", "USD", "1.1", "2025-02-28", "a bank")]


def tell(studio: Studio, reports: Reports) -> None:
    for one in reports:
        reporting.report(studio, [one])


def agree_anew(studio: Studio) -> None:
    """From February on somebody else is paid for the work that earned most."""
    splits = [Split(CLEO, PPB, valid_from="2025-02-01")]
    studio.store.write(lambda conn: set_splits(conn, WorkId(h.SALT), splits))


def balances(studio: Studio) -> dict[tuple[str, str], int]:
    return {key: micros for key, micros in account_balances(studio).items() if micros}


@pytest.mark.parametrize(("then", "since"), [(FIFTY_FIFTY, MOST), (GATED, FIFTY_FIFTY), (POOLED, DOLLARS), (LEVIED, GATED)])
def test_early_and_adjusted_is_all_at_once(studio: Studio, other: Studio, then: Policy, since: Policy) -> None:
    """Policy, splits and currency are others in between; every account stands where it would stand, to the micro."""
    tell(other, [*early(other), *late(other)])
    periods.close(other, JANUARY, policy=then)
    tell(studio, early(studio))
    periods.close(studio, JANUARY, policy=then)
    tell(studio, late(studio))
    for one in (studio, other):
        agree_anew(one)
        tell(one, february(one))

    closed = periods.close(studio, FEBRUARY, policy=since)
    periods.close(other, FEBRUARY, policy=since)

    assert balances(studio) == balances(other)
    (adjusted,) = closed.close.adjusted
    assert (adjusted.period_id, adjusted.policies) == (JANUARY, (then,))
    assert {pool.usage_period for pool in closed.close.pools if pool.kind == ADJUSTED} == {JANUARY}
    assert sum(total.revenue_micros for total in adjusted.totals) == 40 + 55_000_000 - 68_333_374 + 40_000_000
    assert check_studio(studio) == []


def test_a_refund_of_everything_leaves_nothing(studio: Studio) -> None:
    """Everybody, the commons, the operator and the state stand where they began."""
    tell(studio, early(studio))
    periods.close(studio, JANUARY, policy=LEVIED)
    earned = {"jan-1": 100_000_000, "jan-2": 31_000_000, "jan-3": 17_000_000, "sub-1": 23_000_003}
    tell(studio, [make_refund(f"all-{name}", name, "2025-02-03T00:00:00Z", all_, "EUR") for name, all_ in earned.items()])

    closed = periods.close(studio, FEBRUARY, policy=GATED)

    assert balances(studio) == {}
    assert all(pool.kind == ADJUSTED for pool in closed.close.pools)
    assert check_studio(studio) == []


def test_adjusted_twice_is_adjusted_once(studio: Studio, other: Studio) -> None:
    """What came for February counts in March, what came for January in both; also by other policies each time."""
    for one in (studio, other):
        tell(one, early(one))
        periods.close(one, JANUARY, policy=LEVIED)
        tell(one, february(one))
    first, second = late(studio)[:3], late(studio)[3:]
    tell(studio, first)
    periods.close(studio, FEBRUARY, policy=MOST)
    periods.close(other, FEBRUARY, policy=MOST)
    tell(studio, second)
    tell(other, late(other))
    for one in (studio, other):
        tell(one, [used(one, "late-feb", h.SALT, "2025-02-09", 3), used(one, "mar", h.SALT, "2025-03-09", 2)])

    closed = periods.close(studio, MARCH, policy=GATED)
    periods.close(other, MARCH, policy=GATED)

    assert balances(studio) == balances(other)
    assert [one.period_id for one in closed.close.adjusted] == [JANUARY, FEBRUARY]
    assert [len(one.booked) for one in closed.close.adjusted] == [1, 1]
    assert check_studio(studio) == []


@pytest.mark.parametrize("again", [False, True])
def test_a_corrected_period_is_adjusted_from_its_corrected_state(studio: Studio, other: Studio, again: bool) -> None:
    """Corrected before it is adjusted, or between two adjustments: in the end it stands under the right rules alone."""
    words = {"reason": "the operator's part was wrong", "by": "ada"}
    for one in (studio, other):
        tell(one, early(one))
        periods.close(one, JANUARY, policy=FIFTY_FIFTY if one is studio else LEVIED)
        tell(one, february(one))
        tell(one, late(one))
    if not again:
        correcting.correct(studio, JANUARY, LEVIED, **words)
    periods.close(studio, FEBRUARY, policy=MOST)
    periods.close(other, FEBRUARY, policy=MOST)
    if again:
        correcting.correct(studio, JANUARY, LEVIED, **words)
    for one in (studio, other):
        tell(one, [used(one, "mar", h.SALT, "2025-03-09", 2)])
    closed = periods.close(studio, MARCH, policy=MOST)
    periods.close(other, MARCH, policy=MOST)

    assert balances(studio) == balances(other)
    assert [len(one.booked) for one in closed.close.adjusted] == ([3] if again else []), "nothing is new, and it is due"
    assert check_studio(studio) == []


def test_a_close_that_adjusts_is_corrected_itself(studio: Studio, other: Studio) -> None:
    """Its own usage is divided by other rules, and what it changed of an earlier period stays."""
    for one in (studio, other):
        tell(one, early(one))
        periods.close(one, JANUARY, policy=POOLED)
        tell(one, [*february(one), *late(one)])
    periods.close(studio, FEBRUARY)
    correcting.correct(studio, FEBRUARY, MOST, reason="the operator's part was wrong", by="ada")
    periods.close(other, FEBRUARY, policy=MOST)
    assert balances(studio) == balances(other)
    assert check_studio(studio) == []


def test_a_statement_says_what_changed(studio: Studio) -> None:
    """Each line has the days of its usage and the difference; it adds up, and the estimate before said the same."""
    tell(studio, early(studio))
    periods.close(studio, JANUARY, policy=POOLED)
    tell(studio, [*late(studio), *february(studio)])
    seen = closing.previewed(studio, FEBRUARY, lambda close, _: close, starts_on="2025-02-01", ends_on="2025-02-28")
    closed = periods.close(studio, FEBRUARY)
    assert seen == closed.close

    (ada,) = (one for one in closed.statements if (one.party_id, one.currency) == (ADA, "EUR"))
    adjusted = {pool.pool for pool in ada.pools if pool.kind == ADJUSTED}
    changed = [line for line in ada.lines if line.pool in adjusted]
    assert changed and sum(line.amount_micros for line in changed) == ada.summary.adjustments_micros < 0
    assert {(pool.usage_period, pool.usage_from, pool.usage_to) for pool in ada.pools if pool.pool in adjusted} == {
        (JANUARY, "2025-01-01", "2025-01-31")
    }
    assert all("from 2025-01-01 to 2025-01-31 was divided again by its own rules" in line.reason for line in changed)
    assert all(line.error_ppb > 0 for line in changed), "measured by what was frozen of January"


def frozen_of(studio: Studio, period_id: str) -> Path:
    with studio.store.reading() as conn:
        return close_folder(studio, proposed_step(steps_of(conn, period_id))) / "frozen"


def test_without_what_was_frozen_of_the_closed_period_nothing_is_closed(studio: Studio) -> None:
    """Missing or changed: the close stops and names it, nothing is posted, and once restored it goes on."""
    tell(studio, early(studio))
    periods.close(studio, JANUARY)
    tell(studio, late(studio))
    before, table = balances(studio), frozen_of(studio, JANUARY) / "splits.parquet"
    data = table.read_bytes()
    for damaged in (None, data[:-20] + bytes([data[-20] ^ 1]) + data[-19:]):
        table.unlink(missing_ok=True)
        if damaged is not None:
            table.write_bytes(damaged)
        with pytest.raises(IntegrityError, match="splits"):
            periods.close(studio, FEBRUARY)
        assert balances(studio) == before
    table.write_bytes(data)

    closed = periods.close(studio, FEBRUARY)

    assert [one.period_id for one in closed.close.adjusted] == [JANUARY]
    assert check_studio(studio) == []


def test_a_close_that_was_killed_while_it_divided_again_goes_on(
    studio: Studio, other: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each of its steps; the close is the same as one that nobody disturbed."""
    for one in (studio, other):
        tell(one, early(one))
        periods.close(one, JANUARY)
        tell(one, late(one))
    for step in ("freeze_period_again", "close_period", "read_term", "write_adjustment"):
        real = getattr(adjusting, step)

        def killed(*args: Any, real: Callable[..., Any] = real, **words: Any) -> Any:
            real(*args, **words)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(adjusting, step, killed)
            periods.close(studio, FEBRUARY)
    assert periods.close(studio, FEBRUARY).close_digest == periods.close(other, FEBRUARY).close_digest
    assert check_studio(studio) == []


def test_a_correction_after_a_kill_asks_for_the_proposal_to_be_taken_back(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the killed close has divided again follows from the rules of then; the error says how to begin anew."""
    tell(studio, early(studio))
    periods.close(studio, JANUARY)
    tell(studio, late(studio))
    real = adjusting.write_adjustment

    def killed(*args: Any) -> None:
        real(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(adjusting, "write_adjustment", killed)
        periods.close(studio, FEBRUARY)
    correcting.correct(studio, JANUARY, LEVIED, reason="the operator's part was wrong", by="ada")

    with pytest.raises(ConflictError, match="'2025-01' was corrected after the close of '2025-02' was begun") as caught:
        periods.close(studio, FEBRUARY)
    assert "endcredits period withdraw 2025-02" in caught.value.remedy
    closing.withdraw(studio, FEBRUARY, by="ada", reason="January was corrected")

    assert [one.period_id for one in periods.close(studio, FEBRUARY).close.adjusted] == [JANUARY]
    assert check_studio(studio) == []


def test_what_was_released_to_somebody_stays_with_them(studio: Studio) -> None:
    """January's money of a disputed work was released to Ben. A refund takes it from the work's own account, which then
    stands below nothing and is filled first by what comes later; whoever got the money keeps it."""
    opened = disputing.open_for(studio, h.TIDE, h.DORA, "the tides are mine")
    tell(studio, [used(studio, "jan", h.TIDE, "2025-01-05")])
    periods.close(studio, JANUARY)
    account = (disputed_account(WorkId(h.TIDE)), "EUR")
    waited = -balances(studio)[account]
    disputing.end(studio, opened.dispute_id, "settled", "both agreed", to=[(BEN, PPB)])
    bens = -balances(studio)[f"Liabilities:Payable:{BEN}", "EUR"]
    tell(studio, [make_refund("back", "jan", "2025-02-03T00:00:00Z", 50_000_000, "EUR")])

    closed = periods.close(studio, FEBRUARY)

    after = balances(studio)
    (his,) = (one.summary for one in closed.statements if one.party_id == BEN)
    assert after[account] > 0 and abs(after[account] - waited // 2) <= 1
    assert -after[f"Liabilities:Payable:{BEN}", "EUR"] == bens + his.adjustments_micros >= waited
    assert account[0] in {one.lot.account for one in holding.waiting(studio, taken=True)}, "it is shown"
    assert check_studio(studio) == []


def test_a_late_use_in_a_currency_without_rate_waits_for_it(studio: Studio) -> None:
    """The rate of the closed period's last day is what counts; until it is recorded nothing is closed."""
    settled = replace(FIFTY_FIFTY, name="euros", settle_in="EUR")
    tell(studio, early(studio))
    periods.close(studio, JANUARY, policy=settled)
    tell(studio, [replace(used(studio, "dollars", h.SALT, "2025-01-30", 22), currency="USD"), *february(studio)])
    with pytest.raises(InputError, match="no rate from USD to EUR on or before 2025-01-31"):
        periods.close(studio, FEBRUARY, policy=settled)
    tell(studio, [make_rate("EUR", "USD", "1.1", "2025-01-15", "a bank")])

    closed = periods.close(studio, FEBRUARY, policy=settled)

    (pool,) = (pool for pool in closed.close.pools if pool.kind == ADJUSTED)
    assert (pool.source_micros, pool.pool_micros) == (11_000_000, 10_000_000)
    assert check_studio(studio) == []


def test_any_changed_file_of_an_adjustment_is_found(studio: Studio) -> None:
    """Also where a whole adjustment is taken from the folder."""
    tell(studio, early(studio))
    periods.close(studio, JANUARY)
    tell(studio, [*late(studio), *february(studio)])
    periods.close(studio, FEBRUARY)
    folder = frozen_of(studio, FEBRUARY).parent / "adjusted" / JANUARY
    names = {path.name for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")}
    assert {"adjustment.json", "close.json", "lines.parquet", "events.parquet", "period.json"} <= names
    path = folder / "booked-1" / "lines.parquet"
    data = path.read_bytes()
    path.write_bytes(data[:-12] + bytes([data[-12] ^ 1]) + data[-11:])
    assert any("booked-1" in finding.where for finding in check_studio(studio))
    path.write_bytes(data)
    folder.rename(folder.parent.parent / "gone")
    assert check_studio(studio) != []


def test_a_contract_settles_the_difference_by_the_terms_of_today(studio: Studio, tmp_path: Path) -> None:
    """Nothing was agreed in January. In February an advance was: late money of January is recouped against it; and a fund
    reads on its statement which part of a levy is of which period."""
    tell(studio, early(studio))
    periods.close(studio, JANUARY, policy=LEVIED)
    (tmp_path / "contracts.toml").write_text(
        f'[[contract]]\ncontract_id = "c"\nparty_id = "{CLEO}"\ncurrency = "EUR"\nvalid_from = "2025-02-01"\n'
        'advance = "1000.00"\nrecoup = "100%"\n'
    )
    agreements.add_contracts(studio, tmp_path / "contracts.toml")
    tell(studio, [used(studio, "late", h.TIDE, "2025-01-30", 400, payer="p1"), *february(studio)])

    closed = periods.close(studio, FEBRUARY, policy=LEVIED)

    cleo = next(one.summary for one in closed.statements if (one.party_id, one.currency) == (CLEO, "EUR"))
    assert cleo.adjustments_micros > 0 and cleo.recouped_micros == cleo.earned_micros + cleo.adjustments_micros
    fund = next(one for one in closed.statements if one.party_id == "party:fund")
    assert [levy.name for levy in fund.levies] == ["culture", f"culture, change of {JANUARY}"]
    assert fund.levies[1].amount_micros == fund.levies[1].base_micros * 4 // 100 == 8_000_000
    assert check_studio(studio) == []


def test_two_closes_are_not_proposed_at_once(studio: Studio) -> None:
    """Both would adjust January by the same refund; the second waits until the first is approved, and it counts once."""
    tell(studio, [used(studio, "jan", h.SALT, "2025-01-05")])
    periods.close(studio, JANUARY)
    tell(studio, [make_refund("back", "jan", "2025-02-03T00:00:00Z", 50_000_000, "EUR")])
    tell(studio, [used(studio, "mar", h.TIDE, "2025-03-05")])
    closing.propose(studio, FEBRUARY)
    with pytest.raises(ConflictError, match=f"'{FEBRUARY}' is proposed"):
        closing.propose(studio, MARCH)
    periods.close(studio, FEBRUARY)
    assert periods.close(studio, MARCH).close.adjusted == ()
    assert balances(studio)["Assets:Receivable:Revenue", "EUR"] == 150_000_000
    assert check_studio(studio) == []


def test_a_late_use_may_declare_a_work_registered_since(studio: Studio, tmp_path: Path) -> None:
    """A dispute over it that is open holds its money; what is agreed and registered later leaves the check content."""
    (rule,) = FIFTY_FIFTY.pools
    declared = replace(FIFTY_FIFTY, name="declared", pools=(replace(rule, parts=(replace(rule.parts[0], by="declared"),)),))
    tell(studio, [used(studio, "jan", h.SALT, "2025-01-05", declared=[h.SALT])])
    periods.close(studio, JANUARY, policy=declared)

    def add(name: str, text: str) -> None:
        (tmp_path / "works.csv").write_text(f"work_id,title,creator,permission,text\n{name},New,Eve Nova,allow,{text}\n")
        catalogue.add_works(studio, read_table(tmp_path / "works.csv"))

    add("work:new", "bread and yeast and ovens and bakers who rise before dawn")
    opened = disputing.open_for(studio, "work:new", h.DORA, "the bread is mine")
    tell(studio, [used(studio, "late", h.SALT, "2025-01-30", 40, declared=["work:new"])])
    periods.close(studio, FEBRUARY)
    assert balances(studio)[disputed_account(WorkId("work:new")), "EUR"] == -20_000_000
    assert check_studio(studio) == []

    disputing.end(studio, opened.dispute_id, "withdrawn", "it was a mistake")
    add("work:also", "a mill and a miller and the wheel that turns")
    agreed = [Split(ADA, PPB, valid_from="2025-01-15")]
    studio.store.write(lambda conn: set_splits(conn, WorkId("work:new"), agreed))
    assert check_studio(studio) == []
