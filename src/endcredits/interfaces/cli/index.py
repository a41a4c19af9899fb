"""`endcredits index`: measure once how the admitted works moved the model."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from endcredits.interfaces.cli.common import (
    JsonOption,
    StudioOption,
    ThreadsOption,
    counted,
    opened,
    print_json,
    progress_bars,
    say,
)

if TYPE_CHECKING:
    from endcredits.flows.responses import ResponsePlan
    from endcredits.progress import Progress

SHOWN = 20
"""So many creators are listed before the training."""
SOONEST_SECONDS = 0.05
"""What takes less is a run that was found, not made."""


def build(
    base: Annotated[str, typer.Option(help="Model folder (Hugging Face format) before the works.")] = "",
    full: Annotated[str, typer.Option(help="The same model after them.")] = "",
    task: Annotated[str, typer.Option(help="Instead: module:name of a model pair of your own.")] = "",
    trainer: Annotated[
        str,
        typer.Option(help="Measure every creator by training: module:name of a trainer that repeats the full model's run."),
    ] = "",
    recipe: Annotated[
        str,
        typer.Option(help="The same without code: a TOML file with the numbers of the fine-tune and its order of examples."),
    ] = "",
    design: Annotated[
        str, typer.Option(help="Which runs for K creators: two-levels (2K + 3), central (2K + 2) or one-sided (K + 2).")
    ] = "two-levels",
    processes: Annotated[int, typer.Option(min=1, help="Training runs at a time.")] = 1,
    max_bytes_per_work: Annotated[
        int, typer.Option(min=0, help="Use only so many bytes of each work (what the model saw); 0 for all.")
    ] = 0,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a corpus that did not go through the gate, instead of saying so.")
    ] = False,
    threads: ThreadsOption = 1,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Build the influence index of the corpus that went through the gate; a killed build continues when run again.

    Where no corpus ever did, it is built of all works that may be trained on, and every receipt says so.

    With --trainer or --recipe every creator's part is measured by training runs, which are kept in the studio's runs/.

    Example: endcredits index build --base models/base --full models/full
    """
    from endcredits import influence
    from endcredits.errors import InputError
    from endcredits.flows import catalogue, indexing, pairs, responses
    from endcredits.flows.trainers import find_trainer

    if bool(task) == bool(base or full) or bool(base) != bool(full):
        raise InputError(
            "the index needs models", remedy="Give --base and --full, or --task with an import path.", field="--base"
        )
    measured = bool(trainer or recipe)
    if not measured and (processes != 1 or design != responses.DESIGNS[0]):
        raise InputError("--design and --processes go with --trainer or --recipe", field="--trainer")
    influence.use_threads(threads)
    source = {"import": task} if task else pairs.folders(base, full)
    with opened(studio) as place, progress_bars() as progress:
        corpus = catalogue.corpus(place, max_bytes_per_work=max_bytes_per_work)
        found = find_trainer(trainer, recipe, source, place.path / indexing.RUNS) if measured else None
        if found is not None and corpus.admitted and not as_json:
            plan = responses.plan_responses(corpus, found, design)
            missing = plan.missing(place.path / indexing.RUNS)
            _announce(plan, missing)
            progress = estimating(progress, missing, processes, say)
        built = indexing.build(
            place,
            source,
            corpus,
            trainer=found,
            design=design,
            processes=processes,
            strict=strict,
            progress=progress,
        )
    document = {
        "index": str(built.folder),
        "index_digest": built.index.digest,
        "method": built.index.method,
        "works": len(built.index.work_ids),
        "refused": len(corpus.refused),
        "corpus_digest": corpus.digest(),
        "admission": corpus.admission,
        **_contents(built.facts),
    }
    if as_json:
        print_json(document)
    else:
        say(f"Indexed {counted(len(built.index.work_ids), 'work')} ({_told(built.facts)}) in {built.folder}.")
        say(f"{counted(len(corpus.refused), 'work was', 'works were')} refused: endcredits works list")
        if corpus.admission != "whole":
            say("The corpus has no manifest, and receipts will say so: endcredits corpus admit")
        say("Next: endcredits attribute FILE, or --text 'what the model said'")


