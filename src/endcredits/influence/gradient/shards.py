"""Work vectors on disk: a few safetensors files that describe themselves.

A shard holds consecutive works of the index, for each the *sum* of its examples' gradients (float32, every coordinate)
and the sums of up to G blocks of its examples (float16 with one scale each, used only for error bands). Its header names
the build it belongs to, the works, and the SHA-256 of all that and the tensors, so a shard left by a killed process can be
trusted or thrown away without knowing anything else.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from endcredits.canonical import sha256_file
from endcredits.durable import write_atomic
from endcredits.errors import IntegrityError
from endcredits.ids import WorkId

CONTENT_DIGEST = "content_sha256"
HALF_MAX = 60_000.0
"""Blocks are scaled so that their largest coordinate is this (float16 ends at 65,504)."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Vectors of some works.

    Attributes:
        work_ids: W works.
        counts: examples per work.
        sums: ``[W, P]`` float32, summed gradients of log p.
        blocks: ``[W, G, P]`` float16, block sums divided by `block_scales`; unused blocks are zero.
        block_scales: ``[W, G]`` float32.
        block_counts: ``[W, G]`` int64, examples per block.
    """

    work_ids: tuple[WorkId, ...]
    counts: tuple[int, ...]
    sums: Tensor
    blocks: Tensor
    block_scales: Tensor
    block_counts: Tensor


def to_half(block: Tensor) -> tuple[Tensor, Tensor]:
    """A float32 vector as float16 and a scale."""
    largest = block.abs().max()
    smallest = torch.finfo(torch.float32).tiny  # a scale below it would divide by zero
    scale = (largest / HALF_MAX).clamp(min=smallest) if largest > 0 else torch.ones_like(largest)
    return (block / scale).half(), scale


def save_tensors(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> None:
    """Writes a safetensors file, whole or not at all, whose header carries the digest of its content.

    The bytes depend on the tensors and the header alone (the library orders the header anew in each process, so it is
    put into the order of its names here).
    """
    whole = {name: value.contiguous() for name, value in tensors.items()}
    data = save(whole, {**header, CONTENT_DIGEST: _digest(whole, header)})
    write_atomic(path, _ordered_header(data))


def _ordered_header(data: bytes) -> bytes:
    # safetensors: 8 bytes of header length, the header as JSON padded with spaces, then the tensors. Only the order of
    # the names is not fixed by the format, and only that is changed here.
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Reads a file of `save_tensors` and checks its digest; returns its tensors and its header.

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
            remedy="Delete it and build the index again; finished shards are kept.",
            file=path,
        ) from error
    if header.pop(CONTENT_DIGEST, None) != _digest(tensors, header):
        raise IntegrityError(
            "the file of the influence index is damaged: its content does not fit the digest in its header",
            remedy="Delete it and build the index again; finished shards are kept.",
            file=path,
        )
    return tensors, header


def _digest(tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> str:
    """SHA-256 over the header's entries and the tensors: name, type, shape and bytes, in the order of the names."""
    whole = hashlib.sha256(json.dumps(sorted(header.items())).encode())
    for name, value in sorted(tensors.items()):
        whole.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        whole.update(value.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes() if value.numel() else b"")
    return whole.hexdigest()


def save_shard(path: Path, shard: Shard, build_key: str) -> None:
    """Writes a shard."""
    works = json.dumps([list(shard.work_ids), list(shard.counts)], separators=(",", ":"))
    tensors = {
        "sums": shard.sums,
        "blocks": shard.blocks,
        "block_scales": shard.block_scales,
        "block_counts": shard.block_counts,
    }
    save_tensors(path, tensors, {"build": build_key, "works": works})


def load_shard(path: Path, build_key: str) -> Shard:
    """Reads a shard.

    Raises:
        IntegrityError: damaged, or of another build.
    """
    tensors, header = load_tensors(path)
    if header.get("build") != build_key:
        raise IntegrityError(
            "the shard belongs to another build of the index",
            remedy="Delete it and build the index again.",
            file=path,
        )
    work_ids, counts = json.loads(header["works"])
    return Shard(tuple(WorkId(work) for work in work_ids), tuple(counts), **tensors)


def is_finished(path: Path, build_key: str, work_ids: Sequence[WorkId]) -> bool:
    """Whether a shard of this build with these works stands complete on the disk."""
    if not path.exists():
        return False
    try:
        return load_shard(path, build_key).work_ids == tuple(work_ids)
    except IntegrityError:
        return False


def file_digests(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """SHA-256 of each file."""
    return {name: sha256_file(folder / name) for name in names}
