"""The works' bytes, each file kept under the SHA-256 of its content.

A name that is the digest of what it names cannot silently change its meaning: reading verifies, equal files are kept
once, and writing the same bytes twice changes nothing. Files lie two levels deep (`3f/3f79bb7b...`) so that no folder
grows long.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from endcredits.canonical import sha256_bytes, sha256_file
from endcredits.durable import machine_error, write_atomic
from endcredits.errors import IntegrityError
from endcredits.store import Finding

_SHA256 = re.compile(r"[0-9a-f]{64}")
_RESTORE = "Restore it from a copy, or register the work's file again."


def path_of(folder: str | os.PathLike[str], sha256: str) -> Path:
    """Where the bytes with a digest lie."""
    if not _SHA256.fullmatch(sha256):
        raise ValueError(f"{sha256!r} is not a SHA-256 in hex")
    return Path(folder) / sha256[:2] / sha256


def put(folder: str | os.PathLike[str], data: bytes) -> str:
    """Keeps bytes and returns their SHA-256; a damaged file of that name is replaced.

    Raises:
        MachineError: the disk is full or may not be written; nothing half-written is left under the name.
    """
    sha256 = sha256_bytes(data)
    path = path_of(folder, sha256)
    if not _is_whole(path, sha256, len(data)):
        write_atomic(path, data)
    return sha256


def _is_whole(path: Path, sha256: str, size_bytes: int) -> bool:
    try:
        return path.stat().st_size == size_bytes and sha256_file(path) == sha256
    except FileNotFoundError:
        return False
    except OSError as error:
        raise machine_error(error, path) from error


def get(folder: str | os.PathLike[str], sha256: str) -> bytes:
    """Returns the bytes with a digest, after checking that they are those.

    Raises:
        IntegrityError: the file is missing or holds other bytes.
        MachineError: the file cannot be read.
    """
    path = path_of(folder, sha256)
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise IntegrityError("the content of a registered work is missing", remedy=_RESTORE, file=path) from error
    except OSError as error:
        raise machine_error(error, path) from error
    if sha256_bytes(data) != sha256:
        raise IntegrityError("the file no longer holds the bytes that it is named after", remedy=_RESTORE, file=path)
    return data


def check(folder: str | os.PathLike[str], shas: Iterable[str]) -> list[Finding]:
    """Reads every named file and says which are missing, damaged or unreadable."""
    findings = []
    for sha256 in dict.fromkeys(shas):
        path = path_of(folder, sha256)
        try:
            if sha256_file(path) != sha256:
                findings.append(Finding(f"content file {path}", "it no longer holds the bytes that it is named after"))
        except FileNotFoundError:
            findings.append(Finding(f"content file {path}", "it is missing"))
        except OSError as error:
            findings.append(Finding(f"content file {path}", f"it cannot be read ({error.strerror})"))
    return findings
