"""`python -m benchmarks.payout --truth DIR [--json]`.

DIR holds a base and a full model, the training examples, outputs, and the true Shapley credits of every creator by
retraining coalitions (`base/`, `full/`, `train.parquet`, `queries.parquet`, `shapley.npz`). For each method and kind of
output it prints the payout error: total variation, half the sum of absolute differences, between paid and true shares, per
output (mean) and per statement (credits summed over the outputs of a kind, clipped once). Beside it stand splits that look
at nothing, and the floor: the error that the truth's own standard errors imply, which no method can beat and be believed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.frame import machine
from endcredits.ids import WorkId
from endcredits.influence import Example, TextOutput, build_index, load_text_models, use_threads
from endcredits.influence.text.windows import Window

KINDS = ("human", "gen_T1", "gen_T0.7")
PAID = 20


def shares(credits: np.ndarray) -> np.ndarray:
    """Positive parts as shares along the last axis; equal where nothing is positive."""
    positive = np.clip(credits, 0, None)
    total = positive.sum(-1, keepdims=True)
    return np.where(total > 0, positive / np.where(total > 0, total, 1), 1 / credits.shape[-1])


def error_per_output(found: np.ndarray, true: np.ndarray) -> float:
    """Mean over outputs of the total variation between shares."""
    return float((0.5 * np.abs(shares(found) - shares(true)).sum(-1)).mean())


def error_per_statement(found: np.ndarray, true: np.ndarray) -> float:
    """Total variation between the shares of the summed credits."""
    return float(0.5 * np.abs(shares(found.sum(0)) - shares(true.sum(0))).sum())


def measured(folder: Path, truth: Path, examples: list[dict[str, Any]], queries: list[dict[str, Any]]) -> dict[str, Any]:
    """Credits of our index, by creator, with what it cost."""
    models = load_text_models(truth / "base", truth / "full")
    given = [Example(WorkId(row["creator_id"]), Window(tuple(row["bytes"]))) for row in examples]
    begin = time.perf_counter()
    index = build_index(
        folder, base=models.base, full=models.full, task=models.task, examples=given, calibration=models.calibration(0)
    )
    built = time.perf_counter() - begin
    begin = time.perf_counter()
    answers = index.attribute([TextOutput(row["output"], row["prompt"]) for row in queries])
    return {
        "creators": list(index.work_ids),
        "credits": np.array([answer.credit_nats for answer in answers]),
        "log_ratio": np.array([answer.log_ratio_nats for answer in answers]),
        "seconds_index": built,
        "seconds_output": (time.perf_counter() - begin) / len(queries),
        "bytes": sum(path.stat().st_size for path in folder.iterdir()),
    }


def run(truth: Path) -> dict[str, Any]:
    """All rows."""
    queries = pq.read_table(truth / "queries.parquet").to_pylist()
    examples = pq.read_table(truth / "train.parquet").to_pylist()
    table = np.load(truth / "shapley.npz")
    creators = [str(name) for name in table["creators"]]
    assert [str(name) for name in table["query_id"]] == [row["query_id"] for row in queries]
    with tempfile.TemporaryDirectory() as folder:
        ours = measured(Path(folder) / "index", truth, examples, queries)
    order = [ours["creators"].index(name) for name in creators]
    sizes = np.array([float(sum(len(row["bytes"]) for row in examples if row["creator_id"] == name)) for name in creators])
    methods = {
        "endcredits ek-fac-midpoint/1": ours["credits"][:, order],
        "equal split": np.ones((len(queries), len(creators))),
        "by size": np.tile(sizes, (len(queries), 1)),
    }
    noise = np.random.default_rng(0).standard_normal(table["phi"].shape) * table["se"]
    rows, floor = [], {}
    for kind in KINDS:
        chosen = np.array([row["kind"] == kind for row in queries])
        true = table["phi"][chosen][:, :PAID]
        floor[kind] = round(error_per_output((table["phi"] + noise)[chosen][:, :PAID], true), 3)
        for name, credits in methods.items():
            row: dict[str, Any] = {
                "method": name,
                "kind": kind,
                "tv_output": round(error_per_output(credits[chosen][:, :PAID], true), 3),
                "tv_statement": round(error_per_statement(credits[chosen][:, :PAID], true), 3),
            }
            if name.startswith("endcredits"):
                row["credit_sum_nats"] = round(float(credits[chosen].sum(1).mean()), 2)
                row["log_ratio_nats"] = round(float(ours["log_ratio"][chosen].mean()), 2)
                row["seconds"] = round(ours["seconds_output"], 4)
                row["bytes"] = ours["bytes"]
            rows.append(row)
    built = {"seconds_index": ours["seconds_index"]}
    return {"benchmark": "payout", "machine": machine(), "floor": floor, **built, "rows": rows}


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description="Payout error against the shares that retraining shows.")
    parser.add_argument("--truth", type=Path, required=True, help="folder with models, outputs and true credits")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    asked = parser.parse_args()
    use_threads(1)
    document = run(asked.truth)
    if asked.json:
        json.dump(document, sys.stdout, indent=2)
        print()
        return
    print(f"payout error  ({document['machine']}; index {document['seconds_index']:.0f} s; lower is better)")
    print(f"  {'method':<32}{'kind':<10}{'per output':>11}{'statement':>11}   credits of measured nats")
    for row in document["rows"]:
        sums = f"   {row['credit_sum_nats']} of {row['log_ratio_nats']}" if "credit_sum_nats" in row else ""
        print(f"  {row['method']:<32}{row['kind']:<10}{row['tv_output']:>11.3f}{row['tv_statement']:>11.3f}{sums}")
    for kind, value in document["floor"].items():
        print(f"  {'floor (noise of the truth)':<32}{kind:<10}{value:>11.3f}")


if __name__ == "__main__":
    main()
