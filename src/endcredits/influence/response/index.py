"""An open response index answers: one backward pass at the half-weight model, then one dot product a catalogue.

A catalogue's response is divided among its works by size. Beside it stands the curvature tier of the same works, whose
credits are added with a small weight: the two err independently (one run's accidents here, an approximate inverse there), so
together they come closer to retraining than either, and inside a catalogue the curvature tier tells the works apart. Raw
credits miss the output's measured log-ratio, because the response at the middle is not the whole way; what they leave over
is divided by size (`residual`), so credits are complete.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from endcredits.errors import IntegrityError
from endcredits.ids import WorkId
from endcredits.influence.bands import RESPONSE_FACTOR, stated_credits
from endcredits.influence.gradient.folder import check_fits
from endcredits.influence.gradient.index import CurvatureIndex
from endcredits.influence.gradient.manifest import RESPONSE, IndexManifest, check_files, read_manifest, require_tier
from endcredits.influence.gradient.shards import load_tensors
from endcredits.influence.records import Credits
from endcredits.influence.replay.run import BATCH_PIECES, log_likelihoods
from endcredits.influence.task import Task, one_each
from endcredits.influence.trainer import load_snapshot

METHOD = "response/1"
CURVATURE_FOLDER = "curvature"
POINTS_FILE = "points.safetensors"
RESPONSES_FILE = "responses.safetensors"


@dataclass(frozen=True, slots=True)
class Point:
    """A model at which an output's gradient is taken.

    Attributes:
        model: in evaluation mode; its trained parameters require gradients and no others do.
        names: of the trained parameters, in the order of the responses' coordinates.
    """

    model: nn.Module
    names: tuple[str, ...]

    def gradient(self, task: Task, output: Any) -> Tensor:
        """Gradient of an output's measurement: ``[P]`` float32 on the CPU."""
        own = dict(self.model.named_parameters())
        parameters = [own[name] for name in self.names]
        contents = task.pieces(output)
        total = torch.zeros(sum(value.numel() for value in parameters))
        for start in range(0, len(contents), BATCH_PIECES):
            batch = contents[start : start + BATCH_PIECES]
            measured = one_each(task.measurement(self.model, batch), batch, "measurement").sum()
            parts = torch.autograd.grad(measured, parameters, materialize_grads=True)
            total += torch.cat([part.reshape(-1) for part in parts]).cpu()
        return total


