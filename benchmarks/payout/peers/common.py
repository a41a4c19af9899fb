"""What the peers share: the panel's examples by creator, and gradients of examples and outputs.

Their seconds are CPU seconds of one thread, so that a busy machine does not count against a method.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.payout.panel import Panel
from endcredits.influence.gradient.layers import Layer, capturing, flatten
from endcredits.influence.task import Task
from endcredits.influence.text.windows import TextOutput, Window

BATCH = 32
"""Examples in one forward pass."""


class Unavailable(Exception):
    """A peer cannot run here; the reason is printed in its row."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def windows_by_creator(panel: Panel) -> list[list[Window]]:
    """Each creator's examples in file order, in the order of the panel's creators."""
    place = {name: number for number, name in enumerate(panel.creators)}
    found: list[list[Window]] = [[] for _ in panel.creators]
    for example in panel.examples:
        found[place[example.creator]].append(Window(example.ids))
    return found


def example_creators(panel: Panel) -> list[int]:
    """For each example, in file order, the place of its creator."""
    place = {name: number for number, name in enumerate(panel.creators)}
    return [place[example.creator] for example in panel.examples]


def in_batches(items: Sequence[Window], size: int = BATCH) -> Iterator[Sequence[Window]]:
    """Consecutive slices of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def output_pieces(panel: Panel) -> list[Sequence[Window]]:
    """The windows of each output, its prompt as context that does not count."""
    return [panel.models.task.pieces(TextOutput(query.output, query.prompt)) for query in panel.queries]


def creator_gradients(model: nn.Module, layers: Sequence[Layer], panel: Panel) -> Tensor:
    """Gradient of the summed log-probability of each creator's examples: ``[C, P]``."""
    rows = []
    for windows in windows_by_creator(panel):
        row = torch.zeros(sum(layer.size for layer in layers))
        for batch in in_batches(windows):
            row += summed_gradient(model, layers, panel.models.task, batch)
        rows.append(row)
    return torch.stack(rows)


def summed_gradient(model: nn.Module, layers: Sequence[Layer], task: Task, windows: Sequence[Window]) -> Tensor:
    """Gradient of the summed log-probability of some windows' counted tokens: ``[P]``."""
    with capturing(model, layers) as capture:
        measured = task.measurement(model, windows)
    capture.backward(measured.sum())
    return flatten(layers, {layer.name: capture.summed(layer) for layer in layers})


def padded(windows: Sequence[Window], bos: int, length: int | None = None) -> tuple[Tensor, Tensor]:
    """Model inputs and labels of some windows, both ``[n, t]``; labels are -100 where a token does not count."""
    length = length or max(len(window.ids) for window in windows)
    inputs = torch.full((len(windows), length), bos)
    labels = torch.full((len(windows), length), -100)
    for row, window in enumerate(windows):
        ids = torch.tensor(window.ids)
        inputs[row, 1 : len(ids)] = ids[:-1]
        labels[row, window.context_tokens : len(ids)] = ids[window.context_tokens :]
    return inputs, labels


def flat_pieces(panel: Panel) -> tuple[list[Window], list[int]]:
    """All windows of all outputs, and for each the output that it belongs to."""
    pieces = output_pieces(panel)
    return [window for windows in pieces for window in windows], [q for q, windows in enumerate(pieces) for _ in windows]


def summed_by_creator(panel: Panel, pairwise: Tensor) -> np.ndarray:
    """Scores of output windows against examples ``[pieces, N]``, summed by output and creator: ``[Q, C]``."""
    by_output = torch.zeros(len(panel.queries), pairwise.shape[1], dtype=torch.float64)
    by_output.index_add_(0, torch.tensor(flat_pieces(panel)[1]), pairwise.double())
    scores = torch.zeros(len(panel.queries), len(panel.creators), dtype=torch.float64)
    return scores.index_add_(1, torch.tensor(example_creators(panel)), by_output).numpy()


def library(name: str, package: str) -> Any:
    """Imports a peer's library.

    Raises:
        Unavailable: it, or something it needs, is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Unavailable(f"{package} is not installed here ({error}); see benchmarks/payout/peers/README.md") from error
