"""Our own tiers as methods of the bench, from the cheapest to the dearest.

All of them answer through the library's interface (`InfluenceIndex`), so what is scored is what is paid. Training runs are
kept under the trainer's digest in the cache's `runs/`, and whatever uses them finds them there.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.payout.cache import kept
from benchmarks.payout.gaming import split
from benchmarks.payout.metrics import shares
from benchmarks.payout.panel import Panel, Scored
from endcredits.canonical import digest, sha256_bytes
from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence import CurvatureIndex, Example, build_index
from endcredits.influence.replay.audit import budget_design, solve_audit
from endcredits.influence.replay.coalitions import catalogues_of
from endcredits.influence.replay.run import load_run, score_design
from endcredits.influence.residual import complete
from endcredits.influence.response.build import CURVATURE_WEIGHT, build_responses
from endcredits.influence.response.design import GAUSS_LEVELS, Design, central, one_sided, two_levels
from endcredits.influence.response.forwards import exact_contrasts, run_likelihoods
from endcredits.influence.response.index import CURVATURE_FOLDER, ResponseIndex
from endcredits.influence.response.runs import make_runs
from endcredits.influence.text.finetune import Recipe, TextFineTune
from endcredits.influence.text.windows import Window
from endcredits.progress import Progress, silent

RUNS_PER_CREATOR = 2.0
"""Price of the calibration, in retrains."""


@dataclass(frozen=True)
class Workshop:
    """Where our methods keep what they make.

    Attributes:
        folder: cache.
        processes: training runs at a time.
        progress: told about long stages.
    """

    folder: Path
    processes: int = 1
    progress: Progress = silent

    def place(self, panel: Panel, name: str) -> Path:
        """A folder for one index of one panel and one version of the code (an index refuses another version)."""
        from endcredits.influence import build_environment, model_digest

        register = sha256_bytes(repr([(example.creator, example.ids) for example in panel.examples]).encode())
        facts = [name, model_digest(panel.models.full), register, build_environment()]
        return self.folder / "indexes" / digest([str(fact) for fact in facts])[:24]


def trainer_of(panel: Panel, folder: Path) -> TextFineTune:
    """The panel's training run, as `panel.json` and the examples' steps state it; what it leaves out is `Recipe`'s default.

    Raises:
        InputError: the recipe names no learning rate, or no example was trained on.
    """
    read = [example for example in panel.examples if example.step >= 0]
    stated = panel.training
    if not {"lr", "rate"} & set(stated) or not read:
        raise InputError(
            "the folder does not say how the full model was trained",
            remedy="panel.json needs training.lr (or training.rate), and train.parquet the steps of the examples.",
            file=panel.folder / "panel.json",
            field="training",
        )
    steps: list[list[tuple[int, int]]] = [[] for _ in range(max(example.step for example in read) + 1)]
    for number, example in enumerate(read):
        steps[example.step].append((example.slot, number))
    batch = int(stated.get("batch", max(len(step) for step in steps)))
    fields = {field.name for field in dataclasses.fields(Recipe)}
    recipe = {
        "rate": stated.get("lr"),
        "batch_tokens": batch * panel.models.context,
        **{name: value for name, value in stated.items() if name in fields},
    }
    return TextFineTune(
        base=panel.folder / "base",
        examples=tuple(Example(WorkId(example.creator), Window(example.ids)) for example in read),
        batches=tuple(tuple(number for _, number in sorted(step)) for step in steps),
        recipe=Recipe(**recipe),
        folder=folder,
    )


def curvature(panel: Panel, workshop: Workshop) -> Scored:
    """The curvature tier: one pass over the works, no retraining."""
    begin = _spent()
    index = curvature_index(panel, workshop)
    built = _spent() - begin
    return _answers(panel, index, built, _bytes(index.folder))


def curvature_index(panel: Panel, workshop: Workshop) -> CurvatureIndex:
    """The panel's curvature index, made once."""
    models = panel.models
    return build_index(
        workshop.place(panel, "curvature"),
        base=models.base,
        full=models.full,
        task=models.task,
        examples=panel.index_examples(),
        calibration=models.calibration(0),
        progress=workshop.progress,
    )


def responses(panel: Panel, workshop: Workshop, design: Design, weight: float = CURVATURE_WEIGHT) -> ResponseIndex:
    """A response index of the panel, with the curvature tier beside it or alone."""
    models = panel.models
    place = workshop.place(panel, f"response {design.name} {weight}")
    if weight and not (place / CURVATURE_FOLDER).exists():  # the same inputs give the same index: no need to make it again
        shutil.copytree(curvature_index(panel, workshop).folder, place / CURVATURE_FOLDER)
    return build_responses(
        place,
        base=models.base,
        full=models.full,
        task=models.task,
        trainer=trainer_of(panel, workshop.folder),
        examples=panel.index_examples(),
        design=design,
        curvature_weight=weight,
        calibration=models.calibration(0),
        runs_folder=workshop.folder / "runs",
        processes=workshop.processes,
        progress=workshop.progress,
    )


