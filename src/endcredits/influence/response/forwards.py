"""The same contrasts without the straight line: forward passes under every run instead of one gradient.

A response index takes an output's log-probability to be linear between the weights that two runs reached. The slow twin
asks both runs: credit_k = log p(y; theta(plus)) - log p(y; theta(minus)), times the factor, at two forward passes a
catalogue and output instead of one dot product. It is closer to the truth and serves audits and contested outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from endcredits.influence.replay.run import load_run, log_likelihoods
from endcredits.influence.response.design import Design
from endcredits.influence.trainer import Trainer
from endcredits.progress import Progress, silent


def run_likelihoods(
    trainer: Trainer, runs: Mapping[str, Path], outputs: Sequence[Any], progress: Progress = silent
) -> dict[str, Tensor]:
    """Log-likelihood of the outputs under each run, ``[Q]`` by the run's name."""
    task = trainer.task()
    found = {}
    for number, (name, path) in enumerate(runs.items()):
        found[name] = torch.from_numpy(log_likelihoods(trainer.model(load_run(path)), task, outputs))
        progress("forward passes", number + 1, len(runs))
    return found


def exact_contrasts(design: Design, catalogues: Sequence[str], likelihoods: Mapping[str, Tensor]) -> Tensor:
    """Credits in nats from forward passes alone, ``[Q, K]``; they need not sum to the log-ratio.

    Args:
        design: its terms' points serve only for their weights here.
        catalogues: order of the columns.
        likelihoods: of every run of the design.
    """
    column = {name: number for number, name in enumerate(catalogues)}
    first = next(iter(likelihoods.values()))
    credits = torch.zeros(len(first), len(catalogues), dtype=torch.float64)
    for term in design.terms:
        weight = sum(value for _, value in term.points)
        for contrast in term.contrasts:
            moved = likelihoods[contrast.plus] - likelihoods[contrast.minus]
            credits[:, column[contrast.catalogue]] += weight * contrast.factor * moved
    return credits
