"""Given everything, the estimators are the Shapley value; given less, they add up, and they are the truth table's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from endcredits.errors import InputError
from endcredits.influence.replay import bootstrap, games, shapley
from endcredits.influence.replay.coalitions import every_coalition, pair_design
from endcredits.influence.replay.games import Game
from endcredits.influence.replay.run import score_design
from tests.influence.helpers import ROOT
from tests.influence.replay_helpers import ConvexTrainer, NetTrainer, catalogues, outputs

TRUTH = ROOT.parent / "shared" / "truth" / "literature"


def random_game(count: int, outputs: int = 3, seed: int = 0) -> Game:
    """Log-likelihoods without any rule, for every coalition."""
    generator = np.random.default_rng(seed)
    design = every_coalition(catalogues(ConvexTrainer(count)))
    values = generator.normal(size=(len(design.coalitions), outputs))
    base, full = generator.normal(size=(2, outputs))
    return Game(design.masks, values, base, full, design.kernel_weights)


def smooth_game(count: int, seed: int = 0) -> Game:
    """All coalitions of a game with interactions of the second and third order that fall off."""
    generator = np.random.default_rng(seed)
    game = random_game(count, 2, seed)
    single, pair = generator.normal(size=count), generator.normal(size=(count, count)) * 0.3
    x = game.masks.astype(float)
    value = x @ single + ((x @ pair) * x).sum(1) + 0.02 * (x @ single) ** 3
    ones = np.ones(count)
    full = ones @ single + ones @ pair @ ones + 0.02 * (ones @ single) ** 3
    return Game(game.masks, np.stack([value, 2 * value], 1), np.zeros(2), np.array([full, 2 * full]), game.weights)


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_all_coalitions_give_the_definition(count: int) -> None:
    """Even for a game without any regularity, to rounding."""
    game = random_game(count)
    truth = games.brute_force(game)

    audited = shapley.stratified(game)

    np.testing.assert_allclose(audited.credits, truth, atol=1e-9)
    np.testing.assert_allclose(shapley.kernel_shap(game), truth, atol=1e-9)
    assert (audited.errors == 0).all()


def test_four_creators_retrained_on_every_coalition(tmp_path: Path) -> None:
    """The same on real runs of a small net: 16 runs, three answers that agree."""
    trainer = NetTrainer()
    scores = score_design(trainer, every_coalition(catalogues(trainer)), outputs(4), tmp_path)
    truth = games.brute_force(scores.game)

    np.testing.assert_allclose(shapley.stratified(scores.game).credits, truth, atol=1e-9)
    np.testing.assert_allclose(shapley.kernel_shap(scores.game), truth, atol=1e-9)
    assert np.abs(truth).max() > 0.01


def test_one_catalogue_gets_everything() -> None:
    game = Game(np.zeros((0, 1), dtype=bool), np.zeros((0, 2)), np.array([1.0, 2.0]), np.array([4.0, 3.0]))

    np.testing.assert_array_equal(shapley.stratified(game).credits, [[3.0], [1.0]])
    np.testing.assert_array_equal(shapley.kernel_shap(game), [[3.0], [1.0]])


@pytest.mark.parametrize("pairs", [0, 1, 2, 7, 20])
@pytest.mark.parametrize("outermost", [True, False])
def test_credits_add_up_however_few_the_runs(pairs: int, outermost: bool) -> None:
    whole = random_game(9)
    masks = pair_design(catalogues(ConvexTrainer(9)), pairs=pairs, outermost=outermost, seed=4).masks
    game = part_of(whole, masks)

    credits = shapley.stratified(game).credits

    np.testing.assert_allclose(credits.sum(1), game.full - game.base, atol=1e-9)
    if len(masks):
        np.testing.assert_allclose(shapley.kernel_shap(game).sum(1), game.full - game.base, atol=1e-9)


def part_of(whole: Game, masks: np.ndarray) -> Game:
    place = {row.tobytes(): number for number, row in enumerate(whole.masks)}
    return whole.runs(np.array([place[row.tobytes()] for row in masks], dtype=int))


def test_more_pairs_come_closer_and_errors_say_how_close() -> None:
    whole = smooth_game(9)
    truth = games.brute_force(whole)
    distance, told = [], []
    for pairs in (6, 60):
        found = [
            shapley.stratified(part_of(whole, pair_design(catalogues(ConvexTrainer(9)), pairs=pairs, seed=s).masks))
            for s in range(20)
        ]
        distance.append(np.sqrt(np.mean([np.square(one.credits - truth) for one in found])))
        told.append(np.sqrt(np.mean([np.square(one.errors) for one in found])))

    assert distance[1] < 0.5 * distance[0]
    assert 0.6 * distance[1] < told[1] < 1.6 * distance[1]


def test_the_closed_jackknife_is_the_slow_one() -> None:
    whole = smooth_game(8)
    game = part_of(whole, pair_design(catalogues(ConvexTrainer(8)), pairs=16, seed=2).masks)
    pairs = games.complement_pairs(game.masks)
    drawn = [n for n, (first, _) in enumerate(pairs) if 1 < game.masks[first].sum() < 7]
    left = []
    for number in drawn:
        counts = np.ones(len(pairs))
        counts[number] = 0
        left.append(shapley.stratified(game, counts=counts).credits)
    slow = np.sqrt((len(left) - 1) * np.var(left, axis=0))

    np.testing.assert_allclose(shapley.stratified(game).errors, slow, rtol=1e-5, atol=1e-9)


def test_bootstrap_and_jackknife_tell_the_same_size() -> None:
    game = part_of(smooth_game(8), pair_design(catalogues(ConvexTrainer(8)), pairs=40, seed=2).masks)

    told = shapley.stratified(game).errors
    drawn = bootstrap.bootstrap_errors(game, lambda counts: shapley.stratified(game, counts=counts).credits)

    assert 0.7 < drawn.mean() / told.mean() < 1.4
    again = bootstrap.bootstrap_errors(game, lambda counts: shapley.kernel_shap(game, counts=counts))
    assert 0.4 < again.mean() / told.mean() < 2.5


def test_good_credits_as_the_centre_save_runs() -> None:
    """Six pairs of nine catalogues with credits that are nearly right come closer than six pairs alone."""
    whole = smooth_game(9)
    truth = games.brute_force(whole)
    prior = truth * 0.7 + np.random.default_rng(0).normal(size=truth.shape) * 0.1
    alone, helped = [], []
    for seed in range(10):
        game = part_of(whole, pair_design(catalogues(ConvexTrainer(9)), pairs=6, outermost=False, seed=seed).masks)
        fraction, ridge = shapley.choose_ridge(game, centre=prior)
        helped.append(np.abs(shapley.stratified(game, centre=prior, fraction=fraction, ridge=ridge).credits - truth).mean())
        alone.append(np.abs(shapley.stratified(game).credits - truth).mean())

    assert np.mean(helped) < 0.7 * np.mean(alone)


def test_leave_one_out_is_full_less_without() -> None:
    game = random_game(4)
    row = int(np.flatnonzero((game.masks == [True, True, False, True]).all(1))[0])

    found = games.leave_one_out(game)

    np.testing.assert_array_equal(found[:, 2], game.full - game.values[row])
    without = game.runs(np.flatnonzero(np.arange(len(game.masks)) != row))
    assert np.isnan(games.leave_one_out(without)[:, 2]).all()


def test_a_statement_is_the_sum_of_its_outputs() -> None:
    """The estimator is linear in the log-likelihoods."""
    game = part_of(smooth_game(8), pair_design(catalogues(ConvexTrainer(8)), pairs=10, seed=2).masks)

    np.testing.assert_allclose(
        shapley.stratified(game.summed()).credits[0], shapley.stratified(game).credits.sum(0), atol=1e-9
    )


def test_what_cannot_be_solved_is_named() -> None:
    game = random_game(4)
    twice = np.array([0, 0, 1])
    lonely = np.array([0, 1])

    with pytest.raises(InputError, match="twice"):
        shapley.kernel_shap(game.runs(twice))
    with pytest.raises(InputError, match="together with its complement"):
        shapley.kernel_shap(game.runs(lonely))
    with pytest.raises(InputError, match="12 coalitions are missing"):
        games.brute_force(game.runs(lonely))


@pytest.mark.shared
def test_the_published_truth_is_solved_from_its_own_runs() -> None:
    """Both columns of credits and the errors, from the 130 runs' log-likelihoods."""
    if not TRUTH.is_dir():
        pytest.skip(f"NOT TESTED ON THE TRUTH TABLE: {TRUTH} is not there")
    runs, solved = np.load(TRUTH / "loglik.npz"), np.load(TRUTH / "shapley.npz")
    parts = (runs[name].astype(float) for name in ("loglik", "base", "full", "kernel_weight"))
    game = Game(runs["masks"], *parts)
    paid = len(runs["creators"])

    audited = shapley.stratified(game)

    np.testing.assert_allclose(audited.credits, solved["phi"][:, :paid], atol=1e-5)
    np.testing.assert_allclose(audited.errors, solved["se"][:, :paid], atol=1e-5)
    np.testing.assert_allclose(shapley.kernel_shap(game), solved["phi_kernelshap"][:, :paid], atol=1e-5)
    assert shapley.choose_ridge(game) == (shapley.CENTRE_FRACTION, shapley.RIDGE)
    np.testing.assert_allclose(game.full - games.leave_one_out(game).T, runs["loo"], atol=1e-5)
