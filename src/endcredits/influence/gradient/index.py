"""An open index answers: which works moved this output, by how many nats, with what error.

One backward pass at the midpoint gives the output's gradient; the damped inverse curvature is applied to it (never to the
works), and each credit is a dot product with a work's stored sum. Two forward passes, at
base and at full, measure the log-ratio that the credits ought to add up to.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from endcredits.ids import WorkId
from endcredits.influence.bands import CURVATURE_FACTOR, stated_credits
from endcredits.influence.gradient.ekfac import Curvature, kept, load_curvature
from endcredits.influence.gradient.folder import check_fits
from endcredits.influence.gradient.layers import Layer, capturing, flatten
from endcredits.influence.gradient.manifest import (
    CURVATURE,
    CURVATURE_FILE,
    IndexManifest,
    check_files,
    read_manifest,
    require_tier,
)
from endcredits.influence.gradient.midpoint import midpoint_model
from endcredits.influence.gradient.outliers import capped_factors
from endcredits.influence.gradient.rows import dots
from endcredits.influence.gradient.shards import Shard, check_content, credit_dots, map_shard
from endcredits.influence.gradient.sums import add_gradient, own_weights, split
from endcredits.influence.records import Credits
from endcredits.influence.task import Task, one_each

METHOD = "ek-fac-midpoint/2"
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
    """One output's measured log-ratio, and credits ``[K]`` in index order that need not sum to it, with standard errors."""

    log_ratio_nats: float
    credits: Tensor
    errors: Tensor


@dataclass(frozen=True, slots=True)
class Loaded:
    """An index in memory: layers, curvature and shards.

    Attributes:
        layers: those that carry it, in the order of the coordinates.
        curvature: of the middle model.
        shards: work vectors; files that are mapped are read when they are first asked for.
        rank: share of the eigen-directions per side that rows keep; 1 keeps every coordinate of the gradient itself.
        unread: files whose content nobody compared with its digest yet.
        factors: ``[K]``, below 1 for a work whose gradient is capped; None when none is.
    """

    layers: Sequence[Layer]
    curvature: Curvature
    shards: Sequence[Shard]
    rank: float = 1.0
    unread: list[Path] = field(default_factory=list)
    factors: Tensor | None = None

    def raw_credits(
        self,
        middle: nn.Module,
        base: nn.Module,
        full: nn.Module,
        task: Task,
        output: Any,
        damping: float,
        *,
        bands: bool = True,
    ) -> RawCredits:
        """Credits of one output before scaling: a backward pass (one per 32 pieces of it), then dot products.

        Outputs are never batched together: padding and larger products would change the last bits, and an auditor who
        recomputes one output must find the same nano-nats.

        Args:
            bands: whether to compute the standard errors; NaN without.

        Raises:
            IntegrityError: a file does not hold what its digest says; found when it is first read.
        """
        self.check_unread()
        log_ratio, gradient = self.gradient(middle, base, full, task, output)
        query = self.query(gradient, damping)
        examples = sum(sum(shard.counts) for shard in self.shards)
        credits = torch.cat([credit_dots(shard, query, self.bounds) for shard in self.shards]) / examples  # (K,)
        errors = torch.full_like(credits, torch.nan)
        if bands:  # reading the blocks costs more than reading the rows
            errors = torch.cat([_block_errors(query, shard) for shard in self.shards]) / examples
        if self.factors is not None:
            credits, errors = credits * self.factors, errors * self.factors
        return RawCredits(log_ratio, credits, errors)

    def gradient(self, middle: nn.Module, base: nn.Module, full: nn.Module, task: Task, output: Any) -> tuple[float, Tensor]:
        """Measured log-ratio of an output, and the gradient of its measurement at the middle: ``[P]``."""
        contents = task.pieces(output)
        log_ratio = 0.0
        weights = own_weights(middle, self.layers)
        gradient = torch.zeros(sum(layer.size for layer in self.layers))
        for start in range(0, len(contents), PIECES_AT_ONCE):
            batch = contents[start : start + PIECES_AT_ONCE]
            with torch.inference_mode():
                after, before = (one_each(task.measurement(m, batch), batch, "measurement") for m in (full, base))
                log_ratio += float((after - before).double().sum())
            if weights is not None:
                total = one_each(task.measurement(middle, batch), batch, "measurement").sum()
                add_gradient(weights, total, gradient)
                continue
            with capturing(middle, self.layers) as capture:
                measured = task.measurement(middle, batch)
            capture.backward(one_each(measured, batch, "measurement").sum())
            gradient += flatten(self.layers, {layer.name: capture.summed(layer).cpu() for layer in self.layers})
        return log_ratio, gradient

    def query(self, gradient: Tensor, damping: float) -> Tensor:
        """What rows are multiplied by: the gradient under the damped inverse curvature, in the rows' coordinates."""
        parts = split(self.layers, gradient)
        return flatten(
            self.layers,
            {layer.name: self.curvature.query(layer, parts[layer.name], damping, self.rank) for layer in self.layers},
        )

    @property
    def bounds(self) -> list[int]:
        """Where a row's layers end: 0, then cumulative sizes."""
        return [0, *itertools.accumulate(math.prod(kept(layer, self.rank)) for layer in self.layers)]

    def check_unread(self) -> None:
        """Compares files that were only mapped with the digests in their headers, each once.

        Raises:
            IntegrityError: names the first that differs.
        """
        while self.unread:
            check_content(self.unread[0])
            self.unread.pop(0)


