"""Patterns of addresses: `https://a.example/photos/*` fits all that lies below; `*` fits any characters, also none.

Scheme, host and port are written out and compared without regard to capitals; in the path capitals count. One site a
pattern: a no to a site cannot be mistaken for a no to another, and the registry finds all statements about a site at once.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit

from endcredits.errors import InputError

LENGTH_MAX = 2000
"""Characters of an address or pattern."""

_SITE = re.compile(r"https?://[^/*?#\s@]+", re.IGNORECASE)


def site_of(url: str) -> str:
    """Scheme, host and port of an address or pattern, in small letters.

    >>> site_of("https://A.example/Photos/*")
    'https://a.example'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".casefold()


def check_pattern(pattern: str) -> None:
    """Refuses a pattern that names no site.

    Raises:
        InputError: the host is missing or holds a `*`, the scheme is neither http nor https, a character is not ASCII (an
            address writes it with %), or it is longer than `LENGTH_MAX`.
    """
    found = _SITE.match(pattern)
    rest = pattern[found.end() :] if found else ""
    if found is None or (rest and not rest.startswith("/")) or not pattern.isascii() or len(pattern) > LENGTH_MAX:
        raise InputError(
            f"'{pattern}' is not a pattern of addresses",
            remedy="Write scheme, host and path: https://a.example/photos/*",
            field="subject",
        )


def fits(pattern: str, url: str) -> bool:
    """Whether an address is one of a pattern's.

    >>> fits("https://a.example/photos/*", "https://A.example/photos/cat.jpg")
    True
    >>> fits("https://a.example/photos/", "https://a.example/photos/cat.jpg")
    False
    """
    return site_of(pattern) == site_of(url) and _expression(pattern).fullmatch(_path(url)) is not None


@lru_cache(maxsize=4096)
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in _path(pattern).split("*")), re.DOTALL)


def _path(url: str) -> str:
    after = url.partition("://")[2]
    return "/" + after.partition("/")[2]
