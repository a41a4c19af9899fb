"""Running a design: every run kept under the digest of what decides it, every output scored under every run.

A run's name is the digest of trainer, work weights and seed, so a run that any design made is never made again: a longer
design goes on from a shorter one, and a process killed in the middle leaves whole runs, which the next one finds. Results
are safetensors files with a digest of their own (`gradient.shards.save_tensors`); a damaged one is made again.

Scoring is forward passes alone. The log-likelihoods of one run are kept beside it, under the digest of the outputs.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from endcredits.canonical import digest
from endcredits.compute import map_shards
from endcredits.errors import InputError, IntegrityError
from endcredits.ids import WorkId
from endcredits.influence.gradient.fingerprint import content_digest
from endcredits.influence.gradient.shards import load_tensors, save_tensors
from endcredits.influence.replay.coalitions import Design
from endcredits.influence.replay.games import Game
from endcredits.influence.task import Task, one_each
from endcredits.influence.trainer import Snapshot, Trainer
from endcredits.progress import Progress, silent

BATCH_PIECES = 32
SCORES = "log_likelihood"


@dataclass(frozen=True, slots=True)
class Run:
    """One training run.

    Attributes:
        weights: loss weight of every work whose weight is not 1, sorted by work.
        seed: 0 is the run that made the full model.
    """

    weights: tuple[tuple[WorkId, float], ...] = ()
    seed: int = 0

    def name(self, trainer_digest: str) -> str:
        """Under which a trainer's run is kept: 40 hex digits."""
        weights = [[work_id, repr(weight)] for work_id, weight in self.weights]
        return digest({"trainer": trainer_digest, "weights": weights, "seed": self.seed})[:40]


@dataclass(frozen=True, slots=True)
class Scores:
    """Log-likelihoods of Q outputs, in nats, float64.

    Attributes:
        design: the coalitions.
        coalitions: ``[M, Q]``.
        base: ``[Q]`` under the run without any catalogue.
        full: ``[Q]`` under the run with all.
        repeats: ``[R, Q]`` under the full run with other seeds: how much of a difference the order of examples makes.
        outputs_digest: of the outputs, in their order.
    """

    design: Design
    coalitions: np.ndarray
    base: np.ndarray
    full: np.ndarray
    repeats: np.ndarray
    outputs_digest: str

    @property
    def game(self) -> Game:
        """What `shapley` solves."""
        return Game(self.design.masks, self.coalitions, self.base, self.full, self.design.kernel_weights)

    @property
    def seed_noise(self) -> np.ndarray:
        """Standard deviation over seeds of each output's log-likelihood, ``[Q]``; NaN without repeats."""
        if not len(self.repeats):
            return np.full(len(self.full), np.nan)
        return np.asarray(np.std(np.concatenate([self.full[None], self.repeats]), axis=0, ddof=1))


def run_of(weights: Mapping[WorkId, float], seed: int = 0) -> Run:
    """A run under one spelling: a weight of 1 is not mentioned."""
    return Run(tuple(sorted((work_id, float(weight)) for work_id, weight in weights.items() if weight != 1)), seed)


def runs_of(design: Design, repeats: int = 0) -> list[Run]:
    """Full, base, the repeats of full with seeds 1 to `repeats`, then the coalitions in the design's order."""
    count = len(design.catalogues)
    full, base = run_of({}), run_of(design.work_weights([False] * count))
    again = [run_of({}, seed) for seed in range(1, repeats + 1)]
    return [full, base, *again, *(run_of(design.work_weights(c.members)) for c in design.coalitions)]


def train_runs(
    trainer: Trainer, runs: Sequence[Run], folder: Path, *, processes: int = 1, progress: Progress = silent
) -> list[Path]:
    """Makes the runs that are not in the folder yet.

    Args:
        trainer: repeats the training; it must pickle when `processes` > 1.
        runs: what to run.
        folder: where snapshots are kept, under the runs' names.
        processes: how many at once; each needs the memory of one training run, and has this process's number of threads.
        progress: told about "retraining" in runs.

    Returns:
        The snapshots' files, in the order of `runs`.

    Raises:
        InputError: a run gave a snapshot that is not finite, or weighs a work that the trainer does not know.
        MachineError: the disk is full, or a process died; finished runs are kept.
    """
    known = set(trainer.work_ids)
    for run in runs:
        unknown = sorted(work_id for work_id, _ in run.weights if work_id not in known)
        if unknown:
            raise InputError(
                f"the trainer has no work '{unknown[0]}'", remedy="Put only its works into catalogues.", field="catalogues"
            )
    name = trainer.digest
    items = [(run, folder / f"{run.name(name)}.safetensors") for run in runs]
    work = functools.partial(_train_one, torch.get_num_threads(), trainer)
    return map_shards(work, items, processes=processes, stage="retraining", progress=progress)


