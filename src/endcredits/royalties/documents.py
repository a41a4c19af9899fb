"""The close as a document: canonical bytes out, a checked record in.

A record's own annotations say how it is read, so that a field that is added is read and checked without a line here. Reading
is strict: every field there, none more, each of its type (a boolean is no number), and the same canonical spelling again.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import types
from collections.abc import Mapping
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from endcredits.canonical import canonical_bytes
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
    if not isinstance(plain, Mapping):
        raise TypeError(f"a {kind.__name__} is not an object")
    record: Any = kind
    hints = _hints(record)
    if set(hints) != set(plain):
        odd = sorted(set(hints) ^ set(plain))
        raise TypeError(f"a {kind.__name__} has other fields ({', '.join(odd)[:100]})")
    return kind(**{name: _value(hint, plain[name], f"{kind.__name__}.{name}") for name, hint in hints.items()})


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    known = get_type_hints(kind)
    return {field.name: known[field.name] for field in dataclasses.fields(kind)}


def _value(hint: Any, plain: Any, where: str) -> Any:
    hint = getattr(hint, "__supertype__", hint)  # a NewType such as WorkId
    if get_origin(hint) in (types.UnionType, Union):
        return None if plain is None else _value(get_args(hint)[0], plain, where)
    if get_origin(hint) is tuple:
        if not isinstance(plain, list):
            raise TypeError(f"{where} is not a list")
        each = get_args(hint)
        if each[-1] is Ellipsis:
            return tuple(_value(each[0], item, where) for item in plain)
        if len(each) != len(plain):
            raise TypeError(f"{where} has {len(plain)} entries, not {len(each)}")
        return tuple(_value(one, item, where) for one, item in zip(each, plain, strict=True))
    if dataclasses.is_dataclass(hint):
        return record_of(hint, plain)  # type: ignore[arg-type]
    if type(plain) is not hint:
        raise TypeError(f"{where} is {type(plain).__name__}, not {hint.__name__}")
    return plain


def _refuse(why: str) -> IntegrityError:
    return IntegrityError(f"the document is not a period's close ({why})", remedy="Restore it from your last copy.")
