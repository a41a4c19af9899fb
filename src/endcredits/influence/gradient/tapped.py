"""Gradients of groups of examples out of one backward pass, formed as the pass goes by.

Where examples must be told apart, the gradient at a layer's output and the layer's input are multiplied group by group the
moment the backward pass delivers them, straight into the rows they belong to. All weights are frozen meanwhile, so autograd
neither forms their products nor keeps what those would need, and no layer's gradients outlive their use: a pass holds less
than a training step does. The first indexed layers on a path, before which nothing is differentiated any more, get an output
that asks for a gradient itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from endcredits.influence.gradient.layers import Layer, arrived_rows, by_example, entered_rows

Collect = Callable[[int, Tensor, Tensor], None]
"""Number of the layer, what entered it ``[n, t, i]`` and the gradient that arrived at its output ``[n, t, o]``."""


@contextlib.contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """No weight asks for a gradient inside the block."""
    asking = [value for value in model.parameters() if value.requires_grad]
    for value in asking:
        value.requires_grad_(False)
    try:
        yield
    finally:
        for value in asking:
            value.requires_grad_(True)


@contextlib.contextmanager
def tapping(model: nn.Module, layers: Sequence[Layer], examples: int, collect: Collect) -> Iterator[list[int]]:
    """Hands every layer's input and gradient to `collect` while the backward pass of what ran inside the block runs.

    Args:
        model: its forward and backward pass both belong inside the block.
        layers: to be seen.
        examples: n; a layer that flattened its examples' positions together is told apart by it.
        collect: called once per use of a layer, in the order of the backward pass; the bias's constant is not appended.

    Yields:
        How often each layer was used in the forward pass.
    """
    uses = [0] * len(layers)
    modules = dict(model.named_modules())

    def hook_for(number: int, layer: Layer) -> Callable[..., Tensor]:
        def remember(module: nn.Module, args: tuple[Any, ...], named: dict[str, Any], output: Tensor) -> Tensor:
            uses[number] += 1
            given = (args[0] if args else next(iter(named.values()))).detach()

            def arrived(gradient: Tensor) -> None:
                entered = by_example(entered_rows(module, given), examples, layer)
                collect(number, entered, by_example(arrived_rows(module, gradient), examples, layer))

            if output.requires_grad:
                # What changes the output in place later does not change its gradient.
                output.register_hook(arrived)  # type: ignore[no-untyped-call]
                return output
            # Nothing before this layer is differentiated. The model goes on with a copy, which it may change in place.
            output = output.requires_grad_()
            output.register_hook(arrived)  # type: ignore[no-untyped-call]
            return output.clone()

        return remember

    handles = [
        modules[layer.name].register_forward_hook(hook_for(number, layer), with_kwargs=True)
        for number, layer in enumerate(layers)
    ]
    try:
        with frozen(model):
            yield uses
    finally:
        for handle in handles:
            handle.remove()


def add_products(into: Tensor, entered: Tensor, arrived: Tensor, *, bias: bool, fresh: bool) -> None:
    """Adds the sum over positions of (gradient at the output) [input, 1]^T to a matrix.

    Args:
        into: ``[o, i]``, with the bias's column last.
        entered: ``[t, i]`` without it.
        arrived: ``[t, o]``.
        bias: whether there is one.
        fresh: whether nothing stands in the matrix yet; whatever memory it had is written over without being read.
    """
    beta = 0 if fresh else 1
    if not bias:
        into.addmm_(arrived.T, entered, beta=beta)
        return
    into[:, :-1].addmm_(arrived.T, entered, beta=beta)
    if fresh:
        into[:, -1] = arrived.sum(0)
    else:
        into[:, -1] += arrived.sum(0)


def backward(total: Tensor) -> None:
    """The backward pass of a scalar through a tapped model; no weight keeps a gradient."""
    torch.autograd.backward(total)
