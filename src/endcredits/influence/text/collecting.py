"""Collecting work vectors while the model trains, out of the backward pass that training makes anyway.

A build reads every work once more, at the middle of base and full. Whoever is about to train can have rows without that
pass: in the last epoch every example goes through a forward and a backward pass, and at each layer the inputs and the
gradients at the outputs are there, from which a work's gradient is one more product (about a third of the pass's
multiply-adds on top, and no second reading of the data). The training itself does not notice: its weights stay the same to
the bit.

What is given up compared with an index at the midpoint: gradients are taken along the last epoch, each at the weights of its
moment, which are near the end of training and not in its middle. Midpoint gradients make credits add up to the log-ratio
and pay better (see `gradient.midpoint`); an example that the model has learnt by heart by then has a small gradient left.
Works that come late in the epoch are seen by other weights than those that come early, and dropout, if there is any, is in
the rows. On a small language model with six works, credits of 24 outputs from such rows correlated .82 with those of the
midpoint's, with the same work first for 20; their sum was 3 % of theirs, so they would need a scale of their own. They rank
works where a second pass cannot be had, and are no cheaper way to the same credits.

Rows are sums of d log p / d weight over a work's examples. Training scales its loss (a mean over tokens, over accumulated
batches, times what keeps half precision from underflow). The factor is read off the gradient itself: at the logits of a
counted token it is factor * (p - one-hot label), so a few positions tell it (see `factor`).
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence.gradient.layers import Layer, arrived_rows, by_example, entered_rows
from endcredits.influence.gradient.shards import Shard
from endcredits.influence.gradient.tapped import add_products
from endcredits.influence.text.factor import loss_factor

NOBODY = -1
"""Number of the work of an example that belongs to none: it is trained on and not collected."""
WorksOf = Callable[[dict[str, Any]], Sequence[int] | Tensor | None]
"""From what the model is called with, the number of each row's work, or None if it does not say; may remove what the model
does not know."""


@dataclass(frozen=True, slots=True)
class Collected:
    """Rows of works, in the coordinates of an index's rows of every coordinate.

    Attributes:
        layers: in the order of the coordinates.
        work_ids: W works.
        sums: ``[W, P]`` float32, summed gradients of log p in nats.
        examples: ``[W]`` how many were collected; compare it with what a work has, for an epoch may have been cut short.
    """

    layers: tuple[Layer, ...]
    work_ids: tuple[WorkId, ...]
    sums: Tensor
    examples: tuple[int, ...]

    def shard(self) -> Shard:
        """The same as a shard without error bands and norms, for `gradient.shards.save_shard`."""
        nothing = torch.zeros(len(self.work_ids), 0)
        blocks = torch.zeros(len(self.work_ids), 0, self.sums.shape[1], dtype=torch.float16)
        return Shard(self.work_ids, self.examples, self.sums, blocks, nothing, nothing)


@dataclass(slots=True)
class Pass:
    """One forward pass: which rows are whose, what they predict, and, from the backward pass on, the loss's factor."""

    rows: int
    groups: dict[int, Tensor]
    labels: Tensor
    factor: float = math.nan


@dataclass(slots=True)
class Collector:
    """What `collecting` fills; see there.

    Attributes:
        layers: in the order of the coordinates.
        work_ids: W works.
        sums: ``[W, P]``.
        examples: ``[W]`` so far.
        current: the last forward pass, while its hooks are being laid.
        starts: ``[L]`` where each layer's coordinates begin.
        wanted: whether passes are collected at present.
    """

    layers: tuple[Layer, ...]
    work_ids: tuple[WorkId, ...]
    sums: Tensor
    examples: list[int]
    starts: list[int]
    current: Pass | None = None
    wanted: bool = True

    def result(self) -> Collected:
        """The rows collected so far.

        Raises:
            InputError: a row is not finite, as when a step in half precision overflowed.
        """
        for work_id, row in zip(self.work_ids, self.sums, strict=True):
            if not torch.isfinite(row.dot(row)) and not torch.isfinite(row).all():
                raise InputError(
                    f"the collected gradient of work '{work_id}' is not finite",
                    remedy="Train in bfloat16 or float32, or build an index after training.",
                    field="examples",
                )
        return Collected(self.layers, self.work_ids, self.sums, tuple(self.examples))

    def _begin(self, works: Sequence[int] | Tensor, labels: Tensor | None) -> Pass:
        numbers = torch.as_tensor(works).detach().cpu()
        if numbers.dim() != 1 or numbers.is_floating_point():
            raise InputError(
                f"the works of a batch are a {numbers.dtype} of shape {tuple(numbers.shape)}",
                remedy="Give each row the whole number of one work; rows that hold several cannot be told apart.",
                field="works",
            )
        known = numbers[numbers != NOBODY]
        if len(known) and not 0 <= int(known.min()) <= int(known.max()) < len(self.work_ids):
            raise InputError(
                f"a row of the batch is of work number {int(known.max())}, and there are {len(self.work_ids)}",
                remedy=f"Number the works from 0 in the order of work_ids; {NOBODY} is nobody's.",
                field="works",
            )
        groups = {work: (numbers == work).nonzero()[:, 0] for work in sorted(set(known.tolist()))}
        if labels is None or len(labels) != len(numbers):
            raise InputError(
                "the model was called without labels for every row whose work is known",
                remedy="Let the model compute its own loss (no label smoothing, no loss function of your own).",
                field="labels",
            )
        return Pass(len(numbers), groups, labels)

    def _add(self, number: int, entered: Tensor, arrived: Tensor, done: Pass) -> None:
        """Adds one layer's part to the rows of a batch's works."""
        layer = self.layers[number]
        for work, rows in done.groups.items():
            at = rows.to(arrived.device)
            a = entered.index_select(0, at).flatten(0, 1).float()
            g = arrived.index_select(0, at).flatten(0, 1).float() / -done.factor
            start = self.starts[number]
            part = self.sums[work, start : start + layer.size].view(layer.outputs, layer.inputs)
            if part.device == g.device:
                add_products(part, a, g, bias=layer.bias, fresh=False)
            else:
                there = torch.zeros(part.shape, device=g.device)
                add_products(there, a, g, bias=layer.bias, fresh=True)
                part += there.to(part.device)


