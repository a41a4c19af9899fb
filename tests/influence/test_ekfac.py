"""The curvature is what the formula says, against explicit dense matrices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from endcredits.errors import InputError, IntegrityError
from endcredits.influence import Task
from endcredits.influence.gradient.ekfac import Curvature, fit_curvature, load_curvature, save_curvature
from endcredits.influence.gradient.layers import Layer, find_layers
from endcredits.influence.task import every_layer
from tests.influence.helpers import EMPIRICAL, SAMPLED, explicit_gradients, labelled, mlp


def silent_report(done: int) -> None:
    """Hears nothing."""


def fitted(
    model: nn.Module, task: Task, contents: Sequence[Any], *, size: int = 100, seed: int = 0
) -> tuple[tuple[Layer, ...], Curvature]:
    layers = find_layers(model, task.layers)
    batches = [contents[start : start + size] for start in range(0, len(contents), size)]
    return layers, fit_curvature(model, layers, task, batches, seed, silent_report)


def dense(curvature: Curvature, layer: Layer, damping: float) -> Tensor:
    """The damped Fisher of a layer as one matrix over the flattened gradient ``[o, i]``."""
    q = torch.kron(curvature.q_outputs[layer.name], curvature.q_inputs[layer.name]).double()
    eigenvalues = curvature.eigenvalues[layer.name].double().flatten()
    return q @ torch.diag(eigenvalues + damping * eigenvalues.mean()) @ q.T


@pytest.mark.parametrize("damping", [0.001, 0.03, 1.0])
def test_the_damped_inverse_solves_the_dense_system(damping: float) -> None:
    """Applied to one gradient and to a batch of them."""
    model = mlp()
    layers, curvature = fitted(model, EMPIRICAL, labelled(40, seed=1))
    double = Curvature(
        *({name: value.double() for name, value in part.items()} for part in (curvature.q_inputs, curvature.q_outputs)),
        {name: value.double() for name, value in curvature.eigenvalues.items()},
    )
    for layer in layers:
        gradients = torch.randn(3, layer.outputs, layer.inputs, dtype=torch.float64)

        fast = double.damped_inverse(layer, gradients, damping)

        # The stored basis is orthogonal to float32 only, and the inverse magnifies that by its condition.
        slow = torch.linalg.solve(dense(curvature, layer, damping), gradients.flatten(1).T).T
        torch.testing.assert_close(fast.flatten(1), slow, rtol=1e-3, atol=1e-3 * float(slow.abs().max()))
        torch.testing.assert_close(double.damped_inverse(layer, gradients[0], damping), fast[0])


def test_the_damped_inverse_is_exact_in_an_exact_basis() -> None:
    """With a basis orthogonal to float64 the two agree to float64."""
    generator = torch.Generator().manual_seed(0)
    q_inputs, q_outputs = (torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64))[0] for n in (5, 3))
    eigenvalues = torch.rand(3, 5, generator=generator, dtype=torch.float64)
    layer = Layer("x", 3, 5, True)
    curvature = Curvature({"x": q_inputs}, {"x": q_outputs}, {"x": eigenvalues})
    gradients = torch.randn(4, 3, 5, generator=generator, dtype=torch.float64)

    fast = curvature.damped_inverse(layer, gradients, 0.03)

    slow = torch.linalg.solve(dense(curvature, layer, 0.03), gradients.flatten(1).T).T
    torch.testing.assert_close(fast.flatten(1), slow, rtol=1e-10, atol=1e-10)


def test_a_layer_without_curvature_keeps_no_gradient_finite() -> None:
    """A layer that the sample never reached earns nothing, instead of 0 / 0 or a gradient over the bare damping."""
    layer = Layer("x", 2, 2, False)
    curvature = Curvature({"x": torch.eye(2)}, {"x": torch.eye(2)}, {"x": torch.zeros(2, 2)})

    assert not curvature.damped_inverse(layer, torch.ones(2, 2), 0.03).any()


@pytest.mark.parametrize("size", [100, 7])
def test_the_eigenvalues_are_the_diagonal_of_the_explicit_fisher(size: int) -> None:
    """In the eigenbasis of the layer's two second moments, which diagonalises both; in any batches."""
    model, contents = mlp(), labelled(40, seed=1)
    layers, curvature = fitted(model, EMPIRICAL, contents, size=size)

    for layer in layers:
        gradients = explicit_gradients(model, [layer], EMPIRICAL.measurement, contents).double()
        q = torch.kron(curvature.q_outputs[layer.name], curvature.q_inputs[layer.name]).double()
        fisher = gradients.T @ gradients / len(contents)
        slow = torch.diagonal(q.T @ fisher @ q)

        torch.testing.assert_close(
            curvature.eigenvalues[layer.name].double().flatten(), slow, rtol=1e-3, atol=1e-5 * float(slow.max())
        )
        torch.testing.assert_close(slow.sum(), torch.trace(fisher), rtol=1e-4, atol=0.0)


