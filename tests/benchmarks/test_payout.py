"""The bench that decides, on a truth small enough to make here, and its figures against slow twins."""

from __future__ import annotations

import argparse
import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.payout.__main__ import run, show
from benchmarks.payout.metrics import (
    coalition_lds,
    coverage,
    error_per_statement,
    errors_per_output,
    leakage,
    ndcg3,
    noise_floor,
    ranks,
    top1,
)
from benchmarks.payout.ours import trainer_of
from benchmarks.payout.panel import load_panel
from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence import Example
from endcredits.influence.replay.make import make_truth
from endcredits.influence.replay.table import TruthExample, TruthQuery
from endcredits.influence.text.finetune import Recipe, TextFineTune
from endcredits.influence.text.tiny import TinySettings, train_tiny
from endcredits.influence.text.windows import training_windows

TEXTS = {
    "ann": b"a rose is a rose, said the gardener to the rose, and the rose said nothing at all. " * 2,
    "bob": b"zig zag went the lightning, zip zap went the fox over the frozen fence and away. " * 2,
    "cleo": b"hum hum hum, low and slow the moon goes home, oh so slow and low it goes home. " * 2,
}
TINY = TinySettings(width=16, layers=1, heads=2, context=24, batch_windows=8)


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A truth folder of three creators, one phantom and eight outputs."""
    place = tmp_path_factory.mktemp("truth")
    base, _ = train_tiny(place, [b"the sea is wide and the wind is cold, and the ships go out at dawn. " * 30], [b"x"], TINY)
    examples = tuple(Example(WorkId(k), w) for k, text in TEXTS.items() for w in training_windows(text, TINY.context))
    order = sorted(range(len(examples)), key=lambda number: (number * 7) % len(examples))
    batches = tuple(tuple(order[start : start + 4]) for start in range(0, len(order), 4))
    trainer = TextFineTune(base, examples, batches, Recipe(3e-3, warm_up_steps=2, batch_tokens=96), place / "scale")
    queries = [
        *(TruthQuery(f"h{n}", "human", text[8:28]) for n, text in enumerate(TEXTS.values())),
        *(TruthQuery(f"g{n}", "gen_T1", text[30:50], text[20:24], n, 1.0) for n, text in enumerate(TEXTS.values())),
        TruthQuery("g8", "gen_T0.7", b"the rose and the moon", b"", 8, 0.7),
    ]
    unread = [TruthExample("unread", "dora", bytes(w.ids)) for w in training_windows(b"twelve ounces of tea 4/6 " * 4, 24)]
    make_truth(
        place / "truth",
        trainer,
        {name: [WorkId(name)] for name in TEXTS},
        queries,
        cache=place / "runs",
        pairs=3,
        phantoms=unread,
    )
    return place / "truth"


def asked(truth: Path, cache: Path, only: list[str]) -> argparse.Namespace:
    """Options of the command."""
    return argparse.Namespace(truth=truth, cache=cache, processes=1, only=only, curve=True, no_tricks=False)


def test_every_row_of_ours_and_a_few_peers(truth: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Complete, below an equal split, phantoms unpaid by the response tier, and the same again from the cache."""
    document = run(asked(truth, tmp_path, ["endcredits", "equal", "ek-fac at the final model"]))
    rows: dict[tuple[str, str], dict[str, Any]] = {(row["method"], row["kind"]): row for row in document["rows"]}

    assert document["outputs"] == {"human": 3, "generated": 4}
    assert set(document["floor"]["generated"]) == {"tv_output", "tv_statement"}
    for (method, kind), row in rows.items():
        assert 0 <= row["tv_output"] <= 1 and 0 <= row["leakage"] <= 1 and row["seconds"] >= 0 and row["bytes"] >= 0
        if method.startswith("endcredits"):
            assert row["completeness"] == pytest.approx(1, abs=0.02)
        if method.startswith("endcredits response"):
            assert row["leakage"] == 0
            assert row["tv_output"] < rows["equal", kind]["tv_output"]
    assert rows["equal", "human"]["split_gain"] > 1.5
    assert rows["endcredits response", "human"]["split_gain"] == pytest.approx(1, abs=0.1)
    assert json.loads(json.dumps(document)) == document

    show(document)
    assert "endcredits response, calibrated" in capsys.readouterr().out
    again = run(asked(truth, tmp_path, ["endcredits", "equal", "ek-fac at the final model"]))
    assert again["rows"] == document["rows"]


def test_the_trainer_of_a_folder_repeats_the_run_that_made_it(truth: Path, tmp_path: Path) -> None:
    """Its full run is the folder's full model."""
    panel = load_panel(truth)
    snapshot = trainer_of(panel, tmp_path).train({}, 0)

    for name, value in panel.models.full.named_parameters():
        assert float((value.detach() - snapshot[name]).abs().max()) < 1e-6


def test_a_folder_that_lacks_a_part_is_refused(truth: Path, tmp_path: Path) -> None:
    """By what is missing."""
    for path in truth.iterdir():
        if path.name != "loglik.npz":
            (tmp_path / path.name).symlink_to(path)
    with pytest.raises(InputError, match=r"not a truth folder: loglik\.npz missing"):
        load_panel(tmp_path)


def test_errors_shares_and_leakage_by_hand() -> None:
    """Two outputs, two paid creators and a phantom."""
    found, true = np.array([[3.0, 1.0], [0.0, -1.0]]), np.array([[1.0, 1.0], [1.0, 0.0]])

    assert errors_per_output(found, true).tolist() == [0.25, 0.5]  # nothing positive is shared equally
    assert error_per_statement(found, true) == pytest.approx(abs(1 - 2 / 3))
    assert leakage(np.array([[1.0, 0.0, 1.0], [1.0, 2.0, -1.0]]), 2) == (0.25, 0.0)
    assert top1(found, true) == 1
    assert top1(np.ones((2, 4)), np.eye(4)[:2]) == 0.25  # ties count as their chance
    assert ndcg3(true, true) == pytest.approx(1)
    assert ranks(np.array([5.0, 1.0, 5.0])).tolist() == [1.5, 0.0, 1.5]


def test_the_lds_knows_who_matters_and_not_how_many_there_are() -> None:
    """An additive game is predicted perfectly by its own values and not at all by an equal split."""
    values = np.array([[3.0, 1.0, -2.0, 0.5]])
    masks = np.array([[k in s for k in range(4)] for size in (1, 2, 3) for s in combinations(range(4), size)])
    measured = masks @ values.T

    assert coalition_lds(values, masks, measured) == pytest.approx(1)
    assert coalition_lds(np.ones((1, 4)), masks, measured) == 0
    assert coalition_lds(-values, masks, measured) == pytest.approx(-1)


def test_bands_of_the_right_width_cover_nine_of_ten() -> None:
    """Normal errors in scores and in the truth."""
    generator = np.random.default_rng(0)
    true = np.zeros((400, 20))
    seen = true + generator.normal(size=true.shape) * 0.3
    found = true + generator.normal(size=true.shape) * 0.4

    assert coverage(found, np.full(true.shape, 0.4), seen, np.full(true.shape, 0.3)) == pytest.approx(0.9, abs=0.01)
    assert noise_floor(np.eye(3), np.zeros((3, 3))) == (0.0, 0.0)
