"""The page about the sum tree is enough to check a place: its own program accepts and refuses what ours does."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.canonical import to_plain
from endcredits.receipts.sum_tree import Salted, SumPlace, SumTree, build, sum_problem
from tests.receipts.sums import payee, rows, some

PAGE = (Path(__file__).parents[2] / "docs" / "sum-tree.md").read_text(encoding="utf-8")


def program() -> Any:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    return names["check_place"]


CHECK = program()


def receipt(tree: SumTree, place: SumPlace) -> dict[str, Any]:
    """As much of a period's receipt as the page's program reads."""
    pools = [{"currency": "EUR", "pool_micros": tree.paid - tree.taken}]
    return {"body": {"pools": pools, "sums": [to_plain(tree.published("EUR"))]}, "sum": to_plain(place)}


@given(rows(least=1), st.data())
def test_the_pages_program_accepts_every_place(given_rows: list[Salted], data: st.DataObject) -> None:
    tree = build(given_rows)
    CHECK(receipt(tree, tree.place(data.draw(st.integers(0, len(given_rows) - 1)))))


@given(st.integers(1, 12), st.data())
def test_it_refuses_what_is_refused_here(size: int, data: st.DataObject) -> None:
    tree = build(some(*range(1, size + 1)))
    place = tree.place(data.draw(st.integers(0, size - 1)))
    wrong = data.draw(
        st.sampled_from(
            [
                replace(place, leaf=replace(place.leaf, paid_micros=place.leaf.paid_micros + 1)),
                replace(place, leaf=replace(place.leaf, party_id="friend")),
                replace(place, salt="00" * 32),
                replace(place, path=place.path + tree.place(0).path[:1]),
                replace(place, path=tuple(replace(step, taken_micros=step.taken_micros + 1) for step in place.path)),
                replace(place, index=place.index + 1),
            ]
        )
    )
    if wrong != place:
        assert sum_problem(wrong, tree.published("EUR"))
        with pytest.raises((AssertionError, IndexError)):
            CHECK(receipt(tree, wrong))


def test_its_known_answer_is_right() -> None:
    ada, ben = Salted(payee("ada", 7_000_000), "00" * 32), Salted(payee("ben", 5, 3), "01" * 32)
    tree = build([ada, ben])
    assert tree.root.hex() in PAGE and f"{tree.paid:,} and {tree.taken}" in PAGE
    CHECK(receipt(tree, tree.place(0)))
    CHECK(receipt(tree, tree.place(1)))
