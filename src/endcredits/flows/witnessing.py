"""Asking the witnesses of a policy to cosign the log as it stands, and publishing what they sign.

Each witness is asked with a proof that the log continues what that witness cosigned last. How far that was, the witness
says itself (409), so nothing has to be remembered here. All are asked at once and none of them holds up another; what
some have signed is kept when others fail, and asking again asks only those who are missing.

A cosignature is published only after it verifies with the key of the policy: it becomes a further signature line of the
log's checkpoint, and thereby of every proof that is made from then on, until the log grows again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from endcredits.errors import ConflictError, InputError
from endcredits.receipts.cosignature import Cosignature, Statement
from endcredits.receipts.policy import Policy, PolicyKey
from endcredits.receipts.quorum import lacking, reached, weigh
from endcredits.receipts.records import Checkpoint
from endcredits.receipts.witness import request_bytes
from endcredits.receipts.witness_client import NotCosigned, OtherSize, Reply, check_url, post, read_reply

STARTS = 3
"""How often everything is begun anew because the log grew while the witnesses were asked."""
AT_ONCE = 16


class WitnessedLog(Protocol):
    """What is asked of a log here; `receipts.Log` has it."""

    def checkpoint(self) -> Checkpoint: ...
    def consistency_path(self, old_size: int) -> tuple[str, ...]: ...
    def add_signatures(self, lines: Sequence[str], checkpoint: Checkpoint) -> Checkpoint: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of one witness.

    Attributes:
        name: what the policy calls it.
        url: its address.
        outcome: "cosigned" now, "kept" (had cosigned this checkpoint before), "refused", "unreachable", "wrong" (its answer
            is not a cosignature of its key), or "no address".
        words: what was wrong, "" when it has cosigned.
        time_s: when it cosigned, seconds since 1970; 0 when it has not.
    """

    name: str
    url: str
    outcome: str
    words: str
    time_s: int


@dataclass(frozen=True, slots=True)
class Witnessing:
    """What came of asking all of them.

    Attributes:
        origin: the log.
        size: number of entries of the checkpoint that was submitted.
        root: its root, 64 hex digits.
        asked: one for each witness of the policy, in its order.
        reached: whether the quorum is reached.
        lacking: what it lacks, in words.
    """

    origin: str
    size: int
    root: str
    asked: tuple[Asked, ...]
    reached: bool
    lacking: str


class _Grown(Exception):
    """The log has grown since it was submitted."""


@dataclass(slots=True)
class _Turn:
    """How far we have come with one witness."""

    witness: PolicyKey
    old_size: int = 0
    path: tuple[str, ...] = ()
    rounds: int = 0
    failures: int = 0
    wait: bool = False


def witness_log(
    log: WitnessedLog,
    policy: Policy,
    *,
    seconds: float = 10.0,
    tries: int = 3,
    pause_seconds: float = 0.5,
    clock: Callable[[], float] = time.time,
) -> Witnessing:
    """Has the log's latest checkpoint cosigned, and publishes the cosignatures with it.

    Args:
        log: the log; its private key is not needed.
        policy: whom to ask, and how many are enough. It must list the log.
        seconds: for each exchange with a witness.
        tries: how often a witness that cannot be reached is asked.
        pause_seconds: before the second try; twice as long before each further one.
        clock: seconds since 1970.

    Raises:
        InputError: an address in the policy cannot be one.
        IntegrityError: the log is not in the policy, or its files do not fit what it signed.
        ConflictError: the log grew each time that the witnesses were asked, or another process holds it. What they signed is
            lost, and harms nothing.
        MachineError: the cosignatures could not be written.
    """
    for witness in policy.witnesses:
        if witness.url:
            check_url(witness.url)
    for _ in range(STARTS):
        try:
            return _ask_all(log, policy, seconds, tries, pause_seconds, clock)
        except _Grown:
            continue
    raise ConflictError(
        f"the log grew {STARTS} times while its witnesses were asked",
        remedy="Ask when less is written, or with witnesses that answer sooner.",
    )


