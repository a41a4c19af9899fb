"""A witness on the network answers what it should, to a bounded number of callers, in bounded time, and stops cleanly."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from endcredits.errors import InputError, MachineError
from endcredits.receipts import witness_server
from endcredits.receipts.cosignature import read_statement, signed_by
from endcredits.receipts.witness import REQUEST_BYTES_MAX, Answer, Witness
from endcredits.receipts.witness_server import WitnessServer
from endcredits.receipts.witness_state import LATEST, log_place
from tests.receipts.witnesses import ORIGIN, MemoryLog, call, entries, new_witness, serving


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog(entries(5))


@pytest.fixture
def witness(tmp_path: Path, log: MemoryLog) -> Witness:
    return new_witness(tmp_path / "w", log)


@pytest.fixture
def server(witness: Witness) -> Iterator[WitnessServer]:
    with serving(witness) as running:
        yield running


def spoken(server: WitnessServer, data: bytes, *, more: bool = False) -> bytes:
    """What comes back for raw bytes, until the server hangs up; `more` leaves our side open."""
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        connection.sendall(data)
        if not more:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        with contextlib.suppress(ConnectionError):
            while chunk := connection.recv(65536):
                received += chunk
        return received


def test_a_checkpoint_is_cosigned_over_http(server: WitnessServer, log: MemoryLog) -> None:
    """Twice on one connection; the answers are notes' signature lines, then a size of its own type."""
    body = log.request(0)
    head = f"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    both = spoken(server, head + body + head + body)

    first, _, second = both.partition(b"HTTP/1.1 409 Conflict\r\n")
    assert first.startswith(b"HTTP/1.1 200 OK\r\n")
    line = first.partition(b"\r\n\r\n")[2].decode()
    assert signed_by(read_statement(f"{read_statement(log.published.note).text}\n{line}"), server.witness.keys[0])
    assert b"Content-Type: text/x.tlog.size\r\n" in second and second.endswith(b"\r\n\r\n5\n")


def test_who_it_is_can_be_asked(server: WitnessServer, log: MemoryLog) -> None:
    """Its keys, its logs, and the latest checkpoint that it cosigned of each."""
    call(server.url, "POST", "/add-checkpoint", log.request(0))
    place = f"/latest/{log_place(server.witness.folder, ORIGIN).name}"

    status, kind, about = call(server.url, "GET", "/")

    assert (status, kind) == (200, "text/plain; charset=utf-8")
    assert server.witness.keys[0].vkey in about.decode().split("\n")
    assert f"{ORIGIN} 5 {place}" in about.decode().split("\n")
    assert call(server.url, "GET", place)[2].decode() == log.published.note
    for wrong in ("/latest/", "/latest/x", f"/latest/{'0' * 64}", "/latest/../witness.vkey", "/keys/ed25519.key"):
        assert call(server.url, "GET", wrong)[0] == 404


