"""Building an index: once per catalogue and pair of models.

Three stages, each of which survives a kill: the curvature (one file), the work vectors (one file per shard), the manifest
(last; an index without one is unfinished). `build.json` is written first and names what is being built; running the same
build again continues where it stopped, and another build in the same folder is refused. The same inputs, version and
number of threads give the same bytes.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from endcredits.canonical import canonical_bytes, digest, sha256_bytes
from endcredits.compute import map_shards
from endcredits.durable import PARTIAL, locked, write_atomic
from endcredits.errors import ConflictError, InputError, IntegrityError
from endcredits.ids import WorkId, plain_id
from endcredits.influence.gradient.ekfac import Curvature, fit_curvature, load_curvature, save_curvature
from endcredits.influence.gradient.fingerprint import code_digest, content_digest
from endcredits.influence.gradient.index import METHOD, CurvatureIndex, Loaded
from endcredits.influence.gradient.layers import Layer, capturing, find_layers, flatten
from endcredits.influence.gradient.manifest import (
    BUILD_FILE,
    CURVATURE_FILE,
    MANIFEST_FILE,
    IndexManifest,
    manifest_bytes,
)
from endcredits.influence.gradient.midpoint import check_finite, midpoint_model, model_digest
from endcredits.influence.gradient.shards import (
    Shard,
    file_digests,
    is_finished,
    load_shard,
    save_shard,
    to_half,
)
from endcredits.influence.records import Example
from endcredits.influence.task import Task, one_each
from endcredits.progress import Progress, silent


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """The numbers of a build; all of them enter its digest.

    Attributes:
        damping: relative to each layer's mean eigenvalue.
        batch_examples: examples per backward pass.
        curvature_examples: size of the evenly spread sample that the curvature is measured on, at most.
        blocks: blocks of a work's examples for the error band (delete-a-block jackknife).
        calibration_outputs: how many outputs the scale is fitted on, at most.
        shard_bytes: about how large a shard may grow.
        seed: of the labels drawn for the curvature.
    """

    damping: float = 0.03
    batch_examples: int = 32
    curvature_examples: int = 1024
    blocks: int = 8
    calibration_outputs: int = 128
    shard_bytes: int = 128 * 2**20
    seed: int = 0


def build_index(
    folder: str | Path,
    *,
    base: nn.Module,
    full: nn.Module,
    task: Task,
    examples: Sequence[Example],
    calibration: Sequence[Any] | None = None,
    settings: IndexSettings | None = None,
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
        progress: told about the stages "curvature" (batches), "works" (examples) and "calibration" (outputs).

    Returns:
        The open index.

    Raises:
        InputError: models of different shapes, no examples, or a weight, gradient or log-ratio that is not finite.
        ConflictError: the folder holds another build, or another process is building here.
        MachineError: the disk is full; what was finished stays and the same call continues.
    """
    settings = settings or IndexSettings()
    place = Path(folder)
    if not examples:
        raise InputError("there are no examples to index", remedy="Admit at least one work.", field="examples")
    for example in examples:
        plain_id(example.work_id, what="work_id")
    middle = midpoint_model(base, full)
    for name, model in (("base", base), ("full", full)):
        check_finite(model.eval(), name)
    layers = find_layers(middle, task.layers)
    ordered = sorted(examples, key=lambda example: example.work_id)  # stable: a work's own order is kept
    outputs = list(calibration) if calibration is not None else [e.content for e in ordered]
    outputs = _spread(outputs, settings.calibration_outputs)
    plan = _plan(ordered, sum(layer.size for layer in layers), settings)
    facts = _facts(task, layers, base, full, ordered, outputs, settings)
    with locked(place, "this index"):
        build_key = _begin(place, facts)
        finished = [_shard_name(number) for number in range(len(plan))]
        if (place / MANIFEST_FILE).exists():
            return CurvatureIndex.open(place, base=base, full=full, task=task)
        curvature = _curvature(place, build_key, middle, layers, task, ordered, settings, progress)
        _works(place, build_key, middle, layers, task, plan, settings, progress)
        loaded = Loaded(layers, curvature, [load_shard(place / name, build_key) for name in finished])
        scale, measured, predicted = _calibrate(loaded, base, full, middle, task, outputs, settings, progress)
        manifest = IndexManifest(
            method=METHOD,
            build_key=build_key,
            facts=facts,
            scale=repr(scale),
            calibration_log_ratio_nats=f"{measured:.6f}",
            calibration_credit_nats=f"{predicted * scale:.6f}",
            works=tuple((w, c) for shard in loaded.shards for w, c in zip(shard.work_ids, shard.counts, strict=True)),
            files=file_digests(place, [CURVATURE_FILE, *finished]),
        )
        write_atomic(place / MANIFEST_FILE, manifest_bytes(manifest))
    return CurvatureIndex.open(place, base=base, full=full, task=task)


