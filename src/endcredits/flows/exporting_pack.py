"""Packing a desk: entries in the order of their names, the manifest, its signature, and the name when all is on the disk."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from endcredits import durable
from endcredits.errors import IntegrityError
from endcredits.flows.exporting_desk import Desk
from endcredits.flows.exporting_manifest import MANIFEST, NOTE, Manifest, entries_of, manifest_parts, note_bytes
from endcredits.flows.exporting_readme import readme
from endcredits.flows.exporting_zip import Stored, ZipWriter
from endcredits.progress import Progress
from endcredits.receipts import Log
from endcredits.works import Party

README = "README.txt"


@dataclass(frozen=True, slots=True)
class Exported:
    """An archive that was written.

    Attributes:
        path: the file.
        party_id: whose it is.
        entries: how many files it holds, with manifest and signature.
        size_bytes: its length.
        sha256: of `manifest.json`, 64 hex digits, which the log's key signed.
        left_out: what is missing in it, in words.
    """

    path: Path
    party_id: str
    entries: int
    size_bytes: int
    sha256: str
    left_out: tuple[str, ...]


@contextmanager
def folder_beside(path: Path) -> Iterator[Path]:
    """A folder beside a file, which goes away with all that is in it; the file's own folder is made when missing.

    Raises:
        MachineError: it cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(prefix=f".{path.name[:100]}.", suffix=durable.PARTIAL, dir=path.parent)
    except OSError as error:
        raise durable.machine_error(error, path) from error
    with folder as name:
        yield Path(name)


def pack(
    desk: Desk, log: Log, party: Party, path: Path, left_out: Sequence[str], *, with_files: bool, progress: Progress
) -> Exported:
    """Packs the desk beside the target, and puts it in the target's place when it is on the disk.

    Raises:
        IntegrityError: the file of a work is missing or changed.
        OSError: writing failed; the target is as it was, or, where only the last flush of its folder failed, the new one.
    """
    checkpoint = log.checkpoint()
    files = list(desk.finished())
    text = readme(party, checkpoint.origin, (name for name, _ in files))
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}{durable.PARTIAL}")
    with ExitStack() as stack:
        stack.callback(_remove, partial)
        # Readable by the owner alone: it names amounts and terms.
        with os.fdopen(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            archive, stored = ZipWriter(file), list[Stored]()
            stored.append(_add(archive, README, text.encode()))
            for number, (name, source) in enumerate(files):
                progress("pack", number, len(files))
                stored.append(_add_file(archive, name, source))
            about = Manifest(
                party.party_id, checkpoint.origin, checkpoint.size, checkpoint.root, with_files, entries_of(stored)
            )
            signed = _add_parts(archive, MANIFEST, manifest_parts(about), path.parent)
            _add(archive, NOTE, note_bytes(party.party_id, signed, log.keys))
            archive.finish()
            size = file.tell()
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
        durable.sync_folder(path.parent)
    progress("pack", len(files), len(files))
    return Exported(path, party.party_id, len(stored) + 2, size, signed.sha256, tuple(left_out))


def _add(archive: ZipWriter, name: str, data: bytes) -> Stored:
    return archive.add(name, BytesIO(data), len(data))


def _add_parts(archive: ZipWriter, name: str, parts: Iterable[bytes], folder: Path) -> Stored:
    """Packs what is made piece by piece."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.writelines(parts)
        size = file.tell()
        file.seek(0)
        return archive.add(name, file, size)


def _add_file(archive: ZipWriter, name: str, source: Path) -> Stored:
    """Packs a file; a work's own must be the bytes that its name says.

    Raises:
        IntegrityError: the file of a work is missing or changed.
    """
    opened: BinaryIO
    remedy = "Run 'endcredits check', and restore the file from your last copy."
    try:
        opened = source.open("rb")
    except FileNotFoundError as error:
        raise IntegrityError("a file of a work is missing", remedy=remedy, file=source) from error
    with opened:
        stored = archive.add(name, opened, os.fstat(opened.fileno()).st_size)
    if name.startswith("files/") and stored.sha256 != name.removeprefix("files/")[:64]:
        raise IntegrityError("a file of a work no longer holds the bytes that it is named after", remedy=remedy, file=source)
    return stored


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
