"""A witness cosigns what continues what it has cosigned, and nothing else, whatever fails and whenever it is killed."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from endcredits import durable
from endcredits.errors import ConflictError, InputError, IntegrityError, MachineError, NotFoundError
from endcredits.receipts.cosignature import cosign, read_statement, signed_by
from endcredits.receipts.cosigner import ED25519, MLDSA44, CosigningKey
from endcredits.receipts.merkle import EMPTY_ROOT, verify_consistency
from endcredits.receipts.witness import REQUEST_BYTES_MAX, SIZE, Answer, Witness, read_request, request_bytes
from endcredits.receipts.witness_making import init_witness, watch, watch_all
from endcredits.receipts.witness_state import (
    FORKS,
    FORKS_MAX,
    KEY_FILES,
    KEYS,
    LATEST,
    LOG_VKEY,
    VKEY,
    log_place,
    watched,
)
from tests.receipts.witnesses import ORIGIN, MemoryLog, entries, key, new_witness, slow_consistency, slow_root

NOW = 1_700_000_000.0


def cosigned(witness: Witness, answer: Answer, log: MemoryLog) -> int:
    """The time of the cosignature that an answer holds, when it is right for what the log has published."""
    assert answer.status == 200, answer
    said = read_statement(f"{read_statement(log.published.note).text}\n{answer.body}")
    found = [signed_by(said, public) for public in witness.keys]
    assert all(found)
    return min(one.time_s for one in found if one is not None)


def test_a_log_is_cosigned_as_it_grows(tmp_path: Path) -> None:
    """From nothing, in steps and leaps, and again at the same size, with both kinds of keys."""
    log = MemoryLog()
    witness = new_witness(tmp_path, log, mldsa=True)
    old = 0

    for step in (0, 1, 1, 0, 5, 9, 0, 1):
        log.grow(*entries(step, len(log.leaves)))
        cosigned(witness, witness.add_checkpoint(log.request(old)), log)
        old = len(log.leaves)

    (seen,) = watched(tmp_path)
    assert (seen.origin, seen.latest.size, seen.latest.root) == (ORIGIN, 17, slow_root(log.leaves))
    assert witness.latest(log_place(tmp_path, ORIGIN).name) == log.published.note
    assert [public.kind for public in witness.keys] == [ED25519, MLDSA44]


def test_every_pair_of_sizes_is_proven(tmp_path: Path) -> None:
    """The slow reading of RFC 6962 proves, the witness accepts; no other proof of the same length is accepted."""
    for old in range(1, 18):
        for size in range(old, 18):
            log = MemoryLog(entries(size))
            path = slow_consistency(old, log.leaves)
            roots = slow_root(log.leaves[:old]), slow_root(log.leaves)
            assert verify_consistency(old, size, path, *roots)
            for place in range(len(path)):
                bad = [*path[:place], bytes(32), *path[place + 1 :]]
                assert not verify_consistency(old, size, bad, *roots)
    witness = new_witness(tmp_path, MemoryLog())
    log = MemoryLog(entries(7))
    cosigned(witness, witness.add_checkpoint(log.request(0)), log)
    log.grow(*entries(6, 7))
    cosigned(witness, witness.add_checkpoint(log.request(7)), log)


def test_refusals_have_the_status_of_the_standard(tmp_path: Path) -> None:
    """And change nothing."""
    log = MemoryLog(entries(5))
    witness = new_witness(tmp_path, log)
    witness.add_checkpoint(log.request(0))
    log.grow(*entries(4, 5))
    unknown = MemoryLog(entries(3), key(name="other.example/log"))
    forged = MemoryLog(entries(9), key(9))
    fork = MemoryLog(entries(5, mark="other"))
    longer = MemoryLog([*fork.leaves, *entries(4)])
    path = slow_consistency(5, log.leaves)

    def asked(body: bytes) -> tuple[int, str, str]:
        answer = witness.add_checkpoint(body)
        return answer.status, answer.content_type.partition(";")[0], answer.body

    assert asked(unknown.request(0)) == (404, "text/plain", "this witness does not watch a log of this name\n")
    assert asked(forged.request(5))[:2] == (403, "text/plain")
    assert asked(log.request(5, MemoryLog(entries(4)).published.note, []))[0] == 400
    for old in (0, 1, 4, 6, 9):
        assert asked(log.request(old)) == (409, SIZE, "5\n")
    status, kind, words = asked(fork.request(5))
    assert (status, kind) == (409, "text/plain") and "this is a fork" in words
    status, kind, words = asked(longer.request(5))
    assert (status, kind) == (422, "text/plain") and "does not lead from the 5 entries" in words
    for bad in ([], path[:-1], [*path, bytes(32)], [bytes(32), *path[1:]], path[::-1]):
        assert asked(log.request(5, path=bad))[0] == 422
    assert watched(tmp_path)[0].latest.size == 5
    cosigned(witness, witness.add_checkpoint(log.request(5)), log)


@pytest.mark.parametrize(
    "change",
    [
        lambda body: b"",
        lambda body: b"\xff" + body,
        lambda body: body.replace(b"old 5", b"old 05"),
        lambda body: body.replace(b"old 5", b"old -5"),
        lambda body: body.replace(b"old 5", b"Old 5"),
        lambda body: body.replace(b"old 5", b"old 9223372036854775808"),
        lambda body: body.replace(b"old 5", b"old 5 "),
        lambda body: body.replace(b"old 5", b"old 5\r"),
        lambda body: body.replace(b"old 5", "old \u0665".encode()),
        lambda body: body.replace(b"\n\n", b"\nAAAA\n\n", 1),
        lambda body: body.replace(b"\n\n", b"\n" + b"A" * 44 + b"\n\n", 1),
        lambda body: body.replace(b"\n\n", b"\n", 1),
        lambda body: body.replace(b"\n\n", b"\n" + (b"A" * 43 + b"=\n") * 63 + b"\n", 1),
        lambda body: body.removesuffix(b"\n"),
        lambda body: body + b"\n",
        lambda body: body.replace("— ".encode(), b"- "),
        lambda body: body.replace(b"\n9\n", b"\n09\n"),
    ],
)
def test_what_is_malformed_is_refused(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    """400, in words."""
    log = MemoryLog(entries(5))
    witness = new_witness(tmp_path, log)
    witness.add_checkpoint(log.request(0))

    answer = witness.add_checkpoint(change(log.grow(*entries(4, 5)).request(5)))

    assert (answer.status == 400 and "cannot be read" in answer.body) or "not UTF-8" in answer.body
    assert watched(tmp_path)[0].latest.size == 5


def test_a_long_request_is_refused(tmp_path: Path) -> None:
    """More than 128 KiB."""
    witness = new_witness(tmp_path)

    assert witness.add_checkpoint(b"x" * (REQUEST_BYTES_MAX + 1)).status == 413


@settings(max_examples=40)
@given(st.data())
def test_no_changed_byte_is_cosigned(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """A flip anywhere in a good request: it is refused, or the checkpoint's text and the proof are what they were."""
    log = MemoryLog(entries(6))
    witness = new_witness(tmp_path_factory.mktemp("w"), log)
    witness.add_checkpoint(log.request(0))
    body = log.grow(*entries(5, 6)).request(6)
    place = data.draw(st.integers(0, len(body) - 1))
    changed = bytearray(body)
    changed[place] ^= 1 << data.draw(st.integers(0, 7))

    answer = witness.add_checkpoint(bytes(changed))

    if answer.status == 200:
        assert read_request(bytes(changed))[3].text == read_statement(log.published.note).text


