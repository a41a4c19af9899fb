"""Measuring creators by training: which works make a catalogue, which runs that takes, and that consent covers them.

The response tier trains once more for every catalogue. A catalogue is the works of the same creators (the same set of
parties), so that a creator is measured as one however many works there are; a work that names nobody stands alone. Works
of the corpus that the trainer never reads are in no catalogue: no run could show anything of them, and they earn nothing.
A trainer that reads a work without a yes is refused: it would train on it again.
"""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from endcredits.errors import ConflictError, InputError
from endcredits.flows.catalogue import Corpus
from endcredits.ids import WorkId
from endcredits.influence import Example, ModelPair
from endcredits.progress import Progress
from endcredits.works import Work

if TYPE_CHECKING:
    from endcredits.influence.response.design import Design, Run
    from endcredits.influence.response.index import ResponseIndex
    from endcredits.influence.trainer import Trainer

DESIGNS = ("two-levels", "one-sided", "central")
"""By what they cost: 2K + 2 runs (the default), K + 1 and 2K + 1 for K catalogues; `influence.response.design` says more."""
NAMED = 8
"""So many works are named in an error; of the others there is the number."""


@dataclass(frozen=True, slots=True)
class ResponsePlan:
    """What is going to be trained.

    Attributes:
        trainer: repeats the run of the full model.
        design: which runs, and how they become responses.
        catalogues: the works of each, by the ids of their creators.
        names: the same creators as people read them.
        unread: works of the corpus that the trainer never reads; they earn nothing.
    """

    trainer: Trainer
    design: Design
    catalogues: Mapping[str, tuple[WorkId, ...]]
    names: Mapping[str, str]
    unread: tuple[WorkId, ...]

    @property
    def runs(self) -> tuple[Run, ...]:
        """Every run, the repetition of the full model's first."""
        from endcredits.influence.response.build import EVERYTHING

        return (EVERYTHING, *self.design.runs)

    @property
    def facts(self) -> dict[str, Any]:
        """What tells this index from another of the same models and works; the index's manifest says it too."""
        return {
            "trainer_sha256": self.trainer.digest,
            "design": {"name": self.design.name},
            "catalogues": {name: list(works) for name, works in self.catalogues.items()},
        }

    def missing(self, folder: Path) -> int:
        """How many of the runs were not made yet."""
        from endcredits.influence.replay.run import run_of
        from endcredits.influence.response.runs import work_weights

        digest = self.trainer.digest
        files = (f"{run_of(work_weights(self.catalogues, run)).name(digest)}.safetensors" for run in self.runs)
        return sum(not (folder / name).exists() for name in files)


def plan_responses(corpus: Corpus, trainer: Trainer, design: str = DESIGNS[0]) -> ResponsePlan:
    """Says what measuring a corpus by a trainer takes; trains nothing.

    Args:
        corpus: the admitted works.
        trainer: repeats the run of the full model.
        design: one of `DESIGNS`.

    Raises:
        InputError: no such design, or the trainer reads none of the works.
        ConflictError: the trainer reads a work that may not be trained on.
    """
    from endcredits.influence.response import design as designs

    read = set(trainer.work_ids)
    require_yes(corpus, read)
    groups = by_creators([work for work in corpus.admitted if work.work_id in read])
    if not groups:
        raise InputError(
            "the trainer reads none of the works that may be trained on",
            remedy="Use the works' ids of this studio in the trainer: endcredits works list",
            field="trainer",
        )
    catalogues = sorted(groups)
    made = {
        "two-levels": lambda: designs.two_levels(catalogues),
        "one-sided": lambda: designs.one_sided(catalogues, "on", designs.GAUSS_LEVELS[0]),
        "central": lambda: designs.central(catalogues),
    }
    if design not in made:
        raise InputError(f"there is no design '{design}'", remedy=f"Use one of: {', '.join(DESIGNS)}.", field="--design")
    return ResponsePlan(
        trainer=trainer,
        design=made[design](),
        catalogues={name: tuple(sorted(work.work_id for work in groups[name])) for name in catalogues},
        names={name: _people(groups[name][0]) for name in catalogues},
        unread=tuple(sorted(work.work_id for work in corpus.admitted if work.work_id not in read)),
    )


