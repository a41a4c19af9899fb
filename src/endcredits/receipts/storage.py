"""Where a log's files are: names and bytes, a lock, and no more. A folder here, an object store in `object_storage`.

What is asked of a place:

- `put` returns when everything is safe on the disk (or in the store), and replaces what had the name, whole or not at all;
- `swap` replaces a file only while it still holds what the caller last saw, so that two writers can never both go on from
  the same checkpoint;
- `writing` lets one writer in at a time. Nobody else may change anything while it is held.

A reader needs `get` only, and gets a name's bytes as they were before or after a `put`, never half of them.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from endcredits import durable
from endcredits.errors import ConflictError, IntegrityError, MachineError

FLUSHES = 8
"""How many files are flushed at once; the file system writes their changes in one go."""


SWAP_BYTES_MAX = 2**20
"""What is replaced conditionally is small: a checkpoint, a lock."""


class Storage(Protocol):
    """A place for a log's files. Names are relative, with slashes, such as "tile/0/000"."""

    def where(self, name: str = "") -> str:
        """What to call a file (or the place itself) in an error."""
        ...

    def get(self, name: str, bytes_max: int) -> bytes | None:
        """A file's bytes, None when there is none.

        Raises:
            IntegrityError: it is larger than `bytes_max`, or no file; not more than that is read.
            MachineError: it cannot be read.
        """
        ...

    def put(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Writes files, durably, in this order as far as others can see.

        Raises:
            MachineError: some may be there and some not, each whole or not at all.
        """
        ...

    def swap(self, name: str, old: bytes | None, new: bytes) -> None:
        """Replaces a file that still holds `old` (None: is not there).

        Raises:
            ConflictError: it holds something else.
            MachineError: it may hold the new bytes or the old ones.
        """
        ...

    def names(self, folder: str) -> list[str]:
        """The full names of the files directly in a folder; none when there is no such folder."""
        ...

    def remove(self, names: Iterable[str]) -> None:
        """Removes files that nobody needs any more; those that are not there are passed over.

        Raises:
            MachineError: some may still be there.
        """
        ...

    def writing(self, wait_seconds: float) -> contextlib.AbstractContextManager[None]:
        """Holds the place for one writer.

        Raises:
            ConflictError: another still holds it after the wait.
        """
        ...


class FolderStorage:
    """A folder of plain files, one writer at a time by a lock of the operating system."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)

    def where(self, name: str = "") -> str:
        """The file's path."""
        return str(self.folder / name)

    def get(self, name: str, bytes_max: int) -> bytes | None:
        """A file's bytes; what is no plain file (a pipe, a folder) is refused and never waited for."""
        path = self.folder / name
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unreadable(error, path) from error
        try:
            known = os.fstat(handle)
            if not stat.S_ISREG(known.st_mode):
                raise IntegrityError("it is not a plain file", remedy="Remove it and restore the log.", file=path)
            if known.st_size > bytes_max:
                raise IntegrityError(f"the file has {known.st_size} bytes and may have {bytes_max}", file=path)
            return os.read(handle, bytes_max)
        except OSError as error:
            raise _unreadable(error, path) from error
        finally:
            os.close(handle)

    def put(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Writes all files beside their places, flushes them together, renames them in order, flushes the folders."""
        if len(files) == 1:
            durable.write_atomic(self.folder / files[0][0], files[0][1])
            return
        written: list[tuple[Path, Path]] = []
        path = self.folder
        try:
            folders = dict.fromkeys((self.folder / name).parent for name, _ in files)
            changed = set(folders)
            for folder in folders:
                changed |= _make(folder)
            for name, data in files:
                path = self.folder / name
                partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}{durable.PARTIAL}")
                written.append((partial, path))
                with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "wb") as file:
                    file.write(data)
            _flush_all([partial for partial, _ in written])
            for partial, path in written:
                os.replace(partial, path)
            _flush_all(sorted(changed))
        except OSError as error:
            for partial, _ in written:
                with contextlib.suppress(OSError):
                    partial.unlink()
            raise durable.machine_error(error, path) from error

    def swap(self, name: str, old: bytes | None, new: bytes) -> None:
        """Compares and replaces; the lock keeps others from coming between."""
        if self.get(name, SWAP_BYTES_MAX) != old:
            raise ConflictError("somebody else has written to it", remedy="Run the same again.", file=self.where(name))
        durable.write_atomic(self.folder / name, new)

    def names(self, folder: str) -> list[str]:
        """The files of a folder, without half-written ones."""
        try:
            with os.scandir(self.folder / folder) as found:
                names = [f"{folder}/{item.name}" if folder else item.name for item in found if not item.is_dir()]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise _unreadable(error, self.folder / folder) from error
        return sorted(name for name in names if not name.endswith(durable.PARTIAL))

    def remove(self, names: Iterable[str]) -> None:
        """Removes files, and their folders when nothing is left in them; one that comes back after a crash harms nobody."""
        folders = set()
        path = self.folder
        try:
            for name in names:
                path = self.folder / name
                path.unlink(missing_ok=True)
                folders.add(path.parent)
            for folder in folders:
                with contextlib.suppress(OSError):
                    for half in folder.glob(f"*{durable.PARTIAL}"):
                        half.unlink()
                    folder.rmdir()
        except OSError as error:
            raise durable.machine_error(error, path) from error

    def writing(self, wait_seconds: float) -> contextlib.AbstractContextManager[None]:
        """Holds the folder's file `.lock`; the system lets go of it when the process dies."""
        return durable.locked(self.folder, "the receipt log", wait_seconds=wait_seconds)


def _unreadable(error: OSError, path: Path) -> MachineError:
    return MachineError(f"the file cannot be read ({error.strerror})", file=path)


def _make(folder: Path) -> set[Path]:
    """Makes a folder with those above it; returns the folders whose lists of names changed by it."""
    changed = set()
    missing = [folder, *folder.parents]
    for place in reversed(missing[: next(n for n, place in enumerate(missing) if place.exists())]):
        place.mkdir(exist_ok=True)
        changed.add(place.parent)
    return changed


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _flush_all(paths: Sequence[Path]) -> None:
    """Flushes files or folders to the disk, several at once, since each alone would wait for a write of its own."""
    if len(paths) < 2:
        for path in paths:
            _flush(path)
        return
    with ThreadPoolExecutor(min(FLUSHES, len(paths))) as pool:
        for _ in pool.map(_flush, paths):
            pass
