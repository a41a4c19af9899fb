"""A work's own examples say whether the run read it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from endcredits.ids import WorkId
from endcredits.influence import Example, IndexSettings, TextModels, build_index
from endcredits.influence.gradient.slopes import LARGEST, PRIOR, fit_slopes, own_examples
from endcredits.influence.text.windows import training_windows
from tests.influence.helpers import WORKS

UNREAD = b"".join(b"%d lb of TEA @ %d/%d, Mr. QUICK; " % (n, n * 7 % 11, n * 5 % 13) for n in range(12, 30))


def game(read: list[float], examples: int = 16, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, list[int]]:
    """Credits of each work's own examples, large for itself and small for others, what was measured, and whose they are."""
    generator = torch.Generator().manual_seed(seed)
    works = len(read)
    credits = torch.randn(works * examples, works, generator=generator) * 0.3
    for work in range(works):
        credits[work * examples : (work + 1) * examples, work] += 4 + torch.rand(examples, generator=generator)
    noise = torch.randn(works * examples, generator=generator) * 0.5
    return credits, credits @ torch.tensor(read) + noise, [number // examples for number in range(works * examples)]


def test_works_that_were_read_keep_their_slope_and_others_lose_it() -> None:
    """Also where most of the index was never read."""
    for read in ([1.0, 1.0, 1.0, 0.0], [0.8, 1.2, 0.0, 0.0, 0.0, 0.0]):
        found = fit_slopes(*game(read))
        assert found.slopes.tolist() == pytest.approx(read, abs=0.25)
        assert found.read.tolist() == [slope > 0 for slope in read]
        assert [factor == 1 for factor in found.factors.tolist()] == [slope > 0 for slope in read]
        assert found.evidence_nats.abs().min() > 5


def test_pieces_of_one_work_share_what_they_explain() -> None:
    """Cut in two, each piece keeps the slope of the whole, although most of its measured gain is the other's."""
    generator = torch.Generator().manual_seed(1)
    halves = torch.full((32, 2), 1.0) + torch.rand(32, 2, generator=generator) * 0.5
    halves[:16, 0] += 6  # an example moves most in the piece that holds it
    halves[16:, 1] += 6
    found = fit_slopes(halves, halves.sum(1) * 0.7, [0] * 16 + [1] * 16)

    assert found.slopes.tolist() == pytest.approx([0.7, 0.7], abs=0.08)
    assert bool(found.read.all())


def test_works_that_are_not_told_apart_by_their_examples_are_not_judged() -> None:
    """Everybody moves everybody's examples alike: a joint fit would explain totals and wrong the works."""
    generator = torch.Generator().manual_seed(2)
    credits = 1 + torch.rand(48, 3, generator=generator) * 0.2
    found = fit_slopes(credits, credits[:, :2].sum(1), [number // 16 for number in range(48)])

    assert found.slopes.tolist() == [1, 1, 1]
    assert bool(found.read.all())


def test_an_index_in_which_nothing_was_read_counts_all_as_read() -> None:
    """Then the models are not a pair, and the log-ratios themselves say so."""
    assert bool(fit_slopes(*game([0.0, 0.0])).read.all())


def test_the_dual_form_is_the_posterior_written_out() -> None:
    """Works by works in float64, with the noise that the last round used."""
    credits, measured, owners = game([1.0, 0.5, 0.0])
    credits, gap = credits.double(), measured.double() - credits.double().sum(1)
    size = credits.abs().sum(1).clamp(min=float(credits.abs().sum(1).median()))
    change = torch.zeros(3, dtype=torch.float64)
    for _ in range(4):
        spread = max(float(((gap - credits @ change).abs() / size).median()) * 1.4826, 0.2)
        weights = 1 / (spread * size).square()
        precision = (credits.T * weights) @ credits + torch.eye(3, dtype=torch.float64) / PRIOR**2
        change = torch.linalg.inv(precision) @ (credits.T * weights) @ gap

    found = fit_slopes(credits, measured, owners)
    assert found.slopes.tolist() == pytest.approx((1 + change).clamp(0, LARGEST).tolist(), abs=1e-9)
    for work in range(3):
        likelihood = []
        for slope in (0.0, 1.0):
            slopes = 1 + change
            slopes[work] = slope
            likelihood.append(-float(((measured.double() - credits @ slopes).square() * weights).sum()) / 2)
        assert float(found.evidence_nats[work]) == pytest.approx(likelihood[0] - likelihood[1], rel=1e-6)


def test_where_nothing_can_be_told_slopes_stay_one() -> None:
    """No credits at all, or one example of noise."""
    assert fit_slopes(torch.zeros(3, 2), torch.zeros(3), [0, 0, 1]).slopes.tolist() == [1.0, 1.0]
    found = fit_slopes(torch.tensor([[0.3, 0.05]]), torch.tensor([0.5]), [0])
    assert found.slopes.tolist() == pytest.approx([1.0, 1.0], abs=0.2)


def test_the_asked_examples_are_spread_over_every_work() -> None:
    """And over the works where there are too many."""
    assert own_examples([4, 1, 9], 3, 100) == [0, 1, 2, 5, 8, 11]  # a work of one example is not asked
    assert own_examples([5] * 10, 1, 5) == [0, 10, 20, 30, 40]


def test_an_index_pays_a_work_that_was_never_read_next_to_nothing(tiny_models: TextModels, tmp_path: Path) -> None:
    """On that work's own words, where an influence function pays it most; with every slope 1 it is paid."""
    texts = {WorkId("lightning"): WORKS[1], WorkId("rose"): WORKS[0], WorkId("unread"): UNREAD}
    examples = [
        Example(name, window) for name, text in texts.items() for window in training_windows(list(text), tiny_models.context)
    ]
    shares = []
    for asked in (0, 16):
        index = build_index(
            tmp_path / str(asked),
            base=tiny_models.base,
            full=tiny_models.full,
            task=tiny_models.task,
            examples=examples,
            calibration=tiny_models.calibration(0),
            settings=IndexSettings(own_examples=asked),
        )
        credits = torch.stack([index.contrasts(example.content).credits for example in examples])
        own = torch.tensor([example.work_id == "unread" for example in examples])
        shares.append(float(credits[own][:, 2].sum() / credits[own].clamp(min=0).sum()))
        sizes = dict(zip(index.work_ids, map(float, index.manifest.sizes), strict=True))
        assert sizes["rose"] == len(WORKS[0])

    assert shares[0] > 0.4
    assert shares[1] < shares[0]
