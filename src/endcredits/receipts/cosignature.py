"""A cosignature: a second pair of eyes signs that a log, as far as they have seen it, only grew.

The log's own signature says what the operator claims. Nothing in it keeps an operator from showing one log to a creator
and another to an auditor. A *witness* remembers the latest checkpoint of every log that it watches and signs a new one
only when a proof leads from the old one to it. Two different logs under one name can then not both be cosigned by the
same honest witness, so whoever asks for cosignatures of witnesses that they trust sees the same log as everybody else.

C2SP tlog-cosignature defines two kinds, both lines of a signed note, `— name base64(key id || u64 time || signature)`:

- Ed25519 (type 0x04) signs "cosignature/v1\\ntime T\\n" and the whole text of the checkpoint;
- ML-DSA-44 (type 0x06, safe against quantum computers) signs a record of fixed form: label, witness's name, time, the
  log's origin, start 0, size, root. It does not cover further lines of a checkpoint, so a checkpoint that has any is
  refused with such a key.

The time (seconds since 1970) says that this was the largest log that the witness had seen at that moment. A log may use
a key of type 0x06 for its own signature; then the time is 0 and says nothing.

This file reads checkpoints and signature lines of all kinds (0x01 is the log's plain Ed25519).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from endcredits.errors import InputError, IntegrityError
from endcredits.receipts.cosigner import ED25519, MLDSA44, PLAIN_ED25519, CosigningKey, Key
from endcredits.receipts.keys import to_base64, unbase64

SIGNATURE_BYTES = {PLAIN_ED25519: 64, ED25519: 72, MLDSA44: 2428}
"""Length after the key id; those with a time carry 8 bytes of it."""
SIGNATURES_MAX = 100
SIZE_MAX = 2**63 - 1
_LINE = re.compile(r"— ([^\s+\x00-\x1f\x7f]+) ([A-Za-z0-9+/]+={0,2})")
_SUBTREE_LABEL = b"subtree/v1\n\0"


@dataclass(frozen=True, slots=True)
class Statement:
    """What a checkpoint says, and the signature lines under it, none of them verified yet.

    Attributes:
        text: the signed text, with its final newline.
        origin: the log's name.
        size: number of entries, 0 to 2**63 - 1.
        root: 32 bytes.
        lines: the signature lines, without newlines.
    """

    text: str
    origin: str
    size: int
    root: bytes
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A verified line.

    Attributes:
        key: whose.
        time_s: seconds since 1970; 0 when the signature carries no time.
        line: the signature line, without its newline.
    """

    key: Key
    time_s: int
    line: str


def read_statement(note: str) -> Statement:
    """Takes a checkpoint apart (C2SP tlog-checkpoint in a signed note); verifies no signature.

    Raises:
        IntegrityError: it is not a checkpoint in a note.
    """
    text, gap, block = note.rpartition("\n\n")
    lines = block[:-1].split("\n")
    origin, *rest = text.split("\n")
    if not gap or not block.endswith("\n") or any(letter < " " and letter != "\n" for letter in note):
        raise IntegrityError("it is not a signed note")
    if len(lines) > SIGNATURES_MAX:
        raise IntegrityError(f"the note has more than {SIGNATURES_MAX} signatures")
    if any(not _LINE.fullmatch(line) for line in lines):
        raise IntegrityError("a signature line of the note cannot be read")
    number = len(rest) >= 2 and re.fullmatch(r"0|[1-9][0-9]{0,18}", rest[0])
    if not number or not origin or "" in rest or int(rest[0]) > SIZE_MAX:
        raise IntegrityError("the note is not a checkpoint")
    try:
        root = unbase64(rest[1])
    except ValueError as error:
        raise IntegrityError(f"the checkpoint's root cannot be read: {error}") from error
    if len(root) != 32:
        raise IntegrityError("the checkpoint's root has not 32 bytes")
    return Statement(f"{text}\n", origin, int(rest[0]), root, tuple(lines))


def ed25519_message(text: str, time_s: int) -> bytes:
    """What an Ed25519 cosigner signs: two lines, then the checkpoint's whole text."""
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()


