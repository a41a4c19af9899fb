"""Rails that are asked over HTTP: requests as plain data, and one careful way of sending them.

A request may be lost on its way, and its answer may be lost on the way back; from here both look the same. So every request
carries an idempotency key made from the payment: the server does what a key asks for once, however often it comes. `deliver`
asks again after a lost connection, a 429 or a 5xx, and gives up on a payment only when the server has said no to it.
Whatever is left is *unknown*: it stays on its way in the books until it is asked about again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

ATTEMPTS_MAX = 5
"""How often a request is made before it is left unknown."""
WAIT_SECONDS = 0.5
"""How long to wait before the second attempt; doubled each time."""
WAIT_SECONDS_MAX = 30.0


@dataclass(frozen=True, slots=True)
class Request:
    """One payment as a request.

    Attributes:
        payment_id: what it pays.
        idempotency_key: what makes a repetition the same request.
        path: on the server.
        fields: what is asked.
    """

    payment_id: str
    idempotency_key: str
    path: str
    fields: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request.

    Attributes:
        kind: "accepted", "refused" (the server said no to this payment), "stop" (no to us: nothing further is asked), or
            "again" (lost, overloaded, broken: ask again).
        reference: the server's name of the payment, "" unless accepted.
        reason: why not, "" when accepted.
        wait_seconds: how long the server asks to wait, 0 when it does not.
    """

    kind: str
    reference: str = ""
    reason: str = ""
    wait_seconds: float = 0.0


class Server(Protocol):
    """A rail's server.

    `send` makes one request once and never raises for what a server or network does: it says so in the answer. `known` asks
    which payments of a batch the server has already, by payment id, with its names of them; it raises `MachineError` when
    it cannot be asked.
    """

    def send(self, request: Request) -> Answer: ...

    def known(self, batch_id: str) -> Mapping[str, str]: ...


def deliver(server: Server, request: Request, *, sleep: Callable[[float], None] = time.sleep) -> Answer:
    """Makes a request until it is answered, at most five times.

    Returns:
        The last answer; its kind is "again" when the payment's fate is unknown.
    """
    answer = Answer("again", reason="it was not asked")
    for attempt in range(ATTEMPTS_MAX):
        answer = server.send(request)
        if answer.kind != "again":
            return answer
        if attempt < ATTEMPTS_MAX - 1:
            sleep(min(max(WAIT_SECONDS * 2**attempt, answer.wait_seconds), WAIT_SECONDS_MAX))
    return answer