def test_what_request_bytes_writes_is_read_again(tmp_path: Path) -> None:
    """The client's spelling is the witness's, and the one spelt by hand."""
    log = MemoryLog(entries(9))
    path = slow_consistency(5, log.leaves)

    body = request_bytes(5, path, log.published.note)

    assert body == log.request(5)
    assert read_request(body)[:3] == (5, path, log.published.note)
    assert request_bytes(0, [], log.published.note) == f"old 0\n\n{log.published.note}".encode()


def test_logs_do_not_mix(tmp_path: Path) -> None:
    """Two logs, with the same entries and with different ones, are remembered each for itself."""
    first, second = MemoryLog(entries(3)), MemoryLog(entries(7), key(2, "other.example/log"))
    stranger = MemoryLog(entries(7), key(1, "other.example/log"))  # the first log's key under the second one's name
    witness = new_witness(tmp_path, first, second)

    cosigned(witness, witness.add_checkpoint(first.request(0)), first)
    assert witness.add_checkpoint(second.request(3)).body == "0\n"
    cosigned(witness, witness.add_checkpoint(second.request(0)), second)
    assert witness.add_checkpoint(stranger.request(7)).status == 403
    assert witness.add_checkpoint(first.grow(*entries(1, 3)).request(7, path=[])).status == 400

    assert [(log.origin, log.latest.size) for log in watched(tmp_path)] == [("other.example/log", 7), (ORIGIN, 3)]


