"""Path patterns of robots.txt (RFC 9309 section 2.2.3): a prefix, `*` for anything, `$` for the end.

Matched by looking for the pieces between stars one after another, which takes time proportional to the path times the
number of pieces; a regular expression made from a hostile pattern can take forever.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

PATTERN_LENGTH_MAX = 2_000
"""A longer pattern is cut; RFC 9309 expects far shorter ones."""

_KEPT = "/*$?&=;:@!,'()+~-._"


def normal(path: str) -> str:
    """A path with one spelling of percent-encoding, so that "/%7Ea" and "/~a" are the same."""
    return quote(unquote_to_bytes(path), safe=_KEPT)


def matches(pattern: str, path: str) -> bool:
    """Whether a pattern covers a path.

    >>> [matches(p, "/a/b.html") for p in ("/a", "/*.html$", "/a$", "", "*.html")]
    [True, True, False, False, True]

    Args:
        pattern: as written in the file; empty matches nothing.
        path: begins with "/".
    """
    pattern = re.sub(r"\*+", "*", pattern[:PATTERN_LENGTH_MAX])
    if not pattern:
        return False
    anchored = pattern.endswith("$")
    head, *rest = [normal(piece) if piece else "" for piece in pattern.removesuffix("$").split("*")]
    text = normal(path)
    if not text.startswith(head):
        return False
    if not rest:
        return not anchored or text == head
    at = len(head)
    for piece in rest[:-1]:
        at = text.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    last = rest[-1]
    if not anchored:
        return text.find(last, at) >= 0
    return len(text) - len(last) >= at and text.endswith(last)


def path_within(location: str) -> str:
    """The path of an address or of a path pattern: "https://a.example/x?y" gives "/x?y"."""
    found = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*(.*)", location, re.DOTALL)
    path = (found[1] if found else location).partition("#")[0]
    return path if path.startswith(("/", "*")) else f"/{path}"