def subtree_message(name: str, time_s: int, origin: str, size: int, root: bytes) -> bytes:
    """What an ML-DSA-44 key signs for the whole tree of a checkpoint (`cosigned_message` with start 0).

    Raises:
        InputError: a name or origin longer than 255 bytes, or empty.
    """
    parts = [name.encode(), origin.encode()]
    if not all(1 <= len(part) <= 255 for part in parts):
        raise InputError("a name or origin has not 1 to 255 bytes", remedy="ML-DSA-44 cosignatures cannot carry it.")
    cosigner, log = (bytes([len(part)]) + part for part in parts)
    return _SUBTREE_LABEL + cosigner + struct.pack(">Q", time_s) + log + struct.pack(">QQ", 0, size) + root


def _message(key: Key, statement: Statement, time_s: int) -> bytes:
    if key.kind == PLAIN_ED25519:
        return statement.text.encode()
    if key.kind == ED25519:
        return ed25519_message(statement.text, time_s)
    if statement.text.count("\n") > 3:
        raise InputError("the checkpoint has further lines", remedy="An ML-DSA-44 signature does not cover them.")
    return subtree_message(key.name, time_s, statement.origin, statement.size, statement.root)


def cosign(statement: Statement, key: CosigningKey, time_s: int) -> str:
    """The signature line of a witness, without its newline. The caller has checked that the log only grew.

    Args:
        statement: the checkpoint.
        key: the witness's key.
        time_s: seconds since 1970, 0 to 2**63 - 1.

    Raises:
        InputError: an ML-DSA-44 key, and the checkpoint has more than three lines or a name longer than 255 bytes.
    """
    signature = key.private.sign(_message(key.key, statement, time_s))
    return f"— {key.name} {to_base64(key.key.key_id + struct.pack('>Q', time_s) + signature)}"


def signed_by(statement: Statement, key: Key) -> Cosignature | None:
    """The signature of one key under a checkpoint: the latest when there are several, None when there is none.

    Lines by other keys are passed over. A line in this key's name and id must be right.

    Raises:
        IntegrityError: such a line is wrong.
    """
    found: Cosignature | None = None
    for line in statement.lines:
        match = _LINE.fullmatch(line)
        assert match is not None  # `read_statement` has seen to it
        if match[1] != key.name:
            continue
        try:
            data = unbase64(match[2])
        except ValueError as error:
            raise IntegrityError(f"a signature line of '{key.name}' cannot be read: {error}") from error
        if data[:4] != key.key_id:
            continue
        time_s = _verified(key, statement, data[4:])
        if found is None or time_s > found.time_s:
            found = Cosignature(key, time_s, line)
    return found


def _verified(key: Key, statement: Statement, data: bytes) -> int:
    """The time of a signature (after its key id), when it is right."""
    time_s = 0 if key.kind == PLAIN_ED25519 else int.from_bytes(data[:8], "big")
    signature = data if key.kind == PLAIN_ED25519 else data[8:]
    good = len(data) == SIGNATURE_BYTES[key.kind] and time_s <= SIZE_MAX
    try:
        if not good:
            raise InvalidSignature
        message = _message(key, statement, time_s)
        if key.kind == MLDSA44:
            MLDSA44PublicKey.from_public_bytes(key.public).verify(signature, message)
        else:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except (InvalidSignature, InputError) as error:
        raise IntegrityError(f"the signature of '{key.name}' does not fit the checkpoint") from error
    return time_s


def with_lines(note: str, lines: Iterable[str]) -> str:
    """A checkpoint with further signature lines; a new line replaces an older one of the same key.

    Args:
        note: the checkpoint.
        lines: signature lines without newlines, verified by the caller.

    Raises:
        IntegrityError: the note, or a line, cannot be read, or there would be more than 100 lines.
    """
    statement = read_statement(note)
    under = {_owner(line): line for line in statement.lines}
    under.update({_owner(line): line for line in lines})
    whole = statement.text + "\n" + "".join(f"{line}\n" for line in under.values())
    read_statement(whole)
    return whole


def _owner(line: str) -> tuple[str, bytes]:
    """Name and key id of a signature line."""
    match = _LINE.fullmatch(line)
    try:
        return (match[1], unbase64(match[2])[:4]) if match else ("", b"")
    except ValueError as error:
        raise IntegrityError(f"a signature line of the note cannot be read: {error}") from error