@contextlib.contextmanager
def collecting(
    model: nn.Module, layers: Sequence[Layer], work_ids: Sequence[WorkId], works_of_batch: WorksOf
) -> Iterator[Collector]:
    """Collects work vectors from every training pass of a causal language model inside the block, whatever the loop.

    The model must be called with `labels` by keyword, once a batch, in training mode, and its own loss differentiated, times
    any constant. Evaluation and passes without gradients are left alone. Weights that training froze may stay frozen.

    Args:
        model: of `transformers`, or with its `get_output_embeddings`, from whose output the loss is computed; not compiled.
        layers: which carry the rows.
        work_ids: W works; rows take W times the layers' weights of memory, on the CPU.
        works_of_batch: from the keyword arguments of a call, the number (in `work_ids`) of each row's work.

    Yields:
        The collector, whose `result()` are the rows.

    Raises:
        InputError: from the pass itself: labels are missing, a row has no work, or the loss is not a multiple of the summed
            negative log-likelihood of the counted tokens (as with label smoothing).
    """
    *starts, size = itertools.accumulate((layer.size for layer in layers), initial=0)
    collector = Collector(tuple(layers), tuple(work_ids), torch.zeros(len(work_ids), size), [0] * len(work_ids), starts)
    modules = dict(model.named_modules())
    head: nn.Module = model.get_output_embeddings()  # type: ignore[operator]

    def before(module: nn.Module, args: Any, named: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        works = works_of_batch(named)  # also where nothing is collected: the model may not know the column
        collector.current = None
        if collector.wanted and module.training and torch.is_grad_enabled():
            if works is None:
                raise InputError(
                    "a batch does not say which works its rows are of",
                    remedy=f"Give the dataset a column of them, which the collator keeps; {NOBODY} is nobody's.",
                    field="works",
                )
            collector.current = collector._begin(works, named.get("labels"))
        return args, named

    def after(module: nn.Module, args: Any, output: Any) -> None:
        collector.current = None

    def predicted(module: nn.Module, args: Any, logits: Tensor) -> None:
        done = collector.current
        if done is None or not logits.requires_grad:
            return
        kept = logits.detach()

        def begin(gradient: Tensor) -> None:
            done.factor = loss_factor(kept, gradient, done.labels)
            for work, rows in done.groups.items():
                collector.examples[work] += len(rows)

        logits.register_hook(begin)  # type: ignore[no-untyped-call]

    def hook_for(number: int, layer: Layer) -> Callable[..., None]:
        def remember(module: nn.Module, args: tuple[Any, ...], named: dict[str, Any], output: Tensor) -> None:
            done = collector.current
            if done is None or not done.groups or not output.requires_grad:
                return
            given = (args[0] if args else next(iter(named.values()))).detach()

            def arrived(gradient: Tensor) -> None:
                entered = by_example(entered_rows(module, given), done.rows, layer)
                collector._add(number, entered, by_example(arrived_rows(module, gradient), done.rows, layer), done)

            output.register_hook(arrived)  # type: ignore[no-untyped-call]

        return remember

    handles = [
        model.register_forward_pre_hook(before, with_kwargs=True),
        model.register_forward_hook(after),
        head.register_forward_hook(predicted),  # first, so that the factor is known when the gradient reaches a layer
    ]
    for number, layer in enumerate(layers):
        handles.append(modules[layer.name].register_forward_hook(hook_for(number, layer), with_kwargs=True))
    try:
        yield collector
    finally:
        for handle in handles:
            handle.remove()
