"""Comparing tiles with what they should be, level by level, and telling which side was changed.

A hash is computed from below, stored in a tile, and summed up in the tile above. `TileCheck` takes the leaf hashes bundle by
bundle, keeps one unfinished tile a level in memory, and gives back the hashes that the log's signature speaks for as far as
that can be told. Full tiles are judged by the hash above them, the partial ones at the right edge by the signed root.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from endcredits.errors import IntegrityError, MachineError
from endcredits.receipts.storage import Storage
from endcredits.receipts.tile_tree import Edge, read_part
from endcredits.receipts.tiles import ENTRIES, TILE_HEIGHT, TILE_WIDTH, levels_of, tile_name, tile_root, width_of
from endcredits.store import Finding

_ENTRY_CHANGED = "it was changed; its hash in the tile is the signed one"
_HASH_CHANGED = "it was changed; what it stands for is the signed one"
_DIFFER = "the entry and its hash in the tile differ"


class TileCheck:
    """The check of all tiles of one log."""

    def __init__(self, storage: Storage, size: int, findings: list[Finding]) -> None:
        self._storage = storage
        self._size = size
        self._findings = findings
        self._rows: list[list[bytes]] = [[] for _ in range(levels_of(size))]
        self._read: dict[int, tuple[int, list[bytes] | None]] = {}

    def add(self, number: int, computed: list[bytes] | None) -> tuple[list[bytes], bool]:
        """Takes the leaf hashes of one bundle (None: it cannot be read), in order.

        Returns:
            The hashes to go on with, and whether they are the computed ones as far as can be told now.
        """
        stored = self._stored(0, number)
        width = width_of(0, number, self._size)
        if width < TILE_WIDTH:
            self._rows[0] = computed or stored or [bytes(32)] * width
            return self._rows[0], computed is not None and (stored is None or computed == stored)
        known = self._judged(0, number, computed, stored)
        self._carry(1, tile_root(known))
        return known, known == computed

    def close(self, root: bytes | None) -> None:
        """Judges the right edge by the signed root; None: there is no signature to judge by."""
        pairs: list[tuple[list[bytes], list[bytes]]] = []
        for level, row in enumerate(self._rows):
            number, width = divmod(self._size >> (TILE_HEIGHT * level), TILE_WIDTH)
            stored = self._stored(level, number) if width else []
            pairs.append((row, row if stored is None else stored))
        choices = [(0,) if computed == stored else (0, 1) for computed, stored in pairs]
        for choice in itertools.product(*choices):
            rows = tuple(tuple(pair[side]) for pair, side in zip(pairs, choice, strict=True))
            if Edge(self._size, rows).root() == root:
                break
        else:
            if not self._name_differences(pairs, None) and not self._findings and root is not None:
                problem = "they agree with each other but not with the signed root"
                self._findings.append(Finding("log files of entries and tiles", problem))
            return
        self._name_differences(pairs, choice)

    def _name_differences(self, pairs: Sequence[tuple[list[bytes], list[bytes]]], choice: Sequence[int] | None) -> bool:
        found = False
        for level, (computed, stored) in enumerate(pairs):
            if computed != stored:
                found = True
                number = (self._size >> (TILE_HEIGHT * level)) // TILE_WIDTH
                self._name(level, number, computed, stored, None if choice is None else choice[level])
        return found

    def _carry(self, level: int, node: bytes) -> None:
        """Adds a full tile's root to the level above, and judges that one's tile when it is complete."""
        row = self._rows[level]
        row.append(node)
        if len(row) == TILE_WIDTH:
            number = self._done(level)
            known = self._judged(level, number, row, self._stored(level, number))
            self._rows[level] = []
            self._carry(level + 1, tile_root(known))

    def _done(self, level: int) -> int:
        """The number of the tile that is complete now: as many are done as the level above has hashes."""
        above = self._rows[level + 1] if level + 1 < len(self._rows) else []
        number = len(above)
        for higher in range(level + 2, len(self._rows)):
            number += len(self._rows[higher]) * TILE_WIDTH ** (higher - level - 1)
        return number

    def _judged(self, level: int, number: int, computed: list[bytes] | None, stored: list[bytes] | None) -> list[bytes]:
        if computed is None or stored is None or computed == stored:
            return computed or stored or [bytes(32)] * TILE_WIDTH
        above = self._stored(level + 1, number // TILE_WIDTH)
        parent = above[number % TILE_WIDTH] if above else None
        side = {tile_root(computed): 0, tile_root(stored): 1}.get(parent) if parent else None
        self._name(level, number, computed, stored, side)
        return stored if side == 1 else computed

    def _name(self, level: int, number: int, computed: list[bytes], stored: list[bytes], side: int | None) -> None:
        """Names every place where a tile differs; `side` 0: the computed hashes are the signed ones, 1: the stored ones."""
        width = width_of(level, number, self._size)
        tile = f"log file {tile_name(level, number, width)}"
        bundle = f"log file {tile_name(ENTRIES, number, width)}"
        for place, (left, right) in enumerate(zip(computed, stored, strict=True)):
            if left == right:
                continue
            if side == 0:
                self._findings.append(Finding(f"{tile}, hash {place}", _HASH_CHANGED))
            elif level == 0:
                problem = _DIFFER if side is None else _ENTRY_CHANGED
                self._findings.append(Finding(f"{bundle}, entry {number * TILE_WIDTH + place}", problem))
            else:
                below = tile_name(level - 1, number * TILE_WIDTH + place)
                told = "is the signed one, and" if side == 1 else "is of another tree:"
                problem = f"it {told} {below} and the entries under it agree with each other and not with it"
                self._findings.append(Finding(f"{tile}, hash {place}", problem))

    def _stored(self, level: int, number: int) -> list[bytes] | None:
        """A tile's hashes as stored; each is read once, and what cannot be read is named once."""
        known = self._read.get(level)
        if known is not None and known[0] == number:
            return known[1]
        width = width_of(level, number, self._size)
        try:
            hashes = read_part(self._storage, level, number, width) if width else None
        except (IntegrityError, MachineError) as error:
            self._findings.append(Finding(f"log file {tile_name(level, number, width)}", error.message))
            hashes = None
        self._read[level] = (number, hashes)
        return hashes
