"""Nothing that a witness answers is believed, waited for without end, or read without end."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from endcredits.errors import InputError
from endcredits.receipts.cosignature import Cosignature, cosign, read_statement
from endcredits.receipts.cosigner import CosigningKey
from endcredits.receipts.witness_client import REPLY_BYTES_MAX, NotCosigned, OtherSize, Reply, check_url, post, read_reply
from tests.receipts.test_cosignature import ED
from tests.receipts.witnesses import MemoryLog, call, entries, http_answer, liar, new_witness, serving

LOG = MemoryLog(entries(5))
SAID = read_statement(LOG.published.note)
NOW = 1_700_000_000.0
GOOD = cosign(SAID, ED, int(NOW)) + "\n"


def read(status: int, body: str | bytes, content_type: str = "text/plain") -> Cosignature | OtherSize | NotCosigned:
    data = body if isinstance(body, bytes) else body.encode()
    return read_reply(Reply(status, content_type, data), SAID, ED.key, NOW)


def test_a_real_witness_is_understood(tmp_path: Path) -> None:
    """Below a path too; then another size."""
    witness = new_witness(tmp_path, LOG)
    with serving(witness) as server:
        cosigned = read_reply(post(server.url, LOG.request(0), seconds=10), SAID, witness.keys[0], time.time())
        other = read_reply(post(server.url.rstrip("/"), LOG.request(0), seconds=10), SAID, witness.keys[0], time.time())
        elsewhere = post(f"{server.url}w1/", LOG.request(0), seconds=10)
        assert call(server.url, "GET", "/")[0] == 200

    assert isinstance(cosigned, Cosignature) and cosigned.key == witness.keys[0]
    assert other == OtherSize(5)
    assert elsewhere.status == 404


def test_good_answers() -> None:
    """Lines of unknown keys are passed over; a clock may be a little ahead."""
    stranger = CosigningKey("witness.example/w2", ED.private)

    for body in (GOOD, cosign(SAID, stranger, 1) + "\n" + GOOD, cosign(SAID, ED, int(NOW) + 200) + "\n"):
        assert isinstance(read(200, body), Cosignature)
    assert read(409, "0\n", "text/x.tlog.size") == OtherSize(0)
    assert read(409, f"{2**63 - 1}\n", "text/x.tlog.size") == OtherSize(2**63 - 1)


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (200, "", "wrong", "not a cosignature"),
        (200, "thank you", "wrong", "not a cosignature"),
        (200, b"\xff", "wrong", "not UTF-8"),
        (200, GOOD.strip(), "wrong", "not a cosignature"),
        (200, cosign(read_statement(MemoryLog(entries(6)).published.note), ED, int(NOW)) + "\n", "wrong", "does not fit"),
        (200, cosign(SAID, CosigningKey("x", ED.private), 9) + "\n", "wrong", "no cosignature by the key that the policy"),
        (200, f"a\n1\nAAAA\n\n{GOOD}", "wrong", "not a cosignature"),
        (200, cosign(SAID, ED, int(NOW) + 3600) + "\n", "wrong", "in the future"),
        (200, cosign(SAID, ED, 0) + "\n", "wrong", "not at all"),
        (301, "", "wrong", "points elsewhere, which is not followed"),
        (400, "no", "refused", 'it refused (400: "no")'),
        (403, "", "refused", "does not know the key"),
        (404, "", "refused", "does not watch this log"),
        (409, "5\n", "refused", "another root for this very size"),
        (422, "\x1b[2Jboo\nmore", "refused", '"\ufffd[2Jboo"'),
        (500, "", "unreachable", "it answered 500"),
        (503, "x" * 5000, "unreachable", "x" * 200),
    ],
)
def test_bad_answers_are_told_in_words(status: int, body: str | bytes, kind: str, words: str) -> None:
    """What came, and whose fault it is; never more than a line of what the witness says."""
    answer = read(status, body)

    assert isinstance(answer, NotCosigned)
    assert (answer.kind, words in answer.words) == (kind, True), answer.words
    assert len(answer.words) < 400 and "\x1b" not in answer.words


@pytest.mark.parametrize("body", ["", "5", "05\n", "-5\n", "5\n\n", " 5\n", "9223372036854775808\n", "\u0665\n", "five\n"])
def test_a_size_that_is_none_is_refused(body: str) -> None:
    """One spelling only."""
    answer = read(409, body, "text/x.tlog.size")

    assert isinstance(answer, NotCosigned) and answer.kind == "wrong"


def endless(connection: socket.socket) -> None:
    """A gigabyte, if it were taken."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
    for _ in range(1_000):
        connection.sendall(b"x" * 1_000_000)