def test_a_fork_is_kept_as_evidence(tmp_path: Path) -> None:
    """What the log signed twice is kept, once each, and not without end."""
    log = MemoryLog(entries(5))
    witness = new_witness(tmp_path, log)
    witness.add_checkpoint(log.request(0))
    forks = [MemoryLog(entries(5, mark=f"fork {number}")) for number in range(FORKS_MAX + 3)]

    for fork in [*forks, *forks]:
        assert witness.add_checkpoint(fork.request(5)).status == 409

    kept = list((log_place(tmp_path, ORIGIN) / FORKS).glob("*.txt"))
    assert len(kept) == watched(tmp_path)[0].forks == FORKS_MAX
    assert {path.read_text() for path in kept} <= {fork.published.note for fork in forks}
    assert witness.latest(log_place(tmp_path, ORIGIN).name) == log.published.note


def test_a_replay_of_the_latest_is_cosigned_anew_and_older_ones_are_not(tmp_path: Path) -> None:
    """The time moves on, and never back, whatever the clock does."""
    clock = [NOW]
    log = MemoryLog(entries(5))
    new_witness(tmp_path, log)
    witness = Witness(tmp_path, clock=lambda: clock[0])
    old = log.request(0)
    times = [cosigned(witness, witness.add_checkpoint(old), log)]

    for clock[0] in (NOW + 60, NOW - 1e6, 0.0):
        times.append(cosigned(witness, witness.add_checkpoint(log.request(5)), log))
    assert witness.add_checkpoint(old).body == "5\n"
    log.grow(*entries(1, 5))
    times.append(cosigned(witness, witness.add_checkpoint(log.request(5)), log))

    assert times == [NOW, NOW + 60, NOW + 60, NOW + 60, NOW + 60]


def test_one_good_signature_of_the_log_is_enough(tmp_path: Path) -> None:
    """Other keys' lines, and a wrong line of a key that is going out of use, are passed over; a new key is added."""
    old, new = MemoryLog(entries(5)), MemoryLog(entries(5), key(2))
    witness = new_witness(tmp_path, old)
    assert witness.add_checkpoint(new.request(0)).status == 403

    watch(tmp_path, new.key.vkey)
    wrong = MemoryLog(entries(6)).published.note.rpartition("\n\n")[2]
    cosigned(witness, witness.add_checkpoint(new.request(0, new.published.note + wrong)), new)
    cosigned(witness, witness.add_checkpoint(old.request(5)), old)

    assert watched(tmp_path)[0].keys[0].public == new.key.private.public_key().public_bytes_raw()
    with pytest.raises(ConflictError, match="already"):
        watch(tmp_path, old.key.vkey)


def test_a_changed_log_vkey_is_added_as_it_is(tmp_path: Path) -> None:
    """The new key, the old one that is known, and the ML-DSA-44 key stand in one file; nothing new is a conflict."""
    old, new = MemoryLog(entries(5)), MemoryLog(entries(5), key(2))
    pq = CosigningKey(ORIGIN, MLDSA44PrivateKey.generate())
    new_witness(tmp_path, old)
    lines = [new.key.vkey, old.key.vkey, pq.key.vkey]

    (log,) = watch_all(tmp_path, lines)

    assert {known.vkey for known in log.keys} == set(lines)
    assert Witness(tmp_path).add_checkpoint(new.request(0)).status == 200
    with pytest.raises(ConflictError, match="already"):
        watch_all(tmp_path, lines)
    assert watch_all(tmp_path, []) == []


def test_further_lines_of_a_checkpoint_get_no_signature_that_does_not_cover_them(tmp_path: Path) -> None:
    """The Ed25519 key signs the whole text; the ML-DSA-44 key would not, and does not."""
    from endcredits.receipts.note import sign_note

    log = MemoryLog(entries(1))
    witness = new_witness(tmp_path, log, mldsa=True)
    note = sign_note(read_statement(log.published.note).text + "further\n", log.key)

    answer = witness.add_checkpoint(log.request(0, note))

    said = read_statement(f"{note.rpartition(chr(10) * 2)[0]}\n\n{answer.body}")
    assert len(said.lines) == 1
    assert signed_by(said, witness.keys[0]) is not None


