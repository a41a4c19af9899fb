"""Works that are added stand beside the others, and nothing else moves."""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from endcredits import durable
from endcredits.errors import ConflictError, InputError, MachineError
from endcredits.ids import WorkId
from endcredits.influence import Example, check_index, open_index, read_manifest
from endcredits.influence.gradient.adding import add_works
from endcredits.influence.gradient.ekfac import kept
from endcredits.influence.gradient.index import CurvatureIndex
from endcredits.influence.gradient.takedown import take_down
from tests.influence.helpers import EMPIRICAL, SETTINGS, Case, explicit_gradients, files_of
from tests.influence.test_storage import raw

OLD = ("w-a", "w-c")
NEW = ("w-b", "w-d")


def of(given: Case, *works: str) -> list[Example]:
    """The examples of some works."""
    return [example for example in given.examples if example.work_id in works]


def add(folder: Path, given: Case, *works: str, **changed: Any) -> CurvatureIndex:
    """Adds works of the case to an index of it."""
    inputs: dict[str, Any] = {
        "base": given.base,
        "full": given.full,
        "task": EMPIRICAL,
        "examples": of(given, *works),
        "standing": of(given, *OLD),
    }
    return add_works(folder, **{**inputs, **changed})


def begun(folder: Path, given: Case, **changed: Any) -> CurvatureIndex:
    """An index of half the works."""
    return given.build(folder, examples=of(given, *OLD), settings=dataclasses.replace(SETTINGS, **changed))


def rows(index: CurvatureIndex) -> dict[str, torch.Tensor]:
    """Each work's stored sum."""
    return {w: row for shard in index.loaded.shards for w, row in zip(shard.work_ids, shard.sums, strict=True)}


@pytest.mark.parametrize("shard_bytes", [1, 10**9])
def test_rows_are_those_of_a_build_with_all_works(classifier: Case, tmp_path: Path, shard_bytes: int) -> None:
    """Rows of every coordinate do not depend on the curvature; bit for bit where works do not share batches."""
    begun(tmp_path / "half", classifier, shard_bytes=shard_bytes)
    whole = classifier.build(tmp_path / "whole", settings=dataclasses.replace(SETTINGS, shard_bytes=shard_bytes))

    index = add(tmp_path / "half", classifier, *NEW)

    assert index.work_ids == (*OLD, *NEW)
    found, expected = rows(index), rows(whole)
    for work_id in index.work_ids:
        if shard_bytes == 1:
            assert torch.equal(found[work_id], expected[work_id])
        torch.testing.assert_close(found[work_id], expected[work_id], rtol=1e-5, atol=1e-6)
    sizes = dict(zip(whole.work_ids, whole.manifest.sizes, strict=True))
    assert index.manifest.sizes == tuple(sizes[work_id] for work_id in index.work_ids)


def test_low_rank_rows_are_the_gradient_in_the_old_curvature(classifier: Case, tmp_path: Path) -> None:
    """Each new work's explicit gradient, rotated and cut by hand with what the old index measured."""
    begun(tmp_path, classifier, rank=0.5)

    index = add(tmp_path, classifier, *NEW)

    loaded = index.loaded
    for work_id in NEW:
        contents = [example.content for example in of(classifier, work_id)]
        whole = explicit_gradients(index.models[2], loaded.layers, EMPIRICAL.measurement, contents).sum(0)
        parts = []
        for layer, part in zip(loaded.layers, torch.split(whole, [layer.size for layer in loaded.layers]), strict=True):
            q_out, q_in = loaded.curvature.q_outputs[layer.name], loaded.curvature.q_inputs[layer.name]
            outputs, inputs = kept(layer, 0.5)
            parts.append((q_out.T @ part.view(layer.outputs, layer.inputs) @ q_in)[-outputs:, -inputs:].flatten())
        torch.testing.assert_close(rows(index)[work_id], torch.cat(parts), rtol=1e-4, atol=1e-4)


def test_the_others_are_not_touched(classifier: Case, tmp_path: Path) -> None:
    """Neither their files nor, but for the rounding of a division, what the rows say; slopes of new works are 1."""
    old = begun(tmp_path, classifier)
    files, before = files_of(tmp_path), raw(old, classifier)

    index = add(tmp_path, classifier, *NEW)

    for name in set(files) - {"manifest.json"}:
        assert files_of(tmp_path)[name] == files[name]
    np.testing.assert_allclose(raw(index, classifier)[:, : len(OLD)], before, rtol=1e-5, atol=1e-6)
    assert (index.manifest.parent, index.manifest.facts) == (old.digest, old.manifest.facts)
    assert index.manifest.slopes[len(OLD) :] == ("1.000000",) * len(NEW)
    assert check_index(tmp_path) == []


def test_new_works_are_credited_and_the_index_opens(classifier: Case, tmp_path: Path) -> None:
    """Credits are complete over old and new works, and those of an output change only by the gap's division."""
    begun(tmp_path, classifier)
    index = add(tmp_path, classifier, *NEW)

    opened = open_index(tmp_path, base=classifier.base, full=classifier.full, task=EMPIRICAL)

    assert opened.digest == index.digest
    for credits in opened.attribute(classifier.outputs):
        assert credits.work_ids == (*OLD, *NEW) and all(credits.credit_nats)
        assert credits.credit_sum_nats == pytest.approx(credits.log_ratio_nats, abs=1e-6)


