"""Texts become tokens and come back; a folder's tokenizer is known by its vocabulary."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.influence.text.tokenizers import ByteTokenizer, FolderTokenizer, load_tokenizer
from tests.influence.helpers import save_tokenizer

LINES = ["a rose is a rose", "zig zag went the lightning"]
BYTES = SimpleNamespace(bos_token_id=256, vocab_size=257)


@given(st.binary(max_size=50))
def test_bytes_come_back(text: bytes) -> None:
    """Any bytes, one token each, and the beginning is none of them."""
    tokenizer = ByteTokenizer()

    assert len(tokenizer.encode(text)) == len(text)
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.decode([256, *text, 256]) == text
    assert tokenizer.bos_id not in tokenizer.encode(text)


def test_a_folder_without_tokenizer_may_read_bytes(tmp_path: Path) -> None:
    """If its vocabulary is bytes and a beginning."""
    assert load_tokenizer(tmp_path, BYTES) == ByteTokenizer()


@pytest.mark.parametrize(
    "config",
    [SimpleNamespace(bos_token_id=0, vocab_size=257), SimpleNamespace(bos_token_id=256, vocab_size=256), SimpleNamespace()],
)
def test_any_other_folder_needs_one(tmp_path: Path, config: Any) -> None:
    """And is named."""
    with pytest.raises(InputError, match="has no tokenizer") as caught:
        load_tokenizer(tmp_path, config)

    assert caught.value.file == str(tmp_path)


@pytest.mark.parametrize("text", ["", "a rose is a rose", "né €\n\n  🌹 zig", "<s>"])
def test_a_folders_tokenizer_reads_and_writes(tmp_path: Path, text: str) -> None:
    """Text comes back as it was; no special token is ever added."""
    save_tokenizer(tmp_path, LINES)
    tokenizer = load_tokenizer(tmp_path, BYTES)

    ids = tokenizer.encode(text.encode())

    assert isinstance(tokenizer, FolderTokenizer)
    assert tokenizer.bos_id == 0
    assert len(ids) <= len(text.encode())
    if text != "<s>":  # which means the special token, and special tokens are not text
        assert 0 not in ids
        assert tokenizer.decode([0, *ids]) == text.encode()


def test_a_text_that_is_not_utf_8(tmp_path: Path) -> None:
    """The byte is named; a byte model would take it."""
    save_tokenizer(tmp_path, LINES)

    with pytest.raises(InputError, match=r"not UTF-8 \(byte 3\)"):
        load_tokenizer(tmp_path, BYTES).encode(b"ro\xffse")


def test_a_tokenizer_is_named_by_its_vocabulary(tmp_path: Path) -> None:
    """Wherever it lies: the same vocabulary the same name, another another."""
    for name, lines in (("one", LINES), ("same", LINES), ("other", ["quite another text altogether"])):
        save_tokenizer(tmp_path / name, lines)

    one, same, other = (load_tokenizer(tmp_path / name, BYTES).name for name in ("one", "same", "other"))

    assert one == same != other
    assert one.startswith("hf:") and len(one) == 19


def test_a_vocabulary_in_several_files_is_named_by_all_of_them(tmp_path: Path) -> None:
    """GPT-2's older form keeps tokens and merges apart; both decide how a text is read."""
    save_tokenizer(tmp_path / "one", LINES)
    model = json.loads((tmp_path / "one" / "tokenizer.json").read_text())["model"]
    (tmp_path / "one" / "tokenizer.json").unlink()
    (tmp_path / "one" / "vocab.json").write_text(json.dumps(model["vocab"]))
    merges = [" ".join(pair) for pair in model["merges"]]
    (tmp_path / "one" / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    config = {"tokenizer_class": "GPT2Tokenizer", "bos_token": "<s>", "unk_token": "<s>", "eos_token": "<s>"}
    (tmp_path / "one" / "tokenizer_config.json").write_text(json.dumps(config))
    shutil.copytree(tmp_path / "one", tmp_path / "other")
    (tmp_path / "other" / "merges.txt").write_text("#version: 0.2\n" + merges[0] + "\n")

    one, other = (load_tokenizer(tmp_path / name, BYTES) for name in ("one", "other"))

    assert one.encode(b"a rose") != other.encode(b"a rose")
    assert one.name != other.name


def test_the_end_stands_in_for_a_missing_beginning(tmp_path: Path) -> None:
    """As GPT-2 itself does; a tokenizer with neither is refused."""
    save_tokenizer(tmp_path, LINES)
    path = tmp_path / "tokenizer_config.json"
    config = json.loads(path.read_text())
    del config["bos_token"]
    path.write_text(json.dumps(config))

    with pytest.raises(InputError, match="neither a beginning nor an end"):
        load_tokenizer(tmp_path, BYTES)
    path.write_text(json.dumps({**config, "eos_token": "<s>"}))

    assert load_tokenizer(tmp_path, BYTES).bos_id == 0


@pytest.mark.parametrize("damage", ["", "{broken", "[]", "{}"])
def test_a_damaged_tokenizer_is_named(tmp_path: Path, damage: str) -> None:
    """With the folder it stands in."""
    save_tokenizer(tmp_path, LINES)
    (tmp_path / "tokenizer.json").write_text(damage)

    with pytest.raises(InputError, match="the tokenizer cannot be read") as caught:
        load_tokenizer(tmp_path, BYTES)

    assert caught.value.file == str(tmp_path)
