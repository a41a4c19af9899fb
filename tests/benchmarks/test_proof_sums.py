"""The benchmark of the sum tree runs and measures what it says."""

from __future__ import annotations

from benchmarks.proof import sums


def test_every_figure_is_measured() -> None:
    found = sums.measure(runs=1, payees=3_000, statements=3)
    assert (found["facts"]["payees"], found["facts"]["statements"]) == (3_000, 3)
    by_name = {one.name: one for one in found["figures"]}
    assert len(by_name) == len(found["figures"]) == 11
    assert all(one.value > 0 for one in found["figures"] if one.unit in ("s", "ms", "bytes"))
    assert by_name["one proof as canonical JSON"].beside.startswith("12 steps")