def load_run(path: Path) -> Snapshot:
    """Reads a snapshot that `train_runs` kept.

    Raises:
        IntegrityError: missing or damaged.
    """
    found = _intact(path, path.stem)
    if found is None:
        raise IntegrityError(
            "the snapshot of a run is missing, damaged, or another run's under this name",
            remedy="Delete it and run the same command again; the other runs are kept.",
            file=path,
        )
    return found


def score_design(
    trainer: Trainer,
    design: Design,
    outputs: Sequence[Any],
    folder: Path,
    *,
    repeats: int = 0,
    processes: int = 1,
    progress: Progress = silent,
) -> Scores:
    """Trains what is missing, scores what is missing, and gathers the table.

    Args:
        trainer: see `train_runs`.
        design: the coalitions.
        outputs: Q outputs, as the task's `pieces` reads them.
        folder: where runs and their scores are kept.
        repeats: full runs with other seeds, for the noise row.
        processes: how many runs at once.
        progress: told about "retraining" and "scoring" in runs.

    Raises:
        InputError: no outputs, or an output that cannot be measured.
    """
    if not outputs:
        raise InputError("there are no outputs to score", field="outputs")
    runs = runs_of(design, repeats)
    snapshots = train_runs(trainer, runs, folder, processes=processes, progress=progress)
    given = digest({"task": trainer.task().name, "outputs": [content_digest(output) for output in outputs]})
    items = [(path, path.with_name(f"{path.stem}-{given[:24]}.safetensors")) for path in snapshots]
    work = functools.partial(_score_one, torch.get_num_threads(), trainer, tuple(outputs))
    found = map_shards(work, items, processes=processes, stage="scoring", progress=progress)
    table = np.stack(found)  # (2 + R + M, Q)
    return Scores(design, table[2 + repeats :], table[1], table[0], table[2 : 2 + repeats], given)


def log_likelihoods(model: torch.nn.Module, task: Task, outputs: Sequence[Any]) -> np.ndarray:
    """Measures every output under one model, in batches of pieces: ``[Q]`` nats.

    Raises:
        InputError: a measurement is not finite.
    """
    pieces = [(number, piece) for number, output in enumerate(outputs) for piece in task.pieces(output)]
    total = np.zeros(len(outputs))
    for start in range(0, len(pieces), BATCH_PIECES):
        batch = pieces[start : start + BATCH_PIECES]
        contents = [piece for _, piece in batch]
        with torch.no_grad():
            values = one_each(task.measurement(model, contents), contents, "measurement").double().cpu().numpy()
        np.add.at(total, [number for number, _ in batch], values)
    if not np.isfinite(total).all():
        raise InputError(
            f"the log-likelihood of output {int(np.flatnonzero(~np.isfinite(total))[0]) + 1} is not finite",
            remedy="Check the output and the run; an output that the model holds impossible cannot be shared out.",
            field="outputs",
        )
    return total


def _intact(path: Path, run: str) -> dict[str, torch.Tensor] | None:
    """The tensors of a finished file; None where there is none, only a damaged one, or another run's."""
    if not path.exists():
        return None
    try:
        tensors, header = load_tensors(path)
    except IntegrityError:
        return None
    return tensors if header.get("run") == run else None


def _train_one(threads: int, trainer: Trainer, item: tuple[Run, Path]) -> Path:
    torch.set_num_threads(threads)  # the last bits of a run depend on it, and a spawned process would take every core
    run, path = item
    if _intact(path, path.stem) is not None:
        return path
    snapshot = trainer.train(dict(run.weights), run.seed)
    for name, value in snapshot.items():
        if not torch.isfinite(value).all():
            raise InputError(
                f"the run without {sum(weight == 0 for _, weight in run.weights)} works diverged: {name} is not finite",
                remedy="Make the trainer's steps smaller, or keep its step scale fixed.",
                field="trainer",
            )
    whole = {name: value.detach().float().cpu() for name, value in snapshot.items()}
    save_tensors(path, whole, {"run": path.stem, "trainer": trainer.digest})
    return path


def _score_one(threads: int, trainer: Trainer, outputs: Sequence[Any], item: tuple[Path, Path]) -> np.ndarray:
    torch.set_num_threads(threads)
    snapshot, path = item
    kept = _intact(path, snapshot.stem)
    if kept is None:
        model = trainer.model(load_run(snapshot))
        kept = {SCORES: torch.from_numpy(log_likelihoods(model, trainer.task(), outputs))}
        save_tensors(path, kept, {"run": snapshot.stem})
    return np.asarray(kept[SCORES].numpy())
