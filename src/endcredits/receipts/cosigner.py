"""Keys of logs and witnesses, and the one line in which a public key travels (the *vkey* of C2SP signed-note).

A vkey reads `name+key id+base64(kind || public key)`; the key id is SHA-256(name || newline || kind || public key)[:4],
eight hex digits. The kind says what is signed and how: 0x01 the log's own Ed25519, 0x04 an Ed25519 cosigner, 0x06
ML-DSA-44, which is safe against quantum computers. The same bytes under another kind are another key.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from endcredits.errors import InputError
from endcredits.receipts.keys import PrivateKey, read_private, save_key, to_base64, unbase64

PLAIN_ED25519, ED25519, MLDSA44 = 0x01, 0x04, 0x06
PUBLIC_BYTES = {PLAIN_ED25519: 32, ED25519: 32, MLDSA44: 1312}
KINDS = {PLAIN_ED25519: "Ed25519", ED25519: "Ed25519 cosignature", MLDSA44: "ML-DSA-44 cosignature"}
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Key:
    """A public key of a log or a witness.

    Attributes:
        name: whose it is; without spaces, control characters and "+", at most 255 bytes.
        kind: 0x01 a log's Ed25519, 0x04 an Ed25519 cosigner's, 0x06 ML-DSA-44.
        public: 32 or 1,312 bytes.
    """

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """SHA-256(name || newline || kind || public)[:4], by which signature lines are found."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        """The key as one line, as it is handed out."""
        return f"{self.name}+{self.key_id.hex()}+{to_base64(bytes([self.kind]) + self.public)}"


@dataclass(frozen=True, slots=True)
class CosigningKey:
    """A witness's private key.

    Attributes:
        name: the witness's name, such as "witness.example/w1".
        private: Ed25519 or ML-DSA-44; never printed.
    """

    name: str
    private: PrivateKey = field(repr=False)

    @property
    def key(self) -> Key:
        """The public half."""
        kind = ED25519 if isinstance(self.private, Ed25519PrivateKey) else MLDSA44
        return Key(self.name, kind, self.private.public_key().public_bytes_raw())


def check_name(name: str) -> str:
    """A name that notes can carry.

    Raises:
        InputError: it is empty, longer than 255 bytes, or holds a space, a control character or "+".
    """
    if not _NAME.fullmatch(name) or len(name.encode("utf-8", "replace")) > 255:
        raise InputError(
            f"'{name[:60]}' cannot be the name of a log or witness",
            remedy="Use letters, digits and punctuation without spaces or '+', such as witness.example/w1.",
            field="name",
        )
    return name


def read_key(vkey: str) -> Key:
    """Reads a vkey line (without its newline) of any of the three kinds.

    Raises:
        InputError: not a vkey, of a kind that is not known here, or its key id does not fit.
    """
    remedy = "It reads name+8 hex digits+base64; copy the whole line."
    name, _, rest = vkey.partition("+")
    key_id, _, encoded = rest.partition("+")
    try:
        data = unbase64(encoded)
        check_name(name)
        kind = data[0]
    except (ValueError, IndexError, InputError) as error:
        raise InputError("it is not a vkey", remedy=remedy, field="vkey") from error
    if kind not in PUBLIC_BYTES or len(data) != 1 + PUBLIC_BYTES[kind]:
        raise InputError(
            "the vkey is of a kind of key that is not known here",
            remedy="Use Ed25519 (types 1 and 4) or ML-DSA-44 (type 6).",
            field="vkey",
        )
    key = Key(name, kind, data[1:])
    if key.key_id.hex() != key_id:
        raise InputError("the vkey's key id does not fit its name and key", remedy=remedy, field="vkey")
    return key


def make_cosigning_key(path: str | os.PathLike[str], name: str, kind: int = ED25519) -> CosigningKey:
    """Makes a witness's key and saves it as PKCS8 PEM, readable by the owner only.

    Args:
        path: where; there must be nothing yet.
        name: the witness's name.
        kind: `ED25519` (0x04) or `MLDSA44` (0x06).

    Raises:
        ConflictError: there is a file already.
        InputError: not a name for a witness.
        MachineError: it cannot be written.
    """
    private = Ed25519PrivateKey.generate() if kind == ED25519 else MLDSA44PrivateKey.generate()
    key = CosigningKey(check_name(name), private)
    save_key(path, private)
    return key


def load_cosigning_key(path: str | os.PathLike[str], name: str) -> CosigningKey:
    """Reads a key that `make_cosigning_key` saved.

    Raises:
        NotFoundError: there is no such file.
        InputError: it is not an Ed25519 or ML-DSA-44 key without a passphrase.
        MachineError: it cannot be read.
    """
    remedy = "Copy it back from your backup, or make a new witness: this one cannot go on without."
    return CosigningKey(check_name(name), read_private(path, "witness", remedy))
