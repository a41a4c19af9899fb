"""Works that something was taken from, counted by what took it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings

from endcredits.royalties.left_out import WHY, LeftOut, left_out
from endcredits.royalties.lines import write_work_lines

from .makers import Given, givens


@settings(max_examples=25)
@given(givens())
def test_counted_as_one_would_by_hand(tmp_path_factory: pytest.TempPathFactory, inputs: Given) -> None:
    """Every reason that a close gives has words, and the counts are those of its lines."""
    folder: Path = tmp_path_factory.mktemp("left-out")
    closed = inputs.close()
    write_work_lines(folder / "work_lines.parquet", closed.work_lines)
    works, money = Counter[tuple[int, int, str]](), Counter[tuple[int, int, str]]()
    for line in closed.work_lines:
        works[line.pool, line.part, line.taken] += 1
        money[line.pool, line.part, line.taken] += line.amount_micros

    expected = tuple(LeftOut(*key, number, money[key]) for key, number in sorted(works.items()) if key[2])

    assert left_out(folder) == expected
    assert {one.reason for one in expected} <= WHY.keys()
