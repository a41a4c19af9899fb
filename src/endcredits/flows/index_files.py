"""What a studio keeps of its indexes besides their vectors: which one is current, and what each was built from.

`index/current.json` and each folder's `corpus.json` carry their own digest, so that a changed byte is seen. Reading them
needs neither models nor torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from endcredits.canonical import canonical_bytes, digest
from endcredits.errors import EndcreditsError, IntegrityError, NotFoundError
from endcredits.flows.studio import Studio
from endcredits.influence import read_manifest

CURRENT = "current.json"
CORPUS = "corpus.json"
RUNS = "runs"
"""Folder of the training runs, in the studio's."""


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """What receipts say of an index, readable without its models.

    Attributes:
        facts: what the manifest says of models, corpus, code and seeds.
        corpus_digest: of the corpus manifest that it was built from.
        catalogue_digest: of all works and permissions when it was built.
    """

    facts: Mapping[str, Any]
    corpus_digest: str
    catalogue_digest: str


def index_name(facts: Mapping[str, Any], corpus_manifest: Mapping[str, Any]) -> str:
    """The folder of an index: equal models, works, task, code and threads have one, and nothing else shares it.

    A response index depends on its trainer, design and catalogues as well.
    """
    chosen = [facts[name] for name in ("base_sha256", "full_sha256", "task", "code_sha256", "torch", "threads")]
    if "trainer_sha256" in facts:
        chosen += [facts["trainer_sha256"], facts["design"]["name"], facts["catalogues"]]
    return digest([*chosen, corpus_manifest])[:16]


def has_corpus(folder: Path) -> bool:
    """Whether a whole `corpus.json` is there; a damaged one is written again."""
    try:
        read_corpus(folder)
    except EndcreditsError:
        return False
    return True


def intact_indexes(studio: Studio) -> dict[str, IndexFacts]:
    """Every finished index whose notes can be read, by its digest."""
    found = {}
    for folder in index_folders(studio):
        try:
            manifest, manifest_digest = read_manifest(folder)
            record = read_corpus(folder)
        except EndcreditsError:
            continue  # a check names it
        found[manifest_digest] = IndexFacts(manifest.facts, digest(record["manifest"]), record["catalogue_digest"])
    return found


def index_folders(studio: Studio) -> list[Path]:
    """Every index of the studio that was finished."""
    return sorted(path.parent for path in (studio.path / "index").glob("*/manifest.json"))


def read_current(studio: Studio) -> dict[str, Any]:
    """The name and the models of the current index.

    Raises:
        NotFoundError: none was built yet.
        IntegrityError: the file is damaged.
    """
    return _unsealed(studio.path / "index" / CURRENT, ("name", "source"))


def read_corpus(folder: Path) -> dict[str, Any]:
    """What an index was built from.

    Raises:
        NotFoundError: the building was interrupted before its last step.
        IntegrityError: the file is damaged.
    """
    return _unsealed(folder / CORPUS, ("catalogue", "catalogue_digest", "index_digest", "manifest"))


def sealed(document: Mapping[str, Any]) -> bytes:
    """A document with its own digest, canonical."""
    return canonical_bytes({**document, "sha256": digest(document)}) + b"\n"


def _unsealed(path: Path, names: tuple[str, ...]) -> dict[str, Any]:
    if not path.exists():
        raise NotFoundError(
            "the studio has no influence index yet, or its building was interrupted",
            remedy="Build it: endcredits index build --base FOLDER --full FOLDER",
            file=path,
        )
    data = path.read_bytes()
    try:
        plain = json.loads(data)
        document: dict[str, Any] = {name: plain[name] for name in names}
        whole = sealed(document) == data
    except (ValueError, KeyError, TypeError, EndcreditsError):
        whole = False
    if not whole:
        raise IntegrityError("the file is damaged", remedy="Build the index again.", file=path)
    return document
