"""A budget becomes runs, runs become credits with bands, and those correct the index that they are held against."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from endcredits.ids import WorkId
from endcredits.influence.replay.audit import AuditResult, budget_design, calibration_from, solve_audit
from endcredits.influence.replay.calibration import apply_calibration
from endcredits.influence.replay.coalitions import every_coalition
from endcredits.influence.replay.games import brute_force
from endcredits.influence.replay.run import Scores, log_likelihoods, score_design
from tests.influence.replay_helpers import ConvexTrainer, catalogues, outputs

TRAINER = ConvexTrainer(7)
OUTPUTS = 12


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs that all tests of this file share."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def truth(cache: Path) -> np.ndarray:
    """Shapley credits over all 128 coalitions."""
    return brute_force(score_design(TRAINER, every_coalition(catalogues(TRAINER)), outputs(OUTPUTS), cache).game)


def scored(cache: Path, runs_per_catalogue: float) -> Scores:
    design = budget_design(catalogues(TRAINER), runs_per_catalogue=runs_per_catalogue, seed=1)
    return score_design(TRAINER, design, outputs(OUTPUTS), cache, repeats=0)


def distance(result: AuditResult, truth: np.ndarray) -> float:
    return float(np.abs(result.audited.credits - truth).mean())


def test_a_budget_is_kept() -> None:
    for budget, expected in ((1.0, 6), (2.0, 14), (3.5, 24)):
        assert len(budget_design(catalogues(TRAINER), runs_per_catalogue=budget).coalitions) == expected


@pytest.fixture(scope="module")
def response() -> np.ndarray:
    """What the response tier measures with forward passes: each catalogue on and off, the others at half weight."""
    task, found = TRAINER.task(), []
    for work_id in TRAINER.work_ids:
        half = dict.fromkeys(TRAINER.work_ids, 0.5)
        models = [TRAINER.model(TRAINER.train({**half, work_id: weight}, 0)) for weight in (1.0, 0.0)]
        on, off = (log_likelihoods(model, task, outputs(OUTPUTS)) for model in models)
        found.append(on - off)
    return np.stack(found, 1)


def test_two_runs_a_catalogue_and_credits_come_close(cache: Path, truth: np.ndarray, response: np.ndarray) -> None:
    """With measured responses for the middle the ends are enough; the bands hold most of the truth; sums are exact."""
    two = scored(cache, 2.0)

    helped, alone = solve_audit(two, response), solve_audit(two)

    contrasts = response - response.mean(1, keepdims=True) + helped.log_ratio[:, None] / 7
    assert distance(helped, truth) < 0.5 * np.abs(contrasts - truth).mean()
    assert distance(helped, truth) < 0.5 * distance(alone, truth)
    np.testing.assert_allclose(helped.audited.credits.sum(1), helped.log_ratio, atol=1e-6)
    held = np.abs(helped.audited.credits - truth) <= 1.645 * helped.audited.errors
    assert held.mean() > 0.8
    assert np.isfinite(helped.level_errors).all() and helped.runs == 14
    assert np.isnan(helped.seed_noise).all()


def test_drawn_pairs_bring_errors_of_their_own(cache: Path, truth: np.ndarray) -> None:
    result = solve_audit(scored(cache, 6.0), truth + 0.01)

    assert distance(result, truth) < 0.1 * np.abs(truth).mean()
    assert np.isfinite(result.audited.errors).all() and (result.audited.errors > 0).any()
    assert solve_audit(scored(cache, 6.0)).runs == 42


def test_an_audit_corrects_the_index(cache: Path, truth: np.ndarray) -> None:
    """Levels and slope from six outputs make six others better."""
    wrong = truth * 0.5 + np.linspace(-0.05, 0.05, 7)
    result = solve_audit(scored(cache, 6.0), wrong)
    some, others = slice(0, 6), slice(6, OUTPUTS)

    fit = calibration_from(
        AuditResult(
            result.catalogues,
            type(result.audited)(result.audited.credits[some], result.audited.errors[some]),
            result.alone[some],
            result.level_errors,
            result.log_ratio[some],
            result.seed_noise[some],
            result.runs,
        ),
        wrong[some],
        dated="2026-01-01T00:00:00Z",
        trainer_digest=TRAINER.digest,
        index_digest="i",
        sizes={name: {WorkId(name): 3.0, WorkId(f"{name}'s"): 1.0} for name in result.catalogues},
    )
    found = apply_calibration(fit, result.catalogues, wrong[others], result.log_ratio[others])

    assert np.abs(found - truth[others]).mean() < 0.6 * np.abs(wrong[others] - truth[others]).mean()
    assert fit.trainer_digest == TRAINER.digest and fit.runs == 42
    assert [part.part_ppb for part in fit.levels[0].parts] == [750_000_000, 250_000_000]
    assert fit.reliability_ppb is not None and fit.reliability_ppb > 900_000_000  # the index is right but for a slope


@pytest.mark.parametrize("works", [1, 2, 3])
def test_few_catalogues_are_audited_exactly(works: int, tmp_path: Path) -> None:
    """Two runs a catalogue are then all coalitions, so whatever the index says changes nothing."""
    trainer = ConvexTrainer(works)
    scores = score_design(trainer, budget_design(catalogues(trainer)), outputs(2), tmp_path)

    found = solve_audit(scores, np.ones((2, works)))

    np.testing.assert_allclose(found.audited.credits, brute_force(scores.game), atol=1e-9)
    assert (found.audited.errors == 0).all() and (found.level_errors == 0).all()