def _facts(
    task: Task,
    layers: Sequence[Layer],
    base: nn.Module,
    full: nn.Module,
    ordered: Sequence[Example],
    outputs: Sequence[Any],
    settings: IndexSettings,
) -> dict[str, Any]:
    """Everything that decides the index's bytes, as a document."""
    corpus = [[example.work_id, content_digest(example.content)] for example in ordered]
    numbers = {name: repr(value) for name, value in dataclasses.asdict(settings).items()}
    return {
        "task": task.name,
        "layers": [[layer.name, layer.outputs, layer.inputs, layer.bias] for layer in layers],
        "base_sha256": model_digest(base),
        "full_sha256": model_digest(full),
        "corpus_sha256": digest(corpus),
        "calibration_sha256": digest([content_digest(output) for output in outputs]),
        "examples": len(ordered),
        "settings": numbers,
        "code_sha256": code_digest(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }


def _begin(place: Path, facts: dict[str, Any]) -> str:
    """Claims the folder for this build and returns its key."""
    data = canonical_bytes(facts) + b"\n"
    path = place / BUILD_FILE
    if path.exists() and path.read_bytes() != data:
        raise ConflictError(
            f"the folder holds an index of something else ({_difference(path, facts)} differ)",
            remedy="Choose another folder, or delete this one if you no longer need it.",
            file=place,
        )
    if not path.exists():
        write_atomic(path, data)
    for partial in place.glob(f"*{PARTIAL}"):
        partial.unlink()
    return sha256_bytes(data)


def _difference(path: Path, facts: dict[str, Any]) -> str:
    try:
        held = json.loads(path.read_bytes())
        names = [name for name in facts if held.get(name) != facts[name]]
    except (ValueError, AttributeError):
        return f"{path.name} is damaged; its contents"
    return ", ".join(names) or "their spelling"


def _spread(items: Sequence[Any], count: int) -> list[Any]:
    """At most `count` items, evenly spread over the list."""
    if len(items) <= count:
        return list(items)
    return [items[i * len(items) // count] for i in range(count)]


def _batches(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


Plan = list[list[tuple[WorkId, list[Any]]]]


def _plan(ordered: Sequence[Example], coordinates: int, settings: IndexSettings) -> Plan:
    """Which works stand in which shard."""
    per_work = coordinates * (4 + 2 * settings.blocks)
    limit = max(1, settings.shard_bytes // per_work)
    works = [
        (work_id, [example.content for example in group])
        for work_id, group in groupby(ordered, key=lambda example: example.work_id)
    ]
    return [list(part) for part in _batches(works, limit)]


def _shard_name(number: int) -> str:
    return f"works-{number:05d}.safetensors"


def _curvature(
    place: Path,
    build_key: str,
    middle: nn.Module,
    layers: Sequence[Layer],
    task: Task,
    ordered: Sequence[Example],
    settings: IndexSettings,
    progress: Progress,
) -> Curvature:
    path = place / CURVATURE_FILE
    if path.exists():
        try:
            return load_curvature(path, layers, build_key)
        except IntegrityError:
            path.unlink()
    sample = _spread([example.content for example in ordered], settings.curvature_examples)
    batches = _batches(sample, settings.batch_examples)
    curvature = fit_curvature(
        middle, layers, task, batches, settings.seed, lambda done: progress("curvature", done, 2 * len(batches))
    )
    save_curvature(path, layers, curvature, build_key)
    return load_curvature(path, layers, build_key)


def _works(
    place: Path,
    build_key: str,
    middle: nn.Module,
    layers: Sequence[Layer],
    task: Task,
    plan: Plan,
    settings: IndexSettings,
    progress: Progress,
) -> None:
    """Writes every shard that is not there yet."""
    total = sum(len(contents) for part in plan for _, contents in part)
    done = 0

    def build(number: int) -> None:
        nonlocal done
        part = plan[number]
        path = place / _shard_name(number)
        if is_finished(path, build_key, [work_id for work_id, _ in part]):
            done += sum(len(contents) for _, contents in part)
            progress("works", done, total)
            return
        rows = []
        for work_id, contents in part:
            rows.append(_work_vectors(middle, layers, task, work_id, contents, settings))
            done += len(contents)
            progress("works", done, total)
        sums, blocks, scales, counts = (torch.stack(column) for column in zip(*rows, strict=True))
        work_ids = tuple(work_id for work_id, _ in part)
        examples = tuple(len(contents) for _, contents in part)
        save_shard(path, Shard(work_ids, examples, sums, blocks, scales, counts), build_key)

    map_shards(build, range(len(plan)))


def _work_vectors(
    middle: nn.Module,
    layers: Sequence[Layer],
    task: Task,
    work_id: WorkId,
    contents: Sequence[Any],
    settings: IndexSettings,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The summed gradient of log p of one work, and of consecutive blocks of its examples."""
    coordinates = sum(layer.size for layer in layers)
    blocks = torch.zeros(settings.blocks, coordinates, dtype=torch.float16)
    scales = torch.ones(settings.blocks)
    counts = torch.zeros(settings.blocks, dtype=torch.int64)
    whole = torch.zeros(coordinates)
    number_of_blocks = min(settings.blocks, len(contents))
    for number in range(number_of_blocks):
        start, stop = (len(contents) * k // number_of_blocks for k in (number, number + 1))
        block = torch.zeros(coordinates)
        for batch in _batches(contents[start:stop], settings.batch_examples):
            block += summed_gradient(middle, layers, task, batch).cpu()
        if not torch.isfinite(block).all():
            raise InputError(
                f"the gradient of work '{work_id}' is not finite",
                remedy="Check the work's examples and the models for NaN or infinite values.",
                field="examples",
            )
        whole += block
        blocks[number], scales[number] = to_half(block)
        counts[number] = stop - start
    return whole, blocks, scales, counts


def summed_gradient(model: nn.Module, layers: Sequence[Layer], task: Task, contents: Sequence[Any]) -> Tensor:
    """Gradient of the summed log-probability of some contents: ``[P]``."""
    with capturing(model, layers) as capture:
        loss = task.train_loss(model, contents)
    capture.backward(-one_each(loss, contents, "train_loss").sum())
    return flatten(layers, {layer.name: capture.summed(layer) for layer in layers})


def _calibrate(
    loaded: Loaded,
    base: nn.Module,
    full: nn.Module,
    middle: nn.Module,
    task: Task,
    outputs: Sequence[Any],
    settings: IndexSettings,
    progress: Progress,
) -> tuple[float, float, float]:
    """The one number that makes credits add up to the measured log-ratio over the calibration outputs.

    Returns:
        scale, the measured log-ratio summed over the outputs, and the unscaled credits summed over outputs and works.
    """
    measured = predicted = 0.0
    for number, output in enumerate(outputs):
        result = loaded.raw_credits(middle, base, full, task, output, settings.damping)
        measured += result.log_ratio_nats
        predicted += float(result.credits.sum())
        if not math.isfinite(measured) or not math.isfinite(predicted):
            raise InputError(
                f"calibration output {number + 1} has no finite credit",
                remedy="Check the output and the models for NaN or infinite values.",
                field="calibration",
            )
        progress("calibration", number + 1, len(outputs))
    if measured <= 0 or predicted <= 0:
        raise InputError(
            f"credits cannot be put into nats: over {len(outputs)} calibration outputs the full model is {measured:.4g} "
            f"nats ahead of base, and the works' gradients point {predicted:.4g} that way",
            remedy="Check that full is base after the works, and not the other way round or the same model twice.",
            field="base, full",
        )
    return measured / predicted, measured, predicted