def test_the_basis_diagonalises_the_second_moments() -> None:
    """Of a layer's inputs and of the gradients at its outputs."""
    model, contents = mlp(), labelled(40, seed=1)
    layers, curvature = fitted(model, EMPIRICAL, contents)
    x = torch.stack([features for features, _ in contents])
    inputs = torch.cat([x, torch.ones(len(x), 1)], 1)
    logits = model(x)
    gradients = torch.softmax(logits, 1) - nn.functional.one_hot(torch.tensor([label for _, label in contents]), 3)

    for q, moment in (
        (curvature.q_inputs[layers[0].name], inputs.T @ inputs),
        (curvature.q_outputs[layers[1].name], gradients.T @ gradients),
    ):
        rotated = q.T @ moment @ q
        off_diagonal = rotated - torch.diag(torch.diagonal(rotated))

        torch.testing.assert_close(q.T @ q, torch.eye(len(q)), rtol=0.0, atol=1e-5)
        assert off_diagonal.abs().max() < 1e-4 * rotated.abs().max()


def test_a_truly_kronecker_fisher_is_met_exactly() -> None:
    """Where inputs and output gradients are independent, nothing is approximated."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(9, 4, generator=generator) * torch.tensor([0.3, 0.8, 1.5, 3.0])
    slopes = torch.randn(7, 3, generator=generator) * torch.tensor([0.5, 1.0, 2.0])
    contents = [(x, slope) for x in inputs for slope in slopes]  # every input with every slope
    model = nn.Sequential(nn.Linear(4, 3))

    def loss(model: nn.Module, contents: Sequence[Any]) -> Tensor:
        total: Tensor = (model(torch.stack([x for x, _ in contents])) * torch.stack([s for _, s in contents])).sum(1)
        return total

    (layer,), curvature = fitted(model, Task("slopes/1", loss, loss), contents)
    gradients = explicit_gradients(model, [layer], loss, contents).double()
    fisher = gradients.T @ gradients / len(contents)
    query = torch.randn(3, 5, generator=generator)

    found = curvature.damped_inverse(layer, query, 0.03).double().flatten()

    damped = fisher + 0.03 * torch.trace(fisher) / len(fisher) * torch.eye(len(fisher))
    torch.testing.assert_close(found, torch.linalg.solve(damped, query.double().flatten()), rtol=1e-3, atol=1e-4)


def test_labels_are_drawn_from_the_model_by_seed() -> None:
    """The same seed measures the same curvature to the bit, another seed another, and the training loss is not asked."""

    def refuse(model: nn.Module, contents: Sequence[Any]) -> Tensor:
        raise AssertionError("the training labels were used")

    task = Task("sampled/1", refuse, refuse, SAMPLED.sampled_loss)
    model, contents = mlp(), labelled(30, seed=1)

    _, one = fitted(model, task, contents, size=8, seed=5)
    _, same = fitted(model, task, contents, size=8, seed=5)
    _, other = fitted(model, task, contents, size=8, seed=6)

    assert all(torch.equal(one.eigenvalues[name], same.eigenvalues[name]) for name in one.eigenvalues)
    assert all(torch.equal(one.q_outputs[name], same.q_outputs[name]) for name in one.q_outputs)
    assert not torch.equal(one.eigenvalues["0"], other.eigenvalues["0"])


def test_both_passes_draw_the_same_labels() -> None:
    """The eigenvalues belong to the very gradients whose moments gave the basis."""
    drawn: list[Tensor] = []

    def loss(model: nn.Module, contents: Sequence[Any], generator: torch.Generator) -> Tensor:
        drawn.append(torch.rand(3, generator=generator))
        assert SAMPLED.sampled_loss is not None
        return SAMPLED.sampled_loss(model, contents, generator)

    fitted(mlp(), Task("sampled/1", EMPIRICAL.train_loss, EMPIRICAL.measurement, loss), labelled(20, seed=1), size=8)

    assert len(drawn) == 6
    assert all(torch.equal(first, second) for first, second in zip(drawn[:3], drawn[3:], strict=True))


def test_many_draws_approach_the_fisher_of_the_models_own_labels() -> None:
    """The mean of the sampled Fisher is the exact expectation over the model's labels."""
    model, contents = mlp(), labelled(12, seed=1)
    layer = find_layers(model, every_layer)[1]
    _, curvature = fitted(model, SAMPLED, contents * 200, size=2400)
    exact = torch.zeros(layer.size, layer.size, dtype=torch.float64)
    for features, _ in contents:
        chances = torch.softmax(model(features[None]), 1)[0]
        each = [(features, label) for label in range(3)]
        gradients = explicit_gradients(model, [layer], EMPIRICAL.measurement, each).double()
        exact += (gradients.T * chances.detach()) @ gradients / len(contents)
    q = torch.kron(curvature.q_outputs[layer.name], curvature.q_inputs[layer.name]).double()

    found, expected = curvature.eigenvalues[layer.name].double().flatten(), torch.diagonal(q.T @ exact @ q)

    assert (found - expected).norm() < 0.05 * expected.norm()


