"""Files are the old ones or the new ones, never half, whatever fails."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from endcredits import durable
from endcredits.durable import append, locked, write_atomic, writing
from endcredits.errors import ConflictError, MachineError

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.endswith(durable.PARTIAL)]


def failing(error: OSError):
    def fail(*given: object, **named: object) -> None:
        raise error

    return fail


def test_a_file_is_replaced_whole_and_its_folder_made(tmp_path: Path) -> None:
    """New, then replaced, and nothing lies around."""
    target = tmp_path / "a" / "b" / "f"

    write_atomic(target, b"old")
    write_atomic(target, b"new")

    assert target.read_bytes() == b"new"
    assert [path.name for path in target.parent.iterdir()] == ["f"]


@pytest.mark.parametrize("private,mode", [(True, 0o600), (False, 0o644)])
def test_keys_are_for_their_owner_only(tmp_path: Path, private: bool, mode: int) -> None:
    """Also when an open file stood there before."""
    before = os.umask(0o022)
    try:
        (tmp_path / "f").write_bytes(b"old")
        write_atomic(tmp_path / "f", b"secret", private=private)
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == mode


CRASH = """
import os, signal, sys
from endcredits import durable

def die(*given, **named):
    os.kill(os.getpid(), signal.SIGKILL)

setattr(durable.os, sys.argv[2], die)
durable.write_atomic(sys.argv[1], b"new" * 100000)
"""


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_crash_before_the_rename_leaves_the_old_file(tmp_path: Path, step: str) -> None:
    """A process killed in the middle; what it began lies beside and is read by nobody."""
    target = tmp_path / "f"
    target.write_bytes(b"old")

    done = subprocess.run([sys.executable, "-c", CRASH, str(target), step])

    assert done.returncode == -9
    assert target.read_bytes() == b"old"
    assert len(leftovers(tmp_path)) == 1
    write_atomic(target, b"new")
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
def test_a_write_that_fails_is_lost_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """The disk is full at any step before the new name: the old file stands, nothing lies around."""
    target = tmp_path / "f"
    target.write_bytes(b"old")

    with monkeypatch.context() as patch:
        patch.setattr(durable.os, step, failing(FULL))
        with pytest.raises(MachineError, match="the disk is full") as caught:
            write_atomic(target, b"new")

    assert caught.value.file == str(target)
    assert target.read_bytes() == b"old"
    assert leftovers(tmp_path) == []


def test_a_full_disk_while_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes themselves find no room: half of them are written beside, and removed."""

    class FullFile:
        def __init__(self, handle: int) -> None:
            self.handle = handle

        def __enter__(self) -> FullFile:
            return self

        def __exit__(self, *given: object) -> None:
            os.close(self.handle)

        def write(self, data: bytes) -> None:
            os.write(self.handle, data[: len(data) // 2])
            raise FULL

    target = tmp_path / "f"
    target.write_bytes(b"old")
    with monkeypatch.context() as patch:
        patch.setattr(durable.os, "fdopen", lambda handle, mode: FullFile(handle))
        with pytest.raises(MachineError, match="the disk is full"):
            write_atomic(target, b"new")

    assert target.read_bytes() == b"old"
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_what_streams_is_written_whole_or_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """The folder is made; a failure of the disk or of who writes leaves the old file and nothing beside it."""
    target = tmp_path / "new" / "f"
    with writing(target) as file:
        file.write(b"ol")
        assert not target.exists()
        file.write(b"d")
    assert target.read_bytes() == b"old"

    with monkeypatch.context() as patch:
        patch.setattr(durable.os, step, failing(FULL))
        with pytest.raises(MachineError, match="the disk is full") as caught, writing(target) as file:
            file.write(b"new")
    assert caught.value.file == str(target)
    with pytest.raises(ZeroDivisionError), writing(target) as file:
        file.write(b"half" * (1 // 0))

    assert target.read_bytes() == b"old"
    assert leftovers(target.parent) == []


def test_what_streams_may_be_kept_and_reported_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder's flush failed: the new file may stand, whole, and writing the same again is right."""
    target = tmp_path / "f"
    with monkeypatch.context() as patch, pytest.raises(MachineError), writing(target) as file:
        patch.setattr(durable, "sync_folder", failing(FULL))
        file.write(b"new")
    assert target.read_bytes() == b"new"
    with writing(target) as file:
        file.write(b"new")

    assert target.read_bytes() == b"new" and leftovers(tmp_path) == []


def test_a_really_full_disk_is_a_machine_error() -> None:
    """/dev/full refuses every byte, as a full disk does."""
    if not os.path.exists("/dev/full"):
        pytest.skip("NOT TESTED: this system has no /dev/full")

    with pytest.raises(MachineError, match="the disk is full"):
        append("/dev/full", b"x")


def test_a_write_that_is_kept_but_reported_lost_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder's flush fails after the rename: the new file stands, whole, and writing again is harmless."""
    target = tmp_path / "f"
    target.write_bytes(b"old")

    with monkeypatch.context() as patch:
        patch.setattr(durable, "sync_folder", failing(FULL))
        with pytest.raises(MachineError):
            write_atomic(target, b"new")
    assert target.read_bytes() == b"new"
    write_atomic(target, b"new")

    assert target.read_bytes() == b"new"
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    "number,words",
    [
        (errno.EDQUOT, "the disk is full"),
        (errno.EACCES, "not permitted"),
        (errno.EROFS, "not permitted"),
        (errno.EPERM, "not permitted"),
        (errno.EIO, "could not be written"),
    ],
)
def test_each_refusal_of_the_system_is_named(tmp_path: Path, monkeypatch, number: int, words: str) -> None:
    """In words that say what to do."""
    monkeypatch.setattr(durable.os, "replace", failing(OSError(number, os.strerror(number))))

    with pytest.raises(MachineError, match=words):
        write_atomic(tmp_path / "f", b"new")


def test_a_folder_in_the_place_of_the_file_is_a_machine_error(tmp_path: Path) -> None:
    """And nothing lies around."""
    (tmp_path / "f").mkdir()

    with pytest.raises(MachineError):
        write_atomic(tmp_path / "f", b"new")

    assert leftovers(tmp_path) == []


def test_appending_adds_at_the_end(tmp_path: Path) -> None:
    """And makes the file and its folder."""
    append(tmp_path / "a" / "log", b"one\n")
    append(tmp_path / "a" / "log", b"two\n")

    assert (tmp_path / "a" / "log").read_bytes() == b"one\ntwo\n"


def test_appending_that_fails_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was there before stays as it was."""
    append(tmp_path / "log", b"one\n")
    monkeypatch.setattr(durable.os, "fsync", failing(FULL))

    with pytest.raises(MachineError, match="the disk is full"):
        append(tmp_path / "log", b"two\n")

    assert (tmp_path / "log").read_bytes().startswith(b"one\n")


HOLD = """
import sys, time
from endcredits.durable import locked
with locked(sys.argv[1], "the log"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_keeps_a_second_process_out_until_the_first_is_gone(tmp_path: Path) -> None:
    """Even when the first one is killed."""
    first = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert first.stdout is not None and first.stdout.readline() == "held\n"

        with pytest.raises(ConflictError, match="another process is writing to the log"), locked(tmp_path, "the log"):
            pytest.fail("two at once")
    finally:
        first.kill()
        first.communicate()

    begin = time.monotonic()
    with locked(tmp_path, "the log"):
        assert time.monotonic() - begin < 5


def test_a_second_process_waits_for_its_turn(tmp_path: Path) -> None:
    """It gets in as soon as the first is gone, and gives up only when its patience ends."""
    first = subprocess.Popen(
        [sys.executable, "-c", HOLD.replace("60", "1.5"), str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert first.stdout is not None and first.stdout.readline() == "held\n"

        with pytest.raises(ConflictError, match="another process"), locked(tmp_path, "the log", wait_seconds=0.1):
            pytest.fail("two at once")
        with locked(tmp_path, "the log", wait_seconds=60):
            assert first.wait(timeout=60) == 0, "the first one left before the second came in"
    finally:
        first.kill()
        first.communicate()


def test_a_lock_is_given_back_after_an_error(tmp_path: Path) -> None:
    """The next one gets in."""
    with pytest.raises(RuntimeError), locked(tmp_path / "new", "the log"):
        raise RuntimeError

    with locked(tmp_path / "new", "the log"), pytest.raises(ConflictError), locked(tmp_path / "new", "the log"):
        pytest.fail("two at once")


def test_a_folder_that_cannot_be_made_cannot_be_locked(tmp_path: Path) -> None:
    """A file stands in its place."""
    (tmp_path / "f").write_bytes(b"")

    with pytest.raises(MachineError), locked(tmp_path / "f", "the log"):
        pytest.fail("locked a file as a folder")


def test_a_file_system_without_locks_is_no_conflict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting would not help."""
    monkeypatch.setattr(durable.fcntl, "flock", failing(OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))))

    with pytest.raises(MachineError), locked(tmp_path, "the log"):
        pytest.fail("locked without a lock")


def test_folders_of_many_files_are_flushed_once_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files without their folder's flush, then every folder once; a folder that cannot be flushed is named."""
    flushed: list[Path] = []
    real = durable.sync_folder
    monkeypatch.setattr(durable, "sync_folder", lambda folder: (flushed.append(folder), real(folder)))
    paths = [tmp_path / folder / str(number) for folder in "ab" for number in range(5)]

    for path in paths:
        write_atomic(path, b"x", flush_folder=False)
    assert flushed == []
    durable.flush_folders(paths)

    assert flushed == [tmp_path / "a", tmp_path / "b"] and all(path.read_bytes() == b"x" for path in paths)
    with monkeypatch.context() as patch:
        patch.setattr(durable, "sync_folder", failing(FULL))
        with pytest.raises(MachineError, match="disk is full"):
            durable.flush_folders(paths)
