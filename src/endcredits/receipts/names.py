"""The names of receipts' files: one for every id, safe on every disk.

A name is the id with everything but small letters, digits and . _ - written as %xx, so that no two ids share a file, not
even where file names ignore case.
"""

from __future__ import annotations

import os
from pathlib import Path

from endcredits.canonical import sha256_bytes
from endcredits.ids import plain_id

PENDING = "pending"
NAME_MAX = 180
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")


def receipt_name(receipt_id: str) -> str:
    """A receipt's file name without `.json`: at most 180 small letters, digits and . _ - % ~, different for every id.

    >>> receipt_name("period:2026-11"), receipt_name("A@b")
    ('period%3a2026-11', '%41%40b')
    """
    name = "".join(letter if letter in _SAFE else f"%{ord(letter):02x}" for letter in receipt_id)
    return name if len(name) <= NAME_MAX else f"{name[:100]}~{sha256_bytes(receipt_id.encode())}"


def receipt_path(folder: str | os.PathLike[str], receipt_id: str) -> Path:
    """Where a receipt's file is, or would be."""
    return Path(folder) / f"{receipt_name(plain_id(receipt_id, what='receipt_id'))}.json"


def pending_path(folder: str | os.PathLike[str], receipt_id: str) -> Path:
    """Where the draft of a receipt waits for its place in the log."""
    return Path(folder) / PENDING / f"{receipt_name(plain_id(receipt_id, what='receipt_id'))}.json"
