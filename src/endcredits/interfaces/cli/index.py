"""`endcredits index`: measure once how the admitted works moved the model."""

from __future__ import annotations

from typing import Annotated

import typer

from endcredits.interfaces.cli.common import (
    JsonOption,
    StudioOption,
    ThreadsOption,
    opened,
    print_json,
    progress_bars,
    say,
)


def build(
    base: Annotated[str, typer.Option(help="Model folder (Hugging Face format) before the works.")] = "",
    full: Annotated[str, typer.Option(help="The same model after them.")] = "",
    task: Annotated[str, typer.Option(help="Instead: module:name of a model pair of your own.")] = "",
    max_bytes_per_work: Annotated[
        int, typer.Option(min=0, help="Use only so many bytes of each work (what the model saw); 0 for all.")
    ] = 0,
    threads: ThreadsOption = 1,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Build the influence index of all works that may be trained on; a killed build continues when run again.

    Example: endcredits index build --base models/base --full models/full
    """
    from endcredits import influence
    from endcredits.errors import InputError
    from endcredits.flows import catalogue, indexing, pairs

    if bool(task) == bool(base or full) or bool(base) != bool(full):
        raise InputError(
            "the index needs models", remedy="Give --base and --full, or --task with an import path.", field="--base"
        )
    influence.use_threads(threads)
    source = {"import": task} if task else pairs.folders(base, full)
    with opened(studio) as place, progress_bars() as progress:
        corpus = catalogue.corpus(place, max_bytes_per_work=max_bytes_per_work)
        built = indexing.build(place, source, corpus, progress=progress)
    if as_json:
        print_json(
            {
                "index": str(built.folder),
                "index_digest": built.index.digest,
                "method": built.index.method,
                "works": len(built.index.work_ids),
                "refused": len(corpus.refused),
                "examples": built.facts["examples"],
            }
        )
    else:
        say(f"Indexed {len(built.index.work_ids)} works ({built.facts['examples']} examples) in {built.folder}.")
        say(f"{len(corpus.refused)} works were refused: endcredits works list")
        say("Next: endcredits attribute FILE, or --text 'what the model said'")


def show(studio: StudioOption = ".", as_json: JsonOption = False) -> None:
    """Say what the studio's indexes are made of.

    Example: endcredits index show
    """
    from endcredits.canonical import to_plain
    from endcredits.flows.indexing import index_folders
    from endcredits.influence import read_manifest

    with opened(studio) as place:
        found = [(folder, *read_manifest(folder)) for folder in index_folders(place)]
    if as_json:
        print_json([{"index": str(f), "index_digest": d, **to_plain(m)} for f, m, d in found])
        return
    for folder, manifest, digest in found:
        say(f"{folder}  {manifest.method}  {digest}")
        say(f"  {len(manifest.works)} works, {manifest.facts['examples']} examples, task {manifest.facts['task']}")
        say(
            f"  calibration: credits {manifest.calibration_credit_nats} nats, "
            f"measured {manifest.calibration_log_ratio_nats} nats"
        )
    if not found:
        say("No index yet: endcredits index build")