def response(panel: Panel, workshop: Workshop, design: Design, weight: float = CURVATURE_WEIGHT) -> Scored:
    """A design of the response tier, scored."""
    training = len(design.runs) * run_seconds(panel, workshop)
    beside = kept(workshop.folder, panel.folder, "endcredits curvature", lambda: curvature(panel, workshop)).seconds_once
    index = responses(panel, workshop, design, weight)
    return _answers(panel, index, training + (beside if weight else 0.0), _bytes(index.folder))


def exact(panel: Panel, workshop: Workshop, design: Design) -> Scored:
    """The response tier with forward passes under every run in place of one gradient."""
    trainer = trainer_of(panel, workshop.folder)
    index = responses(panel, workshop, design)
    catalogues = {work: (work,) for work in trainer.work_ids}
    runs = make_runs(
        workshop.folder / "runs", trainer, catalogues, design.runs, processes=workshop.processes, progress=workshop.progress
    )
    begin = _spent()
    outputs = panel.outputs()
    found = exact_contrasts(design, index.catalogues, run_likelihoods(trainer, runs, outputs, workshop.progress))
    assert index.beside is not None
    rows = []
    for raw, output in zip(found, outputs, strict=True):
        other = index.beside.contrasts(output)
        raw = index.division @ raw + index.weight * (index.sizes > 0) * other.credits
        rows.append(complete(raw, other.log_ratio_nats, index.sizes).numpy())
    each = (_spent() - begin) / len(outputs)
    training = len(design.runs) * run_seconds(panel, workshop)
    return Scored(_columns(panel, index.work_ids, np.array(rows)), True, training, each, _bytes(index.folder))


def calibrated(panel: Panel, workshop: Workshop, estimated: Scored) -> Scored:
    """A tier corrected by an audit of these very outputs: two retrains a creator, and forward passes."""
    trainer = trainer_of(panel, workshop.folder)
    paid = panel.creators[: panel.paid]
    design = budget_design(catalogues_of({name: [WorkId(name)] for name in paid}), runs_per_catalogue=RUNS_PER_CREATOR)
    scores = score_design(
        trainer,
        design,
        panel.outputs(),
        workshop.folder / "runs",
        processes=workshop.processes,
        progress=workshop.progress,
    )
    result = solve_audit(scores, estimated.scores[:, : panel.paid])
    audited, errors = result.audited.credits, result.audited.errors
    rest = np.zeros((len(audited), len(panel.creators) - panel.paid))
    return Scored(
        np.concatenate([audited, rest], 1),
        True,
        estimated.seconds_once + run_seconds(panel, workshop) * float(design.masks.mean(1).sum()),
        estimated.seconds_output,
        estimated.bytes_kept,
        np.concatenate([errors, rest], 1),
    )


def run_seconds(panel: Panel, workshop: Workshop) -> float:
    """CPU seconds of one training run on all works, measured once: kept runs do not tell what they cost."""

    def measured() -> Scored:
        begin = _spent()
        trainer_of(panel, workshop.folder).train({}, 0)
        return Scored(np.zeros((1, 1)), False, _spent() - begin, 0.0, 0)

    return kept(workshop.folder, panel.folder, "endcredits: one training run", measured).seconds_once


def split_gain(panel: Panel, workshop: Workshop, design: Design, creator: str) -> Mapping[str, float]:
    """What a creator earns of each kind's statement with their examples under four names, over what they earn under one.

    The four names' runs are made; the others' stand, because a run in which only a part of this creator changes leaves
    everybody else where they were.
    """
    index = responses(panel, workshop, design)
    whole = trainer_of(panel, workshop.folder)
    renamed = split([(example.work_id, example.content.ids) for example in whole.examples], [creator])
    examples = tuple(
        Example(WorkId(name), example.content) for (name, _), example in zip(renamed, whole.examples, strict=True)
    )
    parts = sorted({name for name, _ in renamed if name.startswith(f"{creator}~")})
    trainer = TextFineTune(whole.base, examples, whole.batches, whole.recipe, whole.folder)
    catalogues = {work: (work,) for work in trainer.work_ids}
    mine = (two_levels if design.name == "two-levels" else central)(tuple(catalogues))
    wanted = {name for term in mine.terms for name, _ in term.points}
    wanted |= {name for term in mine.terms for c in term.contrasts if c.catalogue in parts for name in (c.plus, c.minus)}
    paths = make_runs(
        workshop.folder / "runs",
        trainer,
        catalogues,
        [run for run in mine.runs if run.name in wanted],
        processes=workshop.processes,
        progress=workshop.progress,
    )
    found = _split_credits(panel, index, mine, parts, paths, creator, renamed)
    gains = {}
    for kind in ("human", "generated"):
        chosen = panel.of_kind(kind)
        before = np.array([answer.credit_nats for answer in index.attribute(_of(panel.outputs(), chosen))]).sum(0)
        own = index.work_ids.index(WorkId(creator))
        after = np.concatenate([np.delete(before, own), found[chosen].sum(0)])
        gains[kind] = float(shares(after)[-len(parts) :].sum() / shares(before)[own])
    return gains


