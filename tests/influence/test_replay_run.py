"""Runs are made once, survive a kill, and do not depend on how many processes made them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from endcredits.errors import InputError, IntegrityError
from endcredits.ids import WorkId
from endcredits.influence.replay import run as replay
from endcredits.influence.replay.coalitions import catalogues_of, pair_design
from tests.influence.helpers import ROOT, files_of
from tests.influence.replay_helpers import ConvexTrainer, NetTrainer, catalogues, outputs


def test_scores_are_those_of_runs_made_by_hand(tmp_path: Path) -> None:
    trainer = ConvexTrainer(4)
    design = pair_design(catalogues(trainer), pairs=2, seed=1)

    scores = replay.score_design(trainer, design, outputs(5), tmp_path, repeats=1)

    for coalition, row in zip(design.coalitions, scores.coalitions, strict=True):
        model = trainer.model(trainer.train(design.work_weights(coalition.members), 0))
        expected = [float(trainer.task().measurement(model, [output]).item()) for output in outputs(5)]
        np.testing.assert_allclose(row, expected, atol=1e-6)
    np.testing.assert_allclose(scores.base, np.log(1 / 3), atol=1e-6)  # nothing read: all classes alike
    np.testing.assert_array_equal(scores.repeats[0], scores.full)  # a convex run has no order
    assert (scores.seed_noise < 1e-12).all()
    assert scores.game.values is scores.coalitions


def test_a_longer_design_goes_on_from_a_shorter_one(tmp_path: Path) -> None:
    counter = tmp_path / "calls"
    trainer = ConvexTrainer(5, calls=str(counter))
    short = pair_design(catalogues(trainer), pairs=2, seed=1)
    replay.score_design(trainer, short, outputs(3), tmp_path / "cache")
    made = len(counter.read_text().splitlines())
    kept = files_of(tmp_path / "cache")

    replay.score_design(trainer, short, outputs(3), tmp_path / "cache")
    assert len(counter.read_text().splitlines()) == made == len(short.coalitions) + 2
    longer = pair_design(catalogues(trainer), pairs=4, seed=1)
    replay.score_design(trainer, longer, outputs(3), tmp_path / "cache")

    assert len(counter.read_text().splitlines()) == len(longer.coalitions) + 2
    assert kept.items() <= files_of(tmp_path / "cache").items()


def test_processes_make_the_same_bytes(tmp_path: Path) -> None:
    trainer = NetTrainer()
    design = pair_design(catalogues(trainer), pairs=1)
    told: list[tuple[str, int, int]] = []

    replay.score_design(trainer, design, outputs(3), tmp_path / "one", repeats=2)
    replay.score_design(
        trainer, design, outputs(3), tmp_path / "two", repeats=2, processes=2, progress=lambda *now: told.append(now)
    )

    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
    runs = len(design.coalitions) + 4
    assert told[runs - 1] == ("retraining", runs, runs)
    assert told[-1] == ("scoring", runs, runs)


def test_a_snapshot_may_hold_a_part_of_the_model(tmp_path: Path) -> None:
    trainer = NetTrainer()
    (path,) = replay.train_runs(trainer, [replay.run_of({WorkId("w1"): 0.0})], tmp_path)

    assert set(replay.load_run(path)) == {"2.weight", "2.bias"}
    model = trainer.model(replay.load_run(path))
    assert torch.isfinite(trainer.task().measurement(model, outputs(2))).all()


def test_a_weight_of_one_is_no_weight() -> None:
    assert replay.run_of({WorkId("a"): 1.0, WorkId("b"): 0.0}) == replay.run_of({WorkId("b"): 0})
    assert replay.run_of({}).name("x") != replay.run_of({}, seed=1).name("x")
    assert replay.run_of({}).name("x") != replay.run_of({}).name("y")


def test_a_killed_audit_goes_on(tmp_path: Path) -> None:
    """Killed for good after some runs: those stay as they are, and the end is that of an audit never killed."""
    script = (
        "from pathlib import Path\n"
        "from endcredits.influence.replay import run as replay\n"
        "from endcredits.influence.replay.coalitions import pair_design\n"
        "from tests.influence.replay_helpers import ConvexTrainer, catalogues, outputs\n"
        "import sys, time, torch\n"
        "torch.set_num_threads(1)\n"
        "t = ConvexTrainer(5)\n"
        "slow = lambda *a: time.sleep(0.05)\n"
        "replay.score_design(t, pair_design(catalogues(t), pairs=5), outputs(3), Path(sys.argv[1]), progress=slow)\n"
    )
    cache = tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(cache)], cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    deadline = time.monotonic() + 60
    while len(list(cache.glob("*.safetensors"))) < 4 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = {name: data for name, data in files_of(cache).items() if name.endswith(".safetensors")}
    assert 4 <= len(before) < 20

    trainer = ConvexTrainer(5)
    design = pair_design(catalogues(trainer), pairs=5)
    replay.score_design(trainer, design, outputs(3), cache)
    replay.score_design(trainer, design, outputs(3), tmp_path / "whole")

    after = {name: data for name, data in files_of(cache).items() if name.endswith(".safetensors")}
    assert before.items() <= after.items()
    assert after == files_of(tmp_path / "whole")


def test_a_damaged_run_is_made_again(tmp_path: Path) -> None:
    trainer = ConvexTrainer(3)
    (path,) = replay.train_runs(trainer, [replay.run_of({})], tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-4] + b"abcd")

    with pytest.raises(IntegrityError, match="snapshot of a run"):
        replay.load_run(path)
    replay.train_runs(trainer, [replay.run_of({})], tmp_path)

    assert path.read_bytes() == whole


class Diverging(ConvexTrainer):
    """Its runs end in NaN."""

    def train(self, work_weights, seed, progress=lambda *_: None):  # type: ignore[no-untyped-def]
        return {"0.weight": torch.full((3, 4), float("nan"))}


def test_what_cannot_be_run_is_named(tmp_path: Path) -> None:
    trainer = ConvexTrainer(3)
    strange = pair_design(catalogues_of({"a": [WorkId("w0")], "b": [WorkId("elsewhere")]}), pairs=1)

    with pytest.raises(InputError, match="no work 'elsewhere'"):
        replay.score_design(trainer, strange, outputs(2), tmp_path)
    with pytest.raises(InputError, match="no outputs"):
        replay.score_design(trainer, pair_design(catalogues(trainer), pairs=1), [], tmp_path)
    with pytest.raises(InputError, match=r"the run without 1 works diverged: 0\.weight"):
        replay.train_runs(Diverging(3), [replay.run_of({WorkId("w0"): 0.0})], tmp_path)
    assert not list(tmp_path.glob("*.safetensors"))


def test_an_impossible_output_is_named() -> None:
    trainer = ConvexTrainer(3)
    model = trainer.model(trainer.train({}, 0))
    x, label = outputs(1)[0]

    with pytest.raises(InputError, match="output 2 is not finite"):
        replay.log_likelihoods(model, trainer.task(), [(x, label), (x * float("inf"), label)])
