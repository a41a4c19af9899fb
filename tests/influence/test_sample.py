"""Outputs are drawn repeatably, at the asked length, exactly as the model's own probabilities say."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from endcredits.errors import InputError
from endcredits.influence import TextModels, sample_outputs

PROMPTS = [b"", b"a rose", b"zig", b"a nose", b"x" * 100]


def slow_draws(models: TextModels, prompts: list[list[int]], tokens: int, seed: int) -> list[list[int]]:
    """Feeds the whole text anew for every token, and draws for one length of prompt after the other."""
    generator = torch.Generator().manual_seed(seed)
    model: Any = models.full
    drawn: dict[int, list[int]] = {}
    for length in sorted({len(prompt) for prompt in prompts}):
        rows = [number for number, prompt in enumerate(prompts) if len(prompt) == length]
        texts = [[models.tokenizer.bos_id, *prompts[number]] for number in rows]
        for _ in range(tokens):
            with torch.no_grad():
                logits = model(input_ids=torch.tensor(texts), use_cache=False).logits[:, -1]
            chances = torch.softmax(logits, -1)
            chances[:, models.tokenizer.bos_id] = 0.0
            chosen = torch.multinomial(chances / chances.sum(1, keepdim=True), 1, generator=generator)
            texts = [[*text, token] for text, token in zip(texts, chosen[:, 0].tolist(), strict=True)]
        drawn |= {number: text[1 + length :] for number, text in zip(rows, texts, strict=True)}
    return [drawn[number] for number in range(len(prompts))]


def test_remembering_keys_and_values_changes_nothing(tiny_models: TextModels) -> None:
    """The same draws as from the whole text fed anew for every token."""
    outputs = sample_outputs(tiny_models, PROMPTS, tokens=10, seed=3)

    room = tiny_models.context - 10
    slow = slow_draws(tiny_models, [list(prompt[-room:]) for prompt in PROMPTS], 10, 3)
    assert [list(output.text) for output in outputs] == slow


def test_outputs_are_repeatable_and_differ_by_seed(tiny_models: TextModels) -> None:
    """In the order of their prompts, of which only the end that leaves room is used."""
    first = sample_outputs(tiny_models, PROMPTS, tokens=10, seed=1)

    assert sample_outputs(tiny_models, PROMPTS, tokens=10, seed=1) == first
    assert sample_outputs(tiny_models, PROMPTS, tokens=10, seed=2) != first
    assert [output.prompt for output in first] == [b"", b"a rose", b"zig", b"a nose", b"x" * 14]


@pytest.mark.parametrize("tokens,length", [(1, 1), (24, 24), (500, 24)])
def test_an_output_has_the_asked_length(tiny_models: TextModels, tokens: int, length: int) -> None:
    """At most the model's context; a byte for every token, so the beginning was never drawn."""
    outputs = sample_outputs(tiny_models, [b"", b"a rose"] * 20, tokens=tokens, seed=0)

    assert {len(output.text) for output in outputs} == {length}
    if length == 24:
        assert {output.prompt for output in outputs} == {b""}


def test_the_beginning_is_never_drawn(tiny_models: TextModels) -> None:
    """Even by a model that wants nothing else."""
    import copy
    import dataclasses

    full = copy.deepcopy(tiny_models.full)
    with torch.no_grad():
        full.lm_head.weight.zero_()  # type: ignore[union-attr]
        full.lm_head.weight[256] = 100 * full.model.norm.weight.sign()  # type: ignore[union-attr, index]
    models = dataclasses.replace(tiny_models, full=full)

    outputs = sample_outputs(models, [b""] * 10, tokens=20, seed=0)

    assert {len(output.text) for output in outputs} == {20}


def test_a_low_temperature_keeps_to_the_likely(tiny_models: TextModels) -> None:
    """Near zero every draw is the model's first choice."""
    outputs = sample_outputs(tiny_models, [b"a rose"] * 5, tokens=8, seed=0, temperature=1e-4)

    assert len({output.text for output in outputs}) == 1
    assert len({output.text for output in sample_outputs(tiny_models, [b"a rose"] * 5, tokens=8, seed=0)}) > 1


@pytest.mark.parametrize(
    "tokens,temperature,field",
    [
        (0, 1.0, "tokens"),
        (-3, 1.0, "tokens"),
        (5, 0.0, "temperature"),
        (5, -1.0, "temperature"),
        (5, float("nan"), "temperature"),
    ],
)
def test_what_cannot_be_drawn(tiny_models: TextModels, tokens: int, temperature: float, field: str) -> None:
    """No length, no warmth."""
    with pytest.raises(InputError, match="nothing can be drawn") as caught:
        sample_outputs(tiny_models, [b""], tokens=tokens, seed=0, temperature=temperature)

    assert caught.value.field == field


def test_progress_is_told_by_groups(tiny_models: TextModels) -> None:
    """One for every length of prompt."""
    told: list[tuple[str, int, int]] = []

    sample_outputs(tiny_models, PROMPTS, tokens=2, seed=0, progress=lambda *report: told.append(report))

    assert told == [("outputs", 1, 5), ("outputs", 2, 5), ("outputs", 4, 5), ("outputs", 5, 5)]
    assert sample_outputs(tiny_models, [], tokens=2, seed=0) == []