def test_the_same_addition_gives_the_same_bytes_and_is_made_once(classifier: Case, tmp_path: Path) -> None:
    """On a copy of the index; and again on the same one, where nothing is written any more."""
    begun(tmp_path / "one", classifier)
    shutil.copytree(tmp_path / "one", tmp_path / "other")
    first = add(tmp_path / "one", classifier, *NEW)
    add(tmp_path / "other", classifier, *NEW)
    stamps = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "one").glob("*.*")}

    again = add(tmp_path / "one", classifier, *NEW)

    assert files_of(tmp_path / "one") == files_of(tmp_path / "other")
    assert again.digest == first.digest
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "one").glob("*.*")} == stamps


class Killed(BaseException):
    """What ends a process at once."""


def test_a_killed_addition_continues(classifier: Case, tmp_path: Path) -> None:
    """At the shard where it stopped; until then the old index stands, and the end is the same."""
    old = begun(tmp_path / "one", classifier)
    shutil.copytree(tmp_path / "one", tmp_path / "other")
    add(tmp_path / "other", classifier, *NEW)

    def stop(stage: str, done: int, total: int) -> None:
        if done == total:  # the second shard is computed, and not written
            raise Killed

    with pytest.raises(Killed):
        add(tmp_path / "one", classifier, *NEW, progress=stop)
    assert open_index(tmp_path / "one", base=classifier.base, full=classifier.full, task=EMPIRICAL).digest == old.digest
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "one").glob("works-*")}
    assert len(written) == 3

    add(tmp_path / "one", classifier, *NEW)

    assert all(path.stat().st_mtime_ns == stamp for path, stamp in written.items())
    assert files_of(tmp_path / "one") == files_of(tmp_path / "other")


@pytest.mark.parametrize("write", [1, 2, 3])
def test_a_full_disk_leaves_the_old_index(
    classifier: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: int
) -> None:
    """At either shard or at the manifest; another addition then clears away what was left."""
    old = begun(tmp_path, classifier)
    calls = 0

    def fsync(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 2 * write - 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(durable.os, "fsync", fsync)
    with pytest.raises(MachineError, match="the disk is full"):
        add(tmp_path, classifier, *NEW)
    monkeypatch.undo()

    assert read_manifest(tmp_path)[1] == old.digest
    index = add(tmp_path, classifier, "w-d")
    assert set(files_of(tmp_path)) == {*index.manifest.files, "build.json", "manifest.json"}


def test_added_works_are_taken_down_and_more_are_added(classifier: Case, tmp_path: Path) -> None:
    """In any order; who was taken down does not come back by the back door."""
    begun(tmp_path, classifier, shard_bytes=10**9)
    first = add(tmp_path, classifier, *NEW)
    kept_row = rows(first)["w-d"].clone()

    take_down(tmp_path, [WorkId("w-b")])

    again = open_index(tmp_path, base=classifier.base, full=classifier.full, task=EMPIRICAL)
    assert again.work_ids == (*OLD, "w-d") and torch.equal(rows(again)["w-d"], kept_row)
    with pytest.raises(InputError, match="'w-b' was taken down from this index"):
        add(tmp_path, classifier, "w-b")
    copy = dataclasses.replace(of(classifier, "w-d")[0], work_id=WorkId("w-e"))
    with pytest.raises(InputError, match="example 1 of work 'w-e' stands in the index already, in work 'w-d'"):
        add(tmp_path, classifier, examples=[copy], standing=None)
    assert check_index(tmp_path) == []


def test_copies_do_not_earn_twice(classifier: Case, tmp_path: Path) -> None:
    """Of what the index was built from, where that is given again; among themselves they share one example's credit."""
    begun(tmp_path, classifier)
    one = of(classifier, "w-b")[0]
    copied = dataclasses.replace(of(classifier, "w-a")[2], work_id=WorkId("w-x"))

    with pytest.raises(InputError, match="example 2 of work 'w-x' stands in the index already, in work 'w-a'"):
        add(tmp_path, classifier, examples=[dataclasses.replace(one, work_id=WorkId("w-x")), copied])
    with pytest.raises(InputError, match="not the examples that the index was built from"):
        add(tmp_path, classifier, *NEW, standing=of(classifier, "w-a"))
    twice = [dataclasses.replace(one, work_id=WorkId(name)) for name in ("w-x", "w-y")]
    index = add(tmp_path, classifier, examples=twice)

    assert index.manifest.copies == (("w-x", "w-y", 1),)
    whole = explicit_gradients(index.models[2], index.loaded.layers, EMPIRICAL.measurement, [one.content])[0]
    torch.testing.assert_close(rows(index)["w-x"], whole / 2)


def test_what_cannot_be_added(classifier: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A work that stands there, nothing at all, or rows of other last bits."""
    begun(tmp_path, classifier)

    with pytest.raises(InputError, match="'w-a' stands in this index already"):
        add(tmp_path, classifier, "w-a", "w-b")
    with pytest.raises(InputError, match="no examples"):
        add(tmp_path, classifier)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    with pytest.raises(ConflictError, match="built with threads 1, and this is threads 7"):
        add(tmp_path, classifier, *NEW)


def test_an_added_outlier_is_capped(classifier: Case, tmp_path: Path) -> None:
    """As a build would; the factors of the others stay."""
    begun(tmp_path, classifier)
    features, label = of(classifier, "w-d")[0].content
    wild = Example(WorkId("w-z"), (features * 1e4, (label + 1) % 3))

    index = add(tmp_path, classifier, examples=[wild])

    (flagged,) = index.manifest.capped
    assert flagged[0] == "w-z" and float(flagged[2]) < 1
