"""Every family of language models goes the whole way, and what its index does not cover is said."""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence import IndexSettings, TextModels, TextOutput, build_index, load_text_models
from endcredits.influence.gradient.coverage import coverage_of, unseen_layers
from endcredits.influence.gradient.layers import find_layers
from endcredits.influence.gradient.midpoint import midpoint_model
from endcredits.influence.text.windows import Window
from tests.influence.families import CONTEXT, FAMILIES, family_models
from tests.influence.helpers import WORKS
from tests.influence.hooks import assert_hooks_tell_the_truth, explicit_gradients, hooked_gradients

ROSE, FOX = WORKS
LONG = Window(tuple(ROSE[:CONTEXT]))
SHORT = Window(tuple(FOX[:5]))
PROMPTED = Window(tuple(FOX[3:12]), 4)
WINDOWS = (LONG, SHORT, PROMPTED)


@pytest.fixture(params=FAMILIES)
def models(request: pytest.FixtureRequest) -> TextModels:
    """Before and after two short works."""
    return family_models(request.param)


def test_the_hooks_tell_the_truth(models: TextModels) -> None:
    """At the midpoint, for windows of unequal length of which some tokens are a prompt."""
    middle = midpoint_model(models.base, models.full)

    assert_hooks_tell_the_truth(middle, models.task.measurement, WINDOWS, models.task.layers)
    assert unseen_layers(middle, find_layers(middle, models.task.layers), models.task.train_loss, WINDOWS) == {}


def test_neither_padding_nor_batch_mates_change_a_gradient(models: TextModels) -> None:
    """A short window alone, and beside one three times as long."""
    middle = midpoint_model(models.base, models.full)
    layers = find_layers(middle, models.task.layers)
    together = hooked_gradients(middle, layers, models.task.measurement, WINDOWS)

    for row, window in zip(together, WINDOWS, strict=True):
        alone = hooked_gradients(middle, layers, models.task.measurement, [window])[0]
        assert float((row - alone).norm() / alone.norm()) < 1e-5


def test_a_prompt_does_not_count(models: TextModels) -> None:
    """The prompted window's gradient is that of the whole, less that of the prompt alone."""
    middle = midpoint_model(models.base, models.full)
    layers = find_layers(middle, models.task.layers)
    whole, prompt = Window(PROMPTED.ids), Window(PROMPTED.ids[: PROMPTED.context_tokens])

    counted, whole_row, prompt_row = hooked_gradients(middle, layers, models.task.measurement, [PROMPTED, whole, prompt])

    assert float((whole_row - prompt_row - counted).norm() / counted.norm()) < 1e-5


def test_from_works_to_credits(models: TextModels, tmp_path: Path) -> None:
    """Each work earns most of what was learnt of its own words, and the sum is near what was measured."""
    examples = [e for n, text in enumerate(WORKS) for e in models.examples(WorkId(f"w-{n}"), text)]
    index = build_index(
        tmp_path,
        base=models.base,
        full=models.full,
        task=models.task,
        examples=examples,
        settings=IndexSettings(blocks=2, own_examples=0),
    )

    rose, fox = (index.contrasts(output) for output in (models.output(ROSE), models.output(FOX[20:50], FOX[:20])))

    assert rose.log_ratio_nats > 1 and fox.log_ratio_nats > 1
    assert rose.credits[0] > abs(rose.credits[1])
    assert fox.credits[1] > abs(fox.credits[0])
    assert 0.3 < float(rose.credits.sum() + fox.credits.sum()) / (rose.log_ratio_nats + fox.log_ratio_nats) < 3


LORA = "the same in base and full, so nothing was learnt there"
EXPECTED = {
    "llama": {"embedding table, tied to lm_head.weight", "norms and other vectors"},
    "qwen2": {"embedding table, tied to lm_head.weight", "norms and other vectors"},
    "qwen3": {"embedding table", "norms and other vectors", "left out by the task"},
    "gpt2": {"embedding table, tied to lm_head.weight", "embedding table", "norms and other vectors"},
    "neox": {"embedding table", "norms and other vectors", "left out by the task"},
    "mixtral": {
        "fused weights of 3 dimensions, as of experts (MixtralExperts)",
        "a tensor that MixtralTopKRouter uses itself",
        "embedding table",
        "norms and other vectors",
        "left out by the task",
    },
    "lora_llama": {LORA},
    "lora_gpt2": {LORA},
}


@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_not_covered_is_said(name: str) -> None:
    """Fused experts, routers, tied embeddings and norms by name; adapters are covered whole."""
    models = family_models(name)

    coverage = coverage_of(models.full, find_layers(models.full, models.task.layers), base=models.base)

    assert set(coverage.reasons()) == EXPECTED[name]
    if name == "mixtral":
        fused = coverage.reasons()["fused weights of 3 dimensions, as of experts (MixtralExperts)"]
        assert {entry.name.rpartition(".")[2] for entry in fused} == {"gate_up_proj", "down_proj"}
        assert coverage.share < 0.3
    if name.startswith("lora"):
        assert coverage.share == 1.0