def _block_errors(query: Tensor, shard: Shard) -> Tensor:
    """Delete-a-block jackknife standard error of each work's credit: ``[W]``; NaN for a work of a single block.

    With G blocks that add up to the credit, the delete-one values scaled to the whole differ from their mean by
    G / (G - 1) times a block's deviation, which gives variance G / (G - 1) * sum (b_g - mean b)^2 (Efron & Stein 1981).
    Blocks may differ by one example, so they are compared per example.
    """
    works, blocks, size = shard.blocks.shape
    if blocks < 2:
        return torch.full((works,), torch.nan)
    values = dots(shard.blocks.reshape(-1, size), query).view(works, blocks) * shard.block_scales  # (W, G)
    used = shard.block_counts > 0
    number = used.sum(1, keepdim=True)
    sizes = shard.block_counts.float()
    values = torch.where(used, values / torch.where(used, sizes, 1.0) * (sizes.sum(1, keepdim=True) / number), 0.0)
    deviations = torch.where(used, values - values.sum(1, keepdim=True) / number.clamp(min=1), 0.0)
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
            InputError: the models or the task are not those of the index, or it is of another tier.
            ConflictError: the index was built by another version of this code.
            IntegrityError: a file is missing, or is not the one that the manifest names. A row that was changed is found
                when rows are first read, in the first answer; `check_index` looks at once.
        """
        manifest, digest = read_manifest(folder)
        require_tier(manifest, CURVATURE, folder, "Open it with endcredits.influence.open_index; it cannot be added to.")
        check_fits(folder, manifest, base=base, full=full, task=task)
        check_files(folder, manifest, read_rows=False)
        layers = tuple(Layer(*entry) for entry in manifest.facts["layers"])
        curvature = load_curvature(folder / CURVATURE_FILE, layers, manifest.build_key)
        names = sorted(name for name in manifest.files if name != CURVATURE_FILE)
        shards = [map_shard(folder / name, manifest.build_key) for name in names]
        rank = float(manifest.facts["settings"]["rank"])
        factors = capped_factors(manifest.capped, [work_id for work_id, _ in manifest.works])
        loaded = Loaded(layers, curvature, shards, rank, [folder / name for name in names], factors)
        middle = midpoint_model(base, full)
        return cls(folder, manifest, digest, loaded, (base.eval(), full.eval(), middle), task)

    def attribute(self, outputs: Sequence[Any]) -> list[Credits]:
        """Credits of each output, in nats; an output's answer does not depend on the others.

        Args:
            outputs: what the task's `pieces` understands.

        Raises:
            InputError: a measurement is not finite.
        """
        sizes = torch.tensor([float(size) for size in self.manifest.sizes])
        answers = []
        for number, output in enumerate(outputs, 1):
            found = self.contrasts(output)
            answers.append(
                stated_credits(
                    number, self.work_ids, found.credits, found.errors, found.log_ratio_nats, sizes, CURVATURE_FACTOR
                )
            )
        return answers

    def contrasts(self, output: Any) -> RawCredits:
        """What the index alone says of an output, in nats, before the gap to the log-ratio is divided (`residual`)."""
        base, full, middle = self.models
        damping = float(self.manifest.facts["settings"]["damping"])
        raw = self.loaded.raw_credits(middle, base, full, self.task, output, damping)
        factors = torch.tensor([float(slope) for slope in self.manifest.slopes], dtype=torch.float64)
        factors *= float(self.manifest.scale)
        return RawCredits(raw.log_ratio_nats, raw.credits * factors, raw.errors * factors)

    def __repr__(self) -> str:
        return f"<CurvatureIndex {self.method} of {len(self.manifest.works)} works, {self.digest[:12]}>"


def open_index(folder: str | Path, *, base: nn.Module, full: nn.Module, task: Task) -> CurvatureIndex:
    """Opens a finished index; see `CurvatureIndex.open`."""
    return CurvatureIndex.open(Path(folder), base=base, full=full, task=task)
