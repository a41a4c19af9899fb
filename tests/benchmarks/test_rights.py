"""The benchmarks of rights run, and measure what they say."""

from __future__ import annotations

import pytest

pytest.importorskip("c2pa")

from benchmarks.rights import scan


def test_scan_beside_the_bare_libraries() -> None:
    found = scan.measured(runs=1, files=44, photographs=4)
    by_name = {one.name: one for one in found["figures"]}
    assert found["facts"]["files"] == 44 and found["facts"]["signed"] == 1 and len(by_name) == 14
    for what in ("pictures", "photographs"):
        ratio = by_name[f"{what}: time to the libraries"].value
        assert ratio == pytest.approx(by_name[f"{what}: the libraries alone"].value / by_name[f"{what}: scan"].value)
    assert all(one.value > 0 for one in found["figures"])
