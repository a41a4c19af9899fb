"""Witnesses are asked, each for itself: what some sign is kept and published, and who refused is told with the reason."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from endcredits.errors import ConflictError, InputError, IntegrityError
from endcredits.flows import witnessing
from endcredits.flows.witnessing import Witnessing, require_witnesses, witness_log
from endcredits.receipts.cosignature import cosign, read_statement
from endcredits.receipts.cosigner import CosigningKey
from endcredits.receipts.policy import Policy, parse_policy
from endcredits.receipts.quorum import weigh
from endcredits.receipts.records import Checkpoint
from endcredits.receipts.witness import Witness
from endcredits.receipts.witness_state import watched
from tests.receipts.witnesses import MemoryLog, entries, http_answer, key, liar, new_witness, serving


class Town:
    """Some witnesses that serve, and policies that name them."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self.folder = folder
        self.witnesses: dict[str, Witness] = {}
        self.urls: dict[str, str] = {}
        self.stack = stack

    def open(self, name: str, *logs: MemoryLog) -> Witness:
        witness = new_witness(self.folder / name, *logs, name=f"{name}.example/w")
        self.witnesses[name] = witness
        self.urls[name] = self.stack.enter_context(serving(witness)).url
        return witness

    def policy(self, log: MemoryLog, quorum: str = "all", **urls: str) -> Policy:
        """All of them, at these addresses instead of their own."""
        places = {**self.urls, **urls}
        lines = [f"log {log.key.vkey}"]
        lines += [f"witness {name} {one.keys[0].vkey} {places[name]}".strip() for name, one in self.witnesses.items()]
        lines += [f"group enough {quorum} {' '.join(self.witnesses)}", "quorum enough"]
        return parse_policy("\n".join(lines).encode())


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with contextlib.ExitStack() as stack:
        yield Town(tmp_path, stack)


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog(entries(5))


def ask(log: MemoryLog, policy: Policy) -> Witnessing:
    return witness_log(log, policy, seconds=5, pause_seconds=0.01)


def outcomes(done: Witnessing) -> dict[str, str]:
    return {one.name: one.outcome for one in done.asked}


def test_all_witnesses_cosign_a_growing_log(town: Town, log: MemoryLog) -> None:
    """Each from where it is: one of them joins late. What is published verifies by the policy."""
    town.open("first", log)
    policy = town.policy(log)
    assert ask(log, policy).reached
    log.grow(*entries(3, 5))
    town.open("second", log)
    policy = town.policy(log)

    for _ in range(3):
        done = ask(log, policy)
        assert (done.reached, done.lacking, done.size, done.root) == (True, "", len(log.leaves), log.published.root)
        assert outcomes(done) == {"first": "cosigned", "second": "cosigned"}
        found = weigh(policy, log.published.note)
        assert list(found.cosignatures) == ["first", "second"]
        assert [one.time_s for one in done.asked] == [one.time_s for one in found.cosignatures.values()]
        log.grow(*entries(4, len(log.leaves)))
    assert not weigh(policy, log.published.note).reached  # the newest is not witnessed yet


def test_who_has_cosigned_is_not_asked_again(town: Town, log: MemoryLog) -> None:
    """Only those who are missing are, and the lines of the others stand."""
    town.open("first", log)
    town.open("second")  # does not watch the log
    policy = town.policy(log, "any")

    before = ask(log, policy)
    note = log.published.note
    again = ask(log, policy)

    assert outcomes(before) == {"first": "cosigned", "second": "refused"}
    assert outcomes(again) == {"first": "kept", "second": "refused"}
    assert before.reached and again.reached
    assert "it does not watch this log" in again.asked[1].words
    assert log.published.note == note


def test_what_some_sign_is_kept_when_others_fail(town: Town, log: MemoryLog) -> None:
    """One that is gone, one that lies, one that nobody can reach: the quorum is not reached, one signature is published."""
    for name in ("good", "gone", "lies", "nowhere"):
        town.open(name, log)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    stranger = CosigningKey("lies.example/w", key(7).private)
    lie = cosign(read_statement(log.published.note), stranger, 1) + "\n"
    with liar(lambda connection: connection.sendall(http_answer(200, lie.encode()))) as lying:
        policy = town.policy(log, "2", gone=closed, lies=lying, nowhere="")

        done = ask(log, policy)

    assert outcomes(done) == {"good": "cosigned", "gone": "unreachable", "lies": "wrong", "nowhere": "no address"}
    assert not done.reached and "asks for 2 of 4 and has 1, without gone, lies, nowhere" in done.lacking
    assert "cannot be reached" in done.asked[1].words and "no cosignature by the key" in done.asked[2].words
    assert list(weigh(policy, log.published.note).cosignatures) == ["good"]
    assert ask(log, town.policy(log, "2")).reached


def test_a_witness_that_comes_back_in_time_is_asked_again(town: Town, log: MemoryLog) -> None:
    """Twice out of order, then it works; four times, and it is given up."""
    witness = town.open("slow", log)
    busy = [2]

    def sometimes(connection: socket.socket) -> None:
        if busy[0] > 0:
            busy[0] -= 1
            connection.sendall(http_answer(503, b"come again"))
        else:
            answer = witness.add_checkpoint(log.request(0))
            connection.sendall(http_answer(answer.status, answer.body.encode(), answer.content_type))

    with liar(sometimes) as url:
        policy = town.policy(log, slow=url)
        assert outcomes(ask(log, policy)) == {"slow": "cosigned"}
        log.grow(*entries(1, 5))
        busy[0] = 4
        done = ask(log, policy)

    assert outcomes(done) == {"slow": "unreachable"}
    assert done.asked[0].words == 'it answered 503: "come again"'
    assert busy[0] == 1


