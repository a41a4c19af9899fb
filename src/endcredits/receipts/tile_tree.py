"""The tree in the tiles: proofs read the few tiles that they need, and growing needs only the right edge.

A proof in a log of ten million entries touches one tile of each of its three levels; nothing else is read, and the last
`CACHE_TILES` tiles are remembered, so memory does not grow with the log.

What is added changes only the right edge: on each level the hashes of the last, partial tile. `Edge` holds those (at most
255 on a level) and gives the new tiles and the new root. `merkle.Tree`, which keeps all in memory, is the twin of both.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from endcredits.errors import IntegrityError
from endcredits.receipts.merkle import EMPTY_ROOT, Subtrees, node_hash
from endcredits.receipts.storage import Storage
from endcredits.receipts.tiles import (
    BUNDLE_BYTES_MAX,
    ENTRIES,
    TILE_BYTES,
    TILE_HEIGHT,
    TILE_WIDTH,
    decode_bundle,
    decode_tile,
    levels_of,
    tile_name,
    tile_root,
    tile_rows,
    width_of,
)

CACHE_TILES = 64
"""Each takes about 35 kB with the subtrees inside it."""
CACHE_BUNDLES = 4
RESTORE = "Run 'endcredits log check' to see what is damaged; restore the log from your last copy."


def read_part(storage: Storage, level: int | str, number: int, width: int) -> list[bytes]:
    """The hashes of a tile, or the entries of a bundle, as wide as asked for.

    A partial one may have been removed when the full one came; then it is the beginning of that one.

    Raises:
        IntegrityError: it is missing, or its bytes cannot be a tile or a bundle.
        MachineError: it cannot be read.
    """
    bytes_max, decode = (BUNDLE_BYTES_MAX, decode_bundle) if level == ENTRIES else (TILE_BYTES, decode_tile)
    for found in dict.fromkeys((width, TILE_WIDTH)):
        name = tile_name(level, number, found)
        data = storage.get(name, bytes_max)
        if data is None:
            continue
        try:
            return decode(data, found)[:width]
        except IntegrityError as error:
            raise IntegrityError(error.message, remedy=RESTORE, file=storage.where(name)) from error
    name = tile_name(level, number, width)
    raise IntegrityError("the file is missing", remedy=RESTORE, file=storage.where(name))


class TileTree(Subtrees):
    """A tree of a given size, read from tiles. What it says is not verified: hold it against a signed root."""

    __slots__ = ("_bundles", "_size", "_storage", "_tiles")

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._size = 0
        self._tiles: OrderedDict[tuple[int, int, int], list[list[bytes]]] = OrderedDict()
        self._bundles: OrderedDict[tuple[int, int], list[bytes]] = OrderedDict()

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._size

    def reset(self, size: int) -> None:
        """Takes another size, and keeps nothing in mind that is not full."""
        self._size = size
        for tile in [key for key in self._tiles if key[2] < TILE_WIDTH]:
            del self._tiles[tile]
        for bundle in [key for key in self._bundles if key[1] < TILE_WIDTH]:
            del self._bundles[bundle]

    def forget(self) -> None:
        """Keeps nothing in mind."""
        self._tiles.clear()
        self._bundles.clear()

    def node(self, level: int, place: int) -> bytes:
        """The root of a complete subtree of 2**level leaves."""
        tile_level, height = divmod(level, TILE_HEIGHT)
        number, first = divmod(place << height, TILE_WIDTH)
        return self._rows(tile_level, number)[height][first >> height]

    @staticmethod
    def tile_of(index: int) -> int:
        """The number of the tile and bundle that a leaf is in."""
        return index // TILE_WIDTH

    def entry(self, index: int) -> bytes:
        """The entry at a position below the size."""
        number, place = divmod(index, TILE_WIDTH)
        width = width_of(0, number, self._size)
        key = (number, width)
        entries = self._bundles.get(key)
        if entries is None:
            entries = self._bundles[key] = read_part(self._storage, ENTRIES, number, width)
            if len(self._bundles) > CACHE_BUNDLES:
                self._bundles.popitem(last=False)
        else:
            self._bundles.move_to_end(key)
        return entries[place]

    def edge(self, size: int) -> Edge:
        """The right edge of the first `size` leaves."""
        rows = []
        for level in range(levels_of(size)):
            number, width = divmod(size >> (TILE_HEIGHT * level), TILE_WIDTH)
            rows.append(tuple(self._rows(level, number)[0][:width]) if width else ())
        return Edge(size, tuple(rows))

    def _rows(self, level: int, number: int) -> list[list[bytes]]:
        width = width_of(level, number, self._size)
        key = (level, number, width)
        rows = self._tiles.get(key)
        if rows is None:
            rows = self._tiles[key] = tile_rows(read_part(self._storage, level, number, width))
            if len(self._tiles) > CACHE_TILES:
                self._tiles.popitem(last=False)
        else:
            self._tiles.move_to_end(key)
        return rows


@dataclass(frozen=True, slots=True)
class Edge:
    """The right edge of a tree: all that is needed to let it grow.

    Attributes:
        size: number of leaves.
        rows: for each level of tiles, from 0, the hashes of its partial tile (none to 255).
    """

    size: int
    rows: tuple[tuple[bytes, ...], ...]

    def root(self) -> bytes:
        """The root of the whole tree."""
        found = None
        for row in self.rows:
            end = len(row)
            for height in range(TILE_HEIGHT):
                if end >> height & 1:
                    # From the right: the smallest complete subtree first, each larger one goes to its left.
                    end -= 1 << height
                    peak = tile_root(row[end : end + (1 << height)])
                    found = peak if found is None else node_hash(peak, found)
        return EMPTY_ROOT if found is None else found

    def grow(self, leaf_hashes: Sequence[bytes]) -> tuple[Edge, list[tuple[str, bytes]]]:
        """The edge after adding leaves, and the tiles to be written for it: name and bytes, the lowest level first."""
        rows: list[tuple[bytes, ...]] = []
        tiles: list[tuple[str, bytes]] = []
        carried, level, size = list(leaf_hashes), 0, self.size
        while carried or level < len(self.rows):
            row = [*(self.rows[level] if level < len(self.rows) else ()), *carried]
            number, above = size // TILE_WIDTH, []
            for start in range(0, len(row), TILE_WIDTH):
                hashes = row[start : start + TILE_WIDTH]
                if len(hashes) == TILE_WIDTH:
                    above.append(tile_root(hashes))
                if carried:
                    name = tile_name(level, number + start // TILE_WIDTH, len(hashes))
                    tiles.append((name, b"".join(hashes)))
            rows.append(tuple(row[len(row) - len(row) % TILE_WIDTH :]))
            carried, level, size = above, level + 1, size >> TILE_HEIGHT
        return Edge(self.size + len(leaf_hashes), tuple(rows)), tiles


EMPTY_EDGE = Edge(0, ())


def read_edge(storage: Storage, size: int) -> Edge:
    """The right edge of a log of `size` entries.

    Raises:
        IntegrityError: a partial tile is missing or cannot be read as one.
    """
    rows = []
    for level in range(levels_of(size)):
        number, width = divmod(size >> (TILE_HEIGHT * level), TILE_WIDTH)
        rows.append(tuple(read_part(storage, level, number, width)) if width else ())
    return Edge(size, tuple(rows))


def last_parts(size: int) -> Iterator[tuple[int | str, int, int]]:
    """The last bundle and the last tile of every level in a log of `size` entries: level, number, width (0 to 255)."""
    number, width = divmod(size, TILE_WIDTH)
    yield ENTRIES, number, width
    for level in range(levels_of(size) + 1):
        number, width = divmod(size >> (TILE_HEIGHT * level), TILE_WIDTH)
        yield level, number, width
