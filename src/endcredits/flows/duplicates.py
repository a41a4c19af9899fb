"""Which registered works are the same again: by their bytes, and for texts by what they are made of.

Money is clipped and paid once per cluster (`royalties`). Works are in one cluster when at least half of the bytes that
either has are in files that both have (a licence file that many packages hold joins nothing), or when their texts resemble
each other (`influence.neardup`). What was compared once is kept beside the index by the works' digests, so that a close
does not compare an unchanged catalogue again; the file may be deleted, at the price of comparing again.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from endcredits import durable
from endcredits.canonical import canonical_bytes, digest
from endcredits.errors import EndcreditsError
from endcredits.flows.studio import Studio
from endcredits.ids import WorkId
from endcredits.influence.neardup import Pair, clusters, near_pairs
from endcredits.store import Finding
from endcredits.works import Work, get_content

KEPT = Path("index") / "duplicates.json"
HOLDERS_MAX = 1_000


def duplicates(studio: Studio, works: Sequence[Work]) -> tuple[frozenset[WorkId], ...]:
    """The clusters of works that are the same again, each of two or more, by their smallest ids."""
    pairs = [(pair.first, pair.second) for pair in near_duplicates(studio, works)]
    members: dict[WorkId, set[WorkId]] = defaultdict(set)
    for work_id, cluster in clusters((work.work_id for work in works), [*_same_files(works), *pairs]).items():
        members[cluster].add(work_id)
    return tuple(frozenset(members[cluster]) for cluster in sorted(members) if len(members[cluster]) > 1)


def near_duplicates(studio: Studio, works: Sequence[Work]) -> tuple[Pair, ...]:
    """The pairs of textual works that resemble each other, with how much."""
    compared = digest([[work.work_id, [file.sha256 for file in work.manifestations]] for work in works])
    kept = studio.path / KEPT
    found = _kept(kept, compared)
    if found is None:
        texts, missing = _texts(studio, works)
        found = near_pairs(texts)
        if not missing:  # what was compared without a file would hide its copies after the file is back
            content = {"compared": compared, "pairs": found}
            durable.write_atomic(kept, canonical_bytes({**content, "digest": digest(content)}))
    return found


def _kept(file: Path, compared: str) -> tuple[Pair, ...] | None:
    try:
        document = _read(file)
        if document["compared"] == compared:
            return tuple(Pair(**pair) for pair in document["pairs"])
    except (EndcreditsError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass  # it may be deleted, torn or changed; then the works are compared again
    return None


def _read(file: Path) -> dict[str, Any]:
    data = file.read_bytes()
    document: dict[str, Any] = json.loads(data)
    stated = document["digest"]
    content = {name: value for name, value in document.items() if name != "digest"}
    if digest(content) != stated or canonical_bytes(document) != data:
        raise ValueError("it is not what was written")
    return document


def check_kept(studio: Studio) -> Iterator[Finding]:
    """That what is kept of an earlier comparison is what was written; money is clipped by it."""
    file = studio.path / KEPT
    try:
        if file.exists():
            _read(file)
    except (EndcreditsError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        yield Finding(f"file {file}", "it is not what was written; delete it, and the works are compared again")


def _texts(studio: Studio, works: Sequence[Work]) -> tuple[dict[WorkId, bytes], int]:
    """The texts by work, and how many works could not be read."""
    texts: dict[WorkId, bytes] = {}
    missing = 0
    for work in works:
        files = [file for file in work.manifestations if file.media_type.startswith("text/")]
        try:
            text = b"\n".join(get_content(studio.content, file.sha256) for file in files)
        except EndcreditsError:
            missing += 1
            continue  # `check` names a missing or changed file; it must not keep a period from closing
        if text:
            texts[work.work_id] = text
    return texts, missing


def _same_files(works: Sequence[Work]) -> Iterator[tuple[WorkId, WorkId]]:
    sizes = {work.work_id: {file.sha256: file.size_bytes for file in work.manifestations} for work in works}
    holders: dict[str, list[WorkId]] = defaultdict(list)
    for work_id in sorted(sizes):
        for sha256 in sizes[work_id]:
            holders[sha256].append(work_id)
    # A file that very many works hold is boilerplate, and comparing all its holders would cost their square.
    likely = (same for same in holders.values() if len(same) <= HOLDERS_MAX)
    for one, other in sorted({pair for same in likely for pair in combinations(same, 2)}):
        shared = sum(size for sha256, size in sizes[one].items() if sha256 in sizes[other])
        if 2 * shared >= sum((sizes[one] | sizes[other]).values()) > 0:
            yield one, other