def test_a_fork_is_refused_and_told(town: Town, log: MemoryLog) -> None:
    """At the same size, at a larger one, and nothing of it is published; two logs with one key and name."""
    town.open("first", log)
    ask(log, town.policy(log))
    same = MemoryLog(entries(5, mark="other"))
    larger = MemoryLog([*same.leaves, *entries(9)])

    at_size, beyond = ask(same, town.policy(log)), ask(larger, town.policy(log))

    assert outcomes(at_size) == outcomes(beyond) == {"first": "refused"}
    assert "another root for this very size: unless it is wrong, the log was forked" in at_size.asked[0].words
    assert "does not continue the one that it has cosigned" in beyond.asked[0].words
    assert weigh(town.policy(log), same.published.note).cosignatures == {}
    assert watched(town.folder / "first")[0].forks == 1


def test_a_log_that_was_set_back_is_told(town: Town, log: MemoryLog) -> None:
    """A log restored from an old copy is smaller than what the witness has cosigned."""
    town.open("first", log)
    ask(log, town.policy(log))

    done = ask(MemoryLog(entries(3)), town.policy(log))

    assert outcomes(done) == {"first": "refused"}
    assert (
        "has cosigned 5 entries of this log, which shows 3: unless it is wrong, the log was set back" in done.asked[0].words
    )


def test_two_logs_do_not_mix(town: Town, log: MemoryLog) -> None:
    """One witness for both; the policy of one does not weigh the other."""
    other = MemoryLog(entries(8, mark="other"), key(2, "other.example/log"))
    town.open("both", log, other)

    assert ask(log, town.policy(log)).size == 5
    assert ask(other, town.policy(other)).size == 8
    with pytest.raises(IntegrityError, match="does not list as a log"):
        ask(other, town.policy(log))


def test_a_witness_that_never_settles_on_a_size_is_left(town: Town, log: MemoryLog) -> None:
    """It names other sizes for ever."""
    town.open("vague", log)
    sizes = iter(range(1, 100))
    with liar(lambda c: c.sendall(http_answer(409, f"{next(sizes) % 5}\n".encode(), "text/x.tlog.size"))) as url:
        done = ask(log, town.policy(log, vague=url))

    assert outcomes(done) == {"vague": "wrong"}
    assert "another size each time" in done.asked[0].words


class Growing(MemoryLog):
    """A log that others write to while its witnesses are asked."""

    times = 0

    def add_signatures(self, lines: Sequence[str], checkpoint: Checkpoint) -> Checkpoint:
        if self.times:
            self.times -= 1
            self.grow(*entries(1, len(self.leaves)))
        return super().add_signatures(lines, checkpoint)


@pytest.mark.parametrize("times", [1, 2])
def test_a_log_that_grows_meanwhile_is_submitted_again(town: Town, times: int) -> None:
    """Signatures of an older checkpoint are never put under a newer one."""
    log = Growing(entries(5))
    log.times = times
    town.open("first", log)

    done = ask(log, town.policy(log))

    assert (done.size, done.reached) == (5 + times, True)
    assert weigh(town.policy(log), log.published.note).reached


def test_a_log_that_never_stands_still_is_told(town: Town) -> None:
    """After three beginnings; the next quiet moment does."""
    log = Growing(entries(5))
    log.times = witnessing.STARTS
    town.open("first", log)

    with pytest.raises(ConflictError, match="grew 3 times"):
        ask(log, town.policy(log))
    assert ask(log, town.policy(log)).reached


def test_a_log_that_somebody_else_holds_is_told(town: Town, log: MemoryLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is not growth, and asking all witnesses again would not help."""
    town.open("first", log)

    def held(lines: Sequence[str], checkpoint: Checkpoint) -> Checkpoint:
        raise ConflictError("another process is writing to the receipt log")

    monkeypatch.setattr(log, "add_signatures", held)

    with pytest.raises(ConflictError, match="another process is writing"):
        ask(log, town.policy(log))


def test_proofs_are_made_for_the_checkpoint_that_was_submitted(
    town: Town, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Growing between the first answer and the proof starts over."""
    town.open("first", log)
    ask(log, town.policy(log))
    log.grow(*entries(2, 5))
    real = log.consistency_path
    grown: list[MemoryLog] = []

    def path(old_size: int) -> tuple[str, ...]:
        if not grown:
            grown.append(log.grow(*entries(1, 7)))
        return real(old_size)

    monkeypatch.setattr(log, "consistency_path", path)

    assert ask(log, town.policy(log)).size == 8


def test_what_cannot_be_asked_is_told_before_anything_is_sent(town: Town, log: MemoryLog) -> None:
    """A policy without addresses, with a wrong one."""
    town.open("first", log)

    with pytest.raises(InputError, match="no witness of the policy has an address"):
        require_witnesses(town.policy(log, first=""))
    with pytest.raises(InputError, match="not the address"):
        ask(log, town.policy(log, first="gopher://first.example/"))
    assert watched(town.folder / "first")[0].latest.size == 0
