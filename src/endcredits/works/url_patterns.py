"""Patterns of addresses: `https://a.example/photos/*` fits all that lies below; `*` fits any characters, also none.

One site a pattern: a no to a site cannot be mistaken for a no to another, and the registry finds all statements about a site
at once. Addresses and patterns are kept in their normal form (RFC 3986 section 6.2), so that a no is heard however either
was written: small letters in scheme and host, no default port, one spelling of each percent code, no dot segments, no
fragment. In the path capitals count.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote

from endcredits.errors import InputError

LENGTH_MAX = 2000
"""Characters of an address or pattern."""

_PARTS = re.compile(r"(https?)://([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?", re.IGNORECASE | re.DOTALL)
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\s\[\]@*:\\%]+)(?::([0-9]*))?", re.IGNORECASE)
_PORTS = {"http": "80", "https": "443"}
_CODE = re.compile("%([0-9a-fA-F]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_AS_IT_IS = "/%?&;:@=+$,!'()*~-._[]|^`{}\"<>\\"


def normal(url: str) -> str:
    """The one spelling of an address or pattern.

    >>> normal("HTTPS://A.example.:443/%7Eada/./x/../photos/%c3%a9.jpg#top")
    'https://a.example/~ada/photos/%C3%A9.jpg'

    Raises:
        InputError: the host is missing or holds a `*`, the scheme is neither http nor https, or it is longer than
            `LENGTH_MAX`.
    """
    found = _PARTS.fullmatch(url.strip())
    place = _HOST.fullmatch(found[2]) if found else None
    if found is None or place is None or len(url) > LENGTH_MAX:
        raise _refused(url)
    scheme, host = found[1].lower(), place[1].rstrip(".").lower()
    try:
        host = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        raise _refused(url) from None
    if not host:
        raise _refused(url)
    port = "" if place[2] in (None, "", _PORTS[scheme]) else f":{place[2]}"
    whole = f"{scheme}://{host}{port}{_without_dots(_coded(found[3]))}{_coded(found[4] or '')}"
    if len(whole) > LENGTH_MAX:
        raise _refused(url)
    return whole


def _refused(url: str) -> InputError:
    return InputError(
        f"{url[:200]!a} is not a pattern of addresses",
        remedy="Write scheme, host and path: https://a.example/photos/*",
        field="subject",
    )


def _coded(text: str) -> str:
    """Percent codes of letters that need none are undone, all others in capitals; what needs a code has one."""

    def one(code: re.Match[str]) -> str:
        letter = chr(int(code[1], 16))
        return letter if letter in _UNRESERVED else code[0].upper()

    return quote(_CODE.sub(one, text), safe=_AS_IT_IS, errors="replace")


def _without_dots(path: str) -> str:
    """A path without its `.` and `..` segments (RFC 3986 section 5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for number, segment in enumerate(segments):
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
        if segment in (".", "..") and number == len(segments) - 1:
            kept.append("")
    return "/" + "/".join(kept)


def site_of(url: str) -> str:
    """Scheme, host and port of an address or pattern in its normal form.

    >>> site_of("https://a.example/Photos/*")
    'https://a.example'
    """
    scheme, _, after = url.partition("://")
    return f"{scheme}://{after.partition('/')[0]}".lower()


def check_pattern(pattern: str) -> None:
    """Refuses a pattern that names no site; see `normal`.

    Raises:
        InputError: it is none.
    """
    normal(pattern)


def fits(pattern: str, url: str) -> bool:
    """Whether an address is one of a pattern's; both in their normal form.

    >>> fits("https://a.example/photos/*", "https://a.example/photos/cat.jpg")
    True
    >>> fits("https://a.example/photos/", "https://a.example/photos/cat.jpg")
    False
    """
    if site_of(pattern) != site_of(url):
        return False
    first, *others = _pieces(pattern)
    path = _path(url)
    if not others:
        return path == first
    *middle, last = others
    if not path.startswith(first):
        return False
    place = len(first)
    for piece in middle:  # each at its first place: a later one could only leave less for those behind it
        place = path.find(piece, place)
        if place < 0:
            return False
        place += len(piece)
    return path.endswith(last) and len(path) - len(last) >= place


def overlap(one: str, other: str) -> bool:
    """Whether some address fits both patterns; both in their normal form. Takes steps as the product of their lengths.

    >>> overlap("https://a.example/photos/*", "https://a.example/*.jpg")
    True
    >>> overlap("https://a.example/photos/*", "https://a.example/books/*")
    False
    """
    if site_of(one) != site_of(other):
        return False
    mine, others = _path(one), _path(other)
    # reached[k]: some text fits the part of `mine` read so far and the first k characters of `others`.
    reached = [True] + [False] * len(others)
    for place, letter in enumerate(others):
        reached[place + 1] = reached[place] and letter == "*"
    for own in mine:
        before, reached = reached, [reached[0] and own == "*"] + [False] * len(others)
        for place, letter in enumerate(others):
            if own == "*" or letter == "*":
                # A star is over, or it takes what the other side says next.
                reached[place + 1] = before[place + 1] or reached[place]
            else:
                reached[place + 1] = before[place] and own == letter
    return reached[-1]


@lru_cache(maxsize=4096)
def _pieces(pattern: str) -> tuple[str, ...]:
    """What stands between the stars of a pattern's path."""
    return tuple(_path(pattern).split("*"))


def _path(url: str) -> str:
    after = url.partition("://")[2]
    return "/" + after.partition("/")[2]
