"""Which layers learnt, and what lies halfway when the learning is an adapter.

A weight that training could not move carries no credit: its gradient is not zero, but no work ever acted through it. So an
index belongs to the layers that differ between base and full, or, for low-rank adapters (LoRA, Hu et al. 2021, arXiv
2106.09685), to the adapter's own two linear layers, `lora_A` and `lora_B`; the large frozen weights stay outside.

An adapter adds s B A x to a frozen layer's output. The midpoint of two models is the mean of their weights, so what "base"
is decides what "halfway" means. With base = the same adapter whose B is zero (which is the model without the adapter, to the
last bit), the mean halves B and keeps A: exactly the trained adapter at half its scale. With an A of another draw, or zero,
the mean would also spoil A, and the middle would be no model that lies between the two. `without_adapters` makes that base.
Both A and B are indexed, also where A is equal in both: training moves both.
"""

from __future__ import annotations

import copy

import torch
from torch import nn

from endcredits.errors import InputError
from endcredits.influence.gradient.layers import is_seen

_SIDES = ("lora_A", "lora_B")


def learnt_layers(base: nn.Module, full: nn.Module) -> frozenset[str]:
    """Names of the layers that carry what was learnt: an adapter's, or those whose weights differ.

    Two equal models learnt nothing; then all layers are named, and the build says what is wrong.
    """
    found = adapter_layers(full)
    if found:
        return found
    before = dict(base.named_parameters(remove_duplicate=False))
    moved = {
        name.rpartition(".")[0]
        for name, value in full.named_parameters(remove_duplicate=False)
        if name not in before or not torch.equal(before[name], value)
    }
    seen = frozenset(name for name, module in full.named_modules() if is_seen(module))
    return seen & moved or seen


def adapter_layers(model: nn.Module) -> frozenset[str]:
    """Names of the layers inside low-rank adapters, as the library peft names them; empty when there are none."""
    return frozenset(
        name for name, module in model.named_modules() if is_seen(module) and any(side in name.split(".") for side in _SIDES)
    )


def without_adapters(full: nn.Module) -> nn.Module:
    """The base that belongs to an adapted model: a copy whose adapters add nothing (B = 0) and keep their A.

    Raises:
        InputError: there is no adapter, or more was trained than A and B (magnitudes, whole modules, embeddings), whose
            values from before the training are not in `full`.
    """
    if not adapter_layers(full):
        raise InputError(
            "the model has no low-rank adapter",
            remedy="Give base as a model of its own, or the adapted model before it was merged.",
            field="full",
        )
    base = copy.deepcopy(full)
    with torch.no_grad():
        for name, value in base.named_parameters():
            parts = name.split(".")
            if any(part in ("lora_magnitude_vector", "modules_to_save", "lora_embedding_A") for part in parts):
                raise InputError(
                    f"{name} was trained beside the adapter's A and B, and its value from before is not known",
                    remedy="Save the adapted model before its training too, and give that as base.",
                    field="full",
                )
            if "lora_B" in parts:
                value.zero_()
    return base
