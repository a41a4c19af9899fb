"""Reliability is one for credits that retraining repeats, nothing for noise, and what the noise leaves in between."""

from __future__ import annotations

import numpy as np
import pytest

from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence import Credits
from endcredits.influence.replay import games, shapley
from endcredits.influence.replay.calibration import contrast
from endcredits.influence.replay.reliability import FEWEST_OUTPUTS, reliability, unrelated_levels
from tests.influence.helpers import ROOT

TRUTH = ROOT.parent / "shared" / "truth" / "literature"


def drawn(outputs: int, noise: float, seed: int = 0, catalogues: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """What an index says of what the runs show, with noise of so many times its spread."""
    generator = np.random.default_rng(seed)
    shown = generator.normal(size=(outputs, catalogues))
    return shown + noise * generator.normal(size=shown.shape), shown


def test_what_retraining_repeats_is_wholly_reliable_and_noise_is_not() -> None:
    same, shown = drawn(40, 0.0)
    noise = np.random.default_rng(9).normal(size=shown.shape)

    assert reliability(same, shown) == pytest.approx((1.0, 0.0), abs=1e-9)
    assert reliability(3 * same + np.arange(6), shown) == reliability(3 * same, shown)  # levels and slope are fitted
    found = reliability(noise, shown)
    assert found is not None and found[0] < 0.03


@pytest.mark.parametrize("noise,expected", [(0.5, 0.8), (1.0, 0.5), (2.0, 0.2)])
def test_it_is_the_part_of_the_variance_that_is_foretold(noise: float, expected: float) -> None:
    """Signal / (signal + noise) of a linear index, whose slope is fitted on other outputs."""
    found = reliability(*drawn(400, noise))
    assert found is not None and found[0] == pytest.approx(expected, abs=0.05)


def test_its_error_is_how_much_it_varies() -> None:
    found = [reliability(*drawn(40, 1.0, seed)) for seed in range(20)]
    values, errors = zip(*(one for one in found if one is not None), strict=True)
    assert 0.5 < np.mean(errors) / np.std(values, ddof=1) < 1.6


def test_held_out_outputs_decide() -> None:
    """With as many catalogues as outputs, levels alone follow any noise they were fitted on; that earns nothing here."""
    generator = np.random.default_rng(2)
    shown, estimated = generator.normal(size=(6, 40)), generator.normal(size=(6, 40))
    found = reliability(estimated, shown)
    assert found is not None and found[0] < 0.05


def test_too_few_outputs_say_nothing() -> None:
    assert reliability(*drawn(FEWEST_OUTPUTS - 1, 0.1)) is None
    assert reliability(*drawn(FEWEST_OUTPUTS, 0.1)) is not None
    assert reliability(np.zeros((5, 3)), np.zeros((5, 3))) == (0.0, 0.0)
    with pytest.raises(InputError):
        reliability(*drawn(6, 0.1, catalogues=1))


def test_unrelated_outputs_show_what_a_catalogue_gets_by_accident() -> None:
    works = tuple(map(WorkId, "abc"))
    rows = np.random.default_rng(1).normal(size=(7, 3))
    credits = [Credits(0.0, works, tuple(row.tolist()), (0.0,) * 3) for row in rows]
    groups = [[works[0], works[2]], [works[1]]]

    found = unrelated_levels(credits, groups)

    slow = contrast(np.stack([rows[:, 0] + rows[:, 2], rows[:, 1]], 1))
    np.testing.assert_allclose(found, [np.sqrt((slow[:, k] ** 2).mean()) for k in range(2)])
    with pytest.raises(InputError, match="no unrelated output"):
        unrelated_levels([], groups)


@pytest.mark.shared
def test_audits_of_the_truth_table_bound_it_from_below() -> None:
    """Leave-one-out losses as the index: the outermost runs alone say less than the whole table, drawn pairs about as much,
    and noise passes for nothing."""
    if not TRUTH.is_dir():
        pytest.skip(f"NOT TESTED ON THE TRUTH TABLE: {TRUTH} is not there")
    import pyarrow.parquet as pq

    runs, solved = np.load(TRUTH / "loglik.npz"), np.load(TRUTH / "shapley.npz")
    kinds = {row["query_id"]: row["kind"] for row in pq.read_table(TRUTH / "queries.parquet").to_pylist()}
    chosen = np.array([kinds[str(name)].startswith("gen") for name in runs["query_id"]])
    game = games.Game(runs["masks"], *(runs[part].astype(float) for part in ("loglik", "base", "full"))).of(chosen)
    outermost = np.isin(game.masks.sum(1), (1, game.masks.shape[1] - 1))
    lost = games.leave_one_out(game)
    shown = {
        "whole": solved["phi"][chosen][:, : lost.shape[1]].astype(float),
        "ends": shapley.stratified(game.runs(outermost)).credits,
        "pairs": shapley.stratified(game.runs(~outermost)).credits,
    }

    found = {name: (reliability(lost, credits) or (0.0, 0.0))[0] for name, credits in shown.items()}
    noise = np.random.default_rng(1).normal(size=lost.shape)

    assert found["whole"] == pytest.approx(0.77, abs=0.01)
    assert found["ends"] < found["whole"] and found["pairs"] == pytest.approx(found["whole"], abs=0.06)
    assert all((reliability(noise, credits) or (1.0, 0.0))[0] < 0.05 for credits in shown.values())
