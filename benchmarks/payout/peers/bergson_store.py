"""bergson (MIT) at the final model: its gradient store with its TrackStar recipe, the settings that it ships.

Each linear layer's gradient of one example is projected to 16 x 16 numbers, whitened by the examples' second moment (its
damping, 0.1 of the mean), scaled to length one and kept; an output is treated alike and multiplied with every row. It is
told to leave the examples' and outputs' moments unmixed, as its own advice is for outputs that resemble the examples.
Collection, projection and whitening are the library's; only the final products and sums over creators are ours.
"""

from __future__ import annotations

import contextlib
import copy
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.payout.panel import Panel, Scored
from benchmarks.payout.peers.common import BATCH, flat_pieces, library, summed_by_creator
from endcredits.influence.gradient.layers import find_layers
from endcredits.influence.text.windows import Window

SIDE = 16


def bergson_trackstar(panel: Panel) -> Scored:
    """Cosines of projected, whitened gradients, summed by creator.

    Raises:
        Unavailable: bergson is not installed.
    """
    bergson = library("bergson", "bergson")
    whitening = library("bergson.hessians.preconditioner", "bergson").DensePreconditioner
    examples = [Window(example.ids) for example in panel.examples]
    pieces, _ = flat_pieces(panel)
    model = copy.deepcopy(panel.models.full)
    begin = time.process_time()
    works, processor = _collected(bergson, panel, model, examples, whiten=True)
    root = whitening.from_processor(processor, power=-0.5)
    kept = _unit(root.apply(works))  # (N, D)
    once = time.process_time() - begin
    begin = time.process_time()
    outputs, _ = _collected(bergson, panel, model, pieces, whiten=False)
    pairwise = _unit(root.apply(outputs)) @ kept.T
    each = (time.process_time() - begin) / max(1, len(panel.queries))
    whitened = sum(matrix.numel() for matrix in root.h_inv.values())
    return Scored(summed_by_creator(panel, pairwise), False, once, each, (kept.numel() + whitened) * 4)


def _collected(bergson: Any, panel: Panel, model: Any, windows: Sequence[Window], whiten: bool) -> tuple[Any, Any]:
    """The library's projected gradients per layer ``[n, SIDE * SIDE]``, and its processor with the second moments."""
    datasets = library("datasets", "datasets")
    bos = panel.models.tokenizer.bos_id
    data = datasets.Dataset.from_dict(
        {
            "input_ids": [[bos, *window.ids] for window in windows],
            "labels": [[-100] * (1 + w.context_tokens) + list(w.ids[w.context_tokens :]) for w in windows],
            "length": [1 + len(window.ids) for window in windows],
        }
    )
    wanted = {layer.name for layer in find_layers(panel.models.full, panel.models.task.layers)}
    prefix = f"{model.base_model_prefix}."
    processor = bergson.GradientProcessor(projection_dim=SIDE)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        settings = bergson.IndexConfig(run_path=str(Path(folder) / "run"), projection_dim=SIDE)
        settings.partial_run_path.mkdir(parents=True)
        collector = bergson.InMemoryCollector(
            model=model.base_model,
            processor=processor,
            target_modules={name.removeprefix(prefix) for name in wanted},
            data=data,
            cfg=settings,
            skip_hessians=not whiten,
        )
        batches = [list(range(start, min(start + BATCH, len(windows)))) for start in range(0, len(windows), BATCH)]
        bergson.CollectorComputer(
            model=model, data=data, collector=collector, batches=batches, cfg=settings
        ).run_with_collector_hooks(desc="gradients")
    return collector.gradients, processor


def _unit(gradients: dict[str, Tensor]) -> Tensor:
    return torch.nn.functional.normalize(torch.cat([gradients[name].float() for name in sorted(gradients)], dim=1), dim=1)
