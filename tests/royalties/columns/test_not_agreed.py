"""What nobody is agreed to own: both programs of the close leave it in suspense, to the unit, and pay the others as ever."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from endcredits.money import PPB
from endcredits.works.shares import NOT_AGREED
from tests.royalties.columns.test_close import assert_same
from tests.royalties.makers import PARTIES, Given, givens, plain_givens

quick = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def with_gaps(one: Given, party: str = PARTIES[0]) -> Given:
    """The same period with one party's portions as nobody's."""
    songs = tuple(
        replace(
            song,
            splits={
                place: {NOT_AGREED if name == party else name: ppb for name, ppb in portions.items()}
                for place, portions in song.splits.items()
            },
        )
        for song in one.songs
    )
    return replace(one, songs=songs)


@quick
@given(st.one_of(givens(), plain_givens(weighting="revenue")))
def test_both_programs_agree(one: Given) -> None:
    assert_same(with_gaps(one))


@quick
@given(plain_givens())
def test_the_gap_waits_and_is_as_large_as_its_portion(one: Given) -> None:
    """It stands with nobody, under the work; the sum of a work is what it was, and everybody else has what they had."""
    before, after = one.close(), with_gaps(one).close()
    assert all(line.party_id != NOT_AGREED for line in after.lines)
    sums = [Counter[tuple[object, ...]]() for _ in range(2)]
    for total, closed in zip(sums, (before, after), strict=True):
        for line in closed.lines:
            total[line.pool, line.part, line.work_id, line.territory] += line.amount_micros
    assert sums[0] == sums[1]
    portions = {song.work_id: song.splits for song in with_gaps(one).songs}
    for line in after.lines:
        gap = portions[line.work_id].get(("train", line.territory), {}).get(NOT_AGREED) if line.work_id else None
        if line.party_id is None and gap:
            place = (line.pool, line.part, line.work_id, line.territory)
            assert line.state in ("suspense", "disputed") and line.split_ppb == gap
            assert abs(line.amount_micros - Fraction(sums[1][place] * gap, PPB)) <= 1
