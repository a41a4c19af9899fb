"""An open index answers: which works moved this output, by how many nats, with what error.

One backward pass at the midpoint gives the output's gradient; the damped inverse curvature is applied to it (never to the
works), and each credit is a dot product with a work's stored sum. Two forward passes, at
base and at full, measure the log-ratio that the credits ought to add up to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from endcredits.errors import ConflictError, InputError
from endcredits.ids import WorkId
from endcredits.influence.gradient.ekfac import Curvature, load_curvature
from endcredits.influence.gradient.fingerprint import code_digest
from endcredits.influence.gradient.layers import Layer, capturing, flatten
from endcredits.influence.gradient.manifest import (
    CURVATURE_FILE,
    MANIFEST_FILE,
    IndexManifest,
    check_files,
    read_manifest,
)
from endcredits.influence.gradient.midpoint import midpoint_model, model_digest
from endcredits.influence.gradient.shards import Shard, load_shard
from endcredits.influence.records import Credits
from endcredits.influence.task import Task, one_each

METHOD = "ek-fac-midpoint/1"
PIECES_AT_ONCE = 32
"""Pieces of a long output in one backward pass; memory stays flat however long it is."""


class InfluenceIndex(Protocol):
    """What every tier offers: the curvature tier here, and tiers that measure responses by retraining."""

    @property
    def method(self) -> str:
        """Name and version of the measurement."""

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest, which binds models, corpus, code and seeds."""

    @property
    def work_ids(self) -> tuple[WorkId, ...]:
        """The works, in the order of all answers."""

    def attribute(self, outputs: Sequence[Any]) -> list[Credits]:
        """Credits of each output."""


@dataclass(frozen=True, slots=True)
class RawCredits:
    """Unscaled credits of one output: ``[K]`` in index order, and their standard errors."""

    log_ratio_nats: float
    credits: Tensor
    errors: Tensor


@dataclass(frozen=True, slots=True)
class Loaded:
    """An index in memory: layers, curvature and shards."""

    layers: Sequence[Layer]
    curvature: Curvature
    shards: Sequence[Shard]

    def raw_credits(
        self, middle: nn.Module, base: nn.Module, full: nn.Module, task: Task, output: Any, damping: float
    ) -> RawCredits:
        """Credits of one output before scaling: a backward pass (one per 32 pieces of it), then dot products.

        Outputs are never batched together: padding and larger products would change the last bits, and an auditor who
        recomputes one output must find the same nano-nats.
        """
        contents = task.pieces(output)
        log_ratio = 0.0
        gradients = {layer.name: torch.zeros(layer.outputs, layer.inputs) for layer in self.layers}
        for start in range(0, len(contents), PIECES_AT_ONCE):
            batch = contents[start : start + PIECES_AT_ONCE]
            with torch.no_grad():
                after, before = (one_each(task.measurement(m, batch), batch, "measurement") for m in (full, base))
            gap = after - before
            log_ratio += float(gap.double().sum())
            with capturing(middle, self.layers) as capture:
                measured = task.measurement(middle, batch)
            capture.backward(one_each(measured, batch, "measurement").sum())
            for layer in self.layers:
                gradients[layer.name] += capture.summed(layer).cpu()
        parts = {layer.name: self.curvature.damped_inverse(layer, gradients[layer.name], damping) for layer in self.layers}
        query = flatten(self.layers, parts)  # (P,)
        examples = sum(sum(shard.counts) for shard in self.shards)
        credits = torch.cat([shard.sums @ query for shard in self.shards]) / examples  # (K,)
        errors = torch.cat([_block_errors(query, shard) for shard in self.shards]) / examples
        return RawCredits(log_ratio, credits, errors)


def _block_errors(query: Tensor, shard: Shard) -> Tensor:
    """Delete-a-block jackknife standard error of each work's credit: ``[W]``; NaN for a work of a single block.

    With G blocks that add up to the credit, the delete-one values scaled to the whole differ from their mean by
    G / (G - 1) times a block's deviation, which gives variance G / (G - 1) * sum (b_g - mean b)^2 (Efron & Stein 1981).
    Blocks may differ by one example, so they are compared per example.
    """
    values = torch.stack([block.float() @ query for block in shard.blocks]) * shard.block_scales  # (W, G)
    used = shard.block_counts > 0
    number = used.sum(1, keepdim=True)
    sizes = shard.block_counts.float()
    values = torch.where(used, values / sizes.clamp(min=1) * (sizes.sum(1, keepdim=True) / number), 0.0)
    deviations = torch.where(used, values - values.sum(1, keepdim=True) / number, 0.0)
    errors = (deviations.square().sum(1) * number[:, 0] / (number[:, 0] - 1).clamp(min=1)).sqrt()
    return torch.where(number[:, 0] > 1, errors, torch.nan)


