"""Copies gain nothing on an output, take nothing from anybody, and cannot be used to lower another's credit."""

from __future__ import annotations

import random
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from endcredits.ids import WorkId
from endcredits.royalties.copies import shared_without_copies

NANO = 10**9
FIRST, LATER = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"

weights = st.lists(st.integers(1, 1000), min_size=1, max_size=6)


def divided(by_work: dict[WorkId, int], whole: int) -> dict[WorkId, int]:
    total = sum(by_work.values())
    return {work: whole * weight // total for work, weight in by_work.items()}


@given(st.integers(1, 1000), weights, st.integers(1, 40))
def test_exact_copies_leave_everybody_what_they_had(original, others, copies):
    honest = {WorkId("original"): original} | {WorkId(f"other-{n}"): weight for n, weight in enumerate(others)}
    again = {WorkId(f"copy-{n:02d}"): original for n in range(copies)}
    family = {work: "family" for work in (WorkId("original"), *again)}
    dates = {WorkId("original"): FIRST} | dict.fromkeys(again, LATER)
    found = shared_without_copies(divided(honest | again, NANO), NANO, family, dates)
    alone = divided(honest, NANO)
    slack = 100 * (copies + len(honest))
    assert abs(sum(found[work] for work in family) - alone[WorkId("original")]) <= slack
    assert all(abs(found[work] - alone[work]) <= slack for work in honest if work not in family)


@given(st.integers(1, 1000), weights, st.integers(1, 1000), st.integers(1, 40))
def test_what_nobody_is_credited_for_stays_nobodys(original, others, nobody, copies):
    honest = {WorkId("original"): original} | {WorkId(f"other-{n}"): weight for n, weight in enumerate(others)}
    again = {WorkId(f"copy-{n:02d}"): original for n in range(copies)}
    family = {work: "family" for work in (WorkId("original"), *again)}
    rest = WorkId("nobody")
    copied, alone = (divided(each | {rest: nobody}, NANO) for each in (honest | again, honest))
    copied.pop(rest)
    found = shared_without_copies(copied, NANO, family, dict.fromkeys(again, LATER) | {WorkId("original"): FIRST})
    slack = 100 * (copies + len(honest))
    assert abs(NANO - sum(found.values()) - alone[rest]) <= 2 * slack
    assert all(abs(found[work] - alone[work]) <= slack for work in honest if work not in family)


@given(
    st.dictionaries(st.integers(0, 9), st.integers(-1000, 1000), min_size=1),
    st.dictionaries(st.integers(0, 9), st.integers(0, 2)),
)
def test_nothing_is_made_and_nothing_turns_around(drawn, families):
    credits = {WorkId(f"w{n}"): NANO * credit for n, credit in drawn.items()}
    clusters = {WorkId(f"w{n}"): family for n, family in families.items()}
    whole = max(sum(max(credit, 0) for credit in credits.values()), 1)
    found = shared_without_copies(credits, whole, clusters, {})
    assert found.keys() == credits.keys()
    assert all(found[work] * credits[work] >= 0 for work in credits)
    assert sum(max(credit, 0) for credit in found.values()) <= sum(max(credit, 0) for credit in credits.values())
    assert all(abs(found[work]) >= abs(credits[work]) for work in credits if work not in clusters)


def test_noise_of_copies_still_cancels_over_a_period():
    draw = random.Random(1)
    works = [WorkId(f"copy-{n:02d}") for n in range(20)]
    family = dict.fromkeys(works, 0)
    summed = 0
    for _ in range(2_000):
        credits = {work: round(draw.gauss(0, NANO)) for work in works} | {WorkId("other"): 50 * NANO}
        summed += sum(
            credit for work, credit in shared_without_copies(credits, 100 * NANO, family, {}).items() if work in family
        )
    assert abs(summed) < 4 * NANO * (2_000 * 20) ** 0.5


def test_weak_copies_do_not_lower_the_first_registrant():
    credits = {WorkId("first"): 50, WorkId("weak-1"): 1, WorkId("weak-2"): 1, WorkId("other"): 48}
    family = {work: 0 for work in credits if work != "other"}
    found = shared_without_copies({w: c * NANO for w, c in credits.items()}, 100 * NANO, family, {WorkId("first"): FIRST})
    total = sum(found[work] for work in family)
    assert Fraction(total, NANO) > 50


def test_a_first_registrant_who_was_never_read_does_not_silence_the_copy():
    credits = {WorkId("first"): 0, WorkId("read"): 60 * NANO, WorkId("other"): 40 * NANO}
    clusters = {WorkId("first"): 0, WorkId("read"): 0}
    found = shared_without_copies(credits, 100 * NANO, clusters, {WorkId("first"): FIRST})
    assert 25 * NANO < found[WorkId("first")] + found[WorkId("read")] < 60 * NANO


def test_without_clusters_nothing_changes():
    credits = {WorkId("a"): 5, WorkId("b"): -3}
    assert shared_without_copies(credits, 5, {}, {}) == credits
