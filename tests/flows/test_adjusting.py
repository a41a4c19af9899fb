"""Adjustments that a close would divide otherwise than the money was divided stop it, unless somebody accepts them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from endcredits.errors import InputError
from endcredits.flows import closing, periods, reporting
from endcredits.flows.books import account_balances
from endcredits.flows.checking import check_studio
from endcredits.flows.studio import Studio
from endcredits.royalties import FIFTY_FIFTY, Gate, Policy, make_rate, make_refund
from tests.story import house as h

from .used import FEBRUARY, JANUARY, studio, used

__all__ = ["studio"]

MOST = replace(FIFTY_FIFTY, name="most", pools=(replace(FIFTY_FIFTY.pools[0], share_ppb=900_000_000),))
PARTS = (replace(FIFTY_FIFTY.pools[0].parts[0], gate=Gate(uses_min=2)),)
GATED = replace(FIFTY_FIFTY, name="gated", pools=(replace(FIFTY_FIFTY.pools[0], parts=PARTS),))


def give_back(studio: Studio) -> None:
    """January is given back in February, in which there is one more use."""
    reporting.report(studio, [make_refund("back", "jan", "2025-02-03T00:00:00Z", 100_000_000, "EUR")])
    reporting.report(studio, [used(studio, "feb", h.TIDE, "2025-02-05", 1)])


@pytest.mark.parametrize(("policy", "why"), [(MOST, "other rules"), (GATED, "other rules")])
def test_a_refund_under_other_rules_stops_the_close(studio: Studio, policy: Policy, why: str) -> None:
    """Nothing is posted, the proposal is taken back, and under the rules of the period it is exact."""
    reporting.report(studio, [used(studio, "jan", h.SALT, "2025-01-05")])
    periods.close(studio, JANUARY)
    give_back(studio)
    before = account_balances(studio)

    with pytest.raises(InputError, match=why):
        periods.close(studio, FEBRUARY, policy=policy)

    assert account_balances(studio) == before
    assert [step.step for step in closing.steps(studio, FEBRUARY)] == ["proposed", "withdrawn"]
    periods.close(studio, FEBRUARY)
    creators = sum(-micros for (account, _), micros in account_balances(studio, "Liabilities").items())
    assert creators == 500_000, "half of the one use that was not given back"
    assert check_studio(studio) == []


def test_gates_would_judge_a_refund_by_itself(studio: Studio) -> None:
    """Under the same gates, too: three uses are enough together, and one given back is not."""
    reporting.report(studio, [used(studio, name, h.SALT, "2025-01-05") for name in ("jan", "jan-2", "jan-3")])
    periods.close(studio, JANUARY, policy=GATED)
    give_back(studio)
    with pytest.raises(InputError, match="gates"):
        periods.close(studio, FEBRUARY, policy=GATED)
    assert periods.close(studio, FEBRUARY, policy=GATED, accept_adjustments=True).was_closed is False
    assert check_studio(studio) == []


def test_what_is_mended_after_a_close_failed_counts(studio: Studio) -> None:
    """A rate that was missing is recorded, and the same command closes: the cut-off is a new one."""
    reporting.report(studio, [used(studio, "jan", h.SALT, "2025-01-05")])
    policy = replace(FIFTY_FIFTY, name="dollars", settle_in="USD")
    with pytest.raises(InputError, match="rate"):
        periods.close(studio, JANUARY, policy=policy)
    reporting.report(studio, [make_rate("EUR", "USD", "1.1", "2025-01-31", "a bank")])

    closed = periods.close(studio, JANUARY, policy=policy)

    assert [pool.pool_micros for pool in closed.close.pools] == [55_000_000]
    assert [step.step for step in closing.steps(studio, JANUARY)] == [
        "proposed",
        "withdrawn",
        "proposed",
        "computed",
        "approved",
    ]
    assert check_studio(studio) == []
