"""LoGra (Choe et al. 2024, arXiv 2405.13954) by dattri (MIT): gradients projected from both sides, whitened by layer.

`SIDE` x `SIDE` numbers per layer, half of the library's default in each direction (which would take 3 GB here), the
empirical Fisher of the examples, and the library's own damping. Only its path for Hugging Face batches is used: the other
one ignores the loss that it is given when it reads the outputs. A batch says that it holds one item, so that losses are
summed and not averaged over tokens.
"""

from __future__ import annotations

import contextlib
import copy
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from benchmarks.payout.panel import Panel, Scored
from benchmarks.payout.peers.common import BATCH, flat_pieces, library, summed_by_creator
from endcredits.influence.gradient.layers import find_layers
from endcredits.influence.text.windows import Window

SIDE = 32


def dattri_logra(panel: Panel) -> Scored:
    """LoGra influence, summed by creator.

    Raises:
        Unavailable: dattri is not installed.
    """
    attributor = library("dattri.algorithm.logra", "dattri").LoGraAttributor
    task = library("dattri.task", "dattri").AttributionTask
    model = copy.deepcopy(panel.models.full)
    layers = [layer.name for layer in find_layers(model, panel.models.task.layers)]
    examples = _loader(panel, [Window(example.ids) for example in panel.examples])
    pieces = _loader(panel, flat_pieces(panel)[0])
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        torch.manual_seed(0)
        logra = attributor(
            task(_loss, model, copy.deepcopy(model.state_dict())),
            layer_names=layers,
            proj_dim=SIDE * SIDE,
            offload="cpu",
            cache_dir=folder,  # otherwise it writes, and believes, a file in the current folder
        )
        begin = time.process_time()
        logra.cache(examples)
        once = time.process_time() - begin
        begin = time.process_time()
        pairwise = logra.attribute(examples, pieces).T  # (pieces, N)
        each = (time.process_time() - begin) / max(1, len(panel.queries))
    kept = len(panel.examples) * len(layers) * SIDE * SIDE * 4
    return Scored(summed_by_creator(panel, pairwise.detach()), False, once, each, kept)


def _loss(model: Any, batch: dict[str, Tensor], device: str) -> Tensor:
    loss: Tensor = model(**{name: value.to(device) for name, value in batch.items()}).loss
    return loss


def _loader(panel: Panel, windows: Sequence[Window]) -> Any:
    bos = panel.models.tokenizer.bos_id
    longest = 1 + max(len(window.ids) for window in windows)

    def together(part: Sequence[Window]) -> dict[str, Tensor]:
        # The beginning token and all of the window: the model shifts the labels by itself.
        ids = torch.full((len(part), longest), bos)
        labels = torch.full((len(part), longest), -100)
        for row, window in enumerate(part):
            end = 1 + len(window.ids)
            ids[row, 1:end] = torch.tensor(window.ids)
            labels[row, 1 + window.context_tokens : end] = ids[row, 1 + window.context_tokens : end]
        return {"input_ids": ids, "labels": labels, "num_items_in_batch": torch.tensor(1.0)}

    return torch.utils.data.DataLoader(list(windows), batch_size=BATCH, collate_fn=together)  # type: ignore[arg-type]
