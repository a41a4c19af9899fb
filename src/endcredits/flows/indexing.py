"""Building and opening the studio's influence index.

An index lives in `index/<name>/`, where the name comes from the models, the corpus and the code: any of them anew makes
a new index beside the old one, whose receipts stay checkable; which one answers now, and what each was built from, is kept
beside them (`index_files`).

Without a trainer it is the curvature tier's; with one every creator's part is measured by training (`responses`), and the
runs, which are what that costs, are kept in `runs/`, whatever becomes of the index.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from endcredits import durable, influence
from endcredits.canonical import digest
from endcredits.errors import ConflictError, InputError, IntegrityError, NotFoundError
from endcredits.flows import admissions, catalogue, fact_log, responses
from endcredits.flows.catalogue import Corpus
from endcredits.flows.index_files import (
    CORPUS,
    CURRENT,
    RUNS,
    IndexFacts,
    has_corpus,
    index_folders,
    index_name,
    intact_indexes,
    read_corpus,
    read_current,
    sealed,
)
from endcredits.flows.pairs import load_pair
from endcredits.flows.responses import DESIGNS, plan_responses
from endcredits.flows.studio import Studio
from endcredits.ids import WorkId
from endcredits.influence import Example, ModelPair, read_manifest
from endcredits.influence.opening import open_index
from endcredits.progress import Progress, silent
from endcredits.receipts import each_receipt

if TYPE_CHECKING:
    from endcredits.influence import InfluenceIndex
    from endcredits.influence.trainer import Trainer

__all__ = [
    "CURRENT",
    "RUNS",
    "IndexFacts",
    "OpenIndex",
    "build",
    "current_index",
    "index_folders",
    "index_name",
    "intact_indexes",
    "read_corpus",
    "read_current",
]


@dataclass(frozen=True, slots=True)
class OpenIndex:
    """An index with the models that it asks.

    Attributes:
        folder: where it lives.
        pair: the models.
        index: answers questions.
        known: what receipts say of it.
    """

    folder: Path
    pair: ModelPair
    index: InfluenceIndex
    known: IndexFacts

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the manifest says of models, corpus, code and seeds."""
        return self.known.facts


def build(
    studio: Studio,
    source: Mapping[str, str] | ModelPair,
    corpus: Corpus,
    *,
    trainer: Trainer | None = None,
    design: str = DESIGNS[0],
    processes: int = 1,
    strict: bool = False,
    progress: Progress = silent,
) -> OpenIndex:
    """Builds the index of a corpus under a pair of models, or continues or opens it, and makes it the current one.

    Args:
        studio: where it is kept.
        source: see `load_pair`; a pair already in memory serves this process but cannot be found again by later ones.
        corpus: the admitted works.
        trainer: repeats the run of the full model: every creator's part is measured by training, see `responses`.
        design: which runs; one of `responses.DESIGNS`.
        processes: training runs at a time.
        strict: whether to refuse a corpus that has no whole manifest; otherwise its receipts say so.
        progress: told about the stages.

    Raises:
        InputError: no work is admitted, a work holds nothing to learn, or models or trainer cannot be used.
        ConflictError: a work of the corpus is no longer admitted, such as after a no recorded since, its manifest is broken
            or, with `strict`, missing, or the trainer reads a work that is not admitted.
        MachineError: a process died or the disk is full; the same call continues.
    """
    _require_manifest(corpus, strict=strict)
    if not corpus.admitted:
        raise InputError(
            f"no work may be trained on ({len(corpus.refused)} refused)",
            remedy="Register works whose permission is allow, or record a permission.",
            field="works",
        )
    pair = load_pair(source) if isinstance(source, Mapping) else source
    plan = plan_responses(corpus, trainer, design) if trainer is not None else None
    name = index_name(
        {
            "base_sha256": influence.model_digest(pair.base),
            "full_sha256": influence.model_digest(pair.full),
            "task": pair.task.name,
            **influence.build_environment(),
            **(plan.facts if plan else {}),
        },
        corpus.manifest(),
    )
    folder = studio.path / "index" / name
    _require_consent(studio, corpus)
    admissions.keep_cut(studio, corpus.manifest())
    fact_log.complete(studio)  # what was permitted stands in the log before what is made of it
    examples = [example for work_id, text in corpus.texts() for example in _examples(pair, work_id, text)]
    _require_examples(corpus, examples)
    built: InfluenceIndex
    if plan is not None:
        runs = studio.path / RUNS
        built = responses.build_responses(plan, folder, pair, examples, runs, processes=processes, progress=progress)
    else:
        built = influence.build_index(
            folder,
            base=pair.base,
            full=pair.full,
            task=pair.task,
            examples=examples,
            calibration=pair.calibration(0) or None,
            progress=progress,
        )
    if not has_corpus(folder):
        record = {
            "manifest": corpus.manifest(),
            "catalogue": corpus.extent,
            "catalogue_digest": corpus.catalogue_digest,
            "index_digest": built.digest,
        }
        _spoil_no_receipt(studio, folder, built.digest, corpus.catalogue_digest)
        durable.write_atomic(folder / CORPUS, sealed(record))
    where = dict(source) if isinstance(source, Mapping) else {}
    durable.write_atomic(studio.path / "index" / CURRENT, sealed({"name": name, "source": where}))
    fact_log.complete(studio)
    return _with_facts(folder, pair, built)


