"""Credits are what the formula says, add up, and do not change with what should not matter."""

from __future__ import annotations

import copy
import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from endcredits.errors import ConflictError, InputError
from endcredits.ids import WorkId
from endcredits.influence import CurvatureIndex, Example, Task, TextModels, build_environment, model_digest, open_index
from endcredits.influence.gradient.ekfac import fit_curvature
from endcredits.influence.gradient.layers import Capture, Layer, find_layers
from endcredits.influence.gradient.midpoint import midpoint_model
from endcredits.influence.text.windows import Window
from tests.influence.helpers import (
    EMPIRICAL,
    LABELS,
    SAMPLED,
    SETTINGS,
    Case,
    Labelled,
    case,
    explicit_gradients,
    files_of,
    labelled,
    learnt,
    mlp,
)


def matrix(index: CurvatureIndex, outputs: Sequence[Any]) -> np.ndarray[Any, Any]:
    """Credits before the gap to the log-ratio is divided, as ``[outputs, works]``."""
    return np.array([index.contrasts(output).credits.tolist() for output in outputs])


def slow_credits(given: Case, damping: float) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Scaled credits ``[outputs, works]`` and log-ratios, by explicit matrices in float64 for a two-layer network.

    Nothing of the engine is used: the activations are written down by hand, gradients are ordinary ones.
    """
    base, full = (net.double() for net in (mlp(), mlp()))
    base.load_state_dict(given.base.state_dict())
    full.load_state_dict(given.full.state_dict())
    middle = mlp().double()
    middle.load_state_dict({k: (v + full.state_dict()[k]) / 2 for k, v in base.state_dict().items()})
    contents = [(example.content[0].double(), example.content[1]) for example in given.examples]
    outputs = [(features.double(), label) for features, label in given.outputs]

    x = torch.stack([features for features, _ in contents])
    ones = torch.ones(len(x), 1, dtype=torch.float64)
    before = middle[0](x).detach().requires_grad_(True)
    hidden = torch.relu(before)
    after = middle[2](hidden)
    loss = nn.functional.cross_entropy(after, torch.tensor([label for _, label in contents]), reduction="sum")
    at_before, at_after = torch.autograd.grad(loss, [before, after])
    moments = [
        (torch.cat([x, ones], 1), at_before),
        (torch.cat([hidden.detach(), ones], 1), at_after),
    ]

    def gradients(layer: int, contents: Sequence[Labelled]) -> Tensor:
        rows = []
        for features, label in contents:
            value = torch.log_softmax(middle(features[None]), 1)[0, label]
            weight, bias = torch.autograd.grad(value, [middle[layer].weight, middle[layer].bias])
            rows.append(torch.cat([weight, bias[:, None]], 1).flatten())
        return torch.stack(rows)

    works = sorted({example.work_id for example in given.examples})
    raw = torch.zeros(len(outputs), len(works), dtype=torch.float64)
    for layer, (inputs, at_outputs) in zip((0, 2), moments, strict=True):
        q = torch.kron(torch.linalg.eigh(at_outputs.T @ at_outputs)[1], torch.linalg.eigh(inputs.T @ inputs)[1])
        scores = gradients(layer, contents)
        eigenvalues = (scores @ q).square().mean(0)
        fisher = q @ torch.diag(eigenvalues + damping * eigenvalues.mean()) @ q.T
        sums = torch.stack(
            [scores[[number for number, e in enumerate(given.examples) if e.work_id == work]].sum(0) for work in works]
        )
        raw += gradients(layer, outputs) @ torch.linalg.solve(fisher, sums.T) / len(contents)
    gaps = torch.tensor(
        [
            (torch.log_softmax(full(f[None]), 1) - torch.log_softmax(base(f[None]), 1))[0, label].item()
            for f, label in outputs
        ],
        dtype=torch.float64,
    )
    return (raw * gaps.sum() / raw.sum()).numpy(), gaps.numpy()


def test_credits_are_the_formula_written_out(classifier: Case, tmp_path: Path) -> None:
    """scale x g(output) (F + damping)^-1 (sum of the work's gradients) / N, with dense float64 matrices."""
    index = classifier.build(tmp_path)
    answers = index.attribute(classifier.outputs)

    slow, gaps = slow_credits(classifier, SETTINGS.damping)

    assert np.abs(slow).max() > 0.01
    np.testing.assert_allclose(matrix(index, classifier.outputs), slow, rtol=2e-4, atol=1e-4 * np.abs(slow).max())
    np.testing.assert_allclose([answer.log_ratio_nats for answer in answers], gaps, rtol=1e-5, atol=1e-6)
    assert answers[0].work_ids == ("w-a", "w-b", "w-c", "w-d") == index.work_ids


def test_credits_add_up_over_the_calibration_outputs(classifier: Case, tmp_path: Path) -> None:
    """Their sum over works and calibration outputs is the measured log-ratio, and the manifest says both."""
    index = classifier.build(tmp_path, task=SAMPLED)
    answers = index.attribute(classifier.outputs)
    measured = sum(answer.log_ratio_nats for answer in answers)

    assert measured > 0.5
    assert matrix(index, classifier.outputs).sum() == pytest.approx(measured, rel=1e-5)
    for answer in answers:  # and once the gaps are divided, also for each output
        assert answer.credit_sum_nats == pytest.approx(answer.log_ratio_nats, rel=1e-9)
    assert float(index.manifest.calibration_log_ratio_nats) == pytest.approx(measured, abs=2e-6)
    assert float(index.manifest.calibration_credit_nats) == pytest.approx(measured, abs=2e-6)


def test_without_outputs_the_scale_is_fitted_on_the_examples(classifier: Case, tmp_path: Path) -> None:
    """On an evenly spread sample of them."""
    settings = dataclasses.replace(SETTINGS, calibration_outputs=9)
    index = classifier.build(tmp_path, calibration=None, settings=settings)
    sample = [classifier.examples[number * 3].content for number in range(9)]
    answers = index.attribute(sample)

    assert matrix(index, sample).sum() == pytest.approx(sum(answer.log_ratio_nats for answer in answers), rel=1e-5)


def test_nothing_learnt_cannot_be_put_into_nats(classifier: Case, tmp_path: Path) -> None:
    """Two equal models have a log-ratio of zero, to which nothing can be scaled."""
    with pytest.raises(InputError, match=r"credits cannot be put into nats: .* 0 nats ahead of base") as same:
        classifier.build(tmp_path / "same", full=classifier.base)
    with pytest.raises(InputError, match="credits cannot be put into nats"):
        classifier.build(tmp_path / "swapped", base=classifier.full, full=classifier.base)

    assert "the other way round" in same.value.remedy


def test_rows_of_flattened_examples_are_told_apart(tmp_path: Path) -> None:
    """A layer that saw each example's positions flattened together gives the same gradients; a mixed one is refused."""
    layer = Layer("x", 2, 3, False)
    inputs, gradients = torch.randn(6, 1, 3), torch.randn(6, 1, 2)
    flat = Capture({"x": [inputs]}, {}, {"x": [gradients]})
    whole = Capture({"x": [inputs.reshape(2, 3, 3)]}, {}, {"x": [gradients.reshape(2, 3, 2)]})

    torch.testing.assert_close(flat.per_example(layer, 2), whole.per_example(layer, 2))
    with pytest.raises(InputError, match="layer x has 6 rows for 4 examples"):
        flat.per_example(layer, 4)


def test_padding_does_not_shape_the_curvature(tiny_models: TextModels, tmp_path: Path) -> None:
    """Short windows beside long ones are padded; alone they are not, and the curvature is the same."""
    task = dataclasses.replace(tiny_models.task, sampled_loss=None)
    windows = [Window((65, 66)), Window(tuple(range(65, 65 + tiny_models.context)))]
    middle = midpoint_model(tiny_models.base, tiny_models.full)
    layers = find_layers(middle, task.layers)

    together = fit_curvature(middle, layers, task, [windows], 0, lambda done: None)
    alone = fit_curvature(middle, layers, task, [[window] for window in windows], 0, lambda done: None)

    # The directions of largest curvature; those of none are arbitrary and may differ.
    for layer in layers:
        first, second = (curvature.q_inputs[layer.name][:, -1] for curvature in (together, alone))
        assert abs(float(first @ second)) > 0.999


def test_other_precisions_and_other_code_are_refused(
    classifier: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Credits are measured in float32, and receipts name the code that measured."""
    with pytest.raises(InputError, match="is float64 in full"):
        classifier.build(tmp_path / "double", full=copy.deepcopy(classifier.full).double())
    classifier.build(tmp_path / "index")
    monkeypatch.setattr("endcredits.influence.gradient.folder.code_digest", lambda: "0" * 64)

    with pytest.raises(ConflictError, match="other code than would now answer"):
        open_index(tmp_path / "index", base=classifier.base, full=classifier.full, task=EMPIRICAL)


def test_an_answer_does_not_depend_on_the_other_outputs(classifier: Case, tmp_path: Path) -> None:
    """To the last bit, asked alone or among others."""
    index = classifier.build(tmp_path)
    together = index.attribute(classifier.outputs)

    assert [index.attribute([output])[0].credit_nats for output in classifier.outputs] == [
        answer.credit_nats for answer in together
    ]


def test_cutting_a_work_in_two_earns_nothing(classifier: Case, tmp_path: Path) -> None:
    """The credits of the two parts sum to the credit of the whole, and the others keep theirs."""
    cut = tuple(
        Example(WorkId(f"w-a{1 + (number >= 5)}"), example.content) if example.work_id == "w-a" else example
        for number, example in enumerate(classifier.examples)
    )
    whole = matrix(classifier.build(tmp_path / "whole"), classifier.outputs)
    index = classifier.build(tmp_path / "cut", examples=cut)
    parts = matrix(index, classifier.outputs)

    assert index.work_ids == ("w-a1", "w-a2", "w-b", "w-c", "w-d")
    assert np.abs(parts[:, 0]).max() > 1e-3
    np.testing.assert_allclose(parts[:, 0] + parts[:, 1], whole[:, 0], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(parts[:, 2:], whole[:, 1:], rtol=1e-4, atol=1e-6)


def test_the_order_of_the_works_does_not_matter(classifier: Case, tmp_path: Path) -> None:
    """Not to a bit of any file."""
    groups = [list(group) for _, group in itertools.groupby(classifier.examples, key=lambda e: e.work_id)]
    shuffled = [example for group in (groups[2], groups[0], groups[3], groups[1]) for example in group]

    classifier.build(tmp_path / "one")
    classifier.build(tmp_path / "two", examples=shuffled)

    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_a_work_seen_twice_counts_twice(tmp_path: Path) -> None:
    """Copies under two names earn the same each, and a work that holds both copies earns both."""
    contents = labelled(12, seed=1)
    rest = [Example(WorkId("w-z"), content) for content in labelled(8, seed=3)]
    base = mlp(0)
    given = Case(base, learnt(base, contents), (), tuple(labelled(6, seed=2)))
    copies = [Example(WorkId(f"w-a{n}"), content) for n in (1, 2) for content in contents]
    merged = [Example(WorkId("w-a"), content) for content in (*contents, *contents)]

    apart = matrix(given.build(tmp_path / "apart", examples=[*copies, *rest]), given.outputs)
    twice = matrix(given.build(tmp_path / "twice", examples=[*merged, *rest]), given.outputs)

    np.testing.assert_array_equal(apart[:, 0], apart[:, 1])
    np.testing.assert_allclose(twice[:, 0], 2 * apart[:, 0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("changed", [{"batch_examples": 1}, {"batch_examples": 64}, {"shard_bytes": 10**9}])
def test_batches_and_shards_do_not_change_credits(classifier: Case, tmp_path: Path, changed: dict[str, int]) -> None:
    """They only decide how much is held in memory at once."""
    usual = matrix(classifier.build(tmp_path / "usual"), classifier.outputs)
    settings = dataclasses.replace(SETTINGS, **changed)
    index = classifier.build(tmp_path / "changed", settings=settings)

    np.testing.assert_allclose(matrix(index, classifier.outputs), usual, rtol=1e-3, atol=1e-5)


def test_models_may_arrive_in_training_mode(tmp_path: Path) -> None:
    """Dropout is never drawn: the index is that of the models in evaluation mode, to the last bit."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        base = nn.Sequential(nn.Linear(4, 16), nn.Dropout(0.5), nn.Linear(16, LABELS)).eval()
    given = dataclasses.replace(case(), base=base, full=learnt(base, labelled(27, seed=1)))
    given.build(tmp_path / "evaluating")
    given.base.train()
    given.full.train()

    given.build(tmp_path / "training")

    assert files_of(tmp_path / "training") == files_of(tmp_path / "evaluating")


class Attention(nn.Module):
    """A network whose attention uses a linear layer's weights without calling it."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Linear(4, 6)
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)
        self.leave = nn.Linear(6, LABELS)

    def forward(self, x: Tensor) -> Tensor:
        seen = self.enter(x[:, None, :] * torch.arange(1.0, 4.0)[:, None])
        return self.leave(self.attention(seen, seen, seen)[0].mean(1))  # type: ignore[no-any-return]


def test_a_layer_that_no_pass_calls_carries_no_credit(classifier: Case, tmp_path: Path) -> None:
    """And keeps nobody from building an index of the others."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        base = Attention().eval()
    full = learnt(base, [example.content for example in classifier.examples])

    index = classifier.build(tmp_path, base=base, full=full, task=SAMPLED)

    assert [layer.name for layer in index.loaded.layers] == ["enter", "leave"]
    assert sum(answer.credit_sum_nats for answer in index.attribute(classifier.outputs)) > 0


def test_work_vectors_are_summed_gradients(classifier: Case, tmp_path: Path) -> None:
    """Stored work vectors are the summed gradients of log p at the midpoint."""
    index = classifier.build(tmp_path)
    middle = index.models[2]

    for shard, work_id in zip(index.loaded.shards, index.work_ids, strict=True):
        contents = [example.content for example in classifier.examples if example.work_id == work_id]
        slow = explicit_gradients(middle, index.loaded.layers, EMPIRICAL.measurement, contents)
        torch.testing.assert_close(shard.sums[0], slow.sum(0), rtol=1e-4, atol=1e-5)
        assert shard.counts == (len(contents),)


def test_building_again_opens_and_does_not_work(classifier: Case, tmp_path: Path) -> None:
    """A finished index is found by its inputs."""
    first = classifier.build(tmp_path)
    told: list[str] = []

    second = classifier.build(tmp_path, progress=lambda stage, done, total: told.append(stage))

    assert second.digest == first.digest
    assert told == []


def test_progress_goes_through_three_stages(classifier: Case, tmp_path: Path) -> None:
    """Each ends at its total."""
    told: list[tuple[str, int, int]] = []

    classifier.build(tmp_path, progress=lambda *report: told.append(report))

    assert list(dict.fromkeys(stage for stage, _, _ in told)) == ["curvature", "works", "calibration"]
    for stage, total in (("curvature", 12), ("works", 27), ("calibration", 6)):
        counts = [(done, of) for name, done, of in told if name == stage]
        assert counts == sorted(counts)
        assert counts[-1] == (total, total)


def test_the_manifest_says_what_made_the_index(classifier: Case, tmp_path: Path) -> None:
    """Models, examples, settings, and the surroundings that decide the last bits."""
    facts = classifier.build(tmp_path).manifest.facts

    assert build_environment().items() <= facts.items()
    assert facts["base_sha256"] == model_digest(classifier.base)
    assert facts["full_sha256"] == model_digest(classifier.full)
    assert (facts["task"], facts["examples"], facts["settings"]["damping"]) == ("classes/1", 27, "0.03")
    assert facts["layers"] == [["0", 6, 5, True], ["2", 3, 7, True]]


def other_task(name: str) -> Task:
    return dataclasses.replace(EMPIRICAL, name=name)


@pytest.mark.parametrize(
    "changed,named",
    [
        ({"task": other_task("classes/2")}, "task"),
        ({"full": mlp(5)}, "full_sha256"),
        ({"base": mlp(5)}, "base_sha256"),
        ({"examples": case().examples[:-1]}, "corpus_sha256, examples"),
        ({"calibration": labelled(2, seed=9)}, "calibration_sha256"),
        ({"settings": dataclasses.replace(SETTINGS, damping=0.5)}, "settings"),
        ({"task": dataclasses.replace(EMPIRICAL, layers=lambda name, _: name == "0")}, "layers, coverage"),
    ],
)
def test_another_build_in_the_folder_is_refused(
    classifier: Case, tmp_path: Path, changed: dict[str, Any], named: str
) -> None:
    """The error names what differs, and the index that stands there is not touched."""
    classifier.build(tmp_path)
    before = files_of(tmp_path)

    with pytest.raises(ConflictError) as caught:
        classifier.build(tmp_path, **changed)

    assert f"({named} differ)" in caught.value.message
    assert caught.value.file == str(tmp_path)
    assert files_of(tmp_path) == before


def test_a_damaged_build_file_is_refused(classifier: Case, tmp_path: Path) -> None:
    """It no longer says what was being built."""
    (tmp_path / "build.json").write_bytes(b"[")

    with pytest.raises(ConflictError, match=r"build\.json is damaged"):
        classifier.build(tmp_path)


def test_no_examples(classifier: Case, tmp_path: Path) -> None:
    """There is nothing to index, and nothing is written."""
    with pytest.raises(InputError, match="no examples"):
        classifier.build(tmp_path / "index", examples=[])

    assert not (tmp_path / "index").exists()


@pytest.mark.parametrize("work_id", ["", "-x", "a b", "é", "x" * 201])
def test_a_work_id_that_is_none(classifier: Case, tmp_path: Path, work_id: str) -> None:
    """Before anything is written."""
    with pytest.raises(InputError, match="field 'work_id'"):
        classifier.build(
            tmp_path / "index", examples=[*classifier.examples, Example(WorkId(work_id), classifier.outputs[0])]
        )

    assert not (tmp_path / "index").exists()


def test_models_of_different_shapes(classifier: Case, tmp_path: Path) -> None:
    """The tensor is named."""
    with pytest.raises(InputError, match=r"not the same architecture: 0\.bias"):
        classifier.build(tmp_path, full=mlp(hidden=9))


@pytest.mark.parametrize("name", ["base", "full"])
def test_a_model_with_a_weight_that_is_no_number(classifier: Case, tmp_path: Path, name: str) -> None:
    """The model and the tensor are named before anything is computed."""
    broken = mlp(3)
    with torch.no_grad():
        broken[2].bias[0] = float("nan")

    with pytest.raises(InputError, match=rf"2\.bias holds NaN or infinite values in {name}"):
        classifier.build(tmp_path / "index", **{name: broken})

    assert not (tmp_path / "index").exists()


def test_an_example_whose_gradient_is_no_number(classifier: Case, tmp_path: Path) -> None:
    """Its work is named where the curvature's sample did not meet it."""
    broken = Example(WorkId("w-e"), (torch.full((4,), float("inf")), 0))
    settings = dataclasses.replace(SETTINGS, curvature_examples=2)

    with pytest.raises(InputError, match="gradient of example 1 of work 'w-e' is not finite"):
        classifier.build(tmp_path, examples=[*classifier.examples, broken], settings=settings)


def test_a_calibration_output_that_is_no_number(classifier: Case, tmp_path: Path) -> None:
    """It would have made every credit of the index NaN."""
    broken = (torch.full((4,), float("nan")), 0)

    with pytest.raises(InputError, match="calibration output 2 has no finite credit"):
        classifier.build(tmp_path, calibration=[classifier.outputs[0], broken])


def test_a_content_without_a_digest(classifier: Case, tmp_path: Path) -> None:
    """Nothing binds an index to what cannot be spelt."""
    with pytest.raises(InputError, match="content is a object, which has no digest"):
        classifier.build(tmp_path / "index", calibration=[object()])

    assert not (tmp_path / "index").exists()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda model, contents: EMPIRICAL.train_loss(model, contents).mean(), r"shape \(\) for 3 contents"),
        (lambda model, contents: EMPIRICAL.train_loss(model, contents).detach(), "does not depend on the model's weights"),
        (
            lambda model, contents: torch.cat([EMPIRICAL.train_loss(model, [content]) for content in contents]),
            "its rows cannot be told apart",
        ),
    ],
)
def test_a_task_that_is_stated_wrongly_is_refused(classifier: Case, tmp_path: Path, wrong: Any, message: str) -> None:
    """An averaged loss, one cut off from the model, and one that calls the model content by content."""
    task = dataclasses.replace(EMPIRICAL, train_loss=wrong)

    with pytest.raises(InputError, match=message):
        classifier.build(tmp_path, task=task)