def _ask_all(
    log: WitnessedLog, policy: Policy, seconds: float, tries: int, pause_seconds: float, clock: Callable[[], float]
) -> Witnessing:
    checkpoint = log.checkpoint()
    weighed = weigh(policy, checkpoint.note)
    done = {name: Asked(name, "", "kept", "", seen.time_s) for name, seen in weighed.cosignatures.items()}
    lines: list[str] = []
    turns = []
    for witness in policy.witnesses:
        if witness.name not in done and witness.url:
            turns.append(_Turn(witness))
        elif witness.name not in done:
            done[witness.name] = Asked(witness.name, "", "no address", "the policy gives no address for it", 0)
    with ThreadPoolExecutor(max_workers=max(1, min(AT_ONCE, len(turns)))) as pool:
        while turns:
            if any(turn.wait for turn in turns):
                time.sleep(pause_seconds * 2 ** (max(turn.failures for turn in turns) - 1))
            replies = list(pool.map(lambda turn: _post(turn, checkpoint.note, seconds), turns))
            going_on = []
            # The log is looked at in this thread only: an open log belongs to one.
            for turn, reply in zip(turns, replies, strict=True):
                answer = read_reply(reply, weighed.statement, turn.witness.key, clock())
                ended = _next(turn, answer, log, checkpoint, tries)
                if ended is None:
                    going_on.append(turn)
                else:
                    done[turn.witness.name] = ended
                if isinstance(answer, Cosignature):
                    lines.append(answer.line)
            turns = going_on
    if lines:
        try:
            log.add_signatures(lines, checkpoint)
        except ConflictError as error:
            now = log.checkpoint()
            if (now.size, now.root) == (checkpoint.size, checkpoint.root):
                raise  # somebody holds the log's folder, which asking again would not mend
            raise _Grown from error
    asked = tuple(_with_url(done[witness.name], witness.url) for witness in policy.witnesses)
    names = [one.name for one in asked if one.outcome in ("cosigned", "kept")]
    said: Statement = weighed.statement
    return Witnessing(said.origin, said.size, said.root.hex(), asked, reached(policy, names), lacking(policy, names))


def _with_url(asked: Asked, url: str) -> Asked:
    return Asked(asked.name, url, asked.outcome, asked.words, asked.time_s)


def _post(turn: _Turn, note: str, seconds: float) -> Reply:
    return post(
        turn.witness.url, request_bytes(turn.old_size, [bytes.fromhex(node) for node in turn.path], note), seconds=seconds
    )


def _next(
    turn: _Turn, answer: Cosignature | OtherSize | NotCosigned, log: WitnessedLog, checkpoint: Checkpoint, tries: int
) -> Asked | None:
    """What came of a witness; None when it is to be asked again, as `turn` then says."""
    name, turn.wait = turn.witness.name, False
    if isinstance(answer, Cosignature):
        return Asked(name, "", "cosigned", "", answer.time_s)
    if isinstance(answer, NotCosigned):
        turn.failures += 1
        turn.wait = True
        if answer.kind != "unreachable" or turn.failures >= tries:
            return Asked(name, "", answer.kind, answer.words, 0)
        return None
    if answer.size > checkpoint.size:
        words = f"it says that it has cosigned {answer.size} entries of this log, which shows {checkpoint.size}"
        meaning = "unless it is wrong, the log was set back (restored from an old copy, or rewritten)"
        return Asked(name, "", "refused", f"{words}: {meaning}", 0)
    turn.rounds += 1
    if turn.rounds > tries:
        return Asked(name, "", "wrong", "it names another size each time that it is asked", 0)
    turn.old_size, turn.path = answer.size, _path(log, answer.size, checkpoint)
    return None


def _path(log: WitnessedLog, old_size: int, checkpoint: Checkpoint) -> tuple[str, ...]:
    """The consistency proof from a size to the checkpoint that was submitted."""
    path = log.consistency_path(old_size)
    now = log.checkpoint()
    if (now.size, now.root) != (checkpoint.size, checkpoint.root):
        raise _Grown
    return path


def require_witnesses(policy: Policy) -> None:
    """Asking makes sense only with somebody to ask.

    Raises:
        InputError: no witness of the policy has an address.
    """
    if not any(witness.url for witness in policy.witnesses):
        raise InputError(
            "no witness of the policy has an address",
            remedy="Write it at the end of its line: witness NAME VKEY https://witness.example/",
        )