def test_a_witness_that_has_forgotten_signs_nothing(tmp_path: Path) -> None:
    """A lost or changed memory is told to the operator, and the caller learns only that it does not work."""
    log = MemoryLog(entries(5))
    witness = new_witness(tmp_path, log)
    witness.add_checkpoint(log.request(0))
    place = log_place(tmp_path, ORIGIN) / LATEST
    good = place.read_bytes()

    for bad in (
        None,
        b"",
        good[:-1],
        good.replace(b"\n5\n", b"\n4\n"),
        good + b"x",
        b"\xff",
        good.replace(b"time", b"tome"),
    ):
        place.unlink() if bad is None else place.write_bytes(bad)
        for old in (0, 5):
            answer = witness.add_checkpoint(log.request(old))
            assert answer.status == 500
            assert "new witness with a new key" in answer.note and "latest" not in answer.body
        with pytest.raises(IntegrityError, match="cannot be read"):
            watched(tmp_path)
        with pytest.raises(IntegrityError, match="cannot be read"):
            watch(tmp_path, key(5).vkey)
    place.write_bytes(good)
    cosigned(witness, witness.add_checkpoint(log.request(5)), log)


def test_a_witness_is_made_once(tmp_path: Path) -> None:
    """Not over another one; a killed beginning is continued with the key that is there."""
    with pytest.raises(InputError, match="name"):
        init_witness(tmp_path / "w", "no name")
    with pytest.raises(NotFoundError, match="not a witness"):
        Witness(tmp_path / "w")
    with pytest.raises(NotFoundError, match="not a witness"):
        watch(tmp_path / "w", key().vkey)
    (first,) = init_witness(tmp_path / "w", "witness.example/w1")
    with pytest.raises(ConflictError, match="a witness already"):
        init_witness(tmp_path / "w", "witness.example/w1")
    (tmp_path / "w" / VKEY).unlink()
    assert init_witness(tmp_path / "w", "witness.example/w1", mldsa=True)[0] == first
    with pytest.raises(InputError, match="a witness's key"):
        watch(tmp_path / "w", first.vkey)
    (tmp_path / "w" / KEYS / KEY_FILES[ED25519]).write_bytes((tmp_path / "w" / KEYS / KEY_FILES[MLDSA44]).read_bytes())
    with pytest.raises(IntegrityError, match="not the one of"):
        Witness(tmp_path / "w")


