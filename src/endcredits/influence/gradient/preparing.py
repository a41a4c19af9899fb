"""What a build is given, checked and put into order: the middle model, its layers, the works and their shards."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from torch import nn

from endcredits.canonical import digest as canonical_digest
from endcredits.errors import InputError
from endcredits.influence.examples import check_examples
from endcredits.influence.gradient.copies import shared_factors
from endcredits.influence.gradient.coverage import Coverage, coverage_of, unseen_layers
from endcredits.influence.gradient.ekfac import Curvature, kept
from endcredits.influence.gradient.fingerprint import code_digest, content_digest
from endcredits.influence.gradient.layers import Layer, find_layers
from endcredits.influence.gradient.midpoint import check_finite, midpoint_model, model_digest
from endcredits.influence.gradient.settings import IndexSettings
from endcredits.influence.gradient.vectors import Engine, Works, row_bytes
from endcredits.influence.records import Example
from endcredits.influence.task import Task, one_each, require_type

CHECKED_EXAMPLES = 3
"""Examples on which the layers' gradients are held against ordinary backward passes before anything is built."""


@dataclass(frozen=True, slots=True)
class BuildInputs:
    """What other processes need to take part in a build; see `build_index`.

    Attributes:
        base: the model before the works.
        full: the same model after them.
        task: how to compute losses and measurements.
        examples: every training example of every work.
    """

    base: nn.Module
    full: nn.Module
    task: Task
    examples: Sequence[Example]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A build's inputs, checked and put into order.

    Attributes:
        middle: the model halfway between base and full.
        task: losses and measurements.
        layers: that carry the index.
        ordered: the examples, by work.
        digests: of their contents.
        plan: which works stand in which shard.
        coverage: what of the model the layers see.
    """

    middle: nn.Module
    task: Task
    layers: Sequence[Layer]
    ordered: Sequence[Example]
    digests: Sequence[str]
    plan: Sequence[Works]
    coverage: Coverage


def prepare(inputs: BuildInputs, settings: IndexSettings) -> Prepared:
    """Checks what a build is given before anything is computed.

    Raises:
        InputError: examples, models or task that cannot be used; see `build_index`.
    """
    require_type(inputs.task, Task, "task", "Give an endcredits.influence.Task.")
    require_type(settings, IndexSettings, "settings", "Give an endcredits.influence.IndexSettings.")
    check_examples(inputs.examples, inputs.task)
    if not inputs.examples:
        raise InputError("there are no examples to index", remedy="Admit at least one work.", field="examples")
    middle = midpoint_model(inputs.base, inputs.full)
    for name, model in (("base", inputs.base), ("full", inputs.full)):
        check_finite(model.eval(), name)
    layers = find_layers(middle, inputs.task.layers)
    ordered = sorted(inputs.examples, key=lambda example: example.work_id)  # stable: a work's own order is kept
    few = spread([example.content for example in ordered], CHECKED_EXAMPLES)
    one_each(inputs.task.train_loss(middle, few), few, "train_loss")  # a task that is stated wrongly is named first
    unseen = unseen_layers(middle, layers, inputs.task.train_loss, few)
    layers = tuple(layer for layer in layers if layer.name not in unseen)
    if not layers:
        raise InputError(
            f"no layer can be indexed; {next(iter(unseen))}: {next(iter(unseen.values()))}",
            remedy="Check the task's `layers` and that the first dimension of what enters a layer runs over the examples.",
            field="layers",
        )
    coverage = coverage_of(inputs.full, layers, base=inputs.base, unseen=unseen)
    digests = [content_digest(example.content) for example in ordered]
    plan = _plan(ordered, shared_factors(ordered, digests), layers, settings)
    return Prepared(middle, inputs.task, layers, ordered, digests, plan, coverage)


def facts_of(
    prepared: Prepared, base: nn.Module, full: nn.Module, outputs: Sequence[Any], settings: IndexSettings
) -> dict[str, Any]:
    """Everything that decides the index's bytes, as a document."""
    pairs = zip(prepared.ordered, prepared.digests, strict=True)
    corpus = [[example.work_id, digest, repr(example.weight)] for example, digest in pairs]
    numbers = {name: repr(value) for name, value in dataclasses.asdict(settings).items()}
    return {
        "task": prepared.task.name,
        "layers": [[layer.name, layer.outputs, layer.inputs, layer.bias] for layer in prepared.layers],
        "coverage": prepared.coverage.facts(),
        "base_sha256": model_digest(base),
        "full_sha256": model_digest(full),
        "corpus_sha256": canonical_digest(corpus),
        "calibration_sha256": canonical_digest([content_digest(output) for output in outputs]),
        "examples": len(prepared.ordered),
        "settings": numbers,
        "code_sha256": code_digest(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }


def spread(items: Sequence[Any], count: int) -> list[Any]:
    """At most `count` items, evenly spread over the list."""
    if len(items) <= count:
        return list(items)
    return [items[i * len(items) // count] for i in range(count)]


def in_batches(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """The items in lists of `size`, the last of them shorter."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def _plan(
    ordered: Sequence[Example], factors: Sequence[float], layers: Sequence[Layer], settings: IndexSettings
) -> list[Works]:
    """Which works stand in which shard."""
    coordinates = sum(math.prod(kept(layer, settings.rank)) for layer in layers)
    pairs = zip(ordered, factors, strict=True)
    plan: list[Works] = []
    used = math.inf
    for work_id, group in groupby(pairs, key=lambda pair: pair[0].work_id):
        mine = list(group)
        size = row_bytes(coordinates, min(settings.blocks, len(mine)), settings.rows)
        if used + size > settings.shard_bytes:
            plan.append(Works([], [], []))
            used = 0
        used += size
        plan[-1].work_ids.append(work_id)
        plan[-1].contents.append([example.content for example, _ in mine])
        plan[-1].factors.append([factor for _, factor in mine])
    return plan


def engine_of(prepared: Prepared, curvature: Curvature, settings: IndexSettings) -> Engine:
    """What makes the vectors of a build's works."""
    return Engine(
        prepared.middle,
        prepared.layers,
        prepared.task,
        curvature,
        settings.batch_examples,
        settings.blocks,
        settings.rank,
        settings.rows,
    )
