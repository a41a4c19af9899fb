"""Shards are written in one spelling and say by themselves whether they are whole."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from endcredits.errors import IntegrityError
from endcredits.ids import WorkId
from endcredits.influence.gradient.shards import (
    HALF_MAX,
    Shard,
    is_finished,
    load_shard,
    load_tensors,
    save_shard,
    save_tensors,
    to_half,
)

WORKS = (WorkId("a"), WorkId("b"))


def shard() -> Shard:
    """Two works of three coordinates."""
    generator = torch.Generator().manual_seed(0)
    blocks = torch.randn(2, 4, 3, generator=generator)
    return Shard(
        WORKS,
        (5, 2),
        blocks.sum(1),
        blocks.half(),
        torch.ones(2, 4),
        torch.tensor([[2, 1, 1, 1], [1, 1, 0, 0]]),
    )


def test_a_shard_reads_back(tmp_path: Path) -> None:
    """Bit for bit."""
    path, given = tmp_path / "s", shard()

    save_shard(path, given, "build-1")
    read = load_shard(path, "build-1")

    assert (read.work_ids, read.counts) == (given.work_ids, given.counts)
    for name in ("sums", "blocks", "block_scales", "block_counts"):
        assert torch.equal(getattr(read, name), getattr(given, name))


def test_the_order_of_names_does_not_reach_the_disk(tmp_path: Path) -> None:
    """The library orders a file's header by chance; ours is in the order of the names, and still such a file."""
    tensors = {"b": torch.ones(3), "a": torch.zeros(2, 2), "empty": torch.zeros(0, 4)}

    save_tensors(tmp_path / "one", tensors, {"x": "1", "y": "2"})
    save_tensors(tmp_path / "two", dict(reversed(tensors.items())), {"y": "2", "x": "1"})
    read, header = load_tensors(tmp_path / "one")

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert header == {"x": "1", "y": "2"}
    assert all(torch.equal(read[name], tensors[name]) for name in tensors)


def test_one_changed_byte_anywhere_is_found(tmp_path: Path) -> None:
    """In the works' names and counts too, and without any other file to compare with."""
    path = tmp_path / "s"
    save_shard(path, shard(), "build-1")
    data = path.read_bytes()

    for position in range(len(data)):
        path.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
        try:
            read = load_shard(path, "build-1")
        except IntegrityError as error:
            assert error.file == str(path)
            assert not is_finished(path, "build-1", WORKS)
        else:  # blanks that pad the header mean nothing
            assert data[position : position + 1] == b" "
            assert read.counts == (5, 2)


@pytest.mark.parametrize("cut", [0, 7, 8, 100, 400])
def test_a_shard_cut_short_is_not_finished(tmp_path: Path, cut: int) -> None:
    """A killed machine may leave any beginning of a file."""
    path = tmp_path / "s"
    save_shard(path, shard(), "build-1")
    path.write_bytes(path.read_bytes()[:cut])

    assert not is_finished(path, "build-1", WORKS)
    with pytest.raises(IntegrityError, match="cannot be read"):
        load_shard(path, "build-1")


def test_a_shard_of_something_else_is_not_finished(tmp_path: Path) -> None:
    """Of another build, of other works, or none at all."""
    path = tmp_path / "s"
    save_shard(path, shard(), "build-1")

    assert is_finished(path, "build-1", WORKS)
    assert not is_finished(path, "build-2", WORKS)
    assert not is_finished(path, "build-1", WORKS[:1])
    assert not is_finished(tmp_path / "nowhere", "build-1", WORKS)
    with pytest.raises(IntegrityError, match="another build"):
        load_shard(path, "build-2")


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
def test_half_precision_keeps_any_size(size: float) -> None:
    """With its scale, a block keeps three digits whatever its size; zero stays zero."""
    block = torch.tensor([1.0, -0.5, 0.001, 0.0]) * size

    half, scale = to_half(block)

    assert half.abs().max() == HALF_MAX
    torch.testing.assert_close(half.float() * scale, block, rtol=1e-3, atol=0.0)
    assert not to_half(torch.zeros(3))[0].any()
