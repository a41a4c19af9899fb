"""A truth made here is read back by the bench as any other, and says what the audit said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmarks.payout.panel import load_panel
from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence import Example, TextOutput
from endcredits.influence.replay.coalitions import catalogues_of, every_coalition
from endcredits.influence.replay.games import brute_force
from endcredits.influence.replay.run import Scores, run_of, score_design
from endcredits.influence.replay.table import TruthExample, TruthQuery, write_truth
from endcredits.influence.text.finetune import Recipe, TextFineTune
from endcredits.influence.text.windows import Window
from tests.influence.helpers import ROOT

TRUTH = ROOT.parent / "shared" / "truth" / "literature"
TEXTS = {"ann": b"a rose is a rose is a rose. ", "bob": b"zig zag zip zap went it. ", "cleo": b"hum hum hum, low and slow. "}
PHANTOM = TruthExample("unread", "dora", b"the moon was never here")


@pytest.fixture(scope="module")
def made(tiny_folders: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Scores]:
    """Three creators, every coalition, two outputs, one phantom."""
    place = tmp_path_factory.mktemp("truth")
    pieces = [(name, text[start : start + 20]) for name, text in TEXTS.items() for start in (0, 5)]
    order = [0, 2, 4, 1, 3, 5]
    examples = tuple(Example(WorkId(f"{name}-w"), Window(tuple(pieces[n][1]))) for n in order for name in [pieces[n][0]])
    trainer = TextFineTune(
        tiny_folders[0], examples, ((0, 1, 2), (3, 4, 5)), Recipe(1e-2, batch_tokens=60), place / "record"
    )
    design = every_coalition(catalogues_of({name: [WorkId(f"{name}-w")] for name in TEXTS}))
    queries = [
        TruthQuery("q1", "human", b"a rose is", source_creator_id="ann"),
        TruthQuery("q2", "gen_T1", b"zap went", b"zip ", seed=3, temperature=1.0),
    ]
    outputs = [TextOutput(query.output, query.prompt) for query in queries]
    scores = score_design(trainer, design, outputs, place / "runs", repeats=1)
    given = [
        TruthExample(example.work_id, example.work_id[:-2], bytes(example.content.ids), number // 3, number % 3)
        for number, example in enumerate(examples)
    ]
    write_truth(
        place / "new",
        scores,
        base=tiny_folders[0],
        full=trainer.model(trainer.train({}, 0)),
        examples=[*given, PHANTOM],
        queries=queries,
        training={"optimizer": "Adam", "steps": 2},
        names={"ann": "Ann A."},
    )
    return place / "new", scores


def test_the_bench_reads_it(made: tuple[Path, Scores]) -> None:
    folder, scores = made

    panel = load_panel(folder)

    assert panel.creators == ("ann", "bob", "cleo", "dora") and panel.paid == 3
    np.testing.assert_allclose(panel.phi[:, :3], brute_force(scores.game), atol=1e-5)
    assert (panel.phi[:, 3] == 0).all()
    np.testing.assert_array_equal(panel.masks, scores.design.masks)
    np.testing.assert_allclose(panel.log_likelihood, scores.coalitions, atol=1e-4)
    assert [query.kind for query in panel.queries] == ["human", "generated"]
    assert panel.queries[1].prompt == b"zip "
    assert [example.step for example in panel.examples] == [0, 0, 0, 1, 1, 1, -1]
    assert panel.training == {"optimizer": "Adam", "steps": 2}


def test_its_full_model_is_the_one_that_was_scored(made: tuple[Path, Scores]) -> None:
    folder, scores = made
    panel = load_panel(folder)
    (window,) = panel.models.task.pieces(panel.outputs()[1])

    for model, expected in ((panel.models.base, scores.base), (panel.models.full, scores.full)):
        assert panel.models.task.measurement(model, [window]).item() == pytest.approx(expected[1], abs=1e-4)


def test_leave_one_outs_and_repeats_are_log_likelihoods(made: tuple[Path, Scores]) -> None:
    folder, scores = made
    runs = np.load(folder / "loglik.npz")
    without_bob = int(np.flatnonzero((scores.design.masks == [True, False, True]).all(1))[0])

    np.testing.assert_allclose(runs["loo"][1], scores.coalitions[without_bob], atol=1e-4)
    assert runs["repeats"].shape == (1, 2)
    assert not np.allclose(runs["repeats"][0], runs["full"])


@pytest.mark.shared
def test_its_files_have_the_published_columns(made: tuple[Path, Scores]) -> None:
    if not TRUTH.is_dir():
        pytest.skip(f"NOT TESTED AGAINST THE TRUTH FOLDER: {TRUTH} is not there")
    folder, _ = made

    for name in ("train.parquet", "queries.parquet"):
        ours, theirs = (pq.read_schema(place / name) for place in (folder, TRUTH))
        assert {field.name: field.type for field in ours} == {field.name: field.type for field in theirs}
    for name in ("loglik.npz", "shapley.npz"):
        found, published = (np.load(place / name) for place in (folder, TRUTH))
        assert set(found.files) == set(published.files)
        for key in found.files:
            assert found[key].dtype.kind == published[key].dtype.kind and found[key].ndim == published[key].ndim
    ours_json, theirs_json = (json.loads((place / "panel.json").read_text()) for place in (folder, TRUTH))
    assert set(ours_json["creators"][0]) <= set(theirs_json["creators"][0])


def test_a_table_that_does_not_fit_is_refused(
    made: tuple[Path, Scores], tiny_folders: tuple[Path, Path], tmp_path: Path
) -> None:
    _, scores = made
    query = TruthQuery("q", "human", b"x")
    trained = [TruthExample(f"{name}-w", name, b"x", 0, 0) for name in TEXTS]

    def write(**changed: object) -> None:
        given = {"examples": trained, "queries": [query, replace(query, query_id="r")], **changed}
        write_truth(tmp_path / "t", scores, base=tiny_folders[0], full=tiny_folders[1], training={}, **given)  # type: ignore[arg-type]

    with pytest.raises(InputError, match="1 queries for scores of 2 outputs"):
        write(queries=[query])
    with pytest.raises(InputError, match="'q' stands twice"):
        write(queries=[query, query])
    with pytest.raises(InputError, match=r"row 4.*an example of 'dora' has step 5"):
        write(examples=[*trained, replace(PHANTOM, step=5)])
    with pytest.raises(InputError, match="'cleo' has no example"):
        write(examples=trained[:2])
    assert not (tmp_path / "t").exists()
    write()
    assert load_panel(tmp_path / "t").creators == tuple(TEXTS)


def test_adapters_are_not_saved_as_a_model(
    made: tuple[Path, Scores], tiny_folders: tuple[Path, Path], tmp_path: Path
) -> None:
    _, scores = made
    example = Example(WorkId("ann-w"), Window(tuple(TEXTS["ann"][:20])))
    trainer = TextFineTune(tiny_folders[0], (example,), ((0,),), Recipe(1e-2, lora_rank=2), tmp_path / "record")
    adapted = trainer.model(trainer.train(dict(run_of({}).weights), 0))

    with pytest.raises(InputError, match="not the same architecture"):
        write_truth(
            tmp_path / "t",
            scores,
            base=tiny_folders[0],
            full=adapted,
            examples=[TruthExample(f"{name}-w", name, b"x", 0, 0) for name in TEXTS],
            queries=[TruthQuery("q", "human", b"x"), TruthQuery("r", "human", b"x")],
            training={},
        )
