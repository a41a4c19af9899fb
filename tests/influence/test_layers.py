"""Gradients seen through hooks are the gradients of ordinary backward passes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from endcredits.errors import InputError
from endcredits.influence.gradient.layers import capturing, find_layers
from endcredits.influence.task import every_layer
from endcredits.influence.text.models import causal_text_task
from endcredits.influence.text.tokenizers import FolderTokenizer
from endcredits.influence.text.windows import Window
from tests.influence.helpers import EMPIRICAL, labelled, mlp
from tests.influence.hooks import assert_hooks_tell_the_truth, explicit_gradients


@pytest.mark.parametrize("in_place", [True, False])
def test_a_perceptron(in_place: bool) -> None:
    """Biases count as one more input, and an activation may overwrite the layer's output."""
    model = mlp()
    model[1] = nn.ReLU(inplace=in_place)

    assert_hooks_tell_the_truth(model, EMPIRICAL.measurement, labelled(7, seed=3))


class Positions(nn.Module):
    """A linear layer over several positions, some in two dimensions, whose output is overwritten."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(2, 5, bias=False)
        self.outer = nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        grid = x[:, None, :].reshape(len(x), 1, 2, 2).expand(-1, 3, -1, -1)
        seen: Tensor = torch.relu_(self.inner(grid * torch.arange(1.0, 4.0)[:, None, None]))
        return self.outer(seen).sum((1, 2))  # type: ignore[no-any-return]


def test_several_positions() -> None:
    """The gradient of an example is the sum over its positions, in however many dimensions they stand."""
    assert_hooks_tell_the_truth(Positions(), EMPIRICAL.measurement, labelled(5, seed=3))


class Twice(nn.Module):
    """One layer used twice in a pass."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = nn.Linear(4, 4)
        self.head = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.tanh(self.shared(torch.tanh(self.shared(x)))))  # type: ignore[no-any-return]


def test_a_layer_used_twice() -> None:
    """Both uses count, also where they act together in one example."""
    assert_hooks_tell_the_truth(Twice(), EMPIRICAL.measurement, labelled(6, seed=4))


WINDOWS = (Window((1, 2, 3, 4, 5)), Window((7, 6, 1), 1), Window((9,)))


def test_a_llama() -> None:
    """Windows of different lengths, some tokens of which are only context."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=11,
        hidden_size=8,
        intermediate_size=12,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=8,
        bos_token_id=0,
        eos_token_id=None,
        attn_implementation="eager",
        initializer_range=0.3,
    )
    model = LlamaForCausalLM(config).eval()
    task = causal_text_task(model, FolderTokenizer(None, 0, "small"), 8)

    assert_hooks_tell_the_truth(model, task.measurement, WINDOWS, task.layers)
    assert_hooks_tell_the_truth(model, task.measurement, WINDOWS)


def test_a_gpt2() -> None:
    """Its linear layers keep their weights transposed; its head is tied to the embedding and left out by the task."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=11,
        n_positions=8,
        n_embd=8,
        n_layer=2,
        n_head=2,
        bos_token_id=0,
        eos_token_id=0,
        attn_implementation="eager",
        initializer_range=0.3,
    )
    model = GPT2LMHeadModel(config).eval()
    task = causal_text_task(model, FolderTokenizer(None, 0, "small"), 8)

    assert "lm_head" not in [layer.name for layer in find_layers(model, task.layers)]
    assert len(find_layers(model, task.layers)) == 8
    assert_hooks_tell_the_truth(model, task.measurement, WINDOWS, task.layers)


class Unused(nn.Module):
    """A model one of whose layers no pass uses, and another whose output leads nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.used = nn.Linear(4, 3)
        self.idle = nn.Linear(2, 5)
        self.aside = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        self.aside(x)
        return self.used(x)  # type: ignore[no-any-return]


def test_unused_layers_have_no_gradient() -> None:
    """Zeros of the right shape, for a layer never called and for one whose output leads nowhere."""
    model = Unused()

    assert_hooks_tell_the_truth(model, EMPIRICAL.measurement, labelled(3, seed=5))
    layers = {layer.name: layer for layer in find_layers(model, every_layer)}
    with capturing(model, list(layers.values())) as capture:
        values = EMPIRICAL.measurement(model, labelled(3, seed=5))
    capture.backward(values.sum())

    assert capture.per_example(layers["idle"]).shape == (3, 5, 3)
    assert not capture.summed(layers["idle"]).any()
    assert not capture.summed(layers["aside"]).any()


def test_hooks_are_gone_after_the_block() -> None:
    """Also when the pass failed."""
    model = mlp()
    layers = find_layers(model, every_layer)

    with pytest.raises(RuntimeError), capturing(model, layers):
        model(torch.zeros(2, 99))

    assert not any(module._forward_hooks for module in model.modules())


def test_the_wanted_layers_alone_are_taken() -> None:
    """By name or by module, in the model's order."""
    model = mlp(hidden=6)

    assert [layer.name for layer in find_layers(model, every_layer)] == ["0", "2"]
    assert [(layer.outputs, layer.inputs, layer.size) for layer in find_layers(model, lambda name, _: name == "2")] == [
        (3, 7, 21)
    ]


