"""One question to one server, with an end to everything: seconds, bytes, packed bytes, header lines.

The connection goes to a number that was checked (`fetching_addresses`), with the name in `Host` and in the certificate's
check. A watch cuts the line when the seconds are over, however slowly the answer drips; a body is read to its limit and no
further, packed or unpacked. No proxy of the environment is used, no cookie kept, nothing of the answer believed.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
import zlib
from dataclasses import dataclass, field

from endcredits.flows.fetching_addresses import Network, Refused, Target
from endcredits.flows.fetching_headers import Response

PIECE_BYTES = 1 << 16
NUMBERS_TRIED_MAX = 3
"""Numbers of one name that are tried, one after another."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back.

    Attributes:
        status: HTTP status code; 0 when no answer came.
        headers: (name, value) pairs as received, repeated ones repeated.
        body: of a 200, unpacked; None where there is none or it is not whole.
        problem: why this is not the thing asked for, in words; "" otherwise.
        silent: no answer came, though one was asked for: the server, not the address, is at fault.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = field(default=None, repr=False)
    problem: str = ""
    silent: bool = False

    def header(self, name: str) -> str:
        """The first header of a name (lower case); "" if there is none."""
        return next((value for given, value in self.headers if given.casefold() == name), "")


def ask(target: Target, network: Network, user_agent: str, *, seconds: float, bytes_max: int, cut: bool = False) -> Answered:
    """Asks for one address; redirects are answers like others.

    Args:
        target: what is asked for.
        network: which numbers may be asked.
        user_agent: who we say we are.
        seconds: for everything, the look-up of the name included.
        bytes_max: of the body, unpacked.
        cut: a longer body is handed over to its first `bytes_max` bytes instead of being a problem.
    """
    until = time.monotonic() + seconds
    late = f"it did not answer within {seconds:g} seconds"
    try:
        numbers = network.numbers_of(target, seconds)
    except Refused as refused:
        return Answered(0, problem=str(refused))
    except TimeoutError:
        return Answered(0, problem=late, silent=True)
    context = None
    if target.scheme == "https":
        context = network.tls or ssl.create_default_context()
    problem = ""
    for number in numbers[:NUMBERS_TRIED_MAX]:
        line = _Line(target, number, context, until)
        try:
            return line.exchange(user_agent, bytes_max, cut)
        except (OSError, http.client.HTTPException, ValueError) as error:
            if line.late.is_set() or isinstance(error, TimeoutError) or time.monotonic() >= until:
                return Answered(0, problem=late, silent=True)
            words = getattr(error, "strerror", None) or str(error) or type(error).__name__
            problem = f"it cannot be asked ({' '.join(str(words).split())[:200]})"
        finally:
            line.close()
    return Answered(0, problem=problem, silent=True)


class _Line:
    """A connection to one number, with a watch that cuts it."""

    def __init__(self, target: Target, number: str, context: ssl.SSLContext | None, until: float) -> None:
        self.target, self.number, self.context, self.until = target, number, context, until
        self.late = threading.Event()
        self.sockets: list[socket.socket] = []
        self.connection = http.client.HTTPConnection(target.host, target.port)
        self.connection.response_class = Response
        self.watch = threading.Timer(max(0.01, until - time.monotonic()), self._cut)
        self.watch.daemon = True

    def close(self) -> None:
        """Ends the watch and the connection."""
        self.watch.cancel()
        self.connection.close()

    def _cut(self) -> None:
        self.late.set()
        for one in self.sockets:
            # Only the operating system's connection: the TLS object belongs to the thread that reads.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(one, socket.SHUT_RDWR)

    def exchange(self, user_agent: str, bytes_max: int, cut: bool) -> Answered:
        """The question and its answer.

        Raises:
            OSError, http.client.HTTPException: there was none.
        """
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.watch.start()
        line = socket.create_connection((self.number, self.target.port), left)
        self.connection.sock = line
        if self.context is not None:
            # The handshake may drip as well, so the watch must hold the line before it begins.
            line = self.context.wrap_socket(line, server_hostname=self.target.host, do_handshake_on_connect=False)
            self.connection.sock = line
        self.sockets.append(line)
        if isinstance(line, ssl.SSLSocket):
            line.do_handshake()
        usual = {"http": 80, "https": 443}[self.target.scheme]
        host = f"[{self.target.host}]" if ":" in self.target.host else self.target.host
        headers = {
            "Host": host if self.target.port == usual else f"{host}:{self.target.port}",
            "User-Agent": user_agent,
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        self.connection.request("GET", self.target.path, headers=headers)
        response = self.connection.getresponse()
        answered = _read(response, bytes_max, cut)
        if self.late.is_set():
            raise TimeoutError
        return answered


def _read(response: http.client.HTTPResponse, bytes_max: int, cut: bool) -> Answered:
    status, headers = response.status, tuple(response.getheaders())
    if status not in (200, 203):
        odd = status < 300
        return Answered(status, headers, None, f"the server answered {status}, which is not the whole work" if odd else "")
    transfer = (response.headers.get("Transfer-Encoding") or "chunked").strip().casefold()
    codings = [one.strip().casefold() for one in ",".join(response.headers.get_all("Content-Encoding") or []).split(",")]
    codings = [one for one in codings if one not in ("", "identity")]
    packed_words = ", ".join(codings) or transfer
    if transfer != "chunked" or len(codings) > 1 or not {*codings} <= {"gzip", "x-gzip", "deflate"}:
        return Answered(status, headers, None, f"its bytes are packed in a way that nobody asked for ({packed_words[:60]})")
    too_long = Answered(status, headers, None, f"it is longer than {bytes_max} bytes")
    if not cut and response.length is not None and response.length > bytes_max:
        return too_long
    data = bytearray()
    while len(data) <= bytes_max and (piece := response.read(min(PIECE_BYTES, bytes_max + 1 - len(data)))):
        data += piece
    whole = len(data) <= bytes_max
    if whole and response.length:
        return Answered(status, headers, None, f"it ends {response.length} bytes before the length that it states")
    if codings:
        data, problem = _unpacked(bytes(data), bytes_max + 1)
        if problem and whole and len(data) <= bytes_max:
            return Answered(status, headers, None, problem)
    if len(data) > bytes_max or not whole:
        return Answered(status, headers, bytes(data[:bytes_max])) if cut else too_long
    return Answered(status, headers, bytes(data))


MEMBERS_MAX = 100
"""Packed pieces of one body. Servers send one, and each of many would cost a walk over all that is left."""


def _unpacked(data: bytes, bytes_max: int) -> tuple[bytearray, str]:
    """(what packed bytes hold, at most `bytes_max` of it; what is wrong)."""
    out, left, kinds, members = bytearray(), data, (47, -15), 0
    while left and len(out) < bytes_max:
        members += 1
        if members > MEMBERS_MAX:
            return out, f"its packed bytes are in more than {MEMBERS_MAX} pieces"
        stream = zlib.decompressobj(kinds[0])
        try:
            out += stream.decompress(left, bytes_max - len(out))
        except zlib.error as error:
            if kinds[0] > 0 and not out and left is data:
                kinds = (-15, 0)  # some servers send "deflate" without the envelope that RFC 9110 asks for
                continue
            return out, f"its packed bytes are broken ({error})"
        if not stream.eof:
            return out, "" if len(out) >= bytes_max else "its packed bytes are cut short"
        left = stream.unused_data.lstrip(b"\0")
    return out, ""