def estimating(progress: Progress, missing: int, processes: int, tell: Callable[[str], None]) -> Progress:
    """Passes progress on, and tells once, after the first run that had to be made, how long the others may take.

    Args:
        progress: told everything.
        missing: how many runs have to be made.
        processes: runs at a time.
        tell: takes the sentence.
    """
    before = time.monotonic()
    waiting = missing > 1

    def report(stage: str, done: int, total: int) -> None:
        nonlocal before, waiting
        progress(stage, done, total)
        passed = time.monotonic() - before
        before += passed
        # A run of earlier is there at once, and a step of another stage is no run.
        if waiting and stage == "retraining" and passed > SOONEST_SECONDS:
            waiting = False
            left = passed * math.ceil((missing - 1) / processes)
            tell(f"The first run took {_duration(passed)}; the others may take about {_duration(left)}.")

    return report


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _announce(plan: ResponsePlan, missing: int) -> None:
    """What is going to be trained, before anything is."""
    say(f"{counted(len(plan.catalogues), 'creator is', 'creators are')} measured by training ({plan.design.name}):")
    for name, works in list(plan.catalogues.items())[:SHOWN]:
        say(f"  {plan.names[name]}: {counted(len(works), 'work')}")
    if len(plan.catalogues) > SHOWN:
        say(f"  and {len(plan.catalogues) - SHOWN} more")
    if plan.unread:
        say(
            f"{counted(len(plan.unread), 'work is', 'works are')} never read by the trainer, with no earnings: "
            f"{', '.join(plan.unread)}"
        )
    there = len(plan.runs) - missing
    say(f"{counted(len(plan.runs), 'training run')}" + (f", {there} of them made before" if there else "") + ".")


def _contents(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What an index is made of, as far as its manifest says."""
    if "examples" in facts:
        return {"examples": facts["examples"]}
    return {
        "catalogues": len(facts["catalogues"]),
        "design": facts["design"]["name"],
        "runs": len(facts["design"]["runs"]) + 1,
        "unread": sorted(work for work, size in facts["sizes"].items() if float(size) == 0),
    }


def _told(facts: Mapping[str, Any]) -> str:
    contents = _contents(facts)
    if "examples" in contents:
        return f"{contents['examples']} examples"
    return f"{contents['catalogues']} creators measured by {contents['runs']} training runs"


def show(studio: StudioOption = ".", as_json: JsonOption = False) -> None:
    """Say what the studio's indexes are made of, and which of their works may not be trained on any more.

    Example: endcredits index show
    """
    from endcredits.canonical import to_plain
    from endcredits.flows.audit_log import latest_calibration
    from endcredits.flows.audit_report import calibration_text
    from endcredits.flows.flags import FLAG, flagged, told
    from endcredits.flows.index_files import index_folders
    from endcredits.influence import coverage_text, read_manifest

    with opened(studio) as place:
        found = [(folder, *read_manifest(folder)) for folder in index_folders(place)]
        standing = {digest: latest_calibration(place, digest) for _, _, digest in found}
        flags = flagged(place)
    if as_json:
        print_json(
            [
                {
                    "index": str(folder),
                    "index_digest": digest,
                    "calibration": (one := standing[digest]) and one.digest,
                    "reliability_ppb": one and one.reliability_ppb,
                    FLAG: to_plain(flags.get(folder.name, ())),
                    **to_plain(manifest),
                }
                for folder, manifest, digest in found
            ]
        )
        return
    for folder, manifest, digest in found:
        say(f"{folder}  {manifest.method}  {digest}")
        known = standing[digest]
        say(f"  {calibration_text(known.digest, known.reliability_ppb) if known else calibration_text('', None)}")
        say(f"  {counted(len(manifest.works), 'work')}, {_told(manifest.facts)}, task {manifest.facts['task']}")
        if unread := _contents(manifest.facts).get("unread"):
            number = counted(len(unread), "work was", "works were")
            say(f"  {number} never read in training, with no earnings: {', '.join(unread)}")
        for flag in flags.get(folder.name, ()):
            say(f"  {FLAG}: {told(flag)}")
        if "examples" in manifest.facts:  # measured responses need no calibration
            unread = [w for (w, _), size in zip(manifest.works, manifest.sizes, strict=True) if not float(size)]
            if unread:
                say(
                    f"  {counted(len(unread), 'work looks', 'works look')} as if never read in training: {', '.join(unread)}"
                )
            say("  " + coverage_text(manifest.facts["coverage"]).replace("\n", "\n  "))
            say(
                f"  calibration: credits {manifest.calibration_credit_nats} nats, "
                f"measured {manifest.calibration_log_ratio_nats} nats"
            )
    if not found:
        say("No index yet: endcredits index build")
