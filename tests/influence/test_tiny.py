"""The same texts train the same models, once; nothing else ever stands in the cache under their name."""

from __future__ import annotations

import dataclasses
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError

from endcredits.errors import InputError, MachineError
from endcredits.influence import load_text_models, train_tiny
from endcredits.influence.text import tiny
from endcredits.influence.text.tiny import TinySettings

SMALL = TinySettings(width=8, layers=1, heads=1, context=16, batch_windows=4, full_epochs=1)
BACKGROUND = [b"the sea is wide and the wind is cold. " * 4]
WORKS = [b"a rose is a rose. ", b"zig zag went the fox. " * 3]


def weights(folder: Path) -> bytes:
    """The model's weights as they stand on the disk."""
    return (folder / "model.safetensors").read_bytes()


def test_the_same_inputs_train_once(tmp_path: Path) -> None:
    """The second time they are found and nothing is trained."""
    told: list[tuple[str, int, int]] = []
    first = train_tiny(tmp_path, BACKGROUND, WORKS, SMALL, lambda *report: told.append(report))
    trained = list(told)

    second = train_tiny(tmp_path, BACKGROUND, WORKS, SMALL, lambda *report: told.append(report))

    assert first == second
    assert told == trained
    assert trained[-1] == ("full model", 2, 2) and trained[0] == ("base model", 1, 3)
    assert list(tmp_path.iterdir()) == [first[0].parent]


def test_training_is_deterministic(tmp_path: Path) -> None:
    """To the last bit, in another folder, whatever was drawn before; base and full differ."""
    one = train_tiny(tmp_path / "one", BACKGROUND, WORKS, SMALL)
    torch.rand(7)
    two = train_tiny(tmp_path / "two", BACKGROUND, WORKS, SMALL)

    assert [weights(folder) for folder in one] == [weights(folder) for folder in two]
    assert weights(one[0]) != weights(one[1])
    assert [folder.parent.name for folder in one] == [folder.parent.name for folder in two]


def test_training_draws_nothing_from_the_callers_generator(tmp_path: Path) -> None:
    """The global seed is as it was."""
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)

    train_tiny(tmp_path, BACKGROUND, WORKS, SMALL)

    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    "changed",
    [
        {"background": [*BACKGROUND, b"x"]},
        {"works": WORKS[:1]},
        {"works": WORKS[::-1]},
        {"settings": dataclasses.replace(SMALL, seed=1)},
    ],
)
def test_other_inputs_have_another_folder(tmp_path: Path, changed: dict[str, Any]) -> None:
    """And other models."""
    usual: dict[str, Any] = {"background": BACKGROUND, "works": WORKS, "settings": SMALL}

    one = train_tiny(tmp_path, **usual)
    other = train_tiny(tmp_path, **{**usual, **changed})

    assert one[1].parent != other[1].parent
    assert weights(one[1]) != weights(other[1])


@pytest.mark.parametrize("texts", [([], WORKS), (BACKGROUND, []), ([b""], WORKS), (BACKGROUND, [b"", b""])])
def test_nothing_to_learn_from(tmp_path: Path, texts: tuple[list[bytes], list[bytes]]) -> None:
    """A model needs both kinds of text."""
    with pytest.raises(InputError, match="background text and at least one work"):
        train_tiny(tmp_path, *texts, SMALL)


# Trains into argv[1] and is killed in the middle of the second run.
SCRIPT = """
import os, signal, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from tests.influence.test_tiny import BACKGROUND, SMALL, WORKS
from endcredits.influence import train_tiny

def progress(stage, done, total):
    if stage == "full model":
        os.kill(os.getpid(), signal.SIGKILL)

train_tiny(Path(sys.argv[1]), BACKGROUND, WORKS, SMALL, progress)
"""


def test_a_killed_training_leaves_no_model(tmp_path: Path) -> None:
    """The base was saved already, under no name that is ever looked for; the next run trains both."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == -signal.SIGKILL
    (draft,) = tmp_path.iterdir()
    assert draft.name.endswith(".partial") and (draft / "base" / "config.json").exists()

    told: list[str] = []
    folders = train_tiny(tmp_path, BACKGROUND, WORKS, SMALL, lambda stage, done, total: told.append(stage))

    assert set(told) == {"base model", "full model"}
    assert draft not in (folder.parent for folder in folders)
    load_text_models(*folders)


def test_an_interrupted_training_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C in the middle."""

    def progress(stage: str, done: int, total: int) -> None:
        if stage == "full model":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_tiny(tmp_path, BACKGROUND, WORKS, SMALL, progress)

    assert list(tmp_path.iterdir()) == []


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    "error,words", [(FULL, "the disk is full"), (SafetensorError("I/O error: no space"), "could not be saved .*no space")]
)
def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str) -> None:
    """Says so, whether the operating system or the library reports it, and leaves nothing."""
    from transformers import LlamaForCausalLM

    def full(*given: Any, **named: Any) -> None:
        raise error

    monkeypatch.setattr(LlamaForCausalLM, "save_pretrained", full)

    with pytest.raises(MachineError, match=words):
        train_tiny(tmp_path, BACKGROUND, WORKS, SMALL)

    assert not tmp_path.exists() or list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_at_the_last_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trained models get no name, and the next run begins anew."""

    def full(*given: Any, **named: Any) -> None:
        raise FULL

    monkeypatch.setattr(tiny.os, "replace", full)
    with pytest.raises(MachineError, match="the disk is full"):
        train_tiny(tmp_path, BACKGROUND, WORKS, SMALL)
    monkeypatch.undo()

    assert list(tmp_path.iterdir()) == []
    load_text_models(*train_tiny(tmp_path, BACKGROUND, WORKS, SMALL))


def test_two_trainings_at_once(tmp_path: Path) -> None:
    """The slower one finds the models of the faster and leaves them alone."""
    stamps: list[int] = []

    def progress(stage: str, done: int, total: int) -> None:
        if stage == "full model" and done == total and not stamps:
            stamps.append(0)
            faster = train_tiny(tmp_path, BACKGROUND, WORKS, SMALL)
            stamps.append(faster[1].stat().st_ino)

    slower = train_tiny(tmp_path, BACKGROUND, WORKS, SMALL, progress)

    assert slower[1].stat().st_ino == stamps[1]
    assert list(tmp_path.iterdir()) == [slower[1].parent]


def test_a_folder_that_is_not_whole_is_trained_again(tmp_path: Path) -> None:
    """Somebody removed a part of it."""
    _, full = train_tiny(tmp_path, BACKGROUND, WORKS, SMALL)
    (full / "config.json").unlink()

    assert train_tiny(tmp_path, BACKGROUND, WORKS, SMALL)[1] == full
    assert (full / "config.json").exists()


def test_the_name_of_a_model_binds_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of this room trains anew."""
    one = train_tiny(tmp_path, BACKGROUND, WORKS, SMALL)
    monkeypatch.setattr(tiny, "code_digest", lambda: "0" * 64)

    assert train_tiny(tmp_path, BACKGROUND, WORKS, SMALL) != one