def _split_credits(
    panel: Panel,
    index: ResponseIndex,
    design: Design,
    parts: Sequence[str],
    paths: Mapping[str, Path],
    creator: str,
    renamed: Sequence[tuple[str, tuple[int, ...]]],
) -> np.ndarray:
    """Credits of the four names ``[Q, 4]``: their responses, and their parts by size of what is additive anyway."""
    own = index.work_ids.index(WorkId(creator))
    tokens = np.array([float(sum(len(ids) for name, ids in renamed if name == part)) for part in parts])
    rows = []
    names = [name for name, _ in sorted(index.points.items())]
    for output in panel.outputs():
        gradients = {name: index.points[name].gradient(index.task, output) for name in names}
        measured = np.zeros(len(parts))
        for term in design.terms:
            query = torch.stack([weight * gradients[name] for name, weight in term.points]).sum(0)
            for contrast in term.contrasts:
                if contrast.catalogue in parts:
                    plus, minus = load_run(paths[contrast.plus]), load_run(paths[contrast.minus])
                    moved = torch.cat([(plus[name] - minus[name]).reshape(-1) for name in sorted(plus)])
                    measured[parts.index(contrast.catalogue)] += float(moved @ query) * contrast.factor
        (whole,) = index.attribute([output])
        rest = whole.credit_nats[own] - float(index.contrasts(output)[own])
        rows.append(measured + rest * tokens / tokens.sum())
    return np.array(rows)


def _of(items: Sequence[Any], chosen: np.ndarray) -> list[Any]:
    return [item for item, wanted in zip(items, chosen, strict=True) if wanted]


def _answers(panel: Panel, index: Any, built: float, size: int) -> Scored:
    begin = _spent()
    answers = index.attribute(panel.outputs())
    each = (_spent() - begin) / len(answers)
    scores, errors = (
        _columns(panel, index.work_ids, np.array([getattr(answer, name) for answer in answers]))
        for name in ("credit_nats", "error_nats")
    )
    return Scored(scores, True, built, each, size, errors)


def _columns(panel: Panel, work_ids: Sequence[WorkId], values: np.ndarray) -> np.ndarray:
    return values[:, [list(work_ids).index(WorkId(name)) for name in panel.creators]]


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _spent() -> float:
    """CPU seconds of this process and of those that it waited for."""
    return sum(os.times()[:4])


def methods(panel: Panel, workshop: Workshop, *, curve: bool) -> dict[str, Callable[[], Scored]]:
    """Our rows, in order; `curve` adds designs that show payout error against training cost."""
    paid = tuple(panel.creators[: panel.paid])
    found: dict[str, Callable[[], Scored]] = {
        "endcredits curvature": lambda: curvature(panel, workshop),
        "endcredits curvature, calibrated": lambda: calibrated(panel, workshop, curvature(panel, workshop)),
        "endcredits response": lambda: response(panel, workshop, two_levels(paid)),
        "endcredits response, exact forwards": lambda: exact(panel, workshop, two_levels(paid)),
        "endcredits response, K+1 runs": lambda: response(panel, workshop, one_sided(paid, "on", GAUSS_LEVELS[0])),
        "endcredits response without curvature": lambda: response(panel, workshop, two_levels(paid), 0.0),
        "endcredits response, calibrated": lambda: calibrated(panel, workshop, response(panel, workshop, two_levels(paid))),
    }
    if curve:
        found["endcredits response, central"] = lambda: response(panel, workshop, central(paid))
        found["endcredits response, off at half"] = lambda: response(panel, workshop, one_sided(paid, "off"))
        found["endcredits response, on at half"] = lambda: response(panel, workshop, one_sided(paid, "on"))
    return found
