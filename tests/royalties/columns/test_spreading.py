"""Sums laid over streaming events are those that `money.allocate` lays over all of them at once."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from endcredits.money import allocate
from endcredits.royalties.columns.spreading import Spread, Tally

EVENTS = st.lists(st.tuples(st.integers(0, 2), st.one_of(st.integers(1, 3), st.integers(1, 10**9))), max_size=30)


@given(EVENTS, st.lists(st.integers(0, 10**15), min_size=3, max_size=3), st.integers(1, 30))
def test_streams_in_any_batches(events: list[tuple[int, int]], totals: list[int], step: int) -> None:
    groups = np.array([group for group, _ in events], np.int64)
    uses = np.array([use for _, use in events], np.int64)
    tally = Tally()
    for start in range(0, len(events), step):
        tally.add(groups[start : start + step], uses[start : start + step])
    spread = Spread(tally, dict(enumerate(totals)))
    laid = [
        part
        for start in range(0, len(events), step)
        for part in spread.take(groups[start : start + step], uses[start : start + step]).tolist()
    ]
    wanted = {}
    for group, total in enumerate(totals):
        own = {f"{row:03d}": use for row, (of, use) in enumerate(events) if of == group}
        wanted |= allocate(total, own) if own else {}
    assert laid == [wanted[f"{row:03d}"] for row in range(len(events))]
