"""One spelling for every document, so that equal documents have equal digests.

Documents are RFC 8785 (JSON Canonicalization Scheme) bytes; a digest is the SHA-256 of those bytes, in hex. Documents
hold strings, integers within +-(2**53 - 1), booleans, null, lists and objects. Floats are refused: two programs may
print one float in two ways, and a number that decides money must not depend on that. Quantities are integers in a unit
that the name ends with (`_micros`, `_ppb`, `_nanonats`); integers that may grow past 2**53 travel as decimal strings.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import rfc8785

from endcredits.errors import InputError

INTEGER_MAX = 2**53 - 1
"""Largest integer that every JSON reader keeps exactly (RFC 8785 section 3.2.2.3, RFC 7493)."""


def to_plain(value: Any, *, where: str = "document") -> Any:
    """Turns records into JSON-ready data: dataclasses to objects, tuples to lists.

    Args:
        value: a frozen record, mapping, sequence or scalar.
        where: the path to `value`, named in errors.

    Raises:
        InputError: a float, a key that is not a string, an integer beyond 2**53 - 1, half a character (a lone
            surrogate), or a type without one spelling.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _checked_text(value, where)
    if isinstance(value, int):
        if abs(value) > INTEGER_MAX:
            raise InputError(
                f"{where} holds the integer {value}, beyond +-(2**53 - 1), which JSON readers do not keep exactly",
                remedy="Store it as a decimal string.",
            )
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: to_plain(getattr(value, field.name), where=f"{where}.{field.name}")
            for field in dataclasses.fields(value)
        }
    if isinstance(value, Mapping):
        plain = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise InputError(f"{where} has the key {key!r}, which is not text")
            plain[_checked_text(key, where)] = to_plain(item, where=f"{where}.{key}")
        return plain
    if isinstance(value, (list, tuple)):
        return [to_plain(item, where=f"{where}[{number}]") for number, item in enumerate(value)]
    if isinstance(value, float):
        raise InputError(
            f"{where} is the float {value!r}, and floats have no single spelling",
            remedy="Store an integer in a named unit, such as _micros, _ppb or _nanonats.",
        )
    raise InputError(f"{where} is a {type(value).__name__}, which a document cannot hold")


def _checked_text(text: str, where: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{where} holds half a character ({text[error.start]!r}, a lone surrogate), which cannot be written",
            remedy="Read the source again with its right encoding.",
        ) from error
    return text


def canonical_bytes(value: Any) -> bytes:
    """The RFC 8785 bytes of a record or plain document.

    >>> canonical_bytes({"b": [1, True], "a": "x"})
    b'{"a":"x","b":[1,true]}'
    """
    plain = to_plain(value)
    return rfc8785.dumps(plain)


def digest(value: Any) -> str:
    """SHA-256 of the canonical bytes, 64 hex digits.

    >>> digest({})[:16]
    '44136fa355b3678a'
    """
    return hashlib.sha256(canonical_bytes(value)).hexdigest()


def sha256_bytes(data: bytes) -> str:
    """SHA-256 of raw bytes, 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes, 64 hex digits.

    Raises:
        OSError: the file cannot be read.
    """
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
