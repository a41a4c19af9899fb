"""Whatever fails while issuing, and whenever, issuing again ends with exactly one proven entry per receipt."""

import errno
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from endcredits import durable
from endcredits.errors import MachineError
from endcredits.receipts import issuing
from endcredits.receipts import log as log_module
from endcredits.receipts.check import check_log
from endcredits.receipts.issuing import issue
from endcredits.receipts.log import Log
from endcredits.receipts.receipt import receipts_in
from endcredits.receipts.receipt_check import check_receipts
from tests.receipts.helpers import AT, KEY, LATER, items, new_log

STEPS = 13
"""2 pending files, 2 tails cut off, entries, hashes, names, checkpoint, 2 times lines and receipt, the removal of drafts."""
MODES = ("lost", "half", "kept")


class Faults:
    """Counts durable writes and lets some of them fail.

    "lost": nothing is written; "half": an append or a removal is done by half; "kept": it is done, and reported failed.
    """

    def __init__(self, fail: Callable[[], None]) -> None:
        self.count = 0
        self.at: dict[int, str] = {}
        self._fail = fail

    def around(self, real: Callable[..., None], half: Callable[..., None]) -> Callable[..., None]:
        def write(*arguments: Any, **options: Any) -> None:
            mode = self.at.get(self.count)
            self.count += 1
            if mode == "half":
                half(*arguments)
            if mode in (None, "kept"):
                real(*arguments, **options)
            if mode is not None:
                self._fail()

        return write


def half_append(path: Path, data: bytes) -> None:
    with Path(path).open("ab") as file:
        file.write(data[: len(data) // 2])


def half_atomic(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_name(f"{path.name}.00000000.partial").write_bytes(data[: len(data) // 2])


def half_removal(paths: list[Path]) -> None:
    paths[1].unlink()


def half_cut(path: Path, size_bytes: int) -> None:
    with path.open("r+b") as file:
        file.truncate((size_bytes + path.stat().st_size) // 2)


def disk_full() -> None:
    raise MachineError("the disk is full", remedy="Free some space and run the same command again.")


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def install(monkeypatch: pytest.MonkeyPatch, faults: Faults) -> None:
    monkeypatch.setattr(durable, "append", faults.around(durable.append, half_append))
    monkeypatch.setattr(durable, "write_atomic", faults.around(durable.write_atomic, half_atomic))
    monkeypatch.setattr(log_module, "cut", faults.around(log_module.cut, half_cut))
    monkeypatch.setattr(issuing, "remove", faults.around(issuing.remove, half_removal))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A log of three entries, one of them with its receipt, and tails that an earlier kill left."""
    log = new_log(tmp_path / "log", 2)
    issue(log, tmp_path / "receipts", items(10), AT)
    half_append(tmp_path / "log" / "entries", b"half a line")
    half_append(tmp_path / "log" / "hashes", bytes(50))
    yield tmp_path


def run(place: Path) -> list[Any]:
    return list(issue(Log.open(place / "log", KEY), place / "receipts", items(10, 11, 12), LATER))


def assert_whole(place: Path, before: str) -> None:
    """Three old entries and exactly one for each new id, all proven, grown from what was signed before."""
    log = Log.open(place / "log")
    assert log.checkpoint().size == 5
    assert sorted(receipt.proof.leaf_index for receipt in receipts_in(place / "receipts")) == [2, 3, 4]
    assert sorted(log.find_name(name) or 0 for name in ("out-11", "out-12")) == [3, 4]
    assert [receipt.receipt_id for receipt in receipts_in(place / "receipts")] == ["out-10", "out-11", "out-12"]
    assert list((place / "receipts" / "pending").glob("*.json")) == []
    assert check_log(log, [before]) == []
    assert check_receipts(place / "receipts", log, accounted=[0, 1]) == []


def test_the_steps(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without faults, issuing takes the writes that the tests below let fail one by one."""
    before = Log.open(place / "log").checkpoint().note
    faults = Faults(disk_full)
    install(monkeypatch, faults)

    run(place)

    assert faults.count == STEPS
    assert_whole(place, before)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("step", range(STEPS))
def test_a_write_that_fails_twice(place: Path, monkeypatch: pytest.MonkeyPatch, step: int, mode: str) -> None:
    """Lost, half done, or kept but reported lost, in one process that goes on: the third try completes it."""
    before = Log.open(place / "log").checkpoint().note
    log = Log.open(place / "log", KEY)
    with monkeypatch.context() as patch:
        faults = Faults(disk_full)
        faults.at = {step: mode}
        install(patch, faults)
        for _ in range(2):
            faults.count = 0
            try:
                issue(log, place / "receipts", items(10, 11, 12), LATER)
            except MachineError:
                assert check_log(Log.open(place / "log"), [before]) == []

    receipts = issue(log, place / "receipts", items(10, 11, 12), LATER)

    assert receipts == run(place)
    assert_whole(place, before)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("step", range(STEPS))
def test_a_process_killed_at_every_write(place: Path, monkeypatch: pytest.MonkeyPatch, step: int, mode: str) -> None:
    """SIGKILL before, in the middle of, and after every durable write: issuing again completes it."""
    before = Log.open(place / "log").checkpoint().note

    child = os.fork()
    if child == 0:
        faults = Faults(killed)
        faults.at = {step: mode}
        install(monkeypatch, faults)
        try:
            run(place)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)

    assert os.WTERMSIG(status) == signal.SIGKILL
    assert check_log(Log.open(place / "log"), [before]) == []
    run(place)
    assert_whole(place, before)


@pytest.mark.parametrize("call", ["fsync", "replace", "open"])
@pytest.mark.parametrize("number", range(12))
def test_a_full_disk_is_reported_and_survived(place: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int) -> None:
    """When the system says that the disk is full, the error says so too, and issuing again completes it."""
    before = Log.open(place / "log").checkpoint().note
    log = Log.open(place / "log", KEY)
    log.checkpoint()
    real, count = getattr(os, call), 0

    def full(*arguments: Any, **options: Any) -> Any:
        nonlocal count
        count += 1
        if count > number and not str(arguments[0]).endswith(".lock"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        try:
            issue(log, place / "receipts", items(10, 11, 12), LATER)
        except MachineError as error:
            assert "disk is full" in str(error)

    run(place)

    assert count > 0
    assert_whole(place, before)


@pytest.mark.parametrize("step", range(4))
@pytest.mark.parametrize("mode", ["lost", "kept"])
def test_a_process_killed_while_beginning_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, mode: str
) -> None:
    """A log half begun is begun again."""
    child = os.fork()
    if child == 0:
        faults = Faults(killed)
        faults.at = {step: mode}
        install(monkeypatch, faults)
        try:
            Log.open(tmp_path / "log", KEY)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)

    assert os.WTERMSIG(status) == signal.SIGKILL
    assert check_log(new_log(tmp_path / "log", 2)) == []
