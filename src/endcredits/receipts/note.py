"""The signature on the log: a checkpoint says "the log named so has so many entries and this root", and is signed.

A *signed note* (C2SP signed-note) is a text, an empty line, and signature lines `— name base64(key id || signature)`.
A *checkpoint* (C2SP tlog-checkpoint) is a note whose text has three lines: the log's name (its origin), its size, its
root in base64. Keys are Ed25519 (signature type 0x01). The public key travels as one line, the *vkey*:
`name+hex key id+base64(0x01 || public key)`, where the key id is SHA-256(name || "\\n" || 0x01 || public key)[:4].

Signatures by keys that we do not know (witnesses, a successor key) are passed over, as the standard demands; a
signature in the name of the key that we do know must be right.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from endcredits import durable
from endcredits.errors import ConflictError, InputError, IntegrityError, NotFoundError
from endcredits.receipts.merkle import HASH_BYTES
from endcredits.receipts.records import Checkpoint

ED25519 = b"\x01"
SIGNATURES_MAX = 100
_NAME = re.compile(r"[!-*,-~]{1,200}")  # printable ASCII without space and plus


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A log's private key.

    Attributes:
        name: the log's origin, such as "studio.example/endcredits/log"; printable ASCII, no space, no plus.
        private: the Ed25519 key; never printed.
    """

    name: str
    private: Ed25519PrivateKey = field(repr=False)

    @property
    def vkey(self) -> str:
        """The public key as one line, for everybody who verifies."""
        public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"{self.name}+{_key_id(self.name, public).hex()}+{_base64(ED25519 + public)}"


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """A vkey, read.

    Attributes:
        name: the log's origin.
        key_id: four bytes.
        public: the Ed25519 public key.
    """

    name: str
    key_id: bytes
    public: Ed25519PublicKey


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _unbase64(text: str) -> bytes:
    """Decodes the one standard spelling; ValueError for every other."""
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("it is not base64") from error
    if _base64(data) != text:
        raise ValueError("it is not the standard spelling of base64")
    return data


def _key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def _key_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InputError(
            f"'{name[:60]}' cannot be the name of a log",
            remedy="Use letters, digits and punctuation without spaces or '+', such as studio.example/endcredits/log.",
            field="origin",
        )
    return name


def make_keypair(path: str | os.PathLike[str], name: str) -> SigningKey:
    """Makes a new Ed25519 key and saves it as PKCS8 PEM, readable by the owner only.

    Args:
        path: where the private key is kept; there must be nothing yet.
        name: the log's origin.

    Raises:
        ConflictError: there is a file already; a log's key is never replaced silently.
        InputError: not a name for a log.
        MachineError: it cannot be written.
    """
    target = Path(path)
    key = SigningKey(_key_name(name), Ed25519PrivateKey.generate())
    if target.exists():
        raise ConflictError("there is a key already", remedy="Use it, or choose another place.", file=target)
    pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    durable.write_atomic(target, pem, private=True)
    return key


def load_key(path: str | os.PathLike[str], name: str) -> SigningKey:
    """Reads a private key that `make_keypair` saved.

    Raises:
        NotFoundError: there is no such file.
        InputError: it is not an Ed25519 key without a passphrase, or not a name for a log.
    """
    target = Path(path)
    try:
        private = load_pem_private_key(target.read_bytes(), password=None)
    except FileNotFoundError as error:
        raise NotFoundError("there is no key", remedy="Restore it from your backup.", file=target) from error
    except OSError as error:
        raise durable.machine_error(error, target) from error
    except (ValueError, TypeError) as error:
        raise InputError("it is not a private key in PEM without a passphrase", file=target) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise InputError("it is not an Ed25519 key", remedy="The log signs with Ed25519.", file=target)
    return SigningKey(_key_name(name), private)


