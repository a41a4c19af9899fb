"""EK-FAC by kronfluence (Apache-2.0), an oracle that is not ours, at the final model through its own task interface.

Same layers, examples and outputs as our row `ek-fac at the final model`. Its factors are fitted on all examples with labels
drawn from the model, and its damping is its own rule, a tenth of a layer's mean eigenvalue. It keeps no index: every call
reads all examples again, so the whole of its scoring counts as the price of the outputs.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.payout.panel import Panel, Scored
from benchmarks.payout.peers.common import BATCH, flat_pieces, library, padded, summed_by_creator
from endcredits.influence.gradient.layers import find_layers
from endcredits.influence.text.windows import Window

RELATIVE = None
"""Its way to ask for damping of 0.1 times the mean eigenvalue; the default of 1e-8 is not relative to anything."""


def kronfluence_ekfac(panel: Panel) -> Scored:
    """Pairwise EK-FAC influence, summed by creator.

    Raises:
        Unavailable: kronfluence is not installed.
    """
    analyzer_module = library("kronfluence.analyzer", "kronfluence")
    arguments = library("kronfluence.arguments", "kronfluence")
    task = _task(library("kronfluence.task", "kronfluence").Task, panel)
    # The library wraps the model in place, so it gets a copy of its own.
    model = analyzer_module.prepare_model(copy.deepcopy(panel.models.full), task)
    examples = [Window(example.ids) for example in panel.examples]
    pieces, _ = flat_pieces(panel)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        analyzer = analyzer_module.Analyzer(
            "panel", model, task, cpu=True, log_level=logging.ERROR, disable_tqdm=True, output_dir=folder
        )
        torch.manual_seed(0)
        begin = time.process_time()
        analyzer.fit_all_factors(
            "factors",
            _rows(panel, examples),
            per_device_batch_size=BATCH,
            factor_args=arguments.FactorArguments(strategy="ekfac"),
        )
        once = time.process_time() - begin
        begin = time.process_time()
        analyzer.compute_pairwise_scores(
            "scores",
            "factors",
            query_dataset=_rows(panel, pieces),
            train_dataset=_rows(panel, examples),
            per_device_query_batch_size=min(BATCH, len(pieces)),
            per_device_train_batch_size=BATCH,
            # All outputs stand ready before the examples are read, so that these are read once.
            score_args=arguments.ScoreArguments(
                damping_factor=RELATIVE, query_gradient_accumulation_steps=-(-len(pieces) // BATCH)
            ),
        )
        pairwise = analyzer.load_pairwise_scores("scores")["all_modules"]  # (pieces, N)
        each = (time.process_time() - begin) / max(1, len(panel.queries))
        kept = sum(path.stat().st_size for path in Path(folder).rglob("factors_factors/*.safetensors"))
    return Scored(summed_by_creator(panel, pairwise), False, once, each, kept)


def _rows(panel: Panel, windows: Sequence[Window]) -> list[dict[str, Tensor]]:
    bos = panel.models.tokenizer.bos_id
    inputs, labels = padded(windows, bos, max(len(window.ids) for window in windows))
    lengths = torch.tensor([len(window.ids) for window in windows])
    mask = (torch.arange(inputs.shape[1]) < lengths[:, None]).long()
    return [{"inputs": i, "labels": j, "mask": m} for i, j, m in zip(inputs, labels, mask, strict=True)]


def _task(parent: Any, panel: Panel) -> Any:
    """The panel's causal text task as a kronfluence task; summed losses on both sides, so more is more helpful."""
    layers = [layer.name for layer in find_layers(panel.models.full, panel.models.task.layers)]

    class CausalText(parent):  # type: ignore[misc]
        def compute_train_loss(self, batch: Any, model: nn.Module, sample: bool = False) -> Tensor:
            logits = model(input_ids=batch["inputs"], use_cache=False).logits.float().flatten(0, 1)
            labels = batch["labels"].flatten()
            if sample:
                with torch.no_grad():
                    drawn = torch.multinomial(torch.softmax(logits, -1), 1).flatten()
                labels = torch.where(labels == -100, labels, drawn)
            return nn.functional.cross_entropy(logits, labels, ignore_index=-100, reduction="sum")

        def compute_measurement(self, batch: Any, model: nn.Module) -> Tensor:
            return self.compute_train_loss(batch, model)

        def get_influence_tracked_modules(self) -> list[str]:
            return layers

        def get_attention_mask(self, batch: Any) -> Tensor:
            mask: Tensor = batch["mask"]
            return mask

    return CausalText()
