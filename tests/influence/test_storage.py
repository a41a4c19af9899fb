"""What an index stores, at which loss: coordinates, types, copies, outliers; and what opening it reads."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from endcredits.errors import InputError, IntegrityError
from endcredits.ids import WorkId
from endcredits.influence import Example, IndexSettings, check_index, open_index
from endcredits.influence.gradient.ekfac import kept
from endcredits.influence.gradient.outliers import capped
from endcredits.influence.gradient.vectors import Room, blocks_of
from tests.influence.helpers import EMPIRICAL, SETTINGS, Case, explicit_gradients, files_of


def raw(index: Any, given: Case) -> np.ndarray[Any, Any]:
    """Credits as the rows give them, ``[outputs, works]``, in nats."""
    base, full, middle = index.models
    found = [
        index.loaded.raw_credits(middle, base, full, EMPIRICAL, output, SETTINGS.damping).credits for output in given.outputs
    ]
    return torch.stack(found).double().numpy() * float(index.manifest.scale)


def test_low_rank_rows_are_the_gradient_in_the_top_eigen_directions(classifier: Case, tmp_path: Path) -> None:
    """Each work's explicit gradient, rotated and cut by hand; works of one example as well as longer ones."""
    index = classifier.build(tmp_path, settings=dataclasses.replace(SETTINGS, rank=0.5))
    loaded = index.loaded

    for shard, work_id in zip(loaded.shards, index.work_ids, strict=True):
        contents = [example.content for example in classifier.examples if example.work_id == work_id]
        whole = explicit_gradients(index.models[2], loaded.layers, EMPIRICAL.measurement, contents).sum(0)
        parts = []
        for layer, part in zip(loaded.layers, torch.split(whole, [layer.size for layer in loaded.layers]), strict=True):
            q_out, q_in = loaded.curvature.q_outputs[layer.name], loaded.curvature.q_inputs[layer.name]
            outputs, inputs = kept(layer, 0.5)
            parts.append((q_out.T @ part.view(layer.outputs, layer.inputs) @ q_in)[-outputs:, -inputs:].flatten())
        torch.testing.assert_close(shard.sums[0], torch.cat(parts), rtol=1e-4, atol=1e-4)


def test_the_manifest_states_what_low_rank_keeps(classifier: Case, tmp_path: Path) -> None:
    """The share of half-whitened energy, counted coordinate by coordinate; all of it at full rank."""
    whole = classifier.build(tmp_path / "whole")
    half = classifier.build(tmp_path / "half", settings=dataclasses.replace(SETTINGS, rank=0.5))
    energy = part = 0.0
    for layer in half.loaded.layers:
        values = half.loaded.curvature.eigenvalues[layer.name].tolist()
        mean = sum(map(sum, values)) / layer.size
        outputs, inputs = kept(layer, 0.5)
        for o, row in enumerate(values):
            for i, value in enumerate(row):
                share = value / (value + SETTINGS.damping * mean)
                energy += share
                part += share * (o >= layer.outputs - outputs and i >= layer.inputs - inputs)

    assert float(whole.manifest.kept_energy) == 1
    assert float(half.manifest.kept_energy) == pytest.approx(part / energy, abs=1e-5)
    assert 0.3 < part / energy < 1
    assert half.loaded.shards[0].sums.shape[1] == 3 * 3 + 2 * 4 < whole.loaded.shards[0].sums.shape[1]


