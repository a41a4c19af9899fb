"""Holdings become sets that sum to one whole; the obvious twin asks every place on every day."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.ids import PartyId
from endcredits.money import PPB
from endcredits.works import Split, Work, splits_at
from endcredits.works.records import WorkId
from endcredits.works.shares import NOT_AGREED, Holding, agree, in_force, news, region_of

ADA, BEN, CLEO = (PartyId(f"party:{name}") for name in ("ada", "ben", "cleo"))
HALF = PPB // 2
PLACES = ("WORLD", "DE", "US", "FR")


def work(splits: tuple[Split, ...]) -> Work:
    return Work(WorkId("work:x"), "X", (), (), splits)


def paid(splits: tuple[Split, ...], place: str, day: str, right: str = "train") -> dict[str, int]:
    """What a close would divide by."""
    return {one.party_id: one.split_ppb for one in splits_at(work(splits), right, place, day)}


def test_one_set_for_the_world() -> None:
    found = agree([Holding(ADA, HALF, "train", role="Author"), Holding(BEN, HALF, "train", role="Author")])
    assert [(one.party_id, one.split_ppb, one.territory) for one in found.splits] == [
        (ADA, HALF, "WORLD"),
        (BEN, HALF, "WORLD"),
    ]
    assert (found.over, found.overlaps, found.waiting) == ((), (), ())


def test_one_party_in_two_roles_is_paid_for_both() -> None:
    found = agree([Holding(ADA, HALF, "train", role="Composer"), Holding(ADA, HALF, "train", role="OriginalPublisher")])
    assert [(one.party_id, one.split_ppb) for one in found.splits] == [(ADA, PPB)]


def test_a_country_gets_a_set_only_where_it_differs() -> None:
    found = agree([Holding(ADA, HALF, "train"), Holding(BEN, HALF, "train", region_of("WORLD -US"))])
    assert {one.territory for one in found.splits} == {"WORLD", "US"}
    assert found.waiting == (("train", "US", "0001-01-01", HALF),)
    assert paid(found.splits, "US", "2026-01-01") == {ADA: HALF, NOT_AGREED: HALF}


def test_what_ends_waits_from_the_next_day_on() -> None:
    found = agree([Holding(ADA, PPB, "train", valid_from="2026-01-01", valid_to="2026-06-30")])
    assert paid(found.splits, "DE", "2026-06-30") == {ADA: PPB}
    assert paid(found.splits, "DE", "2026-07-01") == {NOT_AGREED: PPB}
    assert paid(found.splits, "DE", "2025-12-31") == {}
    assert agree([Holding(ADA, PPB, "train", valid_to="9999-12-31")]).waiting == ()


def test_more_than_the_whole_is_returned_and_never_scaled() -> None:
    """One country is enough: the right gets no set at all; other rights do."""
    found = agree(
        [
            Holding(ADA, PPB, "train"),
            Holding(BEN, 1, "train", region_of("DE"), valid_from="2026-01-01"),
            Holding(BEN, PPB, "performance"),
        ]
    )
    assert [(one.right, one.place, one.day, one.total_ppb) for one in found.over] == [("train", "DE", "2026-01-01", PPB + 1)]
    assert {one.right for one in found.splits} == {"performance"}


def test_the_same_share_twice_is_an_overlap() -> None:
    """In one place on one day is enough; another role, right, place or time is none."""
    first = Holding(ADA, 1, "train", region_of("DE FR"), "2026-01-01", "2026-07-01", "Author")
    for second, meets in [
        (Holding(ADA, 2, "train", region_of("WORLD -DE"), "2026-07-01", "", "Author"), True),
        (Holding(ADA, 2, "train", region_of("WORLD -DE -FR"), "2026-07-01", "", "Author"), False),
        (Holding(ADA, 2, "train", region_of("FR"), "2026-07-02", "", "Author"), False),
        (Holding(ADA, 2, "train", region_of("FR"), "2026-03-01", "", "Editor"), False),
        (Holding(ADA, 2, "mechanical", region_of("FR"), "2026-03-01", "", "Author"), False),
        (Holding(BEN, 2, "train", region_of("FR"), "2026-03-01", "", "Author"), False),
    ]:
        for pair in ([first, second], [second, first]):
            found = agree(pair)
            assert bool(found.overlaps) == meets
            assert not meets or not any(one.right == "train" for one in found.splits)


def test_an_older_set_of_a_country_is_replaced_too() -> None:
    """Otherwise it would go before the new one for the world; and what says nothing about a place leaves it alone."""
    before = (Split(CLEO, PPB, territory="DE"), Split(BEN, PPB))
    world = agree([Holding(ADA, PPB, "train", valid_from="2026-01-01")], before).splits
    assert paid((*before, *world), "DE", "2026-01-01") == {ADA: PPB}
    but_de = agree([Holding(ADA, PPB, "train", region_of("WORLD -DE -FR"), "2026-01-01")], before).splits
    after = (*before, *but_de)
    assert [paid(after, place, "2026-01-01") for place in ("DE", "FR", "US")] == [{CLEO: PPB}, {BEN: PPB}, {ADA: PPB}]


@pytest.mark.parametrize(
    "holding",
    [
        Holding(ADA, 0, "train"),
        Holding(ADA, -1, "train"),
        Holding(ADA, True, "train"),
        Holding(ADA, 1, " "),
        Holding(ADA, 1, "train", valid_from="2026-02-30"),
        Holding(ADA, 1, "train", valid_from="2026-02-02", valid_to="2026-02-01"),
        Holding(ADA, 1, "train", valid_to="soon"),
    ],
)
def test_what_a_holding_may_not_say(holding: Holding) -> None:
    with pytest.raises(InputError):
        agree([holding])


REGIONS = [region_of(text) for text in ("WORLD", "DE", "WORLD -US", "DE US", "WORLD -DE -FR")]
DAYS = ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"]
HOLDINGS = st.lists(
    st.builds(
        lambda party, part, region, first, length, role: Holding(
            party,
            part * PPB // 4,
            "train",
            region,
            DAYS[first],
            DAYS[min(first + length, 3)] if length < 3 else "",
            role,
        ),
        st.sampled_from([ADA, BEN, CLEO]),
        st.integers(1, 4),
        st.sampled_from(REGIONS),
        st.integers(0, 3),
        st.integers(0, 3),
        st.sampled_from(["Author", "Editor"]),
    ),
    max_size=5,
)
BEFORE = st.sampled_from(
    [(), (Split(BEN, PPB),), (Split(BEN, PPB, territory="US"),), (Split(ADA, PPB), Split(CLEO, PPB, territory="DE"))]
)


def twin(holdings: list[Holding], before: tuple[Split, ...], place: str, day: str) -> dict[str, int]:
    """Who is paid in a place on a day: who holds something; nobody where somebody held; who was paid before elsewhere."""
    held: dict[str, int] = {}
    spoken_of = False
    for one in holdings:
        if one.region.covers(place) and one.valid_from <= day:
            spoken_of = True
            if not one.valid_to or day <= one.valid_to:
                held[one.party_id] = held.get(one.party_id, 0) + one.share_ppb
    if not spoken_of:
        found = paid(before, place, day)
        world_is_new = any(one.region.elsewhere and one.valid_from <= day for one in holdings)
        return found or ({NOT_AGREED: PPB} if world_is_new else {})
    rest = PPB - sum(held.values())
    return {**held, NOT_AGREED: held.get(NOT_AGREED, 0) + rest} if rest else held


@given(HOLDINGS, BEFORE)
def test_every_place_on_every_day_is_paid_as_the_obvious_twin_says(
    holdings: list[Holding], before: tuple[Split, ...]
) -> None:
    """Sums are whole, the order of holdings does not matter, and the same again is no news."""
    found = agree(holdings, before)
    assert agree(reversed(holdings), before).splits == found.splits
    if found.over or found.overlaps:
        assert found.splits == ()
        return
    new = news(found.splits, before)
    for splits in ((*before, *found.splits), (*before, *new)):
        if len({(one.territory, one.valid_from, one.party_id) for one in splits}) < len(splits):
            continue  # the old set is of the very day: the registry refuses the new one
        for place in PLACES:
            for day in ["2025-12-31", *DAYS, "2026-01-05"]:
                assert paid(splits, place, day) == twin(holdings, before, place, day)
                assert sum(paid(splits, place, day).values()) in (0, PPB)
    assert news(found.splits, (*before, *new)) == ()


@given(HOLDINGS)
def test_too_much_is_held_exactly_where_the_twin_counts_more_than_the_whole(holdings: list[Holding]) -> None:
    totals = [
        sum(
            one.share_ppb
            for one in holdings
            if one.region.covers(place) and one.valid_from <= day and (not one.valid_to or day <= one.valid_to)
        )
        for place in PLACES
        for day in DAYS
    ]
    assert bool(agree(holdings).over) == (max(totals) > PPB)


def test_days_in_between_are_those_of_the_calendar() -> None:
    last = datetime.date(2028, 2, 29)
    found = agree([Holding(ADA, PPB, "train", valid_from="2028-01-01", valid_to=str(last))])
    assert found.waiting == (("train", "WORLD", "2028-03-01", PPB),)
    assert in_force(found.splits, "train", "DE", "2028-02-29") == {ADA: PPB}
