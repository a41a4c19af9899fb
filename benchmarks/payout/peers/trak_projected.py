"""TRAK (Park et al. 2023, arXiv 2303.14186) by its authors' library `traker`: one model, projected to `SIDE` numbers.

The model output of a text is the sum over its tokens of the log-odds of the right token; the loss weight of an example is
the mean of one minus the right token's chance. Per-example gradients come from our own hooks, through the library's plug for
gradient computers, so that they are those of the other rows, layer for layer.
`lambda_reg` is set to the mean diagonal of the projected gradients' second moment, a ridge of relative size 1; the library's
own default is none at all.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import sys
import tempfile
import time
from typing import Any

import torch
from torch import Tensor

from benchmarks.payout.panel import Panel, Scored
from benchmarks.payout.peers.common import BATCH, flat_pieces, library, padded, summed_by_creator
from endcredits.influence.gradient.layers import capturing, find_layers, flatten
from endcredits.influence.text.windows import Window

SIDE = 512


def trak_projected(panel: Panel) -> Scored:
    """TRAK scores of one model, summed by creator.

    Raises:
        Unavailable: traker is not installed.
    """
    trak = library("trak", "traker")
    projectors = library("trak.projectors", "traker")
    parent = library("trak.modelout_functions", "traker").AbstractModelOutput
    computer = library("trak.gradient_computers", "traker").AbstractGradientComputer
    layers = find_layers(panel.models.full, panel.models.task.layers)
    size = sum(layer.size for layer in layers)
    examples = [Window(example.ids) for example in panel.examples]
    pieces, _ = flat_pieces(panel)
    bos = panel.models.tokenizer.bos_id
    model = copy.deepcopy(panel.models.full)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        # One block, so that the matrix is drawn once and not in every call.
        projector = projectors.BasicProjector(
            size, SIDE, 0, projectors.ProjectionType.rademacher, "cpu", dtype=torch.float32, block_size=SIDE
        )
        begin = time.process_time()
        traker = trak.TRAKer(
            model,
            _output_function(parent),
            train_set_size=len(examples),
            save_dir=folder,
            device="cpu",
            gradient_computer=_gradients(computer, layers),
            projector=projector,
            use_half_precision=False,
            logging_level=logging.ERROR,
        )
        traker.load_checkpoint(model.state_dict(), model_id=0)
        for start in range(0, len(examples), BATCH):
            part = examples[start : start + BATCH]
            traker.featurize(padded(part, bos), num_samples=len(part))
        moment = torch.as_tensor(traker.saver.current_store["grads"]).square().sum(0)
        traker.score_computer.lambda_reg = float(moment.mean())
        traker.finalize_features()
        once = time.process_time() - begin
        begin = time.process_time()
        projector.generate_sketch_matrix(projector.generator_states[0])  # finalize_features threw it away
        traker.start_scoring_checkpoint("outputs", model.state_dict(), model_id=0, num_targets=len(pieces))
        for start in range(0, len(pieces), BATCH):
            part = pieces[start : start + BATCH]
            traker.score(padded(part, bos), num_samples=len(part))
        pairwise = torch.as_tensor(traker.finalize_scores("outputs").copy()).T  # (pieces, N)
        each = (time.process_time() - begin) / max(1, len(panel.queries))
    return Scored(summed_by_creator(panel, pairwise), False, once, each, len(examples) * SIDE * 4)


def _chances(model: Any, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Log-odds of the right tokens and one minus their chances, zero where a token does not count: both ``[n, t]``."""
    inputs, labels = batch
    counted = labels != -100
    log_chances = torch.log_softmax(model(input_ids=inputs, use_cache=False).logits.float(), -1)
    right = log_chances.gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    miss = -torch.expm1(right).clamp(max=-1e-7)
    return (right - miss.log()) * counted, miss.detach() * counted


def _output_function(parent: Any) -> Any:
    class TextLogOdds(parent):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()

        def get_output(self, model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
            return _chances(model, batch)[0].sum(1)

        def get_out_to_loss_grad(self, model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
            with torch.no_grad():
                return (_chances(model, batch)[1].sum(1) / (batch[1] != -100).sum(1).clamp(min=1))[:, None]

    return TextLogOdds()


def _gradients(parent: Any, layers: Any) -> Any:
    class Hooked(parent):  # type: ignore[misc]
        def __init__(
            self, model: Any, task: Any, grad_dim: int, dtype: Any = None, device: Any = None, grad_wrt: Any = None
        ) -> None:
            super().__init__(model, task, grad_dim, dtype, device)

        def load_model_params(self, model: Any) -> None:
            self.model = model

        def compute_per_sample_grad(self, batch: tuple[Tensor, Tensor]) -> Tensor:
            with capturing(self.model, layers) as capture:
                total = self.modelout_fn.get_output(self.model, batch).sum()
            capture.backward(total)
            return flatten(layers, {layer.name: capture.per_example(layer, len(batch[0])) for layer in layers})

        def compute_loss_grad(self, batch: tuple[Tensor, Tensor]) -> Tensor:
            weights: Tensor = self.modelout_fn.get_out_to_loss_grad(self.model, batch)
            return weights

    return Hooked
