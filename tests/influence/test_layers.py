"""Gradients seen through hooks are the gradients of ordinary backward passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from endcredits.errors import InputError
from endcredits.influence.gradient.layers import capturing, find_layers, flatten
from endcredits.influence.task import every_layer
from endcredits.influence.text.models import causal_text_task
from endcredits.influence.text.tokenizers import FolderTokenizer
from endcredits.influence.text.windows import Window
from tests.influence.helpers import EMPIRICAL, explicit_gradients, labelled, mlp

Measure = Callable[[nn.Module, Sequence[Any]], Tensor]


def assert_hooks_tell_the_truth(
    model: nn.Module, measure: Measure, contents: Sequence[Any], wanted: Callable[[str, nn.Module], bool] = every_layer
) -> None:
    """Per example and summed, against one ordinary backward pass per example."""
    layers = find_layers(model, wanted)
    truth = explicit_gradients(model, layers, measure, contents)

    with capturing(model, layers) as capture:
        values = measure(model, contents)
    capture.backward(values.sum())
    single = flatten(layers, {layer.name: capture.per_example(layer) for layer in layers})
    summed = flatten(layers, {layer.name: capture.summed(layer) for layer in layers})

    assert truth.abs().max() > 1e-3
    torch.testing.assert_close(single, truth, rtol=1e-4, atol=2e-6)
    torch.testing.assert_close(summed, truth.sum(0), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(single.sum(0), summed, rtol=1e-4, atol=1e-5)


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
