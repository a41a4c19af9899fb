"""The close as a document: canonical bytes out, a checked record in."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from endcredits.canonical import canonical_bytes
from endcredits.errors import IntegrityError
from endcredits.royalties.records import PartyAllocation, PeriodClose, Policy, Pool, WorkAllocation

T = TypeVar("T")

WHOLE_NUMBERS = ("outputs", "events")
"""Fields that hold whole numbers beside those ending in `_micros` and `_ppb`."""


def close_document(close: PeriodClose) -> str:
    """The canonical JSON text of a close."""
    return canonical_bytes(close).decode()


def parse_close(document: str | bytes) -> PeriodClose:
    """Reads a close back; `close_document` of the result is the document again.

    Args:
        document: canonical JSON (RFC 8785).

    Raises:
        IntegrityError: not JSON, a field missing, unknown or of a wrong type, or not in canonical spelling.
    """
    try:
        close = _record(PeriodClose, json.loads(document), policy=_policy, pools=_many(_pool))
    except (ValueError, TypeError, RecursionError) as error:
        raise _refuse(str(error)) from error
    text = document.decode() if isinstance(document, bytes) else document
    if close_document(close) != text:
        raise _refuse("its spelling is not canonical")
    return close


def _refuse(why: str) -> IntegrityError:
    return IntegrityError(f"the document is not a period's close ({why})", remedy="Restore it from your last copy.")


def _record(kind: type[T], plain: Any, **readers: Callable[[Any], object]) -> T:
    if not isinstance(plain, Mapping):
        raise TypeError(f"a {kind.__name__} is not an object")
    names = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    if set(names) != set(plain):
        raise TypeError(f"a {kind.__name__} has other fields")
    values = {name: readers[name](plain[name]) if name in readers else _scalar(name, plain[name]) for name in names}
    return kind(**values)


def _scalar(name: str, value: Any) -> object:
    if name.endswith(("_micros", "_ppb")) or name in WHOLE_NUMBERS:
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name} is not a whole number")
    elif not isinstance(value, str) and not (name == "party_id" and value is None):
        raise TypeError(f"{name} is not a text")
    return value


def _many(reader: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    def read(plain: Any) -> tuple[T, ...]:
        if not isinstance(plain, list):
            raise TypeError("a list is something else")
        return tuple(reader(item) for item in plain)

    return read


def _policy(plain: Any) -> Policy:
    return _record(Policy, plain)


def _pool(plain: Any) -> Pool:
    return _record(Pool, plain, works=_many(_work), parties=_many(_party))


def _work(plain: Any) -> WorkAllocation:
    return _record(WorkAllocation, plain)


def _party(plain: Any) -> PartyAllocation:
    return _record(PartyAllocation, plain)
