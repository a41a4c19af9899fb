"""Small models whose gradients can be written down the slow way, and what the tests ask of them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from endcredits.ids import WorkId
from endcredits.influence import Example, IndexSettings, Task, build_index
from endcredits.influence.gradient.index import CurvatureIndex
from endcredits.influence.gradient.layers import Layer

ROOT = Path(__file__).parents[2]
LABELS = 3

WORKS = (
    b"a rose is a rose, said the gardener to the rose, and the rose said nothing at all. ",
    b"zig zag went the lightning, zip zap went the fox over the frozen fence. ",
)
"""Two short texts that a tiny language model learns."""

Labelled = tuple[Tensor, int]
"""Features and a class: the content of an example, and an output, of the classifiers here."""


def _losses(model: nn.Module, contents: Sequence[Labelled]) -> Tensor:
    logits = model(torch.stack([features for features, _ in contents]))
    labels = torch.tensor([label for _, label in contents])
    return nn.functional.cross_entropy(logits, labels, reduction="none")


def _measurement(model: nn.Module, contents: Sequence[Labelled]) -> Tensor:
    return -_losses(model, contents)


def _sampled_losses(model: nn.Module, contents: Sequence[Labelled], generator: torch.Generator) -> Tensor:
    logits = model(torch.stack([features for features, _ in contents]))
    with torch.no_grad():
        labels = torch.multinomial(torch.softmax(logits, -1), 1, generator=generator)[:, 0]
    return nn.functional.cross_entropy(logits, labels, reduction="none")


EMPIRICAL = Task("classes/1", _losses, _measurement)
"""Curvature from the training labels: a twin needs no random draws."""

SAMPLED = Task("classes-sampled/1", _losses, _measurement, _sampled_losses)
"""Curvature from labels that the model draws."""


def mlp(seed: int = 0, *, features: int = 4, hidden: int = 6) -> nn.Sequential:
    """Two linear layers with biases and a ReLU that works in place."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(features, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, LABELS))


def labelled(count: int, seed: int, *, features: int = 4) -> list[Labelled]:
    """Random features of unequal spread whose class a fixed rule gives."""
    generator = torch.Generator().manual_seed(seed)
    rule = torch.randn(features, LABELS, generator=torch.Generator().manual_seed(99))
    spread = torch.linspace(0.5, 1.5, features)
    x = torch.randn(count, features, generator=generator) * spread + 0.3
    return [(row, int(label)) for row, label in zip(x, (x @ rule).argmax(1), strict=True)]


def learnt(base: nn.Module, contents: Sequence[Labelled], steps: int = 60, rate: float = 0.05) -> nn.Module:
    """A copy of `base` after some plain steps on the contents."""
    full = copy.deepcopy(base)
    optimizer = torch.optim.SGD(full.parameters(), lr=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.autograd.backward(_losses(full, contents).mean())
        optimizer.step()
    return full


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that an index is built from."""

    base: nn.Module
    full: nn.Module
    examples: tuple[Example, ...]
    outputs: tuple[Labelled, ...]

    def build(self, folder: Path, *, task: Task = EMPIRICAL, **changed: Any) -> CurvatureIndex:
        """Builds the index of the case in a folder; anything may be given another value."""
        inputs: dict[str, Any] = {
            "base": self.base,
            "full": self.full,
            "examples": self.examples,
            "calibration": self.outputs,
            "settings": SETTINGS,
        }
        return build_index(folder, task=task, **{**inputs, **changed})


SETTINGS = IndexSettings(batch_examples=5, blocks=4, shard_bytes=1, own_examples=0)
"""One work to a shard, and every slope 1: twins write out the credits themselves."""


def case() -> Case:
    """A small classifier that learnt four works of 13, 8, 5 and 1 examples."""
    contents = labelled(27, seed=1)
    sizes = {"w-a": 13, "w-b": 8, "w-c": 5, "w-d": 1}
    names = [WorkId(name) for name, size in sizes.items() for _ in range(size)]
    base = mlp(0)
    return Case(
        base,
        learnt(base, contents),
        tuple(Example(name, content) for name, content in zip(names, contents, strict=True)),
        tuple(labelled(6, seed=2)),
    )


def explicit_gradients(
    model: nn.Module,
    layers: Sequence[Layer],
    measure: Callable[[nn.Module, Sequence[Any]], Tensor],
    contents: Sequence[Any],
) -> Tensor:
    """Each content's gradient at the layers' own weights, by one ordinary backward pass for each: ``[n, P]``."""
    modules = dict(model.named_modules())
    rows = []
    for content in contents:
        total = measure(model, [content]).sum()
        parts = []
        for layer in layers:
            module = modules[layer.name]
            weights = [module.weight, module.bias] if layer.bias else [module.weight]
            found = torch.autograd.grad(total, weights, retain_graph=True, allow_unused=True)
            gradient, *bias = [
                torch.zeros_like(weight) if part is None else part for weight, part in zip(weights, found, strict=True)
            ]
            if type(module).__name__ == "Conv1D":
                gradient = gradient.T
            parts.append(torch.cat([gradient, *(part[:, None] for part in bias)], 1).flatten())
        rows.append(torch.cat(parts))
    return torch.stack(rows)


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file of an index but the lock, by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != ".lock"}


def save_tokenizer(folder: Path, lines: list[str]) -> Any:
    """Trains a byte-level BPE tokenizer on some lines and saves it as its library does."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=270, special_tokens=["<s>"], initial_alphabet=alphabet, show_progress=False)
    inner.train_from_iterator(lines, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>")
    tokenizer.save_pretrained(folder)
    return tokenizer
