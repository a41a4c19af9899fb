"""The index's manifest: one file that binds models, corpus, code, seeds and every other file of the index by digest.

Reading and checking it needs no torch and no models.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from endcredits.canonical import canonical_bytes, sha256_bytes, sha256_file, to_plain
from endcredits.errors import EndcreditsError, InputError, IntegrityError, NotFoundError
from endcredits.ids import WorkId

MANIFEST_FILE = "manifest.json"
BUILD_FILE = "build.json"
CURVATURE_FILE = "curvature.safetensors"
CURVATURE, RESPONSE = "ek-fac-midpoint", "response"
"""The tiers, by what their methods' names begin with, before the slash and the version."""
OWN_DIGEST = "manifest_sha256"
CONTENT_DIGEST = "content_sha256"
"""In the header of every safetensors file of an index."""

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
        copies: (work, other work, number) of equal examples that stand in both and are shared between them; a work that
            repeats itself is paired with itself.
        capped: (work, its norm over the usual one, factor) of works whose gradient is out of the ordinary.
        kept_energy: share of the half-whitened energy of gradients that the stored coordinates keep, as a decimal.
        slopes: per work, what its credits are multiplied by, as decimals; see `slopes`.
        sizes: per work, how much of it the run read, as decimals; 0 for a work whose own examples say that it was not read.
        parent: digest of the manifest that this one was made from by taking works down; empty for a build.
        taken_down: the works that were taken down since the build, in order.
        files: per file the SHA-256 of its header, which holds the SHA-256 of its content.
    """

    method: str
    build_key: str
    facts: Mapping[str, Any]
    scale: str
    calibration_log_ratio_nats: str
    calibration_credit_nats: str
    works: tuple[tuple[WorkId, int], ...]
    files: Mapping[str, str]
    copies: tuple[tuple[WorkId, WorkId, int], ...] = ()
    capped: tuple[tuple[WorkId, str, str], ...] = ()
    kept_energy: str = "1"
    slopes: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    parent: str = ""
    taken_down: tuple[WorkId, ...] = ()

    @property
    def work_sizes(self) -> dict[WorkId, float]:
        """How much the run read of each work; the number of its examples in an index that does not say."""
        if "sizes" in self.facts:  # a response index measures what its trainer reads
            return {WorkId(work_id): float(size) for work_id, size in self.facts["sizes"].items()}
        sizes = self.sizes or tuple(str(count) for _, count in self.works)
        return {work_id: float(size) for (work_id, _), size in zip(self.works, sizes, strict=True)}


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
        pairs = tuple((WorkId(one), WorkId(other), int(number)) for one, other, number in fields.pop("copies"))
        capped = tuple((WorkId(work), str(ratio), str(factor)) for work, ratio, factor in fields.pop("capped"))
        slopes, sizes = (tuple(map(str, fields.pop(name))) for name in ("slopes", "sizes"))
        fields["taken_down"] = tuple(map(WorkId, fields["taken_down"]))
        manifest = IndexManifest(works=works, copies=pairs, capped=capped, slopes=slopes, sizes=sizes, **fields)
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


def require_tier(manifest: IndexManifest, tier: str, folder: Path, remedy: str) -> None:
    """Refuses an index that measures by another tier's method ("ek-fac-midpoint", "response").

    Raises:
        InputError: it does.
    """
    if manifest.method.partition("/")[0] != tier:
        raise InputError(
            f"this index measures by '{manifest.method}'", remedy=remedy, file=folder / MANIFEST_FILE, field="method"
        )


def header_bytes(path: Path) -> bytes:
    """The header of a safetensors file with the eight bytes of its length; what there is of it, if the file was cut short.

    In an index it carries the SHA-256 of the rest, so its own digest binds the whole file.
    """
    with path.open("rb") as file:
        length = file.read(8)
        return length + file.read(min(int.from_bytes(length, "little"), path.stat().st_size))


def check_files(folder: Path, manifest: IndexManifest, *, read_rows: bool = True) -> None:
    """Raises IntegrityError, naming the first file that is missing or not what the manifest says.

    Args:
        folder: of the index.
        manifest: of the same.
        read_rows: read every byte; otherwise only headers and sizes, whatever the size of the index.
    """
    for damage in _damages(folder, manifest, read_rows):
        raise damage


def check_index(folder: str | Path) -> list[str]:
    """Re-verifies every byte of an index's files without models; returns what is wrong with each, in words."""
    try:
        manifest, _ = read_manifest(folder)
    except EndcreditsError as error:
        return [str(error)]
    return [str(damage) for damage in _damages(Path(folder), manifest, True)]


def _damages(folder: Path, manifest: IndexManifest, read_rows: bool) -> Iterator[IntegrityError]:
    for name, expected in sorted({**manifest.files, BUILD_FILE: manifest.build_key}.items()):
        path = folder / name
        if not path.exists():
            yield IntegrityError("a file of the index is missing", remedy=_REBUILD.format(MANIFEST_FILE), file=path)
        elif not _is_intact(path, expected, read_rows):
            yield IntegrityError(
                "a file of the index was changed: it does not fit the manifest",
                remedy=_REBUILD.format(f"it and {MANIFEST_FILE}"),
                file=path,
            )


def _is_intact(path: Path, expected: str, read_rows: bool) -> bool:
    if path.name == BUILD_FILE:
        return sha256_file(path) == expected
    header = header_bytes(path)
    if sha256_bytes(header) != expected:
        return False
    entries = json.loads(header[8:])  # as it was written: the digest fits
    facts = entries.pop("__metadata__")
    end = max((entry["data_offsets"][1] for entry in entries.values()), default=0)
    if path.stat().st_size != len(header) + end:
        return False
    return not read_rows or _content_digest(path, len(header), entries, facts) == facts[CONTENT_DIGEST]


def _content_digest(path: Path, start: int, entries: Mapping[str, Any], facts: Mapping[str, str]) -> str:
    """What `shards` wrote as the digest of a file's content, computed from the file alone."""
    told = sorted((name, value) for name, value in facts.items() if name != CONTENT_DIGEST)
    whole = hashlib.sha256(json.dumps(told).encode())
    with path.open("rb") as file:
        for name, entry in sorted(entries.items()):
            whole.update(tensor_line(name, entry["dtype"], entry["shape"]))
            begin, end = entry["data_offsets"]
            file.seek(start + begin)
            left = end - begin
            while left and (data := file.read(min(left, 2**20))):
                whole.update(data)
                left -= len(data)
    return whole.hexdigest()


def tensor_line(name: str, dtype: str, shape: Sequence[int]) -> bytes:
    """What a tensor is, as it enters the digest of a file's content."""
    return f"{name} {dtype} {list(shape)}\n".encode()
