"""The benchmarks of rights run, and measure what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("c2pa")

from benchmarks.rights import decisions, scan
from endcredits.store import open_store


def test_scan_beside_the_bare_libraries() -> None:
    found = scan.measured(runs=1, files=44, photographs=4)
    by_name = {one.name: one for one in found["figures"]}
    assert found["facts"]["files"] == 44 and found["facts"]["signed"] == 1 and len(by_name) == 14
    for what in ("pictures", "photographs"):
        ratio = by_name[f"{what}: time to the libraries"].value
        assert ratio == pytest.approx(by_name[f"{what}: the libraries alone"].value / by_name[f"{what}: scan"].value)
    assert all(one.value > 0 for one in found["figures"])


def test_decisions_about_many_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On SQLite; the rows that are made are rows of the registry's tables, and both ways agree on them."""
    monkeypatch.setattr(decisions, "SINGLES", 20)
    found = decisions.measured(runs=1, works=300, databases="sqlite")
    assert found["facts"] == {"works": 300, "statements": 300 * 5 + 15 + 200 + 20}
    by_name = {one.name: one for one in found["figures"]}
    assert len(by_name) == 7 and all(one.value > 0 for one in found["figures"])

    store = open_store(f"sqlite:///{tmp_path / 'studio.db'}")
    decisions.fill(store, 60)
    with store.reading() as conn:
        together = {row["work_id"]: row for row in decisions.decide_all(conn, "train", decisions.AT).to_pylist()}
        for work, row in together.items():
            alone = decisions.decide_work(conn, work, "train", decisions.AT)
            assert (row["value"], row["permission_id"]) == (alone.value, alone.permission_id or "")
    store.close()
    assert {row["value"] for row in together.values()} == {"allow", "conditional", "deny", "unknown"}
