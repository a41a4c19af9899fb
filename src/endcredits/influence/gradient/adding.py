"""Adding works to a finished index without building it again: new rows beside the old ones.

A row is a work's own summed gradient at the middle of base and full. It depends on no other work, so works that were left
out of a build can be added for the price of their own backward passes: new shards stand after the old ones, the manifest is
replaced last and names the old one as its parent. Files of the others are not touched at all. Their credits divide by the
number of examples; the scale follows it, so that they keep their size (up to the gap that `residual` divides by sizes, of
which the new works take their part).

Both models stay what they are: this is for works that this `full` was trained on and this index does not hold yet, or for
works to compare with. A model that was trained further has another middle, where every row is different.

What a build would do and this does not:

- the curvature stays the average over the old sample;
- the scale stays fitted on the old works' credits;
- slopes of new works are 1: nobody asked their examples whether the run read them. A work that it never read is paid here
  like one that it did, until the index is built again;
- the cap on outliers is applied to new works, and not taken back from or extended to old ones;
- examples that stand in the index already cannot be shared out with their copies, for that would change old rows: they are
  refused. An index keeps no contents, so copies of what it was *built* from are only found where these examples are given
  again. Shards that were added name the digests of their examples, so copies of what was *added* are always found.

A call that was killed continues at the shard where it stopped; a call that had finished finds its work done.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import nn

from endcredits.canonical import digest as canonical_digest
from endcredits.durable import PARTIAL, locked, write_atomic
from endcredits.errors import ConflictError, InputError
from endcredits.ids import WorkId
from endcredits.influence.examples import check_examples
from endcredits.influence.gradient.copies import copies_between_works
from endcredits.influence.gradient.fingerprint import content_digest
from endcredits.influence.gradient.index import CurvatureIndex
from endcredits.influence.gradient.manifest import MANIFEST_FILE, IndexManifest, manifest_bytes
from endcredits.influence.gradient.outliers import capped
from endcredits.influence.gradient.preparing import BuildInputs, Prepared, engine_of, prepare
from endcredits.influence.gradient.settings import IndexSettings
from endcredits.influence.gradient.shards import file_digests, is_finished, map_shard
from endcredits.influence.gradient.takedown import added_examples, added_notes, save_rows
from endcredits.influence.gradient.vectors import shard_of
from endcredits.influence.records import Example
from endcredits.influence.task import Task
from endcredits.progress import Progress, silent


def add_works(
    folder: str | Path,
    *,
    base: nn.Module,
    full: nn.Module,
    task: Task,
    examples: Sequence[Example],
    standing: Sequence[Example] | None,
    progress: Progress = silent,
) -> CurvatureIndex:
    """Adds works to a finished index; the same call on the same index gives the same bytes.

    Args:
        folder: of the index.
        base: the model before the works, as the index was built from.
        full: the same after them.
        task: the same.
        examples: every example of the new works. Copies among them share one example's credit.
        standing: the examples that the index was built from, so that copies of them are found; None when they are no longer
            at hand, and then the caller answers for that there are none: a copy would earn a second time.
        progress: told about the stage "works", in examples.

    Returns:
        The open index with all works. Its manifest names the old one as its parent.

    Raises:
        NotFoundError: there is no finished index.
        InputError: other models or another task; a work that stands in the index or was taken down from it; an example that
            stands in it already; a gradient that is not finite; `standing` is not what the index was built from.
        ConflictError: other code, another torch or number of threads than the index was built with, which would change last
            bits; or another process is writing to it.
        IntegrityError: a file is damaged.
        MachineError: the disk is full; the old index stands, and the same call continues.
    """
    place = Path(folder)
    with locked(place, "this index"):
        index = CurvatureIndex.open(place, base=base, full=full, task=task)
        manifest = index.manifest
        _check_machine(manifest, place)
        for partial in place.glob(f"*{PARTIAL}"):
            partial.unlink()
        kept_settings = manifest.facts["settings"]
        settings = IndexSettings(**{name: ast.literal_eval(value) for name, value in kept_settings.items()})
        prepared = prepare(BuildInputs(base, full, task, examples), settings)
        if _is_done(index, prepared):
            return index
        _check_new(index, prepared, standing)
        addition = _addition(prepared, index.digest)
        engine = engine_of(prepared, index.loaded.curvature, settings)
        number = 1 + max(int(name.split("-")[1][:5]) for name in _shard_files(manifest))
        report = _reporter(progress, len(prepared.ordered))
        digests = _digests(prepared)
        names = []
        for offset, works in enumerate(prepared.plan):
            names.append(f"works-{number + offset:05d}-{addition[:8]}.safetensors")
            path = place / names[-1]
            if is_finished(path, manifest.build_key, works.work_ids):
                report(sum(map(len, works.contents)))
                continue
            notes = added_notes(addition, {work_id: digests[work_id] for work_id in works.work_ids})
            save_rows(path, shard_of(engine, works, report), manifest.build_key, notes)
        new = _with(index, prepared, place, names, settings)
        write_atomic(place / MANIFEST_FILE, manifest_bytes(new))
        for path in place.glob("works-*.safetensors"):
            if path.name not in new.files:  # of an addition that was given up
                path.unlink()
    return CurvatureIndex.open(place, base=base, full=full, task=task)


def _check_machine(manifest: IndexManifest, place: Path) -> None:
    """The manifest says with what every byte of the index was made; it must stay true."""
    here = {"torch": torch.__version__, "threads": torch.get_num_threads()}
    for name, value in here.items():
        if manifest.facts[name] != value:
            raise ConflictError(
                f"the index was built with {name} {manifest.facts[name]}, and this is {name} {value}",
                remedy="Call use_threads with that number." if name == "threads" else "Use that version of torch.",
                file=place,
                field=name,
            )


def _digests(prepared: Prepared) -> dict[WorkId, list[str]]:
    """Digests of each work's examples, in its own order."""
    found: dict[WorkId, list[str]] = {}
    for example, digest in zip(prepared.ordered, prepared.digests, strict=True):
        found.setdefault(example.work_id, []).append(digest)
    return found


