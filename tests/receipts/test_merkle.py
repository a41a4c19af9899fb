"""The tree is that of RFC 6962, and its proofs are accepted exactly when they should be."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.receipts import merkle
from endcredits.receipts.merkle import Tree, leaf_hash, node_hash, verify_consistency, verify_inclusion

# The vectors of the Certificate Transparency reference implementation.
CT_LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CT_INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CT_CONSISTENCY = {
    (1, 1): [],
    (1, 8): CT_INCLUSION[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
HASHES = [leaf_hash(str(number).encode()) for number in range(64)]


def slow_root(hashes: list[bytes]) -> bytes:
    """MTH as RFC 6962 section 2.1 writes it down."""
    if not hashes:
        return hashlib.sha256().digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return node_hash(slow_root(hashes[:k]), slow_root(hashes[k:]))


def slow_inclusion(m: int, hashes: list[bytes]) -> list[bytes]:
    """PATH as RFC 6962 section 2.1.1 writes it down."""
    if len(hashes) == 1:
        return []
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    if m < k:
        return [*slow_inclusion(m, hashes[:k]), slow_root(hashes[k:])]
    return [*slow_inclusion(m - k, hashes[k:]), slow_root(hashes[:k])]


def slow_consistency(m: int, hashes: list[bytes], known: bool = True) -> list[bytes]:
    """SUBPROOF as RFC 6962 section 2.1.2 writes it down."""
    if m == len(hashes):
        return [] if known else [slow_root(hashes)]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    if m <= k:
        return [*slow_consistency(m, hashes[:k], known), slow_root(hashes[k:])]
    return [*slow_consistency(m - k, hashes[k:], False), slow_root(hashes[:k])]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    """The published roots of 0 to 8 leaves come out."""
    hashes = [leaf_hash(data) for data in CT_LEAVES[:size]]

    assert merkle.root(hashes).hex() == CT_ROOTS[size]


@pytest.mark.parametrize(("index", "size"), CT_INCLUSION)
def test_inclusion_paths_are_those_of_certificate_transparency(index: int, size: int) -> None:
    """The published audit paths come out."""
    hashes = [leaf_hash(data) for data in CT_LEAVES[:size]]

    assert [node.hex() for node in merkle.inclusion_path(hashes, index)] == CT_INCLUSION[index, size]


@pytest.mark.parametrize(("old_size", "size"), CT_CONSISTENCY)
def test_consistency_paths_are_those_of_certificate_transparency(old_size: int, size: int) -> None:
    """The published consistency proofs come out."""
    hashes = [leaf_hash(data) for data in CT_LEAVES[:size]]

    assert [node.hex() for node in merkle.consistency_path(hashes, old_size)] == CT_CONSISTENCY[old_size, size]


def test_every_inclusion_path_up_to_64_leaves() -> None:
    """The fast path is the RFC's, verifies, and verifies at no other index, size or root."""
    tree = Tree(HASHES)

    for size in range(1, 65):
        root = slow_root(HASHES[:size])
        assert tree.root(size) == root
        for index in range(size):
            path = tree.inclusion_path(index, size)
            assert path == slow_inclusion(index, HASHES[:size])
            assert verify_inclusion(HASHES[index], index, size, path, root)
            assert not verify_inclusion(HASHES[index], index, size, path, HASHES[0][::-1])
            assert not verify_inclusion(HASHES[index], index, size, [*path, root], root)
            assert not path or not verify_inclusion(HASHES[index], index, size, path[:-1], root)
            wrong = [other for other in range(-1, size + 1) if other != index]
            assert not any(verify_inclusion(HASHES[index], other, size, path, root) for other in wrong)


def test_every_consistency_path_below_40_leaves() -> None:
    """The fast proof is the RFC's, verifies, and fails for another root or with a hash too many or too few."""
    tree = Tree(HASHES[:39])

    for size in range(40):
        for old_size in range(size + 1):
            old_root, root = slow_root(HASHES[:old_size]), slow_root(HASHES[:size])
            path = tree.consistency_path(old_size, size)
            assert path == (slow_consistency(old_size, HASHES[:size]) if old_size else [])
            assert verify_consistency(old_size, size, path, old_root, root)
            assert not verify_consistency(old_size, size, path, HASHES[63], root)
            assert old_size == 0 or not verify_consistency(old_size, size, path, old_root, HASHES[63])
            assert not verify_consistency(old_size, size, [*path, root], old_root, root)
            assert not path or not verify_consistency(old_size, size, path[:-1], old_root, root)


@given(st.integers(1, 300), st.integers(0, 300), st.integers(0, 300))
def test_a_tree_grown_in_pieces_is_the_tree_grown_at_once(size: int, first: int, second: int) -> None:
    """How leaves arrive never matters, and every earlier root can still be told."""
    hashes = [leaf_hash(bytes([number % 256, number // 256])) for number in range(size)]
    cuts = sorted((min(first, size), min(second, size)))
    tree = Tree(hashes[: cuts[0]])

    tree.extend(hashes[cuts[0] : cuts[1]])
    tree.extend(hashes[cuts[1] :])

    assert tree.root() == slow_root(hashes)
    assert tree.root(cuts[0]) == slow_root(hashes[: cuts[0]])
    assert [tree.leaf(index) for index in range(size)] == hashes


def test_growing_costs_one_hash_a_leaf_and_a_proof_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Appending 4,096 leaves hashes 4,095 nodes, and a proof hashes at most the tree's height squared."""
    calls = 0
    real = hashlib.sha256

    def counted(data: bytes = b"") -> object:
        nonlocal calls
        calls += 1
        return real(data)

    hashes = [HASHES[number % 64] for number in range(4096)]
    monkeypatch.setattr(hashlib, "sha256", counted)

    tree = Tree(hashes)
    grown = calls
    tree.inclusion_path(1, 4095)

    assert grown == 4095
    assert calls - grown <= 12 * 12


def test_a_leaf_never_passes_for_a_node() -> None:
    """Leaves and nodes are hashed apart, so an inner node offered as a leaf is refused."""
    tree = Tree(HASHES[:4])
    left = node_hash(HASHES[0], HASHES[1])

    assert leaf_hash(HASHES[0] + HASHES[1]) != left
    assert not verify_inclusion(leaf_hash(HASHES[0] + HASHES[1]), 0, 2, [tree.inclusion_path(0)[1]], tree.root())


@pytest.mark.parametrize(("index", "size"), [(-1, 4), (4, 4), (0, 5), (0, 0)])
def test_what_is_not_there_has_no_path(index: int, size: int) -> None:
    """Asking beyond the tree is an IndexError."""
    with pytest.raises(IndexError):
        Tree(HASHES[:4]).inclusion_path(index, size)
