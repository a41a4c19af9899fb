"""On the published ground truth, the measured log-ratio is the published one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from endcredits.influence import load_text_models

TRUTH = Path(__file__).parents[3] / "shared" / "truth" / "literature"


@pytest.mark.shared
def test_log_ratios_are_those_of_the_truth_table() -> None:
    """Five outputs of different kinds, with and without prompts, to a thousandth of a nat."""
    if not TRUTH.is_dir():
        pytest.skip(f"NOT TESTED ON THE TRUTH TABLE: {TRUTH} is not there")
    import pyarrow.parquet as pq

    table = np.load(TRUTH / "loglik.npz")
    rows = pq.read_table(TRUTH / "queries.parquet").to_pylist()
    places = {str(name): number for number, name in enumerate(table["query_id"])}
    chosen = [rows[len(rows) * number // 5] for number in range(5)]
    models = load_text_models(TRUTH / "base", TRUTH / "full")

    for row in chosen:
        windows = models.task.pieces(models.output(row["output"], row["prompt"]))
        with torch.no_grad():
            base, full = (float(models.task.measurement(m, windows).sum()) for m in (models.base, models.full))
        place = places[row["query_id"]]

        assert base == pytest.approx(float(table["base"][place]), abs=1e-3)
        assert full - base == pytest.approx(float(table["full"][place] - table["base"][place]), abs=1e-3)
