"""The slow twin of the hooks: one ordinary backward pass per content, to the layers' own weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from endcredits.influence.gradient.layers import Layer, capturing, find_layers, flatten, is_transposed
from endcredits.influence.task import every_layer

Measure = Callable[[nn.Module, Sequence[Any]], Tensor]


def explicit_gradients(model: nn.Module, layers: Sequence[Layer], measure: Measure, contents: Sequence[Any]) -> Tensor:
    """Each content's gradient in the order of the layers: ``[n, P]``."""
    modules: dict[str, Any] = dict(model.named_modules())
    rows = []
    for content in contents:
        total = measure(model, [content]).sum()
        parts = []
        for layer in layers:
            module = modules[layer.name]
            weights = [module.weight, module.bias] if layer.bias else [module.weight]
            found = torch.autograd.grad(total, weights, retain_graph=True, allow_unused=True)
            gradient, *bias = [
                torch.zeros_like(weight) if part is None else part for weight, part in zip(weights, found, strict=True)
            ]
            gradient = gradient.T if is_transposed(module) else gradient.flatten(1)
            parts.append(torch.cat([gradient, *(part[:, None] for part in bias)], 1).flatten())
        rows.append(torch.cat(parts))
    return torch.stack(rows)


def hooked_gradients(model: nn.Module, layers: Sequence[Layer], measure: Measure, contents: Sequence[Any]) -> Tensor:
    """The same through the hooks, in one pass over all contents."""
    with capturing(model, layers) as capture:
        values = measure(model, contents)
    capture.backward(values.sum())
    return flatten(layers, {layer.name: capture.per_example(layer, len(contents)) for layer in layers})


def assert_hooks_tell_the_truth(
    model: nn.Module, measure: Measure, contents: Sequence[Any], wanted: Callable[[str, nn.Module], bool] = every_layer
) -> None:
    """Per example and summed, against one ordinary backward pass per example."""
    layers = find_layers(model, wanted)
    truth = explicit_gradients(model, layers, measure, contents)

    with capturing(model, layers) as capture:
        values = measure(model, contents)
    capture.backward(values.sum())
    single = flatten(layers, {layer.name: capture.per_example(layer, len(contents)) for layer in layers})
    summed = flatten(layers, {layer.name: capture.summed(layer) for layer in layers})

    scale = max(1.0, float(truth.abs().max()))  # rounding grows with the largest terms of the sums
    assert truth.abs().max() > 1e-3
    torch.testing.assert_close(single, truth, rtol=1e-4, atol=2e-6 * scale)
    torch.testing.assert_close(summed, truth.sum(0), rtol=1e-4, atol=1e-5 * scale)
    torch.testing.assert_close(single.sum(0), summed, rtol=1e-4, atol=1e-5 * scale)
