"""`python -m benchmarks.payout --truth DIR [--json]`: would the money have gone where retraining says it should?

DIR is a truth folder: a base and a full model, the training examples, outputs, and the true Shapley credits of every creator
by retraining coalitions (`benchmarks.payout.panel` says what stands in it, `endcredits.influence.replay.make` makes one).
For each method and kind of output, human-written and generated, a row says how far its shares are from the true ones, per
output and per statement; `metrics` explains every figure. Beside the methods stands the floor: what the truth's own standard
errors alone would cost, which no method can beat and be believed.

The first run makes indexes and training runs and keeps them under .cache/; later runs take a minute. Seconds are CPU seconds
on one thread; a training run is counted at what one on all works was measured to take, times the part that it reads.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.frame import machine
from benchmarks.payout import gaming, ours
from benchmarks.payout.cache import kept
from benchmarks.payout.metrics import (
    coalition_lds,
    completeness,
    completeness_error,
    coverage,
    error_per_statement,
    errors_per_output,
    leakage,
    ndcg3,
    noise_floor,
    top1,
)
from benchmarks.payout.panel import GENERATED, HUMAN, Panel, Scored, load_panel
from benchmarks.payout.peers import LIBRARY_PEERS, NOT_ADDITIVE, PEERS, Unavailable
from endcredits.influence import use_threads

KINDS = (HUMAN, GENERATED)
YARDSTICK = "ek-fac at the final model"
GAMED = ("equal", "size", "bm25", "n-gram overlap", "grad-dot", YARDSTICK)
"""Peers whose gains from tricks are measured; the others take an index or more of a library for each trick."""


def row(name: str, kind: str, panel: Panel, scored: Scored, gain: float | None) -> dict[str, Any]:
    """One method and kind."""
    chosen = panel.of_kind(kind)
    scores, paid = scored.scores[chosen], panel.paid
    mine, true = scores[:, :paid], panel.phi[chosen][:, :paid]
    log_ratio = (panel.full - panel.base)[chosen]
    leak = leakage(scores, paid)
    found: dict[str, Any] = {
        "method": name,
        "kind": kind,
        "tv_output": round(float(errors_per_output(mine, true).mean()), 4),
        "tv_statement": round(error_per_statement(mine, true), 4),
        "lds": round(coalition_lds(mine, panel.masks, panel.log_likelihood[:, chosen]), 4),
        "top1": round(top1(mine, true), 4),
        "ndcg3": round(ndcg3(mine, true), 4),
        "completeness": round(completeness(scores, log_ratio), 4) if scored.in_nats else None,
        "completeness_error": round(completeness_error(scores, log_ratio), 4) if scored.in_nats else None,
        "leakage": round(leak[0], 4),
        "leakage_statement": round(leak[1], 4),
        "split_gain": None if gain is None else round(gain, 4),
        "seconds": round(scored.seconds_output, 4),
        "seconds_once": round(scored.seconds_once, 1),
        "bytes": scored.bytes_kept,
    }
    if scored.errors is not None:
        truth_errors = panel.phi_error[chosen][:, :paid]
        found["coverage"] = round(coverage(mine, scored.errors[chosen][:, :paid], true, truth_errors), 4)
    return found


def run(asked: argparse.Namespace) -> dict[str, Any]:
    """All rows."""
    panel = load_panel(asked.truth)
    workshop = ours.Workshop(asked.cache, asked.processes, _tell)
    rows, skipped, tricks = [], [], {}
    methods = ours.methods(panel, workshop, curve=asked.curve)
    methods |= {name: lambda method=method: method(panel) for name, method in {**PEERS, **LIBRARY_PEERS}.items()}
    for name, compute in methods.items():
        if asked.only and not any(part in name for part in asked.only):
            continue
        print(f"payout: {name}", file=sys.stderr)
        try:
            scored = kept(asked.cache, panel.folder, name, compute)
        except Unavailable as error:
            skipped.append({"method": name, "reason": error.reason})
            continue
        gains = _gains(name, panel, workshop, asked)
        tricks |= {name: gains} if gains else {}
        rows += [row(name, kind, panel, scored, gains.get(kind, {}).get("split")) for kind in KINDS]
    return {
        "benchmark": "payout",
        "machine": machine(),
        "outputs": {kind: int(panel.of_kind(kind).sum()) for kind in KINDS},
        "floor": _floor(panel),
        "rows": rows,
        "tricks": tricks,
        "skipped": skipped,
    }


def _floor(panel: Panel) -> dict[str, Any]:
    found = {}
    for kind in KINDS:
        chosen = panel.of_kind(kind)
        per_output, per_statement = noise_floor(panel.phi[chosen][:, : panel.paid], panel.phi_error[chosen][:, : panel.paid])
        found[kind] = {"tv_output": round(per_output, 4), "tv_statement": round(per_statement, 4)}
    return found


def _gains(name: str, panel: Panel, workshop: ours.Workshop, asked: argparse.Namespace) -> dict[str, dict[str, float]]:
    """What tricks gain, per kind; empty where they were not tried."""
    if asked.no_tricks:
        return {}
    creators = gaming.chosen_creators(panel, count=1)
    kinds = {kind: panel.of_kind(kind) for kind in KINDS}
    if name == "endcredits curvature":
        builder = gaming.builder_of(lambda other: ours.curvature(other, workshop), panel)
    elif name == "endcredits response":
        design = ours.two_levels(tuple(panel.creators[: panel.paid]))
        gains = kept(
            asked.cache,
            panel.folder,
            f"{name}, split",
            lambda: _as_scored(ours.split_gain(panel, workshop, design, creators[0])),
        )
        return {kind: {"split": float(gains.scores[0, number])} for number, kind in enumerate(KINDS)}
    elif name in GAMED:
        builder = gaming.builder_of(PEERS[name], panel)
    else:
        return {}
    rebuilt = name in NOT_ADDITIVE or name.startswith("endcredits")
    play = gaming.gains_rebuilt if rebuilt else gaming.gains

    def measured() -> Scored:
        found = play(builder, gaming.registered(panel), creators, kinds)
        table = np.array([[found[kind].split, found[kind].rechunk, found[kind].duplicate] for kind in KINDS])
        return Scored(table, False, 0.0, 0.0, 0)

    table = kept(asked.cache, panel.folder, f"{name}, tricks of {creators}", measured).scores
    tricks = ("split", "rechunk", "duplicate")
    # A creator whom a method pays nothing gains no number of times as much by a trick.
    return {
        kind: {trick: float(gain) for trick, gain in zip(tricks, line, strict=True) if np.isfinite(gain)}
        for kind, line in zip(KINDS, table, strict=True)
    }


def _as_scored(gains: Any) -> Scored:
    return Scored(np.array([[gains[kind] for kind in KINDS]]), False, 0.0, 0.0, 0)


def _tell(stage: str, done: int, total: int) -> None:
    if done == total or done % max(1, total // 10) == 0:
        print(f"  {stage} {done}/{total}", file=sys.stderr)


def show(document: dict[str, Any]) -> None:
    """The table for people."""
    print(f"payout error  ({document['machine']}; outputs {document['outputs']}; errors: lower is better)")
    names = ("tv_output", "tv_statement", "lds", "top1", "ndcg3", "completeness", "leakage", "split_gain", "coverage")
    print(
        f"  {'method':<40}{'kind':<11}"
        + "".join(f"{name:>13}" for name in names)
        + f"{'ms/output':>11}{'s once':>9}{'MB':>8}"
    )
    for line in document["rows"]:
        cells = "".join(f"{'' if line.get(name) is None else format(line[name], '.3f'):>13}" for name in names)
        cost = f"{1000 * line['seconds']:>11.1f}{line['seconds_once']:>9.0f}{line['bytes'] / 1e6:>8.1f}"
        print(f"  {line['method']:<40}{line['kind']:<11}{cells}{cost}")
    for kind, floor in document["floor"].items():
        print(f"  {'floor: noise of the truth':<40}{kind:<11}{floor['tv_output']:>13.3f}{floor['tv_statement']:>13.3f}")
    for entry in document["skipped"]:
        print(f"  skipped: {entry['method']}: {entry['reason']}")


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description="Payout error against the shares that retraining shows.")
    parser.add_argument("--truth", type=Path, required=True, help="truth folder with models, outputs and true credits")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--only", nargs="*", default=[], help="rows whose name contains one of these")
    parser.add_argument(
        "--curve", action="store_true", help="more designs of the response tier (another 2K+1 training runs)"
    )
    parser.add_argument("--no-tricks", action="store_true", help="do not measure what splitting and copying gain")
    parser.add_argument(
        "--cache", type=Path, default=Path(".cache/benchmarks/payout"), help="where indexes and runs are kept"
    )
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1), help="training runs at a time")
    asked = parser.parse_args()
    use_threads(1)
    with contextlib.redirect_stdout(sys.stderr):  # what libraries print is no part of the document
        document = run(asked)
    if asked.json:
        json.dump(document, sys.stdout, indent=2)
        print()
    else:
        show(document)


if __name__ == "__main__":
    main()