def silent(connection: socket.socket) -> None:
    """Nothing, until the other side gives up."""
    connection.recv(1 << 20)
    while connection.recv(1 << 20):
        pass


def dripping(head: bytes) -> Callable[[socket.socket], None]:
    """A byte now and then, always in time for a limit on each read alone."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(b"x")
            threading.Event().wait(0.05)

    return drip


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (silent, "did not answer within 0.5 seconds"),
        (dripping(b"HTTP/1.1 200 OK\r\nA: "), "did not answer within 0.5 seconds"),
        (dripping(b"HTTP/1.1 200 OK\r\n\r\n"), "did not answer within 0.5 seconds"),
        (endless, f"longer than {REPLY_BYTES_MAX} bytes"),
        (lambda connection: None, "cannot be reached"),
        (lambda connection: connection.sendall(b"SSH-2.0-x\r\n"), "cannot be reached"),
        (lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), ""),
        (lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n"), "cannot be reached"),
        (lambda connection: connection.sendall(http_answer(200, b"", extra="Content-Encoding: gzip\r\n")), ""),
    ],
)
def test_whoever_answers_wildly_is_left(answer: Callable[[socket.socket], None], words: str) -> None:
    """In bounded time and memory, with a reason."""
    with liar(answer) as url:
        reply = post(url, LOG.request(0), seconds=0.5)

    assert words in reply.problem
    assert len(reply.body) <= REPLY_BYTES_MAX
    told = read_reply(reply, SAID, ED.key, NOW)
    assert isinstance(told, NotCosigned)


def test_a_handshake_without_end_is_left() -> None:
    """TLS that never begins to speak."""
    with liar(silent) as url:
        assert "did not answer within 0.3 seconds" in post(url.replace("http:", "https:"), b"", seconds=0.3).problem


def test_a_redirect_is_not_followed() -> None:
    """Not even to where a good answer is."""
    visits: list[str] = []
    with liar(lambda connection: visits.append("reached")) as target:
        away = http_answer(307, b"", extra=f"Location: {target}add-checkpoint\r\n")
        with liar(lambda connection: connection.sendall(away)) as url:
            reply = post(url, LOG.request(0), seconds=5)

    assert reply.status == 307
    assert visits == []


def test_nobody_there() -> None:
    """A closed port, a name that is none."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert "cannot be reached" in post(f"http://127.0.0.1:{port}/", b"", seconds=5).problem
    assert post("http://nowhere.invalid/", b"", seconds=5).problem
    assert "cannot be reached" in post(f"https://127.0.0.1:{port}/", b"", seconds=5).problem


@pytest.mark.parametrize(
    "url",
    [
        *["", "witness.example", "ftp://w/", "file:///etc/passwd", "http://", "http://u:p@w/", "http://w/?a", "http://w/#a"],
        *["http://w:0/", "http://w:99999/", "http://w/ x", "http://w/\n", "http://[::1/"],
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    """Before anything is sent anywhere."""
    with pytest.raises(InputError):
        check_url(url)
    assert check_url("https://[::1]:8753/w1") == "https://[::1]:8753/w1"
