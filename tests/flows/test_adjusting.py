"""What comes late or is given back is divided as it would have been: early and adjusted is all at once, to the micro."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from endcredits.flows import closing, correcting, periods, reporting
from endcredits.flows.books import account_balances
from endcredits.flows.checking import check_studio
from endcredits.flows.studio import Studio, open_studio
from endcredits.ids import WorkId
from endcredits.money import PPB
from endcredits.royalties import (
    ADJUSTED,
    FIFTY_FIFTY,
    Gate,
    Levy,
    Policy,
    make_rate,
    make_refund,
    make_revenue,
)
from endcredits.works import Split, set_splits
from tests.story import house as h
from tests.story.house import House

from .used import ADA, CLEO, FEBRUARY, JANUARY, MARCH, build_attributed, studio, used

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