def _addition(prepared: Prepared, parent: str) -> str:
    """Names what is added to what."""
    return canonical_digest({"parent": parent, "corpus": _corpus(prepared.ordered, prepared.digests)})


def _corpus(ordered: Sequence[Example], digests: Sequence[str]) -> str:
    """As a build states it in its facts."""
    return canonical_digest([[e.work_id, digest, repr(e.weight)] for e, digest in zip(ordered, digests, strict=True)])


def _shard_files(manifest: IndexManifest) -> list[str]:
    return sorted(name for name in manifest.files if name.startswith("works-"))


def _is_done(index: CurvatureIndex, prepared: Prepared) -> bool:
    """Whether this very addition was the last thing that happened to the index."""
    addition = _addition(prepared, index.manifest.parent)
    return any(added_examples(index.folder / name)[0] == addition for name in _shard_files(index.manifest))


def _check_new(index: CurvatureIndex, prepared: Prepared, standing: Sequence[Example] | None) -> None:
    """Refuses works and examples that stand in the index, as far as can be known."""
    manifest = index.manifest
    mine = _digests(prepared)
    for work_id in mine:
        if work_id in index.work_ids:
            raise InputError(
                f"'{work_id}' stands in this index already",
                remedy="Take it down first, or give the new examples an id of their own.",
                field="examples",
            )
        if work_id in manifest.taken_down:
            raise InputError(
                f"'{work_id}' was taken down from this index",
                remedy="If its owner has agreed again, build the index anew.",
                field="examples",
            )
    theirs: dict[str, WorkId] = {}
    for name in _shard_files(manifest):
        for work_id, digests in added_examples(index.folder / name)[1].items():
            theirs |= dict.fromkeys(digests, work_id)
    if standing is not None:
        check_examples(standing, index.task, field="standing")
        ordered = sorted(standing, key=lambda example: example.work_id)
        digests = [content_digest(example.content) for example in ordered]
        if _corpus(ordered, digests) != manifest.facts["corpus_sha256"]:
            raise InputError(
                "these are not the examples that the index was built from",
                remedy="Give them as they were given to the build, also those of works that were added or taken down since.",
                field="standing",
            )
        stay = set(index.work_ids)
        theirs |= {d: e.work_id for e, d in zip(ordered, digests, strict=True) if e.work_id in stay}
    for work_id, digests in mine.items():
        for number, digest in enumerate(digests):
            if digest in theirs:
                raise InputError(
                    f"example {number + 1} of work '{work_id}' stands in the index already, in work '{theirs[digest]}'",
                    remedy="Leave it away, or build the index anew: copies share one example's credit there.",
                    field="examples",
                )


def _reporter(progress: Progress, total: int) -> Callable[[int], None]:
    done = 0

    def report(examples: int) -> None:
        nonlocal done
        done += examples
        progress("works", done, total)

    return report


def _with(
    index: CurvatureIndex, prepared: Prepared, place: Path, names: Sequence[str], settings: IndexSettings
) -> IndexManifest:
    manifest = index.manifest
    new = [map_shard(place / name, manifest.build_key) for name in names]
    works = [(w, c) for shard in new for w, c in zip(shard.work_ids, shard.counts, strict=True)]
    before = sum(count for _, count in manifest.works)
    sizes = {work_id: 0.0 for work_id, _ in works}
    for example in prepared.ordered:
        sizes[example.work_id] += example.weight * prepared.task.size(example.content)
    norms = torch.cat([shard.norms for shard in (*index.loaded.shards, *new)])
    flagged = capped([*index.work_ids, *sizes], norms, settings.cap_multiple)
    return dataclasses.replace(
        manifest,
        scale=repr(float(manifest.scale) * (before + len(prepared.ordered)) / before),
        works=(*manifest.works, *works),
        files={**manifest.files, **file_digests(place, names)},
        copies=(*manifest.copies, *copies_between_works(prepared.ordered, prepared.digests)),
        capped=(*manifest.capped, *(entry for entry in flagged if entry[0] in sizes)),
        slopes=(*manifest.slopes, *("1.000000" for _ in works)) if manifest.slopes else (),
        sizes=(*manifest.sizes, *map(repr, sizes.values())) if manifest.sizes else (),
        parent=index.digest,
    )
