"""Making the runs of a design, by the audit's own machinery: in parallel, resumable, kept under what made them.

A run's file name is the digest of trainer, weights and seed, so a killed batch goes on where it stopped, designs and audits
share the runs they have in common, and a changed recipe can never be mixed up with an old one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence.replay.run import run_of, train_runs
from endcredits.influence.response.design import Run
from endcredits.influence.trainer import Trainer
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
        progress: told about the stage "retraining", in runs.

    Returns:
        The file of each run, by its name.

    Raises:
        InputError: a work of the trainer stands in no catalogue or in two.
        MachineError: a process died or the disk is full; finished runs stay.
    """
    _check_catalogues(trainer, catalogues)
    made = [run_of(work_weights(catalogues, run), seed) for run in runs]
    paths = train_runs(trainer, made, folder, processes=processes, progress=progress)
    return {run.name: path for run, path in zip(runs, paths, strict=True)}


def work_weights(catalogues: Mapping[str, Sequence[WorkId]], run: Run) -> dict[WorkId, float]:
    """A run's weight of every work."""
    return {work: run.weight_of(name) for name, works in catalogues.items() for work in works}


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
