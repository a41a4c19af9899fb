"""A trainer can repeat a training run with some works weighted down: the one thing the measured tiers ask of an operator.

The response tier and the replay audit both rest on runs that differ in nothing but the works' weights. What that needs:

- the same initial weights, order of examples, number of steps and learning rates in every run of one seed;
- a work of weight w has its loss multiplied by w at unchanged positions, and the batch's normaliser stays as it was;
- all weights at 1 give the full model; all at 0 give the base model, or what the same run makes of nothing;
- an optimizer whose step length follows the gradient's size. Plain Adam rescales whatever is left to full-length steps, so
  a run on 5 % of the works moves as far as one on all; reuse the step scale recorded in the full run
  (`endcredits.influence.text.finetune` does).

A trainer is sent to other processes, so it must pickle: keep folders and numbers in it, not models.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor, nn

from endcredits.ids import WorkId
from endcredits.influence.task import Task
from endcredits.progress import Progress, silent

Snapshot = Mapping[str, Tensor]
"""Trained tensors by parameter name, float32 on the CPU."""


class Trainer(Protocol):
    """Repeats one training run under other weights."""

    @property
    def digest(self) -> str:
        """SHA-256 of everything but weights and seed that decides a run's result: code, recipe, data, base, torch."""

    @property
    def work_ids(self) -> tuple[WorkId, ...]:
        """The works that the run reads."""

    def train(self, work_weights: Mapping[WorkId, float], seed: int, progress: Progress = silent) -> Snapshot:
        """Runs the training once.

        Args:
            work_weights: loss weight per work, in [0, 1]; a work that is not named has weight 1.
            seed: 0 repeats the run that made the full model; others draw another order of the examples.
            progress: told about the steps.

        Returns:
            The weights after the last step.
        """

    def model(self, snapshot: Snapshot) -> nn.Module:
        """A new model in evaluation mode that holds a snapshot (and base's values for tensors that are not trained)."""

    def task(self) -> Task:
        """How that model's outputs are measured."""


def load_snapshot(model: nn.Module, snapshot: Snapshot) -> nn.Module:
    """Copies a snapshot into a model's parameters of the same names and returns the model."""
    own = dict(model.named_parameters())
    for name, value in snapshot.items():
        own[name].data.copy_(value)
    return model.eval()
