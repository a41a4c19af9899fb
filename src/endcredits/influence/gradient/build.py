"""Building an index: once per catalogue and pair of models.

Three stages, each of which survives a kill: the curvature (one file), the work vectors (one file per shard), the manifest
(last; an index without one is unfinished). `build.json` is written first and names what is being built; running the same
build again continues where it stopped, and another build in the same folder is refused. The same inputs, version and
number of threads give the same bytes.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from torch import nn

from endcredits.canonical import digest as canonical_digest
from endcredits.canonical import sha256_bytes
from endcredits.compute import Ray, map_shards
from endcredits.durable import locked, write_atomic
from endcredits.errors import InputError, IntegrityError
from endcredits.influence.examples import check_examples
from endcredits.influence.gradient.copies import copies_between_works, shared_factors
from endcredits.influence.gradient.coverage import Coverage, coverage_of, unseen_layers
from endcredits.influence.gradient.ekfac import Curvature, fit_curvature, kept, load_curvature, save_curvature
from endcredits.influence.gradient.fingerprint import code_digest, content_digest
from endcredits.influence.gradient.folder import check_whole, claim_folder
from endcredits.influence.gradient.index import METHOD, CurvatureIndex, Loaded
from endcredits.influence.gradient.layers import Layer, find_layers
from endcredits.influence.gradient.manifest import (
    BUILD_FILE,
    CURVATURE_FILE,
    MANIFEST_FILE,
    IndexManifest,
    manifest_bytes,
)
from endcredits.influence.gradient.midpoint import check_finite, midpoint_model, model_digest
from endcredits.influence.gradient.outliers import capped, capped_factors
from endcredits.influence.gradient.settings import IndexSettings
from endcredits.influence.gradient.shards import file_digests, is_finished, map_shard, save_shard
from endcredits.influence.gradient.slopes import Slopes, fit_slopes, own_examples
from endcredits.influence.gradient.vectors import Engine, Works, row_bytes, shard_of
from endcredits.influence.records import Example
from endcredits.influence.task import Task, one_each, whole
from endcredits.progress import Progress, silent

__all__ = ["BuildInputs", "IndexSettings", "build_index"]

CHECKED_EXAMPLES = 3
"""Examples on which the layers' gradients are held against ordinary backward passes before anything is built."""


@dataclass(frozen=True, slots=True)
class BuildInputs:
    """What other processes need to take part in a build; see `build_index`.

    Attributes:
        base: the model before the works.
        full: the same model after them.
        task: how to compute losses and measurements.
        examples: every training example of every work.
    """

    base: nn.Module
    full: nn.Module
    task: Task
    examples: Sequence[Example]