@pytest.mark.parametrize("model", [nn.Sequential(nn.Tanh()), mlp()])
def test_a_model_without_wanted_layers_is_refused(model: nn.Module) -> None:
    """Nothing could be measured on it."""
    with pytest.raises(InputError, match=r"no linear layer.*`layers`"):
        find_layers(model, lambda name, module: name == "nowhere")


class Pictures(nn.Module):
    """A convolution over features laid out as small pictures, and what reads them."""

    def __init__(self, convolution: nn.Module) -> None:
        super().__init__()
        self.convolution = convolution
        self.head = nn.LazyLinear(3)
        self(torch.zeros(1, 4))  # settles the head's width

    def forward(self, x: Tensor) -> Tensor:
        places = torch.arange(1.0, 13.0) / 6
        grid = torch.sin(x[:, :, None] * places)  # (n, 4 channels, 12 places)
        if isinstance(self.convolution, nn.Conv2d):
            grid = grid.reshape(len(x), 4, 3, 4)
        return self.head(torch.relu_(self.convolution(grid)).flatten(1))  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "convolution",
    [
        nn.Conv1d(4, 6, 3),
        nn.Conv1d(4, 6, 3, stride=2, padding=2, dilation=2, bias=False),
        nn.Conv1d(4, 6, 4, padding="same", groups=2),
        nn.Conv1d(4, 6, 3, padding=2, padding_mode="circular"),
        nn.Conv2d(4, 6, 3),
        nn.Conv2d(4, 6, (1, 3), stride=(2, 1), padding=(0, 2), dilation=(1, 2), bias=False),
        nn.Conv2d(4, 6, 2, padding="same"),
        nn.Conv2d(4, 8, 3, padding=1, groups=4),
        nn.Conv2d(4, 4, 3, padding=1, groups=2, padding_mode="reflect"),
        nn.Conv2d(4, 6, 1),
    ],
    ids=str,
)
def test_convolutions(convolution: nn.Module) -> None:
    """Strides, padding of every kind, dilation and groups."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Pictures(convolution)

    assert [layer.name for layer in find_layers(model, every_layer)] == ["convolution", "head"]
    assert_hooks_tell_the_truth(model, EMPIRICAL.measurement, labelled(5, seed=3))


class Named(nn.Module):
    """Layers called by keyword, one of them by way of a module list."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = nn.ModuleList([nn.Linear(4, 4), nn.Conv1d(4, 3, 1)])

    def forward(self, x: Tensor) -> Tensor:
        seen = torch.tanh(self.steps[0](input=x))
        return self.steps[1](input=seen[:, :, None]).flatten(1)  # type: ignore[no-any-return]


def test_layers_called_by_keyword() -> None:
    """The hook finds the input all the same."""
    assert_hooks_tell_the_truth(Named(), EMPIRICAL.measurement, labelled(4, seed=6))


class Shared(nn.Module):
    """Two layers with one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.head = nn.Linear(4, 4), nn.Linear(4, 4, bias=False), nn.Linear(4, 3)
        self.second.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.tanh(self.second(torch.tanh(self.first(x)))))  # type: ignore[no-any-return]


def test_two_layers_with_one_weight() -> None:
    """Each use has its own coordinates; together they are the weight's gradient."""
    model, contents = Shared(), labelled(4, seed=7)
    first, second, _ = find_layers(model, every_layer)
    truth = explicit_gradients(model, [second], EMPIRICAL.measurement, contents)

    with capturing(model, [first, second]) as capture:
        values = EMPIRICAL.measurement(model, contents)
    capture.backward(values.sum())
    ours = capture.per_example(first)[..., :4] + capture.per_example(second)

    torch.testing.assert_close(ours.flatten(1), truth, rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize(("layer", "shape"), [(nn.Linear(4, 2), (4,)), (nn.Conv2d(4, 2, 1), (4, 3, 3))], ids=str)
def test_a_single_vector_or_picture_is_refused(layer: nn.Module, shape: tuple[int, ...]) -> None:
    """Torch would take it; nobody could say which example it belongs to."""
    model = nn.Sequential(layer)

    with (
        pytest.raises(InputError, match="without a dimension for the examples"),
        capturing(model, find_layers(model, every_layer)),
    ):
        model(torch.zeros(shape))


class OwnForward(nn.Linear):
    """A linear layer by name, which does something else with its weight."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.weight.abs(), self.bias)


def test_layers_that_hooks_would_misread_are_not_taken() -> None:
    """Their gradients would be wrong; `coverage` names them."""
    model = nn.ModuleDict(
        {
            "plain": nn.Linear(4, 4),
            "own": OwnForward(4, 4),
            "attention": nn.MultiheadAttention(4, 2),
            "computed": nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)),
            "deep": nn.Conv2d(16, 16, 3, groups=16),
            "solid": nn.Conv3d(2, 2, 1),
            "back": nn.ConvTranspose2d(2, 2, 1),
            "table": nn.Embedding(5, 4),
        }
    )

    assert [layer.name for layer in find_layers(model, every_layer)] == ["plain"]