def test_progress_counts_both_passes() -> None:
    """Up to twice the number of batches."""
    told: list[int] = []
    model, contents = mlp(), labelled(10, seed=1)

    fit_curvature(model, find_layers(model, every_layer), EMPIRICAL, [contents[:5], contents[5:]], 0, told.append)

    assert told == [1, 2, 3, 4]


def test_an_activation_that_is_no_number_is_refused() -> None:
    """With the layer that met it."""
    contents = labelled(4, seed=1)
    contents[2][0][1] = float("inf")

    with pytest.raises(InputError, match="activations or gradients of layer 0 are not finite"):
        fitted(mlp(), EMPIRICAL, contents)


def test_a_curvature_file_reads_back_and_belongs_to_its_build(tmp_path: Path) -> None:
    """Bit for bit, and for no other build."""
    path = tmp_path / "curvature.safetensors"
    layers, curvature = fitted(mlp(), EMPIRICAL, labelled(20, seed=1))

    save_curvature(path, layers, curvature, "build-1")
    read = load_curvature(path, layers, "build-1")

    for part in ("q_inputs", "q_outputs", "eigenvalues"):
        for layer in layers:
            assert torch.equal(getattr(read, part)[layer.name], getattr(curvature, part)[layer.name])
    with pytest.raises(IntegrityError, match="another build"):
        load_curvature(path, layers, "build-2")


def test_a_layer_used_twice_has_one_gradient() -> None:
    """Eigenvalues are squares of the sum over its uses, not sums of squares."""
    from torch import nn

    from endcredits.influence.gradient.ekfac import fit_curvature
    from endcredits.influence.gradient.layers import find_layers
    from tests.influence.helpers import EMPIRICAL, LABELS, explicit_gradients, labelled

    class Twice(nn.Module):
        """Passes through one layer twice."""

        def __init__(self) -> None:
            super().__init__()
            self.again, self.leave = nn.Linear(4, 4), nn.Linear(4, LABELS)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.leave(torch.tanh(self.again(torch.tanh(self.again(x)))))  # type: ignore[no-any-return]

    torch.manual_seed(0)
    model, contents = Twice(), labelled(10, seed=1)
    layers = find_layers(model, EMPIRICAL.layers)

    found = fit_curvature(model, layers, EMPIRICAL, [contents[:4], contents[4:]], 0, lambda done: None)

    slow = explicit_gradients(model, layers, EMPIRICAL.train_loss, contents)[:, : layers[0].size].view(10, 4, 5)
    rotated = found.q_outputs["again"].T @ slow @ found.q_inputs["again"]
    torch.testing.assert_close(found.eigenvalues["again"], rotated.square().mean(0), rtol=1e-4, atol=1e-7)
