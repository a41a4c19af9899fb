"""A witness on the network: HTTP with nothing but the standard library, and nobody who calls can hold it up for long.

    POST /add-checkpoint         C2SP tlog-witness
    GET  /                       who this is: its public keys and the logs that it watches
    GET  /latest/<sha256>        the latest checkpoint that it cosigned of the log whose origin has this SHA-256

Every request has `REQUEST_SECONDS` from its first byte expected to its last byte read, however slowly they come; a body
has at most 128 KiB and must say how long it is; at most `CONNECTIONS_MAX` callers are served at a time, others are told
to come again. On a stop, requests that have been read are answered, and nothing waits for callers that say nothing.

Put a web server with TLS before it when it is to be reached from outside. The cosignatures need no secrecy; TLS keeps
others from withholding them.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from endcredits.errors import EndcreditsError, InputError, MachineError
from endcredits.receipts.witness import REQUEST_BYTES_MAX, Answer, Witness
from endcredits.receipts.witness_state import watched

REQUEST_SECONDS = 10.0
CONNECTIONS_MAX = 64
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class _Timed(io.RawIOBase):
    """A connection's incoming bytes, until a deadline for all of them together."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__()
        self._connection = connection
        self.deadline = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the request took too long")
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "endcredits-witness"
    sys_version = ""
    server: WitnessServer

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self._incoming = _Timed(self.connection)
        self.rfile = io.BufferedReader(self._incoming)

    def handle_one_request(self) -> None:
        self._incoming.deadline = time.monotonic() + REQUEST_SECONDS
        try:
            super().handle_one_request()
        except (ConnectionError, ValueError):
            self.close_connection = True  # the caller went away

    def do_POST(self) -> None:
        """POST /add-checkpoint."""
        if self.path != "/add-checkpoint":
            self._answer(Answer(404, "POST goes to /add-checkpoint\n"), close=True)
            return
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit() or self.headers.get("Transfer-Encoding"):
            self._answer(Answer(411, "say how long the request is (Content-Length)\n"), close=True)
        elif len(length) > 9 or int(length) > REQUEST_BYTES_MAX:
            self._answer(Answer(413, f"a request has at most {REQUEST_BYTES_MAX} bytes\n"), close=True)
        else:
            body = self.rfile.read(int(length))
            if len(body) < int(length):
                self._answer(Answer(400, "the request is shorter than it says\n"), close=True)
            else:
                self._answer(self.server.witness.add_checkpoint(body))

    def do_GET(self) -> None:
        """GET / and GET /latest/<sha256>."""
        # A GET with a body would leave it on the line, to be taken for the next request.
        close = bool(self.headers.get("Content-Length") or self.headers.get("Transfer-Encoding"))
        try:
            if self.path == "/":
                self._answer(Answer(200, about(self.server.witness)), close=close)
                return
            found = None
            if self.path.startswith("/latest/"):
                found = self.server.witness.latest(self.path.removeprefix("/latest/"))
            self._answer(Answer(200, found) if found is not None else Answer(404, "there is nothing here\n"), close=close)
        except EndcreditsError as error:
            self._answer(Answer(500, "this witness has to be looked after\n", note=str(error)), close=True)

    def _answer(self, answer: Answer, *, close: bool = False) -> None:
        data = answer.body.encode()
        self.close_connection = self.close_connection or close
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)
        self.server.tell(answer)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class finds wrong, as plain text, with a status line even for what is no HTTP."""
        self.request_version = self.protocol_version
        self._answer(Answer(int(code), f"{message or 'the request cannot be read'}\n"), close=True)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the server tells of answers in its own words."""


def about(witness: Witness) -> str:
    """Who a witness is, in words for people and lines for policies."""
    lines = ["A witness of transparency logs (c2sp.org/tlog-witness). Its public keys:", ""]
    lines += [key.vkey for key in witness.keys]
    lines += ["", "Logs that it watches, how far it has cosigned them, and where their latest checkpoint is:", ""]
    for log in watched(witness.folder):
        lines.append(f"{log.origin} {log.latest.size} /latest/{hashlib.sha256(log.origin.encode()).hexdigest()}")
    return "\n".join(lines) + "\n"


class WitnessServer(ThreadingHTTPServer):
    """A witness that listens; `serve_forever` serves until `stop`.

    Attributes:
        witness: who answers.
        tell: called with every answer, for the operator.
    """

    daemon_threads = False
    allow_reuse_address = True
    request_queue_size = CONNECTIONS_MAX

    def __init__(self, witness: Witness, host: str, port: int, tell: Callable[[Answer], None] = lambda answer: None) -> None:
        """Listens.

        Args:
            witness: who answers.
            host: address or name to listen on; "::1" for IPv6.
            port: 0 for any free one.
            tell: called with every answer.

        Raises:
            MachineError: the address is taken or not this machine's.
            InputError: there is no such address.
        """
        self.witness = witness
        self.tell = tell
        self._slots = threading.BoundedSemaphore(CONNECTIONS_MAX)
        self._open: set[socket.socket] = set()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((host, port), _Handler)
        except (socket.gaierror, OverflowError) as error:
            raise InputError(f"there is no address '{host}' to listen on", remedy="Use HOST:PORT.") from error
        except OSError as error:
            remedy = "Choose another address or port."
            raise MachineError(f"cannot listen on {host}:{port} ({error.strerror})", remedy=remedy) from error

    @property
    def url(self) -> str:
        """Where it is reached."""
        host, port = self.server_address[:2]
        return f"http://[{host!s}]:{port}/" if self.address_family == socket.AF_INET6 else f"http://{host!s}:{port}/"

    def server_bind(self) -> None:
        """Binds without asking a name server who we are."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """One thread for each caller, as long as there are not too many."""
        if not self._slots.acquire(blocking=False):
            with contextlib.suppress(OSError):
                request.settimeout(1)
                request.sendall(_BUSY)
            self.shutdown_request(request)
            return
        try:
            self._open.add(request)
            super().process_request(request, client_address)
        except BaseException:
            self._open.discard(request)
            self._slots.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serves one caller."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._open.discard(request)
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A fault of ours ends one connection, and is told to the operator."""
        import traceback

        self.tell(Answer(500, "", note=traceback.format_exc(limit=3)))

    def stop(self) -> None:
        """Ends `serve_forever`, from another thread: what has been read is answered, idle connections end."""
        self.shutdown()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RD)
