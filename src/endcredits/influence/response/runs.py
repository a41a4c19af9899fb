"""Making the runs of a design: in parallel, resumable, each kept under the digest of what made it.

A run's file name is the digest of trainer, weights and seed, so a killed batch goes on where it stopped, two designs share
the runs they have in common, and a changed recipe can never be mixed up with an old one.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

from endcredits.canonical import digest
from endcredits.compute import map_shards
from endcredits.errors import InputError, IntegrityError
from endcredits.ids import WorkId
from endcredits.influence.gradient.shards import load_tensors, save_tensors
from endcredits.influence.response.design import Run
from endcredits.influence.trainer import Snapshot, Trainer
from endcredits.progress import Progress, silent


def make_runs(
    folder: Path,
    trainer: Trainer,
    catalogues: Mapping[str, Sequence[WorkId]],
    runs: Sequence[Run],
    *,
    seed: int = 0,
    processes: int = 1,
    progress: Progress = silent,
) -> dict[str, Path]:
    """Makes the runs that are not in the folder yet.

    Args:
        folder: cache of snapshots; may be shared by trainers and designs.
        trainer: must pickle when `processes` > 1.
        catalogues: the works of each catalogue; every work of the trainer in exactly one.
        runs: what to make.
        seed: passed to the trainer.
        processes: runs at a time.
        progress: told about the stage "training runs".

    Returns:
        The file of each run, by its name.

    Raises:
        InputError: a work of the trainer stands in no catalogue or in two.
        MachineError: a process died or the disk is full; finished runs stay.
    """
    _check_catalogues(trainer, catalogues)
    folder.mkdir(parents=True, exist_ok=True)
    paths = {run.name: folder / f"{run_key(trainer, catalogues, run, seed)[:32]}.safetensors" for run in runs}
    # A run that is there but damaged is made again.
    missing = [run for run in runs if not _is_whole(paths[run.name])]
    make = functools.partial(_make, trainer, {name: tuple(works) for name, works in catalogues.items()}, seed)
    items = [(run, paths[run.name]) for run in missing]
    if items:
        # What all runs share, such as a recorded step scale, is made by the first before the others start beside it.
        map_shards(make, items[:1], stage="training runs", progress=progress)
        map_shards(make, items[1:], processes=processes, stage="training runs", progress=progress)
    return paths


def run_key(trainer: Trainer, catalogues: Mapping[str, Sequence[WorkId]], run: Run, seed: int) -> str:
    """Digest of everything that decides a run's snapshot."""
    weights = {work: repr(float(weight)) for work, weight in work_weights(catalogues, run).items()}
    return digest({"trainer": trainer.digest, "weights": weights, "seed": seed})


def work_weights(catalogues: Mapping[str, Sequence[WorkId]], run: Run) -> dict[WorkId, float]:
    """A run's weight of every work."""
    return {work: run.weight_of(name) for name, works in catalogues.items() for work in works}


def load_run(path: Path) -> Snapshot:
    """Reads a run's snapshot.

    Raises:
        IntegrityError: damaged.
    """
    return load_tensors(path)[0]


def _make(trainer: Trainer, catalogues: Mapping[str, Sequence[WorkId]], seed: int, item: tuple[Run, Path]) -> None:
    run, path = item
    save_tensors(path, trainer.train(work_weights(catalogues, run), seed), {"run": run.name})


def _is_whole(path: Path) -> bool:
    if not path.exists():
        return False
    try:
        load_tensors(path)
    except IntegrityError:
        return False
    return True


def _check_catalogues(trainer: Trainer, catalogues: Mapping[str, Sequence[WorkId]]) -> None:
    owner: dict[WorkId, str] = {}
    for name, works in catalogues.items():
        for work in works:
            if owner.setdefault(work, name) != name:
                raise InputError(
                    f"work '{work}' stands in the catalogues '{owner[work]}' and '{name}'",
                    remedy="Put every work into one catalogue.",
                    field="catalogues",
                )
    left = sorted(set(trainer.work_ids) - set(owner))
    if left:
        raise InputError(
            f"work '{left[0]}', which the run reads, stands in no catalogue",
            remedy="Put every work into one catalogue.",
            field="catalogues",
        )
    strange = sorted(set(owner) - set(trainer.work_ids))
    if strange:
        raise InputError(
            f"work '{strange[0]}' of catalogue '{owner[strange[0]]}' is never read by the run",
            remedy="Leave it out: its response is zero.",
            field="catalogues",
        )
