"""What tests of sum trees share: leaves, a strategy for whole trees, and the tree once more, straight from its words."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from hypothesis import strategies as st

from endcredits.canonical import canonical_bytes
from endcredits.receipts.sum_tree import KINDS, PAYEE, Salted, SumLeaf, SumNode, SumTree, build

STATEMENT = "ab" * 32


def payee(name: str, paid: int, taken: int = 0, currency: str = "EUR") -> SumLeaf:
    """A payee's leaf."""
    return SumLeaf(PAYEE, name, currency, paid, taken, STATEMENT)


def salted(leaf: SumLeaf, number: int = 0) -> Salted:
    """With a salt that follows from the leaf and a number."""
    return Salted(leaf, hashlib.sha256(f"{number} {leaf}".encode()).hexdigest())


def some(*amounts: int) -> list[Salted]:
    """One payee for each amount."""
    return [salted(payee(f"party-{number}", amount, number)) for number, amount in enumerate(amounts)]


def erased(tree: SumTree, name: str) -> SumTree:
    """A tree in which a payee's leaf is a bare node."""
    rows: list[Salted | SumNode] = []
    for row in tree.rows:
        if isinstance(row, Salted) and row.leaf.party_id == name:
            paid, taken, digest = slow_leaf(row)
            rows.append(SumNode(digest.hex(), paid, taken))
        else:
            rows.append(row)
    return build(rows)


MICROS = st.one_of(st.integers(0, 9), st.integers(0, 10**14))
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)


@st.composite
def rows(draw: st.DrawFn, *, least: int = 0, most: int = 40) -> list[Salted]:
    """Leaves of every kind with names of any characters."""
    leaves = []
    for _ in range(draw(st.integers(least, most))):
        kind = draw(st.sampled_from([PAYEE, PAYEE, PAYEE, *KINDS]))
        name, digest = (draw(NAMES), STATEMENT) if kind == PAYEE else ("", "")
        leaves.append(SumLeaf(kind, name, "EUR", draw(MICROS), draw(MICROS), digest))
    return [salted(leaf, number) for number, leaf in enumerate(leaves)]


Twin = tuple[int, int, bytes]


def slow_leaf(row: Salted) -> Twin:
    """A leaf as (paid, taken, hash), with the general spelling of documents."""
    leaf = row.leaf
    data = leaf.paid_micros.to_bytes(8, "big") + leaf.taken_micros.to_bytes(8, "big")
    data += bytes.fromhex(row.salt) + canonical_bytes(leaf)
    return leaf.paid_micros, leaf.taken_micros, hashlib.sha256(b"\x10" + data).digest()


def slow_node(left: Twin, right: Twin) -> Twin:
    """Two children as (paid, taken, hash)."""
    data = b"".join(paid.to_bytes(16, "big") + taken.to_bytes(16, "big") + digest for paid, taken, digest in (left, right))
    return left[0] + right[0], left[1] + right[1], hashlib.sha256(b"\x11" + data).digest()


def slow_tree(leaves: Sequence[Twin]) -> Twin:
    """The root, cut at the largest power of two below the size (RFC 6962 section 2.1)."""
    if not leaves:
        return 0, 0, hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    cut = 1
    while 2 * cut < len(leaves):
        cut *= 2
    return slow_node(slow_tree(leaves[:cut]), slow_tree(leaves[cut:]))


def slow_path(leaves: Sequence[Twin], index: int) -> list[Twin]:
    """PATH(index, leaves) of RFC 6962 section 2.1.1."""
    if len(leaves) == 1:
        return []
    cut = 1
    while 2 * cut < len(leaves):
        cut *= 2
    if index < cut:
        return [*slow_path(leaves[:cut], index), slow_tree(leaves[cut:])]
    return [*slow_path(leaves[cut:], index - cut), slow_tree(leaves[:cut])]
