"""What the log says in public about a document: a salted commitment, and no name in plain words.

A leaf is RFC 8785 JSON with five keys: `commit` is SHA-256(32-byte random salt || canonical body), `subject` says which
receipt, `time` when (the operator's clock), `type` what kind, `v` the format. The salt keeps outsiders from guessing a
body and checking the guess. The subject is either the receipt's id itself, for ids that say nothing by themselves, or
`sha256:` and the SHA-256 of the id.

The salt does not cover the subject. An output's id is a digest of its text, its prompt and the index's digest: whoever
knows the index's digest and guesses the text can confirm the guess by the id, and whoever guesses a hidden id can
confirm it by its SHA-256. Erasing a receipt and its salt removes the content, and not that possibility.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

from endcredits.canonical import canonical_bytes, sha256_bytes
from endcredits.errors import InputError
from endcredits.ids import plain_id
from endcredits.receipts import verify

LEAF_BYTES_MAX = 4096
SALT_BYTES = 32
HASHED = "sha256:"
"""Begins a subject that hides the receipt's id; no receipt id may begin with it."""

_TYPE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_KEYS = {"commit", "subject", "time", "type", "v"}


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry of the log.

    Attributes:
        commit: SHA-256(salt || canonical body), 64 hex digits.
        subject: the receipt's id or `subject_of` it.
        time: UTC, such as 2026-11-20T12:00:00Z.
        type: such as "run.receipt".
        v: format version, 1.
    """

    commit: str
    subject: str
    time: str
    type: str
    v: int = 1


def subject_of(receipt_id: str) -> str:
    """The subject that hides a receipt's id.

    >>> subject_of("period:2026-11")[:15]
    'sha256:be6f5304'
    """
    return HASHED + sha256_bytes(receipt_id.encode())


def commitment(salt: bytes, body: bytes) -> str:
    """SHA-256(salt || canonical body), 64 hex digits."""
    return hashlib.sha256(salt + body).hexdigest()


def is_utc(text: str) -> bool:
    """Whether a text is a UTC time to the second, such as 2026-11-20T12:00:00Z."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def leaf_bytes(leaf: Leaf) -> bytes:
    """The canonical bytes that are hashed into the tree."""
    return canonical_bytes(leaf)


def parse_leaf(data: bytes) -> Leaf:
    """Reads and checks one entry.

    Raises:
        InputError: not canonical JSON with exactly the five keys, each well-formed, in at most 4096 bytes.
    """
    if len(data) > LEAF_BYTES_MAX:
        raise InputError(f"the entry has {len(data)} bytes and may have {LEAF_BYTES_MAX}")
    try:
        document = verify.read_json(data)
        canonical = verify.canonical(document)
    except verify.Refused as error:
        raise InputError(f"the entry is not strict JSON: {error}") from error
    if canonical != data:
        raise InputError("the entry is not canonical JSON (RFC 8785)")
    if not isinstance(document, dict) or set(document) != _KEYS:
        raise InputError(f"the entry has not exactly the keys {', '.join(sorted(_KEYS))}")
    if document["v"] is True or document["v"] != 1:
        raise InputError("the entry's version is not 1", field="v")
    for key in ("commit", "subject", "time", "type"):
        if not isinstance(document[key], str):
            raise InputError("the value is not text", field=key)
    if not re.fullmatch(r"[0-9a-f]{64}", document["commit"]):
        raise InputError("the commitment has not 64 hex digits", field="commit")
    if not _TYPE.fullmatch(document["type"]):
        raise InputError(
            f"'{document['type'][:60]}' cannot be a type",
            remedy="Use 1 to 64 small letters, digits and . _ -, such as run.receipt.",
            field="type",
        )
    if not is_utc(document["time"]):
        raise InputError(
            f"'{document['time'][:60]}' is not a UTC time", remedy="Write it like 2026-11-20T12:00:00Z.", field="time"
        )
    return Leaf(document["commit"], plain_id(document["subject"], what="subject"), document["time"], document["type"])
