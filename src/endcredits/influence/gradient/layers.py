"""Seeing into linear layers: their inputs and the gradients at their outputs, per example.

For a linear layer y = W a + b the gradient of a scalar f for one example is the sum over its positions t of
(df/dy_t) [a_t, 1]^T. So a forward pass that remembers a, and one backward pass to the layers' outputs (never to the
weights: those products are what we avoid), give every example's gradient separately. Letters: n examples, t positions,
o outputs, i inputs (one more when the layer has a bias, whose input is the constant 1).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from endcredits.errors import InputError


@dataclass(frozen=True, slots=True)
class Layer:
    """A linear layer that carries the index.

    Attributes:
        name: its path in the model.
        outputs: o.
        inputs: i, the bias's constant included.
        bias: whether it has one.
    """

    name: str
    outputs: int
    inputs: int
    bias: bool

    @property
    def size(self) -> int:
        """Coordinates of its gradient."""
        return self.outputs * self.inputs


def _is_transposed(module: nn.Module) -> bool:
    # GPT-2's Conv1D is a linear layer that keeps its weight as (inputs, outputs).
    return type(module).__name__ == "Conv1D" and hasattr(module, "nf")


def find_layers(model: nn.Module, wanted: Callable[[str, nn.Module], bool]) -> tuple[Layer, ...]:
    """The model's linear layers that `wanted` accepts, in the model's order.

    Raises:
        InputError: there are none.
    """
    layers = []
    for name, module in model.named_modules():
        if not (isinstance(module, nn.Linear) or _is_transposed(module)) or not wanted(name, module):
            continue
        weight, bias = module.weight, getattr(module, "bias", None)
        assert isinstance(weight, Tensor)
        rows, columns = weight.shape
        outputs, inputs = (columns, rows) if _is_transposed(module) else (rows, columns)
        layers.append(Layer(name, outputs, inputs + (bias is not None), bias is not None))
    if not layers:
        raise InputError("the model has no linear layer to index", remedy="Check the task's `layers`.", field="layers")
    return tuple(layers)


@dataclass(slots=True)
class Capture:
    """What one forward pass showed of the layers, and, after `backward`, the gradients at their outputs.

    Attributes:
        inputs: per layer, one tensor ``[n, t, i]`` per use in the pass, bias constant included.
        outputs: per layer, the layer's outputs, still attached to the graph.
        gradients: per layer, one tensor ``[n, t, o]`` per use.
    """

    inputs: dict[str, list[Tensor]] = field(default_factory=dict)
    outputs: dict[str, list[Tensor]] = field(default_factory=dict)
    gradients: dict[str, list[Tensor]] = field(default_factory=dict)

    def backward(self, total: Tensor) -> None:
        """Fills `gradients` with the derivative of a scalar at every captured output, in one backward pass."""
        names = [(name, number) for name, uses in self.outputs.items() for number in range(len(uses))]
        points = [self.outputs[name][number] for name, number in names]
        found = torch.autograd.grad(total, points, allow_unused=True)
        self.gradients = {name: [] for name in self.outputs}
        for (name, _), point, gradient in zip(names, points, found, strict=True):
            value = torch.zeros_like(point) if gradient is None else gradient
            self.gradients[name].append(_positions(value.detach()))
        self.outputs = {}

    def per_example(self, layer: Layer, examples: int | None = None) -> Tensor:
        """Gradient of each example: ``[n, o, i]``.

        Args:
            layer: which layer.
            examples: n, when it is known. A layer whose first dimension is a multiple of it is taken to have had each
                example's positions flattened together, as `x.view(-1, features)` does.

        Raises:
            InputError: the layer's first dimension does not run over the examples.
        """
        parts = [
            torch.einsum("nto,nti->noi", _rows(gradient, examples, layer), _rows(value, examples, layer))
            for gradient, value in zip(self.gradients[layer.name], self.inputs[layer.name], strict=True)
        ]
        return _total(parts) if parts else self._zeros(layer, examples=True)

    def summed(self, layer: Layer) -> Tensor:
        """Gradient summed over the examples: ``[o, i]``, without ever forming the single ones."""
        parts = [
            gradient.reshape(-1, layer.outputs).T @ value.reshape(-1, layer.inputs)
            for gradient, value in zip(self.gradients[layer.name], self.inputs[layer.name], strict=True)
        ]
        return _total(parts) if parts else self._zeros(layer, examples=False)

    def _zeros(self, layer: Layer, *, examples: bool) -> Tensor:
        """The gradient of a layer that the pass never used, shaped and placed like that of the layers it did."""
        used = next((value for uses in self.inputs.values() for value in uses), torch.zeros(0))
        return used.new_zeros(*([len(used)] if examples else []), layer.outputs, layer.inputs)


def _total(parts: Sequence[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.stack(list(parts)).sum(0)


def _rows(value: Tensor, examples: int | None, layer: Layer) -> Tensor:
    if examples is None or value.shape[0] == examples:
        return value
    if value.shape[0] % examples:
        raise InputError(
            f"the first dimension of layer {layer.name} has {value.shape[0]} rows for {examples} examples",
            remedy="Leave the layer out with the task's `layers`; its rows cannot be told apart by example.",
            field="layers",
        )
    return value.reshape(examples, -1, value.shape[-1])


def _positions(value: Tensor) -> Tensor:
    # [n, features] -> [n, 1, features]; [n, a, b, features] -> [n, a * b, features].
    if value.dim() < 2:
        raise InputError(
            "a linear layer was called on a single vector, without a dimension for the examples",
            remedy="Call the model once with the whole list of contents as its first dimension.",
            field="train_loss, measurement",
        )
    return value.reshape(value.shape[0], -1, value.shape[-1])


@contextlib.contextmanager
def capturing(model: nn.Module, layers: Sequence[Layer]) -> Iterator[Capture]:
    """Remembers the layers' inputs and outputs of the forward passes inside the block."""
    capture = Capture({layer.name: [] for layer in layers}, {layer.name: [] for layer in layers})
    modules = dict(model.named_modules())
    handles = []

    def hook_for(layer: Layer) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]:
        def remember(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> Tensor:
            value = _positions(args[0].detach())  # (n, t, i)
            if layer.bias:
                value = torch.cat([value, value.new_ones(*value.shape[:2], 1)], dim=-1)
            capture.inputs[layer.name].append(value)
            capture.outputs[layer.name].append(output)
            # The model goes on with a copy: an activation in place would turn ours into the activation's output.
            return output.clone()

        return remember

    for layer in layers:
        handles.append(modules[layer.name].register_forward_hook(hook_for(layer)))
    try:
        yield capture
    finally:
        for handle in handles:
            handle.remove()


def flatten(layers: Sequence[Layer], parts: dict[str, Tensor]) -> Tensor:
    """Joins per-layer gradients ``[..., o, i]`` into vectors ``[..., P]`` in the order of the layers."""
    return torch.cat([parts[layer.name].flatten(-2) for layer in layers], dim=-1)
