"""What the gate has looked at before, so that an unchanged file is not read again: a cache that may be deleted.

`corpora/seen.sqlite` holds, for each candidate, the *stamp* of what was read: size, inode, and times of its file, of what
beside it speaks for it, and what the caller said about it. It also holds what files are recognised by. Nothing follows from
the cache alone: a work that it names must still be registered, with the statements that were heard. Lost or damaged, it is
begun anew, and everything is read once more. A row of another form than is written here counts as none. No digest guards
the rows, since whoever may edit them may make its digest, too: `prints` says which of them are believed, and how far.

A file that was changed less than two seconds before it was read is not trusted by its times: the next change might carry
the same ones.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from endcredits.errors import MachineError
from endcredits.works.looks_alike import NEAR_BITS, Print

FILE = "seen.sqlite"
RACE_NS = 2_000_000_000
"""Times of some file systems are whole seconds, of some two."""
AT_ONCE = 500
_TABLES = """
CREATE TABLE IF NOT EXISTS candidates (key TEXT PRIMARY KEY, stamp TEXT NOT NULL, seen TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS listings (key TEXT PRIMARY KEY, stamp TEXT NOT NULL, entries TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS prints (
    sha256 TEXT NOT NULL, made_with TEXT NOT NULL, print TEXT NOT NULL, PRIMARY KEY (sha256, made_with)
) STRICT;
"""

CODE_BYTES = 32
_DIGEST = re.compile("([0-9a-f]{64})?")


def _texts(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(one, str) for one in found)


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of a candidate when it was read.

    Attributes:
        work_id: the work that it is; empty for none.
        files: SHA-256 of its files, in order.
        heard: ids of the statements that its files made.
        problem: why it is no work, in words; empty for nothing.
    """

    work_id: str
    files: tuple[str, ...]
    heard: tuple[str, ...] = ()
    problem: str = ""


def stamp_of(path: Path) -> list[Any]:
    """By what a file is known again without being read; None in its place where it is not there."""
    try:
        found = path.stat()
    except OSError:
        return [str(path), None]
    return [str(path), found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns]


def settled(path: Path) -> bool:
    """Whether a file was left alone long enough to be known by its times."""
    try:
        return time.time_ns() - path.stat().st_mtime_ns > RACE_NS
    except OSError:
        return True


class Cache:
    """The open cache; every call is one transaction."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._conn = self._opened()
        except (sqlite3.DatabaseError, OSError) as error:
            if isinstance(error, (OSError, sqlite3.OperationalError)):
                raise self._failed(error) from error
            for name in ("", "-wal", "-shm", "-journal"):  # damaged: it is only a cache
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(f"{path}{name}")
            self._conn = self._opened()

    def _opened(self) -> sqlite3.Connection:
        conn = sqlite3.connect(self._path)
        try:
            conn.execute("PRAGMA synchronous = OFF")  # what a power cut leaves damaged is begun anew
            conn.executescript(_TABLES)
            for table in ("candidates", "listings", "prints"):
                conn.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()
        except sqlite3.Error:
            conn.close()
            raise
        return conn

    def _failed(self, error: Exception) -> MachineError:
        return MachineError(
            f"the cache of what was seen cannot be written ({error})",
            remedy="Free some space, or delete the file; it is made anew.",
            file=self._path,
        )

    def close(self) -> None:
        """Gives the file back."""
        self._conn.close()

    def candidates(self, keys: Sequence[str]) -> dict[str, tuple[str, Seen]]:
        """Stamps and what was seen of those candidates that are known."""
        found = {}
        for key, stamp, seen in self._rows("SELECT key, stamp, seen FROM candidates WHERE key IN", keys):
            with contextlib.suppress(ValueError, TypeError, RecursionError):
                work_id, files, heard, problem = json.loads(seen)
                if not (_texts([work_id, problem]) and _texts(files) and _texts(heard)):
                    continue
                if bool(work_id) == bool(problem):
                    continue
                found[key] = (stamp, Seen(work_id, tuple(files), tuple(heard), problem))
        return found

    def keep(self, rows: Iterable[tuple[str, str, Seen]]) -> None:
        """Notes what was seen of candidates: (key, stamp, what)."""
        self._write(
            "INSERT OR REPLACE INTO candidates VALUES (?, ?, ?)",
            [(key, stamp, json.dumps([one.work_id, one.files, one.heard, one.problem])) for key, stamp, one in rows],
        )

    def listing(self, key: str, stamp: str) -> list[Any] | None:
        """What a table listed when it had that stamp; None where that is not known."""
        for _, found, entries in self._rows("SELECT key, stamp, entries FROM listings WHERE key IN", [key]):
            if found == stamp:
                with contextlib.suppress(ValueError, RecursionError):
                    listed = json.loads(entries)
                    if isinstance(listed, list) and (_texts(listed) or all(_texts(row) and len(row) == 3 for row in listed)):
                        return listed
        return None

    def keep_listing(self, key: str, stamp: str, entries: Sequence[Any]) -> None:
        """Notes what a table lists."""
        self._write("INSERT OR REPLACE INTO listings VALUES (?, ?, ?)", [(key, stamp, json.dumps(entries))])

    def prints(self, shas: Sequence[str], made_with: str) -> dict[str, Print]:
        """What files are recognised by, as far as it was made with the same means."""
        found = {}
        query = "SELECT sha256, made_with, print FROM prints WHERE sha256 IN"
        for sha256, means, row in self._rows(query, shas):
            if means == made_with:
                with contextlib.suppress(ValueError, TypeError, RecursionError):
                    letters, codes = json.loads(row)
                    units = tuple((kind, bytes.fromhex(code)) for kind, code in codes)
                    if _DIGEST.fullmatch(letters) and all(
                        kind in NEAR_BITS and len(bits) == CODE_BYTES for kind, bits in units
                    ):
                        found[sha256] = Print(sha256, letters, units)
        return found

    def keep_prints(self, prints: Mapping[str, Print], made_with: str) -> None:
        """Notes what files are recognised by."""
        rows = [
            (sha256, made_with, json.dumps([one.letters_sha256, [[kind, code.hex()] for kind, code in one.codes]]))
            for sha256, one in prints.items()
        ]
        self._write("INSERT OR REPLACE INTO prints VALUES (?, ?, ?)", rows)

    def _rows(self, query: str, keys: Sequence[str]) -> Iterator[Sequence[Any]]:
        wanted = list(dict.fromkeys(keys))
        for start in range(0, len(wanted), AT_ONCE):
            chunk = wanted[start : start + AT_ONCE]
            try:
                yield from self._conn.execute(f"{query} ({', '.join('?' * len(chunk))})", chunk).fetchall()
            except sqlite3.Error as error:
                raise self._failed(error) from error

    def _write(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        try:
            with self._conn:
                self._conn.executemany(statement, rows)
        except sqlite3.Error as error:
            raise self._failed(error) from error
