"""A log's keys: the private one in a file for the owner only, the public one as a line that travels.

The public key's line is the *vkey* of C2SP signed-note: `name+hex key id+base64(type || public key)`, where the key id
is SHA-256(name || newline || type || public key)[:4]. The name is the log's origin. Two types sign logs here:

- 0x01, Ed25519, which every checkpoint carries: whoever reads signed notes can verify it;
- 0x06, ML-DSA-44 (FIPS 204), a second line for logs whose proofs must outlast quantum computers. tlog-checkpoint names
  it as what logs should use; public logs must carry Ed25519 too.

That is what the standards fix. What we chose: private keys are PKCS8 PEM without a passphrase, mode 0600; the name of a
log is printable ASCII of at most 200 characters; a log has one Ed25519 key, a second one only while the key is being
changed, and at most one of ML-DSA-44.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from endcredits import durable
from endcredits.errors import ConflictError, InputError, NotFoundError

PrivateKey = Ed25519PrivateKey | MLDSA44PrivateKey
ED25519, MLDSA44 = b"\x01", b"\x06"
_NAMES = {ED25519: "Ed25519", MLDSA44: "ML-DSA-44"}
_PUBLIC_BYTES = {ED25519: 32, MLDSA44: 1312}
_NAME = re.compile(r"[!-*,-~]{1,200}")  # printable ASCII without space and plus
KEY_FILE, NEXT_KEY, OLD_KEY, MLDSA_KEY = "log.key", "log.next.key", "log.old.key", "log.ml-dsa.key"
OTHER_KEYS = (NEXT_KEY, OLD_KEY, MLDSA_KEY)
VKEY_CHARACTERS_MAX = 2200
"""A name, and the longest key in base64."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A log's private key.

    Attributes:
        name: the log's origin, such as "studio.example/endcredits/log"; printable ASCII, no space, no plus.
        private: Ed25519 or ML-DSA-44; never printed.
    """

    name: str
    private: PrivateKey = field(repr=False)

    @property
    def kind(self) -> bytes:
        """Its type's byte, `ED25519` or `MLDSA44`."""
        return ED25519 if isinstance(self.private, Ed25519PrivateKey) else MLDSA44

    @property
    def public(self) -> bytes:
        """The public key, 32 or 1,312 bytes."""
        return self.private.public_key().public_bytes_raw()

    @property
    def key_id(self) -> bytes:
        """Four bytes that stand before its signatures."""
        return _key_id(self.name, self.kind, self.public)

    @property
    def vkey(self) -> str:
        """The public key as one line, for everybody who verifies."""
        return f"{self.name}+{self.key_id.hex()}+{to_base64(self.kind + self.public)}"


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """A vkey, read.

    Attributes:
        name: the log's origin.
        key_id: four bytes.
        kind: `ED25519` or `MLDSA44`.
        public: what verifies its signatures.
    """

    name: str
    key_id: bytes
    kind: bytes
    public: Ed25519PublicKey | MLDSA44PublicKey


def to_base64(data: bytes) -> str:
    """The one standard spelling."""
    return base64.b64encode(data).decode("ascii")


def unbase64(text: str) -> bytes:
    """Decodes the one standard spelling; ValueError for every other."""
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("it is not base64") from error
    if to_base64(data) != text:
        raise ValueError("it is not the standard spelling of base64")
    return data


def _key_id(name: str, kind: bytes, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + kind + public).digest()[:4]


