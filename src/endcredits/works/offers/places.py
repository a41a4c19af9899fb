"""Addresses as patterns of robots.txt (RFC 9309), which tdmrep.json and RSL use, too: of one address and no other.

A pattern is a prefix unless it ends in `$`, and `*` fits anything; so an address is written with both of these and with
what would end it early (`#`, `=`, spaces) percent-encoded, and ends in `$`. A pattern that a person gave keeps its stars.
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from endcredits.errors import InputError
from endcredits.works.signals.patterns import PATTERN_LENGTH_MAX, path_within
from endcredits.works.url_patterns import check_pattern

_KEPT = "/%?&;:@!,'()+~-._"
"""What stands in a pattern as it is; a percent sign does, so that an address keeps its own encoding."""
TOO_LONG = f"its pattern has more than {PATTERN_LENGTH_MAX} characters, which readers cut off"


def site_root(url: str) -> str:
    """Scheme, host and port of an address, as it is written.

    >>> site_root("https://A.example:8080/photos/cat.jpg")
    'https://A.example:8080'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def exact(url: str) -> str:
    """The pattern that fits one address alone.

    >>> exact("https://a.example/photos/cat.jpg?size=1"), exact("https://a.example/a*b$")
    ('/photos/cat.jpg?size%3D1$', '/a%2Ab%24$')
    """
    return f"{quote(path_within(url), safe=_KEPT)}$"


def given(url: str) -> str:
    """The pattern that a person means: `/photos/*` and `/photos/` are all that lies below, anything else is one address.

    >>> given("https://a.example/photos/*"), given("https://a.example/"), given("https://a.example/cat.jpg")
    ('/photos/*', '/', '/cat.jpg$')
    """
    path = path_within(url)
    if "*" not in path and not path.endswith("/"):
        return exact(url)
    pattern = "*".join(quote(piece, safe=_KEPT) for piece in path.split("*"))
    return pattern if pattern.endswith(("*", "/")) else f"{pattern}$"


def check_address(url: str, field: str) -> str:
    """An absolute address that fits into a header, a line and an attribute.

    Raises:
        InputError: it is none, or holds a space, a quote, a bracket or a control character.
    """
    bad = not url.isascii() or any(letter <= " " or letter in "\"'<>\\^`{|}*\x7f" for letter in url)
    try:
        check_pattern(url)
    except InputError:
        bad = True
    if bad:
        raise InputError(
            f"{url[:80]!a} is not an absolute address", remedy="Write it out: https://a.example/terms", field=field
        )
    return url
