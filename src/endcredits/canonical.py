"""One spelling for every document, so that equal documents have equal digests.

Documents are RFC 8785 (JSON Canonicalization Scheme) bytes; a digest is the SHA-256 of those bytes, in hex. Documents
hold strings, integers within +-(2**53 - 1), booleans, null, lists and objects. Floats are refused: two programs may
print one float in two ways, and a number that decides money must not depend on that. Quantities are integers in a unit
that the name ends with (`_micros`, `_ppb`, `_nanonats`); integers that may grow past 2**53 travel as decimal strings.

Two ways lead to the same bytes. `slow_bytes` spells any document value by value in Python and words what it refuses.
Nearly all documents are simpler than that: records, lists, and objects whose keys are ASCII. For these Python's own JSON
encoder, which is written in C, already writes what the standard asks for: no spaces, the same short escapes and nothing else
escaped, keys in the order of their code points, which for ASCII is the order of UTF-16. `canonical_bytes` looks whether a
document is so simple and goes that way, ten times as fast; the tests hold both against each other.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import operator
import os
from collections.abc import Callable, Mapping
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


def slow_bytes(value: Any) -> bytes:
    """What `canonical_bytes` returns, value by value; it words the errors.

    Raises:
        InputError: as `to_plain` says.
    """
    return rfc8785.dumps(to_plain(value))


class _NotSimpleError(Exception):
    """Something that only the slow way can spell or refuse."""


@functools.cache
def _reader(kind: type) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]] | None:
    """The names of a record's fields and how all are read at once; None for what is no record."""
    if not dataclasses.is_dataclass(kind):
        return None
    names = tuple(field.name for field in dataclasses.fields(kind))
    if len(names) > 1:
        return names, operator.attrgetter(*names)
    return names, lambda record: tuple(getattr(record, name) for name in names)


def _must_be_simple(values: Any) -> None:
    for value in values:
        kind: Any = type(value)
        if kind is str or value is None or kind is bool:
            continue
        if kind is int:
            if not -INTEGER_MAX <= value <= INTEGER_MAX:
                raise _NotSimpleError
        elif kind is dict:
            for key in value:
                if type(key) is not str or not key.isascii():
                    raise _NotSimpleError
            _must_be_simple(value.values())
        elif kind is list or kind is tuple:
            _must_be_simple(value)
        elif _reader(kind) is None:
            raise _NotSimpleError


def _fields(record: Any) -> dict[str, Any]:
    """A record as an object; the encoder asks for one when it meets what it does not know."""
    kind: Any = type(record)
    reader = _reader(kind)
    if reader is None:
        raise _NotSimpleError
    names, read = reader
    values = read(record)
    _must_be_simple(values)
    return dict(zip(names, values, strict=True))


_ENCODER = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, check_circular=False, default=_fields
)


def canonical_bytes(value: Any) -> bytes:
    """The RFC 8785 bytes of a record or plain document.

    Raises:
        InputError: as `to_plain` says.

    >>> canonical_bytes({"b": [1, True], "a": "x"})
    b'{"a":"x","b":[1,true]}'
    """
    try:
        _must_be_simple((value,))
        return _ENCODER.encode(value).encode()
    except (_NotSimpleError, UnicodeEncodeError):
        return slow_bytes(value)


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
