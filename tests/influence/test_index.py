"""An open index answers with honest errors, and refuses models, tasks and files that are not its own."""

from __future__ import annotations

import dataclasses
import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from endcredits.errors import InputError, IntegrityError, NotFoundError
from endcredits.ids import WorkId
from endcredits.influence import Example, check_index, open_index, read_manifest
from endcredits.influence.gradient.index import _block_errors
from endcredits.influence.gradient.shards import Shard
from tests.influence.helpers import EMPIRICAL, SETTINGS, Case, files_of, mlp


def slow_jackknife(values: list[float], sizes: list[int]) -> float:
    """Standard error of a sum over blocks: leave each block out, scale to the whole, look at the spread."""
    blocks, mean_size = len(values), sum(sizes) / len(sizes)
    alike = [value / size * mean_size for value, size in zip(values, sizes, strict=True)]
    estimates = [sum(alike[:left] + alike[left + 1 :]) * blocks / (blocks - 1) for left in range(blocks)]
    middle = sum(estimates) / blocks
    return math.sqrt((blocks - 1) / blocks * sum((estimate - middle) ** 2 for estimate in estimates))


def test_the_error_band_is_the_jackknife_written_out() -> None:
    """For works of different numbers of blocks of different sizes."""
    generator = torch.Generator().manual_seed(0)
    counts = torch.tensor([[4, 5, 4, 5], [2, 1, 0, 0], [1, 0, 0, 0]])
    blocks = torch.randn(3, 4, 7, generator=generator).half() * (counts > 0)[:, :, None]
    scales = torch.rand(3, 4, generator=generator) + 0.5
    query = torch.randn(7, generator=generator)
    shard = Shard((WorkId("a"), WorkId("b"), WorkId("c")), (18, 3, 1), torch.zeros(3, 7), blocks, scales, counts)

    errors = _block_errors(query, shard)

    for work, blocks_used in ((0, 4), (1, 2)):
        values = [float(blocks[work, b].double() @ query.double() * scales[work, b]) for b in range(blocks_used)]
        assert float(errors[work]) == pytest.approx(slow_jackknife(values, counts[work, :blocks_used].tolist()), rel=1e-4)
    assert math.isnan(errors[2])


