"""A language model's log-probability is the sum over the tokens that count, and folders that are none are refused."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence import IndexSettings, TextModels, TextOutput, build_index, load_text_models
from endcredits.influence.text.windows import Window, output_windows
from tests.influence.helpers import WORKS, save_tokenizer


@pytest.fixture(params=["tiny_folders", "gpt2_folders"])
def folders(request: pytest.FixtureRequest) -> tuple[Path, Path]:
    """A byte-level Llama, and a GPT-2 with a tokenizer of its own and tied weights."""
    found: tuple[Path, Path] = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def models(folders: tuple[Path, Path]) -> TextModels:
    """Both loaded."""
    return load_text_models(*folders)


@torch.no_grad()
def slow_log_probability(model: Any, bos: int, window: Window) -> float:
    """One forward pass per counted token, without padding, in float64."""
    total = 0.0
    for place in range(window.context_tokens, len(window.ids)):
        seen = torch.tensor([[bos, *window.ids[:place]]])
        logits = model(input_ids=seen, use_cache=False).logits[0, -1].double()
        total += float(torch.log_softmax(logits, -1)[window.ids[place]])
    return total


TEXT = b"a rose is a rose, said the fox"


def test_windows_measure_token_by_token(models: TextModels) -> None:
    """Windows of unequal length in one batch, with and without context, against one token at a time."""
    ids = models.tokenizer.encode(TEXT)
    windows = [Window(tuple(ids[:7])), Window(tuple(ids[2:5]), 1), Window(tuple(ids[:1])), Window(tuple(ids[3:9]), 5)]
    slow = [slow_log_probability(models.full, models.tokenizer.bos_id, window) for window in windows]

    with torch.no_grad():
        found = models.task.measurement(models.full, windows)
        losses = models.task.train_loss(models.full, windows)

    np.testing.assert_allclose(found.numpy(), slow, rtol=1e-5, atol=1e-5)
    assert torch.equal(losses, -found)


@pytest.mark.parametrize("prompt", [b"", b"zig ", TEXT + TEXT])
@pytest.mark.parametrize("text", [b"a", b"rose is", TEXT + TEXT])
def test_an_output_is_measured_after_its_prompt(models: TextModels, prompt: bytes, text: bytes) -> None:
    """Prompts do not count, long outputs slide, and every token of the output counts once."""
    encode = models.tokenizer.encode
    windows = output_windows(encode(prompt), encode(text), models.context)
    slow = sum(slow_log_probability(models.full, models.tokenizer.bos_id, window) for window in windows)

    pieces = models.task.pieces(models.output(text, prompt))
    with torch.no_grad():
        found = float(models.task.measurement(models.full, pieces).sum())

    assert sum(len(piece.ids) - piece.context_tokens for piece in pieces) == len(encode(text))
    assert found == pytest.approx(slow, rel=1e-5)


def test_labels_are_drawn_only_where_tokens_count(models: TextModels) -> None:
    """The sampled loss of a window is a sum over as many tokens, and depends on nothing but the seed."""
    ids = models.tokenizer.encode(TEXT)
    window, blind = Window(tuple(ids[:6]), 2), Window(tuple(ids[:6]), 6)
    sampled = models.task.sampled_loss
    assert sampled is not None

    def draw(seed: int, windows: list[Window]) -> list[float]:
        with torch.no_grad():
            return sampled(models.full, windows, torch.Generator().manual_seed(seed)).tolist()

    assert draw(1, [window, blind]) == draw(1, [window, blind])
    assert draw(1, [window]) != draw(2, [window])
    assert draw(1, [window, blind])[1] == 0.0


def test_drawn_labels_are_the_models_own(models: TextModels) -> None:
    """Their mean surprise is the entropy of the model where tokens count."""
    window = Window(tuple(models.tokenizer.encode(TEXT)[:6]), 2)
    bos, sampled = models.tokenizer.bos_id, models.task.sampled_loss
    assert sampled is not None
    with torch.no_grad():
        logits = models.full(input_ids=torch.tensor([[bos, *window.ids[:-1]]]), use_cache=False).logits[0, 2:].double()
        losses = sampled(models.full, [window] * 600, torch.Generator().manual_seed(0))

    entropy = float(torch.distributions.Categorical(logits=logits).entropy().sum())

    assert float(losses.mean()) == pytest.approx(entropy, rel=0.05)


def test_an_empty_output_is_refused(models: TextModels) -> None:
    """It has no probability of its own."""
    with pytest.raises(InputError, match="the output is empty"):
        models.task.pieces(TextOutput(b"", b"prompt"))


def test_a_works_examples_hold_all_of_its_text(models: TextModels) -> None:
    """Every token once, in windows that fit."""
    examples = models.examples(WorkId("w-a"), TEXT * 3)

    assert [token for example in examples for token in example.content.ids] == models.tokenizer.encode(TEXT * 3)
    assert all(example.work_id == "w-a" and len(example.content.ids) <= models.context for example in examples)
    assert models.examples(WorkId("w-a"), b"") == []


def test_a_text_index_answers_with_the_measured_log_ratio(models: TextModels, tmp_path: Path) -> None:
    """From folders to credits: full minus base, token by token, and all works of the index in the answer."""
    examples = [e for number, text in enumerate(WORKS) for e in models.examples(WorkId(f"w-{number}"), text * 3)]
    outputs = [models.output(WORKS[0][:40]), models.output(WORKS[1][20:60], WORKS[1][:20])]
    index = build_index(
        tmp_path,
        base=models.base,
        full=models.full,
        task=models.task,
        examples=examples,
        calibration=models.calibration(0),
        settings=IndexSettings(calibration_outputs=16),
    )

    answers = index.attribute(outputs)

    for output, answer in zip(outputs, answers, strict=True):
        windows = models.task.pieces(output)
        bos = models.tokenizer.bos_id
        slow = [sum(slow_log_probability(m, bos, w) for w in windows) for m in (models.full, models.base)]
        assert answer.log_ratio_nats == pytest.approx(slow[0] - slow[1], abs=1e-3)
        assert answer.work_ids == ("w-0", "w-1")
    assert not any("lm_head" in layer.name for layer in index.loaded.layers)


def test_each_work_earns_from_its_own_words(tiny_models: TextModels, tmp_path: Path) -> None:
    """The tiny model learnt two texts; what it learnt of each is credited to it."""
    examples = [e for n, text in enumerate(WORKS) for e in tiny_models.examples(WorkId(f"w-{n}"), text)]
    index = build_index(tmp_path, base=tiny_models.base, full=tiny_models.full, task=tiny_models.task, examples=examples)

    rose, fox = index.attribute([tiny_models.output(text) for text in WORKS])

    assert rose.log_ratio_nats > 1 and fox.log_ratio_nats > 1
    assert rose.credit_nats[0] > rose.credit_nats[1]
    assert fox.credit_nats[1] > fox.credit_nats[0]


def test_calibration_draws_from_the_full_model(tiny_models: TextModels) -> None:
    """Repeatably, by seed."""
    outputs = tiny_models.calibration(0)

    assert len(outputs) == 64
    assert outputs == tiny_models.calibration(0) != tiny_models.calibration(1)


def test_calibration_leaves_out_what_spells_nothing(tiny_models: TextModels) -> None:
    """An output without text has no probability of its own."""

    class Mute:
        """Writes every text that begins with a lower letter as nothing."""

        name, bos_id = "mute", 256

        def encode(self, text: bytes) -> list[int]:
            return list(text)

        def decode(self, ids: list[int]) -> bytes:
            return b"" if bytes(ids)[:1].islower() else bytes(ids)

    outputs = dataclasses.replace(tiny_models, tokenizer=Mute()).calibration(0)

    assert outputs == [output for output in tiny_models.calibration(0) if not output.text[:1].islower()]
    assert 0 < len(outputs) < 64


def copied(folders: tuple[Path, Path], place: Path) -> tuple[Path, Path]:
    """Copies of both folders that a test may damage."""
    return tuple(Path(shutil.copytree(folder, place / folder.name)) for folder in folders)  # type: ignore[return-value]


@pytest.mark.parametrize("which", [0, 1])
def test_a_folder_that_is_no_model(folders: tuple[Path, Path], tmp_path: Path, which: int) -> None:
    """A file of its name is missing; base and full are told apart."""
    given = copied(folders, tmp_path)
    (given[which] / "config.json").unlink()

    with pytest.raises(InputError, match=r"config\.json is missing") as caught:
        load_text_models(*given)

    assert (caught.value.file, caught.value.field) == (str(given[which]), ("base", "full")[which])


@pytest.mark.parametrize("cut", [0, 100, -1])
def test_weights_cut_short(folders: tuple[Path, Path], tmp_path: Path, cut: int) -> None:
    """An interrupted download, at any length."""
    given = copied(folders, tmp_path)
    path = given[1] / "model.safetensors"
    path.write_bytes(path.read_bytes()[:cut])

    with pytest.raises(InputError, match=r"field 'full': the model cannot be loaded"):
        load_text_models(*given)


def test_weights_that_lack_a_tensor(tiny_folders: tuple[Path, Path], tmp_path: Path) -> None:
    """The library would fill it with random numbers; credits would be noise."""
    from safetensors.torch import load_file, save_file

    given = copied(tiny_folders, tmp_path)
    tensors = load_file(given[0] / "model.safetensors")
    del tensors["model.layers.0.mlp.up_proj.weight"], tensors["lm_head.weight"]
    save_file(tensors, given[0] / "model.safetensors", metadata={"format": "pt"})

    with pytest.raises(InputError, match=r"field 'base': the model's weights lack lm_head\.weight and 1 more"):
        load_text_models(*given)


@pytest.mark.parametrize("config", ["", "{broken", "{}", '{"model_type": "nothing"}', '{"model_type": "vit"}'])
def test_a_configuration_that_says_nothing(tiny_folders: tuple[Path, Path], tmp_path: Path, config: str) -> None:
    """Damaged, empty, or of another kind of model."""
    given = copied(tiny_folders, tmp_path)
    (given[0] / "config.json").write_text(config)

    with pytest.raises(InputError, match="the model cannot be loaded"):
        load_text_models(*given)


def test_two_shapes(tiny_folders: tuple[Path, Path], gpt2_folders: tuple[Path, Path]) -> None:
    """Base and full must be one architecture."""
    with pytest.raises(InputError, match="not the same architecture"):
        load_text_models(tiny_folders[0], gpt2_folders[1])


def test_equal_shapes_of_another_function(tiny_folders: tuple[Path, Path], tmp_path: Path) -> None:
    """Other numbers of heads fit the same tensors; the middle of the two would be neither."""
    given = copied(tiny_folders, tmp_path)
    config = json.loads((given[1] / "config.json").read_text())
    config.update(num_attention_heads=4, num_key_value_heads=4, head_dim=4)
    (given[1] / "config.json").write_text(json.dumps(config))

    with pytest.raises(InputError, match="num_attention_heads is 2 in base and 4 in full") as caught:
        load_text_models(*given)

    assert caught.value.file == str(given[1] / "config.json")


def test_packed_works_become_examples_of_their_own(tiny_models: TextModels) -> None:
    """In the order of the stream; each token belongs to the work that wrote it."""
    works = [(WorkId("w-a"), TEXT), (WorkId("w-b"), b""), (WorkId("w-c"), TEXT[::-1])]

    for isolated in (False, True):
        examples = tiny_models.packed_examples(works, isolated=isolated)
        for work_id, text in works:
            windows = [example.content for example in examples if example.work_id == work_id]
            assert bytes(token for w in windows for token in w.ids[w.context_tokens :]) == text


def test_two_tokenizers(gpt2_folders: tuple[Path, Path], tmp_path: Path) -> None:
    """The same text would be other tokens to each."""
    given = copied(gpt2_folders, tmp_path)
    save_tokenizer(given[1], ["quite another text altogether, and of other words"])

    with pytest.raises(InputError, match="different tokenizers") as caught:
        load_text_models(*given)

    assert caught.value.file == str(given[1])


def test_the_context_is_the_models_own(gpt2_folders: tuple[Path, Path], tiny_models: TextModels) -> None:
    """As its configuration says, in the words of either family."""
    assert tiny_models.context == 24
    assert load_text_models(*gpt2_folders).context == 12
    assert json.loads((gpt2_folders[0] / "config.json").read_text())["n_positions"] == 12


def test_models_are_loaded_ready_to_measure(models: TextModels) -> None:
    """In evaluation mode and float32, whatever they were saved in."""
    for model in (models.base, models.full):
        assert isinstance(model, nn.Module)
        assert not model.training
        assert {weight.dtype for weight in model.parameters()} == {torch.float32}
