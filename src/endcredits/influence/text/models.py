"""A base and a full language model from two folders in Hugging Face format, with the task that reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence.gradient.midpoint import check_same_shape
from endcredits.influence.records import Example
from endcredits.influence.task import Task
from endcredits.influence.text.sample import sample_outputs
from endcredits.influence.text.tokenizers import Tokenizer, load_tokenizer
from endcredits.influence.text.windows import TextOutput, Window, output_windows, training_windows

IGNORED = -100
CALIBRATION_OUTPUTS = 64


@dataclass(frozen=True, slots=True)
class TextModels:
    """Two snapshots of one causal language model.

    Attributes:
        base: before the works.
        full: after them.
        tokenizer: of both.
        context: tokens in a window.
        task: the engine's view of them.
    """

    base: nn.Module
    full: nn.Module
    tokenizer: Tokenizer
    context: int
    task: Task

    def examples(self, work_id: WorkId, text: bytes) -> list[Example]:
        """The training examples of one work's text."""
        return [Example(work_id, window) for window in training_windows(self.tokenizer.encode(text), self.context)]

    def output(self, text: bytes, prompt: bytes = b"") -> TextOutput:
        """An output of the model, as the task's `pieces` reads it."""
        return TextOutput(text, prompt)

    def calibration(self, seed: int) -> list[TextOutput]:
        """Outputs drawn from the full model, on which an index is scaled: what is calibrated is what is attributed."""
        drawn = sample_outputs(self, [b""] * CALIBRATION_OUTPUTS, tokens=min(128, self.context), seed=seed)
        return [output for output in drawn if output.text]  # tokens that spell nothing leave nothing to attribute


def load_text_models(base: str | Path, full: str | Path) -> TextModels:
    """Loads two model folders from the disk, never from a network.

    Raises:
        InputError: a folder is missing, is not a model, or the two differ in shape or tokenizer.
    """
    folders = [Path(base), Path(full)]
    models = [_load(folder, name) for folder, name in zip(folders, ("base", "full"), strict=True)]
    check_same_shape(*models)
    tokenizers = [load_tokenizer(folder, model.config) for folder, model in zip(folders, models, strict=True)]
    if tokenizers[0].name != tokenizers[1].name:
        raise InputError(
            "base and full have different tokenizers",
            remedy="Both snapshots must read text in the same way.",
            file=folders[1],
            field="tokenizer",
        )
    config: Any = models[1].config
    context = int(getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", 0) or 1024)
    return text_models(models[0], models[1], tokenizers[1], min(context, 1024))


def text_models(base: nn.Module, full: nn.Module, tokenizer: Tokenizer, context: int) -> TextModels:
    """Wires two causal language models that are already in memory."""
    return TextModels(base, full, tokenizer, context, causal_text_task(full, tokenizer, context))


def _load(folder: Path, name: str) -> Any:
    if not (folder / "config.json").exists():
        raise InputError(
            "this is not a model folder in Hugging Face format: config.json is missing",
            remedy="Give the folder that model.save_pretrained wrote.",
            file=folder,
            field=name,
        )
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        model: Any
        model, report = AutoModelForCausalLM.from_pretrained(
            str(folder),
            local_files_only=True,
            dtype=torch.float32,
            attn_implementation="eager",
            output_loading_info=True,
        )
    except Exception as error:  # the library raises many types, from OSError to safetensors' own
        raise InputError(
            f"the model cannot be loaded ({(str(error).strip() or type(error).__name__).splitlines()[0]})",
            remedy="Check that the folder holds config.json and intact weights of one causal language model.",
            file=folder,
            field=name,
        ) from error
    missing = sorted(report["missing_keys"])
    if missing:  # the library would draw them at random
        raise InputError(
            f"the model's weights lack {missing[0]}" + (f" and {len(missing) - 1} more" if missing[1:] else ""),
            remedy="Save the whole model again (model.save_pretrained).",
            file=folder,
            field=name,
        )
    return model.eval()


def causal_text_task(model: nn.Module, tokenizer: Tokenizer, context: int) -> Task:
    """The task of a causal language model over windows of tokens.

    The output head is left out of the index: middle layers carry attribution best and the head least (arXiv 2511.04715),
    and with a large vocabulary it would outweigh everything else in size.
    """
    bos = tokenizer.bos_id
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
        lambda name, module: name not in head_names,
    )


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
