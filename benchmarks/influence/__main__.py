"""`python -m benchmarks.influence [--json] [--runs N] [--clock cpu|wall]`: about five minutes on one core.

What credit costs, as ratios within one process, on one thread; what is compared is timed in turn (medians of three runs):

- an index build without its curvature, from examples to a finished folder on the disk (sums and error bands, digests,
  manifest, calibration on a few outputs), over one plain forward and backward pass of the same examples, batched alike, with
  gradients of all weights, which is what an epoch of training costs without its optimizer: for works of several batches
  (texts), and for works of one example (pictures), with all coordinates and at quarter rank without bands;
- the curvature (of samples of 512 examples, however many there are) over the same reference;
- the works' slopes (up to 16 examples of each work attributed without bands, and the fit) over the same reference;
- an epoch in which work vectors are collected over the same epoch without;
- the attribution of one output over generating it token by token with cached keys and values;
- a query of rows on the disk over reading as many bytes from memory;
- the peak memory of a build over that of training steps with AdamW, in fresh processes, libraries not counted;
- bergson and kronfluence on the same model and examples over the same reference, where they are installed
  (`benchmarks/payout/peers/README.md`).

Times are processor time, which is steady on a shared machine and does not contain waiting for the disk; `--clock wall` takes
the clock on the wall. The output says which.

Limit: a pass costs 6 multiply-adds per weight and position, and so does a build that sums in the backward pass; telling
examples apart costs writing each row besides. An answer contains two forward passes and a backward pass of the output, the
products with the curvature and the rows, the division of the gap and the error bands.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import dataclasses
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.frame import Figure, figure, machine, options, ratios
from benchmarks.influence import peak
from benchmarks.influence.peers import peers
from benchmarks.influence.pictures import PICTURES, picture_models, picture_works
from endcredits.ids import WorkId
from endcredits.influence import (
    Example,
    IndexSettings,
    Task,
    build_index,
    load_text_models,
    sample_outputs,
    train_tiny,
    use_threads,
)
from endcredits.influence.gradient.ekfac import fit_curvature
from endcredits.influence.gradient.index import CurvatureIndex
from endcredits.influence.gradient.layers import find_layers
from endcredits.influence.gradient.manifest import BUILD_FILE, CURVATURE_FILE
from endcredits.influence.gradient.midpoint import midpoint_model
from endcredits.influence.gradient.shards import Shard, credit_dots, map_shard, save_shard
from endcredits.influence.gradient.slopes import fit_slopes, own_examples
from endcredits.influence.text.collecting import collecting
from endcredits.influence.text.models import TextModels
from endcredits.influence.text.tiny import TinySettings

WORKS = 16
WORK_BYTES = 16 * 1024
PICTURES_COUNT = 256
OUTPUT_TOKENS = 128
EPOCH_BATCHES = 8
QUERY_ROWS, QUERY_COORDINATES = 64, 2**21


def synthetic_text(seed: int, size_bytes: int) -> bytes:
    """Letters and spaces drawn by a seed: the cost of a pass does not depend on what is read."""
    generator = torch.Generator().manual_seed(seed)
    return bytes((torch.randint(0, 27, (size_bytes,), generator=generator) + 96).tolist()).replace(b"`", b" ")


def plain_pass(task: Task, model: nn.Module, examples: Sequence[Example], batch: int) -> None:
    """One forward and backward pass over the examples with all weights' gradients."""
    parameters = list(model.parameters())
    for start in range(0, len(examples), batch):
        contents = [example.content for example in examples[start : start + batch]]
        torch.autograd.grad(task.train_loss(model, contents).sum(), parameters)


class Clock:
    """Times several calls in turn, run after run."""

    def __init__(self, kind: str, runs: int) -> None:
        self.now = time.process_time if kind == "cpu" else time.perf_counter
        self.runs = runs

    def __call__(self, *works: Callable[[], Any], warm: bool = False) -> list[list[float]]:
        """Seconds of every call, ``[works][runs]``; unless they are warm already, a first run is dropped."""
        rows = []
        for _ in range(self.runs + (not warm)):
            row = []
            for work in works:
                begin = self.now()
                work()
                row.append(self.now() - begin)
            rows.append(row)
        return [list(column) for column in zip(*rows[-self.runs :], strict=True)]


def builder(folder: Path, settings: IndexSettings, **inputs: Any) -> Callable[[], Any]:
    """A call that builds an index anew each time, except for its curvature, which a first build made."""
    first = folder / "first"
    build_index(first, settings=settings, **inputs)
    place = folder / "again"

    def build() -> Any:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        for name in (BUILD_FILE, CURVATURE_FILE):
            shutil.copyfile(first / name, place / name)
        return build_index(place, settings=settings, **inputs)

    return build


