"""How a build puts credits into nats: the index's one scale, and what the works' own examples say of each (`slopes`)."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from endcredits.errors import InputError
from endcredits.influence.gradient.copies import shared_factors
from endcredits.influence.gradient.index import Loaded
from endcredits.influence.gradient.preparing import Prepared, spread
from endcredits.influence.gradient.settings import IndexSettings
from endcredits.influence.gradient.slopes import Slopes, fit_slopes, own_examples
from endcredits.influence.task import Task, whole
from endcredits.progress import Progress


def fit_scale(
    loaded: Loaded,
    base: nn.Module,
    full: nn.Module,
    prepared: Prepared,
    outputs: Sequence[Any],
    settings: IndexSettings,
    progress: Progress,
) -> tuple[float, float, float]:
    """The one number that makes credits add up to the measured log-ratio over the calibration outputs.

    A model that has learnt little may say things for which the works' credits sum to nothing, or less; then the works' own
    examples, where they cannot, take the outputs' place.

    Returns:
        scale, the measured log-ratio summed over the outputs, and the unscaled credits summed over outputs and works.
    """
    measured, predicted = _sums(loaded, base, full, prepared, prepared.task, outputs, settings, progress)
    if predicted <= 0 < measured:
        own = spread([example.content for example in prepared.ordered], settings.calibration_outputs)
        task = dataclasses.replace(prepared.task, pieces=whole)
        measured, predicted = _sums(loaded, base, full, prepared, task, own, settings, progress)
    if measured <= 0 or predicted <= 0:
        raise InputError(
            f"credits cannot be put into nats: over {len(outputs)} calibration outputs the full model is {measured:.4g} "
            f"nats ahead of base, and the works' gradients point {predicted:.4g} that way",
            remedy="Check that full is base after the works, and not the other way round or the same model twice.",
            field="base, full",
        )
    return measured / predicted, measured, predicted


def _sums(
    loaded: Loaded,
    base: nn.Module,
    full: nn.Module,
    prepared: Prepared,
    task: Task,
    outputs: Sequence[Any],
    settings: IndexSettings,
    progress: Progress,
) -> tuple[float, float]:
    """Measured log-ratio and unscaled credits, summed over outputs."""
    measured = predicted = 0.0
    for number, output in enumerate(outputs):
        result = loaded.raw_credits(prepared.middle, base, full, task, output, settings.damping, bands=False)
        measured += result.log_ratio_nats
        predicted += float(result.credits.sum())
        if not math.isfinite(measured) or not math.isfinite(predicted):
            raise InputError(
                f"calibration output {number + 1} has no finite credit",
                remedy="Check the output and the models for NaN or infinite values.",
                field="calibration",
            )
        progress("calibration", number + 1, len(outputs))
    return measured, predicted


def slopes_of(
    loaded: Loaded,
    base: nn.Module,
    full: nn.Module,
    prepared: Prepared,
    scale: float,
    settings: IndexSettings,
    progress: Progress,
) -> Slopes:
    """Every work's slope, from its own examples; see `slopes`."""
    counts = [count for shard in loaded.shards for count in shard.counts]
    nothing = Slopes(torch.ones(len(counts), dtype=torch.float64), torch.zeros(len(counts), dtype=torch.float64))
    if not settings.own_examples:
        return nothing
    column = [number for number, count in enumerate(counts) for _ in range(count)]
    asked = own_examples(counts, settings.own_examples, settings.all_own_examples)
    if not asked:
        return nothing
    task = dataclasses.replace(prepared.task, pieces=whole)  # an example is one content already
    rows, log_ratios = [], []
    for number, place in enumerate(asked):
        content = prepared.ordered[place].content
        raw = loaded.raw_credits(prepared.middle, base, full, task, content, settings.damping, bands=False)
        if not math.isfinite(raw.log_ratio_nats) or not bool(torch.isfinite(raw.credits).all()):
            raise InputError(
                f"an example of work '{prepared.ordered[place].work_id}' has no finite credit",
                remedy="Check the work's examples and the models for NaN or infinite values.",
                field="examples",
            )
        rows.append(raw.credits.double() * scale)
        log_ratios.append(raw.log_ratio_nats)
        progress("slopes", number + 1, len(asked))
    return fit_slopes(torch.stack(rows), torch.tensor(log_ratios), [column[place] for place in asked])


def sizes_of(prepared: Prepared, slopes: Slopes) -> tuple[str, ...]:
    """Every work's size; 0 where its own examples say that it was never read."""
    sizes: dict[str, float] = {}
    factors = shared_factors(prepared.ordered, prepared.digests)  # copies share one example's size, as its credit
    for example, factor in zip(prepared.ordered, factors, strict=True):
        sizes[example.work_id] = sizes.get(example.work_id, 0.0) + factor * prepared.task.size(example.content)
    return tuple(repr(size) if read else "0.0" for size, read in zip(sizes.values(), slopes.read.tolist(), strict=True))
