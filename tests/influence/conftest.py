"""Small models for the whole session; one thread, so that the last bits do not depend on the machine."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from endcredits.influence.text.models import TextModels, load_text_models
from endcredits.influence.text.tiny import TinySettings, train_tiny
from tests.influence.helpers import Case, case

TINY = TinySettings(width=16, layers=1, heads=2, context=24, batch_windows=8, full_epochs=3)
BACKGROUND = (b"the sea is wide and the wind is cold, and the ships go out at dawn. " * 30,)
WORKS = (
    b"a rose is a rose, said the gardener to the rose, and the rose said nothing at all. ",
    b"zig zag went the lightning, zip zap went the fox over the frozen fence. ",
)


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
