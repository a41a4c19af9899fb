"""Outputs give at most all of themselves and take at most as much, in any cut of the credits into batches."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.money import PPB
from endcredits.royalties.columns.credits import Shares

CREDITS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([-PPB, -PPB // 2, -1, 1, PPB // 2, PPB])), max_size=8)


@given(CREDITS.map(sorted), st.integers(1, 4))
def test_both_sides_are_counted_apart(credits: list[tuple[int, int]], step: int) -> None:
    sides: Counter[tuple[int, bool]] = Counter()
    for output, share in credits:
        sides[output, share > 0] += abs(share)
    shares = Shares(Path("credits.parquet"))
    refused = False
    try:
        for start in range(0, len(credits), step):
            part = np.array(credits[start : start + step], np.int64)
            shares.check(part[:, 0], part[:, 1])
    except InputError as error:
        assert error.field == "share_ppb"
        refused = True
    assert refused == (max(sides.values(), default=0) > PPB)
