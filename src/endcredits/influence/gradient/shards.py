"""Work vectors on disk: a few safetensors files that describe themselves.

A shard holds consecutive works of the index, for each one row: the *sum* of its examples' gradients (float32, every
coordinate, unless the index was built to keep less), and the sums of up to G blocks of its examples (float16 with one scale
each, used only for error bands). Its header names the build it belongs to, the works, and the SHA-256 of all that and the
tensors, so a shard left by a killed process can be trusted or thrown away without knowing anything else.

Because the header carries the digest of the content, a digest of the header binds the whole file: the manifest names that,
the content is digested once when it is written, and opening an index reads headers only. Rows are mapped into memory, and
compared with their digest when they are first read.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from endcredits.canonical import sha256_bytes
from endcredits.durable import write_atomic
from endcredits.errors import IntegrityError
from endcredits.ids import WorkId
from endcredits.influence.gradient.manifest import CONTENT_DIGEST, header_bytes, tensor_line
from endcredits.influence.gradient.rows import dots, sign_dots

HALF_MAX = 60_000.0
"""Blocks are scaled so that their largest coordinate is this (float16 ends at 65,504)."""


PARTS = ("sums", "blocks", "block_scales", "block_counts", "norms", "sign_scales")
DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.uint8: "U8",
}
"""Names of the format."""
NOTHING = torch.zeros(0)


@dataclass(frozen=True, slots=True)
class Shard:
    """Vectors of some works.

    Attributes:
        work_ids: W works.
        counts: examples per work.
        sums: ``[W, P]`` float32 or bfloat16, summed gradients of log p; or uint8 ``[W, ceil(P / 8)]``, their signs.
        blocks: ``[W, G, P]`` float16, block sums divided by `block_scales`; unused blocks are zero. G is 0 where no work of
            the shard has two blocks.
        block_scales: ``[W, G]`` float32.
        block_counts: ``[W, G]``, examples per block, each counted by its weight.
        norms: ``[W]`` float32, half-whitened norm of each sum per example, by which an outlier shows.
        sign_scales: ``[W, layers]`` float32 where rows are signs; else empty.
    """

    work_ids: tuple[WorkId, ...]
    counts: tuple[int, ...]
    sums: Tensor
    blocks: Tensor
    block_scales: Tensor
    block_counts: Tensor
    norms: Tensor = NOTHING
    sign_scales: Tensor = NOTHING


def credit_dots(shard: Shard, query: Tensor, bounds: list[int]) -> Tensor:
    """Dot product of each work's row with a query: ``[W]``."""
    if shard.sums.dtype == torch.uint8:
        return sign_dots(shard.sums, shard.sign_scales, query, bounds)
    return dots(shard.sums, query)


def to_half(block: Tensor) -> tuple[Tensor, Tensor]:
    """A float32 vector as float16 and a scale."""
    largest = block.abs().max()
    smallest = torch.finfo(torch.float32).tiny  # a scale below it would divide by zero
    scale = (largest / HALF_MAX).clamp(min=smallest) if largest > 0 else torch.ones_like(largest)
    return (block / scale).half(), scale


def save_tensors(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> None:
    """Writes a safetensors file, whole or not at all, whose header carries the digest of its content.

    The bytes depend on the tensors and the header alone: tensors follow each other in the order of their alignment, then of
    their names (as the library lays them out), and the header is put into the order of its names.
    """
    whole = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    digest = _digest(whole, header)
    entries: dict[str, Any] = {"__metadata__": {**header, CONTENT_DIGEST: digest}}
    end = 0
    order = sorted(whole, key=lambda name: (-whole[name].element_size(), name))
    for name in order:
        begin, end = end, end + whole[name].nbytes
        entries[name] = {
            "dtype": DTYPES[whole[name].dtype],
            "shape": list(whole[name].shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(entries, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    write_atomic(path, b"".join([struct.pack("<Q", len(text)), text, *(_bytes(whole[name]) for name in order)]))


def _bytes(value: Tensor) -> memoryview:
    """A contiguous tensor's bytes, without a copy."""
    data: Any = value.reshape(-1).view(torch.uint8).numpy()
    return memoryview(data) if value.numel() else memoryview(b"")


def load_tensors(path: Path, *, check: bool = True) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Maps a file of `save_tensors`; returns its tensors and its header.

    Args:
        path: the file.
        check: compare the content with the digest, which reads all of it.

    Raises:
        IntegrityError: truncated, damaged or not such a file.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            header = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
    except (SafetensorError, OSError) as error:
        raise IntegrityError(
            f"the file of the influence index cannot be read ({error})",
            remedy="Delete it and manifest.json and build again; finished shards are kept.",
            file=path,
        ) from error
    expected = header.pop(CONTENT_DIGEST, None)
    if check and expected != _digest(tensors, header):
        raise IntegrityError(
            "the file of the influence index is damaged: its content does not fit the digest in its header",
            remedy="Delete it and manifest.json and build again; finished shards are kept.",
            file=path,
        )
    return tensors, header


def check_content(path: Path) -> None:
    """Compares a file's content with the digest in its header.

    Raises:
        IntegrityError: it differs.
    """
    load_tensors(path)


def _digest(tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> str:
    """SHA-256 over the header's entries and the tensors: name, type, shape and bytes, in the order of the names."""
    whole = hashlib.sha256(json.dumps(sorted(header.items())).encode())
    for name, value in sorted(tensors.items()):
        whole.update(tensor_line(name, DTYPES[value.dtype], value.shape))
        whole.update(_bytes(value.contiguous()))
    return whole.hexdigest()


def save_shard(path: Path, shard: Shard, build_key: str) -> None:
    """Writes a shard."""
    works = json.dumps([list(shard.work_ids), list(shard.counts)], separators=(",", ":"))
    tensors = {name: getattr(shard, name) for name in PARTS}
    save_tensors(path, tensors, {"build": build_key, "works": works})


def load_shard(path: Path, build_key: str, *, check: bool = True) -> Shard:
    """Reads a shard.

    Args:
        path: the file.
        build_key: the build that it must belong to.
        check: compare the content with its digest; otherwise rows are only mapped, and read when they are used.

    Raises:
        IntegrityError: damaged, or of another build.
    """
    tensors, header = load_tensors(path, check=check)
    if header.get("build") != build_key:
        raise IntegrityError(
            "the shard belongs to another build of the index",
            remedy="Delete it and build the index again.",
            file=path,
        )
    work_ids, counts = json.loads(header["works"])
    return Shard(tuple(WorkId(work) for work in work_ids), tuple(counts), **tensors)


def map_shard(path: Path, build_key: str) -> Shard:
    """Maps a shard without reading its rows; see `load_shard`."""
    return load_shard(path, build_key, check=False)


def is_finished(path: Path, build_key: str, work_ids: Sequence[WorkId]) -> bool:
    """Whether a shard of this build with these works stands complete on the disk."""
    if not path.exists():
        return False
    try:
        return load_shard(path, build_key).work_ids == tuple(work_ids)
    except IntegrityError:
        return False


def file_digests(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """SHA-256 of each file's header, which holds the SHA-256 of its content."""
    return {name: sha256_bytes(header_bytes(folder / name)) for name in names}
