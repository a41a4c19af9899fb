"""The middle of two models is the mean of their weights, also where two names share one tensor."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from endcredits.errors import InputError
from endcredits.influence.gradient.midpoint import check_finite, midpoint_model, model_digest
from tests.influence.helpers import mlp


class Tied(nn.Module):
    """An embedding and a head that are one matrix, and buffers of both kinds."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(3, 2)
        self.head = nn.Linear(2, 3, bias=False)
        self.head.weight = self.embedding.weight
        self.register_buffer("mean", torch.full((2,), value))
        self.register_buffer("count", torch.tensor(int(value)))
        nn.init.constant_(self.embedding.weight, value)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.embedding(x))  # type: ignore[no-any-return]


def test_the_middle_is_the_mean() -> None:
    """Every weight and bias, in evaluation mode, with gradients allowed; the two models stay as they were."""
    base, full = mlp(1), mlp(2).requires_grad_(False)
    before = [model_digest(base), model_digest(full)]

    middle = midpoint_model(base, full)

    for name, value in middle.state_dict().items():
        torch.testing.assert_close(value, (base.state_dict()[name] + full.state_dict()[name]) / 2)
    assert not middle.training
    assert all(weight.requires_grad for weight in middle.parameters())
    assert [model_digest(base), model_digest(full)] == before


def test_tied_weights_move_once() -> None:
    """A tensor with two names lies halfway, not three quarters of the way, and stays one tensor."""
    middle = midpoint_model(Tied(0.0), Tied(4.0))

    assert isinstance(middle, Tied)
    assert middle.embedding.weight.unique().tolist() == [2.0]
    assert middle.head.weight is middle.embedding.weight


def test_floating_buffers_are_averaged_and_whole_numbers_are_those_of_full() -> None:
    """Half a count means nothing."""
    middle = midpoint_model(Tied(1.0), Tied(4.0))

    assert middle.get_buffer("mean").tolist() == [2.5, 2.5]
    assert middle.get_buffer("count").item() == 4


@pytest.mark.parametrize(
    "base,full,words",
    [
        (mlp(hidden=5), mlp(hidden=6), r"0\.bias is \(5,\) in base and \(6,\) in full"),
        (mlp(), nn.Sequential(*mlp(), nn.Linear(3, 3)), r"3\.bias is missing in base"),
        (nn.Sequential(*mlp(), nn.Linear(3, 3)), mlp(), r"3\.bias is .* in base and missing in full"),
    ],
)
def test_two_architectures_are_refused(base: nn.Module, full: nn.Module, words: str) -> None:
    """The first tensor that differs is named."""
    with pytest.raises(InputError, match=words):
        midpoint_model(base, full)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_weight_that_is_no_number_is_named(value: float) -> None:
    """With the model that holds it."""
    model = mlp()
    check_finite(model, "full")
    with torch.no_grad():
        model[2].weight[0, 1] = value

    with pytest.raises(InputError, match=r"2\.weight holds NaN or infinite values in full"):
        check_finite(model, "full")


def test_a_digest_follows_every_bit_of_a_model() -> None:
    """Values, names, shapes and types."""
    model = mlp(1)
    digests = [model_digest(model), model_digest(mlp(2)), model_digest(mlp(1, hidden=7)), model_digest(mlp(1).double())]
    with torch.no_grad():
        model[0].weight[0, 0] = torch.nextafter(model[0].weight[0, 0], torch.tensor(9.0))
    digests.append(model_digest(model))

    assert len(set(digests)) == 5
    assert model_digest(mlp(1)) == digests[0]
    assert model_digest(nn.Sequential(nn.Linear(2, 2).bfloat16())) != model_digest(nn.Sequential(nn.Linear(2, 2)))