def test_many_callers_at_once_never_make_two_histories(tmp_path: Path) -> None:
    """Two forks of one log race for the witness in many threads: only one of them is ever cosigned."""
    honest = [MemoryLog(entries(size)) for size in range(1, 9)]
    forked = [MemoryLog([b"x", *entries(size - 1)]) for size in range(1, 9)]
    witness = new_witness(tmp_path, MemoryLog())
    signed: list[tuple[int, bytes]] = []

    def submit(logs: list[MemoryLog], seed: int) -> None:
        for log in random.Random(seed).choices(logs, k=12):
            answer = witness.add_checkpoint(log.request(0))
            if answer.content_type == SIZE and int(answer.body) <= len(log.leaves):
                answer = witness.add_checkpoint(log.request(int(answer.body)))
            if answer.status == 200:
                signed.append((len(log.leaves), slow_root(log.leaves)))

    threads = [threading.Thread(target=submit, args=(logs, seed)) for seed in range(3) for logs in (honest, forked)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert signed
    assert len({size for size, _ in signed}) == len(set(signed))
    history = honest if signed[0][1] in {slow_root(log.leaves) for log in honest} else forked
    assert {root for _, root in signed} <= {slow_root(log.leaves) for log in history}


# Every durable write fails, or the process is killed there: what was signed before and after is one history.
class Faults:
    """Lets one durable write fail: "lost" before it, "kept" after it."""

    def __init__(self, at: int, mode: str, fail: Callable[[], None]) -> None:
        self.count = 0
        self._at, self._mode, self._fail = at, mode, fail
        self._real = durable.write_atomic

    def __call__(self, *arguments: Any, **options: Any) -> None:
        here = self.count == self._at
        self.count += 1
        if not here or self._mode == "kept":
            self._real(*arguments, **options)
        if here:
            self._fail()


def disk_full() -> None:
    raise MachineError("the disk is full", remedy="Free some space.")


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


HONEST = [MemoryLog(entries(size)) for size in range(7)]
FORKED = [MemoryLog(entries(size, mark="other")) for size in range(7)]


def life(folder: Path, signed: Callable[[int, bytes], None]) -> None:
    """A witness's day: it is made, watches, and is asked by an honest log and by its fork in turn."""
    if not (folder / VKEY).exists():
        init_witness(folder, "witness.example/w1")
    if not (log_place(folder, ORIGIN) / LOG_VKEY).exists():
        watch(folder, HONEST[0].key.vkey)
    witness = Witness(folder)
    for size in (2, 2, 4, 6):
        for log in (HONEST[size], FORKED[size]):
            for _ in range(2):
                answer = witness.add_checkpoint(log.request(0))
                if answer.content_type == SIZE and int(answer.body) <= size:
                    answer = witness.add_checkpoint(log.request(int(answer.body)))
                if answer.status == 200:
                    signed(size, slow_root(log.leaves))


def writes_of_a_life(folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    counter = Faults(-1, "lost", disk_full)
    with monkeypatch.context() as patch:
        patch.setattr(durable, "write_atomic", counter)
        life(folder, lambda size, root: None)
    return counter.count


def one_history(signed: list[tuple[int, bytes]]) -> bool:
    roots = dict(signed)
    logs = HONEST if roots.get(2, roots.get(4, roots.get(6))) in {slow_root(log.leaves) for log in HONEST} else FORKED
    return all(slow_root(logs[size].leaves) == root for size, root in signed)


@pytest.mark.parametrize("mode", ["lost", "kept"])
def test_whatever_write_fails_one_history_is_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """The disk fills at each write in turn; afterwards everything goes on, and no size has two roots."""
    count = writes_of_a_life(tmp_path / "whole", monkeypatch)
    assert count > 12

    for at in range(count):
        signed: list[tuple[int, bytes]] = []

        def note(size: int, root: bytes, signed: list[tuple[int, bytes]] = signed) -> None:
            signed.append((size, root))

        folder = tmp_path / str(at)
        with monkeypatch.context() as patch:
            patch.setattr(durable, "write_atomic", Faults(at, mode, disk_full))
            try:
                life(folder, note)
            except MachineError:
                assert at < 4  # making the witness and the first log; later failures are answers
        life(folder, note)
        assert one_history(signed), (mode, at, signed)
        assert (6, slow_root(HONEST[6].leaves)) in signed or (6, slow_root(FORKED[6].leaves)) in signed


@pytest.mark.parametrize("mode", ["lost", "kept"])
def test_wherever_it_is_killed_one_history_is_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """The process dies at each write in turn (SIGKILL) and is started again, with the fork asking first."""
    count = writes_of_a_life(tmp_path / "whole", monkeypatch)

    for at in range(count):
        folder, journal = tmp_path / str(at), tmp_path / f"{at}.signed"

        def note(size: int, root: bytes, journal: Path = journal) -> None:
            with journal.open("a") as file:
                file.write(f"{size} {root.hex()}\n")

        child = os.fork()
        if child == 0:
            durable.write_atomic = Faults(at, mode, killed)
            life(folder, note)
            os._exit(0)
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
        HONEST[:], FORKED[:] = FORKED[:], HONEST[:]
        try:
            life(folder, note)
        finally:
            HONEST[:], FORKED[:] = FORKED[:], HONEST[:]
        rows = [line.split() for line in journal.read_text().splitlines()]
        signed = [(int(size), bytes.fromhex(root)) for size, root in rows]
        assert one_history(signed), (mode, at, signed)
        assert len([size for size, _ in signed if size == 6]) > 0


def test_nothing_is_signed_that_is_not_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signing comes after the write, also when the disk already shows the checkpoint: the write before may have failed."""
    log = MemoryLog(entries(3))
    witness = new_witness(tmp_path, log)
    order: list[str] = []
    real = durable.write_atomic

    def write(path: Any, data: bytes, **options: Any) -> None:
        real(path, data, **options)
        order.append("written")

    def sign(*arguments: Any) -> str:
        order.append("signed")
        return cosign(*arguments)

    monkeypatch.setattr("endcredits.receipts.witness.cosign", sign)
    monkeypatch.setattr(durable, "write_atomic", write)
    witness.add_checkpoint(log.request(0))
    witness.add_checkpoint(log.request(3))

    assert order == ["written", "signed", "written", "signed"]
    assert watched(tmp_path)[0].latest.root != EMPTY_ROOT


def test_a_busy_log_asks_to_come_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process decides about the same log, and only about the same."""
    monkeypatch.setattr("endcredits.receipts.witness_state.WAIT_SECONDS", 0.0)
    first, second = MemoryLog(entries(3)), MemoryLog(entries(3), key(2, "other.example/log"))
    witness = new_witness(tmp_path, first, second)

    with durable.locked(log_place(tmp_path, ORIGIN), "the log"):
        assert witness.add_checkpoint(first.request(0)).status == 503
        assert witness.add_checkpoint(second.request(0)).status == 200
    assert witness.add_checkpoint(first.request(0)).status == 200
