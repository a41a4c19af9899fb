"""A published period as a folder: the names in it, how lines are written and read, and the manifest that lists them.

    README.txt            what to do with it
    manifest.json         what the pack is of, and the SHA-256 of every file
    log.vkey, log/        the log's public key, and the log itself as static files
    facts.jsonl           what the log's entries about facts commit to, up to the approval of the close
    close/                the close: close.json, its tables, in frozen/ (and adjusted/) all that it was computed from, and in
                          sums/ the leaves of its sum trees with their salts
    stood.json            what stood in the books before it: balances, payments, contracts, earlier statements
    reports/<kind>.parquet   what was reported, row by row, as it was handed in
    attributions.jsonl    the credits of every output that was used
    indexes/<digest>.json what the works were that each index was built from
    receipts.jsonl        the receipts of these outputs with all their lines, of the period and of its statements
    others.jsonl          which output every other receipt of the log is for, so that a second one for the same shows
    statements/<name>.json   the statements, to the byte

Lines and documents are canonical JSON (RFC 8785). The manifest is written last: a folder without one is not finished, and
publishing again goes on with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from endcredits import durable
from endcredits.canonical import canonical_bytes, sha256_file
from endcredits.errors import EndcreditsError, IntegrityError, NotFoundError
from endcredits.store import Finding

FORMAT = "endcredits-period/1"
README, MANIFEST, VKEY, LOG = "README.txt", "manifest.json", "log.vkey", "log"
FACTS, CLOSE, STOOD, REPORTS = "facts.jsonl", "close", "stood.json", "reports"
ATTRIBUTIONS, INDEXES, RECEIPTS, OTHERS = "attributions.jsonl", "indexes", "receipts.jsonl", "others.jsonl"
STATEMENTS = "statements"
BEGUN = "publishing.json"
"""What a pack that is being written is of; goes when the manifest is there."""
LINE_BYTES_MAX = 256 << 20
"""Longest line that is read: the receipt of an output with some hundred thousand lines is far below."""


@dataclass(frozen=True, slots=True)
class PackOf:
    """What a pack is of.

    Attributes:
        format: `FORMAT`.
        period_id: the period.
        origin: the log's name.
        log_size: entries of the log that it holds.
        log_root: the root then, 64 hex digits.
        approved_at: position of the last entry about the steps up to the approval: facts up to it are in the pack.
        close_digest: of the close that was approved.
    """

    format: str
    period_id: str
    origin: str
    log_size: int
    log_root: str
    approved_at: int
    close_digest: str


def write_lines(path: Path, lines: Iterable[Any]) -> int:
    """Writes records as canonical lines, streamed, whole or not at all; returns how many.

    Raises:
        MachineError: disk full or no permission.
    """
    number = 0
    with durable.writing(path) as file:
        for line in lines:
            file.write((line if isinstance(line, bytes) else canonical_bytes(line)) + b"\n")
            number += 1
    return number


def read_lines(path: Path) -> Iterator[tuple[int, bytes, Any]]:
    """The lines of a file: number from 1, bytes without the line's end, and what they say.

    Raises:
        IntegrityError: a line is not canonical JSON, or the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            row = 0
            while data := file.readline(LINE_BYTES_MAX):
                row += 1
                line = data.removesuffix(b"\n")
                yield row, line, read_plain(line, path, row)
    except OSError as error:
        raise IntegrityError(f"the file cannot be read ({error.strerror})", file=path) from error


def read_plain(data: bytes, path: Path, row: int | None = None) -> Any:
    """What canonical JSON says.

    Raises:
        IntegrityError: it is not in its one spelling.
    """
    try:
        plain = json.loads(data)
        if canonical_bytes(plain) != data:
            raise ValueError("it is not in its one spelling")
    except (ValueError, TypeError, RecursionError, EndcreditsError) as error:
        raise IntegrityError(f"it is not canonical JSON ({str(error)[:200]})", file=path, row=row) from error
    return plain


def names_in(folder: Path) -> list[str]:
    """The names of all files of a pack but the manifest's own, sorted."""
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return sorted(name for name in found if name not in (MANIFEST, BEGUN) and not name.endswith(durable.PARTIAL))


def write_manifest(folder: Path, about: PackOf) -> None:
    """Lists every file with its digest: now the pack is finished."""
    files = {
        name: {"sha256": sha256_file(folder / name), "size_bytes": (folder / name).stat().st_size}
        for name in names_in(folder)
    }
    durable.write_atomic(folder / MANIFEST, canonical_bytes({**asdict(about), "files": files}) + b"\n")


def read_manifest(folder: Path) -> tuple[PackOf, dict[str, dict[str, Any]]]:
    """What a pack is of, and its files with their digests.

    Raises:
        NotFoundError: there is no pack in this folder, or it is not finished.
        IntegrityError: the manifest is not one.
    """
    path = folder / MANIFEST
    if not path.exists():
        raise NotFoundError(
            "there is no published period in this folder, or its publishing was interrupted",
            remedy="Name the folder that 'endcredits period publish' wrote; run that again to finish one.",
            file=folder,
        )
    plain = read_plain(path.read_bytes().removesuffix(b"\n"), path)
    try:
        files = plain.pop("files")
        about = PackOf(**plain)
        if about.format != FORMAT:
            raise ValueError(f"its format is '{about.format}', and this version reads '{FORMAT}'")
        if not all(set(one) == {"sha256", "size_bytes"} for one in files.values()):
            raise ValueError("its list of files is of another shape")
        return about, files
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise IntegrityError(f"the manifest is not one of a published period ({error})", file=path) from error


def check_files(folder: Path, files: dict[str, dict[str, Any]]) -> Iterator[Finding]:
    """That a pack holds exactly the files of its manifest, each as it was."""
    present = set(names_in(folder))
    for name in sorted(set(files) - present):
        yield Finding(name, "the manifest names it, and it is missing")
    for name in sorted(present - set(files)):
        yield Finding(name, "the manifest does not name it")
    for name in sorted(present & set(files)):
        if sha256_file(folder / name) != files[name]["sha256"]:
            yield Finding(name, "it is not the file that the manifest names: it was changed after publishing")
