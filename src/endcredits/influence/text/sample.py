"""Drawing outputs from a causal language model, repeatably."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import nn

from endcredits.errors import InputError
from endcredits.influence.text.tokenizers import Tokenizer
from endcredits.influence.text.windows import TextOutput
from endcredits.progress import Progress, silent


class Speaker(Protocol):
    """What drawing needs of a pair of language models."""

    @property
    def full(self) -> nn.Module:
        """The model that speaks."""

    @property
    def tokenizer(self) -> Tokenizer:
        """Its tokenizer."""

    @property
    def context(self) -> int:
        """Tokens in a window."""


def sample_outputs(
    models: Speaker,
    prompts: Sequence[bytes],
    *,
    tokens: int,
    seed: int,
    temperature: float = 1.0,
    progress: Progress = silent,
) -> list[TextOutput]:
    """One output of the full model per prompt.

    Args:
        models: the full model of these is asked.
        prompts: UTF-8; empty for an output from nothing. Only as much of a prompt's end is used as leaves room.
        tokens: length of each output.
        seed: of the draws; the same seed and thread count give the same outputs.
        temperature: 1 draws from the model itself; below 1 it keeps to the likely.
        progress: told after every group of prompts of one length.

    Returns:
        The outputs, in the order of the prompts.

    Raises:
        InputError: a length below 1, or a temperature that is not above 0.
    """
    if tokens < 1 or not 0 < temperature < math.inf:
        raise InputError(
            f"nothing can be drawn with {tokens} tokens at temperature {temperature}",
            remedy="Ask for at least one token, at a temperature above 0.",
            field="tokens" if tokens < 1 else "temperature",
        )
    models.full.eval()
    tokens = min(tokens, models.context)
    room = models.context - tokens
    groups: dict[int, list[int]] = defaultdict(list)
    encoded = []
    for number, prompt in enumerate(prompts):
        ids = models.tokenizer.encode(prompt)
        encoded.append(ids[len(ids) - min(len(ids), room) :])
        groups[len(encoded[-1])].append(number)
    generator = torch.Generator().manual_seed(seed)
    outputs: dict[int, TextOutput] = {}
    for _, members in sorted(groups.items()):
        drawn = _draw(models, [encoded[number] for number in members], tokens, temperature, generator)
        for number, ids in zip(members, drawn, strict=True):
            prompt = models.tokenizer.decode(encoded[number])
            outputs[number] = TextOutput(models.tokenizer.decode(ids), prompt)
        progress("outputs", len(outputs), len(prompts))
    return [outputs[number] for number in range(len(prompts))]


@torch.no_grad()
def _draw(
    models: Speaker, prompts: Sequence[Sequence[int]], tokens: int, temperature: float, generator: torch.Generator
) -> list[list[int]]:
    """Draws token by token for prompts of one length, keeping the attention's keys and values between steps."""
    model: Any = models.full
    device = next(model.parameters()).device
    bos = models.tokenizer.bos_id
    step = torch.tensor([[bos, *prompt] for prompt in prompts], device=device)  # (n, t)
    memory = None
    drawn: list[list[int]] = [[] for _ in prompts]
    for _ in range(tokens):
        result = model(input_ids=step, past_key_values=memory, use_cache=True)
        memory = result.past_key_values
        logits = result.logits[:, -1].float().cpu()
        logits[:, bos] = -torch.inf  # a beginning never comes again inside an output
        step = torch.multinomial(torch.softmax(logits / temperature, -1), 1, generator=generator).to(device)
        for row, token in zip(drawn, step[:, 0].tolist(), strict=True):
            row.append(token)
    return drawn
