"""Building a response index: make the runs, keep their differences.

The runs are the price and are cached outside of the index (`runs`): a new version of this code makes a new index from the
same runs in seconds. What is kept here is what an output needs: the weights at which its gradient is taken, and one
difference a catalogue. Before anything is kept, the run with all weights at 1 is held against the full model: a trainer that
does not repeat the run that made the model measures another model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from endcredits.canonical import digest
from endcredits.durable import locked, write_atomic
from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence.examples import check_examples
from endcredits.influence.gradient.build import build_index
from endcredits.influence.gradient.fingerprint import code_digest
from endcredits.influence.gradient.folder import claim_folder
from endcredits.influence.gradient.manifest import MANIFEST_FILE, IndexManifest, manifest_bytes
from endcredits.influence.gradient.midpoint import check_finite, check_same_shape, model_digest
from endcredits.influence.gradient.settings import IndexSettings
from endcredits.influence.gradient.shards import file_digests, save_tensors
from endcredits.influence.records import Example
from endcredits.influence.replay.run import load_run
from endcredits.influence.response.design import Design, Run, two_levels
from endcredits.influence.response.index import CURVATURE_FOLDER, METHOD, POINTS_FILE, RESPONSES_FILE, ResponseIndex
from endcredits.influence.response.runs import make_runs
from endcredits.influence.task import Task, require_type
from endcredits.influence.trainer import Snapshot, Trainer
from endcredits.progress import Progress, silent

CURVATURE_WEIGHT = 0.25
"""Chosen on the public truth panel, where .2 to .4 pay alike; see docs/decisions."""
EVERYTHING = Run("everything", 1.0)
LARGEST_GAP = 0.02
"""How far, as a part of the distance from base to full, the repeated run may end from the full model."""


def build_responses(
    folder: str | Path,
    *,
    base: nn.Module,
    full: nn.Module,
    task: Task,
    trainer: Trainer,
    examples: Sequence[Example],
    catalogues: Mapping[str, Sequence[WorkId]] | None = None,
    design: Design | None = None,
    curvature_weight: float = CURVATURE_WEIGHT,
    calibration: Sequence[Any] | None = None,
    settings: IndexSettings | None = None,
    runs_folder: str | Path | None = None,
    processes: int = 1,
    progress: Progress = silent,
) -> ResponseIndex:
    """Builds a response index, or opens one that was finished from the same inputs.

    Args:
        folder: where it lives; made when missing.
        base: the model before the works.
        full: the model after them, which the trainer must be able to make again.
        task: how outputs are measured.
        trainer: repeats the run under other weights.
        examples: every training example of every work. Works that the trainer never reads may stand here: they earn nothing.
        catalogues: works that are measured together, by a name; each work by itself when None.
        design: which runs; `two_levels` when None.
        curvature_weight: of the curvature tier's credits, which are added to the responses'; 0 builds and adds none.
        calibration: outputs on which the curvature tier is scaled; see `build_index`.
        settings: of the curvature tier.
        runs_folder: cache of the runs; `runs/` beside the index when None.
        processes: runs at a time.
        progress: told about the stages of the curvature tier, then about "retraining".

    Raises:
        InputError: the trainer does not repeat the run that made `full`, base and full are the same, or catalogues and
            works do not fit.
        ConflictError: the folder holds another build, or another process is building here.
        MachineError: a process died or the disk is full; the same call continues.
    """
    place = Path(folder)
    require_type(task, Task, "task", "Give an endcredits.influence.Task.")
    check_examples(examples, task)
    check_same_shape(base, full)
    for name, model in (("base", base), ("full", full)):
        check_finite(model.eval(), name)
    sizes = _sizes(task, trainer, examples)
    groups = _groups(trainer, catalogues)
    chosen = design or two_levels(sorted(groups))
    beside = ""
    if curvature_weight:
        beside = build_index(
            place / CURVATURE_FOLDER,
            base=base,
            full=full,
            task=task,
            examples=examples,
            calibration=calibration,
            settings=settings,
            progress=progress,
        ).digest
    facts = _facts(task, base, full, trainer, sizes, groups, chosen)
    facts |= {"curvature_weight": repr(float(curvature_weight)), "curvature_index": beside}
    with locked(place, "this index"):
        build_key = claim_folder(place, facts)
        if not (place / MANIFEST_FILE).exists():
            cache = Path(runs_folder) if runs_folder is not None else place.parent / "runs"
            # A trainer of another run must not cost more than this one.
            first = make_runs(cache, trainer, groups, [EVERYTHING], progress=progress)[EVERYTHING.name]
            _check_repeats(load_run(first), base, full)
            wanted = {run.name: run for run in (EVERYTHING, *chosen.runs)}
            paths = make_runs(cache, trainer, groups, list(wanted.values()), processes=processes, progress=progress)
            _write(place, build_key, facts, chosen, groups, paths)
    return ResponseIndex.open(place, base=base, full=full, task=task)


def _write(
    place: Path,
    build_key: str,
    facts: Mapping[str, Any],
    design: Design,
    groups: Mapping[str, Sequence[WorkId]],
    paths: Mapping[str, Path],
) -> None:
    """The points, the responses and, last, the manifest."""
    points = sorted({name for term in design.terms for name, _ in term.points})
    save_tensors(
        place / POINTS_FILE,
        {f"{number:03d}.{name}": value for number, run in enumerate(points) for name, value in load_run(paths[run]).items()},
        {"build": build_key},
    )
    save_tensors(place / RESPONSES_FILE, _responses(design, sorted(groups), paths), {"build": build_key})
    manifest = IndexManifest(
        method=f"{METHOD}:{design.name}",
        build_key=build_key,
        facts=facts,
        scale="1.0",
        calibration_log_ratio_nats="0.000000",
        calibration_credit_nats="0.000000",
        works=tuple((WorkId(work), 1) for work in sorted(facts["sizes"])),
        files=file_digests(place, [POINTS_FILE, RESPONSES_FILE]),
    )
    write_atomic(place / MANIFEST_FILE, manifest_bytes(manifest))


def _sizes(task: Task, trainer: Trainer, examples: Sequence[Example]) -> dict[WorkId, float]:
    """How much the run read of each work: 0 for works that it never reads."""
    sizes: dict[WorkId, float] = {}
    read = set(trainer.work_ids)
    for example in examples:
        size = example.weight * task.size(example.content) if example.work_id in read else 0.0
        sizes[example.work_id] = sizes.get(example.work_id, 0.0) + size
    lost = sorted(work for work in read if not sizes.get(work, 0) > 0)
    if lost:
        raise InputError(
            f"the run reads work '{lost[0]}', of which there is no example",
            remedy="Give the examples of every work that the trainer reads.",
            field="examples",
        )
    return sizes


def _groups(trainer: Trainer, catalogues: Mapping[str, Sequence[WorkId]] | None) -> dict[str, tuple[WorkId, ...]]:
    groups = catalogues if catalogues is not None else {work: (work,) for work in trainer.work_ids}
    return {name: tuple(sorted(works)) for name, works in sorted(groups.items())}


def _facts(
    task: Task,
    base: nn.Module,
    full: nn.Module,
    trainer: Trainer,
    sizes: Mapping[WorkId, float],
    groups: Mapping[str, Sequence[WorkId]],
    design: Design,
) -> dict[str, Any]:
    terms = [
        {
            "points": [[name, repr(weight)] for name, weight in term.points],
            "contrasts": [[c.catalogue, c.plus, c.minus, repr(c.factor)] for c in term.contrasts],
        }
        for term in design.terms
    ]
    runs = [[run.name, repr(run.level), [[name, repr(weight)] for name, weight in run.weights]] for run in design.runs]
    return {
        "task": task.name,
        "base_sha256": model_digest(base),
        "full_sha256": model_digest(full),
        "trainer_sha256": trainer.digest,
        "corpus_sha256": digest({work: repr(float(size)) for work, size in sizes.items()}),
        "design": {"name": design.name, "runs": runs, "terms": terms},
        "catalogues": {name: list(works) for name, works in groups.items()},
        "sizes": {work: repr(float(size)) for work, size in sorted(sizes.items())},
        "settings": {"seed": "0"},
        "code_sha256": code_digest(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }


def _check_repeats(run: Snapshot, base: nn.Module, full: nn.Module) -> None:
    before, after = dict(base.named_parameters()), dict(full.named_parameters())
    strange = next((name for name, value in run.items() if name not in after or after[name].shape != value.shape), None)
    if strange is not None:
        raise InputError(
            f"the trainer trains '{strange}', which the full model does not hold so",
            remedy="Give models that hold what is trained: adapters as layers of their own, not merged.",
            field="trainer",
        )
    moved = missed = 0.0
    for name, value in run.items():
        moved += float((after[name] - before[name]).detach().double().square().sum())
        missed += float((after[name].detach().cpu() - value).double().square().sum())
    if moved == 0:
        raise InputError(
            "base and full are the same model: nothing was learnt, and nothing can be credited",
            remedy="Give the model as it was before the works and the same model after them.",
            field="base, full",
        )
    gap = math.sqrt(missed / moved)
    if not gap <= LARGEST_GAP:
        raise InputError(
            f"the trainer does not repeat the run that made the full model: it ends {gap:.3g} times the distance from base "
            "to full away",
            remedy="Give it the same examples, order, batches, rates and optimizer as the full run had.",
            field="trainer",
        )


def _responses(design: Design, catalogues: Sequence[str], paths: Mapping[str, Path]) -> dict[str, Tensor]:
    """Per term ``[K, P]`` float32, in the order of the catalogues and of the snapshots' names."""
    found = {}
    for number, term in enumerate(design.terms):
        rows = {}
        for contrast in term.contrasts:
            plus, minus = load_run(paths[contrast.plus]), load_run(paths[contrast.minus])
            parts = [(plus[name] - minus[name]).reshape(-1) for name in sorted(plus)]
            rows[contrast.catalogue] = torch.cat(parts) * contrast.factor
        found[f"term{number}"] = torch.stack([rows[name] for name in catalogues])
    return found
