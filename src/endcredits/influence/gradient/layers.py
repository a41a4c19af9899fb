"""Seeing into linear layers: their inputs and the gradients at their outputs, per example.

For a linear layer y = W a + b the gradient of a scalar f for one example is the sum over its positions t of
(df/dy_t) [a_t, 1]^T. So a forward pass that remembers a, and one backward pass to the layers' outputs (never to the
weights: those products are what we avoid), give every example's gradient separately. Letters: n examples, t positions,
o outputs, i inputs (one more when the layer has a bias, whose input is the constant 1).

A convolution is the same linear layer at every place of a picture, whose inputs are the patch under its kernel (Grosse &
Martens 2016, arXiv 1602.01407): positions are places, and i = channels x kernel. Its patches take as many times the room of
its input as its kernel has places. With groups, each group of channels is one more set of positions, at which only the
group's own outputs have a gradient.

An embedding would be a linear layer over one-hot inputs. It is not indexed: its input moment is diagonal and as wide as the
vocabulary, a table of positions is looked up once for the whole list (so that its rows belong to no example), and middle
layers carry attribution best (arXiv 2511.04715). `coverage` names it; a small table that matters, of classes say, can be
written as nn.Linear over one-hot vectors.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

from endcredits.errors import InputError

MAX_GROUPS = 8
"""Groups of a convolution that we unfold: beyond, its few weights would cost the room of many."""


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


def is_transposed(module: nn.Module) -> bool:
    """Whether this is GPT-2's Conv1D: a linear layer, in spite of its name, that keeps its weight as (inputs, outputs)."""
    return type(module).__name__ == "Conv1D" and hasattr(module, "nf")


def is_seen(module: nn.Module) -> bool:
    """Whether the hooks see all that the module's weights do.

    Not so for a subclass with a forward of its own, a weight computed from other parameters (torch's parametrizations),
    and the output layer of nn.MultiheadAttention, whose weight is used without calling it.
    """
    if "weight" not in module._parameters or isinstance(module, NonDynamicallyQuantizableLinear):
        return False
    if isinstance(module, (nn.Conv1d, nn.Conv2d)) and module.groups > MAX_GROUPS:
        return False
    forward = type(module).forward
    return is_transposed(module) or any(forward is kind.forward for kind in (nn.Linear, nn.Conv1d, nn.Conv2d))


def find_layers(model: nn.Module, wanted: Callable[[str, nn.Module], bool]) -> tuple[Layer, ...]:
    """The model's linear layers and convolutions that `wanted` accepts, in the model's order.

    Raises:
        InputError: there are none.
    """
    layers = []
    for name, module in model.named_modules():
        if not is_seen(module) or not wanted(name, module):
            continue
        weight, bias = module.weight, getattr(module, "bias", None)
        assert isinstance(weight, Tensor)
        outputs, inputs = (weight.T if is_transposed(module) else weight.flatten(1)).shape
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
        modules: per layer, its module, which says what its positions are.
    """

    inputs: dict[str, list[Tensor]] = field(default_factory=dict)
    outputs: dict[str, list[Tensor]] = field(default_factory=dict)
    gradients: dict[str, list[Tensor]] = field(default_factory=dict)
    modules: dict[str, nn.Module] = field(default_factory=dict)

    def backward(self, total: Tensor) -> None:
        """Fills `gradients` with the derivative of a scalar at every captured output, in one backward pass."""
        names = [(name, number) for name, uses in self.outputs.items() for number in range(len(uses))]
        points = [self.outputs[name][number] for name, number in names]
        found = torch.autograd.grad(total, points, allow_unused=True)
        self.gradients = {name: [] for name in self.outputs}
        for (name, _), point, gradient in zip(names, points, found, strict=True):
            value = torch.zeros_like(point) if gradient is None else gradient
            self.gradients[name].append(arrived_rows(self.modules[name], value.detach()))
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
            torch.einsum("nto,nti->noi", by_example(gradient, examples, layer), by_example(value, examples, layer))
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


def by_example(value: Tensor, examples: int | None, layer: Layer) -> Tensor:
    """Rows ``[n, t, i]`` of n examples, also where a layer was given their positions flattened together.

    Raises:
        InputError: the layer's first dimension does not run over the examples.
    """
    if examples is None or value.shape[0] == examples:
        return value
    if value.shape[0] % examples:
        raise InputError(
            f"the first dimension of layer {layer.name} has {value.shape[0]} rows for {examples} examples",
            remedy="Leave the layer out with the task's `layers`; its rows cannot be told apart by example.",
            field="layers",
        )
    return value.reshape(examples, -1, value.shape[-1])


def entered_rows(module: nn.Module, value: Tensor) -> Tensor:
    """What entered a layer, by example and position: ``[n, t, i]``, without the bias's constant."""
    if not isinstance(module, (nn.Conv1d, nn.Conv2d)):
        _check_examples(value, 2)
        return value.reshape(value.shape[0], -1, value.shape[-1])
    _check_examples(value, module.weight.dim())
    mode = "constant" if module.padding_mode == "zeros" else module.padding_mode
    value = nn.functional.pad(value, module._reversed_padding_repeated_twice, mode=mode)
    kernel, dilation, stride = (_pair(part) for part in (module.kernel_size, module.dilation, module.stride))
    if value.dim() == 3:
        value = value[:, :, None, :]  # a sound is a picture of height 1
    patches = nn.functional.unfold(value, kernel, dilation, 0, stride)  # (n, channels * kernel, t)
    groups = patches.reshape(len(value), module.groups, -1, patches.shape[-1])  # (n, g, i, t)
    return groups.transpose(2, 3).flatten(1, 2)