def read_vkey(vkey: str) -> VerifyKey:
    """Reads a vkey line (without its newline).

    Raises:
        InputError: not a vkey of an Ed25519 key, or its key id does not fit.
    """
    remedy = "It reads name+8 hex digits+base64; copy the whole line from the log's file log.vkey."
    name, _, rest = vkey.partition("+")
    key_id, _, encoded = rest.partition("+")
    if not _NAME.fullmatch(name) or not re.fullmatch(r"[0-9a-f]{8}", key_id):
        raise InputError("it is not a vkey", remedy=remedy, field="vkey")
    try:
        data = _unbase64(encoded)
    except ValueError as error:
        raise InputError(f"the vkey's key cannot be read: {error}", remedy=remedy, field="vkey") from error
    if data[:1] != ED25519 or len(data) != 33:
        raise InputError("the vkey is not of an Ed25519 key", remedy=remedy, field="vkey")
    if _key_id(name, data[1:]).hex() != key_id:
        raise InputError("the vkey's key id does not fit its name and key", remedy=remedy, field="vkey")
    return VerifyKey(name, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(data[1:]))


def sign_note(text: str, key: SigningKey) -> str:
    """A text with its signature line (C2SP signed-note).

    Args:
        text: must end with a newline and hold no other control characters.
        key: its name stands in the signature line.
    """
    if not text.endswith("\n") or any(letter < " " and letter != "\n" for letter in text):
        raise ValueError("a note's text ends with a newline and holds no other control characters")
    public = key.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signature = _key_id(key.name, public) + key.private.sign(text.encode())
    return f"{text}\n— {key.name} {_base64(signature)}\n"


def open_note(note: str, vkey: str) -> str:
    """The text of a note whose signature by this key is right.

    Raises:
        IntegrityError: the note is malformed, not signed by this key, or its signature is wrong.
        InputError: the vkey cannot be used.
    """
    key = read_vkey(vkey)
    text, gap, block = note.rpartition("\n\n")
    if not gap or not block.endswith("\n") or any(letter < " " and letter != "\n" for letter in note):
        raise IntegrityError("it is not a signed note")
    text += "\n"
    lines = block[:-1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise IntegrityError(f"the note has more than {SIGNATURES_MAX} signatures")
    signed = False
    for line in lines:
        match = re.fullmatch(r"— ([^\s+]+) (\S+)", line)
        try:
            signature = _unbase64(match[2]) if match else b""
        except ValueError as error:
            raise IntegrityError(f"a signature line of the note cannot be read: {error}") from error
        if match is None or len(signature) < 5:
            raise IntegrityError("a signature line of the note cannot be read")
        if match[1] != key.name or signature[:4] != key.key_id:
            continue
        try:
            key.public.verify(signature[4:], text.encode())
        except InvalidSignature as error:
            raise IntegrityError(f"the signature of '{key.name}' does not fit the note") from error
        signed = True
    if not signed:
        raise IntegrityError(f"the note is not signed by the key of '{key.name}'")
    return text


def sign_checkpoint(size: int, root: bytes, key: SigningKey) -> Checkpoint:
    """Signs the log's extent; the origin is the key's name.

    Args:
        size: number of leaves, >= 0.
        root: 32 bytes.
        key: the log's key.
    """
    if size < 0 or len(root) != HASH_BYTES:
        raise ValueError("a checkpoint has a size >= 0 and a root of 32 bytes")
    note = sign_note(f"{key.name}\n{size}\n{_base64(root)}\n", key)
    return Checkpoint(key.name, size, root.hex(), note)


def open_checkpoint(note: str, vkey: str) -> Checkpoint:
    """Reads a checkpoint whose signature by this key is right and whose origin is the key's name.

    Raises:
        IntegrityError: malformed, of another log, or not signed by this key.
        InputError: the vkey cannot be used.
    """
    text = open_note(note, vkey)
    origin, *rest = text[:-1].split("\n")
    if len(rest) < 2 or "" in rest or not re.fullmatch(r"0|[1-9][0-9]{0,15}", rest[0]):
        raise IntegrityError("the note is not a checkpoint")
    try:
        root = _unbase64(rest[1])
    except ValueError as error:
        raise IntegrityError(f"the checkpoint's root cannot be read: {error}") from error
    if len(root) != HASH_BYTES:
        raise IntegrityError("the checkpoint's root has not 32 bytes")
    if origin != read_vkey(vkey).name:
        raise IntegrityError(f"the checkpoint is of the log '{origin}', not of '{read_vkey(vkey).name}'")
    return Checkpoint(origin, int(rest[0]), root.hex(), note)
