"""`python -m benchmarks.lds --truth DIR [--json] [--peers] [--seeds N] [--cache FOLDER]`.

DIR holds the losses of models that were retrained on random halves of 1,500 handwritten digits, and the models on
everything (see `truth`). For each method it prints the linear datamodeling score: how well the sum of its scores over a
subset ranks what retraining on that subset gave. Every row uses one training run, that of seed 0, unless its name says
otherwise; `lds_by_seed` repeats it for the runs of other seeds. Seconds are those of the whole computation for all queries,
on one thread; bytes are what has to be kept for a query that comes later.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.frame import machine
from benchmarks.lds import baselines, ours, peers
from benchmarks.lds.cache import DEFAULT, code_digest, kept
from benchmarks.lds.score import agreement, ceiling
from benchmarks.lds.truth import EXAMPLES, SNAPSHOTS, Matrix, Truth, read_truth, run_of, start
from endcredits.errors import InputError
from endcredits.influence import use_threads

WEIGHTS_BYTES = 4 * sum(value.numel() for value in start(0).parameters())
STEPS = len(run_of(0).batches)


@dataclass(frozen=True, slots=True)
class Method:
    """A row.

    Attributes:
        name: as printed; ours begin with "endcredits".
        scores: truth and seed of the run -> scores ``[queries, examples]``, higher where an example helps.
        snapshots: how many points of the run it looks at.
        kept_bytes: what is kept for later queries.
        rooms: folders of the influence room whose code it runs.
        seeds: whether another run gives another result.
    """

    name: str
    scores: Callable[[Truth, int], Matrix]
    snapshots: int
    kept_bytes: int
    rooms: tuple[str, ...] = ()
    seeds: bool = True


MANY, ROWS = len(SNAPSHOTS), EXAMPLES * WEIGHTS_BYTES
TRAJECTORY, CURVATURE = ("trajectory",), ("gradient",)
METHODS = (
    Method(
        "endcredits response, run at half weight", ours.response_half, STEPS // 2, STEPS // 2 * WEIGHTS_BYTES, TRAJECTORY
    ),
    Method("endcredits kernel, 7 snapshots of the run at half weight", ours.kernel_half_run, MANY, MANY * ROWS, TRAJECTORY),
    Method("endcredits kernel, 7 snapshots", ours.kernel_snapshots, MANY, MANY * ROWS),
    Method("endcredits ek-fac, 7 snapshots", ours.ekfac_snapshots, MANY, MANY * ROWS, CURVATURE),
    Method("endcredits ek-fac, final model", ours.ekfac_final, 1, ROWS, CURVATURE),
    Method("endcredits ek-fac, midpoint of epoch 3 and final", ours.ekfac_late_midpoint, 2, ROWS, CURVATURE),
    Method("endcredits ek-fac, midpoint of untrained and final", ours.ekfac_midpoint, 2, ROWS, CURVATURE),
    Method("tracin, 7 snapshots", baselines.tracin, MANY, MANY * ROWS),
    Method("input cosine x same label", baselines.input_cosine, 0, EXAMPLES * 256, seeds=False),
    Method("embedding cosine x same label", baselines.embedding_cosine_label, 1, EXAMPLES * 256),
    Method("grad-dot", baselines.grad_dot, 1, ROWS),
    Method("trackstar-like", baselines.trackstar_like, 1, EXAMPLES * baselines.PROJECTED * 4),
    Method("trak-like", baselines.trak_like, 1, EXAMPLES * baselines.PROJECTED * 4),
    Method("embedding cosine", baselines.embedding_cosine, 1, EXAMPLES * 256),
    Method("random", baselines.random, 0, 0),
    Method("endcredits response, recorded run", ours.response_full, STEPS, STEPS * WEIGHTS_BYTES, TRAJECTORY),
)
PEERS = (
    Method("kronfluence ek-fac", peers.kronfluence_ekfac, 1, 0, CURVATURE),
    Method("dattri trak", peers.dattri_trak, 1, EXAMPLES * peers.SIDE * 4),
    Method("traker trak", peers.traker_trak, 1, EXAMPLES * peers.TRAKER_SIDE * 4),
)


def row(truth: Truth, method: Method, cache: Path, seeds: int) -> dict[str, Any]:
    """One line of the table, computed or read from the cache."""
    code = code_digest(method.scores, method.rooms)
    each, spent = [], 0.0
    for seed in range(seeds if method.seeds else 1):
        key = f"{truth.digest} {method.name} {seed} {code}"
        found, took = kept(cache, key, lambda seed=seed: method.scores(truth, seed))  # type: ignore[misc]
        each.append(found)
        spent = took if seed == 0 else spent
    judged = agreement(truth, each[0])
    line: dict[str, Any] = {
        "method": method.name,
        "lds": round(judged.lds, 4),
        "lds_margin": round(judged.lds_margin, 4),
        "se": round(judged.se, 4),
        "lds_worst_fold": round(judged.worst_fold, 4),
        "seconds": round(spent, 1),
        "bytes": method.kept_bytes,
        "snapshots": method.snapshots,
    }
    if len(each) > 1:
        line["lds_by_seed"] = [round(agreement(truth, one).lds, 4) for one in each]
        line["lds_summed_over_seeds"] = round(agreement(truth, np.sum(each, 0)).lds, 4)
    return line


def run(folder: Path, cache: Path, *, with_peers: bool, seeds: int) -> dict[str, Any]:
    """The whole table."""
    truth = read_truth(folder)
    rows, skipped = [], []
    for method in METHODS:
        print(f"{method.name} ...", file=sys.stderr)
        rows.append(row(truth, method, cache, min(seeds, truth.seeds)))
    for method in PEERS:
        if not with_peers:
            skipped.append({"method": method.name, "reason": "asked for with --peers"})
            continue
        print(f"{method.name} ...", file=sys.stderr)
        try:
            rows.append(row(truth, method, cache, 1))
        except Exception as error:  # a peer may fail in any way, and its row then says so
            skipped.append({"method": method.name, "reason": f"{type(error).__name__}: {error}"})
    return {
        "benchmark": "lds",
        "machine": machine(),
        "ceiling": round(ceiling(truth), 4),
        "subsets": len(truth.masks),
        "queries": len(truth.queries),
        "queries_fit": round(truth.fit, 3),
        "rows": rows,
        "skipped": skipped,
    }


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description="How well scores predict retraining on subsets: digits.")
    parser.add_argument("--truth", type=Path, required=True, help="folder with lds_digits.npz and full_models.safetensors")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--peers", action="store_true", help="also run the libraries that are installed")
    parser.add_argument("--seeds", type=int, default=1, help="repeat each row for the runs of this many seeds (default 1)")
    parser.add_argument("--cache", type=Path, default=DEFAULT, help=f"where results are kept (default {DEFAULT})")
    asked = parser.parse_args()
    use_threads(1)
    try:
        document = run(asked.truth, asked.cache, with_peers=asked.peers, seeds=max(1, asked.seeds))
    except InputError as error:
        sys.exit(str(error))
    if asked.json:
        json.dump(document, sys.stdout, indent=2)
        print()
        return
    print(f"LDS on digits  ({document['machine']}; ceiling {document['ceiling']}; {document['subsets']} subsets)")
    print(f"  {'method':<58}{'lds':>7}{'margin':>8}{'se':>7}{'worst fold':>12}{'seconds':>9}{'MB':>8}")
    for line in sorted(document["rows"], key=lambda line: -line["lds"]):
        print(
            f"  {line['method']:<58}{line['lds']:>7.3f}{line['lds_margin']:>8.3f}{line['se']:>7.3f}"
            f"{line['lds_worst_fold']:>12.3f}{line['seconds']:>9.1f}{line['bytes'] / 1e6:>8.1f}"
        )
    for line in document["skipped"]:
        print(f"  {line['method']:<58} skipped: {line['reason']}")


if __name__ == "__main__":
    main()
