"""The close as a document: canonical bytes out, a checked record in.

A record's own annotations say how it is read, so that a field that is added is read and checked without a line here. Reading
is strict: every field there, none more, each of its type (a boolean is no number), and the same canonical spelling again.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import types
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from endcredits.canonical import INTEGER_MAX, canonical_bytes
from endcredits.errors import IntegrityError
from endcredits.royalties.records import PeriodClose

T = TypeVar("T")


def close_document(close: PeriodClose) -> str:
    """The canonical JSON text of a close (RFC 8785)."""
    return canonical_bytes(close).decode()


def parse_close(document: str | bytes) -> PeriodClose:
    """Reads a close back; `close_document` of the result is the document again.

    Args:
        document: canonical JSON (RFC 8785).

    Raises:
        IntegrityError: not JSON, a field missing, unknown or of a wrong type, or not in canonical spelling.
    """
    try:
        close = record_of(PeriodClose, json.loads(document))
        text = document.decode() if isinstance(document, bytes) else document
        if close_document(close) != text:
            raise ValueError("its spelling is not canonical")
    except (ValueError, TypeError, RecursionError) as error:
        raise _refuse(str(error)) from error
    return close


def record_of(kind: type[T], plain: Any) -> T:
    """A frozen record from plain data.

    Args:
        kind: a dataclass of texts, whole numbers, booleans, tuples and such dataclasses.
        plain: as `canonical.to_plain` makes it.

    Raises:
        TypeError: something of another shape; says what and where.
    """
    record: Any = kind
    found: T = _record_reader(record)(plain)
    return found


Reader = Callable[[Any], Any]
"""Reads one value, or refuses it with a TypeError that says where it stands."""


@functools.cache
def _record_reader(kind: Any) -> Reader:
    """Made once for each record, because looking through annotations costs more than all the reading."""
    known = get_type_hints(kind)
    # What a field holds is looked up when it is first read: records may hold records of their own kind.
    fields = {one.name: (known[one.name], f"{kind.__name__}.{one.name}") for one in dataclasses.fields(kind)}

    def read(plain: Any) -> Any:
        if not isinstance(plain, Mapping):
            raise TypeError(f"a {kind.__name__} is not an object")
        if plain.keys() != fields.keys():
            odd = sorted(map(str, plain.keys() ^ fields.keys()))
            raise TypeError(f"a {kind.__name__} has other fields ({', '.join(odd)[:100]})")
        return kind(**{name: _reader(hint, where)(plain[name]) for name, (hint, where) in fields.items()})

    return read


@functools.cache
def _reader(annotation: Any, where: str) -> Reader:
    hint: Any = getattr(annotation, "__supertype__", annotation)  # a NewType such as WorkId
    if get_origin(hint) in (types.UnionType, Union):
        inner = _reader(get_args(hint)[0], where)
        return lambda plain: None if plain is None else inner(plain)
    if get_origin(hint) is tuple:
        return _tuple_reader(get_args(hint), where)
    record: Any = hint
    if dataclasses.is_dataclass(hint):
        return _record_reader(record)

    def read(plain: Any) -> Any:
        if type(plain) is not hint:
            raise TypeError(f"{where} is {type(plain).__name__}, not {hint.__name__}")
        if hint is int and not -INTEGER_MAX <= plain <= INTEGER_MAX:
            raise TypeError(f"{where} is beyond what a document can hold")
        return plain

    return read


def _tuple_reader(each: tuple[Any, ...], where: str) -> Reader:
    many = each[-1] is Ellipsis
    readers = [_reader(one, where) for one in each if one is not Ellipsis]

    def read(plain: Any) -> Any:
        if not isinstance(plain, list):
            raise TypeError(f"{where} is not a list")
        if many:
            return tuple(map(readers[0], plain))
        if len(readers) != len(plain):
            raise TypeError(f"{where} has {len(plain)} entries, not {len(readers)}")
        return tuple(one(item) for one, item in zip(readers, plain, strict=True))

    return read


def _refuse(why: str) -> IntegrityError:
    return IntegrityError(f"the document is not a period's close ({why})", remedy="Restore it from your last copy.")
