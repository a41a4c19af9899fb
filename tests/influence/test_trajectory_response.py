"""The derivative of a run is what retraining with slightly other weights shows, in both directions of the walk."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from endcredits.errors import InputError
from endcredits.influence.trajectory import response
from endcredits.influence.trajectory.response import gradients, responses, trace_back
from endcredits.influence.trajectory.run import SgdRun, at_half_weight, train
from tests.influence.helpers import EMPIRICAL, LABELS, Labelled, labelled

N, STEPS = 12, 30


def smooth_model() -> nn.Module:
    """Without kinks, in double precision, so that finite differences are exact to many digits."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, LABELS)).double()


def examples(count: int, seed: int) -> list[Labelled]:
    """Features in double precision."""
    return [(features.double(), label) for features, label in labelled(count, seed)]


def some_run() -> SgdRun:
    """Batches of four in a drawn order, one of them with an example twice; falling rates."""
    generator = torch.Generator().manual_seed(5)
    batches = [tuple(torch.randperm(N, generator=generator)[:4].tolist()) for _ in range(STEPS)]
    batches[3] = (1, 1, 2, 7)
    rates = tuple(0.3 * (1 - step / STEPS) for step in range(STEPS))
    return SgdRun(tuple(batches), rates, momentum=0.8, weight_decay=0.01, normaliser=4)


def retrained(contents: list[Labelled], run: SgdRun, weights: Tensor, outputs: list[Labelled]) -> Tensor:
    """The slow twin: torch's optimizer with one loss weight per example; gives the outputs' measurements."""
    model = smooth_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=run.momentum, weight_decay=run.weight_decay)
    for batch, rate in zip(run.batches, run.rates, strict=True):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        losses = EMPIRICAL.train_loss(model, [contents[i] for i in batch])
        torch.autograd.backward((losses * weights[list(batch)]).sum() / run.normaliser)
        optimizer.step()
    return EMPIRICAL.measurement(model, outputs).detach()


@pytest.mark.parametrize("half", [False, True])
def test_both_walks_agree_with_retraining(half: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forward, backward and central differences give one matrix, at full and at half weight, in chunks or whole."""
    contents, outputs = examples(N, 1), examples(5, 2)
    run = at_half_weight(some_run()) if half else some_run()
    monkeypatch.setattr(response, "CHUNK", 3)

    trajectory = train(smooth_model(), EMPIRICAL, contents, run)
    backward = trace_back(trajectory, gradients(trajectory.flat, trajectory.end, outputs))
    forward = responses(smooth_model(), EMPIRICAL, contents, range(N), run)

    torch.testing.assert_close(forward.end, trajectory.end)
    torch.testing.assert_close(forward.scores(outputs), backward)
    step, weights = 1e-5, torch.full((N,), run.weight, dtype=torch.float64)
    for i in range(N):
        moved = torch.nn.functional.one_hot(torch.tensor(i), N) * step
        ends = [retrained(contents, run, weights + sign * moved, outputs) for sign in (1, -1)]
        torch.testing.assert_close(backward[:, i], (ends[0] - ends[1]) / (2 * step), rtol=1e-4, atol=1e-7)
    assert backward.abs().max() > 0.01


def test_a_work_is_the_sum_of_its_examples() -> None:
    """Examples of nobody move the run and have no response."""
    contents, outputs, run = examples(N, 1), examples(3, 2), some_run()
    owners = [0, 0, 1, 1, 1, -1, -1, 2, 0, 2, 1, -1]

    single = responses(smooth_model(), EMPIRICAL, contents, range(N), run).scores(outputs)
    joined = responses(smooth_model(), EMPIRICAL, contents, owners, run).scores(outputs)

    expected = torch.stack([single[:, [i for i in range(N) if owners[i] == work]].sum(1) for work in range(3)], 1)
    torch.testing.assert_close(joined, expected)


def test_on_a_convex_model_a_response_is_leave_one_out_to_first_order() -> None:
    """Softmax regression trained to the bottom: -response is what the output changes by when the example is left out."""
    contents, outputs = examples(40, 1), examples(6, 2)
    run = SgdRun((tuple(range(40)),) * 400, (0.5,) * 400, momentum=0.9, weight_decay=0.05, normaliser=40)
    model = nn.Linear(4, LABELS).double()

    scores = responses(model, EMPIRICAL, contents, range(40), run).scores(outputs)

    def optimum(left_out: int | None) -> Tensor:
        rest = tuple(i for i in range(40) if i != left_out)
        trajectory = train(model, EMPIRICAL, contents, replace(run, batches=(rest,) * 400))
        return EMPIRICAL.measurement(trajectory.model, outputs).detach()

    whole = optimum(None)
    truth = torch.stack([whole - optimum(i) for i in range(0, 40, 4)], 1)
    assert torch.corrcoef(torch.stack([scores[:, ::4].reshape(-1), truth.reshape(-1)]))[0, 1] > 0.995
    assert ((scores[:, ::4] - truth).norm() / truth.norm()).item() < 0.15  # the rest is second order in 1/40
    trajectory = train(model, EMPIRICAL, contents, run)
    hessian = torch.func.hessian(lambda at: trajectory.flat.loss(contents)(at).mean() + 0.025 * at @ at)(trajectory.end)
    slopes = torch.func.jacrev(trajectory.flat.loss(contents))(trajectory.end) / 40
    influence = -gradients(trajectory.flat, trajectory.end, outputs) @ torch.linalg.solve(hessian, slopes.T)
    torch.testing.assert_close(scores, influence, rtol=1e-5, atol=1e-8)  # and it is the influence function


def test_numbers_of_works_must_fit() -> None:
    """One number per example, and somebody to credit."""
    contents = examples(N, 1)
    with pytest.raises(InputError, match="2 numbers of works for 12 examples"):
        responses(smooth_model(), EMPIRICAL, contents, [0, 1], some_run())
    with pytest.raises(InputError, match="at least one work"):
        responses(smooth_model(), EMPIRICAL, contents, [-1] * N, some_run())