def build_index(
    folder: str | Path,
    *,
    base: nn.Module,
    full: nn.Module,
    task: Task,
    examples: Sequence[Example],
    calibration: Sequence[Any] | None = None,
    settings: IndexSettings | None = None,
    processes: int = 1,
    loader: Callable[[], BuildInputs] | None = None,
    backend: Ray | None = None,
    progress: Progress = silent,
) -> CurvatureIndex:
    """Builds an index, or continues or opens one that was begun with the same inputs.

    Args:
        folder: where it lives; made when missing.
        base: the model before the works; both are put into evaluation mode.
        full: the same model after them.
        task: how to compute losses and measurements.
        examples: every training example of every work.
        calibration: outputs on which credits are scaled to add up to the measured log-ratio; an evenly spread sample
            of the examples when None.
        settings: see `IndexSettings`.
        processes: how many work on shards at once; the bytes are the same.
        loader: gives another process the same models, task and examples; a module-level function or another object that
            can be pickled. Needed for more than one process.
        backend: Ray in place of processes, for several machines or GPUs; also needs a loader. The bytes are the same.
        progress: told about the stages "curvature" (batches), "works" (examples) and "calibration" (outputs).

    Returns:
        The open index.

    Raises:
        InputError: models of different shapes, no examples, a weight, gradient or log-ratio that is not finite (named by
            work and example), several processes without a loader, or a loader that gives something else.
        ConflictError: the folder holds another build, or another process is building here.
        MachineError: the disk is full; what was finished stays and the same call continues.
    """
    settings = settings or IndexSettings()
    place = Path(folder)
    prepared = _prepare(BuildInputs(base, full, task, examples), settings)
    middle, layers, ordered = prepared.middle, prepared.layers, prepared.ordered
    outputs = list(calibration) if calibration is not None else [e.content for e in ordered]
    outputs = _spread(outputs, settings.calibration_outputs)
    facts = _facts(prepared, base, full, outputs, settings)
    with locked(place, "this index"):
        build_key = claim_folder(place, facts)
        if (place / MANIFEST_FILE).exists():
            check_whole(place)
            return CurvatureIndex.open(place, base=base, full=full, task=task)
        curvature = _curvature(place, build_key, prepared, settings, progress)
        _works(place, build_key, prepared, curvature, settings, processes, loader, backend, progress)
        names = [shard_name(number) for number in range(len(prepared.plan))]
        shards = [map_shard(place / name, build_key) for name in names]
        work_ids = [work_id for shard in shards for work_id in shard.work_ids]
        flagged = capped(work_ids, torch.cat([shard.norms for shard in shards]), settings.cap_multiple)
        loaded = Loaded(layers, curvature, shards, settings.rank, factors=capped_factors(flagged, work_ids))
        scale, measured, predicted = _calibrate(loaded, base, full, prepared, outputs, settings, progress)
        slopes = _slopes(loaded, base, full, prepared, scale, settings, progress)
        manifest = IndexManifest(
            method=METHOD,
            build_key=build_key,
            facts=facts,
            scale=repr(scale),
            calibration_log_ratio_nats=f"{measured:.6f}",
            calibration_credit_nats=f"{predicted * scale:.6f}",
            works=tuple((w, c) for shard in shards for w, c in zip(shard.work_ids, shard.counts, strict=True)),
            files=file_digests(place, [CURVATURE_FILE, *names]),
            copies=copies_between_works(ordered, prepared.digests),
            capped=flagged,
            kept_energy=f"{curvature.kept_energy(layers, settings.damping, settings.rank):.6f}",
            slopes=tuple(f"{slope:.6f}" for slope in slopes.factors.tolist()),
            sizes=_sizes(prepared, slopes),
        )
        data = manifest_bytes(manifest)
        write_atomic(place / MANIFEST_FILE, data)
    return CurvatureIndex(place, manifest, sha256_bytes(data), loaded, (base, full, middle), task)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A build's inputs, checked and put into order."""

    middle: nn.Module
    task: Task
    layers: Sequence[Layer]
    ordered: Sequence[Example]
    digests: Sequence[str]
    plan: Sequence[Works]
    coverage: Coverage


def _prepare(inputs: BuildInputs, settings: IndexSettings) -> Prepared:
    check_examples(inputs.examples)
    if not inputs.examples:
        raise InputError("there are no examples to index", remedy="Admit at least one work.", field="examples")
    middle = midpoint_model(inputs.base, inputs.full)
    for name, model in (("base", inputs.base), ("full", inputs.full)):
        check_finite(model.eval(), name)
    layers = find_layers(middle, inputs.task.layers)
    ordered = sorted(inputs.examples, key=lambda example: example.work_id)  # stable: a work's own order is kept
    few = _spread([example.content for example in ordered], CHECKED_EXAMPLES)
    one_each(inputs.task.train_loss(middle, few), few, "train_loss")  # a task that is stated wrongly is named first
    unseen = unseen_layers(middle, layers, inputs.task.train_loss, few)
    layers = tuple(layer for layer in layers if layer.name not in unseen)
    if not layers:
        raise InputError(
            f"no layer can be indexed; {next(iter(unseen))}: {next(iter(unseen.values()))}",
            remedy="Check the task's `layers` and that the first dimension of what enters a layer runs over the examples.",
            field="layers",
        )
    coverage = coverage_of(inputs.full, layers, base=inputs.base, unseen=unseen)
    digests = [content_digest(example.content) for example in ordered]
    plan = _plan(ordered, shared_factors(ordered, digests), layers, settings)
    return Prepared(middle, inputs.task, layers, ordered, digests, plan, coverage)


