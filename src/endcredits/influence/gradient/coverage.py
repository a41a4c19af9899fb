"""Which of a model's parameters an index covers, and why not the others.

Hooks see linear layers and convolutions that are called. Norms, embeddings, experts that are fused into one tensor, and
weights that a module uses without calling a layer stay outside: their part of the learning is spread over the covered
layers by the index's scale, or lost. Nobody should have to guess how much that is, so every parameter is either counted
here or named with its reason.

Two questions, two functions. `coverage_of` reads the model and needs no data. `unseen_layers` runs the slow twin on a few
examples (ordinary backward passes, content by content) and names the layers whose gradients the hooks get wrong: a weight
also used elsewhere, or rows that do not run over the examples (sequence first, tables of positions, routed tokens).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from endcredits.errors import InputError
from endcredits.influence.gradient.layers import Layer, capturing, is_seen, is_transposed

UNMOVED = "the same in base and full, so nothing was learnt there"
LEFT_OUT = "left out by the task"
OTHER_USE = "the weight is also used otherwise than by calling the layer"
MIXED_ROWS = "its rows cannot be told apart by example"


@dataclass(frozen=True, slots=True)
class Missed:
    """A parameter that the index does not cover.

    Attributes:
        name: its path in the model.
        size: its numbers.
        why: the reason, in words that equal cases share.
    """

    name: str
    size: int
    why: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """What an index covers of a model.

    Attributes:
        layers: how many layers carry it.
        covered: numbers in parameters that it covers.
        missed: every other parameter, in the model's order. A tensor that two names share stands here once, and is
            covered only when all its uses are.
    """

    layers: int
    covered: int
    missed: tuple[Missed, ...]

    @property
    def moved(self) -> int:
        """Numbers in parameters that training moved (all, where the base is not known)."""
        return self.covered + sum(entry.size for entry in self.missed if entry.why != UNMOVED)

    @property
    def share(self) -> float:
        """Covered part of the parameters that training moved, 0 to 1."""
        return self.covered / self.moved if self.moved else 0.0

    def reasons(self) -> dict[str, tuple[Missed, ...]]:
        """The missed parameters by reason, the largest part first."""
        found: dict[str, list[Missed]] = defaultdict(list)
        for entry in self.missed:
            found[entry.why].append(entry)
        return {
            why: tuple(entries)
            for why, entries in sorted(found.items(), key=lambda item: -sum(entry.size for entry in item[1]))
        }

    def facts(self) -> dict[str, Any]:
        """The same for a manifest: integers and texts, one row ``[reason, numbers, tensors, first name]`` per reason."""
        rows = [
            [why, sum(e.size for e in entries), len(entries), entries[0].name] for why, entries in self.reasons().items()
        ]
        return {"layers": self.layers, "covered": self.covered, "moved": self.moved, "missed": rows}


def coverage_text(facts: Mapping[str, Any]) -> str:
    """`Coverage.facts` for people, also as read back from a manifest.

    >>> missed = [["embedding table", 25, 1, "wte.weight"]]
    >>> print(coverage_text({"layers": 2, "covered": 75, "moved": 100, "missed": missed}))
    75 of 100 learnt parameters (75.0 %) are indexed, in 2 layers
      not indexed: 25 (25.0 %), embedding table: wte.weight
    """
    moved = max(1, facts["moved"])
    lines = [
        f"{facts['covered']:,} of {facts['moved']:,} learnt parameters ({100 * facts['covered'] / moved:.1f} %) "
        f"are indexed, in {facts['layers']:,} layer{'s' if facts['layers'] != 1 else ''}"
    ]
    for why, size, tensors, first in facts["missed"]:
        part = "" if why == UNMOVED else f" ({100 * size / moved:.1f} %)"
        lines.append(
            f"  not indexed: {size:,}{part}, {why}: {first}" + (f" and {tensors - 1:,} more" if tensors > 1 else "")
        )
    return "\n".join(lines)


def coverage_of(
    model: nn.Module, layers: Sequence[Layer], *, base: nn.Module | None = None, unseen: Mapping[str, str] | None = None
) -> Coverage:
    """Counts what the layers cover and names everything else.

    Args:
        model: the full model.
        layers: the layers that carry the index.
        base: the model before the works; parameters that are equal in both are told apart from those that learnt.
        unseen: layers that `unseen_layers` ruled out, with the reason.
    """
    carried = {layer.name for layer in layers}
    before = dict(base.named_parameters(remove_duplicate=False)) if base is not None else {}
    uses: dict[int, list[tuple[str, nn.Module]]] = defaultdict(list)
    parameters: dict[int, Tensor] = {}
    for name, module in model.named_modules():
        for own, parameter in module.named_parameters(recurse=False):
            uses[id(parameter)].append((f"{name}.{own}".lstrip("."), module))
            parameters[id(parameter)] = parameter
    covered, missed = 0, []
    for key, parameter in parameters.items():
        names = [name for name, _ in uses[key]]
        counted = [name for name in names if name.rpartition(".")[0] in carried]
        if len(counted) == len(names):
            covered += parameter.numel()
            continue
        name, module = uses[key][0]
        if name in before and torch.equal(before[name], parameter):
            why = UNMOVED
        elif counted:
            why = f"one tensor with two uses, of which only {counted[0]} is counted"
        else:
            why = (unseen or {}).get(name.rpartition(".")[0]) or _why(module, parameter)
            if len(names) > 1:
                why += f", tied to {' and '.join(names[1:])}"
        missed.append(Missed(name, parameter.numel(), why))
    return Coverage(len(layers), covered, tuple(missed))


def _why(module: nn.Module, parameter: Tensor) -> str:
    kind = type(module).__name__
    if is_seen(module):
        return LEFT_OUT
    if isinstance(module, (nn.Embedding, nn.EmbeddingBag)):
        return "embedding table"
    if isinstance(module, _ConvNd):
        return f"a convolution that is not indexed ({kind}, {module.groups} groups)"
    if isinstance(module, nn.Linear):
        return f"a weight used otherwise than by calling a plain linear layer ({kind})"
    if parameter.dim() >= 3 and len(parameter) > 1:
        return f"fused weights of {parameter.dim()} dimensions, as of experts ({kind})"
    if parameter.dim() < 2:
        return "norms and other vectors"
    return f"a tensor that {kind} uses itself"


def unseen_layers(
    model: nn.Module,
    layers: Sequence[Layer],
    measure: Callable[[nn.Module, Sequence[Any]], Tensor],
    contents: Sequence[Any],
    tolerance: float = 1e-3,
) -> dict[str, str]:
    """Layers whose gradients the hooks get wrong, against one ordinary backward pass for each content.

    Args:
        model: all of its parameters must require gradients.
        layers: what `find_layers` found.
        measure: the task's `train_loss` or `measurement`.
        contents: a few different ones; three tell more than two, because rows of a mixed layer may come out even.
        tolerance: allowed distance, relative to the layer's gradient.

    Returns:
        The reason by layer's name; empty when all is well. A weight that two layers share is compared by the sum over
        all layers that share it.
    """
    modules: dict[str, Any] = dict(model.named_modules())
    with capturing(model, layers) as capture:
        values = measure(model, contents)
    capture.backward(values.sum())
    wrong: dict[str, str] = {}
    sharing: dict[int, list[Layer]] = defaultdict(list)  # layers by their weight
    for layer in layers:
        sharing[id(modules[layer.name].weight)].append(layer)
    points = [modules[shared[0].name] for shared in sharing.values()]
    found = [
        torch.autograd.grad(measure(model, [content]).sum(), [m.weight for m in points], allow_unused=True)
        for content in contents
    ]
    for weight_layers, module, gradients in zip(sharing.values(), points, zip(*found, strict=True), strict=True):
        names = [layer.name for layer in weight_layers]
        truth = torch.stack([_as_matrix(module, gradient) for gradient in gradients])  # (n, o, i)
        try:
            singles = [capture.per_example(layer, len(contents)) for layer in weight_layers]
        except InputError:
            wrong.update(dict.fromkeys(names, MIXED_ROWS))
            continue
        ours = torch.stack([single[..., : truth.shape[-1]] for single in singles]).sum(0)
        if _differ(ours, truth, tolerance):
            why = OTHER_USE if _differ(ours.sum(0), truth.sum(0), tolerance) else MIXED_ROWS
            wrong.update(dict.fromkeys(names, why))
    return wrong


def _as_matrix(module: Any, gradient: Tensor | None) -> Tensor:
    value = torch.zeros_like(module.weight) if gradient is None else gradient
    return value.T if is_transposed(module) else value.flatten(1)


def _differ(ours: Tensor, truth: Tensor, tolerance: float) -> bool:
    return ours.shape != truth.shape or bool((ours - truth).norm() > tolerance * truth.norm() + 1e-7)
