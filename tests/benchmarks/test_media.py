"""The benchmarks of content credentials run, and compare what they say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.proof import likeness, media
from tests.receipts.credentials import files


def test_every_format_is_signed_both_ways() -> None:
    measured = media.measure(runs=1, registered=200)
    assert set(measured["formats"]) == {"png", "jpg", "webp", "mp4", "wav", "mp3", "pdf", "txt"}
    for one in measured["formats"].values():
        assert one["ratio"] == one["ours_cpu_ms"] / one["bare_cpu_ms"] and one["bytes"] > 10_000
    assert measured["ratio_largest"] == max(one["ratio"] for one in measured["formats"].values())
    assert measured["lookup"]["registered"] == 200 and json.dumps(measured)


def test_likeness_by_what_is_given(tmp_path: Path) -> None:
    texts = [files.TEXT * 8, "Another book says when the water comes, and what it takes away again. " * 80]
    (tmp_path / "literature").mkdir()
    pq.write_table(pa.table({"text": texts}), tmp_path / "literature" / "works.parquet")
    (tmp_path / "artwork").mkdir()
    images = np.random.default_rng(2).integers(0, 255, (6, 64, 64, 3)).astype(np.uint8)
    np.savez(tmp_path / "artwork" / "openclipart_64.npz", images=images)
    found = likeness.measure(tmp_path, passages=2, count=6, edited=3)
    assert found["texts"]["200 characters"]["unrelated"]["pairs"] == 4
    assert found["pictures"]["unrelated"]["pairs"] == 15
    assert found["texts"]["2000 characters"]["one word"]["most"] < found["texts"]["2000 characters"]["unrelated"]["least"]
    assert set(found["pictures"]) == {"unrelated", *likeness.picture_edits()}
