"""Where in the log a commitment stands: a small database beside the log's folder, made from the entries.

The log itself is a list; this answers "is it in the list, and where" without reading it. Nothing in it is proof: a
position that it gives is held against the entry there, the check finds everything that is wrong in it, and without it,
it is made again from the entries. One thing cannot be made again from them: which receipt an entry was issued for.
Entries say that to nobody who lacks their salt, so the operator's own, private list of names stands here: the first
half of SHA-256(receipt id).

New rows come in the order of the log into `recent`, of which a copy is kept in memory. When there are `RECENT_MAX` of
them they are sorted and moved to `commits` and `names`, which are ordered by key: a thousand random keys in a large
tree would change a thousand of its pages each time, sixty thousand at once change each page once. Only rows of entries
that a checkpoint covers are ever moved, so that what a killed writer left is always in `recent`, from where it is
dropped.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from endcredits.errors import IntegrityError, MachineError

FORMAT = "1"
RECENT_MAX = 65_536
NAME_BYTES = 16
CACHE_KIB = 32_768
REBUILD = "Make it again from the log: endcredits log check --rebuild-index"
_SCHEMA = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE recent (position INTEGER PRIMARY KEY, commit_key INTEGER NOT NULL, name BLOB) STRICT;
CREATE TABLE commits (commit_key INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (commit_key, position))
  STRICT, WITHOUT ROWID;
CREATE TABLE names (name BLOB NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (name, position)) STRICT, WITHOUT ROWID;
"""


def index_path(folder: Path) -> Path:
    """Where the index of a log's folder is: beside it, so that the folder can be served as it is."""
    return folder.with_name(f"{folder.name}.index.sqlite")


def commit_key(commit: bytes) -> int:
    """The first 8 bytes of a commitment as a signed number; two that begin alike are told apart by their entries."""
    return int.from_bytes(commit[:8], "big", signed=True)


def name_key(receipt_id: str, position: int) -> bytes:
    """A name's row: the first half of SHA-256(receipt id), and 4 bytes that bind it to its position, for the check."""
    name = hashlib.sha256(receipt_id.encode()).digest()[:NAME_BYTES]
    return name + _binding(name, position)


def _binding(name: bytes, position: int) -> bytes:
    return hashlib.sha256(name + position.to_bytes(8, "big")).digest()[:4]