@dataclass(frozen=True, slots=True)
class CurvatureIndex:
    """The curvature tier, open for questions.

    Attributes:
        folder: where it lives.
        manifest: what it is made of.
        digest: SHA-256 of the manifest file.
        loaded: curvature and work vectors.
        models: base, full and midpoint, in evaluation mode.
        task: the two functions.
    """

    folder: Path
    manifest: IndexManifest
    digest: str
    loaded: Loaded
    models: tuple[nn.Module, nn.Module, nn.Module]
    task: Task

    @property
    def method(self) -> str:
        """Name and version of the measurement."""
        return self.manifest.method

    @property
    def work_ids(self) -> tuple[WorkId, ...]:
        """The works, in the order of all answers."""
        return tuple(work_id for work_id, _ in self.manifest.works)

    @classmethod
    def open(cls, folder: Path, *, base: nn.Module, full: nn.Module, task: Task) -> CurvatureIndex:
        """Opens a finished index for the models it was built from.

        Raises:
            NotFoundError: there is no finished index in the folder.
            InputError: the models or the task are not those of the index.
            ConflictError: the index was built by another version of this code.
            IntegrityError: a file is missing or damaged.
        """
        manifest, digest = read_manifest(folder)
        for name, model in (("base", base), ("full", full)):
            if model_digest(model) != manifest.facts[f"{name}_sha256"]:
                raise InputError(
                    f"this index belongs to another {name} model",
                    remedy="Open it with the models it was built from, or build an index for this model.",
                    file=folder / MANIFEST_FILE,
                    field=f"{name}_sha256",
                )
        if task.name != manifest.facts["task"]:
            raise InputError(
                f"this index was built for the task '{manifest.facts['task']}', not '{task.name}'",
                remedy="Use the same task.",
                file=folder / MANIFEST_FILE,
                field="task",
            )
        if code_digest() != manifest.facts["code_sha256"]:
            raise ConflictError(
                "this index was built by other code than would now answer, and receipts name the code",
                remedy="Build the index again, or use the version of endcredits that built it.",
                file=folder / MANIFEST_FILE,
                field="code_sha256",
            )
        check_files(folder, manifest)
        layers = tuple(Layer(*entry) for entry in manifest.facts["layers"])
        curvature = load_curvature(folder / CURVATURE_FILE, layers, manifest.build_key)
        names = sorted(name for name in manifest.files if name != CURVATURE_FILE)
        shards = [load_shard(folder / name, manifest.build_key) for name in names]
        middle = midpoint_model(base, full)
        return cls(folder, manifest, digest, Loaded(layers, curvature, shards), (base.eval(), full.eval(), middle), task)

    def attribute(self, outputs: Sequence[Any]) -> list[Credits]:
        """Credits of each output, in nats; an output's answer does not depend on the others.

        Args:
            outputs: what the task's `pieces` understands.

        Raises:
            InputError: a measurement is not finite.
        """
        base, full, middle = self.models
        scale = float(self.manifest.scale)
        damping = float(self.manifest.facts["settings"]["damping"])
        answers = []
        for number, output in enumerate(outputs):
            raw = self.loaded.raw_credits(middle, base, full, self.task, output, damping)
            if not math.isfinite(raw.log_ratio_nats) or not bool(torch.isfinite(raw.credits).all()):
                raise InputError(
                    f"output {number + 1} has no finite credit",
                    remedy="Check the output and the models for NaN or infinite values.",
                )
            credit = (raw.credits.double() * scale).tolist()
            error = (raw.errors.double() * scale).tolist()
            answers.append(Credits(raw.log_ratio_nats, self.work_ids, tuple(credit), tuple(error)))
        return answers

    def __repr__(self) -> str:
        return f"<CurvatureIndex {self.method} of {len(self.manifest.works)} works, {self.digest[:12]}>"


def open_index(folder: str | Path, *, base: nn.Module, full: nn.Module, task: Task) -> CurvatureIndex:
    """Opens a finished index; see `CurvatureIndex.open`."""
    return CurvatureIndex.open(Path(folder), base=base, full=full, task=task)
