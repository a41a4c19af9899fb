"""Every single number of a close that is changed by one unit is found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from endcredits.royalties.invariants import problems

from .makers import november

POOL_NUMBERS = [
    "revenue_micros",
    "operator_micros",
    "pool_micros",
    "commons_micros",
    "allocated_micros",
    "suspense_micros",
    "rounding_carry_micros",
]


def test_a_close_as_computed_has_no_problems() -> None:
    """Nothing is found where nothing is wrong."""
    assert problems(november().close()) == []


@pytest.mark.parametrize("name", POOL_NUMBERS)
@pytest.mark.parametrize("by", [-1, 1])
def test_a_changed_sum_is_found(name: str, by: int) -> None:
    """Each of the pool's sums is tied to another."""
    close = november().close()
    pool = replace(close.pools[0], **{name: getattr(close.pools[0], name) + by})

    assert problems(replace(close, pools=(pool, *close.pools[1:])))


@pytest.mark.parametrize(("name", "by"), [("amount_micros", 1), ("amount_micros", -1), ("share_ppb", 1)])
def test_a_changed_work_is_found(name: str, by: int) -> None:
    """A work's amount is tied to its parties, its share to its weight."""
    close = november().close()
    pool = close.pools[0]
    changed = replace(pool.works[0], **{name: getattr(pool.works[0], name) + by})

    assert problems(replace(close, pools=(replace(pool, works=(changed, *pool.works[1:])), *close.pools[1:])))


def test_money_moved_between_works_or_parties_is_found() -> None:
    """Even where every sum of the pool still holds."""
    close = november().close()
    pool = close.pools[0]
    first, second, *rest = pool.works
    works = (
        replace(first, amount_micros=first.amount_micros - 1),
        replace(second, amount_micros=second.amount_micros + 1),
        *rest,
    )

    found = problems(replace(close, pools=(replace(pool, works=works), *close.pools[1:])))

    assert any("w1" in problem for problem in found)
    assert any("w2" in problem for problem in found)


def test_order_doubles_policy_and_weights_are_checked() -> None:
    """Lines in another order or twice, another policy, a weight that is no number."""
    close = november().close()
    pool = close.pools[0]
    changes = [
        replace(close, pools=close.pools[::-1]),
        replace(close, pools=(replace(pool, parties=pool.parties[::-1]), close.pools[1])),
        replace(close, pools=(replace(pool, works=pool.works[::-1]), close.pools[1])),
        replace(close, pools=(replace(pool, works=(*pool.works, pool.works[-1])), close.pools[1])),
        replace(close, pools=(replace(pool, denominator="1"), close.pools[1])),
        replace(close, pools=(replace(pool, denominator="many"), close.pools[1])),
        replace(close, policy=replace(close.policy, pool_ppb=close.policy.pool_ppb + 1)),
    ]

    assert all(problems(change) for change in changes)