def _require_manifest(corpus: Corpus, *, strict: bool) -> None:
    """Refuses what changed since it went through the gate; what never did is refused where somebody asks for that."""
    problem = corpus.gate_problem
    if strict and not problem and corpus.admission != "whole":
        problem = "the corpus has no manifest: it did not go through the gate"
    if problem:
        raise ConflictError(problem, remedy="Let it go through the gate: endcredits corpus admit SOURCE", field="corpus")


def _spoil_no_receipt(studio: Studio, folder: Path, index_digest: str, catalogue_digest: str) -> None:
    """A lost corpus.json is written anew only as it was: receipts of this index state the catalogue of that time."""
    for receipt in each_receipt(studio.receipts):
        if receipt.type != "run.receipt" or receipt.body["index_digest"] != index_digest:
            continue
        if receipt.body["catalogue_digest"] != catalogue_digest:
            raise IntegrityError(
                "the file is lost, and receipts of this index state a catalogue that has grown since",
                remedy="Restore corpus.json from your last copy.",
                file=folder / CORPUS,
            )


def _require_consent(studio: Studio, corpus: Corpus) -> None:
    """Asks again at the moment of building: consent counts when a work is used, not when a list was made."""
    present = catalogue.corpus(studio, gate=False)
    admitted = {work.work_id: work.manifestations for work in present.admitted}
    reasons = {work.work_id: f"{decision.value}: {decision.reason}" for work, decision in present.refused}
    for work in corpus.admitted:
        if admitted.get(work.work_id) != work.manifestations:
            raise ConflictError(
                f"'{work.work_id}' may no longer be used ({reasons.get(work.work_id, 'it is not registered so')})",
                remedy="Take the corpus anew and build the index of that.",
                field="works",
            )


def _examples(pair: ModelPair, work_id: WorkId, text: bytes) -> Iterator[Example]:
    """A work's examples, each of which must say that it is this work's: on that hang its credit and its consent."""
    for example in pair.examples(work_id, text):
        if example.work_id != work_id:
            raise InputError(
                f"the pair gave '{work_id}' an example of '{example.work_id}'",
                remedy="Let examples(work_id, content) return examples of that work_id alone.",
                field="task",
            )
        yield example


def _require_examples(corpus: Corpus, examples: Sequence[Example]) -> None:
    """A work of which nothing can be learnt would earn nothing in silence, so its operator hears of it."""
    present = {example.work_id for example in examples}
    empty = [work.work_id for work in corpus.admitted if work.work_id not in present]
    if empty:
        raise InputError(
            f"{len(empty)} admitted works hold nothing that a model could learn from: {responses.some(empty)}",
            remedy="Register each with its content, or keep it out: endcredits rights deny ID --reason empty --by YOU.",
            field="works",
        )


def current_index(studio: Studio) -> OpenIndex:
    """Opens the current index with its models.

    Raises:
        NotFoundError: none was built yet, or its models were only ever in another process's memory.
        IntegrityError: a file of it is damaged.
    """
    current = read_current(studio)
    source = current["source"]
    if not source:
        raise NotFoundError(
            "the current index was built from models in memory",
            remedy="Build it from folders or an import path to use it from other processes.",
            file=studio.path / "index" / CURRENT,
        )
    folder = studio.path / "index" / current["name"]
    # Answers are given with as many threads as the index was built with: the same output, the same nano-nats.
    influence.use_threads(int(read_manifest(folder)[0].facts["threads"]))
    pair = load_pair(source)
    return _with_facts(folder, pair, open_index(folder, base=pair.base, full=pair.full, task=pair.task))


def _with_facts(folder: Path, pair: ModelPair, index: InfluenceIndex) -> OpenIndex:
    manifest, _ = read_manifest(folder)
    record = read_corpus(folder)
    if record["index_digest"] != index.digest:
        raise IntegrityError(
            "the index's manifest was changed after the index was built",
            remedy="Restore it from your last copy, or delete the folder and build the index again.",
            file=folder,
        )
    known = IndexFacts(manifest.facts, digest(record["manifest"]), record["catalogue_digest"])
    return OpenIndex(folder, pair, index, known)
