"""Reading a log: every answer is held against the signed root before it is handed on.

The reader keeps the latest checkpoint in mind. A new one must be signed by the log's key, and the log of before must be
its beginning; so whoever reads a log for a while notices when it shrinks or when its history is rewritten. Tiles and
bundles are read when they are asked for. What stands above the hashes in a tile is computed from them, so one path that
leads from a tile to the signed root proves the whole tile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from endcredits.errors import IntegrityError, MachineError, NotFoundError
from endcredits.receipts.keys import read_vkey
from endcredits.receipts.log_index import LogIndex, open_index, temporary_index
from endcredits.receipts.merkle import leaf_hash, verify_consistency, verify_inclusion
from endcredits.receipts.note import NOTE_BYTES_MAX, open_checkpoint
from endcredits.receipts.quick_leaf import commit_of
from endcredits.receipts.records import Checkpoint, InclusionProof
from endcredits.receipts.storage import FolderStorage, Storage
from endcredits.receipts.tile_tree import RESTORE, Edge, TileTree

CHECKPOINT = "checkpoint"
FILL_ENTRIES = 65_536
"""How many entries go to an index at once when it is made again."""


class LogReader:
    """What can be asked of a log; `log.Log` is one that can also grow. One object belongs to one thread.

    Attributes:
        storage: where its files are.
        folder: the log's folder; of a log in an object store, the place of its index.
        vkeys: its public keys, the newest Ed25519 key first.
    """

    def __init__(self, storage: Storage, index: Path | None, vkeys: Sequence[str]) -> None:
        """For `log.Log.open`."""
        self.storage = storage
        self.folder = storage.folder if isinstance(storage, FolderStorage) else (index or Path())
        self.vkeys = tuple(vkeys)
        self.index_file = index
        self._tree = TileTree(storage)
        self._latest: Checkpoint | None = None
        self._index: LogIndex | None = None

    @property
    def vkey(self) -> str:
        """Its newest Ed25519 key, one line."""
        return self.vkeys[0]

    @property
    def origin(self) -> str:
        """Its name."""
        return read_vkey(self.vkey).name

    def checkpoint(self) -> Checkpoint:
        """The log's extent as it was signed last.

        Raises:
            IntegrityError: it is missing or not signed by the log's key, or the log is not the one of before, grown.
        """
        data = self.storage.get(CHECKPOINT, NOTE_BYTES_MAX)
        if self._latest is not None and data == self._latest.note.encode():
            return self._latest
        where = self.storage.where(CHECKPOINT)
        try:
            latest = open_checkpoint((data or b"").decode("utf-8"), self.vkeys)
        except UnicodeDecodeError as error:
            raise IntegrityError("the checkpoint is not UTF-8", remedy=RESTORE, file=where) from error
        except IntegrityError as error:
            raise IntegrityError(error.message, remedy=RESTORE, file=where) from error
        before = self._latest
        if before is not None and latest.size < before.size:
            raise IntegrityError("the log has fewer entries than before", remedy=RESTORE, file=where)
        self._tree.reset(latest.size)
        if before is not None:
            roots = bytes.fromhex(before.root), bytes.fromhex(latest.root)
            if not verify_consistency(before.size, latest.size, self._tree.consistency_path(before.size), *roots):
                self._tree.reset(before.size)
                raise IntegrityError("the log is not the one of before, grown", remedy=RESTORE, file=where)
        self._latest = latest
        return latest

    def proof(self, index: int, size: int | None = None) -> InclusionProof:
        """That an entry stands in the log of the latest checkpoint.

        Args:
            index: its position.
            size: of an earlier log; then the note is left empty, since the caller has the checkpoint of that size.

        Raises:
            NotFoundError: there is no entry at this position.
            IntegrityError: the files do not fit what was signed.
        """
        latest = self.checkpoint()
        end = latest.size if size is None else size
        self._require(0 <= index < end <= latest.size, f"none at position {index}")
        root = bytes.fromhex(latest.root) if end == latest.size else self.root_at(end)
        path = self._tree.inclusion_path(index, end)
        if not verify_inclusion(self._tree.leaf(index), index, end, path, root):
            raise self._damaged(f"the tiles do not prove the entry at position {index}", "tile")
        return InclusionProof(index, tuple(node.hex() for node in path), latest.note if end == latest.size else "")

    def consistency_path(self, old_size: int) -> tuple[str, ...]:
        """The proof that the log only grew since it had `old_size` entries (RFC 9162 2.1.4), 64 hex digits each.

        Raises:
            NotFoundError: the log is smaller than that.
            IntegrityError: the files do not fit what was signed.
        """
        self.root_at(old_size)
        return tuple(node.hex() for node in self._tree.consistency_path(old_size))

    def root_at(self, size: int) -> bytes:
        """The root that the log had with `size` entries, 32 bytes, seen to lead to the signed one.

        Raises:
            NotFoundError: the log is smaller than that.
            IntegrityError: the files do not fit what was signed.
        """
        latest = self.checkpoint()
        self._require(0 <= size <= latest.size, f"fewer than {size}")
        root, path = self._tree.root(size), self._tree.consistency_path(size)
        if not verify_consistency(size, latest.size, path, root, bytes.fromhex(latest.root)):
            raise self._damaged(f"the tiles do not prove the log of {size} entries", "tile")
        return root

    def edge_at(self, size: int) -> Edge:
        """The right edge that the log had with `size` entries, seen to lead to the signed root.

        Raises:
            NotFoundError: the log is smaller than that.
            IntegrityError: the files do not fit what was signed.
        """
        root, edge = self.root_at(size), self._tree.edge(size)
        if edge.root() != root:
            raise self._damaged(f"the tiles do not prove the log of {size} entries", "tile")
        return edge

    def leaf_hash_at(self, index: int) -> bytes:
        """The hash of the entry at a position, 32 bytes; IndexError when there is none."""
        latest = self.checkpoint()
        leaf = self._tree.leaf(index)
        path = self._tree.inclusion_path(index)
        if not verify_inclusion(leaf, index, latest.size, path, bytes.fromhex(latest.root)):
            raise self._damaged(f"the tiles do not prove the entry at position {index}", "tile")
        return leaf

    def leaf_at(self, index: int) -> bytes:
        """The entry at a position.

        Raises:
            NotFoundError: there is none.
            IntegrityError: it is not the one that was signed.
        """
        self._require(0 <= index < self.checkpoint().size, f"none at position {index}")
        entry = self._tree.entry(index)
        if leaf_hash(entry) != self.leaf_hash_at(index):
            raise self._damaged(f"the entry at position {index} is not the one that was signed", "tile/entries")
        return entry

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The entries from `start` to before `stop`, in order, each the one that was signed.

        Raises:
            IntegrityError: one is not.
        """
        size = self.checkpoint().size
        proven = -1
        for index in range(start, size if stop is None else min(stop, size)):
            if self._tree.tile_of(index) != proven:
                self.leaf_hash_at(index)  # proves its whole tile
                proven = self._tree.tile_of(index)
            entry = self._tree.entry(index)
            if leaf_hash(entry) != self._tree.leaf(index):
                raise self._damaged(f"the entry at position {index} is not the one that was signed", "tile/entries")
            yield entry

    def find(self, commit: str) -> int | None:
        """The position of the entry with this commitment (64 hex digits), or None."""
        return self._find(self.index(), bytes.fromhex(commit))

    def find_name(self, receipt_id: str) -> int | None:
        """The position of the entry for the receipt of this id, or None: as the operator's own index says, not the log."""
        position = self.index().find_name(receipt_id)
        return position if position is not None and position < self.checkpoint().size else None

    def _find(self, index: LogIndex, commit: bytes) -> int | None:
        positions = index.find(commit)
        if not positions:
            return None
        size = self.checkpoint().size
        return next((at for at in sorted(positions) if at < size and commit_of(self.leaf_at(at)) == commit), None)

    def index(self) -> LogIndex:
        """The index of the log as it is now: the one beside it, or, when that is missing or behind, one made for now.

        Raises:
            IntegrityError: it is damaged.
        """
        size = self.checkpoint().size
        if self._index is not None:
            self._index.refresh()
        elif self.index_file is not None:
            try:
                self._index = open_index(self.index_file, self.origin, writing=False)
            except MachineError:
                self._index = None  # a folder that may only be read; SQLite wants to write beside its file
        if self._index is None or (self._index.size < size and not self._index.temporary):
            self.close()
            self._index = temporary_index(self.origin)
        if self._index.size < size:
            self.fill(self._index, size)
        return self._index

    def fill(self, index: LogIndex, size: int) -> None:
        """Lets an index know all entries up to `size`; the names of receipts it cannot know."""
        while index.size < size:
            first = index.size
            commits = [commit_of(entry) for entry in self.entries(first, min(first + FILL_ENTRIES, size))]
            index.add(first, commits, ())

    def close(self) -> None:
        """Gives the index's file back; it is opened again when it is needed."""
        if self._index is not None:
            self._index.close()
        self._index = None

    def _require(self, there: bool, what: str) -> None:
        if not there:
            size = self._latest.size if self._latest else 0
            raise NotFoundError(f"the log has {size} entries and {what}", file=self.storage.where())

    def _damaged(self, problem: str, name: str) -> IntegrityError:
        return IntegrityError(problem, remedy=RESTORE, file=self.storage.where(name))