class LogIndex:
    """An open index. What it says is a hint: hold it against the entry.

    Attributes:
        size: how many entries it knows.
        writable: whether it was opened for writing.
        temporary: whether it is a reader's own, gone with the process.
    """

    def __init__(self, conn: sqlite3.Connection, path: Path | None, *, writable: bool) -> None:
        """For `open_index` and `temporary_index`."""
        self.writable = writable
        self.temporary = path is None
        self._conn = conn
        self._path = path
        self._version = -1
        self._commits: dict[int, list[int]] = {}
        self._names: dict[bytes, int] = {}
        self._recent = 0
        self.size = 0
        self.refresh()

    def close(self) -> None:
        """Gives the file back."""
        self._conn.close()

    def refresh(self) -> None:
        """Looks at what another process has added.

        Raises:
            IntegrityError: it is damaged.
        """
        with self._told():
            version = self._conn.execute("PRAGMA data_version").fetchone()[0]
            if version != self._version:
                self._load()
                self._version = version

    def _load(self) -> None:
        self._commits, self._names, self._recent = {}, {}, 0
        self.size = int(self.about("size"))
        for position, key, name in self._conn.execute("SELECT position, commit_key, name FROM recent"):
            self._commits.setdefault(key, []).append(position)
            self._recent += 1
            if name is not None:
                self._names.setdefault(name[:NAME_BYTES], position)

    def about(self, name: str) -> str:
        """A fact about the index: its format, the log's origin, the number of entries and of names."""
        with self._told():
            row = self._conn.execute("SELECT value FROM about WHERE name = ?", [name]).fetchone()
        if row is None or (name != "origin" and not str(row[0]).isdecimal()):
            raise IntegrityError(f"the index does not say its {name}", remedy=REBUILD, file=self._path)
        return str(row[0])

    def find(self, commit: bytes) -> list[int]:
        """Positions where an entry with this commitment may stand."""
        return self.find_many([commit])[0]

    def find_many(self, commits: Sequence[bytes]) -> list[list[int]]:
        """`find` for each of several commitments."""
        query = "SELECT position FROM commits WHERE commit_key = ?"
        found = []
        with self._told():
            for commit in commits:
                key = commit_key(commit)
                rows = self._conn.execute(query, (key,)).fetchall()
                found.append([*(row[0] for row in rows), *self._commits.get(key, ())])
        return found

    def find_any(self, commits: Sequence[bytes]) -> list[bytes]:
        """Those of some commitments that may be in the log; `find` says where."""
        query = "SELECT 1 FROM commits WHERE commit_key = ? LIMIT 1"
        found = []
        with self._told():
            for commit in commits:
                key = commit_key(commit)
                if key in self._commits or self._conn.execute(query, (key,)).fetchone() is not None:
                    found.append(commit)
        return found

    def find_name(self, receipt_id: str) -> int | None:
        """The position of the first entry that was issued for a receipt."""
        name = name_key(receipt_id, 0)[:NAME_BYTES]
        with self._told():
            query = "SELECT position FROM names WHERE name >= ? AND name < ? ORDER BY position LIMIT 1"
            row = self._conn.execute(query, [name, name + b"\xff" * 5]).fetchone()
        return self._names.get(name) if row is None else int(row[0])

    def add(self, first: int, commits: Sequence[bytes], names: Sequence[str]) -> None:
        """Adds the rows of entries, durably: positions from `first` on, a receipt's id or "" for each.

        Raises:
            MachineError: it could not be written; none is added.
        """
        keys = [commit_key(commit) for commit in commits]
        named = [name_key(name, first + row) if name else None for row, name in enumerate(names)]
        named += [None] * (len(keys) - len(named))
        with self._told(), self._transaction():
            if self._recent >= RECENT_MAX:
                self._settle()
            rows = zip(range(first, first + len(keys)), keys, named, strict=True)
            self._conn.executemany("INSERT INTO recent VALUES (?, ?, ?)", rows)
            self._set("size", first + len(keys))
            self._set("names", int(self.about("names")) + sum(name is not None for name in named))
        self.size = first + len(keys)
        self._recent += len(keys)
        for row, (key, name) in enumerate(zip(keys, named, strict=True), first):
            self._commits.setdefault(key, []).append(row)
            if name is not None:
                self._names.setdefault(name[:NAME_BYTES], row)

    def name(self, receipt_id: str, position: int) -> None:
        """Notes for which receipt an entry was issued, after the index was made again."""
        if self.find_name(receipt_id) is None:
            with self._told(), self._transaction():
                self._conn.execute("INSERT INTO names VALUES (?, ?)", [name_key(receipt_id, position), position])
                self._set("names", int(self.about("names")) + 1)

    def drop_from(self, size: int) -> bool:
        """Drops the rows from a position on, which no checkpoint covers; False when they cannot be told from the others."""
        if size >= self.size:
            return size == self.size
        with self._told():
            rows = self._conn.execute("SELECT COUNT(*), COUNT(name) FROM recent WHERE position >= ?", [size]).fetchone()
            if rows[0] != self.size - size:
                return False
            with self._transaction():
                self._conn.execute("DELETE FROM recent WHERE position >= ?", [size])
                self._set("size", size)
                self._set("names", int(self.about("names")) - rows[1])
            self._load()
        return True

    def clear(self) -> None:
        """Forgets everything, names too."""
        with self._told(), self._transaction():
            for table in ("recent", "commits", "names"):
                self._conn.execute(f"DELETE FROM {table}")
            self._set("size", 0)
            self._set("names", 0)
        self._load()

    def problems(self) -> Iterator[str]:
        """What is wrong with the index by itself; that it knows every entry is for the log's check to see."""
        with self._told():
            for (problem,) in self._conn.execute("PRAGMA integrity_check(5)"):
                if problem != "ok":
                    yield f"the database is damaged: {problem}"
            counts = "SELECT (SELECT COUNT(*) FROM recent) + (SELECT COUNT(*) FROM commits)"
            rows = self._conn.execute(counts).fetchone()[0]
            if rows != self.size:
                yield f"it has {rows} commitments and says that it has {self.size}"
            query = "SELECT name, position FROM names UNION ALL SELECT name, position FROM recent WHERE name IS NOT NULL"
            count = 0
            for name, position in self._conn.execute(query):
                count += 1
                if not 0 <= position < self.size or name[NAME_BYTES:] != _binding(name[:NAME_BYTES], position):
                    yield f"a name at position {position} was changed"
            if count != int(self.about("names")):
                yield f"it has {count} names and says that it has {self.about('names')}"

    def _settle(self) -> None:
        """Moves what is recent. Row by row: one statement for all would keep every page that it changes in memory."""
        rows = sorted((key, position) for key, positions in self._commits.items() for position in positions)
        self._conn.executemany("INSERT INTO commits VALUES (?, ?)", rows)
        query = "SELECT name, position FROM recent WHERE name IS NOT NULL ORDER BY name, position"
        self._conn.executemany("INSERT INTO names VALUES (?, ?)", self._conn.execute(query).fetchall())
        self._conn.execute("DELETE FROM recent")
        self._commits, self._names, self._recent = {}, {}, 0

    def _set(self, name: str, value: object) -> None:
        self._conn.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", [name, str(value)])

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._conn.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._conn.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._conn.execute("ROLLBACK")
            self._version = -1
            raise

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turns what SQLite says into errors that name the file."""
        try:
            yield
        except (sqlite3.OperationalError, sqlite3.ProgrammingError) as error:
            raise MachineError(f"the log's index cannot be used ({error})", remedy=REBUILD, file=self._path) from error
        except (sqlite3.Error, TypeError, ValueError) as error:
            raise IntegrityError(f"the log's index is damaged ({error})", remedy=REBUILD, file=self._path) from error


def open_index(path: Path, origin: str, *, writing: bool) -> LogIndex | None:
    """Opens the index of a log; for writing it is made when missing, for reading there may be None that can be used.

    Raises:
        IntegrityError: it is damaged, or another log's.
        MachineError: it cannot be opened.
    """
    if not writing and not path.exists():
        return None
    try:
        if writing:
            path.parent.mkdir(parents=True, exist_ok=True)
            conn = sqlite3.connect(path, isolation_level=None, timeout=30)
        else:
            conn = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=30)
        try:
            return _opened(conn, path, origin, writing=writing)
        except BaseException:
            conn.close()
            raise
    except (sqlite3.OperationalError, OSError) as error:
        raise MachineError(f"the log's index cannot be opened ({error})", remedy=REBUILD, file=path) from error
    except sqlite3.Error as error:
        raise IntegrityError(f"the log's index is damaged ({error})", remedy=REBUILD, file=path) from error


def _opened(conn: sqlite3.Connection, path: Path, origin: str, *, writing: bool) -> LogIndex:
    conn.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    if writing:
        conn.execute("PRAGMA journal_mode = WAL")
        conn.execute("PRAGMA synchronous = FULL")
        if not conn.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]:
            _create(conn, origin)
    index = LogIndex(conn, path, writable=writing)
    if index.about("format") != FORMAT or index.about("origin") != origin:
        raise IntegrityError(f"the index is not one of the log '{origin}'", remedy=REBUILD, file=path)
    return index


def temporary_index(origin: str) -> LogIndex:
    """An index for a reader who has only the log's files; SQLite keeps it in a file of its own that nobody sees."""
    conn = sqlite3.connect("", isolation_level=None)
    conn.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    _create(conn, origin)
    return LogIndex(conn, None, writable=True)


def _create(conn: sqlite3.Connection, origin: str) -> None:
    statements = [part for part in _SCHEMA.split(";") if part.strip()]
    conn.execute("BEGIN IMMEDIATE")
    for statement in statements:
        conn.execute(statement)
    facts = {"format": FORMAT, "origin": origin, "size": "0", "names": "0"}
    conn.executemany("INSERT INTO about VALUES (?, ?)", list(facts.items()))
    conn.execute("COMMIT")


def remove_index(path: Path) -> None:
    """Removes an index that is to be made again.

    Raises:
        MachineError: it cannot be removed.
    """
    for name in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        try:
            os.unlink(name)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise MachineError(f"the index cannot be removed ({error.strerror})", file=name) from error
