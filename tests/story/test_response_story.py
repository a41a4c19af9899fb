"""The response tier from the front door to the check: works, training runs, credits, money, an audit, and tampering."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import endcredits
from endcredits.flows import auditing, indexing, responses
from endcredits.flows.attributing import GivenOutput
from endcredits.flows.auditing import Plan
from endcredits.flows.checking import check_studio
from endcredits.flows.recipes import load_recipe
from endcredits.flows.studio import Studio, open_studio
from endcredits.influence import load_text_models
from endcredits.influence.text.windows import training_windows
from endcredits.money import PPB
from endcredits.receipts import load_lines, load_receipt, receipt_path
from endcredits.receipts.lines import lines_path
from endcredits.royalties import make_event
from endcredits.works import read_table
from tests.story import house as h
from tests.story.house import House

TRAINED = {h.SALT: (h.ADA, 700), h.LAMP: (h.BEN, 700), h.TIDE: (h.ADA, 350)}
"""Two creators, of whom one made two works."""
NEVER_READ = h.RHYME
RECIPE = """
rate = 0.01
warm_up_steps = 2
final_fraction = 0.05
beta_1 = 0.9
beta_2 = 0.99
epsilon = 1e-8
batch_tokens = 256
order = "order.jsonl"
"""
SAID = (h.prose(h.SALT, 60, seed=1), h.prose(h.LAMP, 60, seed=1))


def write_recipe(folder: Path, base: Path) -> Path:
    """The house's fine-tune as files: three passes over the works, eight windows a step."""
    models = load_text_models(base, base)
    windows = [
        (work, window.ids)
        for work, (_, size) in TRAINED.items()
        for window in training_windows(models.tokenizer.encode(h.prose(work, size).encode()), models.context)
    ]
    read = [windows[(number * 7) % len(windows)] for number in range(3 * len(windows))]
    rows = [
        {"work_id": work, "step": number // 8, "slot": number % 8, "ids": list(ids)}
        for number, (work, ids) in enumerate(read)
    ]
    (folder / "order.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    path = folder / "recipe.toml"
    path.write_text(RECIPE)
    return path


def works_csv() -> str:
    """The trained works and one that no run ever read, all with a yes."""
    rows = ["work_id,title,creator,permission,text"]
    for work, (creator, size) in {**TRAINED, NEVER_READ: (h.DORA, 200)}.items():
        rows.append(f'{work},"{work.title()}",{creator},allow,"{h.prose(work, size)}"')
    return "\n".join(rows) + "\n"


@dataclass(frozen=True, slots=True)
class Measured:
    """A studio with a response index, a closed period, and what made them."""

    studio: Path
    base: Path
    full: Path
    recipe: Path
    output_ids: tuple[str, ...]


@pytest.fixture(scope="module")
def template(house: House, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """Walked once."""
    h.use_one_thread()
    place = tmp_path_factory.mktemp("measured")
    recipe = write_recipe(place, house.base)
    trainer = load_recipe(recipe, house.base, place / "record")
    trainer.model(trainer.train({}, 0)).save_pretrained(place / "full")  # type: ignore[operator]
    (place / "works.csv").write_text(works_csv())

    studio = endcredits.init(place / "studio", name="Measured")
    studio.add_works(read_table(place / "works.csv"))
    models = endcredits.text_models(house.base, place / "full")
    index = studio.build_index(models, studio.corpus(), trainer=str(recipe))
    views = [index.attribute(text) for text in SAID]
    ids = tuple(view.attribution.output_id for view in views)
    studio.add_usage(
        [make_event(f"jan-{n}", one, f"2025-01-0{n + 1}T10:00:00Z", 5_000_000, "EUR") for n, one in enumerate(ids)]
    )
    studio.close_period(h.JANUARY)
    studio.studio.close()
    return Measured(place / "studio", house.base, place / "full", recipe, ids)


@pytest.fixture
def studio(template: Measured, tmp_path: Path) -> Iterator[Studio]:
    """A copy of one's own."""
    opened = open_studio(shutil.copytree(template.studio, tmp_path / "studio"))
    yield opened
    opened.close()


def lines(studio: Studio, output_id: str) -> dict[str, dict[str, object]]:
    """The lines of an output's receipt, by work."""
    kept = load_lines(lines_path(studio.receipts, output_id), output_id)
    return {one.line["work_id"]: dict(one.line) for one in kept if one.line is not None}


def test_each_creator_is_paid_for_what_their_works_moved(template: Measured, studio: Studio) -> None:
    """The receipt names the method, credits are complete, and a work that no run read earns nothing."""
    assert check_studio(studio) == []
    for output_id, leader in zip(template.output_ids, (h.SALT, h.LAMP), strict=True):
        body = load_receipt(receipt_path(studio.receipts, output_id)).body
        found = lines(studio, output_id)
        credits = {work: int(line["credit_nanonats"]) for work, line in found.items()}

        assert (body["method"]["id"], body["method"]["version"]) == ("response", "1:two-levels")
        assert max(credits, key=credits.__getitem__) == leader
        assert sum(credits.values()) == pytest.approx(body["log_ratio_nanonats"], abs=10)
        assert credits.get(NEVER_READ, 0) == 0 == found.get(NEVER_READ, {}).get("share_ppb", 0)


def test_runs_are_kept_for_the_next_index(template: Measured, studio: Studio) -> None:
    """A creator is one catalogue; a cheaper design stands in a folder of its own and needs no run that is there."""
    runs = studio.path / indexing.RUNS
    old = indexing.current_index(studio)
    corpus = endcredits.open(studio.path).corpus()
    trainer = load_recipe(template.recipe, template.base, runs)

    plan = responses.plan_responses(corpus, trainer, "one-sided")
    assert sorted(plan.names.values()) == [h.ADA, h.BEN]
    assert sorted(map(len, plan.catalogues.values())) == [1, 2] and plan.unread == (NEVER_READ,)
    assert (len(plan.runs), plan.missing(runs), plan.missing(runs / "nowhere")) == (4, 0, 4)
    assert len(responses.plan_responses(corpus, trainer).runs) == 2 * 2 + 2 + 1

    before = sorted(runs.iterdir())
    models = endcredits.text_models(template.base, template.full)
    new = indexing.build(studio, models, corpus, trainer=trainer, design="one-sided")
    again = indexing.build(studio, models, corpus, trainer=trainer)
    assert sorted(runs.iterdir()) == before
    assert new.folder != old.folder == again.folder and old.index.digest == again.index.digest
    assert new.index.method.startswith("response/1:one-sided-on")
    plain = indexing.build(studio, models, corpus)
    assert plain.index.method.startswith("ek-fac-midpoint/") and plain.folder not in (old.folder, new.folder)
    assert check_studio(studio) == []


def test_a_changed_byte_is_found(template: Measured, studio: Studio) -> None:
    """In the responses, in the points, in the curvature beside them, and in the notes of each."""
    (folder,) = indexing.index_folders(studio)
    draw = random.Random(0)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    assert {path.relative_to(folder).as_posix() for path in files} > {"responses.safetensors", "curvature/manifest.json"}
    for path in files:
        data = path.read_bytes()
        position = draw.randrange(len(data))
        path.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
        found = check_studio(studio)
        assert any(path.name in finding.where + finding.problem for finding in found), path
        path.write_bytes(data)
    (folder / "curvature" / "manifest.json").unlink()
    assert any("curvature" in finding.problem for finding in check_studio(studio))


def test_an_audit_confirms_what_was_credited(template: Measured, studio: Studio) -> None:
    """By the same recipe; the work that was never read has no part in it."""
    given = [GivenOutput(text.encode()) for text in SAID]

    report, _ = auditing.audit_output(studio, template.output_ids[0], given, Plan("", recipe=str(template.recipe)))

    assert [line.catalogue for line in report.lines] == [h.ADA, h.BEN]
    assert report.lines[0].work_ids == (h.SALT, h.TIDE)
    assert sum(line.audited_share_ppb for line in report.lines) == PPB
    assert report.payout_error_ppb < 0.05 * PPB
    for line in report.lines:
        assert line.audited_nanonats == pytest.approx(line.credited_nanonats, rel=0.15)
    assert check_studio(studio) == []
