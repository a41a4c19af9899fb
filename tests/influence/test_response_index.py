"""A response index is built from runs, repeats what the runs say, and pays nobody that no run has read."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from endcredits.errors import ConflictError, InputError, IntegrityError
from endcredits.ids import WorkId
from endcredits.influence import Example, TextOutput
from endcredits.influence.gradient.adding import add_works
from endcredits.influence.gradient.takedown import take_down
from endcredits.influence.replay.run import load_run, log_likelihoods
from endcredits.influence.response.build import build_responses
from endcredits.influence.response.design import central, one_sided, three_points
from endcredits.influence.response.forwards import exact_contrasts, run_likelihoods
from endcredits.influence.response.index import ResponseIndex
from endcredits.influence.response.runs import make_runs
from endcredits.influence.text.finetune import Recipe, TextFineTune
from endcredits.influence.text.windows import training_windows
from tests.influence.helpers import WORKS
from tests.influence.test_finetune import LIGHTNING, ROSE, trainer

PHANTOM = WorkId("phantom")
OUTPUTS = [TextOutput(b"said the rose to the"), TextOutput(b"zip zap went the fox ov", b"zig ")]
RECIPE = Recipe(rate=1e-3, warm_up_steps=3, batch_tokens=96)


@pytest.fixture(scope="module")
def tested(tiny_folders: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> TextFineTune:
    """A trainer whose record is kept for the module."""
    return trainer(tiny_folders[0], tmp_path_factory.mktemp("scale"), RECIPE)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where indexes and the runs that they share are kept."""
    return tmp_path_factory.mktemp("responses")


@pytest.fixture(scope="module")
def index(tested: TextFineTune, place: Path) -> ResponseIndex:
    """The central design over both works, and a work that was never read."""
    return build(tested, place, "central", design=central((LIGHTNING, ROSE)))


def build(tested: TextFineTune, place: Path, name: str, **more: object) -> ResponseIndex:
    """An index beside the others."""
    examples = [
        *tested.examples,
        *(Example(PHANTOM, window) for window in training_windows(b"never read by anyone" * 4, 24)),
    ]
    given = {"examples": examples, "runs_folder": place / "runs", "curvature_weight": 0.0, **more}
    return build_responses(
        place / name,
        base=tested.new_model(),
        full=tested.model(tested.train({}, 0)),
        task=tested.task(),
        trainer=tested,
        **given,  # type: ignore[arg-type]
    )


def test_credits_are_the_gradient_at_half_weight_times_what_the_weights_did(
    index: ResponseIndex, tested: TextFineTune
) -> None:
    """The slow twin trains anew and differentiates by autograd alone."""
    half = tested.model(tested.train({ROSE: 0.5, LIGHTNING: 0.5}, 0))
    task = tested.task()
    for output in OUTPUTS:
        names = [name for name, _ in half.named_parameters()]
        values = torch.autograd.grad(task.measurement(half, task.pieces(output)).sum(), list(half.parameters()))
        slope = dict(zip(names, values, strict=True))
        slow = []
        for work, other in ((LIGHTNING, ROSE), (ROSE, LIGHTNING)):
            on, off = (tested.train({work: weight, other: 0.5}, 0) for weight in (1.0, 0.0))
            slow.append(sum(float((slope[name] * (on[name] - off[name])).sum()) for name in slope))

        assert index.catalogues == (LIGHTNING, ROSE)
        assert index.contrasts(output)[[0, 2]].tolist() == pytest.approx(slow, rel=1e-3)


def test_credits_are_complete_and_an_untrained_work_earns_nothing(index: ResponseIndex) -> None:
    """For every output, whatever the contrasts leave over."""
    for credits in index.attribute(OUTPUTS):
        assert credits.work_ids == (LIGHTNING, PHANTOM, ROSE)
        assert credits.credit_sum_nats == pytest.approx(credits.log_ratio_nats, abs=1e-6)
        assert credits.credit_nats[1] == 0
        assert credits.error_nats[1] == 0


def test_each_text_moved_its_own_words(index: ResponseIndex) -> None:
    """The rose said the first, the lightning the second."""
    first, second = (dict(zip(c.work_ids, c.credit_nats, strict=True)) for c in index.attribute(OUTPUTS))

    assert first[ROSE] > first[LIGHTNING]
    assert second[LIGHTNING] > second[ROSE]


