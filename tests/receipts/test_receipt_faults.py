"""Whatever fails while issuing, and whenever, issuing again ends with exactly one proven entry per receipt."""

import errno
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from endcredits import durable
from endcredits.errors import MachineError
from endcredits.receipts import issuing
from endcredits.receipts.check import check_log
from endcredits.receipts.issuing import issue
from endcredits.receipts.log import Log
from endcredits.receipts.log_index import LogIndex
from endcredits.receipts.receipt import receipts_in
from endcredits.receipts.receipt_check import check_receipts
from endcredits.receipts.storage import FolderStorage
from tests.receipts.helpers import AT, KEY, LATER, items, new_log

STEPS = 15
"""2 pending files and their folder, 2 leftovers removed, entries and tiles, index, checkpoint, 2 times lines and receipt,
their two folders, no more drafts."""
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


def half_atomic(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_name(f"{path.name}.00000000.partial").write_bytes(data[: len(data) // 2])


def half_removal(paths: list[Path]) -> None:
    paths[1].unlink()


_put, _remove = FolderStorage.put, FolderStorage.remove


def half_put(storage: FolderStorage, files: Sequence[tuple[str, bytes]]) -> None:
    _put(storage, files[: len(files) // 2])
    half_atomic(storage.folder / files[-1][0], files[-1][1])


def half_remove(storage: FolderStorage, names: list[str]) -> None:
    _remove(storage, names[1:])


def no_half(*arguments: Any) -> None:
    """A transaction has no halves."""


def disk_full() -> None:
    raise MachineError("the disk is full", remedy="Free some space and run the same command again.")


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def install(monkeypatch: pytest.MonkeyPatch, faults: Faults) -> None:
    monkeypatch.setattr(FolderStorage, "put", faults.around(_put, half_put))
    monkeypatch.setattr(FolderStorage, "remove", faults.around(_remove, half_remove))
    monkeypatch.setattr(LogIndex, "add", faults.around(LogIndex.add, no_half))
    monkeypatch.setattr(durable, "write_atomic", faults.around(durable.write_atomic, half_atomic))
    monkeypatch.setattr(durable, "flush_folders", faults.around(durable.flush_folders, no_half))
    monkeypatch.setattr(issuing, "remove", faults.around(issuing.remove, half_removal))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A log of three entries, one of them with its receipt, and tails that an earlier kill left."""
    log = new_log(tmp_path / "log", 2)
    issue(log, tmp_path / "receipts", items(10), AT)
    for level in ("entries", "0"):
        for width in (5, 9):
            (tmp_path / "log" / "tile" / level / "000.p" / str(width)).write_bytes(b"of a killed writer")
    log.writers_index().add(3, [bytes([number]) * 32 for number in range(6)], ["out-11", *[""] * 5])
    log.close()
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
        writes = call != "open" or arguments[1] & os.O_CREAT
        if count > number and writes and not str(arguments[0]).endswith(".lock"):
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


@pytest.mark.parametrize("step", range(2))
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
