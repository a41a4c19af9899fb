"""Writing files so that a crash leaves the old file or the new one, never half of one.

`write_atomic` writes beside the target, flushes to the disk (fsync), renames over it, and flushes the folder. A process
killed anywhere in between leaves at most a file ending in `.partial`, which nobody reads. `writing` does the same for what
is too long to hold in memory. `append` is for logs that
only grow: what it wrote counts once a later atomic write (a checkpoint) says how far the log reaches.

`locked` lets one process at a time into a folder (an advisory lock of the operating system, gone when the process
dies).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from endcredits.errors import ConflictError, MachineError

PARTIAL = ".partial"
POLL_SECONDS = 0.02
"""How often a waiting writer tries again."""


def machine_error(error: OSError, path: Path) -> MachineError:
    """An operating system's refusal as an error with a remedy."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return MachineError("the disk is full", remedy="Free some space and run the same command again.", file=path)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return MachineError("writing here is not permitted", remedy="Choose a folder that you may write to.", file=path)
    return MachineError(f"the file could not be written ({error.strerror})", file=path)


def sync_folder(folder: Path) -> None:
    """Flushes a folder's list of names to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomic(path: str | os.PathLike[str], data: bytes, *, private: bool = False, flush_folder: bool = True) -> None:
    """Replaces a file's content, whole or not at all.

    Args:
        path: the file; its folder is made when missing.
        data: the new content.
        private: readable by the owner only (mode 0600), for keys.
        flush_folder: whether the new name is on the disk, too, when this returns. Who writes many files of a folder leaves
            it out and flushes the folder once (`flush_folders`) before anything relies on them.

    Raises:
        MachineError: disk full or no permission. The old file stands unchanged; only where the last flush of the
            folder failed, the new one may stand in its place, whole. Writing the same again is always right.
    """
    target = Path(path)
    partial = target.with_name(f"{target.name}.{secrets.token_hex(4)}{PARTIAL}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o644)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
        if flush_folder:
            sync_folder(target.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise machine_error(error, target) from error


@contextlib.contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of another once all is written: `write_atomic` for what streams.

    What is being written lies beside the target until the block ends, and is removed when it ends early.

    Args:
        path: the file; its folder is made when missing.

    Raises:
        MachineError: disk full or no permission, or the system refused the block something else; as with `write_atomic`,
            the old file stands, or the new one whole where only the folder could not be flushed.
    """
    target = Path(path)
    partial = target.with_name(f"{target.name}.{secrets.token_hex(4)}{PARTIAL}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
        sync_folder(target.parent)
    except OSError as error:
        raise machine_error(error, target) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def flush_folders(paths: Iterable[Path]) -> None:
    """Flushes the folders of some files that were written without that, each folder once.

    Raises:
        MachineError: a folder could not be flushed; writing the same files again is always right.
    """
    for folder in sorted({path.parent for path in paths}):
        try:
            sync_folder(folder)
        except OSError as error:
            raise machine_error(error, folder) from error


def append(path: str | os.PathLike[str], data: bytes) -> None:
    """Adds bytes at the end of a file and flushes them to the disk.

    Raises:
        MachineError: the bytes may be there in part; the caller's checkpoint must not count them.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise machine_error(error, target) from error


@contextlib.contextmanager
def locked(folder: str | os.PathLike[str], what: str, *, wait_seconds: float = 0.0) -> Iterator[None]:
    """Holds a folder for one writer.

    Args:
        folder: made when missing; the lock is its file `.lock`.
        what: what the folder is, for the error ("the receipt log").
        wait_seconds: how long to wait for one's turn while another holds it.

    Raises:
        ConflictError: another process holds it, and still does after the wait.
    """
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
        handle = os.open(place / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise machine_error(error, place) from error
    try:
        deadline = time.monotonic() + wait_seconds
        while not _taken(handle, place):
            if time.monotonic() >= deadline:
                raise ConflictError(
                    f"another process is writing to {what}",
                    remedy="Wait until it has finished, then run the same command again.",
                    file=place,
                )
            time.sleep(POLL_SECONDS)
        yield
    finally:
        os.close(handle)


def _taken(handle: int, place: Path) -> bool:
    """Whether the lock is ours now."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise machine_error(error, place) from error
    return True
