"""Two trainers small enough to be run on every coalition, and the group of catalogues they read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from endcredits.canonical import digest
from endcredits.ids import WorkId
from endcredits.influence.replay.coalitions import Catalogue, catalogues_of
from endcredits.influence.task import Task
from endcredits.influence.trainer import Snapshot, load_snapshot
from endcredits.progress import Progress, silent
from tests.influence.helpers import EMPIRICAL, LABELS, Labelled, labelled, mlp

FEATURES = 4
EXAMPLES_PER_WORK = 8


@dataclass(frozen=True, slots=True)
class ConvexTrainer:
    """Multinomial logistic regression with a ridge, trained by full-batch Newton steps to its optimum.

    The ridge keeps an optimum where nothing is read: all zeros, which is the base model. `calls` is a file that gets a line
    for every run, so that tests can count across processes.
    """

    works: int = 6
    ridge: float = 1.0
    calls: str = ""

    @property
    def digest(self) -> str:
        return digest({"kind": "convex", "works": self.works, "ridge": repr(self.ridge)})

    @property
    def work_ids(self) -> tuple[WorkId, ...]:
        return tuple(WorkId(f"w{number}") for number in range(self.works))

    def contents(self, work_id: WorkId) -> list[Labelled]:
        """The examples of one work, each work's shifted its own way."""
        number = self.work_ids.index(work_id)
        move = torch.randn(FEATURES, generator=torch.Generator().manual_seed(50 + number)) * 0.5
        return [(x + move, label) for x, label in labelled(EXAMPLES_PER_WORK, seed=number, features=FEATURES)]

    def train(self, work_weights: Mapping[WorkId, float], seed: int, progress: Progress = silent) -> Snapshot:
        if self.calls:
            with open(self.calls, "a") as file:
                file.write("run\n")
        rows = [(x, y, float(work_weights.get(w, 1.0))) for w in self.work_ids for x, y in self.contents(w)]
        x = torch.stack([row[0] for row in rows]).double()
        y = nn.functional.one_hot(torch.tensor([row[1] for row in rows]), LABELS).double()
        each = torch.tensor([row[2] for row in rows]).double()
        solution = torch.zeros(LABELS, FEATURES, dtype=torch.float64)
        for step in range(30):
            chances = torch.softmax(x @ solution.T, 1)
            gradient = (each[:, None] * (chances - y)).T @ x + self.ridge * solution
            spread = torch.diag_embed(chances) - chances[:, :, None] * chances[:, None, :]
            hessian = torch.einsum("n,nab,ni,nj->aibj", each, spread, x, x).reshape(solution.numel(), -1)
            hessian += self.ridge * torch.eye(solution.numel())
            solution -= torch.linalg.solve(hessian, gradient.flatten()).view_as(solution)
            progress("steps", step + 1, 30)
        return {"0.weight": solution.float()}

    def model(self, snapshot: Snapshot) -> nn.Module:
        return load_snapshot(nn.Sequential(nn.Linear(FEATURES, LABELS, bias=False)), snapshot)

    def task(self) -> Task:
        return EMPIRICAL


@dataclass(frozen=True, slots=True)
class NetTrainer:
    """A net of two layers, of which only the second is trained: its snapshot holds a part of the model, as adapters do."""

    works: int = 4
    steps: int = 40

    @property
    def digest(self) -> str:
        return digest({"kind": "net", "works": self.works, "steps": self.steps})

    @property
    def work_ids(self) -> tuple[WorkId, ...]:
        return ConvexTrainer(self.works).work_ids

    def train(self, work_weights: Mapping[WorkId, float], seed: int, progress: Progress = silent) -> Snapshot:
        source = ConvexTrainer(self.works)
        rows = [(x, y, float(work_weights.get(w, 1.0))) for w in self.work_ids for x, y in source.contents(w)]
        order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed)).tolist()
        model = mlp(0)
        trained = [value for name, value in model.named_parameters() if name.startswith("2.")]
        for step in range(self.steps):
            batch = [rows[order[(step * 8 + i) % len(rows)]] for i in range(8)]
            losses = EMPIRICAL.train_loss(model, [(x, y) for x, y, _ in batch])
            loss = (losses * torch.tensor([weight for *_, weight in batch])).sum() / 8
            for value, gradient in zip(trained, torch.autograd.grad(loss, trained), strict=True):
                value.data -= 0.3 * gradient
        return {name: value.detach() for name, value in model.named_parameters() if name.startswith("2.")}

    def model(self, snapshot: Snapshot) -> nn.Module:
        return load_snapshot(mlp(0), snapshot)

    def task(self) -> Task:
        return EMPIRICAL


def catalogues(trainer: Any, per_catalogue: int = 1) -> tuple[Catalogue, ...]:
    """The trainer's works in groups of one size."""
    ids = trainer.work_ids
    return catalogues_of({f"c{n}": ids[n : n + per_catalogue] for n in range(0, len(ids), per_catalogue)})


def outputs(count: int) -> list[tuple[Tensor, int]]:
    """Labelled points to attribute."""
    return labelled(count, seed=900, features=FEATURES)
