"""A small web on this machine for the tests of fetching: real sockets, names of our own, and servers that misbehave.

`web(pages)` serves "host/path" keys; every name ends in ".example" and leads to 127.0.0.1, unless `numbers` says otherwise.
A page is a body, an `Answer`, or a function that writes to the connection as it likes.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from endcredits.flows.fetching_addresses import Network, Number, not_public

Send = Callable[[bytes], None]


@dataclass(frozen=True)
class Answer:
    """One answer of a server."""

    body: bytes = b""
    status: int = 200
    headers: Sequence[tuple[str, str]] = ()

    def bytes(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} X", *(f"{name}: {value}" for name, value in self.headers)]
        if not any(name.casefold() in ("content-length", "transfer-encoding") for name, _ in self.headers):
            lines.append(f"Content-Length: {len(self.body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + self.body


def moved(to: str, status: int = 302, **headers: str) -> Answer:
    return Answer(b"", status, [("Location", to), *headers.items()])


Page = bytes | Answer | Callable[[Send], None]


@dataclass
class Asked:
    """A question that came in."""

    url: str
    headers: dict[str, str]
    at: float
    until: float = 0.0


@dataclass
class Web:
    """The server: its pages, and what it was asked."""

    pages: dict[str, Page]
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    numbers: dict[str, list[str]] = field(default_factory=dict)
    looked_up: list[str] = field(default_factory=list)
    tls: ssl.SSLContext | None = None

    @property
    def urls(self) -> list[str]:
        """What was asked, in order, as "host/path"."""
        return [one.url for one in self.asked]

    def url(self, place: str) -> str:
        """The full address of "host/path"."""
        host, _, path = place.partition("/")
        return f"http{'s' if self.tls else ''}://{host}:{self.port}/{path}"

    def look_up(self, host: str, port: int, **_: Any) -> list[Any]:
        """Stands for `socket.getaddrinfo`."""
        self.looked_up.append(host)
        if host not in self.numbers and not host.endswith(".example"):
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        return [(0, 0, 0, "", (number, port)) for number in self.numbers.get(host, ["127.0.0.1"])]

    def network(self, **more: Any) -> Network:
        """This web, and no other private number."""

        def refuse(number: Number) -> str:
            return "" if number == ipaddress.ip_address("127.0.0.1") else not_public(number)

        return Network(refuse, self.look_up, ports=frozenset({self.port}), **more)


@contextlib.contextmanager
def web(pages: dict[str, Page], tls: ssl.SSLContext | None = None) -> Iterator[Web]:
    """Serves while the block runs."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    served = Web(pages, listener.getsockname()[1], tls=tls)
    threading.Thread(target=_accept, args=(listener, served), daemon=True).start()
    try:
        yield served
    finally:
        listener.close()


def _accept(listener: socket.socket, served: Web) -> None:
    with contextlib.suppress(OSError):
        while True:
            line, _ = listener.accept()
            threading.Thread(target=_serve, args=(line, served), daemon=True).start()


def _serve(line: socket.socket, served: Web) -> None:
    with contextlib.suppress(OSError):
        line.settimeout(20)
        if served.tls is not None:
            line = served.tls.wrap_socket(line, server_side=True)
        with line:
            data = b""
            while b"\r\n\r\n" not in data:
                piece = line.recv(65_536)
                if not piece:
                    return
                data += piece
            first, *rest = data.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
            headers = {name.casefold(): value for name, _, value in (one.partition(": ") for one in rest)}
            place = headers["host"].partition(":")[0] + first.split(" ")[1]
            asked = Asked(place, headers, time.monotonic())
            served.asked.append(asked)
            page = served.pages.get(place, Answer(b"none", 404))
            if callable(page):
                page(line.sendall)
            else:
                line.sendall(page.bytes() if isinstance(page, Answer) else Answer(page).bytes())
            asked.until = time.monotonic()
