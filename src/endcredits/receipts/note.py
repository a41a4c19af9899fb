"""The signature on the log: a checkpoint says "the log named so has so many entries and this root", and is signed.

A *signed note* (C2SP signed-note) is a text, an empty line, and signature lines `— name base64(key id || signature)`.
A *checkpoint* (C2SP tlog-checkpoint) is a note whose text has three lines: the log's name (its origin), its size, its
root in base64. The log's keys (`keys`) sign it: Ed25519 over the text (type 0x01), and with a second line, when the log has
such a key, ML-DSA-44 (type 0x06) over the record of tlog-cosignature, in which origin, size and root stand. Such a line
carries a time, which the standard lets be 0 when it is no statement that the tree is the largest one seen. That is our
choice: ours is always 0, so that signing needs no clock.

Signatures by keys that we do not know (witnesses, a successor key) are passed over, as the standard demands; a signature in
the name of a key that we do know must be right. The signature that counts is Ed25519's: at least one line of a known Ed25519
key is needed, as a public log must carry one.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from endcredits.errors import InputError, IntegrityError
from endcredits.receipts.cosignature import subtree_message
from endcredits.receipts.keys import (
    ED25519,
    SigningKey,
    VerifyKey,
    load_key,
    make_keypair,
    read_vkey,
    to_base64,
    unbase64,
)
from endcredits.receipts.merkle import HASH_BYTES
from endcredits.receipts.records import Checkpoint
from endcredits.receipts.tiles import SIZE_MAX

__all__ = [
    "SigningKey",
    "VerifyKey",
    "claimed_size",
    "load_key",
    "make_keypair",
    "open_checkpoint",
    "open_note",
    "read_vkey",
    "sign_checkpoint",
    "sign_note",
    "signers",
    "split_note",
]

SIGNATURES_MAX = 100
NOTE_BYTES_MAX = 400_000
"""A hundred signatures of the longest kind."""
_LINE = re.compile(r"— ([^\s+]+) (\S+)")
_NO_TIME = bytes(8)


def sign_note(text: str, *keys: SigningKey) -> str:
    """A text with a signature line by each Ed25519 key (C2SP signed-note).

    Args:
        text: must end with a newline and hold no other control characters.
        keys: their names stand in the signature lines; at least one.
    """
    if not text.endswith("\n") or any(letter < " " and letter != "\n" for letter in text) or not keys:
        raise ValueError("a note's text ends with a newline, holds no other control characters, and is signed")
    if any(key.kind != ED25519 for key in keys):
        raise ValueError("ML-DSA-44 signs checkpoints, not texts")
    return f"{text}\n" + "".join(_signature_line(key, text.encode()) for key in keys)


def _signature_line(key: SigningKey, message: bytes) -> str:
    time = b"" if key.kind == ED25519 else _NO_TIME
    return f"— {key.name} {to_base64(key.key_id + time + key.private.sign(message))}\n"


def open_note(note: str, vkeys: str | Sequence[str]) -> str:
    """The text of a note that a known Ed25519 key signed rightly, and no known key wrongly.

    Args:
        note: the whole note.
        vkeys: one vkey, or several.

    Raises:
        IntegrityError: the note is malformed, not signed by such a key, or a signature is wrong.
        InputError: a vkey cannot be used.
    """
    return _opened(note, _known(vkeys))


def _known(vkeys: str | Sequence[str]) -> list[VerifyKey]:
    return [read_vkey(vkey) for vkey in ([vkeys] if isinstance(vkeys, str) else vkeys)]


def _opened(note: str, keys: Sequence[VerifyKey]) -> str:
    text, lines = split_note(note)
    signed = False
    for line in lines:
        name, signature = _read_line(line)
        for key in keys:
            if (name, signature[:4]) == (key.name, key.key_id):
                _verify(key, text, signature[4:])
                signed = signed or key.kind == ED25519
    if not signed:
        raise IntegrityError(f"the note is not signed by the key of '{keys[0].name if keys else ''}'")
    return text


def split_note(note: str) -> tuple[str, tuple[str, ...]]:
    """A note's text, with its final newline, and its signature lines without theirs; none of them verified.

    Raises:
        IntegrityError: it is not a note, or has more than `SIGNATURES_MAX` lines.
    """
    text, gap, block = note.rpartition("\n\n")
    if not gap or not block.endswith("\n") or any(letter < " " and letter != "\n" for letter in note):
        raise IntegrityError("it is not a signed note")
    lines = tuple(block[:-1].split("\n"))
    if len(lines) > SIGNATURES_MAX:
        raise IntegrityError(f"the note has more than {SIGNATURES_MAX} signatures")
    return f"{text}\n", lines


def _read_line(line: str) -> tuple[str, bytes]:
    match = _LINE.fullmatch(line)
    try:
        signature = unbase64(match[2]) if match else b""
    except ValueError as error:
        raise IntegrityError(f"a signature line of the note cannot be read: {error}") from error
    if match is None or len(signature) < 5:
        raise IntegrityError("a signature line of the note cannot be read")
    return match[1], signature


def _verify(key: VerifyKey, text: str, signature: bytes) -> None:
    try:
        if isinstance(key.public, Ed25519PublicKey):
            key.public.verify(signature, text.encode())
            return
        origin, size, root = _statement(text)
        (time,) = struct.unpack(">Q", signature[:8])
        key.public.verify(signature[8:], subtree_message(key.name, time, origin, size, root))
    except (InvalidSignature, IntegrityError, InputError, struct.error) as error:
        raise IntegrityError(f"the signature of '{key.name}' does not fit the note") from error


def _statement(text: str) -> tuple[str, int, bytes]:
    """Origin, size and root of a checkpoint's text.

    Raises:
        IntegrityError: it is not a checkpoint.
    """
    origin, *rest = text[:-1].split("\n")
    if len(rest) < 2 or "" in rest or not re.fullmatch(r"0|[1-9][0-9]{0,15}", rest[0]) or int(rest[0]) > SIZE_MAX:
        raise IntegrityError("the note is not a checkpoint")
    try:
        root = unbase64(rest[1])
    except ValueError as error:
        raise IntegrityError(f"the checkpoint's root cannot be read: {error}") from error
    if len(root) != HASH_BYTES:
        raise IntegrityError("the checkpoint's root has not 32 bytes")
    return origin, int(rest[0]), root


def signers(note: str) -> list[tuple[str, str]]:
    """Name and key id (8 hex digits) of every signature line, none of them verified.

    Raises:
        IntegrityError: it is not a note.
    """
    return [(name, signature[:4].hex()) for name, signature in map(_read_line, split_note(note)[1])]


def sign_checkpoint(size: int, root: bytes, *keys: SigningKey) -> Checkpoint:
    """Signs the log's extent; the origin is the first key's name.

    Args:
        size: number of leaves, 0 to `SIZE_MAX`.
        root: 32 bytes.
        keys: the log's keys, an Ed25519 key first.
    """
    if not 0 <= size <= SIZE_MAX or len(root) != HASH_BYTES:
        raise ValueError("a checkpoint has a size >= 0 and a root of 32 bytes")
    name = keys[0].name
    text = f"{name}\n{size}\n{to_base64(root)}\n"
    note = sign_note(text, *(key for key in keys if key.kind == ED25519))
    for key in keys:
        if key.kind != ED25519:
            note += _signature_line(key, subtree_message(key.name, 0, name, size, root))
    return Checkpoint(name, size, root.hex(), note)


def open_checkpoint(note: str, vkeys: str | Sequence[str]) -> Checkpoint:
    """Reads a checkpoint that a log's key signed rightly, no key of it wrongly, and whose origin is the keys' name.

    Args:
        note: the whole note; further lines of its text, and signatures by others, are passed over.
        vkeys: the log's vkey, or all of its vkeys.

    Raises:
        IntegrityError: malformed, of another log, or not signed by such a key.
        InputError: a vkey cannot be used.
    """
    keys = _known(vkeys)
    origin, size, root = _statement(_opened(note, keys))
    if origin != keys[0].name:
        raise IntegrityError(f"the checkpoint is of the log '{origin}', not of '{keys[0].name}'")
    return Checkpoint(origin, size, root.hex(), note)


def claimed_size(note: str) -> int:
    """The size that a note states, signed or not; 0 when it states none."""
    try:
        return _statement(split_note(note)[0])[1]
    except IntegrityError:
        return 0