def arrived_rows(module: nn.Module, gradient: Tensor) -> Tensor:
    """The gradient at a layer's output, by example and position: ``[n, t, o]``."""
    if not isinstance(module, (nn.Conv1d, nn.Conv2d)):
        return gradient.reshape(gradient.shape[0], -1, gradient.shape[-1])
    groups = module.groups
    own = gradient.reshape(len(gradient), groups, gradient.shape[1] // groups, -1).transpose(2, 3)  # (n, g, t, o / g)
    if groups == 1:
        return own[:, 0]
    spread = own.new_zeros(*own.shape[:3], groups, own.shape[3])  # (n, g, t, g, o / g)
    spread.diagonal(dim1=1, dim2=3).copy_(own.permute(0, 2, 3, 1))
    return spread.flatten(3).flatten(1, 2)


def _pair(sizes: tuple[int, ...]) -> tuple[int, int]:
    return (sizes[0], sizes[1]) if len(sizes) == 2 else (1, sizes[0])


def _check_examples(value: Tensor, dimensions: int) -> None:
    if value.dim() < dimensions:
        raise InputError(
            "a linear layer was called on a single vector or picture, without a dimension for the examples",
            remedy="Call the model once with the whole list of contents as its first dimension.",
            field="train_loss, measurement",
        )


@contextlib.contextmanager
def capturing(model: nn.Module, layers: Sequence[Layer]) -> Iterator[Capture]:
    """Remembers the layers' inputs and outputs of the forward passes inside the block."""
    modules = dict(model.named_modules())
    names = [layer.name for layer in layers]
    capture = Capture(
        {name: [] for name in names}, {name: [] for name in names}, modules={name: modules[name] for name in names}
    )

    def hook_for(layer: Layer) -> Callable[..., Tensor]:
        def remember(module: nn.Module, args: tuple[Any, ...], named: dict[str, Any], output: Tensor) -> Tensor:
            given: Tensor = args[0] if args else next(iter(named.values()))  # these layers take one argument
            value = entered_rows(module, given.detach())  # (n, t, i)
            if layer.bias:
                value = torch.cat([value, value.new_ones(*value.shape[:2], 1)], dim=-1)
            capture.inputs[layer.name].append(value)
            capture.outputs[layer.name].append(output)
            # The model goes on with a copy: an activation in place would turn ours into the activation's output.
            return output.clone()

        return remember

    handles = [modules[layer.name].register_forward_hook(hook_for(layer), with_kwargs=True) for layer in layers]
    try:
        yield capture
    finally:
        for handle in handles:
            handle.remove()


def flatten(layers: Sequence[Layer], parts: dict[str, Tensor]) -> Tensor:
    """Joins per-layer gradients ``[..., o, i]`` into vectors ``[..., P]`` in the order of the layers."""
    return torch.cat([parts[layer.name].flatten(-2) for layer in layers], dim=-1)
