"""The index's manifest: one file that binds models, corpus, code, seeds and every other file of the index by digest.

Reading and checking it needs no torch and no models.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from endcredits.canonical import canonical_bytes, sha256_bytes, sha256_file, to_plain
from endcredits.errors import EndcreditsError, IntegrityError, NotFoundError
from endcredits.ids import WorkId

MANIFEST_FILE = "manifest.json"
BUILD_FILE = "build.json"
CURVATURE_FILE = "curvature.safetensors"
OWN_DIGEST = "manifest_sha256"

_REBUILD = "Delete {} and build again; finished shards are kept."


@dataclass(frozen=True, slots=True)
class IndexManifest:
    """What an index is made of; its digest is the index's name on every receipt.

    Attributes:
        method: name and version of the measurement.
        build_key: digest of `facts`.
        facts: task, layers, digests of models, corpus, calibration and code, settings, torch version, threads.
        scale: the calibration factor, as the exact decimal of a double.
        calibration_log_ratio_nats: measured log-ratio summed over the calibration outputs.
        calibration_credit_nats: scaled credits summed over the same.
        works: (work id, number of examples).
        files: SHA-256 per file.
    """

    method: str
    build_key: str
    facts: Mapping[str, Any]
    scale: str
    calibration_log_ratio_nats: str
    calibration_credit_nats: str
    works: tuple[tuple[WorkId, int], ...]
    files: Mapping[str, str]


def manifest_bytes(manifest: IndexManifest) -> bytes:
    """The manifest as it stands on the disk: canonical JSON that carries the SHA-256 of its own other fields."""
    fields = to_plain(manifest)
    return canonical_bytes({**fields, OWN_DIGEST: sha256_bytes(canonical_bytes(fields))}) + b"\n"


def read_manifest(folder: str | Path) -> tuple[IndexManifest, str]:
    """Reads an index's manifest and its digest, without loading the index.

    Raises:
        NotFoundError: there is no finished index.
        IntegrityError: the manifest is damaged.
    """
    path = Path(folder) / MANIFEST_FILE
    if not path.exists():
        raise NotFoundError(
            "there is no finished index here", remedy="Build it (again); finished shards are kept.", file=folder
        )
    data = path.read_bytes()
    try:
        fields = json.loads(data)
        del fields[OWN_DIGEST]
        works = tuple((WorkId(work), int(count)) for work, count in fields.pop("works"))
        manifest = IndexManifest(works=works, **fields)
        intact = manifest_bytes(manifest) == data
    except (ValueError, TypeError, KeyError, EndcreditsError) as error:
        raise IntegrityError(
            f"the index's manifest is damaged ({error})", remedy=_REBUILD.format(MANIFEST_FILE), file=path
        ) from error
    if not intact:
        raise IntegrityError(
            "the index's manifest was changed: it does not fit its own digest",
            remedy=_REBUILD.format(MANIFEST_FILE),
            file=path,
        )
    return manifest, sha256_bytes(data)


def check_files(folder: Path, manifest: IndexManifest) -> None:
    """Raises IntegrityError, naming the first file that is missing or not what the manifest says."""
    for damage in _damages(folder, manifest):
        raise damage


def check_index(folder: str | Path) -> list[str]:
    """Re-verifies an index's files without models; returns what is wrong with each, in words."""
    try:
        manifest, _ = read_manifest(folder)
    except EndcreditsError as error:
        return [str(error)]
    return [str(damage) for damage in _damages(Path(folder), manifest)]


def _damages(folder: Path, manifest: IndexManifest) -> Iterator[IntegrityError]:
    for name, expected in sorted({**manifest.files, BUILD_FILE: manifest.build_key}.items()):
        path = folder / name
        if not path.exists():
            yield IntegrityError("a file of the index is missing", remedy=_REBUILD.format(MANIFEST_FILE), file=path)
        elif sha256_file(path) != expected:
            yield IntegrityError(
                "a file of the index was changed: it does not fit the manifest",
                remedy=_REBUILD.format(f"it and {MANIFEST_FILE}"),
                file=path,
            )
