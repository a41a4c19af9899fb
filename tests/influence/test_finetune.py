"""A run can be repeated with works weighted down, and its weights follow theirs."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence import Example
from endcredits.influence.text.finetune import Recipe, TextFineTune
from endcredits.influence.text.windows import training_windows
from tests.influence.helpers import WORKS

ROSE, LIGHTNING = WorkId("rose"), WorkId("lightning")
RECIPE = Recipe(rate=3e-3, warm_up_steps=3, batch_tokens=96)


def trainer(base: Path, folder: Path, recipe: Recipe = RECIPE) -> TextFineTune:
    """Two short works read alternately, four windows a step."""
    examples = tuple(
        Example(name, window)
        for name, text in zip((ROSE, LIGHTNING), WORKS, strict=True)
        for window in training_windows(text * 2, 24)
    )
    order = sorted(range(len(examples)), key=lambda number: (number * 7) % len(examples))
    batches = tuple(tuple(order[start : start + 4]) for start in range(0, len(order), 4))
    return TextFineTune(base, examples, batches, recipe, folder)


def distance(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> float:
    """Norm of the difference of two snapshots."""
    return sum(float((left[name] - right[name]).square().sum()) for name in left) ** 0.5


def test_all_weights_at_one_repeat_plain_adam_and_all_at_zero_give_base(
    tiny_folders: tuple[Path, Path], tmp_path: Path
) -> None:
    """The reference is torch's own Adam."""
    tested = trainer(tiny_folders[0], tmp_path)
    model = tested.new_model()
    base = {name: value.detach().clone() for name, value in model.named_parameters()}
    optimizer = torch.optim.Adam(model.parameters(), lr=1.0, betas=(0.9, 0.99), eps=RECIPE.epsilon)
    for step, batch in enumerate(tested.batches):
        optimizer.param_groups[0]["lr"] = RECIPE.rate_at(step, len(tested.batches))
        optimizer.zero_grad()
        losses = tested.task().train_loss(model, [tested.examples[number].content for number in batch])
        torch.autograd.backward(losses.sum() / RECIPE.batch_tokens)
        optimizer.step()
    expected = {name: value.detach() for name, value in model.named_parameters()}

    full, none = tested.train({}, 0), tested.train({ROSE: 0.0, LIGHTNING: 0.0}, 0)

    moved = distance(expected, base)
    assert moved > 0.1
    assert distance(dict(full), expected) < 1e-4 * moved
    assert distance(dict(none), base) == 0
    assert distance(dict(tested.train({}, 0)), dict(full)) == 0  # the same bytes again


def test_a_work_of_weight_zero_is_not_read(tiny_folders: tuple[Path, Path], tmp_path: Path) -> None:
    """What the rose says changes nothing in a run without the rose, although the recorded scale is the full run's."""
    tested = trainer(tiny_folders[0], tmp_path)
    without = tested.train({ROSE: 0.0}, 0)

    assert distance(dict(without), dict(tested.train({}, 0))) > 0.01
    assert distance(dict(without), dict(tested.train({ROSE: 0.0, LIGHTNING: 1.0}, 0))) == 0


def test_with_the_recorded_scale_half_the_weight_moves_about_half_as_far(
    tiny_folders: tuple[Path, Path], tmp_path: Path
) -> None:
    """Plain Adam walks nearly the whole way on half of the loss; that is what the record is for."""
    halves = {ROSE: 0.5, LIGHTNING: 0.5}
    ratios = []
    for recorded in (True, False):
        recipe = Recipe(rate=3e-4, warm_up_steps=3, batch_tokens=96, recorded_scale=recorded)
        tested = trainer(tiny_folders[0], tmp_path, recipe)
        base = {name: value.detach() for name, value in tested.new_model().named_parameters()}
        ratios.append(distance(dict(tested.train(halves, 0)), base) / distance(dict(tested.train({}, 0)), base))

    assert ratios[0] == pytest.approx(0.5, abs=0.1)
    assert ratios[1] > 0.95


def test_another_seed_reads_the_same_examples_in_another_order(tiny_folders: tuple[Path, Path], tmp_path: Path) -> None:
    """The noise of a measurement is what differs between seeds."""
    tested = trainer(tiny_folders[0], tmp_path)
    first, second = tested.train({}, 1), tested.train({}, 2)

    assert 0 < distance(dict(first), dict(second)) < distance(dict(first), dict(tested.train({ROSE: 0.0}, 0)))


