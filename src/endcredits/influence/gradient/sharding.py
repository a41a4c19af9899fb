"""The work vectors of a build, shard by shard: in this process, in several, or by Ray's workers, with the same bytes."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from endcredits.compute import Ray, map_shards
from endcredits.errors import InputError
from endcredits.influence.gradient.ekfac import Curvature, load_curvature
from endcredits.influence.gradient.manifest import BUILD_FILE, CURVATURE_FILE
from endcredits.influence.gradient.preparing import BuildInputs, Prepared, engine_of, facts_of, prepare
from endcredits.influence.gradient.settings import IndexSettings
from endcredits.influence.gradient.shards import is_finished, save_shard
from endcredits.influence.gradient.vectors import Engine, Works, shard_of
from endcredits.progress import Progress


def shard_name(number: int) -> str:
    """The file of a shard."""
    return f"works-{number:05d}.safetensors"


def write_works(
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
    engine = engine_of(prepared, curvature, settings)
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
    prepared = prepare(inputs, settings)
    begun = json.loads((place / BUILD_FILE).read_bytes())
    here = facts_of(prepared, inputs.base, inputs.full, [], settings)
    differing = [name for name in here if name != "calibration_sha256" and here[name] != begun.get(name)]
    if differing:
        raise InputError(
            f"the loader gives other inputs than the build was begun with ({', '.join(differing)} differ)",
            remedy="Let it return the models, task and examples that build_index was given.",
            field="loader",
        )
    curvature = load_curvature(place / CURVATURE_FILE, prepared.layers, build_key)
    return prepared, engine_of(prepared, curvature, settings)


def _write_shard(
    place: Path, build_key: str, engine: Engine, number: int, works: Works, report: Callable[[int], None]
) -> None:
    path = place / shard_name(number)
    if is_finished(path, build_key, works.work_ids):
        report(sum(map(len, works.contents)))
        return
    save_shard(path, shard_of(engine, works, report), build_key)
