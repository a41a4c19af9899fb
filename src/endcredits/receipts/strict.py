"""Reading documents of proof strictly: JSON that has one spelling, and not one byte besides.

Whatever is committed to or handed out is RFC 8785 JSON. A reader that is kind to other spellings lets two people see two
documents in one file (a key that stands twice, a number that one program rounds), so here everything that is not the one
spelling is refused, in time and memory that the file's own length bounds.
"""

from __future__ import annotations

import json
import re
from typing import Any

from endcredits.canonical import canonical_bytes
from endcredits.errors import EndcreditsError, InputError

_HEX64 = re.compile(r"[0-9a-f]{64}")


def read_strict(data: bytes, what: str) -> Any:
    """The document that these bytes are the canonical spelling of.

    Args:
        data: the bytes, without a final newline.
        what: what it is, for the error ("the entry").

    Raises:
        InputError: not JSON in UTF-8, a key twice in one object, a number that is not whole or beyond 2**53 - 1, nested too
            deeply, or spelt in another way than RFC 8785 spells it.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise InputError(f"{what} has a key twice in one object")
        return found

    def no_float(text: str) -> Any:
        raise InputError(f"{what} holds the number {text[:30]}, which is not whole")

    try:
        text = data.decode("utf-8")
        document = json.loads(text, object_pairs_hook=unique, parse_float=no_float, parse_constant=no_float)
        spelling = canonical_bytes(document)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{what} is not JSON in UTF-8") from error
    except EndcreditsError as error:
        raise InputError(error.message) from error
    if spelling != data:
        raise InputError(f"{what} is not canonical JSON (RFC 8785)")
    return document


def is_hash(value: Any) -> bool:
    """Whether a value is the 64 small hex digits of 32 bytes."""
    return isinstance(value, str) and _HEX64.fullmatch(value) is not None
