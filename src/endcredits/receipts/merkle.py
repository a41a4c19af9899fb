"""A Merkle tree: one hash that stands for a whole list, and short proofs about it.

Two leaves are hashed to a node, two nodes to the node above, up to one root. Change any leaf and the root changes. Two
short proofs follow, each as long as the tree is high (20 hashes for a million leaves). *Inclusion*: this leaf stands at
this place under that root. *Consistency*: the later tree is the earlier one with leaves added at the end, and nothing
else changed. Leaves and nodes are hashed with different first bytes, so that a node can never pass for a leaf.

The tree is that of RFC 6962 section 2.1; the two verifications are those of RFC 9162 sections 2.1.3.2 and 2.1.4.2.
`Tree` keeps the hashes of all complete subtrees: adding n leaves costs n node hashes in all, and after that every root
and every proof costs about as many steps as the tree is high, squared at worst.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""Root of the tree without leaves."""


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || data), RFC 6962 section 2.1."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right), RFC 6962 section 2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(size: int) -> int:
    """The largest power of two smaller than `size` (size >= 2): how many leaves go to the left."""
    return 1 << ((size - 1).bit_length() - 1)


class Subtrees:
    """Roots and proofs of a tree whose complete subtrees can be looked up; where they are kept is the business of others.

    `Tree` keeps them all in memory; `tile_tree.TileTree` reads them from the log's files when they are asked for.
    """

    __slots__ = ()

    @property
    def size(self) -> int:
        """Number of leaves."""
        raise NotImplementedError

    def node(self, level: int, place: int) -> bytes:
        """The root of the complete subtree over the leaves place * 2**level to (place + 1) * 2**level, that one left out."""
        raise NotImplementedError

    def leaf(self, index: int) -> bytes:
        """The hash of the leaf at a position from 0."""
        self._require(0 <= index < self.size)
        return self.node(0, index)

    def root(self, size: int | None = None) -> bytes:
        """The root of the first `size` leaves; of all, when left out."""
        end = self.size if size is None else size
        self._require(0 <= end <= self.size)
        return self._subtree(0, end) if end else EMPTY_ROOT

    def inclusion_path(self, index: int, size: int | None = None) -> list[bytes]:
        """PATH(index, D[size]) of RFC 6962 section 2.1.1: the sibling hashes from the leaf up to the root."""
        start, end = 0, self.size if size is None else size
        self._require(0 <= index < end <= self.size)
        path = []
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._subtree(middle, end))
                end = middle
            else:
                path.append(self._subtree(start, middle))
                start = middle
        return path[::-1]

    def consistency_path(self, old_size: int, size: int | None = None) -> list[bytes]:
        """PROOF(old_size, D[size]) of RFC 6962 section 2.1.2; empty when the sizes are equal or the old one is 0."""
        start, end = 0, self.size if size is None else size
        self._require(0 <= old_size <= end <= self.size)
        if old_size == 0:
            return []
        path = []
        while old_size != end:
            middle = start + _split(end - start)
            if old_size <= middle:
                path.append(self._subtree(middle, end))
                end = middle
            else:
                path.append(self._subtree(start, middle))
                start = middle
        # The verifier knows the old root already; any other subtree that the walk ended on must be told to it.
        if start:
            path.append(self._subtree(start, end))
        return path[::-1]

    def _subtree(self, start: int, end: int) -> bytes:
        """MTH(D[start:end]); `start` is a multiple of the power of two that covers the range, as RFC 6962 cuts it."""
        size = end - start
        if size & (size - 1) == 0:
            level = size.bit_length() - 1
            return self.node(level, start >> level)
        middle = start + _split(size)
        return node_hash(self._subtree(start, middle), self._subtree(middle, end))

    def _require(self, within: bool) -> None:
        if not within:
            raise IndexError(f"the tree has {self.size} leaves")


class Tree(Subtrees):
    """A growing tree in memory, 64 bytes a leaf.

    Row k holds the hashes of all complete subtrees of 2**k leaves, 32 bytes each, from left to right; a leaf that
    completes a pair is carried up like a one in binary addition.
    """

    __slots__ = ("_rows",)

    def __init__(self, leaf_hashes: Iterable[bytes] = ()) -> None:
        self._rows: list[bytearray] = [bytearray()]
        self.extend(leaf_hashes)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self._rows[0]) // HASH_BYTES

    def node(self, level: int, place: int) -> bytes:
        """The root of a complete subtree of 2**level leaves."""
        return bytes(self._rows[level][place * HASH_BYTES : (place + 1) * HASH_BYTES])

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        """Adds leaves, given by their hashes, at the end."""
        for leaf in leaf_hashes:
            node = leaf
            for level in range(len(self._rows) + 1):
                if level == len(self._rows):
                    self._rows.append(bytearray())
                row = self._rows[level]
                row += node
                if len(row) % (2 * HASH_BYTES):
                    break
                node = hashlib.sha256(b"\x01" + row[-2 * HASH_BYTES :]).digest()


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root over a list of leaf hashes."""
    return Tree(leaf_hashes).root()


def inclusion_path(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The inclusion proof of one leaf; for many leaves keep a `Tree`.

    Raises:
        IndexError: there is no such leaf.
    """
    return Tree(leaf_hashes).inclusion_path(index)


def consistency_path(leaf_hashes: Sequence[bytes], old_size: int) -> list[bytes]:
    """The proof that the whole list is its first `old_size` leaves with others added.

    Raises:
        IndexError: the list is shorter than that.
    """
    return Tree(leaf_hashes).consistency_path(old_size)


def root_of_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that a leaf hash at `index` of `size` and its path lead to (RFC 9162, 2.1.3.2); None when they do not fit."""
    if not 0 <= index < size:
        return None
    place, last, node = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if place & 1 or place == last:
            node = node_hash(sibling, node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        place, last = place >> 1, last >> 1
    return node if last == 0 else None


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether a leaf hash stands at `index` in the tree of `size` leaves with this root."""
    return root_of_path(leaf, index, size, path) == root


def verify_consistency(old_size: int, size: int, path: Sequence[bytes], old_root: bytes, root: bytes) -> bool:
    """Whether the tree of `size` leaves begins with the whole tree of `old_size` leaves (RFC 9162, 2.1.4.2).

    An empty old tree is consistent with every tree, equal sizes with an equal root; both with an empty path.
    """
    if not 0 <= old_size <= size:
        return False
    if old_size == size:
        return not path and old_root == root
    if old_size == 0:
        return not path and old_root == EMPTY_ROOT
    # An old tree that is one complete subtree is not repeated in the path: its root is where the walk begins.
    nodes = [old_root, *path] if old_size & (old_size - 1) == 0 else list(path)
    if not nodes:
        return False
    place, last = old_size - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old_node = node = nodes[0]
    for sibling in nodes[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old_node, node = node_hash(sibling, old_node), node_hash(sibling, node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and old_node == old_root and node == root
