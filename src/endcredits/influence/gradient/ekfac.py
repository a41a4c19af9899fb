"""Curvature of the loss, layer by layer, in the Kronecker eigenbasis with corrected eigenvalues (EK-FAC).

The Fisher information of one layer is the mean over examples of g g^T, where g is an example's gradient with labels drawn
from the model. K-FAC (Martens & Grosse 2015, arXiv 1503.05671) writes it as A (x) S, the Kronecker product of the second
moments of the layer's inputs (A, ``[i, i]``) and of the gradients at its outputs (S, ``[o, o]``). Its eigenvectors are the
products of theirs. EK-FAC (George et al. 2018, arXiv 1806.03884) keeps those eigenvectors Q_A, Q_S and measures the
eigenvalues instead: the mean square of the rotated per-example gradients, Lambda = E[(Q_S^T G Q_A)^2], ``[o, i]``. That
correction is most of what separates good curvature from bad (arXiv 2509.23437).

A damped inverse divides the rotated coordinates by Lambda + damping * mean(Lambda). What is given up: curvature between
layers, and within a layer everything off the diagonal of that basis.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from endcredits.errors import InputError, IntegrityError
from endcredits.influence.gradient.layers import Layer
from endcredits.influence.gradient.shards import load_tensors, save_tensors
from endcredits.influence.gradient.tapped import backward, tapping
from endcredits.influence.task import Task, one_each


@dataclass(frozen=True, slots=True)
class Curvature:
    """EK-FAC of one model on one sample of examples.

    Attributes:
        q_inputs: per layer Q_A, ``[i, i]``.
        q_outputs: per layer Q_S, ``[o, o]``.
        eigenvalues: per layer Lambda, ``[o, i]``, nats squared per example.
    """

    q_inputs: Mapping[str, Tensor]
    q_outputs: Mapping[str, Tensor]
    eigenvalues: Mapping[str, Tensor]

    def damped_inverse(self, layer: Layer, gradients: Tensor, damping: float) -> Tensor:
        """Multiplies gradients by (F + damping * mean eigenvalue)^-1.

        Args:
            layer: which layer.
            gradients: ``[..., o, i]``.
            damping: relative to the layer's mean eigenvalue, > 0.

        Returns:
            Tensor of the shape of `gradients`.
        """
        q_in, q_out, eigenvalues = (part[layer.name] for part in (self.q_inputs, self.q_outputs, self.eigenvalues))
        mean = eigenvalues.mean()
        if mean <= 0:  # no gradient of the sample ever reached this layer: nothing is known of it, so it earns nothing
            return torch.zeros_like(gradients)
        rotated = q_out.T @ gradients @ q_in
        return q_out @ (rotated / (eigenvalues + damping * mean)) @ q_in.T

    def query(self, layer: Layer, gradient: Tensor, damping: float, rank: float = 1.0) -> Tensor:
        """A gradient under the damped inverse, in the coordinates that rows of some rank keep.

        Args:
            layer: which layer.
            gradient: ``[o, i]``.
            damping: relative to the layer's mean eigenvalue, > 0.
            rank: share of the eigen-directions per side; at 1 the coordinates are the gradient's own.

        Returns:
            ``[o, i]``, or ``[r_o, r_i]`` of the eigenbasis: the dot product with a row's part is the layer's credit.
        """
        if rank == 1:
            return self.damped_inverse(layer, gradient, damping)
        q_out, q_in = self.corner(layer, rank)
        eigenvalues = self.eigenvalues[layer.name]
        mean = eigenvalues.mean()
        if mean <= 0:
            return gradient.new_zeros(q_out.shape[1], q_in.shape[1])
        top = eigenvalues[-q_out.shape[1] :, -q_in.shape[1] :]
        return (q_out.T @ gradient @ q_in) / (top + damping * mean)

    def corner(self, layer: Layer, rank: float) -> tuple[Tensor, Tensor]:
        """The eigenvectors of the largest eigenvalues of each side: ``[o, r_o]`` and ``[i, r_i]``."""
        outputs, inputs = kept(layer, rank)
        return self.q_outputs[layer.name][:, -outputs:], self.q_inputs[layer.name][:, -inputs:]

    def kept_energy(self, layers: Sequence[Layer], damping: float, rank: float) -> float:
        """Share of the half-whitened energy of the sample's gradients that rows of some rank keep: 0 to 1.

        A credit is the dot product of two gradients that are each divided by the square root of the damped eigenvalues;
        in that metric a coordinate of eigenvalue e carries e / (e + damping * mean) of a work's energy.
        """
        whole = part = 0.0
        for layer in layers:
            eigenvalues = self.eigenvalues[layer.name].double()
            mean = float(eigenvalues.mean())
            if mean > 0:
                energy = eigenvalues / (eigenvalues + damping * mean)
                outputs, inputs = kept(layer, rank)
                whole += float(energy.sum())
                part += float(energy[-outputs:, -inputs:].sum())
        return part / whole if whole else 1.0


def kept(layer: Layer, rank: float) -> tuple[int, int]:
    """How many eigen-directions of each side rows of some rank keep."""
    return math.ceil(layer.outputs * rank), math.ceil(layer.inputs * rank)


def fit_curvature(
    model: nn.Module,
    layers: Sequence[Layer],
    task: Task,
    batches: Sequence[Sequence[Any]],
    seed: int,
    report: Callable[[int], None],
    checks: Sequence[Sequence[Any]] | None = None,
) -> Curvature:
    """Measures EK-FAC in two passes over samples of examples: the second moments, then the eigenvalues.

    Args:
        model: in evaluation mode.
        layers: the layers to fit.
        task: supplies the loss, with labels from the model where it can.
        batches: lists of contents, for the second moments.
        seed: of the labels' draws; both passes draw the same.
        report: told the number of finished batches of both passes.
        checks: lists of contents for the eigenvalues; the same as for the moments when None.

    Raises:
        InputError: an activation or a gradient is not finite.
    """
    inputs = {layer.name: torch.zeros(layer.inputs, layer.inputs, dtype=torch.float64) for layer in layers}
    outputs = {layer.name: torch.zeros(layer.outputs, layer.outputs, dtype=torch.float64) for layer in layers}

    def add_moments(layer: Layer, value: Tensor, gradient: Tensor) -> None:
        arrived = gradient.reshape(-1, layer.outputs)
        # Padding, which no loss depends on, has no gradient; its inputs must not shape the curvature either.
        counted = (arrived != 0).any(dim=1)
        arrived, entered = arrived[counted], value.reshape(-1, layer.inputs)[counted]
        inputs[layer.name] += (entered.T @ entered).double().cpu()
        outputs[layer.name] += (arrived.T @ arrived).double().cpu()

    _pass(model, layers, task, batches, seed, add_moments, report)
    for layer in layers:
        if not (torch.isfinite(inputs[layer.name]).all() and torch.isfinite(outputs[layer.name]).all()):
            raise InputError(
                f"the activations or gradients of layer {layer.name} are not finite",
                remedy="Check the examples and the models for NaN or infinite values.",
                field="examples",
            )
    # Only the directions matter from here on, so the moments need no normalising.
    device = next(model.parameters()).device
    q_inputs = {name: torch.linalg.eigh(moment)[1].float().to(device) for name, moment in inputs.items()}
    q_outputs = {name: torch.linalg.eigh(moment)[1].float().to(device) for name, moment in outputs.items()}
    checks = batches if checks is None else checks
    squares = {layer.name: torch.zeros(layer.outputs, layer.inputs, device=device) for layer in layers}

    waiting: dict[str, Tensor] = {}
    uses: dict[str, int] = {}

    def add_squares(layer: Layer, value: Tensor, gradient: Tensor) -> None:
        q_out, q_in, positions = q_outputs[layer.name], q_inputs[layer.name], value.shape[1]
        # Positions are rotated before they are multiplied, or products after: whichever is less to do.
        if positions * (layer.outputs**2 + layer.inputs**2) < layer.size * (layer.outputs + layer.inputs):
            rotated = torch.bmm((gradient @ q_out).transpose(1, 2), value @ q_in)  # (n, o, i)
        else:
            rotated = q_out.T @ torch.bmm(gradient.transpose(1, 2), value) @ q_in
        if layer.name in waiting:  # a layer that a pass uses again: its gradient is the sum over the uses
            rotated += waiting.pop(layer.name)
        left = uses.get(layer.name, 1) - 1
        if left > 0:
            uses[layer.name], waiting[layer.name] = left, rotated
            return
        uses.pop(layer.name, None)
        squares[layer.name] += rotated.square_().sum(0)

    _pass(model, layers, task, checks, seed, add_squares, lambda done: report(len(batches) + done), uses)
    examples = sum(len(batch) for batch in checks)
    return Curvature(q_inputs, q_outputs, {name: square / examples for name, square in squares.items()})


def _pass(
    model: nn.Module,
    layers: Sequence[Layer],
    task: Task,
    batches: Sequence[Sequence[Any]],
    seed: int,
    collect: Callable[[Layer, Tensor, Tensor], None],
    report: Callable[[int], None],
    uses: dict[str, int] | None = None,
) -> None:
    """One forward and backward pass over some batches, each layer's inputs ``[n, t, i]`` and gradients handed on.

    Before each backward pass `uses`, where given, is told how often the layers will be seen.
    """
    generator = torch.Generator().manual_seed(seed)

    def seen(number: int, entered: Tensor, arrived: Tensor) -> None:
        layer = layers[number]
        if layer.bias:
            entered = torch.cat([entered, entered.new_ones(*entered.shape[:2], 1)], dim=-1)
        collect(layer, entered, arrived)

    for number, contents in enumerate(batches):
        with tapping(model, layers, len(contents), seen) as used:
            if task.sampled_loss is None:
                loss, function = task.train_loss(model, contents), "train_loss"
            else:
                loss, function = task.sampled_loss(model, contents, generator), "sampled_loss"
            if uses is not None:
                uses |= {layer.name: times for layer, times in zip(layers, used, strict=True)}
            backward(one_each(loss, contents, function).sum())
        report(number + 1)


def save_curvature(path: Path, layers: Sequence[Layer], curvature: Curvature, build_key: str) -> None:
    """Writes the curvature of a build, whole or not at all."""
    tensors = {}
    for number, layer in enumerate(layers):
        tensors[f"{number:04d}.q_inputs"] = curvature.q_inputs[layer.name].cpu()
        tensors[f"{number:04d}.q_outputs"] = curvature.q_outputs[layer.name].cpu()
        tensors[f"{number:04d}.eigenvalues"] = curvature.eigenvalues[layer.name].cpu()
    save_tensors(path, tensors, {"build": build_key})


def load_curvature(path: Path, layers: Sequence[Layer], build_key: str) -> Curvature:
    """Reads the curvature file of a build.

    Raises:
        IntegrityError: damaged, or of another build.
    """
    tensors, header = load_tensors(path)
    if header.get("build") != build_key:
        raise IntegrityError("the curvature belongs to another build", remedy="Build the index again.", file=path)
    names = [layer.name for layer in layers]
    return Curvature(
        *(
            {name: tensors[f"{number:04d}.{part}"] for number, name in enumerate(names)}
            for part in ("q_inputs", "q_outputs", "eigenvalues")
        )
    )
