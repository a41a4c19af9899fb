"""The log: a folder of four plain files that only grows, and that anybody can copy and check.

    entries      one leaf per line, canonical JSON
    hashes       the leaves' hashes, 32 bytes each, in the same order
    checkpoint   the signed note that says how far the log reaches and what its root is
    log.vkey     the public key, one line

What counts is what the checkpoint covers. Adding writes `entries`, then `hashes`, each flushed to the disk, and last
the new checkpoint, in one atomic step. A process killed before that leaves a tail that no checkpoint covers: it was
never part of the log, and the next writer cuts it off. Before anything is signed, the tree is rebuilt from `hashes` and
must give the root that was signed last, so a damaged log can never be signed on as if it were whole.

`hashes` says nothing that `entries` does not; it lets a check tell which line was changed (see `check`).
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from endcredits import durable
from endcredits.canonical import sha256_bytes
from endcredits.errors import ConflictError, InputError, IntegrityError, NotFoundError
from endcredits.receipts.leaf import Leaf, parse_leaf
from endcredits.receipts.merkle import EMPTY_ROOT, HASH_BYTES, Tree, leaf_hash
from endcredits.receipts.note import SigningKey, open_checkpoint, read_vkey, sign_checkpoint
from endcredits.receipts.records import Checkpoint, InclusionProof

ENTRIES, HASHES, CHECKPOINT, VKEY = "entries", "hashes", "checkpoint", "log.vkey"
WAIT_SECONDS = 30.0
"""How long a writer waits for its turn; a batch of receipts takes far less."""
_RESTORE = "Run the check to see which line; restore the folder from your last copy."


def cut(path: Path, size_bytes: int) -> None:
    """Shortens a file and flushes it to the disk.

    Raises:
        MachineError: it could not be written; nothing that a checkpoint covers is lost.
    """
    try:
        with path.open("r+b") as file:
            file.truncate(size_bytes)
            os.fsync(file.fileno())
    except OSError as error:
        raise durable.machine_error(error, path) from error


class Log:
    """An open log. Several processes may read it while one writes; one `Log` object belongs to one thread.

    Attributes:
        folder: where its files are.
        vkey: its public key, one line.
    """

    def __init__(self, folder: Path, vkey: str, key: SigningKey | None) -> None:
        """For `Log.open`."""
        self.folder = folder
        self.vkey = vkey
        self._key = key
        self._holder: int | None = None
        self._forget()

    def _forget(self) -> None:
        """Remembers nothing, so that the next look reads the files again."""
        self._latest: Checkpoint | None = None
        self._tree = Tree()
        self._entries_bytes = 0
        self._index_of_commit: dict[str, int] = {}
        self._index_of_name: tuple[str, dict[str, int]] = ("", {})

    @classmethod
    def open(cls, folder: str | os.PathLike[str], key: SigningKey | None = None) -> Log:
        """Opens a log; with a key, for writing, and begins it when there is none.

        Args:
            folder: the log's folder.
            key: the log's private key; without it the log can be read and checked.

        Raises:
            NotFoundError: there is no log, and no key to begin one.
            InputError: the key is not this log's.
            IntegrityError: its files cannot be a log.
            ConflictError: another process is beginning it, for longer than `WAIT_SECONDS`.
            MachineError: the folder cannot be written.
        """
        place = Path(folder)
        if not (place / CHECKPOINT).exists():
            if key is None:
                raise NotFoundError("there is no receipt log", remedy="Name the log's folder.", file=place)
            with durable.locked(place, "the receipt log", wait_seconds=WAIT_SECONDS):
                _begin(place, key)
        try:
            text = (place / VKEY).read_text(encoding="utf-8")
            vkey = read_vkey(text.removesuffix("\n"))
        except (InputError, UnicodeDecodeError) as error:
            raise IntegrityError(
                f"the log's public key cannot be read ({error})", remedy="Restore log.vkey.", file=place / VKEY
            ) from error
        except OSError as error:
            raise IntegrityError("the log's public key is missing", remedy="Restore log.vkey.", file=place / VKEY) from error
        if key is not None and key.vkey != text.removesuffix("\n"):
            raise InputError(
                f"the key is not the one of the log '{vkey.name}'",
                remedy="Open the log with the private key that belongs to its log.vkey.",
                file=place,
                field="key",
            )
        return cls(place, text.removesuffix("\n"), key)

    def checkpoint(self) -> Checkpoint:
        """The log's extent as it was signed last.

        Raises:
            IntegrityError: the files do not fit what was signed.
        """
        return self._refresh()

    def append(self, leaves: Sequence[bytes], names: Sequence[str] = ()) -> int:
        """Adds entries and signs the new checkpoint: all of them count, or none.

        Args:
            leaves: canonical JSON leaves (see `leaf`), each with a commitment that is not in the log yet.
            names: the receipts' ids in the same order, of which only the digests are kept, beside the log and in private.

        Returns:
            The position of the first of them, from 0.

        Raises:
            InputError: a leaf is malformed, or the log was opened without its key.
            ConflictError: a commitment is in the log already, or another process is writing for longer than
                `WAIT_SECONDS`.
            IntegrityError: the files do not fit what was signed; nothing is added.
            MachineError: they could not be written; the log is as before, or has them all.
        """
        parsed = [parse_leaf(data) for data in leaves]
        with self.writing():
            old = self._refresh()
            commits = [leaf.commit for leaf in parsed]
            if len(set(commits)) < len(commits) or any(commit in self._index_of_commit for commit in commits):
                raise ConflictError("an entry with the same commitment is in the log already", file=self.folder)
            if leaves:
                try:
                    self._write(leaves, parsed, names)
                except BaseException:
                    self._forget()
                    raise
            return old.size

    def _write(self, leaves: Sequence[bytes], parsed: Sequence[Leaf], names: Sequence[str]) -> None:
        assert self._key is not None
        self._drop_tail()
        hashes = [leaf_hash(data) for data in leaves]
        lines = b"".join(data + b"\n" for data in leaves)
        durable.append(self.folder / ENTRIES, lines)
        durable.append(self.folder / HASHES, b"".join(hashes))
        if names:
            rows = [f"{self._tree.size + row} {sha256_bytes(name.encode())}\n" for row, name in enumerate(names)]
            durable.append(self._names_file, f"\n{''.join(rows)}".encode())
        self._tree.extend(hashes)
        signed = sign_checkpoint(self._tree.size, self._tree.root(), self._key)
        durable.write_atomic(self.folder / CHECKPOINT, signed.note.encode())
        self._remember(signed, parsed, len(lines))

    def _drop_tail(self) -> None:
        """Cuts off what a killed writer left beyond the checkpoint."""
        for name, size_bytes in ((ENTRIES, self._entries_bytes), (HASHES, self._tree.size * HASH_BYTES)):
            path = self.folder / name
            present = path.stat().st_size if path.exists() else 0
            if present < size_bytes:
                raise IntegrityError("the file is shorter than the log that was signed", remedy=_RESTORE, file=path)
            if present > size_bytes:
                cut(path, size_bytes)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Waits for its turn and keeps other writers out for a while; `append` within it does not wait for itself.

        Raises:
            InputError: the log was opened without its key.
            ConflictError: another process is writing for longer than `WAIT_SECONDS`.
        """
        if self._key is None:
            raise InputError("the log was opened for reading", remedy="Open it with its private key.", file=self.folder)
        if self._holder == threading.get_ident():
            yield
            return
        with durable.locked(self.folder, "the receipt log", wait_seconds=WAIT_SECONDS):
            self._holder = threading.get_ident()
            try:
                yield
            finally:
                self._holder = None

    def proof(self, index: int) -> InclusionProof:
        """That an entry stands in the log of the latest checkpoint.

        Raises:
            NotFoundError: there is no entry at this position.
            IntegrityError: the files do not fit what was signed.
        """
        latest = self._refresh()
        if not 0 <= index < latest.size:
            raise NotFoundError(f"the log has {latest.size} entries and none at position {index}", file=self.folder)
        path = tuple(node.hex() for node in self._tree.inclusion_path(index))
        return InclusionProof(index, path, latest.note)

    def consistency_path(self, old_size: int) -> tuple[str, ...]:
        """The proof that the log only grew since it had `old_size` entries (RFC 9162 2.1.4), 64 hex digits each.

        Raises:
            NotFoundError: the log is smaller than that.
        """
        latest = self._refresh()
        if not 0 <= old_size <= latest.size:
            raise NotFoundError(f"the log has {latest.size} entries, fewer than {old_size}", file=self.folder)
        return tuple(node.hex() for node in self._tree.consistency_path(old_size))

    def find(self, commit: str) -> int | None:
        """The position of the entry with this commitment (64 hex digits), or None."""
        self._refresh()
        return self._index_of_commit.get(commit)

    @property
    def _names_file(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.names")

    def find_name(self, receipt_id: str) -> int | None:
        """The position of the entry of a receipt's id, or None."""
        latest = self._refresh()
        if self._index_of_name[0] != latest.note:
            of_position: dict[int, str] = {}
            for line in self._names_file.read_text().splitlines() if self._names_file.exists() else ():
                if match := re.fullmatch(r"([0-9]+) ([0-9a-f]{64})", line):
                    of_position[int(match[1])] = match[2]
            index = {name: position for position, name in sorted(of_position.items(), reverse=True)}
            self._index_of_name = (latest.note, {name: at for name, at in index.items() if at < latest.size})
        return self._index_of_name[1].get(sha256_bytes(receipt_id.encode()))

    def root_at(self, size: int) -> bytes:
        """The root that the log had with `size` entries, 32 bytes.

        Raises:
            NotFoundError: the log is smaller than that.
        """
        latest = self._refresh()
        if not 0 <= size <= latest.size:
            raise NotFoundError(f"the log has {latest.size} entries, fewer than {size}", file=self.folder)
        return self._tree.root(size)

    def leaf_hash_at(self, index: int) -> bytes:
        """The hash of the entry at a position, 32 bytes; IndexError when there is none."""
        self._refresh()
        return self._tree.leaf(index)

    def _refresh(self) -> Checkpoint:
        """Brings what is remembered up to the checkpoint on the disk, checking every entry that is new to us."""
        path = self.folder / CHECKPOINT
        try:
            note = path.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise IntegrityError("the checkpoint cannot be read", remedy=_RESTORE, file=path) from error
        if self._latest is not None and self._latest.note == note:
            return self._latest
        try:
            latest = open_checkpoint(note, self.vkey)
        except IntegrityError as error:
            raise IntegrityError(error.message, remedy=_RESTORE, file=path) from error
        try:
            if latest.size < self._tree.size:
                raise IntegrityError("the log has fewer entries than before", remedy=_RESTORE, file=path)
            hashes = self._new_hashes(latest.size)
            leaves, entries_bytes = self._new_entries(hashes)
            self._tree.extend(hashes)
            if self._tree.root().hex() != latest.root:
                raise IntegrityError("the entries are not the ones that were signed", remedy=_RESTORE, file=path)
        except BaseException:
            self._forget()
            raise
        self._remember(latest, leaves, entries_bytes)
        return latest

    def _new_hashes(self, size: int) -> list[bytes]:
        """The leaf hashes from where our tree ends up to `size`."""
        path = self.folder / HASHES
        known = self._tree.size
        try:
            with path.open("rb") as file:
                file.seek(known * HASH_BYTES)
                data = file.read((size - known) * HASH_BYTES)
        except OSError as error:
            raise IntegrityError("the leaf hashes cannot be read", remedy=_RESTORE, file=path) from error
        if len(data) != (size - known) * HASH_BYTES:
            raise IntegrityError("the file is shorter than the log that was signed", remedy=_RESTORE, file=path)
        return [data[start : start + HASH_BYTES] for start in range(0, len(data), HASH_BYTES)]

    def _new_entries(self, hashes: Sequence[bytes]) -> tuple[list[Leaf], int]:
        """The entries that these hashes are of, and their length in bytes."""
        path = self.folder / ENTRIES
        leaves, length = [], 0
        try:
            with path.open("rb") as file:
                file.seek(self._entries_bytes)
                for row, expected in enumerate(hashes, self._tree.size + 1):
                    line = file.readline()
                    if not line.endswith(b"\n") or leaf_hash(line[:-1]) != expected:
                        raise IntegrityError("the entry does not fit its hash", remedy=_RESTORE, file=path, row=row)
                    leaves.append(parse_leaf(line[:-1]))
                    length += len(line)
        except OSError as error:
            raise IntegrityError("the entries cannot be read", remedy=_RESTORE, file=path) from error
        return leaves, length

    def _remember(self, latest: Checkpoint, leaves: Sequence[Leaf], added_bytes: int) -> None:
        for index, leaf in enumerate(leaves, latest.size - len(leaves)):
            self._index_of_commit.setdefault(leaf.commit, index)
        self._entries_bytes += added_bytes
        self._latest = latest


def _begin(folder: Path, key: SigningKey) -> None:
    """Writes the files of an empty log; the checkpoint last, because it is what makes it a log."""
    if (folder / CHECKPOINT).exists():
        return
    for name in (ENTRIES, HASHES):
        path = folder / name
        if path.exists() and path.stat().st_size:
            raise IntegrityError(
                "there are entries but no checkpoint", remedy="Restore the checkpoint from your last copy.", file=path
            )
        durable.write_atomic(path, b"")
    vkey = folder / VKEY
    if vkey.exists() and vkey.read_text(encoding="utf-8", errors="replace") != f"{key.vkey}\n":
        raise InputError(
            "the folder holds another log's public key", remedy="Use that log's private key.", file=vkey, field="key"
        )
    durable.write_atomic(vkey, f"{key.vkey}\n".encode())
    durable.write_atomic(folder / CHECKPOINT, sign_checkpoint(0, EMPTY_ROOT, key).note.encode())
