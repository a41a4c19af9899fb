"""A work that is taken down is gone, and nothing else moves."""

from __future__ import annotations

import dataclasses
import errno
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from endcredits import durable
from endcredits.errors import ConflictError, InputError, MachineError
from endcredits.ids import WorkId
from endcredits.influence import check_index, open_index, read_manifest
from endcredits.influence.gradient.takedown import take_down
from tests.influence.helpers import EMPIRICAL, SETTINGS, Case, files_of
from tests.influence.test_storage import raw

TOGETHER = dataclasses.replace(SETTINGS, shard_bytes=10**9, own_examples=0)


@pytest.mark.parametrize("shard_bytes", [1, 10**9])
def test_the_others_keep_every_bit(classifier: Case, tmp_path: Path, shard_bytes: int) -> None:
    """Their sums and blocks; and their credits but for the rounding of a division."""
    settings = dataclasses.replace(TOGETHER, shard_bytes=shard_bytes)
    index = classifier.build(tmp_path, settings=settings)
    sums, blocks = (
        torch.cat([getattr(shard, name).flatten(1) for shard in index.loaded.shards]).clone()
        if name == "sums"
        else [b.clone() for shard in index.loaded.shards for b in shard.blocks]
        for name in ("sums", "blocks")
    )
    before = raw(index, classifier)

    digest = take_down(tmp_path, [WorkId("w-b")])
    again = open_index(tmp_path, base=classifier.base, full=classifier.full, task=EMPIRICAL)

    assert again.digest == digest and again.work_ids == ("w-a", "w-c", "w-d")
    assert (again.manifest.parent, again.manifest.taken_down) == (index.digest, ("w-b",))
    assert torch.equal(torch.cat([shard.sums for shard in again.loaded.shards]), sums[[0, 2, 3]])
    left = [b for shard in again.loaded.shards for b in shard.blocks]
    assert all(torch.equal(one, blocks[number]) for one, number in zip(left, (0, 2, 3), strict=True))
    np.testing.assert_allclose(raw(again, classifier), before[:, [0, 2, 3]], rtol=1e-5, atol=1e-6)
    assert check_index(tmp_path) == []


def test_nothing_of_it_stays_on_the_disk(classifier: Case, tmp_path: Path) -> None:
    """Its row's bytes are in no file, and files that no manifest names are gone; twice in a row as well."""
    index = classifier.build(tmp_path, settings=TOGETHER)
    row = index.loaded.shards[0].sums[1].numpy().tobytes()
    assert any(row in data for data in files_of(tmp_path).values())

    take_down(tmp_path, [WorkId("w-b")])
    take_down(tmp_path, [WorkId("w-d")])

    assert not any(row in data for data in files_of(tmp_path).values())
    manifest = read_manifest(tmp_path)[0]
    assert set(files_of(tmp_path)) == {*manifest.files, "build.json", "manifest.json"}
    assert manifest.taken_down == ("w-b", "w-d")


@pytest.mark.parametrize("write", [1, 2])
def test_a_full_disk_leaves_the_old_index(
    classifier: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: int
) -> None:
    """At the shard or at the manifest; the same call then ends as it would have."""
    index = classifier.build(tmp_path, settings=TOGETHER)
    calls = 0

    def fsync(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 2 * write - 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(durable.os, "fsync", fsync)
    with pytest.raises(MachineError, match="the disk is full"):
        take_down(tmp_path, [WorkId("w-b")])
    monkeypatch.undo()

    assert open_index(tmp_path, base=classifier.base, full=classifier.full, task=EMPIRICAL).digest == index.digest
    take_down(tmp_path, [WorkId("w-b")])
    assert read_manifest(tmp_path)[0].parent == index.digest
    assert check_index(tmp_path) == []


def test_what_cannot_be_taken_down(classifier: Case, tmp_path: Path) -> None:
    """A stranger, or everybody; and the reduced index does not pass for the build."""
    classifier.build(tmp_path, settings=TOGETHER)

    with pytest.raises(InputError, match="'w-x' does not stand"):
        take_down(tmp_path, [WorkId("w-x")])
    with pytest.raises(InputError, match="no work would be left"):
        take_down(tmp_path, [WorkId(f"w-{letter}") for letter in "abcd"])
    take_down(tmp_path, [WorkId("w-a")])
    with pytest.raises(ConflictError, match="taken down from this index since it was built"):
        classifier.build(tmp_path, settings=TOGETHER)
