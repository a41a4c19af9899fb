"""What learnt carries the index, and halfway to an adapter is the adapter at half its scale."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

from endcredits.errors import InputError
from endcredits.influence.gradient.layers import find_layers
from endcredits.influence.gradient.learnt import adapter_layers, learnt_layers, without_adapters
from endcredits.influence.gradient.midpoint import midpoint_model
from endcredits.influence.text.models import text_models
from endcredits.influence.text.tokenizers import ByteTokenizer
from tests.influence.families import CONTEXT, FAMILIES, family_models
from tests.influence.helpers import WORKS

ROSE = WORKS[0]


def test_halfway_to_an_adapter_is_the_adapter_at_half_its_scale() -> None:
    """The base without it is the frozen model to the last bit, and the middle is what scaling by a half computes."""
    models = family_models("lora_llama")
    peft_model: Any = copy.deepcopy(models.full)
    ids = {"input_ids": torch.tensor([[256, *ROSE[:10]]]), "use_cache": False}
    with torch.no_grad():
        before, after = models.base(**ids).logits, models.full(**ids).logits
        middle = midpoint_model(models.base, models.full)(**ids).logits
        with peft_model.disable_adapter():
            assert torch.equal(peft_model(**ids).logits, before)
        for module in peft_model.modules():
            if hasattr(module, "scaling") and isinstance(module.scaling, dict):
                module.scaling = {name: scale / 2 for name, scale in module.scaling.items()}
        torch.testing.assert_close(peft_model(**ids).logits, middle)
    assert float((after - before).abs().max()) > 0.1


def test_an_adapters_own_layers_carry_its_index() -> None:
    """A and B of each adapted layer, and no frozen weight."""
    models = family_models("lora_llama")
    names = [layer.name for layer in find_layers(models.full, models.task.layers)]

    assert set(names) == adapter_layers(models.full) == learnt_layers(models.base, models.full)
    assert len(names) == 2 * 2 * 3
    assert all(".lora_A." in name or ".lora_B." in name for name in names)


def test_a_base_that_cannot_be_told_from_an_adapter() -> None:
    """No adapter at all, or one whose magnitudes were trained too."""
    with pytest.raises(InputError, match="no low-rank adapter"):
        without_adapters(family_models("llama").full)
    peft = pytest.importorskip("peft", reason="the adapters' own library is not installed: pip install peft")
    config = peft.LoraConfig(r=2, target_modules=["q_proj"], use_dora=True, task_type="CAUSAL_LM")
    with pytest.raises(InputError, match=r"lora_magnitude_vector.* was trained beside"):
        without_adapters(peft.get_peft_model(FAMILIES["llama"](), config))


def test_frozen_layers_are_left_out() -> None:
    """Where training moved only some layers, they alone carry the index; where it moved none, all are asked."""
    base = family_models("llama").base
    full: Any = copy.deepcopy(base)
    with torch.no_grad():
        full.model.layers[1].mlp.up_proj.weight += 0.1

    models = text_models(base, full, ByteTokenizer(), CONTEXT)
    same = text_models(base, copy.deepcopy(base), ByteTokenizer(), CONTEXT)

    assert [layer.name for layer in find_layers(full, models.task.layers)] == ["model.layers.1.mlp.up_proj"]
    assert len(find_layers(base, same.task.layers)) == 14
