"""The task of a causal language model: the log-probability of the tokens that count, window by window.

Windows of unequal length share a batch: shorter ones are filled up at their end, where a causal model's earlier positions
cannot see, and what is filled in counts nowhere. Prompts are seen and do not count either.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch
from torch import Tensor, nn

from endcredits.errors import InputError
from endcredits.influence.gradient.learnt import adapter_layers
from endcredits.influence.task import Task, require_type
from endcredits.influence.text.tokenizers import Tokenizer
from endcredits.influence.text.windows import TextOutput, Window, output_windows

IGNORED = -100


def causal_text_task(model: nn.Module, tokenizer: Tokenizer, context: int, learnt: Collection[str] | None = None) -> Task:
    """The task of a causal language model over windows of tokens.

    The output head is left out of the index: middle layers carry attribution best and the head least (arXiv 2511.04715),
    and with a large vocabulary it would outweigh everything else in size.

    Args:
        model: of either snapshot.
        tokenizer: of both.
        context: tokens in a window.
        learnt: names of the layers that training moved; an adapter's when there is one, else all, when None.
    """
    bos = tokenizer.bos_id
    chosen = learnt if learnt is not None else adapter_layers(model)
    getter = getattr(model, "get_output_embeddings", None)
    head_names = {name for name, module in model.named_modules() if getter is not None and module is getter()}

    def train_loss(model: nn.Module, windows: Sequence[Window]) -> Tensor:
        return -_log_probability(model, windows, bos)

    def measurement(model: nn.Module, windows: Sequence[Window]) -> Tensor:
        return _log_probability(model, windows, bos)

    def sampled_loss(model: nn.Module, windows: Sequence[Window], generator: torch.Generator) -> Tensor:
        return -_log_probability(model, windows, bos, generator)

    def pieces(output: TextOutput | Window) -> Sequence[Window]:
        if isinstance(output, Window):
            return (output,)
        require_type(output, TextOutput, "output", "Give an endcredits.influence.TextOutput(text, prompt).")
        windows = output_windows(tokenizer.encode(output.prompt), tokenizer.encode(output.text), context)
        if not windows:
            raise InputError("the output is empty", remedy="Give at least one character.", field="output")
        return windows

    return Task(
        f"causal-text/1:{tokenizer.name}:{context}",
        train_loss,
        measurement,
        sampled_loss,
        pieces,
        lambda name, module: name not in head_names and (not chosen or name in chosen),
        counted_tokens,
    )


def counted_tokens(window: Window) -> float:
    """How many tokens a window counts.

    Raises:
        InputError: it is no window.
    """
    require_type(window, Window, "content", "Cut texts into windows: models.examples(work_id, text).")
    return float(len(window.ids) - window.context_tokens)


def _log_probability(
    model: nn.Module, windows: Sequence[Window], bos: int, labels_from: torch.Generator | None = None
) -> Tensor:
    """Summed log-probability of each window's counted tokens, or of tokens drawn in their places: ``[n]``, nats."""
    length = max(len(window.ids) for window in windows)
    inputs = torch.full((len(windows), length), bos)  # (n, t); positions after a window's end are masked below
    targets = torch.full((len(windows), length), IGNORED)
    for row, window in enumerate(windows):
        ids = torch.tensor(window.ids)
        inputs[row, 1 : len(ids)] = ids[:-1]
        targets[row, window.context_tokens : len(ids)] = ids[window.context_tokens :]
    device = next(model.parameters()).device
    logits = model(input_ids=inputs.to(device), use_cache=False).logits.float()  # (n, t, vocabulary)
    counted = targets != IGNORED
    if labels_from is not None:
        with torch.no_grad():
            chances = torch.softmax(logits, -1).cpu().flatten(0, 1)
            drawn = torch.multinomial(chances, 1, generator=labels_from).view_as(targets)
        targets = torch.where(counted, drawn, targets)
    losses = nn.functional.cross_entropy(
        logits.flatten(0, 1), targets.to(device).flatten(), ignore_index=IGNORED, reduction="none"
    )
    return -losses.view_as(targets).sum(1)
