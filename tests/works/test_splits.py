"""Splits sum to one whole in every set, and the set that holds is the latest one begun, the territory's own first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError, IntegrityError
from endcredits.ids import PartyId, WorkId
from endcredits.money import PPB
from endcredits.works import Split, Work, splits_at
from endcredits.works.splits import check_splits, equal_splits


def part(
    party: str, split_ppb: int, territory: str = "WORLD", valid_from: str = "0001-01-01", right: str = "train"
) -> Split:
    return Split(PartyId(party), split_ppb, right, territory, valid_from)


def work_with(*splits: Split) -> Work:
    return Work(WorkId("work:a"), "A", (), (), splits)


@given(st.sets(st.text("abcdef", min_size=1, max_size=4), min_size=1, max_size=30))
def test_equal_parts_sum_and_differ_by_one_at_most(ids: set[str]) -> None:
    parts = equal_splits(ids)

    floor, more = divmod(PPB, len(ids))
    assert parts == {key: floor + (number < more) for number, key in enumerate(sorted(ids))}
    assert sum(parts.values()) == PPB


def test_nobody_shares_nothing() -> None:
    assert equal_splits([]) == {}


SETS = st.dictionaries(
    st.tuples(st.sampled_from(["WORLD", "DE", "FR"]), st.sampled_from(["2026-01-01", "2026-02-01", "2026-03-01"])),
    st.integers(1, PPB - 1),
    max_size=6,
)


@given(SETS, st.sampled_from(["WORLD", "DE", "FR", "JP"]), st.sampled_from(["2025-12-31", "2026-01-15", "2026-03-01"]))
def test_the_set_that_holds_is_the_one_a_person_would_pick(
    sets: dict[tuple[str, str], int], territory: str, day: str
) -> None:
    splits = [
        one
        for (place, since), first in sets.items()
        for one in (part("party:x", first, place, since), part("party:y", PPB - first, place, since))
    ]

    found = splits_at(work_with(*splits), "train", territory, day)

    begun = [key for key in sorted(sets, key=lambda key: key[1]) if key[1] <= day]
    own = [key for key in begun if key[0] == territory] or [key for key in begun if key[0] == "WORLD"]
    assert [one.split_ppb for one in found] == ([sets[own[-1]], PPB - sets[own[-1]]] if own else [])


def test_another_right_has_splits_of_its_own() -> None:
    work = work_with(part("party:x", PPB), part("party:y", PPB, right="performance"))

    assert [one.party_id for one in splits_at(work, "performance", "DE", "2026-01-01")] == ["party:y"]
    assert splits_at(work, "print", "DE", "2026-01-01") == ()


def test_a_set_that_no_longer_sums_is_never_used() -> None:
    with pytest.raises(IntegrityError, match="999,999,999"):
        splits_at(work_with(part("party:x", PPB - 1)), "train", "WORLD", "2026-01-01")


def test_a_day_is_checked() -> None:
    with pytest.raises(InputError, match="is not a day"):
        splits_at(work_with(), "train", "WORLD", "tomorrow")


@pytest.mark.parametrize(
    ("splits", "problem"),
    [
        ([], "no splits"),
        ([part("party:x", PPB - 1)], "sum to 999,999,999 ppb"),
        ([part("party:x", PPB), part("party:y", 1)], "sum to 1,000,000,001 ppb"),
        ([part("party:x", 0), part("party:y", PPB)], "is 0"),
        ([part("party:x", -1), part("party:y", PPB + 1)], "is -1"),
        ([part("party:x", 1), part("party:x", PPB - 1)], "has two splits"),
        ([part("party:x", PPB, territory="Germany")], "not a territory"),
        ([part("party:x", PPB, valid_from="2026-02-30")], "is not a day"),
        ([part("party:x", PPB, right=" ")], "names no right"),
    ],
)
def test_a_wrong_set_is_refused(splits: list[Split], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        check_splits(splits, "'A'")


@given(st.lists(st.integers(1, PPB), min_size=1, max_size=5))
def test_only_a_whole_passes(parts: list[int]) -> None:
    splits = [part(f"party:{number}", size) for number, size in enumerate(parts)]

    if sum(parts) == PPB:
        assert len(check_splits(splits, "'A'")) == 1
    else:
        with pytest.raises(InputError, match=f"{sum(parts):,}"):
            check_splits(splits, "'A'")
