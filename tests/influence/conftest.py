"""Small models for the whole session; one thread, so that the last bits do not depend on the machine."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from endcredits.influence.text.models import TextModels, load_text_models
from endcredits.influence.text.tiny import TinySettings, train_tiny
from tests.influence.helpers import WORKS, Case, case, save_tokenizer

TINY = TinySettings(width=16, layers=1, heads=2, context=24, batch_windows=8, full_epochs=3)
BACKGROUND = (b"the sea is wide and the wind is cold, and the ships go out at dawn. " * 30,)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """The machine may be shared, and a tiny model is slower on many threads."""
    torch.set_num_threads(1)


@pytest.fixture
def classifier() -> Case:
    """See `case`."""
    return case()


@pytest.fixture(scope="session")
def tiny_folders(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders of a byte model before and after two short works."""
    return train_tiny(tmp_path_factory.mktemp("tiny"), BACKGROUND, WORKS, TINY)


@pytest.fixture(scope="session")
def tiny_models(tiny_folders: tuple[Path, Path]) -> TextModels:
    """The same, loaded."""
    return load_text_models(*tiny_folders)


@pytest.fixture(scope="session")
def gpt2_folders(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders of a small GPT-2 with its own tokenizer, before and after some change of all its weights."""
    from transformers import GPT2Config, GPT2LMHeadModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    place = tmp_path_factory.mktemp("gpt2")
    torch.manual_seed(0)
    for name in ("base", "full"):
        tokenizer = save_tokenizer(place / name, ["a rose is a rose", "zig zag went the lightning"])
        if name == "base":
            size = len(tokenizer)
            config = GPT2Config(
                vocab_size=size, n_positions=12, n_embd=8, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0
            )
            model = GPT2LMHeadModel(config)
        else:
            with torch.no_grad():
                for weight in model.parameters():
                    weight += 0.1 * torch.randn_like(weight)
        model.save_pretrained(place / name)
    return place / "base", place / "full"
