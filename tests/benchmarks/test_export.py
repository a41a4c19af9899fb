"""The benchmark of an export runs and compares what it says."""

from __future__ import annotations

from benchmarks import export


def test_a_small_studio_is_taken_out_and_checked() -> None:
    found = export.measure(works=12, size=500, runs=1)

    figures = {one.name: one for one in found["figures"]}
    assert found["facts"]["proofs"] == 12 and found["facts"]["files"] > 36
    assert figures["check_to_reference"].value == figures["check_cpu_s"].value / figures["reference_cpu_s"].value
    assert figures["export_ms_a_work"].value == 1000 * figures["export_cpu_s"].value / 12
