"""The canonical bytes of statements, quickly.

`endcredits.canonical` spells a document value by value in Python, which is right for every document and takes
milliseconds for a statement with a few hundred lines. Statements are simpler than documents in general: records of
ASCII field names that hold texts, whole numbers and more records. For these Python's own JSON encoder (in C) writes the
same bytes as RFC 8785 asks for: keys in ASCII order, no spaces, the same short escapes, nothing else escaped. Whatever
is not that simple goes the slow way, which also words the error. The tests compare both.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import operator
from collections.abc import Callable
from typing import Any

from endcredits.canonical import INTEGER_MAX, canonical_bytes


class _SlowWayError(Exception):
    """Something that only the slow way can judge."""


@functools.cache
def _reader(kind: type) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    names = tuple(field.name for field in dataclasses.fields(kind))
    read = operator.attrgetter(*names)
    return names, read if len(names) > 1 else lambda value: (read(value),)


def _plain(value: Any) -> dict[str, Any]:
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        raise _SlowWayError
    names, read = _reader(type(value))
    values = read(value)
    for one in values:
        kind = type(one)
        if kind is int:
            if not -INTEGER_MAX <= one <= INTEGER_MAX:
                raise _SlowWayError
        elif kind is not str and kind is not tuple and kind is not bool and not dataclasses.is_dataclass(kind):
            raise _SlowWayError
        elif kind is tuple:
            _check_items(one)
    return dict(zip(names, values, strict=True))


def _check_items(items: tuple[Any, ...]) -> None:
    for item in items:
        if type(item) is tuple:
            _check_items(item)
        elif type(item) is not str and not dataclasses.is_dataclass(item):
            raise _SlowWayError


_ENCODER = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, check_circular=False, default=_plain
)


def fast_canonical(value: Any) -> bytes:
    """The bytes of `canonical_bytes` for a record, or a list or tuple of records.

    Raises:
        InputError: what `canonical_bytes` refuses.
    """
    try:
        if isinstance(value, (list, tuple)):
            _check_items(tuple(value))
        elif not dataclasses.is_dataclass(value):
            raise _SlowWayError
        return _ENCODER.encode(value).encode()
    except (_SlowWayError, UnicodeEncodeError):
        return canonical_bytes(value)


def fast_digest(value: Any) -> str:
    """SHA-256 of these bytes, 64 hex digits."""
    return hashlib.sha256(fast_canonical(value)).hexdigest()