def test_answers_come_close_to_brute_force_shapley(index: ResponseIndex, tested: TextFineTune) -> None:
    """All four coalitions of two works, retrained."""
    task = tested.task()
    value = {}
    for rose in (0.0, 1.0):
        for lightning in (0.0, 1.0):
            model = tested.model(tested.train({ROSE: rose, LIGHTNING: lightning}, 0))
            value[rose, lightning] = log_likelihoods(model, task, OUTPUTS)
    true = (value[1, 0] - value[0, 0] + value[1, 1] - value[0, 1]) / 2
    found = torch.tensor([c.credit_nats[2] for c in index.attribute(OUTPUTS)])

    assert found.tolist() == pytest.approx(true.tolist(), abs=0.15 * float(abs(true).max()))


def test_exact_forwards_are_near_the_dot_products(index: ResponseIndex, tested: TextFineTune, place: Path) -> None:
    """They differ only by how log-probability bends between two runs."""
    catalogues = {work: (work,) for work in tested.work_ids}
    design = central(index.catalogues)
    runs = make_runs(place / "runs", tested, catalogues, design.runs)
    exact = exact_contrasts(design, index.catalogues, run_likelihoods(tested, runs, OUTPUTS))
    linear = torch.stack([index.contrasts(output) for output in OUTPUTS])

    assert (exact - linear[:, [0, 2]]).abs().max() < 0.2 * exact.abs().max()


def test_designs_share_their_runs_and_other_designs_answer_alike(
    tested: TextFineTune, place: Path, index: ResponseIndex
) -> None:
    """The one-sided design needs no new run after the central one."""
    before = sorted((place / "runs").iterdir())
    cheap = build(tested, place, "cheap", design=one_sided(index.catalogues, "off"))

    assert sorted((place / "runs").iterdir()) == before
    for output in OUTPUTS:
        assert cheap.contrasts(output).tolist() == pytest.approx(index.contrasts(output).tolist(), rel=0.5, abs=0.3)

    simpson = build(tested, place, "simpson", design=three_points(central(index.catalogues)))
    assert len(simpson.points) == 3
    assert simpson.contrasts(OUTPUTS[0]).argmax() == index.contrasts(OUTPUTS[0]).argmax()


def test_works_of_one_catalogue_divide_its_credit_by_size(tested: TextFineTune, place: Path) -> None:
    """And cutting a catalogue into works changes nobody's sum."""
    joined = build(tested, place, "joined", catalogues={"both": (ROSE, LIGHTNING)})
    (credits,) = joined.attribute(OUTPUTS[:1])

    assert credits.credit_nats[2] / credits.credit_nats[0] == pytest.approx(len(WORKS[0]) / len(WORKS[1]))
    assert credits.credit_sum_nats == pytest.approx(credits.log_ratio_nats, abs=1e-6)


def test_a_finished_index_opens_again_and_damage_is_named(index: ResponseIndex, tested: TextFineTune, place: Path) -> None:
    """The same inputs give the same digest; another recipe in the same folder is refused."""
    again = build(tested, place, "central", design=central((LIGHTNING, ROSE)))
    assert again.digest == index.digest
    assert again.method == "response/1:central"

    with pytest.raises(ConflictError, match="something else"):
        build(tested, place, "central", design=central((LIGHTNING, ROSE)), examples=tested.examples)
    copy = build(tested, place, "copy")
    path = copy.folder / "responses.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(IntegrityError, match="changed"):
        ResponseIndex.open(copy.folder, base=copy.models[0], full=copy.models[1], task=copy.task)


def test_runs_go_on_after_a_kill_and_a_damaged_run_is_made_again(tested: TextFineTune, tmp_path: Path) -> None:
    """In two processes; every run has the bytes it would have had."""
    catalogues = {work: (work,) for work in tested.work_ids}
    design = central(tuple(catalogues))
    first = make_runs(tmp_path, tested, catalogues, design.runs[:2])
    kept = {name: path.read_bytes() for name, path in first.items()}
    damaged = first[design.runs[0].name]
    damaged.write_bytes(damaged.read_bytes()[:-3])

    paths = make_runs(tmp_path, tested, catalogues, design.runs, processes=2)

    assert len(set(paths.values())) == len(design.runs) == 5
    assert {name: path.read_bytes() for name, path in paths.items() if name in kept} == kept
    assert make_runs(tmp_path, tested, catalogues, design.runs[:1], seed=1)[design.runs[0].name] not in paths.values()
    assert set(load_run(paths[design.runs[1].name])) == {name for name, _ in tested.new_model().named_parameters()}