def test_low_rank_adapters_are_all_that_is_trained_and_kept(tiny_folders: tuple[Path, Path], tmp_path: Path) -> None:
    """Adapters begin as nothing: with all weights at zero the model says what base says."""
    recipe = Recipe(rate=1e-2, warm_up_steps=3, batch_tokens=96, lora_rank=2)
    tested = trainer(tiny_folders[0], tmp_path, recipe)
    full, none = tested.train({}, 0), tested.train({ROSE: 0.0, LIGHTNING: 0.0}, 0)
    window = [tested.examples[0].content]
    task = tested.task()

    with torch.no_grad():
        said = [float(task.measurement(tested.model(snapshot), window)) for snapshot in (full, none)]
        plain = float(task.measurement(tested.task and trainer(tiny_folders[0], tmp_path).new_model(), window))

    assert all(".down." in name or ".up." in name for name in full)
    assert sum(value.numel() for value in full.values()) < 2_000
    assert said[1] == pytest.approx(plain, abs=1e-5)
    assert said[0] > plain + 0.1


def test_a_trainer_pickles_and_its_digest_names_what_decides_a_run(tiny_folders: tuple[Path, Path], tmp_path: Path) -> None:
    """Runs are kept under this digest."""
    tested = trainer(tiny_folders[0], tmp_path)
    again = pickle.loads(pickle.dumps(tested))

    assert again.digest == tested.digest
    assert trainer(tiny_folders[0], tmp_path, Recipe(rate=2e-3)).digest != tested.digest
    assert trainer(tiny_folders[1], tmp_path).digest != tested.digest


@pytest.mark.parametrize(("weights", "words"), [({ROSE: 1.5}, "weight of work 'rose'"), ({WorkId("x"): 1.0}, "never reads")])
def test_wrong_weights_are_refused(
    weights: dict[WorkId, float], words: str, tiny_folders: tuple[Path, Path], tmp_path: Path
) -> None:
    """By the name of the work."""
    with pytest.raises(InputError, match=words):
        trainer(tiny_folders[0], tmp_path).train(weights, 0)


def test_a_run_that_diverges_says_so(tiny_folders: tuple[Path, Path], tmp_path: Path) -> None:
    """Instead of keeping NaN."""
    with pytest.raises(InputError, match="diverged"):
        trainer(tiny_folders[0], tmp_path, Recipe(rate=1e25)).train({}, 0)


def test_a_damaged_record_is_refused_and_never_credited(tiny_folders: tuple[Path, Path], tmp_path: Path) -> None:
    """One flipped bit would move credits unseen: the full run does not divide by the record that it makes."""
    import subprocess
    import sys

    tested = trainer(tiny_folders[0], tmp_path)
    tested.train({ROSE: 0.5}, 0)
    (path,) = tmp_path.glob("*-scale.npy")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    again = (
        "import pickle, sys; t = pickle.load(open(sys.argv[1], 'rb'));"
        "import torch; torch.set_num_threads(1); t.train({'rose': 0.5}, 0)"
    )
    (tmp_path / "trainer.pickle").write_bytes(pickle.dumps(tested))
    done = subprocess.run(
        [sys.executable, "-c", again, str(tmp_path / "trainer.pickle")],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )

    assert done.returncode != 0 and "recorded step scale of the full run is damaged" in done.stderr


def test_adapters_carry_an_index_of_their_own(tiny_folders: tuple[Path, Path], tmp_path: Path) -> None:
    """End to end: responses with the curvature tier beside them, on the adapters' layers alone."""
    from endcredits.influence import TextOutput, build_responses

    recipe = Recipe(rate=1e-2, warm_up_steps=3, batch_tokens=96, lora_rank=2)
    tested = trainer(tiny_folders[0], tmp_path, recipe)
    index = build_responses(
        tmp_path / "index",
        base=tested.new_model(),
        full=tested.model(tested.train({}, 0)),
        task=tested.task(),
        trainer=tested,
        examples=tested.examples,
    )
    (credits,) = index.attribute([TextOutput(b"said the rose to the")])

    assert index.beside is not None and all(
        "down" in name or "up" in name for name in (p for p in index.points.popitem()[1].names)
    )
    assert credits.credit_sum_nats == pytest.approx(credits.log_ratio_nats, abs=1e-6)
    assert credits.credit_nats[1] > credits.credit_nats[0]  # the rose