def check_origin(name: str) -> str:
    """A name that a log can have.

    Raises:
        InputError: it is empty, too long, or holds something else than printable ASCII without spaces and "+".
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"'{name[:60]}' cannot be the name of a log",
            remedy="Use letters, digits and punctuation without spaces or '+', such as studio.example/endcredits/log.",
            field="origin",
        )
    return name


def make_keypair(path: str | os.PathLike[str], name: str, kind: bytes = ED25519) -> SigningKey:
    """Makes a new key and saves it as PKCS8 PEM, readable by the owner only.

    Args:
        path: where the private key is kept; there must be nothing yet.
        name: the log's origin.
        kind: `ED25519` or `MLDSA44`.

    Raises:
        ConflictError: there is a file already; a log's key is never replaced silently.
        InputError: not a name for a log.
        MachineError: it cannot be written.
    """
    private = Ed25519PrivateKey.generate() if kind == ED25519 else MLDSA44PrivateKey.generate()
    key = SigningKey(check_origin(name), private)
    save_key(path, private)
    return key


def save_key(path: str | os.PathLike[str], private: PrivateKey) -> None:
    """Saves a private key as PKCS8 PEM, readable by the owner only.

    Raises:
        ConflictError: there is a file already; a key is never replaced silently.
        MachineError: it cannot be written.
    """
    target = Path(path)
    if target.exists():
        raise ConflictError("there is a key already", remedy="Use it, or choose another place.", file=target)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    durable.write_atomic(target, pem, private=True)


def read_private(path: str | os.PathLike[str], whose: str, remedy: str) -> PrivateKey:
    """Reads a private key that `save_key` saved.

    Args:
        path: the file.
        whose: "log" or "witness", for the error.
        remedy: what to do when the file is gone.

    Raises:
        NotFoundError: there is no such file.
        InputError: it is not an Ed25519 or ML-DSA-44 key without a passphrase.
        MachineError: it cannot be read.
    """
    target = Path(path)
    try:
        private = load_pem_private_key(target.read_bytes(), password=None)
    except FileNotFoundError as error:
        raise NotFoundError(f"the {whose}'s private key is not here", remedy=remedy, file=target) from error
    except OSError as error:
        raise durable.machine_error(error, target) from error
    except (ValueError, TypeError) as error:
        raise InputError("it is not a private key in PEM without a passphrase", file=target) from error
    if not isinstance(private, (Ed25519PrivateKey, MLDSA44PrivateKey)):
        remedy = f"A {whose} signs with those."
        raise InputError("it is neither an Ed25519 nor an ML-DSA-44 key", remedy=remedy, file=target)
    return private


def load_key(path: str | os.PathLike[str], name: str) -> SigningKey:
    """Reads a private key that `make_keypair` saved.

    Raises:
        NotFoundError: there is no such file.
        InputError: it is not an Ed25519 or ML-DSA-44 key without a passphrase, or not a name for a log.
    """
    remedy = "Copy it back from your backup. Without it the studio can be read and checked, and its log takes no entry."
    return SigningKey(check_origin(name), read_private(path, "log", remedy))


def load_keys(folder: str | os.PathLike[str], name: str, vkeys: Sequence[str]) -> list[SigningKey]:
    """The private keys of a log that lie in a folder: `log.key`, and beside it those that its public keys know.

    While a key is being changed (`flows.log_keys`), the new one is `log.next.key`, later the old one `log.old.key`; a key of
    ML-DSA-44 is `log.ml-dsa.key`.

    Raises:
        NotFoundError: there is no `log.key`, and none takes its place.
        InputError: a file is not a key.
    """
    place = Path(folder)
    others = [load_key(path, name) for path in map(place.joinpath, OTHER_KEYS) if path.exists()]
    known = [key for key in others if key.vkey in vkeys]
    if not (place / KEY_FILE).exists() and any(key.vkey == vkeys[0] for key in known):
        return known
    return [load_key(place / KEY_FILE, name), *known]


def read_vkey(vkey: str) -> VerifyKey:
    """Reads a vkey line (without its newline).

    Raises:
        InputError: not a vkey of an Ed25519 or ML-DSA-44 key, or its key id does not fit.
    """
    remedy = "It reads name+8 hex digits+base64; copy the whole line from the log's file log.vkey."
    name, _, rest = vkey.partition("+")
    key_id, _, encoded = rest.partition("+")
    if len(vkey) > VKEY_CHARACTERS_MAX or not _NAME.fullmatch(name) or not re.fullmatch(r"[0-9a-f]{8}", key_id):
        raise InputError("it is not a vkey", remedy=remedy, field="vkey")
    try:
        data = unbase64(encoded)
    except ValueError as error:
        raise InputError(f"the vkey's key cannot be read: {error}", remedy=remedy, field="vkey") from error
    kind, public = data[:1], data[1:]
    if len(public) != _PUBLIC_BYTES.get(kind):
        raise InputError(f"the vkey is not of an {' or '.join(_NAMES.values())} key", remedy=remedy, field="vkey")
    if _key_id(name, kind, public).hex() != key_id:
        raise InputError("the vkey's key id does not fit its name and key", remedy=remedy, field="vkey")
    if kind == ED25519:
        return VerifyKey(name, bytes.fromhex(key_id), kind, Ed25519PublicKey.from_public_bytes(public))
    return VerifyKey(name, bytes.fromhex(key_id), kind, MLDSA44PublicKey.from_public_bytes(public))


def read_vkeys(text: str) -> tuple[str, ...]:
    """The vkeys of a file `log.vkey`, one a line, the newest Ed25519 key first.

    Raises:
        InputError: a line is not a vkey, they are of several logs, a line stands twice, or the first is not Ed25519.
    """
    lines = tuple(text.removesuffix("\n").split("\n"))
    keys = [read_vkey(line) for line in lines]
    if len({key.name for key in keys}) > 1 or len(set(lines)) < len(lines):
        raise InputError("the keys are of several logs, or one stands twice", field="vkey")
    if keys[0].kind != ED25519:
        raise InputError("the first key is not an Ed25519 key", field="vkey")
    return lines
