"""From text to tokens and back: raw bytes (one of ours), or any Hugging Face tokenizer.

The byte tokenizer needs no file: token = byte value, and 256 begins every window. A folder without tokenizer files whose
configuration has more than 256 tokens and begins texts with 256 is read with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from endcredits.canonical import digest, sha256_file
from endcredits.errors import InputError

BYTE_BOS = 256
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "vocab.txt",
)
"""Files that a tokenizer may be saved in; the first, where it exists, holds all the others say."""


class Tokenizer(Protocol):
    """Text to token ids and back."""

    @property
    def name(self) -> str:
        """Enters the task's name, and with it the index's digest."""

    @property
    def bos_id(self) -> int:
        """The token that begins every window."""

    def encode(self, text: bytes) -> list[int]:
        """Token ids of a UTF-8 text, without special tokens."""

    def decode(self, ids: list[int]) -> bytes:
        """The text of token ids."""


@dataclass(frozen=True, slots=True)
class ByteTokenizer:
    """One token per byte.

    >>> ByteTokenizer().encode("né".encode())
    [110, 195, 169]
    """

    @property
    def name(self) -> str:
        """Enters the task's name."""
        return "bytes"

    @property
    def bos_id(self) -> int:
        """256."""
        return BYTE_BOS

    def encode(self, text: bytes) -> list[int]:
        """The bytes themselves."""
        return list(text)

    def decode(self, ids: list[int]) -> bytes:
        """The bytes back; tokens above 255 are dropped."""
        return bytes(token for token in ids if token < BYTE_BOS)


@dataclass(frozen=True, slots=True)
class FolderTokenizer:
    """The tokenizer saved beside a Hugging Face model.

    Attributes:
        inner: the library's tokenizer.
        bos_id: its beginning-of-text token, else its end-of-text token.
        name: "hf:" and the digest of its vocabulary files.
    """

    inner: Any
    bos_id: int
    name: str

    def encode(self, text: bytes) -> list[int]:
        """Token ids without special tokens.

        Raises:
            InputError: not UTF-8.
        """
        try:
            readable = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"the text is not UTF-8 (byte {error.start + 1})", remedy="Convert it to UTF-8.", field="text"
            ) from error
        return list(self.inner.encode(readable, add_special_tokens=False))

    def decode(self, ids: list[int]) -> bytes:
        """The text of token ids."""
        return str(self.inner.decode(ids, skip_special_tokens=True)).encode()


def load_tokenizer(folder: Path, config: Any) -> Tokenizer:
    """The tokenizer that belongs to a model folder.

    Raises:
        InputError: the folder has no tokenizer and the model does not read bytes, or the tokenizer is damaged.
    """
    present = [name for name in TOKENIZER_FILES if (folder / name).exists()]
    if not present:
        if getattr(config, "bos_token_id", None) == BYTE_BOS and getattr(config, "vocab_size", 0) > BYTE_BOS:
            return ByteTokenizer()
        raise InputError(
            "the model folder has no tokenizer, and its vocabulary is not 256 bytes with 256 as beginning",
            remedy="Save the tokenizer beside the model (tokenizer.save_pretrained).",
            file=folder,
        )
    from transformers import AutoTokenizer

    try:
        inner: Any = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    except Exception as error:  # the library raises many types, some of them bare
        raise InputError(
            f"the tokenizer cannot be read ({(str(error).strip() or type(error).__name__).splitlines()[0]})",
            remedy="Save it again beside the model.",
            file=folder,
        ) from error
    bos = inner.bos_token_id if inner.bos_token_id is not None else inner.eos_token_id
    if bos is None:
        raise InputError(
            "the tokenizer has neither a beginning nor an end token",
            remedy="Set bos_token in tokenizer_config.json.",
            file=folder,
        )
    return FolderTokenizer(inner, int(bos), f"hf:{_vocabulary_digest(folder, present)[:16]}")


def _vocabulary_digest(folder: Path, present: list[str]) -> str:
    """One digest of what decides the tokens: the file that holds everything, or else all of them together."""
    if present[0] == TOKENIZER_FILES[0]:
        return sha256_file(folder / present[0])
    return digest([[name, sha256_file(folder / name)] for name in present])