@pytest.mark.parametrize("isolated", [False, True])
def test_packed_works_share_the_gradient_of_their_window(isolated: bool) -> None:
    """The gradient of a packed window's loss, as training took it, falls apart into one part per work."""
    models = family_models("llama")
    middle = midpoint_model(models.base, models.full)
    layers = find_layers(middle, models.task.layers)
    works = [(WorkId("w-0"), ROSE[:7]), (WorkId("w-1"), FOX[:6])]
    examples = models.packed_examples(works, isolated=isolated)

    parts = hooked_gradients(middle, layers, models.task.measurement, [example.content for example in examples])
    whole = explicit_gradients(middle, layers, lambda model, _: packed_log_probability(model, works, isolated), [None])[0]

    assert [example.work_id for example in examples] == ["w-0", "w-1"]
    assert min(float(part.norm()) for part in parts) > 0.1
    assert float((parts.sum(0) - whole).norm() / whole.norm()) < 1e-5


def packed_log_probability(model: Any, works: list[tuple[WorkId, bytes]], isolated: bool) -> Tensor:
    """One pass over all works at once: a plain stream, or a block mask with positions that begin anew."""
    if not isolated:
        ids = [byte for _, text in works for byte in text]
        inputs, positions = torch.tensor([[256, *ids[:-1]]]), torch.arange(len(ids))[None]
        allowed = torch.ones(len(ids), len(ids)).tril().bool()
    else:
        ids = [byte for _, text in works for byte in text]
        inputs = torch.tensor([[token for _, text in works for token in (256, *text[:-1])]])
        positions = torch.tensor([[place for _, text in works for place in range(len(text))]])
        owner = torch.tensor([number for number, (_, text) in enumerate(works) for _ in text])
        allowed = (owner[:, None] == owner) & torch.ones(len(ids), len(ids)).tril().bool()
    mask = torch.where(allowed, 0.0, torch.finfo(torch.float32).min)[None, None]
    logits = model(input_ids=inputs, position_ids=positions, attention_mask=mask, use_cache=False).logits
    return -nn.functional.cross_entropy(logits[0], torch.tensor(ids), reduction="none").sum()[None]


def test_an_adapter_folder_is_a_full_model(tiny_folders: tuple[Path, Path], tmp_path: Path) -> None:
    """Its base is the folder it was trained on; A that was saved is A that is loaded."""
    peft = pytest.importorskip("peft", reason="the adapters' own library is not installed: pip install peft")
    loaded = load_text_models(*tiny_folders)
    adapted = peft.get_peft_model(
        copy.deepcopy(loaded.base), peft.LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM")
    )
    with torch.no_grad():
        for name, value in adapted.named_parameters():
            if "lora_B" in name:
                value.normal_(generator=torch.Generator().manual_seed(0))
    adapted.save_pretrained(str(tmp_path / "adapter"))

    models = load_text_models(tiny_folders[0], tmp_path / "adapter")

    assert models.tokenizer.name == "bytes" and models.context == loaded.context
    with torch.no_grad():
        for ours, theirs in ((models.base, loaded.base), (models.full, adapted)):
            torch.testing.assert_close(
                models.task.measurement(ours, WINDOWS), loaded.task.measurement(theirs, WINDOWS), rtol=1e-5, atol=1e-5
            )
    (tmp_path / "adapter" / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(InputError, match="field 'full': the adapter cannot be loaded"):
        load_text_models(tiny_folders[0], tmp_path / "adapter")


def test_an_adapter_without_its_library(
    tiny_folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is optional, and the message says how to get it."""
    (tmp_path / "adapter_config.json").write_text("{}")
    monkeypatch.setitem(sys.modules, "peft", None)

    with pytest.raises(InputError, match="not installed") as caught:
        load_text_models(tiny_folders[0], tmp_path)

    assert "pip install peft" in caught.value.remedy


def test_a_prompt_without_an_output_and_an_output_beyond_the_context(models: TextModels) -> None:
    """The first is refused; the second slides, and each of its tokens counts once."""
    with pytest.raises(InputError, match="the output is empty"):
        models.task.pieces(TextOutput(b"", ROSE))
    pieces = models.task.pieces(TextOutput(ROSE, FOX))

    assert len(pieces) > 1 and all(len(piece.ids) <= CONTEXT for piece in pieces)
    assert b"".join(bytes(piece.ids[piece.context_tokens :]) for piece in pieces) == ROSE