def _facts(
    prepared: Prepared, base: nn.Module, full: nn.Module, outputs: Sequence[Any], settings: IndexSettings
) -> dict[str, Any]:
    """Everything that decides the index's bytes, as a document."""
    pairs = zip(prepared.ordered, prepared.digests, strict=True)
    corpus = [[example.work_id, digest, repr(example.weight)] for example, digest in pairs]
    numbers = {name: repr(value) for name, value in dataclasses.asdict(settings).items()}
    return {
        "task": prepared.task.name,
        "layers": [[layer.name, layer.outputs, layer.inputs, layer.bias] for layer in prepared.layers],
        "coverage": prepared.coverage.facts(),
        "base_sha256": model_digest(base),
        "full_sha256": model_digest(full),
        "corpus_sha256": canonical_digest(corpus),
        "calibration_sha256": canonical_digest([content_digest(output) for output in outputs]),
        "examples": len(prepared.ordered),
        "settings": numbers,
        "code_sha256": code_digest(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }


def _spread(items: Sequence[Any], count: int) -> list[Any]:
    """At most `count` items, evenly spread over the list."""
    if len(items) <= count:
        return list(items)
    return [items[i * len(items) // count] for i in range(count)]


def _batches(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _plan(
    ordered: Sequence[Example], factors: Sequence[float], layers: Sequence[Layer], settings: IndexSettings
) -> list[Works]:
    """Which works stand in which shard."""
    coordinates = sum(math.prod(kept(layer, settings.rank)) for layer in layers)
    pairs = zip(ordered, factors, strict=True)
    plan: list[Works] = []
    used = math.inf
    for work_id, group in groupby(pairs, key=lambda pair: pair[0].work_id):
        mine = list(group)
        size = row_bytes(coordinates, min(settings.blocks, len(mine)), settings.rows)
        if used + size > settings.shard_bytes:
            plan.append(Works([], [], []))
            used = 0
        used += size
        plan[-1].work_ids.append(work_id)
        plan[-1].contents.append([example.content for example, _ in mine])
        plan[-1].factors.append([factor for _, factor in mine])
    return plan


def shard_name(number: int) -> str:
    """The file of a shard."""
    return f"works-{number:05d}.safetensors"


def _curvature(
    place: Path,
    build_key: str,
    prepared: Prepared,
    settings: IndexSettings,
    progress: Progress,
) -> Curvature:
    path = place / CURVATURE_FILE
    if path.exists():
        try:
            return load_curvature(path, prepared.layers, build_key)
        except IntegrityError:
            path.unlink()
    seen: dict[str, Any] = {}  # copies say nothing new of the curvature
    for example, name in zip(prepared.ordered, prepared.digests, strict=True):
        seen.setdefault(name, example.content)
    contents = list(seen.values())
    batches, checks = (
        _batches(_spread(contents, number), settings.batch_examples)
        for number in (settings.curvature_examples, settings.eigenvalue_examples)
    )
    curvature = fit_curvature(
        prepared.middle,
        prepared.layers,
        prepared.task,
        batches,
        settings.seed,
        lambda done: progress("curvature", done, len(batches) + len(checks)),
        checks,
    )
    save_curvature(path, prepared.layers, curvature, build_key)
    return load_curvature(path, prepared.layers, build_key)


def _works(
    place: Path,
    build_key: str,
    prepared: Prepared,
    curvature: Curvature,
    settings: IndexSettings,
    processes: int,
    loader: Callable[[], BuildInputs] | None,
    backend: Ray | None,
    progress: Progress,
) -> None:
    """Writes every shard that is not there yet."""
    sizes = [sum(map(len, works.contents)) for works in prepared.plan]
    done = 0

    def report(examples: int) -> None:
        nonlocal done
        done += examples
        progress("works", done, sum(sizes))

    if processes > 1 or backend is not None:
        if loader is None:
            raise InputError(
                "several processes cannot share the models of this one",
                remedy="Give a loader, a module-level function that returns BuildInputs, or build in one process.",
                field="loader",
            )
        jobs = [
            ShardJob(place, build_key, number, loader, settings, torch.get_num_threads())
            for number in range(len(prepared.plan))
        ]
        map_shards(
            build_shard,
            jobs,
            processes=processes,
            backend=backend,
            stage="works",
            progress=lambda stage, finished, total: report(sizes[finished - 1]),
        )
        return
    engine = _engine(prepared, curvature, settings)
    map_shards(
        lambda number: _write_shard(place, build_key, engine, number, prepared.plan[number], report),
        range(len(prepared.plan)),
    )


@dataclass(frozen=True, slots=True)
class ShardJob:
    """One shard of a build that several processes share.

    Attributes:
        place: the index's folder; the curvature stands there already.
        build_key: of the build; what the loader gives must have the same works and layers.
        number: of the shard.
        loader: gives models, task and examples.
        settings: of the build.
        threads: of the process that began it; more or fewer would change the last bits.
    """

    place: Path
    build_key: str
    number: int
    loader: Callable[[], BuildInputs]
    settings: IndexSettings
    threads: int


def build_shard(job: ShardJob) -> None:
    """Writes one shard, in whatever process this is; models are loaded once per process.

    Raises:
        InputError: the loader gave other models, works or settings than the build was begun with.
    """
    torch.set_num_threads(job.threads)
    prepared, engine = _loaded(job.loader, job.settings, job.place, job.build_key)
    _write_shard(job.place, job.build_key, engine, job.number, prepared.plan[job.number], lambda done: None)


@functools.lru_cache(maxsize=1)
def _loaded(
    loader: Callable[[], BuildInputs], settings: IndexSettings, place: Path, build_key: str
) -> tuple[Prepared, Engine]:
    inputs = loader()
    prepared = _prepare(inputs, settings)
    begun = json.loads((place / BUILD_FILE).read_bytes())
    here = _facts(prepared, inputs.base, inputs.full, [], settings)
    differing = [name for name in here if name != "calibration_sha256" and here[name] != begun.get(name)]
    if differing:
        raise InputError(
            f"the loader gives other inputs than the build was begun with ({', '.join(differing)} differ)",
            remedy="Let it return the models, task and examples that build_index was given.",
            field="loader",
        )
    curvature = load_curvature(place / CURVATURE_FILE, prepared.layers, build_key)
    return prepared, _engine(prepared, curvature, settings)


def _engine(prepared: Prepared, curvature: Curvature, settings: IndexSettings) -> Engine:
    return Engine(
        prepared.middle,
        prepared.layers,
        prepared.task,
        curvature,
        settings.batch_examples,
        settings.blocks,
        settings.rank,
        settings.rows,
    )


def _write_shard(
    place: Path, build_key: str, engine: Engine, number: int, works: Works, report: Callable[[int], None]
) -> None:
    path = place / shard_name(number)
    if is_finished(path, build_key, works.work_ids):
        report(sum(map(len, works.contents)))
        return
    save_shard(path, shard_of(engine, works, report), build_key)


def _calibrate(
    loaded: Loaded,
    base: nn.Module,
    full: nn.Module,
    prepared: Prepared,
    outputs: Sequence[Any],
    settings: IndexSettings,
    progress: Progress,
) -> tuple[float, float, float]:
    """The one number that makes credits add up to the measured log-ratio over the calibration outputs.

    A model that has learnt little may say things for which the works' credits sum to nothing, or less; then the works' own
    examples, where they cannot, take the outputs' place.

    Returns:
        scale, the measured log-ratio summed over the outputs, and the unscaled credits summed over outputs and works.
    """
    measured, predicted = _sums(loaded, base, full, prepared, prepared.task, outputs, settings, progress)
    if predicted <= 0 < measured:
        own = _spread([example.content for example in prepared.ordered], settings.calibration_outputs)
        task = dataclasses.replace(prepared.task, pieces=whole)
        measured, predicted = _sums(loaded, base, full, prepared, task, own, settings, progress)
    if measured <= 0 or predicted <= 0:
        raise InputError(
            f"credits cannot be put into nats: over {len(outputs)} calibration outputs the full model is {measured:.4g} "
            f"nats ahead of base, and the works' gradients point {predicted:.4g} that way",
            remedy="Check that full is base after the works, and not the other way round or the same model twice.",
            field="base, full",
        )
    return measured / predicted, measured, predicted


def _sums(
    loaded: Loaded,
    base: nn.Module,
    full: nn.Module,
    prepared: Prepared,
    task: Task,
    outputs: Sequence[Any],
    settings: IndexSettings,
    progress: Progress,
) -> tuple[float, float]:
    """Measured log-ratio and unscaled credits, summed over outputs."""
    measured = predicted = 0.0
    for number, output in enumerate(outputs):
        result = loaded.raw_credits(prepared.middle, base, full, task, output, settings.damping, bands=False)
        measured += result.log_ratio_nats
        predicted += float(result.credits.sum())
        if not math.isfinite(measured) or not math.isfinite(predicted):
            raise InputError(
                f"calibration output {number + 1} has no finite credit",
                remedy="Check the output and the models for NaN or infinite values.",
                field="calibration",
            )
        progress("calibration", number + 1, len(outputs))
    return measured, predicted


def _slopes(
    loaded: Loaded,
    base: nn.Module,
    full: nn.Module,
    prepared: Prepared,
    scale: float,
    settings: IndexSettings,
    progress: Progress,
) -> Slopes:
    """Every work's slope, from its own examples; see `slopes`."""
    counts = [count for shard in loaded.shards for count in shard.counts]
    nothing = Slopes(torch.ones(len(counts), dtype=torch.float64), torch.zeros(len(counts), dtype=torch.float64))
    if not settings.own_examples:
        return nothing
    column = [number for number, count in enumerate(counts) for _ in range(count)]
    asked = own_examples(counts, settings.own_examples, settings.all_own_examples)
    if not asked:
        return nothing
    task = dataclasses.replace(prepared.task, pieces=whole)  # an example is one content already
    rows, log_ratios = [], []
    for number, place in enumerate(asked):
        content = prepared.ordered[place].content
        raw = loaded.raw_credits(prepared.middle, base, full, task, content, settings.damping, bands=False)
        if not math.isfinite(raw.log_ratio_nats) or not bool(torch.isfinite(raw.credits).all()):
            raise InputError(
                f"an example of work '{prepared.ordered[place].work_id}' has no finite credit",
                remedy="Check the work's examples and the models for NaN or infinite values.",
                field="examples",
            )
        rows.append(raw.credits.double() * scale)
        log_ratios.append(raw.log_ratio_nats)
        progress("slopes", number + 1, len(asked))
    return fit_slopes(torch.stack(rows), torch.tensor(log_ratios), [column[place] for place in asked])


def _sizes(prepared: Prepared, slopes: Slopes) -> tuple[str, ...]:
    """Every work's size; 0 where its own examples say that it was never read."""
    sizes: dict[str, float] = {}
    factors = shared_factors(prepared.ordered, prepared.digests)  # copies share one example's size, as its credit
    for example, factor in zip(prepared.ordered, factors, strict=True):
        sizes[example.work_id] = sizes.get(example.work_id, 0.0) + factor * prepared.task.size(example.content)
    return tuple(repr(size) if read else "0.0" for size, read in zip(sizes.values(), slopes.read.tolist(), strict=True))
