"""The digits bench on a made-up truth: what its parts compute, and that its rows are whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.lds import __main__ as bench
from benchmarks.lds import baselines, ours, peers
from benchmarks.lds.cache import kept
from benchmarks.lds.gradients import log_probability_gradients, solve_in_examples, surprise
from benchmarks.lds.score import agreement, ceiling
from benchmarks.lds.truth import SNAPSHOTS, TASK, Image, Truth, batch, ranks, run_of, spearman, start

SEEDS = 2


def images(count: int, seed: int) -> list[Image]:
    """Random pixels whose label a fixed rule gives."""
    pixels = torch.rand(count, 64, generator=torch.Generator().manual_seed(seed))
    rule = torch.randn(64, 10, generator=torch.Generator().manual_seed(7))
    return [(row, int(label)) for row, label in zip(pixels, ((pixels - 0.5) @ rule).argmax(1), strict=True)]


@pytest.fixture
def truth() -> Truth:
    """Twenty examples, six queries, and losses in which every example's help is its number."""
    generator = np.random.default_rng(0)
    masks = generator.random((30, 20)) < 0.5
    gained = masks @ np.arange(20.0)
    loss = 500 - gained[:, None, None] + generator.standard_normal((30, 4, 6))
    weights = {}
    for name in ("final", *SNAPSHOTS):
        states = [start(seed).state_dict() for seed in range(SEEDS)]
        weights |= {f"{name}.{key}": torch.stack([state[key] for state in states]) for key in states[0]}
    return Truth(images(20, 1), images(6, 2), masks, loss, -loss, weights, 1.0, "made up")


def test_ranks_share_their_mean_where_values_tie() -> None:
    """Spearman is Pearson on ranks, with ties in the middle; a constant says nothing."""
    column = np.array([[3.0], [1.0], [3.0], [2.0]])
    assert ranks(column)[:, 0].tolist() == [3.5, 1.0, 3.5, 2.0]
    assert spearman(column, -column)[0] == pytest.approx(-1)
    assert spearman(column, np.ones((4, 1)))[0] == 0


def test_perfect_scores_reach_the_ceiling_and_noise_does_not(truth: Truth) -> None:
    """The number of an example is its help: that ranking is found, its opposite is the worst, noise is neither."""
    perfect = np.tile(np.arange(20.0), (6, 1))
    best, worst = agreement(truth, perfect), agreement(truth, -perfect)
    noise = agreement(truth, np.random.default_rng(3).standard_normal((6, 20)))

    assert best.lds > 0.98
    assert worst.lds == pytest.approx(-best.lds)
    assert abs(noise.lds) < 0.4
    assert best.worst_fold <= best.lds + 1e-9
    assert best.lds_margin == pytest.approx(best.lds, abs=0.01)
    assert ceiling(truth) == pytest.approx(best.lds, abs=0.02)


@pytest.mark.parametrize(("examples", "coordinates"), [(5, 12), (12, 5)])
def test_the_small_system_solves_the_large_one(examples: int, coordinates: int) -> None:
    """The Gram matrix' solve against the explicit inverse over the weights, with fewer and with more rows than weights."""
    generator = torch.Generator().manual_seed(4)
    rows, queries = (torch.randn(n, coordinates, generator=generator).double() for n in (examples, 3))
    damped = rows.T @ rows + 0.7 * (rows @ rows.T).diagonal().mean() * torch.eye(coordinates)

    torch.testing.assert_close(solve_in_examples(rows, queries, 0.7), queries @ torch.linalg.inv(damped) @ rows.T)


def test_gradients_and_kernel_are_those_of_autograd(truth: Truth) -> None:
    """Row by row, and the kernel with explicit margins and an explicit inverse."""
    model = truth.snapshot("final", 1)
    found = log_probability_gradients(model, truth.examples)
    margins = []
    for number, (pixels, digit) in enumerate(truth.examples):
        logits = model(pixels[None])[0]
        others = torch.logsumexp(torch.cat([logits[:digit], logits[digit + 1 :]]), 0)
        for row, value in ((found[number], torch.log_softmax(logits, 0)[digit]), (None, logits[digit] - others)):
            parts = torch.autograd.grad(value, list(model.parameters()), retain_graph=True)
            flat = torch.cat([part.reshape(-1) for part in parts])
            if row is None:
                margins.append(flat)
            else:
                torch.testing.assert_close(row, flat, rtol=1e-4, atol=1e-6)
    explicit = torch.stack(margins)
    torch.testing.assert_close(found / surprise(model, truth.examples)[:, None], explicit, rtol=1e-3, atol=1e-4)
    same = replace(truth, queries=truth.examples)
    gram = (explicit @ explicit.T).double()
    solved = gram @ torch.linalg.inv(gram + gram.diagonal().mean() * torch.eye(20).double())
    torch.testing.assert_close(ours.kernel(model, same), solved * surprise(model, truth.examples), rtol=1e-3, atol=1e-5)


def test_the_recorded_order_and_rates() -> None:
    """30 epochs of 30 batches, each epoch everybody once, rates that fall in a line to nearly nothing."""
    run = run_of(0)
    assert len(run.batches) == 900
    assert sorted(i for step in run.batches[30:60] for i in step) == list(range(1500))
    assert run.rates[0] == 0.05 and run.rates[-1] == pytest.approx(0.05 / 900)
    assert run_of(1).batches != run.batches


def test_rows_are_whole_and_the_second_time_is_read(truth: Truth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cheap method scores every pair, runs differ where they say so, and a cached row computes nothing."""
    monkeypatch.setattr(baselines, "PROJECTED", 16)
    cheap = [m for m in bench.METHODS if m.scores not in (ours.response_full, ours.response_half, ours.kernel_half_run)]
    rows = [bench.row(truth, method, tmp_path, SEEDS) for method in cheap]

    assert len(rows) == 13
    for method, line in zip(cheap, rows, strict=True):
        assert -1 <= line["lds_worst_fold"] <= 1 and line["seconds"] >= 0
        assert ("lds_by_seed" in line) == method.seeds
    calls: list[int] = []
    assert bench.row(truth, cheap[0], tmp_path, SEEDS) == rows[0]
    found, _ = kept(tmp_path, "a key", lambda: np.ones((2, 2)) * (calls.append(1) or 3))
    same, _ = kept(tmp_path, "a key", lambda: np.ones((2, 2)) * (calls.append(1) or 4))
    assert len(calls) == 1 and found.tolist() == same.tolist() == [[3, 3], [3, 3]]


def test_a_peer_that_is_not_there_says_so() -> None:
    """And is told apart from one that fails."""
    with pytest.raises(peers.Unavailable, match="not installed"):
        peers.library("no_such_library_of_anybody")


def test_the_task_gives_one_number_each(truth: Truth) -> None:
    """Log-probabilities, and losses for labels that the model draws."""
    model = start(0)
    chances = torch.softmax(model(batch(truth.queries)[0]), 1)
    labels = torch.tensor([digit for _, digit in truth.queries])
    torch.testing.assert_close(TASK.measurement(model, truth.queries).exp(), chances[torch.arange(6), labels])
    assert TASK.sampled_loss is not None
    drawn = TASK.sampled_loss(model, truth.queries, torch.Generator().manual_seed(1))
    assert all(any(torch.isclose(chance, (-loss).exp()) for chance in row) for row, loss in zip(chances, drawn, strict=True))