def test_a_fault_of_the_witness_is_not_told_to_callers(witness: Witness, log: MemoryLog) -> None:
    """500 without a path; the reason goes to the operator."""
    told: list[Answer] = []
    (log_place(witness.folder, ORIGIN) / LATEST).unlink()
    with serving(witness) as server:
        server.tell = told.append
        answers = [call(server.url, "POST", "/add-checkpoint", log.request(0)), call(server.url, "GET", "/")]

    assert [status for status, _, _ in answers] == [500, 500]
    assert all(str(witness.folder) not in body.decode() for _, _, body in answers)
    assert all(str(witness.folder) in answer.note for answer in told)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("POST /add-checkpoint HTTP/1.1\r\n", 411),
        ("POST /add-checkpoint HTTP/1.1\r\nContent-Length: -1\r\n", 411),
        ("POST /add-checkpoint HTTP/1.1\r\nContent-Length: +1\r\n", 411),
        ("POST /add-checkpoint HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n", 411),
        (f"POST /add-checkpoint HTTP/1.1\r\nContent-Length: {REQUEST_BYTES_MAX + 1}\r\n", 413),
        (f"POST /add-checkpoint HTTP/1.1\r\nContent-Length: {'9' * 5000}\r\n", 413),
        ("POST /add-checkpoint HTTP/1.1\r\nContent-Length: 10\r\n", 400),
        ("POST /add-checkpoint HTTP/1.1\r\nContent-Length: 0\r\n", 400),
        ("POST / HTTP/1.1\r\nContent-Length: 0\r\n", 404),
        ("POST /add-checkpoint/ HTTP/1.1\r\nContent-Length: 0\r\n", 404),
        ("PUT /add-checkpoint HTTP/1.1\r\nContent-Length: 0\r\n", 501),
        ("GET /add-checkpoint HTTP/1.1\r\n", 404),
        ("NONSENSE\r\n", 400),
        ("GET / HTTP/9.9\r\n", 505),
        (f"GET /{'x' * 70000} HTTP/1.1\r\n", 414),
        (f"GET / HTTP/1.1\r\nA: {'x' * 70000}\r\n", 431),
        (f"GET / HTTP/1.1\r\n{'A: b' + chr(13) + chr(10)}" + "A: b\r\n" * 200, 431),
    ],
)
def test_what_is_no_request_is_refused(server: WitnessServer, head: str, status: int, log: MemoryLog) -> None:
    """And the next caller is served."""
    answer = spoken(server, f"{head}\r\n".encode())

    assert f" {status} ".encode() in answer.split(b"\r\n")[0]
    assert b"<html" not in answer.lower()
    assert call(server.url, "POST", "/add-checkpoint", log.request(0))[0] == 200


def test_a_slow_caller_is_dropped(monkeypatch: pytest.MonkeyPatch, witness: Witness, log: MemoryLog) -> None:
    """However steadily it drips: there is one limit for the whole request. Others are served meanwhile."""
    monkeypatch.setattr(witness_server, "REQUEST_SECONDS", 0.4)
    with serving(witness) as server:
        parts = urlsplit(server.url)
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as slow:
            over = threading.Event()

            def drip() -> None:
                with contextlib.suppress(OSError):
                    slow.sendall(b"POST /add-checkpoint HTTP/1.1\r\n")
                    while not over.wait(0.05):
                        slow.sendall(b"A: b\r\n")

            dripping = threading.Thread(target=drip)
            dripping.start()
            assert call(server.url, "POST", "/add-checkpoint", log.request(0))[0] == 200
            with contextlib.suppress(ConnectionError):
                while slow.recv(65536):
                    pass  # the server hangs up; without a limit this would go on until the timeout of ten seconds
            over.set()
            dripping.join()


def test_too_many_callers_are_told_to_come_again(monkeypatch: pytest.MonkeyPatch, witness: Witness, log: MemoryLog) -> None:
    """Silent connections take places, and give them back."""
    monkeypatch.setattr(witness_server, "CONNECTIONS_MAX", 3)
    with serving(witness) as server:
        parts = urlsplit(server.url)
        address = (parts.hostname or "", parts.port or 0)
        silent = [socket.create_connection(address, timeout=10) for _ in range(3)]
        status, _, _ = call(server.url, "GET", "/")
        assert status == 503
        for connection in silent:
            connection.close()
        for _ in range(100):
            status = call(server.url, "POST", "/add-checkpoint", log.request(0))[0]
            if status != 503:
                break
            threading.Event().wait(0.05)
        assert status == 200


def test_a_stop_waits_for_nobody_who_is_silent(witness: Witness, log: MemoryLog) -> None:
    """An idle connection does not hold it up (it would for ten seconds), and the port is free at once."""
    with serving(witness) as server:
        parts = urlsplit(server.url)
        address = (parts.hostname or "", parts.port or 0)
        idle = socket.create_connection(address, timeout=5)
        call(server.url, "POST", "/add-checkpoint", log.request(0))
    with idle:
        assert idle.recv(10) == b""
    again = WitnessServer(witness, *address)
    again.server_close()


def test_addresses_that_cannot_be_listened_on(server: WitnessServer, witness: Witness) -> None:
    """Taken, or none."""
    with pytest.raises(MachineError, match="cannot listen"):
        WitnessServer(witness, "127.0.0.1", server.server_port)
    with pytest.raises((InputError, MachineError)):
        WitnessServer(witness, "no such host.invalid", 0)
    with pytest.raises(InputError):
        WitnessServer(witness, "127.0.0.1", 70_000)
