"""Which addresses may be asked at all, and what stands behind a name.

A list of addresses, a redirect and a name server are all somebody else's words. Any of them may point back into our own
network: to a router's page, a database without a password, or a cloud's metadata service that hands out keys. So

1. an address is http or https, on port 80 or 443 unless another is allowed, without a user name;
2. its name is resolved here, and if one of the numbers behind it is not public, none of them is asked;
3. the connection is made to the number that was checked, never to the name again: a name server that answers differently
   the second time (DNS rebinding) gains nothing.

All three are done anew for every address that a redirect points to.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

Number = ipaddress.IPv4Address | ipaddress.IPv6Address

URL_LENGTH_MAX = 8_000
"""Characters; RFC 9110 section 4.1 asks for 8,000 to be understood."""

_USUAL = {"http": 80, "https": 443}
_PATH_KEPT = "/%:=&~+!$,;'@()*-._"
_QUERY_KEPT = _PATH_KEPT + "?"
_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_.])?")

_NOT_FOR_US = tuple(
    ipaddress.ip_network(text)
    for text in (
        "100.64.0.0/10",  # behind providers' address translation; some clouds' metadata
        "168.63.129.16/32",  # a cloud's host agent, on a public number
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "::/96",  # numbers of version 4 written as version 6, in every way that reaches them
        "::ffff:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/23",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fec0::/10",
    )
)


class Refused(Exception):
    """An address is not asked; the words say why."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address that may be asked, in one spelling.

    Attributes:
        url: without fragment and dot segments, the host in lower case, no usual port, percent-encoded.
        scheme: "http" or "https".
        host: a name in ASCII (IDNA), or a number; a number of version 6 without brackets.
        port: asked at.
        path: with the query, as it is sent; begins with "/".
    """

    url: str
    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> str:
        """Scheme, host and port: what one robots.txt speaks for."""
        return self.url[: len(self.url) - len(self.path)]


def target_of(url: str, ports: frozenset[int] = frozenset()) -> Target:
    """An address from a list or a redirect.

    >>> target_of("HTTP://A.example:80/x/../y b#top").url
    'http://a.example/y%20b'

    Args:
        url: as written.
        ports: allowed besides the usual one of its scheme.

    Raises:
        Refused: nothing that may be asked.
    """
    text = url.strip(" \t\r\n")
    if len(text) > URL_LENGTH_MAX:
        raise Refused(f"it is longer than {URL_LENGTH_MAX} characters")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text) or "\\" in text:
        raise Refused("it holds characters that no address has")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise Refused(f"it is not an address ({error})") from error
    scheme = parts.scheme.casefold()
    if scheme not in _USUAL:
        raise Refused("only http and https are asked" if scheme else "it is not an absolute address")
    if "@" in parts.netloc:
        raise Refused("it holds a user name")
    host = _host(host)
    at = _USUAL[scheme] if port is None else port
    if at not in _USUAL.values() and at not in ports:
        raise Refused(f"port {at} is not asked")
    path = _without_dots(quote(parts.path, safe=_PATH_KEPT)) or "/"
    if parts.query:
        path += f"?{quote(parts.query, safe=_QUERY_KEPT)}"
    shown = f"[{host}]" if ":" in host else host
    place = shown if at == _USUAL[scheme] else f"{shown}:{at}"
    return Target(f"{scheme}://{place}{path}", scheme, host, at, path)


def _host(host: str) -> str:
    if ":" in host:
        try:
            return ipaddress.IPv6Address(host).compressed if "%" not in host else _refuse("it names a network card")
        except ValueError as error:
            raise Refused("its host is not an address") from error
    try:
        name = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise Refused(f"its host is not a name ({error})") from error
    if len(name) > 253 or not _NAME.fullmatch(name.casefold()):
        raise Refused("its host is not a name" if name else "it has no host")
    return name.casefold()


def _refuse(words: str) -> str:
    raise Refused(words)


def _without_dots(path: str) -> str:
    """RFC 3986 section 5.2.4, also for dots written as %2e: rules of robots.txt must not be walked around."""
    kept: list[str] = []
    pieces = path.split("/")
    for number, piece in enumerate(pieces):
        dots = re.sub("%2e", ".", piece, flags=re.IGNORECASE)
        last = number == len(pieces) - 1
        if dots == "..":
            del kept[max(1, len(kept) - 1) :]
        elif dots != ".":
            kept.append(piece)
        if last and dots in (".", ".."):
            kept.append("")
    return "/".join(kept)


def not_public(number: Number) -> str:
    """Why a number is not asked; "" for one of the public internet.

    >>> not_public(ipaddress.ip_address("169.254.169.254"))
    '169.254.169.254 is not a public address'
    """
    inside = any(number in network for network in _NOT_FOR_US if network.version == number.version)
    if inside or not number.is_global or number.is_multicast or number.is_reserved:
        return f"{number} is not a public address"
    return ""


LookUp = Callable[..., Any]
"""`socket.getaddrinfo`, or what stands for it."""


@dataclass(frozen=True, slots=True)
class Network:
    """The network that is asked. The default is the public internet; tests hand in their own.

    Attributes:
        refuse: says why a number is not asked; "" for one that is.
        look_up: `socket.getaddrinfo`.
        tls: how servers prove who they are; None: by the system's authorities.
        ports: allowed besides 80 and 443.
    """

    refuse: Callable[[Number], str] = not_public
    look_up: LookUp = socket.getaddrinfo
    tls: ssl.SSLContext | None = None
    ports: frozenset[int] = field(default_factory=frozenset)

    def numbers_of(self, target: Target, seconds: float) -> tuple[str, ...]:
        """The numbers behind a name, all of them checked.

        Args:
            target: whose host is looked up.
            seconds: to wait at most.

        Raises:
            Refused: there is no such name, or one of its numbers is not asked.
            TimeoutError: no answer in time.
        """
        found: list[Any] = []

        def ask() -> None:
            try:
                found.append(self.look_up(target.host, target.port, type=socket.SOCK_STREAM))
            except (OSError, UnicodeError) as error:
                found.append(error)

        # A look-up cannot be cut short; whoever waits for it can.
        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(max(0.0, seconds))
        if not found:
            raise TimeoutError
        if isinstance(found[0], Exception):
            raise Refused(f"its name cannot be resolved ({getattr(found[0], 'strerror', None) or found[0]})")
        numbers = list(dict.fromkeys(str(entry[4][0]) for entry in found[0]))
        for number in numbers:
            try:
                problem = self.refuse(ipaddress.ip_address(number))
            except ValueError:
                problem = f"{number} is not a number that can be checked"
            if problem:
                raise Refused(f"it leads into a network that is not asked: {problem}")
        if not numbers:
            raise Refused("its name has no numbers")
        return tuple(numbers)
