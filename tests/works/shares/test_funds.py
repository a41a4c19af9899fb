"""Money goes through funds exactly, however deep; circles are found and named; works without funds stay the very same."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError, IntegrityError
from endcredits.ids import PartyId, WorkId
from endcredits.money import PPB
from endcredits.works import Split, Work
from endcredits.works.shares import FundShare, members_on, paid_through_funds, through
from endcredits.works.shares.funds import check_fund, circle_in

A, B, C, D = (PartyId(f"party:{one}") for one in "abcd")


def fund(fund_id: PartyId, day: str = "0001-01-01", **parts: int) -> list[FundShare]:
    return [FundShare(fund_id, PartyId(f"party:{name}"), ppb, day) for name, ppb in parts.items()]


def test_the_latest_set_of_a_day_counts() -> None:
    shares = [*fund(A, b=PPB), *fund(A, "2026-01-01", c=PPB), *fund(D, "2026-06-01", b=PPB)]
    assert members_on(shares, "2025-12-31") == {A: {B: PPB}}
    assert members_on(shares, "2026-06-01") == {A: {C: PPB}, D: {B: PPB}}


def test_a_member_is_paid_directly_and_through_a_fund() -> None:
    assert through({A: 500, B: 500}, {A: {B: 1, C: 1}}) == {B: 750, C: 250}


def test_what_cannot_be_divided_leaves_somebody_with_nothing() -> None:
    assert through({A: 1}, {A: {B: 1, C: 1}}) == {B: 1}


def test_works_without_funds_are_the_very_same() -> None:
    """What is frozen of them cannot change."""
    plain = Work(WorkId("work:1"), "1", (), (), (Split(B, PPB),))
    other = Work(WorkId("work:2"), "2", (), (), (Split(A, 400_000_000), Split(B, 600_000_000)))
    found = paid_through_funds([plain, other], fund(A, b=250_000_000, c=750_000_000), "2026-01-01")
    assert found[0] is plain
    assert [(one.party_id, one.split_ppb) for one in found[1].splits] == [(B, 700_000_000), (C, 300_000_000)]
    assert all(
        one is two for one, two in zip(paid_through_funds([plain, other], [], "2026-01-01"), (plain, other), strict=True)
    )


def test_a_circle_is_refused_on_every_day_on_which_it_would_close() -> None:
    names = {A: "Ay", B: "Bee", C: "Cee"}
    known = [*fund(A, b=PPB), *fund(B, "2026-01-01", c=PPB)]
    with pytest.raises(InputError, match="on 2026-01-01: Ay pays Bee pays Cee pays Ay"):
        check_fund(fund(C, a=PPB), known, names)
    check_fund(fund(C, d=PPB), known, names)
    with pytest.raises(InputError, match="Ay pays Ay"):
        check_fund(fund(A, "2027-01-01", a=PPB), known, names)
    with pytest.raises(IntegrityError, match="circle"):
        through({A: 1}, {A: {B: 1}, B: {A: 1}})


@pytest.mark.parametrize(
    ("shares", "match"),
    [
        ([], "has members"),
        (fund(A, b=PPB - 1), "sum to 999,999,999"),
        (fund(A, b=PPB, c=0), "is 0"),
        ([*fund(A, b=PPB // 2), *fund(A, b=PPB // 2)], "twice"),
        (fund(A, "soon", b=PPB), "not a day"),
    ],
)
def test_what_a_fund_may_not_be(shares: list[FundShare], match: str) -> None:
    with pytest.raises(InputError, match=match):
        check_fund(shares, [], {})


PEOPLE = [f"p{n}" for n in range(6)]
GRAPHS = st.dictionaries(
    st.sampled_from(PEOPLE), st.dictionaries(st.sampled_from(PEOPLE), st.integers(1, 9), min_size=1, max_size=3), max_size=5
)


def reaches(members: dict[str, dict[str, int]], start: str, goal: str) -> bool:
    """The obvious twin: everybody whom somebody's money reaches."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for one in members.get(waiting.pop(), {}):
            if one not in seen:
                seen.add(one)
                waiting.append(one)
    return goal in seen


@given(GRAPHS, st.dictionaries(st.sampled_from(PEOPLE), st.integers(1, 10**9), max_size=4))
def test_money_through_funds_sums_and_ends_with_people(members: dict[str, dict[str, int]], portions: dict[str, int]) -> None:
    circle = circle_in(members)
    assert bool(circle) == any(reaches(members, one, one) for one in members)
    if circle:
        assert circle[0] == circle[-1] and all(two in members[one] for one, two in pairwise(circle))
        return
    paid = through(portions, members)
    assert sum(paid.values()) == sum(portions.values())
    assert not set(paid) & set(members) and all(paid.values())
