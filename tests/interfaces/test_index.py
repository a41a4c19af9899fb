"""`endcredits index` with a trainer: what is said before, during and after the training, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from endcredits.influence import read_manifest
from endcredits.influence.text.finetune import TextFineTune
from endcredits.influence.trainer import Snapshot
from endcredits.interfaces.cli import index
from tests.interfaces.terminal import type_in, type_well
from tests.story import house as h
from tests.story.test_response_story import NEVER_READ, SAID, Measured, template

__all__ = ["template"]

MODULE = """
from pathlib import Path

from endcredits.flows.recipes import load_recipe


def trainer():
    return load_recipe(Path({recipe!r}), Path({base!r}), Path({folder!r}))
"""


@pytest.fixture
def studio(template: Measured, tmp_path: Path) -> Path:
    """With works, and with neither runs nor index."""
    place = tmp_path / "studio"
    type_well("init", place)
    type_well("works", "add", template.studio.parent / "works.csv", "-s", place)
    return place


def models(template: Measured) -> tuple[str, ...]:
    """The options that name them."""
    return ("--base", str(template.base), "--full", str(template.full))


def test_a_recipe_measures_creators(template: Measured, studio: Path) -> None:
    """Who and how many runs, before; how long, during; the same index again without a run, after."""
    build = ("index", "build", *models(template), "--recipe", template.recipe, "-s", studio)

    said = type_well(*build).out
    head, _, tail = said.partition("7 training runs.\n")
    assert head.startswith("2 creators are measured by training (two-levels):\n")
    assert "  Ada Quill: 2 works\n" in head and "  Ben Marl: 1 work\n" in head
    assert f"1 work is never read by the trainer, with no earnings: {NEVER_READ}\n" in head
    assert tail.startswith("The first run took ") and "the others may take about " in tail
    assert "Indexed 4 works (2 creators measured by 7 training runs) in " in tail

    again = type_well(*build).out
    assert "7 training runs, 7 of them made before.\n" in again and "The first run took" not in again

    (shown,) = type_well("index", "show", "-s", studio, "--json").json
    text = type_well("index", "show", "-s", studio).out
    assert shown["method"] == "response/1:two-levels" and f"{shown['method']}  {shown['index_digest']}" in text
    assert "uncalibrated, reliability unmeasured" in text and shown["calibration"] is shown["reliability_ppb"] is None
    assert "4 works, 2 creators measured by 7 training runs, task causal-text/1" in text
    assert f"1 work was never read in training, with no earnings: {NEVER_READ}" in text and "calibration:" not in text

    (credits,) = type_well("attribute", "--text", SAID[0], "-s", studio, "--json").json
    assert credits["method"] == shown["method"] and credits["lines"][0]["work_id"] == h.SALT
    output_id = credits["output_id"]
    assert (
        f"Audit of {output_id}"
        in type_well("audit", "output", output_id, "--text", SAID[0], "--recipe", template.recipe, "-s", studio).out
    )
    assert type_well("check", "-s", studio).out.endswith("Everything fits.\n")


def test_a_trainer_by_import_path_and_another_design(
    template: Measured, studio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One JSON document, which says what the text says."""
    code = MODULE.format(recipe=str(template.recipe), base=str(template.base), folder=str(tmp_path / "record"))
    (tmp_path / "trainer_of_the_test.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    words = ("--trainer", "trainer_of_the_test:trainer", "--design", "one-sided", "-s", studio, "--json")

    built = type_well("index", "build", *models(template), *words).json

    assert (built["works"], built["catalogues"], built["runs"], built["unread"]) == (4, 2, 4, [NEVER_READ])
    assert built["method"] == f"response/1:{built['design']}" and built["design"].startswith("one-sided")
    assert "examples" not in built
    assert len([path for path in (studio / "runs").glob("*.safetensors")]) == 4


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--processes", "2"), 2, "--design and --processes go with --trainer or --recipe"),
        (("--design", "central"), 2, "--design and --processes go with --trainer or --recipe"),
        (("--recipe", "{recipe}", "--trainer", "a:b"), 2, "two trainers are named"),
        (("--recipe", "{recipe}", "--design", "thorough"), 2, "there is no design 'thorough'"),
        (("--recipe", "gone.toml"), 2, "gone.toml: the recipe cannot be read"),
        (("--trainer", "nowhere"), 2, "not an import path"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    template: Measured, studio: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    """With a remedy, and nothing is trained."""
    options = (word.format(recipe=template.recipe) for word in words)

    refused = type_in("index", "build", *models(template), *options, "-s", studio)

    assert refused.code == code and said in refused.err and not refused.out
    assert not (studio / "runs").exists() and not list(studio.glob("index/*/manifest.json"))


def test_a_work_without_a_yes_is_not_trained_on(template: Measured, studio: Path) -> None:
    """A no since the full model was made stops the runs that would read the work again."""
    type_well("rights", "deny", h.TIDE, "--reason", "not again", "--by", h.ADA, "-s", studio)

    refused = type_in("index", "build", *models(template), "--recipe", template.recipe, "-s", studio)

    assert refused.code == 4 and f"'{h.TIDE}' is deny: not again" in refused.err
    assert not list(studio.glob("runs/*.safetensors"))


def test_the_estimate_comes_once_after_the_first_run_that_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that were found and other stages say nothing of how long a run takes."""
    clock, told, passed_on = [0.0], [], []
    monkeypatch.setattr(index.time, "monotonic", lambda: clock[0])
    report = index.estimating(lambda *news: passed_on.append(news), 5, 2, told.append)
    steps = [
        ("curvature", 1, 1, 900.0),
        ("retraining", 1, 7, 0.0),
        ("retraining", 2, 7, 0.01),
        ("retraining", 3, 7, 240.0),
        ("retraining", 4, 7, 240.0),
    ]

    for stage, done, total, seconds in steps:
        clock[0] += seconds
        report(stage, done, total)

    assert told == ["The first run took 4 min; the others may take about 8 min."]
    assert passed_on == [step[:3] for step in steps]
    single: list[str] = []
    clock[0] += 10
    index.estimating(lambda *news: None, 1, 1, single.append)("retraining", 1, 1)
    assert single == []


@pytest.mark.parametrize(("seconds", "said"), [(0.2, "1 s"), (89, "89 s"), (600, "10 min"), (9_000, "2.5 h")])
def test_durations_are_rough(seconds: float, said: str) -> None:
    """Nobody plans by the second."""
    assert index._duration(seconds) == said


def test_a_killed_build_goes_on(template: Measured, studio: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that were made are not made again, and the index is the one that nobody interrupted."""
    build = ("index", "build", *models(template), "--recipe", template.recipe, "-s", studio)
    train, made = TextFineTune.train, []

    def interrupted(self: TextFineTune, *given: Any) -> Snapshot:
        if len(made) == 3:
            raise KeyboardInterrupt
        made.append(given)
        return train(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(TextFineTune, "train", interrupted)
        stopped = type_in(*build)
    assert stopped.code == 130 and "run the same command again to continue" in stopped.err
    assert "No index yet" in type_well("index", "show", "-s", studio).out

    assert "7 training runs, 3 of them made before.\n" in type_well(*build).out

    (shown,) = type_well("index", "show", "-s", studio, "--json").json
    whole = read_manifest(*template.studio.glob("index/*/"))[0]
    assert (shown["files"], shown["build_key"]) == (dict(whole.files), whole.build_key)