def curvature_of(task: Task, base: nn.Module, full: nn.Module, examples: Sequence[Example]) -> Callable[[], Any]:
    """A call that fits the curvature as a build with default settings does."""
    settings = IndexSettings()
    middle = midpoint_model(base, full)
    layers = find_layers(middle, task.layers)

    def batches(number: int) -> list[list[Any]]:
        step = max(1, len(examples) // number)
        sample = [example.content for example in examples[::step][:number]]
        return [sample[start : start + settings.batch_examples] for start in range(0, len(sample), settings.batch_examples)]

    moments, values = batches(settings.curvature_examples), batches(settings.eigenvalue_examples)
    return lambda: fit_curvature(middle, layers, task, moments, 0, lambda done: None, values)


def slopes_of(index: CurvatureIndex, examples: Sequence[Example]) -> Callable[[], Any]:
    """A call that asks the works' own examples and fits the slopes, as a build with default settings does."""
    settings = IndexSettings()
    counts = [count for _, count in index.manifest.works]
    owners = [number for number, count in enumerate(counts) for _ in range(count)]
    asked = own_examples(counts, settings.own_examples, settings.all_own_examples)
    base, full, middle = index.models

    def slopes() -> Any:
        found = [
            index.loaded.raw_credits(middle, base, full, index.task, examples[place].content, settings.damping, bands=False)
            for place in asked
        ]
        credits = torch.stack([raw.credits.double() for raw in found]) * float(index.manifest.scale)
        return fit_slopes(credits, torch.tensor([raw.log_ratio_nats for raw in found]), [owners[n] for n in asked])

    return slopes


def epochs(models: TextModels) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """An epoch in which the rows of all works are collected, batches holding works of all kinds; the same without."""
    model = copy.deepcopy(models.full).train()
    layers = find_layers(model, models.task.layers)
    generator = torch.Generator().manual_seed(0)
    batches = [torch.randint(0, 256, (32, models.context), generator=generator) for _ in range(EPOCH_BATCHES)]
    owners = [torch.randint(0, WORKS, (32,), generator=generator) for _ in batches]
    names = [WorkId(f"work-{number:02d}") for number in range(WORKS)]

    def plain() -> None:
        for ids in batches:
            torch.autograd.backward(model(input_ids=ids, labels=ids, use_cache=False).loss)
            model.zero_grad()

    def collected() -> None:
        left = iter(owners)
        with collecting(model, layers, names, lambda named: next(left)):
            plain()

    return collected, plain


def texts(folder: Path, clock: Clock) -> tuple[dict[str, Figure], dict[str, Any]]:
    """Works of several batches, attribution and memory, on a small language model."""
    works = [synthetic_text(number, WORK_BYTES) for number in range(WORKS)]
    tiny = TinySettings(width=96, layers=3, full_epochs=1)
    paths = train_tiny(folder / "models", [synthetic_text(999, 64 * 1024)], works[:2], tiny)
    models = load_text_models(*paths)
    examples = [e for number, text in enumerate(works) for e in models.examples(WorkId(f"work-{number:02d}"), text)]
    outputs = sample_outputs(models, [b""] * 8, tokens=OUTPUT_TOKENS, seed=1)
    inputs = {
        "base": models.base,
        "full": models.full,
        "task": models.task,
        "examples": examples,
        "calibration": [example.content for example in examples[:2]],
    }
    settings = IndexSettings(own_examples=0)  # work vectors alone; slopes are attributions, and timed as such
    build = builder(folder, settings, **inputs)
    index = build()
    built, fitted, sloped, passed = clock(
        build,
        curvature_of(models.task, models.base, models.full, examples),
        slopes_of(index, examples),
        lambda: plain_pass(models.task, models.full, examples, settings.batch_examples),
        warm=True,
    )
    collected, plain = clock(*epochs(models))
    answered, generated = clock(
        lambda: [index.attribute([output]) for output in outputs],
        lambda: [sample_outputs(models, [b""], tokens=OUTPUT_TOKENS, seed=n) for n in range(len(outputs))],
    )
    beside, missing = peers(
        models,
        examples,
        outputs,
        Clock("cpu", 1),
        lambda: plain_pass(models.task, models.full, examples, settings.batch_examples),
        clock.runs,
    )
    (folder / "texts").mkdir()
    for number, text in enumerate(works[:6]):
        (folder / "texts" / f"work-{number:02d}").write_bytes(text)
    peaks = [[peak.measured(kind, folder / "texts", *paths) for kind in ("build", "train")] for _ in range(clock.runs)]
    size = sum(path.stat().st_size for path in index.folder.iterdir())
    what = f"{WORKS} works of {len(examples) // WORKS} windows of 128 tokens"
    figures = {
        "build_over_training_pass": figure("build", ratios(built, passed), "x", what),
        "curvature_over_training_pass": figure("curvature", ratios(fitted, passed), "x", what),
        "slopes_over_training_pass": figure(
            "slopes", ratios(sloped, passed), "x", f"{IndexSettings().own_examples} examples of each work asked"
        ),
        "collected_epoch_over_epoch": figure(
            "collecting in an epoch", ratios(collected, plain), "x", f"{EPOCH_BATCHES} batches of 32, works mixed"
        ),
        "attribution_over_generation": figure(
            "attribution", ratios(answered, generated), "x", f"{OUTPUT_TOKENS} tokens, cached keys; credits and bands"
        ),
        "peak_over_training_step": figure(
            "peak memory", [b / t for b, t in peaks], "x", f"batch of {peak.BATCH}, AdamW; {peaks[0][1] / 2**20:.0f} MiB"
        ),
        "attribution_ms": figure("attribution of an output", [1000 * t / len(outputs) for t in answered], "ms", ""),
        "bytes_per_work": figure("index size per work", [size / WORKS], "bytes", "float32 sum, 8 float16 blocks"),
    }
    facts = {
        "parameters": sum(value.numel() for value in models.full.parameters()),
        "coordinates": sum(layer.size for layer in index.loaded.layers),
        "works": WORKS,
        "examples": len(examples),
        "curvature_examples": min(settings.curvature_examples, len(examples)),
        "eigenvalue_examples": min(settings.eigenvalue_examples, len(examples)),
        "missing": missing,
    }
    return figures | beside, facts


def singles(folder: Path, clock: Clock) -> dict[str, Figure]:
    """Works of one picture each."""
    examples = picture_works(PICTURES_COUNT)
    base, full = picture_models(examples)
    calibration = [example.content for example in examples[:4]]
    inputs = {"base": base, "full": full, "task": PICTURES, "examples": examples, "calibration": calibration}
    settings = IndexSettings(curvature_examples=64, eigenvalue_examples=64, own_examples=0)
    every = builder(folder / "all", settings, **inputs)
    few = builder(folder / "quarter", dataclasses.replace(settings, rank=0.25), **inputs)
    built, quarter, passed = clock(every, few, lambda: plain_pass(PICTURES, full, examples, IndexSettings().batch_examples))
    kept = f"{float(few().manifest.kept_energy):.0%} of the half-whitened energy"
    what = f"{PICTURES_COUNT} pictures of 256 patches"
    return {
        "build_single_over_training_pass": figure("build, singles", ratios(built, passed), "x", what),
        "build_single_quarter_rank_over_training_pass": figure("quarter rank", ratios(quarter, passed), "x", kept),
    }


def queries(folder: Path, clock: Clock) -> dict[str, Figure]:
    """One query of all creators' rows, mapped from the disk, over reading as many bytes from memory."""
    generator = torch.Generator().manual_seed(0)
    sums = torch.randn(QUERY_ROWS, QUERY_COORDINATES, generator=generator)
    names = tuple(WorkId(f"creator-{number:02d}") for number in range(QUERY_ROWS))
    empty = torch.zeros(QUERY_ROWS, 0)
    folder.mkdir(exist_ok=True)
    save_shard(folder / "rows", Shard(names, (1,) * QUERY_ROWS, sums, empty, empty, empty), "benchmark")
    opened, rows = [], map_shard(folder / "rows", "benchmark")
    query = torch.randn(QUERY_COORDINATES, generator=generator)
    flat = sums.view(-1)
    asked, read, mapped = clock(
        lambda: credit_dots(rows, query, [0, QUERY_COORDINATES]),
        lambda: flat.sum(),
        lambda: opened.append(map_shard(folder / "rows", "benchmark")),
    )
    speed = f"{sums.nbytes / sorted(read)[len(read) // 2] / 1e9:.1f} GB/s read; {QUERY_ROWS} x {QUERY_COORDINATES} float32"
    return {
        "query_over_bandwidth": figure("creator query", ratios(asked, read), "x", speed),
        "open_ms": figure("opening the rows", [1000 * t for t in mapped], "ms", f"{sums.nbytes / 2**20:.0f} MiB, mapped"),
    }


def main() -> None:
    """Runs the benchmark."""

    def add(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--clock", choices=("wall", "cpu"), default="cpu", help="processor time, or wall time")
        parser.set_defaults(runs=3)
        parser.add_argument("--only", choices=("texts", "singles", "queries"), help="one part alone")

    asked = options("Index build over a training pass, attribution over generation.", add)
    use_threads(1)
    clock = Clock(asked.clock, asked.runs)
    figures: dict[str, Figure] = {}
    facts: dict[str, Any] = {"clock": asked.clock, "threads": torch.get_num_threads()}
    # What libraries print is no part of the document.
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        if asked.only in (None, "texts"):
            found, facts_of_texts = texts(Path(folder), clock)
            figures |= found
            facts |= facts_of_texts
        if asked.only in (None, "singles"):
            figures |= singles(Path(folder) / "singles", clock)
        if asked.only in (None, "queries"):
            figures |= queries(Path(folder) / "queries", clock)
    medians = {name: f.value for name, f in figures.items() if f.unit == "x"}
    if asked.json:
        details = {name: asdict(f) for name, f in figures.items()}
        document = {
            "benchmark": "influence",
            "machine": machine(),
            **facts,
            **medians,
            "ratios": medians,
            "figures": details,
        }
        json.dump(document, sys.stdout, indent=2)
        print()
        return
    print(f"influence  ({machine()})")
    for name, value in facts.items():
        print(f"  {name}: {value}")
    for name, f in figures.items():
        print(f"  {name:<46}{f.value:>10.3g} {f.unit:<6} [{f.low:.3g} .. {f.high:.3g}, {f.runs} runs]  {f.beside}")


if __name__ == "__main__":
    main()
