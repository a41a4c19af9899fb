"""Building an index: once per catalogue and pair of models.

Three stages, each of which survives a kill: the curvature (one file), the work vectors (one file per shard), the manifest
(last; an index without one is unfinished). `build.json` is written first and names what is being built; running the same
build again continues where it stopped, and another build in the same folder is refused. The same inputs, version and
number of threads give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from endcredits.canonical import sha256_bytes
from endcredits.compute import Ray
from endcredits.durable import locked, write_atomic
from endcredits.errors import IntegrityError
from endcredits.influence.gradient.copies import copies_between_works
from endcredits.influence.gradient.ekfac import Curvature, fit_curvature, load_curvature, save_curvature
from endcredits.influence.gradient.folder import check_whole, claim_folder
from endcredits.influence.gradient.index import METHOD, CurvatureIndex, Loaded
from endcredits.influence.gradient.manifest import CURVATURE_FILE, MANIFEST_FILE, IndexManifest, manifest_bytes
from endcredits.influence.gradient.outliers import capped, capped_factors
from endcredits.influence.gradient.preparing import BuildInputs, Prepared, facts_of, in_batches, prepare, spread
from endcredits.influence.gradient.scaling import fit_scale, sizes_of, slopes_of
from endcredits.influence.gradient.settings import IndexSettings
from endcredits.influence.gradient.sharding import shard_name, write_works
from endcredits.influence.gradient.shards import file_digests, map_shard
from endcredits.influence.records import Example
from endcredits.influence.task import Task
from endcredits.progress import Progress, silent

__all__ = ["BuildInputs", "IndexSettings", "build_index"]


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
    prepared = prepare(BuildInputs(base, full, task, examples), settings)
    middle, layers, ordered = prepared.middle, prepared.layers, prepared.ordered
    outputs = list(calibration) if calibration is not None else [e.content for e in ordered]
    outputs = spread(outputs, settings.calibration_outputs)
    facts = facts_of(prepared, base, full, outputs, settings)
    with locked(place, "this index"):
        build_key = claim_folder(place, facts)
        if (place / MANIFEST_FILE).exists():
            check_whole(place)
            return CurvatureIndex.open(place, base=base, full=full, task=task)
        curvature = _curvature(place, build_key, prepared, settings, progress)
        write_works(place, build_key, prepared, curvature, settings, processes, loader, backend, progress)
        names = [shard_name(number) for number in range(len(prepared.plan))]
        shards = [map_shard(place / name, build_key) for name in names]
        work_ids = [work_id for shard in shards for work_id in shard.work_ids]
        flagged = capped(work_ids, torch.cat([shard.norms for shard in shards]), settings.cap_multiple)
        loaded = Loaded(layers, curvature, shards, settings.rank, factors=capped_factors(flagged, work_ids))
        scale, measured, predicted = fit_scale(loaded, base, full, prepared, outputs, settings, progress)
        slopes = slopes_of(loaded, base, full, prepared, scale, settings, progress)
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
            sizes=sizes_of(prepared, slopes),
        )
        data = manifest_bytes(manifest)
        write_atomic(place / MANIFEST_FILE, data)
    return CurvatureIndex(place, manifest, sha256_bytes(data), loaded, (base, full, middle), task)


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
        in_batches(spread(contents, number), settings.batch_examples)
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