def test_errors_are_scaled_like_credits(classifier: Case, tmp_path: Path) -> None:
    """End to end, from examples to the error in nats; a single example tells no error."""
    index = classifier.build(tmp_path)
    output = classifier.outputs[0]
    found = index.contrasts(output)
    scale = float(index.manifest.scale)
    raw = index.loaded.raw_credits(index.models[2], *index.models[:2], EMPIRICAL, output, SETTINGS.damping)

    # A block's own credit: the index of the same build in which each block is a work.
    cut = []
    for work_id in index.work_ids:
        mine = [example for example in classifier.examples if example.work_id == work_id]
        bounds = [len(mine) * k // min(4, len(mine)) for k in range(min(4, len(mine)) + 1)]
        for number, (start, stop) in enumerate(itertools.pairwise(bounds)):
            cut += [Example(WorkId(f"{work_id}-{number}"), example.content) for example in mine[start:stop]]
    parts = classifier.build(tmp_path / "cut", examples=cut)
    single = parts.contrasts(output)

    for number, work_id in enumerate(index.work_ids):
        blocks = [
            (credit, count)
            for credit, (name, count) in zip(single.credits.tolist(), parts.manifest.works, strict=True)
            if name.startswith(work_id)
        ]
        if len(blocks) > 1:
            slow = slow_jackknife([credit for credit, _ in blocks], [count for _, count in blocks])
            assert float(found.errors[number]) == pytest.approx(slow, rel=0.01)
            assert float(found.errors[number]) == pytest.approx(float(raw.errors[number]) * scale, rel=1e-6)
        else:
            assert work_id == "w-d"
            assert math.isnan(found.errors[number])


def test_equal_blocks_have_no_error(classifier: Case, tmp_path: Path) -> None:
    """A work that says the same again and again leaves nothing uncertain."""
    same = [Example(WorkId("w-e"), classifier.outputs[0]) for _ in range(8)]

    found = classifier.build(tmp_path, examples=[*classifier.examples, *same]).contrasts(classifier.outputs[0])

    assert found.credits[4] > 1e-3
    assert found.errors[4] < 1e-6 * found.credits[4]
    assert found.errors[0] > 1e-3 * abs(found.credits[0])


def test_an_opened_index_answers_like_the_built_one(classifier: Case, tmp_path: Path) -> None:
    """To the last bit, and under the same digest."""
    built = classifier.build(tmp_path)
    opened = open_index(tmp_path, base=classifier.base, full=classifier.full, task=EMPIRICAL)

    assert opened.digest == built.digest == read_manifest(tmp_path)[1]
    assert opened.method == "ek-fac-midpoint/2"
    assert repr(opened) == f"<CurvatureIndex ek-fac-midpoint/2 of 4 works, {built.digest[:12]}>"
    for one, other in zip(opened.attribute(classifier.outputs), built.attribute(classifier.outputs), strict=True):
        np.testing.assert_array_equal(dataclasses.astuple(one)[2], dataclasses.astuple(other)[2])
        np.testing.assert_array_equal(one.error_nats, other.error_nats)


@pytest.mark.parametrize("name", ["base", "full"])
def test_another_model_is_refused_by_name(classifier: Case, tmp_path: Path, name: str) -> None:
    """Even one that differs by a single bit."""
    classifier.build(tmp_path)
    models = {"base": classifier.base, "full": classifier.full}
    models[name] = mlp()
    models[name].load_state_dict(getattr(classifier, name).state_dict())
    open_index(tmp_path, **models, task=EMPIRICAL)
    with torch.no_grad():
        weight = next(models[name].parameters())
        weight[0, 0] = torch.nextafter(weight[0, 0], torch.tensor(9.0))

    with pytest.raises(InputError, match=f"belongs to another {name} model") as caught:
        open_index(tmp_path, **models, task=EMPIRICAL)

    assert caught.value.field == f"{name}_sha256"


def test_another_task_is_refused(classifier: Case, tmp_path: Path) -> None:
    """A task's name stands for its functions."""
    classifier.build(tmp_path)

    with pytest.raises(InputError, match="built for the task 'classes/1', not 'classes/2'"):
        open_index(
            tmp_path, base=classifier.base, full=classifier.full, task=dataclasses.replace(EMPIRICAL, name="classes/2")
        )


def test_an_output_without_a_finite_credit_is_refused(classifier: Case, tmp_path: Path) -> None:
    """By its number."""
    index = classifier.build(tmp_path)

    with pytest.raises(InputError, match="output 2 has no finite credit"):
        index.attribute([classifier.outputs[0], (torch.full((4,), float("inf")), 0)])


def positions(size: int) -> list[int]:
    """Some bytes of a file: its beginning, its end, and 24 in between."""
    return sorted({*range(min(12, size)), size - 2, size - 1, *(size * k // 24 for k in range(24))})


def reopened(given: Case, folder: Path) -> Any:
    """Opens the index of a case and asks it once, which reads every row."""
    index = open_index(folder, base=given.base, full=given.full, task=EMPIRICAL)
    index.attribute(given.outputs[:1])
    return index


def test_one_changed_byte_in_any_file_is_found(classifier: Case, tmp_path: Path) -> None:
    """Opening or the first answer refuses and the check reports, and both name the file; put back, all is well."""
    classifier.build(tmp_path)
    whole = files_of(tmp_path)
    assert set(whole) == {"build.json", "curvature.safetensors", "manifest.json"} | {
        f"works-{number:05d}.safetensors" for number in range(4)
    }

    for name, data in whole.items():
        path = tmp_path / name
        for position in positions(len(data)):
            path.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])

            with pytest.raises(IntegrityError) as caught:
                reopened(classifier, tmp_path)
            problems = check_index(tmp_path)

            assert caught.value.file == str(path), position
            assert len(problems) == 1 and problems[0].startswith(f"{path}: "), position
        path.write_bytes(data)
    assert check_index(tmp_path) == []
    assert reopened(classifier, tmp_path).manifest.works[0] == ("w-a", 13)


@pytest.mark.parametrize("cut", [0, 1, 100])
def test_a_file_cut_short_is_found(classifier: Case, tmp_path: Path, cut: int) -> None:
    """Whichever it is, and whatever is left of it."""
    classifier.build(tmp_path)
    for name, data in files_of(tmp_path).items():
        path = tmp_path / name
        path.write_bytes(data[:cut])

        with pytest.raises(IntegrityError) as caught:
            reopened(classifier, tmp_path)

        assert caught.value.file == str(path)
        assert str(path) in check_index(tmp_path)[0]
        path.write_bytes(data)


def test_a_check_names_every_damaged_file(classifier: Case, tmp_path: Path) -> None:
    """Not only the first."""
    classifier.build(tmp_path)
    (tmp_path / "build.json").write_bytes(b"{}")
    (tmp_path / "works-00001.safetensors").unlink()
    (tmp_path / "works-00003.safetensors").write_bytes(b"")

    problems = check_index(tmp_path)

    assert [problem.split(": ")[0].rsplit("/", 1)[1] for problem in problems] == [
        "build.json",
        "works-00001.safetensors",
        "works-00003.safetensors",
    ]
    assert "is missing" in problems[1]


@pytest.mark.parametrize("name", ["build.json", "curvature.safetensors", "manifest.json", "works-00002.safetensors"])
@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_the_remedy_repairs(classifier: Case, tmp_path: Path, name: str, damage: str) -> None:
    """Doing what the error says gives the index back, bit for bit."""
    classifier.build(tmp_path)
    whole = files_of(tmp_path)
    path = tmp_path / name
    path.unlink()
    if damage == "changed":
        path.write_bytes(whole[name][:-9])

    try:
        reopened(classifier, tmp_path)
    except NotFoundError:
        assert (name, damage) == ("manifest.json", "gone")
    except IntegrityError as error:
        assert "manifest.json and build again" in error.remedy
        assert ("it and" in error.remedy) == (damage == "changed" and name != "manifest.json")
        if "it and" in error.remedy:
            path.unlink()
        (tmp_path / "manifest.json").unlink()
    classifier.build(tmp_path)

    assert files_of(tmp_path) == whole


def test_there_is_no_index(classifier: Case, tmp_path: Path) -> None:
    """In an empty folder, or where a build never ended."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(NotFoundError, match="no finished index"):
            reopened(classifier, folder)
        assert len(check_index(folder)) == 1
