"""Libraries that are not ours, at the final model of one run, as a careful first-time user would call them.

None is a dependency. Where one is not installed, or fails, its row stands under "skipped" with the reason. How to install
them beside torch without their heavier dependencies: docs/decisions/0010-digits-lab.md.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import logging
import sys
import tempfile
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.lds.truth import BATCH, TASK, Image, Matrix, Truth, batch
from endcredits.influence.gradient.layers import find_layers

SIDE = 2048
"""Dimensions of the projections."""

TRAKER_SIDE = 512
"""Of traker's, which has no regularisation by default: with more dimensions than examples its scores are noise."""

REGULARISATION = 0.1
"""Of dattri's kernel; with its default of 0 the inverse is nearly singular."""


class Unavailable(Exception):
    """A peer that cannot run here; says why."""


def library(name: str) -> Any:
    """Imports a peer.

    Raises:
        Unavailable: it, or something that it needs, is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Unavailable(f"not installed: {error}") from error


def kronfluence_ekfac(truth: Truth, seed: int) -> Matrix:
    """EK-FAC by kronfluence (Apache-2.0), with its own relative damping of a tenth of the mean eigenvalue."""
    analyzer_module, arguments = library("kronfluence.analyzer"), library("kronfluence.arguments")
    model = copy.deepcopy(truth.snapshot("final", seed))
    layers = [layer.name for layer in find_layers(model, TASK.layers)]

    class Digits(library("kronfluence.task").Task):  # type: ignore[misc]
        def compute_train_loss(self, batch: Any, model: nn.Module, sample: bool = False) -> Tensor:
            logits = model(batch[0])
            with torch.no_grad():
                labels = torch.multinomial(torch.softmax(logits, 1), 1)[:, 0] if sample else batch[1]
            return nn.functional.cross_entropy(logits, labels, reduction="sum")

        def compute_measurement(self, batch: Any, model: nn.Module) -> Tensor:
            return self.compute_train_loss(batch, model)

        def get_influence_tracked_modules(self) -> list[str]:
            return layers

    task = Digits()
    prepared = analyzer_module.prepare_model(model, task)
    data = {"queries": _dataset(truth.queries), "examples": _dataset(truth.examples)}
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        analyzer = analyzer_module.Analyzer(
            "digits", prepared, task, cpu=True, log_level=logging.ERROR, disable_tqdm=True, output_dir=folder
        )
        torch.manual_seed(0)
        analyzer.fit_all_factors(
            "factors",
            data["examples"],
            per_device_batch_size=500,
            factor_args=arguments.FactorArguments(strategy="ekfac"),
        )
        analyzer.compute_pairwise_scores(
            "scores",
            "factors",
            query_dataset=data["queries"],
            train_dataset=data["examples"],
            per_device_query_batch_size=len(truth.queries),
            per_device_train_batch_size=500,
            score_args=arguments.ScoreArguments(damping_factor=None),
        )
        found: Matrix = analyzer.load_pairwise_scores("scores")["all_modules"].double().numpy()
    return found


def _dataset(images: list[Image]) -> torch.utils.data.TensorDataset:
    return torch.utils.data.TensorDataset(*batch(images))


def _loader(images: list[Image]) -> Any:
    return torch.utils.data.DataLoader(_dataset(images), batch_size=10 * BATCH, shuffle=False)


def dattri_trak(truth: Truth, seed: int) -> Matrix:
    """TRAK by dattri (MIT): one model, a projection of `SIDE`, regularised."""
    task_module, attributors = library("dattri.task"), library("dattri.algorithm.trak")
    model = truth.snapshot("final", seed)
    flattened = library("dattri.func.utils").flatten_func(model)

    @flattened
    def log_odds(parameters: Any, data: Any) -> Tensor:
        pixels, digit = data
        logits = torch.func.functional_call(model, parameters, (pixels[None],))
        right = -nn.functional.cross_entropy(logits, digit[None])
        return right - torch.log(-torch.expm1(right) + 1e-7)

    @flattened
    def chance(parameters: Any, data: Any) -> Tensor:
        pixels, digit = data
        logits = torch.func.functional_call(model, parameters, (pixels[None],))
        return torch.exp(-nn.functional.cross_entropy(logits, digit[None]))

    with contextlib.redirect_stdout(sys.stderr):
        task = task_module.AttributionTask(loss_func=log_odds, model=model, checkpoints=model.state_dict())
        attributor = attributors.TRAKAttributor(
            task=task,
            correct_probability_func=chance,
            device="cpu",
            projector_kwargs={"device": "cpu", "proj_dim": SIDE},
            regularization=REGULARISATION,
        )
        with torch.no_grad():
            attributor.cache(_loader(truth.examples))
            scores = attributor.attribute(_loader(truth.queries))
    found: Matrix = scores.T.double().numpy()
    return found


def traker_trak(truth: Truth, seed: int) -> Matrix:
    """TRAK by its authors' library traker (MIT): one model, a projection of `TRAKER_SIDE`, its default regularisation."""
    trak, projectors = library("trak"), library("trak.projectors")
    model = copy.deepcopy(truth.snapshot("final", seed))
    size = sum(value.numel() for value in model.parameters())
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        traker = trak.TRAKer(
            model,
            "image_classification",
            train_set_size=len(truth.examples),
            save_dir=folder,
            device="cpu",
            projector=projectors.BasicProjector(
                size,
                TRAKER_SIDE,
                0,
                projectors.ProjectionType.rademacher,
                "cpu",
                dtype=torch.float32,
                block_size=TRAKER_SIDE,
            ),
            use_half_precision=False,
            logging_level=logging.ERROR,
        )
        traker.load_checkpoint(model.state_dict(), model_id=0)
        for data in _loader(truth.examples):
            traker.featurize(data, num_samples=len(data[0]))
        traker.finalize_features()
        projector = traker.projector
        projector.generate_sketch_matrix(projector.generator_states[0])  # finalize_features threw it away
        traker.start_scoring_checkpoint("queries", model.state_dict(), model_id=0, num_targets=len(truth.queries))
        for data in _loader(truth.queries):
            traker.score(data, num_samples=len(data[0]))
        found: Matrix = torch.as_tensor(traker.finalize_scores("queries").copy()).T.double().numpy()
    return found
