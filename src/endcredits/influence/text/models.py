"""A base and a full language model from two folders in Hugging Face format, with the task that reads them.

Any causal language model of the library will do: the task asks only for logits. `full` may also be the folder of a low-rank
adapter (peft) that was trained on `base`; see `endcredits.influence.gradient.learnt` for what lies halfway then.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence.gradient.learnt import learnt_layers, without_adapters
from endcredits.influence.gradient.midpoint import check_same_shape
from endcredits.influence.records import Example
from endcredits.influence.task import Task
from endcredits.influence.text.sample import sample_outputs
from endcredits.influence.text.task import causal_text_task
from endcredits.influence.text.tokenizers import TOKENIZER_FILES, Tokenizer, load_tokenizer
from endcredits.influence.text.windows import TextOutput, packed_windows, training_windows

CALIBRATION_OUTPUTS = 64
ADAPTER_FILE = "adapter_config.json"
SAME_FUNCTION = (
    "model_type",
    "num_attention_heads",
    "n_head",
    "num_key_value_heads",
    "head_dim",
    "hidden_act",
    "activation_function",
    "num_experts_per_tok",
    "sliding_window",
)
"""Settings that change what equally shaped weights compute; the middle of two such models would be neither."""


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

    def packed_examples(self, works: Sequence[tuple[WorkId, bytes]], *, isolated: bool = False) -> list[Example]:
        """The training examples of works that were packed into one stream; see `packed_windows`.

        Args:
            works: work and text, in the order of the stream.
            isolated: works in one window could not see each other.
        """
        packed = packed_windows([self.tokenizer.encode(text) for _, text in works], self.context, isolated=isolated)
        return [Example(work_id, window) for (work_id, _), windows in zip(works, packed, strict=True) for window in windows]

    def output(self, text: bytes, prompt: bytes = b"") -> TextOutput:
        """An output of the model, as the task's `pieces` reads it."""
        return TextOutput(text, prompt)

    def calibration(self, seed: int) -> list[TextOutput]:
        """Outputs drawn from the full model, on which an index is scaled: what is calibrated is what is attributed."""
        drawn = sample_outputs(self, [b""] * CALIBRATION_OUTPUTS, tokens=min(128, self.context), seed=seed)
        return [output for output in drawn if output.text]  # tokens that spell nothing leave nothing to attribute

    def unrelated(self, outputs: Sequence[TextOutput], seed: int) -> list[TextOutput]:
        """Outputs that owe the works nothing: what base says after the same prompts, as long as these are on average."""
        tokens = round(sum(len(self.tokenizer.encode(output.text)) for output in outputs) / max(1, len(outputs)))
        base = replace(self, full=self.base)
        drawn = sample_outputs(base, [o.prompt for o in outputs], tokens=max(1, min(tokens, self.context)), seed=seed)
        return [output for output in drawn if output.text]


def load_text_models(base: str | Path, full: str | Path) -> TextModels:
    """Loads two model folders from the disk, never from a network.

    Args:
        base: folder of the model before the works.
        full: folder of the same model after them, or of a low-rank adapter (peft) trained on `base`.

    Raises:
        InputError: a folder is missing, is not a model, or the two differ in shape, function or tokenizer.
    """
    folders = [Path(base), Path(full)]
    if (folders[1] / ADAPTER_FILE).exists():
        adapted = _load_adapter(folders[0], folders[1])
        models = [without_adapters(adapted).eval(), adapted]
        if not any((folders[1] / name).exists() for name in TOKENIZER_FILES):
            folders[1] = folders[0]  # an adapter is often saved without one
    else:
        models = [_load(folder, name) for folder, name in zip(folders, ("base", "full"), strict=True)]
    _check_same_function(models[0].config, models[1].config, folders[1])
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
    """Wires two causal language models that are already in memory.

    For a model with a low-rank adapter, `base` is `without_adapters(full)`.
    """
    learnt = learnt_layers(base, full)
    return TextModels(base, full, tokenizer, context, causal_text_task(full, tokenizer, context, learnt))


def _check_same_function(base: Any, full: Any, folder: Path) -> None:
    for name in SAME_FUNCTION:
        before, after = getattr(base, name, None), getattr(full, name, None)
        if before != after:
            raise InputError(
                f"base and full are not the same architecture: {name} is {before} in base and {after} in full",
                remedy="Give the model as it was before the works and the same model after them.",
                file=folder / "config.json",
                field=name,
            )


def _load_adapter(base: Path, adapter: Path) -> Any:
    try:
        peft: Any = importlib.import_module("peft")
    except ImportError as error:
        raise InputError(
            "full is an adapter, and the library that reads adapters is not installed",
            remedy="Run pip install peft, or merge the adapter and give the whole model.",
            file=adapter,
            field="full",
        ) from error
    model = _load(base, "base")
    try:
        return peft.PeftModel.from_pretrained(model, str(adapter), local_files_only=True).eval()
    except Exception as error:  # as with models, errors of many types
        raise InputError(
            f"the adapter cannot be loaded ({(str(error).strip() or type(error).__name__).splitlines()[0]})",
            remedy="Check that the folder holds an intact adapter of this base.",
            file=adapter,
            field="full",
        ) from error


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
