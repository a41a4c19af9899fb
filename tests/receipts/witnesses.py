"""What the tests of witnesses share: a log in memory by a slow reading of RFC 6962, requests, a witness that serves.

The tree here is written from the text of RFC 6962 section 2.1 and shares no line with the package.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from endcredits.errors import ConflictError
from endcredits.receipts.cosignature import with_lines
from endcredits.receipts.note import SigningKey, open_checkpoint, sign_checkpoint
from endcredits.receipts.records import Checkpoint
from endcredits.receipts.witness import Witness
from endcredits.receipts.witness_making import init_witness, watch
from endcredits.receipts.witness_server import WitnessServer

ORIGIN = "studio.example/endcredits/log"


def key(seed: int = 1, name: str = ORIGIN) -> SigningKey:
    """A log's key."""
    return SigningKey(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def slow_root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 2.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + slow_root(leaves[:k]) + slow_root(leaves[k:])).digest()


def slow_consistency(old: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PROOF of RFC 6962 2.1.2."""

    def part(m: int, some: Sequence[bytes], whole: bool) -> list[bytes]:
        if m == len(some):
            return [] if whole else [slow_root(some)]
        k = 1
        while k * 2 < len(some):
            k *= 2
        if m <= k:
            return [*part(m, some[:k], whole), slow_root(some[k:])]
        return [*part(m - k, some[k:], False), slow_root(some[:k])]

    return part(old, leaves, True) if old > 0 else []


class MemoryLog:
    """A log in memory, with what `flows.witnessing` asks of one."""

    def __init__(self, leaves: Sequence[bytes] = (), signer: SigningKey | None = None) -> None:
        self.key = signer or key()
        self.leaves = list(leaves)
        self.published = self.sign()

    def sign(self) -> Checkpoint:
        return sign_checkpoint(len(self.leaves), slow_root(self.leaves), self.key)

    def grow(self, *leaves: bytes) -> MemoryLog:
        self.leaves += leaves
        self.published = self.sign()
        return self

    def checkpoint(self) -> Checkpoint:
        return self.published

    def consistency_path(self, old_size: int) -> tuple[str, ...]:
        return tuple(node.hex() for node in slow_consistency(old_size, self.leaves))

    def add_signatures(self, lines: Sequence[str], checkpoint: Checkpoint) -> Checkpoint:
        if (checkpoint.size, checkpoint.root) != (self.published.size, self.published.root):
            raise ConflictError("the log has grown since it was cosigned")
        self.published = open_checkpoint(with_lines(self.published.note, lines), self.key.vkey)
        return self.published

    def request(self, old: int, note: str = "", path: Sequence[bytes] | None = None) -> bytes:
        """A request of tlog-witness, spelt here by hand."""
        nodes = slow_consistency(old, self.leaves) if path is None else path
        proof = "".join(base64.b64encode(node).decode() + "\n" for node in nodes)
        return f"old {old}\n{proof}\n{note or self.published.note}".encode()


def entries(count: int, first: int = 0, mark: str = "entry") -> list[bytes]:
    """Leaves."""
    return [f"{mark} {number}".encode() for number in range(first, first + count)]


def new_witness(folder: Path, *logs: MemoryLog, name: str = "witness.example/w1", mldsa: bool = False) -> Witness:
    """A witness that watches these logs."""
    init_witness(folder, name, mldsa=mldsa)
    for log in logs:
        watch(folder, log.key.vkey)
    return Witness(folder)


@contextlib.contextmanager
def serving(witness: Witness) -> Iterator[WitnessServer]:
    """A witness that listens on a port of its own."""
    server = WitnessServer(witness, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()
        server.server_close()


def call(url: str, method: str, path: str, body: bytes | None = None) -> tuple[int, str, bytes]:
    """Status, content type and body of one plain HTTP exchange."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    with contextlib.closing(connection):
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.headers.get("Content-Type", ""), response.read()


@contextlib.contextmanager
def liar(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """The address of a server that takes a request and then does what it likes with the connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def one(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(10)
            seen = b""
            while b"\r\n\r\n" not in seen:
                seen += connection.recv(65536)
            answer(connection)

    def all_of_them() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                threading.Thread(target=one, args=(connection,), daemon=True).start()

    listener.settimeout(0.1)
    thread = threading.Thread(target=all_of_them)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        over.set()
        thread.join()
        listener.close()


def http_answer(status: int, body: bytes, content_type: str = "text/plain", extra: str = "") -> bytes:
    """One HTTP answer, as bytes."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {content_type}", f"Content-Length: {len(body)}", "Connection: close"]
    return ("\r\n".join(lines) + f"\r\n{extra}\r\n").encode() + body
