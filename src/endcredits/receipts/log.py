"""The log: static files that only grow, and that anybody can copy, serve and check.

    checkpoint            the signed note that says how far the log reaches and what its root is
    log.vkey              the public keys, one a line, the newest first
    tile/entries/...      the entries, 256 in a bundle (`tiles` has the names and bytes)
    tile/0/..., tile/1/...   their hashes, and the roots of those

What counts is what the checkpoint covers. Adding writes the entries, then the tiles, flushes them to the disk, notes the
commitments in the index beside the log (`log_index`), and replaces the checkpoint last, in one atomic step. Whatever a
killed process left before that was never part of the log, and the next writer overwrites it. Nothing is signed before the
right edge of the tree, read from the tiles, has given the root that was signed last, so a damaged edge is never signed on as
if it were whole.

Memory does not grow with the log: proofs read the tiles that they need (`log_reader`), adding needs the right edge only.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.receipts.cosignature import with_lines
from endcredits.receipts.growing import (
    VKEY,
    Growth,
    begin,
    drop_leftovers,
    grow,
    prune,
    read_growth,
    refuse_other_layouts,
    stored_vkeys,
)
from endcredits.receipts.keys import SigningKey, read_vkey, read_vkeys
from endcredits.receipts.log_index import LogIndex, index_path, open_index, remove_index
from endcredits.receipts.log_reader import CHECKPOINT, LogReader
from endcredits.receipts.note import NOTE_BYTES_MAX, open_checkpoint, sign_checkpoint
from endcredits.receipts.quick_leaf import commit_of
from endcredits.receipts.records import Checkpoint
from endcredits.receipts.storage import FolderStorage, Storage

WAIT_SECONDS = 30.0
"""How long a writer waits for its turn; a batch of receipts takes far less."""


class Log(LogReader):
    """An open log. Several processes may read it while one writes; one `Log` object belongs to one thread.

    Attributes:
        keys: the private keys that sign, in the order of `vkeys`; none when it was opened for reading.
    """

    def __init__(self, storage: Storage, index: Path | None, vkeys: Sequence[str], keys: Sequence[SigningKey] = ()) -> None:
        """For `Log.open`."""
        super().__init__(storage, index, vkeys)
        self.keys = tuple(keys)
        self._holder: int | None = None
        self._growth: Growth | None = None

    @classmethod
    def open(
        cls,
        place: str | os.PathLike[str] | Storage,
        key: SigningKey | Sequence[SigningKey] | None = None,
        *,
        index: str | os.PathLike[str] | None = None,
    ) -> Log:
        """Opens a log; with a key, for writing, and begins it when there is none.

        Args:
            place: the log's folder, or another storage (`object_storage`).
            key: the log's private key, or several, which all sign; the newest Ed25519 key must be among them. Without one
                the log can be read and checked.
            index: where its index is; beside the folder by default. A log elsewhere needs one for writing.

        Raises:
            NotFoundError: there is no log, and no key to begin one.
            InputError: the key is not this log's newest, or the folder holds a log of another layout.
            IntegrityError: its files cannot be a log.
            ConflictError: another process is beginning it, for longer than `WAIT_SECONDS`.
            MachineError: the folder cannot be written.
        """
        storage = FolderStorage(place) if isinstance(place, (str, os.PathLike)) else place
        keys = () if key is None else (key,) if isinstance(key, SigningKey) else tuple(key)
        beside = index_path(storage.folder) if isinstance(storage, FolderStorage) else None
        file = Path(index) if index is not None else beside
        if keys and file is None:
            raise InputError("a log that is not in a folder needs a place for its index", field="index")
        if storage.get(CHECKPOINT, NOTE_BYTES_MAX) is None:
            refuse_other_layouts(storage)
            if not keys:
                raise NotFoundError("there is no receipt log", remedy="Name the log's folder.", file=storage.where())
            with storage.writing(WAIT_SECONDS):
                begin(storage, keys)
        vkeys = stored_vkeys(storage)
        given = {one.vkey for one in keys}
        if given and (vkeys[0] not in given or not given <= set(vkeys)):
            raise InputError(
                f"the key is not the one of the log '{read_vkey(vkeys[0]).name}'",
                remedy="Open the log with the private key that belongs to the first line of its log.vkey.",
                file=storage.where(),
                field="key",
            )
        return cls(storage, file, vkeys, sorted(keys, key=lambda one: vkeys.index(one.vkey)))

    def append(self, leaves: Sequence[bytes], names: Sequence[str] = ()) -> int:
        """Adds entries and signs the new checkpoint: all of them count, or none.

        Args:
            leaves: canonical JSON leaves (see `leaf`), each with a commitment that is not in the log yet.
            names: the ids of the receipts that they are for ("" for none), noted in the index, and nowhere else.

        Returns:
            The position of the first of them, from 0.

        Raises:
            InputError: a leaf is malformed, or the log was opened without its key.
            ConflictError: a commitment is in the log already, or another process is writing for longer than
                `WAIT_SECONDS`.
            IntegrityError: the files do not fit what was signed; nothing is added.
            MachineError: they could not be written; the log is as before, or has them all.
        """
        if names and len(names) != len(leaves):
            raise ValueError("there are as many names as leaves, or none")
        commits = [commit_of(data) for data in leaves]
        with self.writing():
            try:
                return self._append(leaves, commits, names)
            except BaseException:
                self._forget()
                raise

    def _append(self, leaves: Sequence[bytes], commits: Sequence[bytes], names: Sequence[str]) -> int:
        old = self.checkpoint()
        index = self.writers_index()
        if len(set(commits)) < len(commits) or any(
            self._find(index, commit) is not None for commit in index.find_any(commits)
        ):
            raise ConflictError("an entry with the same commitment is in the log already", file=self.storage.where())
        if not leaves:
            return old.size
        before = self._growth
        if before is None or before.edge.size != old.size:
            before = read_growth(self.storage, old.size, bytes.fromhex(old.root))
        growth = grow(before, leaves)
        size = growth.edge.size
        signed = sign_checkpoint(size, growth.edge.root(), *self.keys)
        drop_leftovers(self.storage, old.size, size)
        self.storage.put(growth.files)
        index.add(old.size, commits, names)
        self.storage.swap(CHECKPOINT, old.note.encode(), signed.note.encode())
        self._tree.reset(size)
        self._latest, self._growth = signed, growth
        prune(self.storage, old.size, size)
        return old.size

    def writers_index(self) -> LogIndex:
        """The index, opened for writing, and brought to the size of the log: rows of a killed writer go, missing ones come.

        Raises:
            IntegrityError: it is damaged, or another log's.
            MachineError: it cannot be written.
        """
        size = self.checkpoint().size
        if self._index is None or self._index.temporary or not self._index.writable:
            self.close()
            assert self.index_file is not None  # `open` asks for one together with a key
            self._index = open_index(self.index_file, self.origin, writing=True)
            assert self._index is not None
        self._index.refresh()
        if self._index.size > size and not self._index.drop_from(size):
            self._index.clear()
        self.fill(self._index, size)
        return self._index

    def rebuild_index(self) -> None:
        """Makes the index again from the entries. The names of receipts are lost; `LogIndex.name` notes them again."""
        with self.writing():
            self.close()
            assert self.index_file is not None
            remove_index(self.index_file)
            self.writers_index()

    def _forget(self) -> None:
        """Remembers nothing, so that the next look reads the files again."""
        self._latest = None
        self._growth = None
        self._tree.forget()
        self.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Waits for its turn and keeps other writers out for a while; `append` within it does not wait for itself.

        Raises:
            InputError: the log was opened without its key.
            ConflictError: another process is writing for longer than `WAIT_SECONDS`.
        """
        if not self.keys:
            raise InputError(
                "the log was opened for reading", remedy="Open it with its private key.", file=self.storage.where()
            )
        with self._alone():
            yield

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        if self._holder == threading.get_ident():
            yield
            return
        with self.storage.writing(WAIT_SECONDS):
            self._holder = threading.get_ident()
            try:
                yield
            finally:
                self._holder = None

    def adopt(self, vkeys: Sequence[str], keys: Sequence[SigningKey]) -> Checkpoint:
        """Publishes the log's keys and signs the checkpoint again with those that sign from now on; safe to run again.

        Args:
            vkeys: all public keys, the newest Ed25519 key first; those of before must be among them.
            keys: the private keys that sign from now on.

        Raises:
            InputError: a public key of before is missing, or one is another log's.
        """
        with self.writing():
            latest = self.checkpoint()
            lines = read_vkeys("\n".join(vkeys))
            if not set(lines) >= set(self.vkeys) or read_vkey(lines[0]).name != latest.origin:
                raise InputError("a public key of the log is missing, or one is another log's", field="vkey")
            if lines != self.vkeys:
                self.storage.put([(VKEY, "".join(f"{line}\n" for line in lines).encode())])
            self.vkeys, self.keys = lines, tuple(keys)
            signed = sign_checkpoint(latest.size, bytes.fromhex(latest.root), *keys)
            self.storage.swap(CHECKPOINT, latest.note.encode(), signed.note.encode())
            return self.checkpoint()

    def add_signatures(self, lines: Sequence[str], checkpoint: Checkpoint | None = None) -> Checkpoint:
        """Publishes signatures of others (witnesses) with the checkpoint; the log's private key is not needed.

        Args:
            lines: signature lines without newlines, verified by the caller; each replaces an older one of its key.
            checkpoint: the one that they were made for; the latest, when left out.

        Returns:
            The checkpoint as it is published now.

        Raises:
            ConflictError: the log has grown since; nothing is changed.
            IntegrityError: a line cannot be read, or the files do not fit what was signed.
            MachineError: it could not be written; the checkpoint stands without them, or with all.
        """
        with self._alone():
            now = self.checkpoint()
            if checkpoint is not None and (now.size, now.root) != (checkpoint.size, checkpoint.root):
                raise ConflictError(
                    "the log has grown since it was cosigned", remedy="Ask again.", file=self.storage.where()
                )
            note = with_lines(now.note, lines)
            open_checkpoint(note, self.vkeys)
            self.storage.swap(CHECKPOINT, now.note.encode(), note.encode())
            return self.checkpoint()
