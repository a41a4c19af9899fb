"""JSON that means one thing: no key twice, no half characters, no depth beyond what can be read.

RFC 8259 leaves open what a repeated key means, and most readers silently keep the last; a "deny" followed by an "allow"
would be an allow. So such an object is refused, like everything else that could later fail far from its row.
"""

from __future__ import annotations

import json
from typing import Any


def read_json(text: str) -> Any:
    """The value that a JSON text holds.

    Raises:
        ValueError: not JSON, a key twice in one object, half a character (a lone surrogate), or nested too deeply.
    """
    try:
        value = json.loads(text, object_pairs_hook=_without_doubles)
        # Decoded text holds no lone surrogate itself; only an escape can bring one in.
        if "\\ud" in text.casefold():
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError("it holds half a character, a lone surrogate such as \\ud800") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return value


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"the key {key!a} stands there twice")
            seen.add(key)
    return found
