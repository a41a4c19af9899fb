"""What the log says in public about a document: two salted digests, a kind and a time, and no name in plain words.

A leaf is RFC 8785 JSON with five keys: `commit` is SHA-256(32-byte random salt || canonical body), `subject` is
SHA-256(salt || the receipt's id), `time` says when (the operator's clock), `type` what kind, `v` the format. One salt covers
both digests, so that whoever lacks it can confirm neither a guess of the body nor one of the id, and whoever erases body and
salt erases the person: what stays in the log is noise to everybody, the operator included.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

from endcredits.canonical import canonical_bytes
from endcredits.errors import InputError
from endcredits.receipts.strict import is_hash, read_strict

LEAF_BYTES_MAX = 4096
SALT_BYTES = 32
VERSION = 2

_TYPE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_KEYS = {"commit", "subject", "time", "type", "v"}


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry of the log.

    Attributes:
        commit: `commitment` to the body, 64 hex digits.
        subject: `subject_of` the receipt's id, 64 hex digits.
        time: UTC, such as 2026-11-20T12:00:00Z.
        type: such as "run.receipt".
        v: format version, 2.
    """

    commit: str
    subject: str
    time: str
    type: str
    v: int = VERSION


def commitment(salt: bytes, body: bytes) -> str:
    """SHA-256(salt || canonical body), 64 hex digits."""
    return hashlib.sha256(salt + body).hexdigest()


def subject_of(salt: bytes, receipt_id: str) -> str:
    """SHA-256(salt || the receipt's id in UTF-8), 64 hex digits.

    >>> subject_of(bytes(32), "period:2026-11")[:8]
    '5faa710f'
    """
    return hashlib.sha256(salt + receipt_id.encode()).hexdigest()


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
    document = read_strict(data, "the entry")
    if not isinstance(document, dict) or set(document) != _KEYS:
        raise InputError(f"the entry has not exactly the keys {', '.join(sorted(_KEYS))}")
    if document["v"] is True or document["v"] != VERSION:
        raise InputError(f"the entry's version is not {VERSION}", field="v")
    for key in ("commit", "subject"):
        if not is_hash(document[key]):
            raise InputError("the digest has not 64 hex digits", field=key)
    for key in ("time", "type"):
        if not isinstance(document[key], str):
            raise InputError("the value is not text", field=key)
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
    return Leaf(document["commit"], document["subject"], document["time"], document["type"])
