"""From a trainer to a truth folder in one call; what the folder cannot state is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.payout.panel import load_panel
from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence import Example
from endcredits.influence.replay.games import brute_force
from endcredits.influence.replay.make import byte_examples, make_truth
from endcredits.influence.replay.table import TruthExample, TruthQuery
from endcredits.influence.text.finetune import Recipe, TextFineTune
from endcredits.influence.text.windows import Window

WORKS = {"ann-1": b"a rose is a rose", "ann-2": b"is a rose a rose", "bob": b"zig zag zip zap", "cleo": b"hum hum hum low"}
GROUPS = {"ann": [WorkId("ann-1"), WorkId("ann-2")], "bob": [WorkId("bob")], "cleo": [WorkId("cleo")]}
QUERIES = (TruthQuery("q1", "human", b"a rose is"), TruthQuery("q2", "gen_T1", b"zap", b"zip ", 3, 1.0))


def trainer_of(base: Path, record: Path) -> TextFineTune:
    examples = tuple(Example(WorkId(name), Window(tuple(text))) for name, text in WORKS.items())
    return TextFineTune(base, examples, ((2, 0), (3, 1)), Recipe(1e-2, warm_up_steps=1, batch_tokens=32), record)


def test_a_truth_in_one_call(tiny_folders: tuple[Path, Path], tmp_path: Path) -> None:
    trainer = trainer_of(tiny_folders[0], tmp_path / "record")
    phantom = TruthExample("unread", "dora", b"the moon")

    scores = make_truth(
        tmp_path / "truth", trainer, GROUPS, QUERIES, cache=tmp_path / "runs", pairs=3, repeats=1, phantoms=[phantom]
    )

    panel = load_panel(tmp_path / "truth")
    assert panel.creators == ("ann", "bob", "cleo", "dora")
    np.testing.assert_allclose(panel.phi[:, :3], brute_force(scores.game), atol=1e-5)
    np.testing.assert_allclose(panel.phi.sum(1), panel.full - panel.base, atol=1e-4)
    assert [(e.creator, e.step, e.slot) for e in panel.examples] == [
        ("cleo" if number == 2 else name, step, slot)
        for number, (name, step, slot) in enumerate([("bob", 0, 0), ("ann", 0, 1), ("", 1, 0), ("ann", 1, 1)])
    ] + [("dora", -1, -1)]
    assert panel.training["rate"] == 1e-2 and panel.training["trainer_digest"] == trainer.digest


def test_what_a_folder_cannot_state_is_refused(tiny_folders: tuple[Path, Path], tmp_path: Path) -> None:
    trainer = trainer_of(tiny_folders[0], tmp_path / "record")
    owner = {work_id: name for name, works in GROUPS.items() for work_id in works}
    odd = Example(WorkId("bob"), Window((1, 300)))

    with pytest.raises(InputError, match="'cleo' belongs to nobody"):
        make_truth(tmp_path / "t", trainer, {n: GROUPS[n] for n in ("ann", "bob")}, QUERIES, cache=tmp_path, pairs=1)
    with pytest.raises(InputError, match="example 1 is read again in step 1"):
        byte_examples(trainer.examples, ((0,), (0,)), owner)
    with pytest.raises(InputError, match="example 1 holds the token 300"):
        byte_examples([odd], ((0,),), owner)
    with pytest.raises(InputError, match="'q1' stands twice"):
        twice = (QUERIES[0], replace(QUERIES[1], query_id="q1"))
        make_truth(tmp_path / "t", trainer, GROUPS, twice, cache=tmp_path / "runs", pairs=0)
    assert not (tmp_path / "t").exists()
