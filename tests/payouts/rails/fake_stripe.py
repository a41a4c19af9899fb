"""A stand-in for Stripe on this machine: POST and GET /v1/transfers, idempotency keys, and every way of failing.

It keeps an answer per idempotency key, as the real one does for a day, refuses a key with other content, lists transfers by
`transfer_group` in pages, and can be told to fail: before it does anything, or after, with the answer lost.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class FakeStripe:
    """The server's memory.

    Attributes:
        url: where it listens.
        transfers: made so far, oldest first.
        kept: answers by idempotency key, with the request that they were for.
        failures: what happens to the next posts, one each: "429", "500", "409" (nothing done), "500-after", "hang-after",
            "drop-after" (done, the answer lost), "drop" (nothing done).
        requests: method and path of all requests.
        bad_accounts: destinations that do not exist.
        poor: whether the balance does not suffice.
        key: the one that is let in.
    """

    url: str = ""
    transfers: list[dict[str, Any]] = field(default_factory=list)
    kept: dict[str, tuple[dict[str, str], int, dict[str, Any]]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    bad_accounts: set[str] = field(default_factory=set)
    poor: bool = False
    key: str = "sk_test_1"
    lock: threading.Lock = field(default_factory=threading.Lock)

    def forget_keys(self) -> None:
        """What happens after a day."""
        self.kept.clear()

    def post(self, key: str, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Makes a transfer, or repeats the answer that the key had."""
        with self.lock:
            if key in self.kept:
                before, status, answer = self.kept[key]
                if before != asked:
                    return 400, _error("idempotency_error", "", "Keys for idempotent requests can only be used once")
                return status, answer
            if asked["destination"] in self.bad_accounts:
                return 400, _error("invalid_request_error", "resource_missing", "No such destination")
            if self.poor:
                answer = _error("invalid_request_error", "balance_insufficient", "Insufficient funds")
                self.kept[key] = (asked, 400, answer)
                return 400, answer
            made = {
                "id": f"tr_{len(self.transfers) + 1}",
                "object": "transfer",
                "amount": int(asked["amount"]),
                "currency": asked["currency"],
                "destination": asked["destination"],
                "transfer_group": asked["transfer_group"],
                "metadata": {"payment_id": asked["metadata[payment_id]"]},
            }
            self.transfers.append(made)
            self.kept[key] = (asked, 200, made)
            return 200, made


def _error(kind: str, code: str, message: str) -> dict[str, Any]:
    return {"error": {"type": kind, "code": code, "message": message}}


@contextmanager
def fake_stripe() -> Iterator[FakeStripe]:
    """A running server."""
    memory = FakeStripe()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            asked = dict(urllib.parse.parse_qsl(body))
            memory.requests.append(f"POST {self.path}")
            with memory.lock:
                failure = memory.failures.pop(0) if memory.failures else ""
            if self.headers["Authorization"] != f"Bearer {memory.key}":
                return self._say(401, _error("invalid_request_error", "", "Invalid API Key provided"))
            if failure == "drop":
                return self._drop()
            if failure in ("429", "500", "409"):
                code = {"409": "idempotency_key_in_use", "429": "rate_limit"}.get(failure, "")
                return self._say(
                    int(failure),
                    _error("idempotency_error" if failure == "409" else "api_error", code, "try again"),
                    {"Retry-After": "0"},
                )
            status, answer = memory.post(self.headers["Idempotency-Key"], asked)
            if failure == "drop-after":
                return self._drop()
            if failure == "hang-after":
                time.sleep(1.0)
                return self._drop()
            if failure == "500-after":
                return self._say(500, _error("api_error", "", "lost its mind"))
            return self._say(status, answer)

        def do_GET(self) -> None:
            memory.requests.append(f"GET {self.path}")
            asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
            if self.headers["Authorization"] != f"Bearer {memory.key}":
                return self._say(401, _error("invalid_request_error", "", "Invalid API Key provided"))
            found = [one for one in reversed(memory.transfers) if one["transfer_group"] == asked["transfer_group"]]
            names = [one["id"] for one in found]
            begin = names.index(asked["starting_after"]) + 1 if "starting_after" in asked else 0
            page = found[begin : begin + int(asked["limit"])]
            more = begin + len(page) < len(found)
            return self._say(200, {"object": "list", "data": page, "has_more": more, "url": "/v1/transfers"})

        def _say(self, status: int, answer: dict[str, Any], headers: dict[str, str] | None = None) -> None:
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def _drop(self) -> None:
            self.close_connection = True
            self.connection.shutdown(2)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    memory.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield memory
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
