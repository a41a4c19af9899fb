"""The tree in the tiles is the tree in memory, however it grew, and reading needs only a few tiles."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endcredits.errors import IntegrityError
from endcredits.receipts import tile_tree
from endcredits.receipts.merkle import Tree, leaf_hash
from endcredits.receipts.storage import FolderStorage
from endcredits.receipts.tile_tree import EMPTY_EDGE, TileTree, read_edge
from endcredits.receipts.tiles import parse_name, width_of

HASHES = [leaf_hash(str(number).encode()) for number in range(70_000)]


class Shelf(FolderStorage):
    """Files in memory, which counts what is read."""

    def __init__(self) -> None:
        super().__init__("shelf")
        self.files: dict[str, bytes] = {}
        self.reads = 0

    def get(self, name: str, bytes_max: int) -> bytes | None:
        self.reads += 1
        return self.files.get(name)

    def put(self, files: Sequence[tuple[str, bytes]]) -> None:
        self.files.update(files)


def grown(sizes: Sequence[int]) -> tuple[Shelf, TileTree]:
    """A tree grown to each of these sizes in turn."""
    shelf, edge = Shelf(), EMPTY_EDGE
    for size in sizes:
        edge, tiles = edge.grow(HASHES[edge.size : size])
        shelf.put(tiles)
        assert edge == read_edge(shelf, size)
    tree = TileTree(shelf)
    tree.reset(edge.size)
    return shelf, tree


@settings(max_examples=40)
@given(st.lists(st.integers(1, 1500), min_size=1, max_size=6), st.data())
def test_roots_and_proofs_are_those_of_the_tree_in_memory(steps: list[int], data: st.DataObject) -> None:
    """However it grew: same roots, same paths, same consistency proofs, for the size of now and for earlier ones."""
    sizes = [sum(steps[: number + 1]) for number in range(len(steps))]
    _, tree = grown(sizes)
    twin = Tree(HASHES[: sizes[-1]])
    old = data.draw(st.integers(1, sizes[-1]))
    index = data.draw(st.integers(0, old - 1))

    assert tree.root() == twin.root()
    assert tree.root(old) == twin.root(old)
    assert tree.leaf(index) == HASHES[index]
    assert tree.inclusion_path(index) == twin.inclusion_path(index)
    assert tree.inclusion_path(index, old) == twin.inclusion_path(index, old)
    assert tree.consistency_path(old) == twin.consistency_path(old)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 700), min_size=1, max_size=6))
def test_the_edge_sums_up_to_the_root(steps: list[int]) -> None:
    """After every growth, by nothing too."""
    edge = EMPTY_EDGE
    for step in steps:
        edge, tiles = edge.grow(HASHES[edge.size : edge.size + step])
        assert edge.root() == Tree(HASHES[: edge.size]).root()
        assert bool(tiles) == bool(step)


def test_seventy_thousand_leaves_have_the_tiles_of_the_standard() -> None:
    """Three levels; each tile that is written is as wide as its name says, and no proof reads more than a few."""
    shelf, tree = grown([256, 65_535, 65_536, 70_000])

    for name, data in shelf.files.items():
        known = parse_name(name)
        assert known is not None
        assert len(data) == known[2] * 32
    finals = {
        name
        for name in shelf.files
        if (known := parse_name(name)) and known[2] == width_of(int(known[0]), *known[1:2], 70_000)
    }
    assert len(finals) == 273 + 1 + 1 + 1 + 1
    shelf.reads = 0
    assert tree.root() == Tree(HASHES).root()
    tree.inclusion_path(12_345)
    assert shelf.reads <= 6


def test_memory_is_a_few_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read long ago is read again."""
    monkeypatch.setattr(tile_tree, "CACHE_TILES", 3)
    shelf, tree = grown([3000])
    first = [tree.leaf(index) for index in range(0, 3000, 256)]
    shelf.reads = 0

    assert [tree.leaf(index) for index in range(0, 3000, 256)] == first
    assert shelf.reads == len(first)


def test_a_removed_partial_tile_is_the_beginning_of_the_full_one() -> None:
    """A reader with an earlier checkpoint goes on when the log was pruned under it."""
    shelf, tree = grown([100, 256])
    del shelf.files["tile/0/000.p/100"]
    tree.reset(100)

    assert tree.root() == Tree(HASHES[:100]).root()


@pytest.mark.parametrize("data", [None, b"", b"x", bytes(100 * 32 + 1)])
def test_a_tile_that_is_none_is_named(data: bytes | None) -> None:
    """Missing, empty, cut or too long."""
    shelf, tree = grown([100])
    if data is None:
        del shelf.files["tile/0/000.p/100"]
    else:
        shelf.files["tile/0/000.p/100"] = data

    with pytest.raises(IntegrityError, match=r"shelf/tile/0/000\.p/100"):
        tree.root()
