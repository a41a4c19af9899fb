"""The gradient of a sum, by the cheapest way that gives it.

The gradient of a summed log-probability with respect to a layer's weight *is* the sum of the examples' gradients, so where
nothing has to be told apart ordinary backpropagation into the weights is all that is needed, and into the indexed weights
alone: no hooks, no stored activations beyond those of training, and no products for the embedding or the output head.
Hooks serve where that would not be the layer's own gradient (a weight that several modules share) or where the layer is of
a kind whose weight cannot be laid out as a matrix ``[o, i]``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from endcredits.influence.gradient.layers import Layer, is_transposed


@dataclass(frozen=True, slots=True)
class Weights:
    """A layer's own parameters, to differentiate by.

    Attributes:
        layer: whose.
        weight: ``[o, ...]`` with i numbers for each output, or ``[i, o]`` when transposed; without the bias's column.
        bias: ``[o]``, or None.
        transposed: whether the module keeps its weight as (inputs, outputs).
    """

    layer: Layer
    weight: Tensor
    bias: Tensor | None
    transposed: bool


def own_weights(model: nn.Module, layers: Sequence[Layer]) -> list[Weights] | None:
    """The layers' parameters, or None when one of them is shared between modules or is not a matrix of the layer's size."""
    owners = Counter(id(value) for module in model.modules() for value in module.parameters(recurse=False))
    modules = dict(model.named_modules())
    found = []
    for layer in layers:
        module = modules[layer.name]
        transposed = is_transposed(module)
        weight, bias = module._parameters.get("weight"), module._parameters.get("bias")
        if weight is None or layer.bias != (bias is not None):
            return None
        rows, columns = weight.flatten(1).shape
        if (layer.outputs, layer.inputs - layer.bias) != ((columns, rows) if transposed else (rows, columns)):
            return None
        if any(owners[id(value)] != 1 for value in (weight, bias) if value is not None):
            return None
        found.append(Weights(layer, weight, bias, transposed))
    return found


def add_gradient(weights: Sequence[Weights], total: Tensor, into: Tensor) -> None:
    """Adds the gradient of a scalar to a vector ``[P]`` in the layers' order; a weight that it does not use adds nothing."""
    points = [value for own in weights for value in (own.weight, own.bias) if value is not None]
    found = iter(torch.autograd.grad(total, points, allow_unused=True))
    start = 0
    for own in weights:
        matrix = into[start : start + own.layer.size].view(own.layer.outputs, own.layer.inputs)
        start += own.layer.size
        gradient = next(found)
        if gradient is not None:
            matrix[:, : own.layer.inputs - own.layer.bias] += gradient.T if own.transposed else gradient.flatten(1)
        if own.bias is not None:
            gradient = next(found)
            if gradient is not None:
                matrix[:, -1] += gradient


def split(layers: Sequence[Layer], vector: Tensor) -> dict[str, Tensor]:
    """Views of a vector ``[P]``, layer by layer: ``[o, i]``."""
    parts = torch.split(vector, [layer.size for layer in layers])
    return {layer.name: part.view(layer.outputs, layer.inputs) for layer, part in zip(layers, parts, strict=True)}
