"""Taking works down: their rows leave the index, and everything else stays to the bit.

A work's influence on the index is its own row and blocks, so removing it is exact as far as stored vectors go: shards that
hold it are written anew without it, the others are not touched, and the sums of every other work keep their bits. Credits
divide by the number of examples; the scale follows it, so that the other works' credits keep their size. What stays behind:
the curvature is an average over a sample that may have held the work, and copies of its examples elsewhere keep their
part and do not take its own. A build without the work changes these too.

New files have new names and the manifest is replaced last, so a process killed anywhere leaves the old index or the new
one; files that the manifest no longer names are deleted at the end, and by the next call.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from endcredits.canonical import sha256_bytes
from endcredits.durable import locked, write_atomic
from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence.gradient.manifest import (
    CURVATURE,
    CURVATURE_FILE,
    MANIFEST_FILE,
    IndexManifest,
    check_files,
    manifest_bytes,
    read_manifest,
    require_tier,
)
from endcredits.influence.gradient.shards import PARTS, Shard, file_digests, load_shard, load_tensors, save_tensors

ADDED = "added"
"""In the header of a shard of works that were added after the build: digest of the addition."""
MEASURED_WITH = (
    "Measured responses cannot be taken apart: build a new index, by a trainer whose run does not read the work. "
    "Runs that are kept are not made again."
)
EXAMPLES = "examples"
"""In the same: per work, the digests of its examples."""


def take_down(folder: str | Path, work_ids: Sequence[WorkId]) -> str:
    """Removes works from a finished index.

    Args:
        folder: of the index.
        work_ids: works that stand in it. No models are needed.

    Returns:
        Digest of the new manifest, which names the old one as its parent and lists what was taken down.

    Raises:
        NotFoundError: there is no finished index.
        InputError: a work does not stand in it, none would be left, or the index is of measured responses.
        IntegrityError: a file is damaged.
        ConflictError: another process is writing to the index.
        MachineError: the disk is full; the old index stands.
    """
    place = Path(folder)
    with locked(place, "this index"):
        manifest, parent = read_manifest(place)
        require_tier(manifest, CURVATURE, place, MEASURED_WITH)
        check_files(place, manifest, read_rows=False)
        standing = [work_id for work_id, _ in manifest.works]
        gone = set(work_ids)
        for work_id in work_ids:
            if work_id not in standing:
                raise InputError(
                    f"'{work_id}' does not stand in this index", remedy="See the manifest's works.", field="work_ids"
                )
        if gone >= set(standing):
            raise InputError("no work would be left", remedy="Delete the folder of the index instead.", field="work_ids")
        names = sorted(name for name in manifest.files if name != CURVATURE_FILE)
        kept_files = {CURVATURE_FILE: manifest.files[CURVATURE_FILE]}
        for name in names:
            shard = load_shard(place / name, manifest.build_key, check=False)
            left = [row for row, work_id in enumerate(shard.work_ids) if work_id not in gone]
            if len(left) == len(shard.work_ids):
                kept_files[name] = manifest.files[name]
            elif left:
                new = f"{name.removesuffix('.safetensors')[:11]}-{parent[:8]}.safetensors"
                whole = load_shard(place / name, manifest.build_key)  # read all of it before any of it is written again
                save_rows(place / new, _rows(whole, left), manifest.build_key, _notes(place / name, gone))
                kept_files[new] = file_digests(place, [new])[new]
        data = manifest_bytes(_without(manifest, gone, kept_files, parent))
        write_atomic(place / MANIFEST_FILE, data)
        for path in place.glob("works-*.safetensors"):
            if path.name not in kept_files:
                path.unlink()
    return sha256_bytes(data)


def save_rows(path: Path, shard: Shard, build_key: str, notes: Mapping[str, str]) -> None:
    """Writes a shard as `shards.save_shard` does, with further entries in its header."""
    works = json.dumps([list(shard.work_ids), list(shard.counts)], separators=(",", ":"))
    tensors = {name: getattr(shard, name) for name in PARTS}
    save_tensors(path, tensors, {**notes, "build": build_key, "works": works})


def added_notes(digest: str, examples: Mapping[WorkId, Sequence[str]]) -> dict[str, str]:
    """What the header of a shard says of works that were added; see `ADDED`, `EXAMPLES`."""
    return {ADDED: digest, EXAMPLES: json.dumps(examples, sort_keys=True, separators=(",", ":"))}


def added_examples(path: Path) -> tuple[str, dict[WorkId, list[str]]]:
    """Digest of the addition that a shard is of, and its works' examples by their digests; empty for a build's shard."""
    header = load_tensors(path, check=False)[1]
    examples: dict[WorkId, list[str]] = json.loads(header.get(EXAMPLES, "{}"))
    return header.get(ADDED, ""), examples


def _notes(path: Path, gone: set[WorkId]) -> dict[str, str]:
    digest, examples = added_examples(path)
    left = {work_id: digests for work_id, digests in examples.items() if work_id not in gone}
    return added_notes(digest, left) if digest else {}


def _rows(shard: Shard, rows: Sequence[int]) -> Shard:
    """Some rows of a shard."""
    parts = {
        name: value[list(rows)] if len(value) else value
        for name in ("sums", "blocks", "block_scales", "block_counts", "norms", "sign_scales")
        for value in [getattr(shard, name)]
    }
    return Shard(tuple(shard.work_ids[row] for row in rows), tuple(shard.counts[row] for row in rows), **parts)


def _without(manifest: IndexManifest, gone: set[WorkId], files: dict[str, str], parent: str) -> IndexManifest:
    left = [number for number, (work_id, _) in enumerate(manifest.works) if work_id not in gone]
    before = sum(count for _, count in manifest.works)
    after = sum(manifest.works[number][1] for number in left)
    taken = tuple(work_id for work_id, _ in manifest.works if work_id in gone)
    return dataclasses.replace(
        manifest,
        scale=repr(float(manifest.scale) * after / before),
        works=tuple(manifest.works[number] for number in left),
        files=files,
        copies=tuple(pair for pair in manifest.copies if pair[0] not in gone and pair[1] not in gone),
        capped=tuple(entry for entry in manifest.capped if entry[0] not in gone),
        slopes=tuple(manifest.slopes[number] for number in left) if manifest.slopes else (),
        sizes=tuple(manifest.sizes[number] for number in left) if manifest.sizes else (),
        parent=parent,
        taken_down=(*manifest.taken_down, *taken),
    )