@dataclass(frozen=True, slots=True)
class Term:
    """Responses with the points at which gradients meet them: ``[K, P]`` and (point, weight)."""

    responses: Tensor
    points: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class ResponseIndex:
    """The response tier, open for questions.

    Attributes:
        folder: where it lives.
        manifest: what it is made of.
        digest: SHA-256 of the manifest file.
        catalogues: K names, in the order of the responses' rows.
        terms: responses and points.
        points: the models at which gradients are taken, by the run's name.
        division: ``[W, K]`` which part of a catalogue's credit is a work's; rows of untrained works are zero.
        sizes: ``[W]`` training tokens that the run read of each work; 0 for works that it never read.
        beside: the curvature tier of the same works, or None.
        weight: of its credits.
        models: base and full, in evaluation mode.
        task: how outputs are measured.
    """

    folder: Path
    manifest: IndexManifest
    digest: str
    catalogues: tuple[str, ...]
    terms: tuple[Term, ...]
    points: dict[str, Point]
    division: Tensor
    sizes: Tensor
    beside: CurvatureIndex | None
    weight: float
    models: tuple[nn.Module, nn.Module]
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
    def open(cls, folder: Path, *, base: nn.Module, full: nn.Module, task: Task) -> ResponseIndex:
        """Opens a finished index for the models it was built from.

        Raises:
            NotFoundError: there is no finished index in the folder.
            InputError: the models or the task are not those of the index.
            ConflictError: the index was built by another version of this code.
            IntegrityError: a file is missing or damaged.
        """
        manifest, digest = read_manifest(folder)
        require_tier(manifest, RESPONSE, folder, "Open it with endcredits.influence.open_index.")
        facts = manifest.facts
        check_fits(folder, manifest, base=base, full=full, task=task)
        check_files(folder, manifest)
        vectors, points = (_tensors(folder / name, manifest) for name in (RESPONSES_FILE, POINTS_FILE))
        terms = tuple(
            Term(vectors[f"term{number}"], tuple((name, float(weight)) for name, weight in term["points"]))
            for number, term in enumerate(facts["design"]["terms"])
        )
        names = sorted({name for term in terms for name, _ in term.points})
        division, sizes = _division(manifest)
        return cls(
            folder=folder,
            manifest=manifest,
            digest=digest,
            catalogues=tuple(sorted(facts["catalogues"])),
            terms=terms,
            points={name: _point(full, points, number) for number, name in enumerate(names)},
            division=division,
            sizes=sizes,
            beside=_beside(folder, manifest, base, full, task),
            weight=float(facts["curvature_weight"]),
            models=(base.eval(), full.eval()),
            task=task,
        )

    def contrasts(self, output: Any) -> Tensor:
        """What the measured responses alone say of an output's works, ``[W]`` float64; need not sum to the log-ratio."""
        gradients = {name: point.gradient(self.task, output) for name, point in self.points.items()}
        raw = torch.zeros(len(self.catalogues), dtype=torch.float64)
        for term in self.terms:
            query = torch.stack([weight * gradients[name] for name, weight in term.points]).sum(0)
            raw += (term.responses @ query).double()
        return self.division @ raw

    def log_ratio(self, output: Any) -> float:
        """Measured log p_full(output) - log p_base(output)."""
        before, after = (float(log_likelihoods(model, self.task, [output])[0]) for model in self.models)
        return after - before

    def attribute(self, outputs: Sequence[Any]) -> list[Credits]:
        """Credits of each output, in nats; an output's answer does not depend on the others.

        Raises:
            InputError: a measurement is not finite.
        """
        answers = []
        for number, output in enumerate(outputs, 1):
            raw, log_ratio = self.contrasts(output), self.log_ratio(output)
            sampling = torch.zeros_like(raw)
            if self.beside is not None:
                other = self.beside.contrasts(output)
                weight = self.weight * (self.sizes > 0)
                raw, sampling = raw + weight * other.credits, weight * other.errors
            answers.append(stated_credits(number, self.work_ids, raw, sampling, log_ratio, self.sizes, RESPONSE_FACTOR))
        return answers

    def __repr__(self) -> str:
        return f"<ResponseIndex {self.method} of {len(self.catalogues)} catalogues, {self.digest[:12]}>"


def _tensors(path: Path, manifest: IndexManifest) -> dict[str, Tensor]:
    tensors, header = load_tensors(path)
    if header.get("build") != manifest.build_key:
        raise IntegrityError("the file belongs to another build", remedy="Build the index again.", file=path)
    return tensors


def _point(full: nn.Module, tensors: dict[str, Tensor], number: int) -> Point:
    prefix = f"{number:03d}."
    snapshot = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
    model = load_snapshot(copy.deepcopy(full), snapshot)
    for name, value in model.named_parameters():
        value.requires_grad_(name in snapshot)
    return Point(model, tuple(sorted(snapshot)))


def _division(manifest: IndexManifest) -> tuple[Tensor, Tensor]:
    """Which part of each catalogue is each work's ``[W, K]``, and the works' sizes ``[W]``."""
    sizes = {work: float(size) for work, size in manifest.facts["sizes"].items()}
    catalogues = sorted(manifest.facts["catalogues"].items())
    row = {work: number for number, (work, _) in enumerate(manifest.works)}
    division = torch.zeros(len(row), len(catalogues), dtype=torch.float64)
    for column, (_, works) in enumerate(catalogues):
        total = sum(sizes[work] for work in works)
        for work in works:
            division[row[WorkId(work)], column] = sizes[work] / total
    return division, torch.tensor([sizes[work] for work, _ in manifest.works], dtype=torch.float64)


def _beside(folder: Path, manifest: IndexManifest, base: nn.Module, full: nn.Module, task: Task) -> CurvatureIndex | None:
    """The curvature index that was built with this one, which must be that very one."""
    expected = manifest.facts["curvature_index"]
    if not expected:
        return None
    found = CurvatureIndex.open(folder / CURVATURE_FOLDER, base=base, full=full, task=task)
    if found.digest != expected:
        raise IntegrityError(
            "the curvature index beside the responses is another one than they were built with",
            remedy="Restore the folder from your last copy, or build the index again.",
            file=folder / CURVATURE_FOLDER,
        )
    return found