@pytest.mark.parametrize("rows,correlation", [("bfloat16", 0.9999), ("signs", 0.7)])
def test_smaller_types_keep_the_order_of_credits(classifier: Case, tmp_path: Path, rows: str, correlation: float) -> None:
    """And take the bytes that they say."""
    exact = classifier.build(tmp_path / "exact")
    small = classifier.build(tmp_path / "small", settings=dataclasses.replace(SETTINGS, rows=rows))

    found, true = raw(small, classifier), raw(exact, classifier)

    assert np.corrcoef(found.ravel(), true.ravel())[0, 1] > correlation
    stored, size = small.loaded.shards[0].sums, exact.loaded.shards[0].sums.shape[1]
    assert stored.nbytes == (2 * size if rows == "bfloat16" else -(-size // 8))


def test_a_work_registered_three_times_earns_once(classifier: Case, tmp_path: Path) -> None:
    """Its copies share what it earned alone, equally, and the manifest pairs them; nobody else's sum moves a bit."""
    mine = [example.content for example in classifier.examples if example.work_id == "w-b"]
    again = [Example(WorkId(f"w-b{number}"), content) for number in (2, 3) for content in mine]
    once = classifier.build(tmp_path / "once")
    thrice = classifier.build(tmp_path / "thrice", examples=[*classifier.examples, *again])

    sums = {name: shard.sums[0] for name, shard in zip(thrice.work_ids, thrice.loaded.shards, strict=True)}
    before = {name: shard.sums[0] for name, shard in zip(once.work_ids, once.loaded.shards, strict=True)}

    assert thrice.manifest.copies == (("w-b", "w-b2", 8), ("w-b", "w-b3", 8))
    assert once.manifest.copies == ()
    torch.testing.assert_close(sums["w-b"] + sums["w-b2"] + sums["w-b3"], before["w-b"], rtol=1e-5, atol=1e-6)
    assert torch.equal(sums["w-b"], sums["w-b2"])
    for name in ("w-a", "w-c", "w-d"):
        assert torch.equal(sums[name], before[name])


def test_an_example_read_twice_as_often_counts_twice(classifier: Case, tmp_path: Path) -> None:
    """A weight multiplies the example's gradient; a weight that is none is refused by work and number."""
    heavy = [dataclasses.replace(e, weight=2.0) if e.work_id == "w-b" else e for e in classifier.examples]
    plain, weighted = classifier.build(tmp_path / "plain"), classifier.build(tmp_path / "weighted", examples=heavy)

    torch.testing.assert_close(weighted.loaded.shards[1].sums, 2 * plain.loaded.shards[1].sums, rtol=1e-5, atol=1e-6)
    assert torch.equal(weighted.loaded.shards[0].sums, plain.loaded.shards[0].sums)
    with pytest.raises(InputError, match="example 2 of work 'w-a' has weight -1"):
        classifier.build(
            tmp_path / "bad",
            examples=[dataclasses.replace(e, weight=-1.0) if n == 1 else e for n, e in enumerate(classifier.examples)],
        )


def test_a_poisoned_work_is_capped_and_named(classifier: Case, tmp_path: Path) -> None:
    """A work of enormous features: its row stays, its credits are those of a row of the stated length."""
    poison = Example(WorkId("w-p"), (classifier.outputs[0][0] * 30, 1))
    examples = [*classifier.examples, poison]
    settings = dataclasses.replace(SETTINGS, cap_multiple=5.0, curvature_examples=4, eigenvalue_examples=4)
    free = classifier.build(tmp_path / "free", examples=examples, settings=dataclasses.replace(settings, cap_multiple=0.0))
    index = classifier.build(tmp_path / "capped", examples=examples, settings=settings)

    (name, ratio, factor) = index.manifest.capped[0]

    assert (name, len(index.manifest.capped)) == ("w-p", 1)
    assert float(ratio) > 5 and float(factor) == pytest.approx(5 / float(ratio), rel=1e-4)
    assert torch.equal(index.loaded.shards[4].sums, free.loaded.shards[4].sums)
    found, uncapped = (
        raw(index, classifier) / float(index.manifest.scale),
        raw(free, classifier) / float(free.manifest.scale),
    )
    np.testing.assert_allclose(found[:, 4], uncapped[:, 4] * float(factor), rtol=1e-4)
    np.testing.assert_allclose(found[:, :4], uncapped[:, :4], rtol=1e-12)
    assert free.manifest.capped == ()


def test_only_the_far_out_is_capped() -> None:
    """Beyond a multiple of the quantile, whatever the works' common scale; none among equals."""
    names = [WorkId(f"w-{number}") for number in range(20)]
    norms = torch.linspace(1, 2, 20)
    norms[3] = 60.0

    assert [entry[0] for entry in capped(names, norms, 10.0)] == ["w-3"]
    assert capped(names, norms * 1e-6, 10.0)[0][0] == "w-3"
    assert capped(names, torch.ones(20), 10.0) == capped(names, norms, 0.0) == capped(names, torch.zeros(20), 10.0) == ()


def test_opening_reads_headers_and_the_first_answer_reads_rows(classifier: Case, tmp_path: Path) -> None:
    """A row that was changed on the disk is found by the check at once, and by an answer before it is given."""
    classifier.build(tmp_path)
    path = tmp_path / "works-00001.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:-3] + bytes([data[-3] ^ 1]) + data[-2:])

    index = open_index(tmp_path, base=classifier.base, full=classifier.full, task=EMPIRICAL)

    assert len(check_index(tmp_path)) == 1
    for _ in range(2):  # it stays refused
        with pytest.raises(IntegrityError, match="does not fit the digest") as caught:
            index.attribute(classifier.outputs[:1])
        assert caught.value.file == str(path)
    path.write_bytes(data)
    assert open_index(tmp_path, base=classifier.base, full=classifier.full, task=EMPIRICAL).attribute(classifier.outputs[:1])


def test_a_shard_left_in_memory_is_not_read_into_the_next(classifier: Case, tmp_path: Path) -> None:
    """Sums are formed in the same room one shard after the other, and every file is that of a build in one shard."""
    apart = classifier.build(tmp_path / "apart")
    together = classifier.build(tmp_path / "together", settings=dataclasses.replace(SETTINGS, shard_bytes=10**9))

    assert len(apart.loaded.shards) == 4 and len(together.loaded.shards) == 1
    whole = torch.cat([shard.sums for shard in apart.loaded.shards])
    torch.testing.assert_close(whole, together.loaded.shards[0].sums, rtol=1e-5, atol=1e-6)
    room = Room()
    assert room.take(2, 3, torch.device("cpu")).data_ptr() == room.take(1, 5, torch.device("cpu")).data_ptr()


def test_blocks_cover_a_work() -> None:
    """In order, without gaps, of sizes that differ by one."""
    for examples in range(1, 20):
        bounds = blocks_of(examples, 8)
        assert [place for start, stop in bounds for place in range(start, stop)] == list(range(examples))
        assert len(bounds) == min(8, examples)
        assert max(b - a for a, b in bounds) - min(b - a for a, b in bounds) <= 1


@pytest.mark.parametrize("wrong", [{"rank": 0.0}, {"rank": 1.5}, {"rows": "float8"}, {"blocks": 0}, {"batch_examples": 0}])
def test_settings_that_make_no_sense(wrong: dict[str, Any]) -> None:
    """Are refused by name."""
    with pytest.raises(InputError) as caught:
        IndexSettings(**wrong)

    assert caught.value.field in wrong


def test_no_bands_no_blocks(classifier: Case, tmp_path: Path) -> None:
    """With one block per work nothing but sums is stored, and the rows tell no error."""
    index = classifier.build(tmp_path, settings=dataclasses.replace(SETTINGS, blocks=1))

    assert all(shard.blocks.numel() == 0 for shard in index.loaded.shards)
    base, full, middle = index.models
    found = index.loaded.raw_credits(middle, base, full, EMPIRICAL, classifier.outputs[0], SETTINGS.damping)
    assert torch.isnan(found.errors).all()
    assert len(files_of(tmp_path)) == 7
