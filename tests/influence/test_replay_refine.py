"""Conjugate gradients end at the explicit inverse, and on a convex problem nearer to retraining than EK-FAC."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence.gradient.ekfac import Curvature, fit_curvature
from endcredits.influence.gradient.layers import find_layers
from endcredits.influence.replay.refine import Refined, refine, refine_output
from endcredits.influence.task import Task
from tests.influence.helpers import EMPIRICAL, SAMPLED, Case, Labelled, explicit_gradients, labelled, mlp
from tests.influence.replay_helpers import ConvexTrainer

DAMPING = 0.1


def refined(model: nn.Module, task: Task, works: dict[WorkId, list[Labelled]], output: Labelled, steps: int) -> Refined:
    """By the curvature of the works' own examples."""
    layers = find_layers(model, task.layers)
    sample = [content for contents in works.values() for content in contents]
    curvature = fit_curvature(model, layers, task, [sample], 0, lambda _: None)
    return refine(
        model, layers, curvature, task, output, works, sample=sample, damping=DAMPING, iterations=steps, tolerance=0
    )


def explicit(model: nn.Module, works: dict[WorkId, list[Labelled]], output: Labelled) -> Tensor:
    """The same by forming the Fisher matrix of all layers and solving with it, for a task with training labels."""
    layers = find_layers(model, EMPIRICAL.layers)
    sample = [content for contents in works.values() for content in contents]
    curvature = fit_curvature(model, layers, EMPIRICAL, [sample], 0, lambda _: None)
    rows = explicit_gradients(model, layers, EMPIRICAL.train_loss, sample).double()
    damping = torch.cat(
        [torch.full((layer.size,), DAMPING * float(curvature.eigenvalues[layer.name].mean())) for layer in layers]
    )
    fisher = rows.T @ rows / len(sample) + torch.diag(damping.double())
    gradient = explicit_gradients(model, layers, EMPIRICAL.measurement, [output]).double()[0]
    solution = torch.linalg.solve(fisher, gradient)
    owners = [number for number, contents in enumerate(works.values()) for _ in contents]
    found = torch.zeros(len(works), dtype=torch.float64)
    return found.index_add_(0, torch.tensor(owners), -(rows @ solution)) / len(sample)


def works_of(case: Case) -> dict[WorkId, list[Labelled]]:
    works: dict[WorkId, list[Labelled]] = {}
    for example in case.examples:
        works.setdefault(example.work_id, []).append(example.content)
    return works


def test_enough_iterations_are_the_explicit_inverse(classifier: Case) -> None:
    """Over two layers, with the curvature between them."""
    works = works_of(classifier)

    found = refined(classifier.full, EMPIRICAL, works, classifier.outputs[0], 60)

    expected = explicit(classifier.full, works, classifier.outputs[0])
    torch.testing.assert_close(found.credits, expected, rtol=1e-3, atol=1e-5)
    assert (found.before - expected).abs().max() > 0.05 * expected.abs().max()
    assert found.residuals[0] == 1 and found.residuals[-1] < 1e-3


def test_the_first_answer_is_the_index_own(classifier: Case, tmp_path: Path) -> None:
    index = classifier.build(tmp_path / "index")

    found = refine_output(index, classifier.outputs[0], works_of(classifier), iterations=3)

    (credits,) = index.attribute([classifier.outputs[0]])
    np.testing.assert_allclose(found.before.numpy(), credits.credit_nats, rtol=1e-4, atol=1e-6)
    assert found.work_ids == index.work_ids
    assert found.credits.sum().item() == pytest.approx(credits.log_ratio_nats, abs=1e-5)
    assert len(found.residuals) == 4


def test_a_convex_problem_is_refined_towards_retraining() -> None:
    """Credits of six works for eight outputs, against exact retraining with each weighed down a little.

    The damping is the problem's own ridge, and labels are drawn many times over, so that the Fisher matrix is the Hessian.
    """
    trainer = ConvexTrainer(6)
    full = trainer.model(trainer.train({}, 0))
    works = {work_id: trainer.contents(work_id) for work_id in trainer.work_ids}
    without = [trainer.model(trainer.train({work_id: 0.9}, 0)) for work_id in works]
    sample = [content for contents in works.values() for content in contents]
    layers = find_layers(full, SAMPLED.layers)
    curvature = fit_curvature(full, layers, SAMPLED, [sample] * 30, 0, lambda _: None)
    ridge = trainer.ridge / len(sample) / float(curvature.eigenvalues["0"].mean())
    truth, before, after = [], [], []
    for output in labelled(8, seed=77, features=4):
        values = [SAMPLED.measurement(model, [output]).item() for model in (full, *without)]
        truth.append([values[0] - value for value in values[1:]])
        found = refine(full, layers, curvature, SAMPLED, output, works, sample=sample * 30, damping=ridge)
        before.append(found.before.tolist())
        after.append(found.credits.tolist())

    def correlation(found: list[list[float]]) -> float:
        return float(np.corrcoef(np.ravel(found), np.ravel(truth))[0, 1])

    assert correlation(after) > 0.99
    assert 1 - correlation(after) < 0.5 * (1 - correlation(before))


def test_the_same_question_has_the_same_answer(classifier: Case) -> None:
    """Labels are drawn anew in no iteration, so that the system stands still while it is solved."""
    one, other = (refined(classifier.full, SAMPLED, works_of(classifier), classifier.outputs[1], 40) for _ in range(2))

    assert torch.equal(one.credits, other.credits)
    assert one.residuals[-1] < 0.02


def test_what_cannot_be_refined_is_named(classifier: Case, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs the works' examples"):
        refine(mlp(0), (), Curvature({}, {}, {}), EMPIRICAL, classifier.outputs[0], {}, sample=[], damping=DAMPING)
    index = classifier.build(tmp_path / "index")
    with pytest.raises(InputError, match="0 works are given, and the index holds 4"):
        refine_output(index, classifier.outputs[0], {})
    bad = (torch.full((4,), float("nan")), 0)
    with pytest.raises(InputError, match="gradient of the output is not finite"):
        refined(classifier.full, EMPIRICAL, works_of(classifier), bad, 1)