def by_creators(works: Sequence[Work]) -> dict[str, list[Work]]:
    """Works by who made them, whatever the order of the names and their roles; a work that names nobody by itself."""
    groups: dict[str, list[Work]] = {}
    for work in works:
        makers = sorted({credit.party_id for credit in work.credits})
        # Ids of parties begin with "party:", so no work's own id can slip it among somebody's works.
        groups.setdefault(" + ".join(makers) or f"work {work.work_id}", []).append(work)
    return groups


def read_examples(trainer: Trainer, examples: Sequence[Example]) -> list[Example]:
    """The examples of an index, weighted by how often the run read them; a creator's works share its credit by that.

    A fine-tune from a recipe says what it read: part of a work, some works more often than others. Of other trainers we
    know only which works they read, and take each example of these once. What was never read has weight 0.

    Args:
        trainer: repeats the run.
        examples: of every work of the corpus, each once.
    """
    from endcredits.influence.text.finetune import TextFineTune

    read = set(trainer.work_ids)
    unread = [replace(example, weight=0.0) for example in examples if example.work_id not in read]
    if not isinstance(trainer, TextFineTune):
        return [*(example for example in examples if example.work_id in read), *unread]
    times = Counter(number for batch in trainer.batches for number in batch)
    return [*(replace(example, weight=float(times[n])) for n, example in enumerate(trainer.examples)), *unread]


def build_responses(
    plan: ResponsePlan,
    folder: Path,
    pair: ModelPair,
    examples: Sequence[Example],
    runs_folder: Path,
    *,
    processes: int,
    progress: Progress,
) -> ResponseIndex:
    """Makes the runs of a plan that are not in `runs_folder` yet, and the index from them.

    Args:
        plan: what is trained.
        folder: of the index.
        pair: the models.
        examples: of every work of the corpus; see `read_examples`.
        runs_folder: where runs are kept.
        processes: runs at a time.
        progress: told about the stages.

    Raises:
        InputError: trainer and models do not fit, or the trainer cannot be sent to other processes.
        ConflictError: the folder holds another build, or another process is building here.
        MachineError: a process died or the disk is full; the same call continues.
    """
    from endcredits.influence.response.build import build_responses as build

    task = plan.trainer.task()
    if task.name != pair.task.name:
        raise InputError(
            f"the trainer measures outputs by '{task.name}', and the models are asked by '{pair.task.name}'",
            remedy="Let the trainer's task be that of the models.",
            field="trainer",
        )
    if processes > 1:
        _require_pickle(plan.trainer)
    return build(
        folder,
        base=pair.base,
        full=pair.full,
        task=pair.task,
        trainer=plan.trainer,
        examples=read_examples(plan.trainer, examples),
        catalogues=plan.catalogues,
        design=plan.design,
        calibration=pair.calibration(0) or None,
        runs_folder=runs_folder,
        processes=processes,
        progress=progress,
    )


def some(names: Sequence[str]) -> str:
    """The first names, and how many more there are.

    >>> some(["a", "b"])
    "'a', 'b'"
    """
    listed = ", ".join(f"'{name}'" for name in names[:NAMED])
    return listed + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def _people(work: Work) -> str:
    names = dict.fromkeys(credit.display_credit for credit in work.credits)
    return ", ".join(names) or f"nobody named: {work.title}"


def require_yes(corpus: Corpus, read: set[WorkId]) -> None:
    """Every run of a plan trains anew on what the trainer reads, so all of it needs a yes now."""
    without = sorted(read - {work.work_id for work in corpus.admitted})
    if without:
        said = {work.work_id: f"{decision.value}: {decision.reason}" for work, decision in corpus.refused}
        raise ConflictError(
            f"the trainer reads {len(without)} works that may not be trained on: {some(without)} "
            f"('{without[0]}' is {said.get(without[0], 'not registered')})",
            remedy="Train a full model without them and repeat that run, or record their owners' yes.",
            field="trainer",
        )


def _require_pickle(trainer: Trainer) -> None:
    try:
        pickle.dumps(trainer)
    except Exception as error:  # somebody else's object may fail in any way
        raise InputError(
            f"the trainer cannot be sent to other processes ({type(error).__name__}: {error})",
            remedy="Keep folders and numbers in it instead of models, or train one run at a time: --processes 1.",
            field="--processes",
        ) from error
