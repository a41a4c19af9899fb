"""A tiny byte-level language model, trained here and now: base on background text, full on the works.

It is a `LlamaForCausalLM` of 0.13 million parameters, small enough to learn on one CPU core in a minute and real enough to
be measured: it is saved in Hugging Face format and everything downstream treats it as any other model. Snapshots are kept
under the digest of everything that made them, so the same inputs train once.
"""

from __future__ import annotations

import dataclasses
import math
import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from endcredits.canonical import digest, sha256_bytes
from endcredits.durable import PARTIAL, machine_error
from endcredits.errors import InputError, MachineError
from endcredits.influence.gradient.fingerprint import code_digest
from endcredits.influence.text.tokenizers import BYTE_BOS
from endcredits.influence.text.windows import Window, training_windows
from endcredits.progress import Progress, silent


@dataclass(frozen=True, slots=True)
class TinySettings:
    """Shape and schedule; all of them enter the cache's key.

    Attributes:
        width: of the residual stream.
        layers: transformer blocks.
        heads: attention heads.
        context: bytes in a window.
        batch_windows: windows per step.
        base_rate: peak learning rate of the base run.
        full_rate: peak learning rate of the fine-tune.
        full_epochs: passes over the works.
        seed: of weights and order.
    """

    width: int = 64
    layers: int = 2
    heads: int = 4
    context: int = 128
    batch_windows: int = 16
    base_rate: float = 4e-3
    full_rate: float = 2e-3
    full_epochs: int = 2
    seed: int = 0


def train_tiny(
    cache: Path,
    background: Sequence[bytes],
    works: Sequence[bytes],
    settings: TinySettings | None = None,
    progress: Progress = silent,
) -> tuple[Path, Path]:
    """Trains base and full, or finds them in the cache.

    Args:
        cache: folder of trained snapshots.
        background: texts of the base model's diet, one pass.
        works: texts of the admitted works.
        settings: see `TinySettings`.
        progress: told about the stages "base model" and "full model", in steps.

    Returns:
        The folders of base and full.

    Raises:
        InputError: no background or no works.
        MachineError: the disk is full or may not be written.
    """
    settings = settings or TinySettings()
    if not any(background) or not any(works):
        raise InputError("a model needs background text and at least one work to learn from", field="works")
    key = digest(
        {
            "settings": {name: repr(value) for name, value in dataclasses.asdict(settings).items()},
            "background": [sha256_bytes(text) for text in background],
            "works": [sha256_bytes(text) for text in works],
            "code": code_digest(),
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
        }
    )
    place = cache / key[:24]
    if not _is_kept(place):
        draft = cache / f"{key[:24]}.{secrets.token_hex(4)}{PARTIAL}"
        try:
            _train_both(draft, background, works, settings, progress)
            _keep(draft, place)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return place / "base", place / "full"


def _save(model: Any, folder: Path) -> None:
    try:
        model.save_pretrained(folder)
    except OSError as error:
        raise machine_error(error, folder) from error
    except SafetensorError as error:  # the library wraps the operating system's refusal in words
        raise MachineError(f"the model could not be saved ({error})", file=folder) from error


def _keep(draft: Path, place: Path) -> None:
    """Gives a finished draft its name, unless another process was faster: the same inputs train the same models."""
    try:
        os.replace(draft, place)
    except OSError:
        if _is_kept(place):
            return
        try:
            shutil.rmtree(place, ignore_errors=True)  # what stands there is not whole
            os.replace(draft, place)
        except OSError as error:
            raise machine_error(error, place) from error


def _is_kept(place: Path) -> bool:
    return (place / "full" / "config.json").exists()


def _train_both(
    draft: Path, background: Sequence[bytes], works: Sequence[bytes], settings: TinySettings, progress: Progress
) -> None:
    model = _new_model(settings)
    _train(model, _windows(background, settings), 1, settings.base_rate, settings, "base model", progress)
    _save(model, draft / "base")
    _train(model, _windows(works, settings), settings.full_epochs, settings.full_rate, settings, "full model", progress)
    _save(model, draft / "full")


def _new_model(settings: TinySettings) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        return LlamaForCausalLM(
            LlamaConfig(
                vocab_size=BYTE_BOS + 1,
                hidden_size=settings.width,
                intermediate_size=settings.width * 5 // 2,
                num_hidden_layers=settings.layers,
                num_attention_heads=settings.heads,
                num_key_value_heads=settings.heads,
                max_position_embeddings=settings.context,
                initializer_range=0.04,
                bos_token_id=BYTE_BOS,
                eos_token_id=None,
                pad_token_id=None,
                tie_word_embeddings=False,
                attn_implementation="eager",
            )
        )


def _windows(texts: Sequence[bytes], settings: TinySettings) -> list[Window]:
    return [window for text in texts for window in training_windows(text, settings.context)]


def _train(
    model: Any,
    windows: Sequence[Window],
    epochs: int,
    rate: float,
    settings: TinySettings,
    stage: str,
    progress: Progress,
) -> None:
    """Adam with a short warm-up and a cosine to 5 %; every window counts in proportion to its bytes."""
    order = torch.Generator().manual_seed(settings.seed)
    steps_per_epoch = math.ceil(len(windows) / settings.batch_windows)
    steps = epochs * steps_per_epoch
    warm_up = min(20, steps)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, betas=(0.9, 0.99))
    model.train()
    step = 0
    for _ in range(epochs):
        shuffled = torch.randperm(len(windows), generator=order).tolist()
        for start in range(0, len(windows), settings.batch_windows):
            batch = [windows[number] for number in shuffled[start : start + settings.batch_windows]]
            done = step / steps
            factor = (step + 1) / warm_up if step < warm_up else 0.05 + 0.95 * (1 + math.cos(math.pi * done)) / 2
            for group in optimizer.param_groups:
                group["lr"] = rate * factor
            optimizer.zero_grad()
            torch.autograd.backward(_loss(model, batch, settings))
            optimizer.step()
            step += 1
            progress(stage, step, steps)
    model.eval()


def _loss(model: Any, batch: Sequence[Window], settings: TinySettings) -> torch.Tensor:
    inputs = torch.full((len(batch), settings.context), BYTE_BOS)  # (n, t)
    targets = torch.full((len(batch), settings.context), -100)
    for row, window in enumerate(batch):
        ids = torch.tensor(window.ids)
        inputs[row, 1 : len(ids)] = ids[:-1]
        targets[row, : len(ids)] = ids
    logits = model(input_ids=inputs, use_cache=False).logits
    total = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100, reduction="sum")
    return total / (settings.batch_windows * settings.context)