def test_a_trainer_that_makes_another_model_is_refused(
    tested: TextFineTune, place: Path, tiny_folders: tuple[Path, Path]
) -> None:
    """Its responses would be another model's."""
    other = trainer(tiny_folders[0], place / "other", Recipe(rate=3e-3, warm_up_steps=3, batch_tokens=96))
    common = {
        "base": tested.new_model(),
        "task": tested.task(),
        "trainer": tested,
        "examples": tested.examples,
        "curvature_weight": 0.0,
    }
    with pytest.raises(InputError, match="does not repeat the run"):
        build_responses(place / "wrong", full=other.model(other.train({}, 0)), runs_folder=place / "runs", **common)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="nothing was learnt"):
        build_responses(place / "same", full=tested.new_model(), runs_folder=place / "runs", **common)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"examples": []}, "'lightning', of which there is no example"),
        ({"catalogues": {"x": (ROSE,)}}, "stands in no catalogue"),
        ({"catalogues": {"x": (ROSE, LIGHTNING), "y": (ROSE,)}}, "'x' and 'y'"),
        ({"catalogues": {"x": (ROSE, LIGHTNING), "y": (WorkId("phantom"),)}}, "never read"),
    ],
)
def test_works_that_do_not_fit_are_named(more: dict[str, object], words: str, tested: TextFineTune, tmp_path: Path) -> None:
    """Before any run is made."""
    with pytest.raises(InputError, match=words):
        build(tested, tmp_path, "index", **more)
    assert not (tmp_path / "index" / "manifest.json").exists()


def test_curvature_beside_the_responses_is_added_with_its_weight(
    index: ResponseIndex, tested: TextFineTune, place: Path
) -> None:
    """To the works that were read; the sum stays the log-ratio, and the very curvature index is asked for."""
    both = build(tested, place, "both", curvature_weight=0.25, design=central((LIGHTNING, ROSE)))
    assert both.beside is not None
    for output in OUTPUTS:
        alone, other = index.contrasts(output), both.beside.contrasts(output)
        raw = alone + 0.25 * other.credits * torch.tensor([1.0, 0.0, 1.0])
        sizes = torch.tensor([float(len(WORKS[1])), 0.0, float(len(WORKS[0]))], dtype=torch.float64)
        expected = raw + sizes / sizes.sum() * (other.log_ratio_nats - raw.sum())
        (credits,) = both.attribute([output])

        assert list(credits.credit_nats) == pytest.approx(expected.tolist(), abs=1e-6)
        assert credits.credit_nats[1] == 0 == credits.error_nats[1]
        assert min(credits.error_nats[0], credits.error_nats[2]) > 0

    manifest = both.folder / "curvature" / "manifest.json"
    other_folder = build(tested, place, "another", curvature_weight=0.25, calibration=OUTPUTS).folder
    manifest.write_bytes((other_folder / "curvature" / "manifest.json").read_bytes())
    with pytest.raises(IntegrityError):
        ResponseIndex.open(both.folder, base=both.models[0], full=both.models[1], task=both.task)


def test_what_belongs_to_the_other_tier_is_refused(index: ResponseIndex, tested: TextFineTune) -> None:
    """Taking down from, adding to and opening measured responses as if they were rows; nothing is changed."""
    before = sorted((path.name, path.read_bytes()) for path in index.folder.iterdir() if path.is_file())
    models = {"base": tested.new_model(), "full": tested.model(tested.train({}, 0)), "task": tested.task()}

    with pytest.raises(InputError, match=r"measures by 'response/1:central'.*build a new index") as caught:
        take_down(index.folder, [ROSE])
    assert caught.value.field == "method"
    with pytest.raises(InputError, match="cannot be added to"):
        add_works(index.folder, **models, examples=[Example(WorkId("new"), tested.examples[0].content)], standing=None)

    assert before == sorted((path.name, path.read_bytes()) for path in index.folder.iterdir() if path.is_file())
