"""Asking one witness for its cosignature, and believing nothing that it answers until it is verified.

A witness is somebody else's computer: it may hang, answer for ever, send us elsewhere, or lie. So the whole exchange has
one limit of time, an answer is read to 64 KiB and no further, no redirect is followed, and a cosignature counts only if
it verifies with the key of the policy. What a witness says in words is shown, cut short and without control characters.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from endcredits.errors import InputError, IntegrityError
from endcredits.receipts.cosignature import SIZE_MAX, Cosignature, Statement, read_statement, signed_by
from endcredits.receipts.cosigner import Key

REPLY_BYTES_MAX = 1 << 16
AHEAD_SECONDS = 300
"""How far a witness's clock may be ahead of ours."""
_BUSY = (429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    Attributes:
        status: HTTP status code; 0 when no answer came.
        content_type: of the body.
        body: at most 64 KiB.
        problem: why no answer came, in words; "" otherwise.
    """

    status: int
    content_type: str
    body: bytes
    problem: str = ""


@dataclass(frozen=True, slots=True)
class OtherSize:
    """The witness has cosigned another size than we proved from.

    Attributes:
        size: the one that it has cosigned.
    """

    size: int


@dataclass(frozen=True, slots=True)
class NotCosigned:
    """No cosignature.

    Attributes:
        words: who says what is wrong.
        kind: "refused" by the witness, "unreachable" (asking again may help), or "wrong" (an answer that is none).
    """

    words: str
    kind: str


def check_url(url: str) -> str:
    """A witness's address, with which `post` can work.

    Raises:
        InputError: it is not an http or https address without user, query and fragment.
    """
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_fits = urlsplit(""), False
    plain = re.fullmatch(r"[!-~]+", url) is not None
    if not plain or parts.scheme not in ("http", "https") or not parts.hostname or not port_fits or "@" in parts.netloc:
        raise InputError(f"'{url[:120]}' is not the address of a witness", remedy="It begins with https:// or http://.")
    if parts.query or parts.fragment:
        raise InputError(f"'{url[:120]}' has more than a path", remedy="Leave out what follows '?' or '#'.")
    return url


def post(url: str, body: bytes, *, seconds: float) -> Reply:
    """Posts to `<url>/add-checkpoint`.

    Args:
        url: the witness's address (see `check_url`).
        body: the request.
        seconds: for the whole exchange, however slowly the answer drips; only the look-up of its name may take longer.
    """
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(host, parts.port, timeout=seconds)
    began, late, lines = time.monotonic(), threading.Event(), list[socket.socket]()
    headers = {"Content-Type": "text/plain; charset=utf-8", "User-Agent": "endcredits", "Connection": "close"}
    watch = threading.Timer(seconds, _hang_up, (lines, late))
    watch.daemon = True
    try:
        watch.start()
        # We connect ourselves, to hold the line that is to be cut: http.client forgets it while the answer still comes,
        # and would make it only after the TLS handshake, which may drip as well.
        line = connection.sock = socket.create_connection((host, parts.port or (443 if secure else 80)), seconds)
        if secure:
            context = ssl.create_default_context()
            line = connection.sock = context.wrap_socket(line, server_hostname=host, do_handshake_on_connect=False)
        lines.append(line)
        if isinstance(line, ssl.SSLSocket):
            line.do_handshake()
        connection.request("POST", f"{parts.path.rstrip('/')}/add-checkpoint", body, headers)
        response = connection.getresponse()
        data = response.read(REPLY_BYTES_MAX + 1)
        if late.is_set():
            raise TimeoutError
    except (OSError, http.client.HTTPException, ValueError) as error:
        if late.is_set() or isinstance(error, TimeoutError) or time.monotonic() - began >= seconds:
            return Reply(0, "", b"", f"it did not answer within {seconds:g} seconds")
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return Reply(0, "", b"", f"it cannot be reached ({reason[:200]})")
    finally:
        watch.cancel()
        connection.close()
    if len(data) > REPLY_BYTES_MAX:
        return Reply(response.status, "", b"", f"its answer is longer than {REPLY_BYTES_MAX} bytes")
    return Reply(response.status, response.headers.get("Content-Type", ""), data)


def _hang_up(lines: list[socket.socket], late: threading.Event) -> None:
    """Ends a connection that took too long, under the feet of whoever waits for it."""
    late.set()
    for line in lines:
        # Only the operating system's connection: the TLS object belongs to the thread that reads.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(line, socket.SHUT_RDWR)


def read_reply(reply: Reply, statement: Statement, key: Key, now_s: float) -> Cosignature | OtherSize | NotCosigned:
    """What an answer is worth.

    Args:
        reply: the answer.
        statement: the checkpoint that was submitted.
        key: the witness's key, by the policy.
        now_s: our clock, seconds since 1970.
    """
    said = _in_words(reply.body)
    if reply.problem:
        return NotCosigned(reply.problem, "unreachable" if reply.status == 0 else "wrong")
    if reply.status == 409 and reply.content_type == "text/x.tlog.size":
        match = re.fullmatch(rb"(0|[1-9][0-9]{0,18})\n", reply.body)
        if match is None or int(match[1]) > SIZE_MAX:
            return NotCosigned("it answered 409 with a size that cannot be read", "wrong")
        return OtherSize(int(match[1]))
    if reply.status in _BUSY:
        return NotCosigned(f"it answered {reply.status}{said}", "unreachable")
    if 300 <= reply.status < 400:
        return NotCosigned(f"it answered {reply.status} and points elsewhere, which is not followed", "wrong")
    if reply.status != 200:
        forked = "unless it is wrong, the log was forked"
        meaning = {
            403: "it does not know the key that signed this log",
            404: "it does not watch this log",
            409: f"it says that it has cosigned another root for this very size: {forked}",
            422: f"it says that this log does not continue the one that it has cosigned: {forked}",
        }
        return NotCosigned(f"{meaning.get(reply.status, 'it refused')} ({reply.status}{said})", "refused")
    return _verified(reply.body, statement, key, now_s)


def _verified(body: bytes, statement: Statement, key: Key, now_s: float) -> Cosignature | NotCosigned:
    try:
        answered = read_statement(f"{statement.text}\n{body.decode('utf-8')}")
        found = signed_by(answered, key)
    except (UnicodeDecodeError, IntegrityError) as error:
        words = error.message if isinstance(error, IntegrityError) else "it is not UTF-8"
        return NotCosigned(f"its answer is not a cosignature of this checkpoint: {words}", "wrong")
    if found is None:
        return NotCosigned("its answer holds no cosignature by the key that the policy names", "wrong")
    if found.time_s == 0 or found.time_s > now_s + AHEAD_SECONDS:
        return NotCosigned("its cosignature is dated in the future, or not at all; look at both clocks", "wrong")
    return found


def _in_words(body: bytes) -> str:
    """What the witness says itself, made safe to show."""
    line = body[:400].decode("utf-8", "replace").strip().split("\n")[0][:200]
    words = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)
    return f': "{words}"' if words else ""
