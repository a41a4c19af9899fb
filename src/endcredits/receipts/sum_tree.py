"""A Merkle tree whose nodes carry sums, so that everybody in it checks the total by their own path.

An operator publishes one root with two sums: what was given in a period and currency, and what was taken back by refunds.
Every leaf is somebody's amount. A node's hash covers the sums of both its children, so whoever walks from their own leaf
to the root adds up exactly what was published, or finds that it does not add up. Leaving a payee out, inventing one,
or changing an amount changes the root or breaks the sums. Both sums are counted apart and neither may be negative: in a
single signed sum an invented debt could make room for an invented payee.

    leaf = SHA-256(0x10 || u64 paid || u64 taken || salt || RFC 8785 of the leaf's record)
    node = SHA-256(0x11 || u128 paid || u128 taken || hash (of the left child) || the same of the right child)

Numbers are big-endian, salts are 32 random bytes, and the shape is that of RFC 6962 section 2.1. Leaves stand in the order
of their hashes, so that neighbours say nothing about each other. What a path gives away is the sums of the subtrees beside
it, without names: with few payees that may be a single other payee's amount.

Amounts and sums are at most 2**53 - 1 micros, which is what a document can hold; the encoding has room for more.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring

from endcredits.canonical import INTEGER_MAX
from endcredits.errors import InputError
from endcredits.money import currency_code

MICROS_MAX = INTEGER_MAX
"""Largest amount and sum: 2**53 - 1 micros, so that every reader of the documents keeps it exactly."""

PAYEE = "payee"
KINDS = (PAYEE, "commons", "suspense", "disputed", "breakage", "rest")
"""Where money of a pool goes: to a payee; to nobody in particular; where it waits; what unused payments and rules leave."""

SALT_BYTES = 32
SEALED_BYTES = 64
"""A node as its parent hashes it: u128 paid, u128 taken, hash."""
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""Root of the tree without leaves, as in RFC 6962; its sums are 0."""

_HEX64 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class SumLeaf:
    """What one payee, or one of the places where money waits, has of a period's pools in one currency.

    Attributes:
        kind: one of `KINDS`.
        party_id: the payee; "" for all other kinds.
        currency: ISO 4217 code.
        paid_micros: given, >= 0.
        taken_micros: taken back by refunds, >= 0.
        statement_sha256: of the payee's statement, 64 hex digits; "" for all other kinds, and in a correction for payees
            who had no statement in that period.
    """

    kind: str
    party_id: str
    currency: str
    paid_micros: int
    taken_micros: int
    statement_sha256: str


@dataclass(frozen=True, slots=True)
class Salted:
    """A leaf with its salt: what its owner needs to make its hash.

    Attributes:
        leaf: the leaf.
        salt: 32 random bytes, 64 hex digits.
    """

    leaf: SumLeaf
    salt: str


@dataclass(frozen=True, slots=True)
class SumNode:
    """A node without what is below it: a step of a path, or a leaf whose record and salt were erased.

    Attributes:
        hash: 64 hex digits.
        paid_micros: sum below it.
        taken_micros: sum below it.
    """

    hash: str
    paid_micros: int
    taken_micros: int


@dataclass(frozen=True, slots=True)
class SumRoot:
    """What is published of a tree, in a period's receipt.

    Attributes:
        currency: ISO 4217 code.
        count: number of leaves.
        paid_micros: sum of all that was given.
        taken_micros: sum of all that was taken back.
        root: 64 hex digits.
    """

    currency: str
    count: int
    paid_micros: int
    taken_micros: int
    root: str


@dataclass(frozen=True, slots=True)
class SumPlace:
    """A leaf's own proof: what is attached to a period's receipt for one payee.

    Attributes:
        currency: of the tree.
        index: position of the leaf, from 0.
        leaf: the leaf.
        path: siblings from the leaf to the root.
        salt: 64 hex digits.
    """

    currency: str
    index: int
    leaf: SumLeaf
    path: tuple[SumNode, ...]
    salt: str


def check_leaf(leaf: SumLeaf) -> None:
    """Refuses what cannot be a leaf.

    Raises:
        InputError: an amount is negative or beyond `MICROS_MAX`, or kind, payee, currency and statement do not go together.
    """
    for field in ("paid_micros", "taken_micros"):
        _check_amount(getattr(leaf, field), field)
    if leaf.kind not in KINDS:
        raise InputError(f"'{leaf.kind[:40]}' is no kind of leaf", remedy=f"Use {', '.join(KINDS)}.", field="kind")
    currency_code(leaf.currency)
    of_payee = leaf.kind == PAYEE
    if of_payee != bool(leaf.party_id) or (leaf.statement_sha256 and not of_payee):
        raise InputError(
            f"a leaf of the kind '{leaf.kind}' {'needs a payee' if of_payee else 'has no payee and no statement'}",
            remedy="Name a payee in leaves of payees, and in no others.",
            field="party_id",
        )
    if leaf.statement_sha256 and not _HEX64.fullmatch(leaf.statement_sha256):
        raise InputError("a statement's digest has 64 small hex digits", field="statement_sha256")


def _check_amount(value: int, field: str) -> None:
    if type(value) is not int or not 0 <= value <= MICROS_MAX:
        raise InputError(
            f"{value} cannot stand in a sum tree",
            remedy="Amounts and sums are whole micros from 0 to 2**53 - 1; give and take are counted apart.",
            field=field,
        )


def leaf_bytes(leaf: SumLeaf) -> bytes:
    """The RFC 8785 bytes of a leaf: those of `canonical_bytes`, several times faster for its six known fields.

    Raises:
        InputError: it holds half a character.
    """
    # encode_basestring escapes what RFC 8785 escapes and nothing else; keys stand in their order.
    text = (
        f'{{"currency":{encode_basestring(leaf.currency)},"kind":{encode_basestring(leaf.kind)},'
        f'"paid_micros":{leaf.paid_micros},"party_id":{encode_basestring(leaf.party_id)},'
        f'"statement_sha256":{encode_basestring(leaf.statement_sha256)},"taken_micros":{leaf.taken_micros}}}'
    )
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InputError("a payee's id holds half a character", field="party_id") from error


def leaf_hash(leaf: SumLeaf, salt: bytes) -> bytes:
    """SHA-256(0x10 || u64 paid || u64 taken || salt || RFC 8785 of the leaf)."""
    sums = leaf.paid_micros.to_bytes(8, "big") + leaf.taken_micros.to_bytes(8, "big")
    return hashlib.sha256(b"\x10" + sums + salt + leaf_bytes(leaf)).digest()


def sealed(digest: bytes, paid: int, taken: int) -> bytes:
    """A node as its parent hashes it: u128 paid || u128 taken || hash."""
    return paid.to_bytes(16, "big") + taken.to_bytes(16, "big") + digest


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x11 || left || right) of two sealed children."""
    return hashlib.sha256(b"\x11" + left + right).digest()


def _seal(row: Salted | SumNode) -> bytes:
    if isinstance(row, SumNode):
        for field in ("paid_micros", "taken_micros"):
            _check_amount(getattr(row, field), field)
        return sealed(bytes.fromhex(_checked_hex(row.hash, "hash")), row.paid_micros, row.taken_micros)
    check_leaf(row.leaf)
    salt = bytes.fromhex(_checked_hex(row.salt, "salt"))
    return sealed(leaf_hash(row.leaf, salt), row.leaf.paid_micros, row.leaf.taken_micros)


def _checked_hex(text: str, field: str) -> str:
    if not _HEX64.fullmatch(text):
        raise InputError("it has not 64 small hex digits", field=field)
    return text


class SumTree:
    """A whole tree; for `build`.

    Level 0 holds the sealed leaves side by side, each further level the nodes above; a last node without a sibling is
    carried up as it is, which gives the shape of RFC 6962.

    Attributes:
        rows: the leaves in the order of the tree.
    """

    __slots__ = ("_levels", "rows")

    def __init__(self, rows: Sequence[Salted | SumNode], leaves: bytes) -> None:
        """For `build`: rows in their order, and the same sealed."""
        self.rows = tuple(rows)
        self._levels = [leaves]
        while len(self._levels[-1]) > SEALED_BYTES:
            self._levels.append(_level_above(self._levels[-1]))

    @property
    def paid(self) -> int:
        """Micros given, all leaves together."""
        return _sums(self._levels[-1])[0] if self.rows else 0

    @property
    def taken(self) -> int:
        """Micros taken back, all leaves together."""
        return _sums(self._levels[-1])[1] if self.rows else 0

    @property
    def root(self) -> bytes:
        """The root's hash, 32 bytes."""
        return self._levels[-1][32:] if self.rows else EMPTY_ROOT

    def published(self, currency: str) -> SumRoot:
        """What a period's receipt says of this tree."""
        return SumRoot(currency, len(self.rows), self.paid, self.taken, self.root.hex())

    def path(self, index: int) -> tuple[SumNode, ...]:
        """The siblings from a leaf, counted from 0, up to the root.

        Raises:
            IndexError: there is no such leaf.
        """
        if not 0 <= index < len(self.rows):
            raise IndexError(f"the tree has {len(self.rows)} leaves")
        path = []
        for level in self._levels[:-1]:
            start = (index ^ 1) * SEALED_BYTES
            if start < len(level):
                beside = level[start : start + SEALED_BYTES]
                path.append(SumNode(beside[32:].hex(), *_sums(beside)))
            index >>= 1
        return tuple(path)

    def place(self, index: int) -> SumPlace:
        """The proof of one leaf.

        Raises:
            IndexError: there is no such leaf.
            InputError: its record was erased, so nobody can prove it any more.
        """
        path = self.path(index)
        row = self.rows[index]
        if isinstance(row, SumNode):
            raise InputError("this leaf was erased", remedy="Ask whoever erased it; the sums still hold.")
        return SumPlace(row.leaf.currency, index, row.leaf, path, row.salt)


def _sums(node: bytes) -> tuple[int, int]:
    return int.from_bytes(node[:16], "big"), int.from_bytes(node[16:32], "big")


def _level_above(level: bytes) -> bytes:
    pair, sha256, number = 2 * SEALED_BYTES, hashlib.sha256, int.from_bytes
    whole = len(level) // pair * pair
    above = bytearray()
    for start in range(0, whole, pair):
        both = level[start : start + pair]
        paid = number(both[:16], "big") + number(both[64:80], "big")
        taken = number(both[16:32], "big") + number(both[80:96], "big")
        above += paid.to_bytes(16, "big") + taken.to_bytes(16, "big") + sha256(b"\x11" + both).digest()
    return bytes(above) + level[whole:]


def build(rows: Iterable[Salted | SumNode]) -> SumTree:
    """Builds a tree over leaves, in the order of their hashes.

    Args:
        rows: in any order; those that were erased as bare nodes.

    Raises:
        InputError: a leaf cannot be one, two are the same, or a sum is beyond `MICROS_MAX`.
    """
    made = sorted(((_seal(row), row) for row in rows), key=lambda one: one[0][32:])
    tree = SumTree([row for _, row in made], b"".join(node for node, _ in made))
    hashes = {node[32:] for node, _ in made}
    if len(hashes) < len(made):
        raise InputError("a leaf stands in the tree twice", remedy="Give every leaf its own salt.")
    for value, field in ((tree.paid, "paid_micros"), (tree.taken, "taken_micros")):
        _check_amount(value, field)
    return tree


def sum_problem(place: SumPlace, published: SumRoot) -> str:
    """What is wrong with a leaf's proof under a published root, in words; "" when nothing is.

    Whatever the proof holds, this answers in as many steps as the path is long, and raises nothing.
    """
    if place.currency != published.currency or place.leaf.currency != published.currency:
        return "the leaf is of another currency than the published sums"
    try:
        node = _seal(Salted(place.leaf, place.salt))
        steps = [_seal(step) for step in place.path]
    except InputError as error:
        return error.message
    if not 0 <= place.index < published.count:
        return f"there is no leaf {place.index} among {published.count}"
    at, last = place.index, published.count - 1
    for step in steps:
        while at == last and not at & 1 and last:  # carried up without a sibling
            at, last = at >> 1, last >> 1
        if not last:
            return "the path is longer than the tree is high"
        left, right = (step, node) if at & 1 else (node, step)
        paid, taken = (sum(pair) for pair in zip(_sums(left), _sums(right), strict=True))
        if max(paid, taken) > MICROS_MAX:
            return "the sums along the path are beyond what can be published"
        node = sealed(node_hash(left, right), paid, taken)
        at, last = at >> 1, last >> 1
    while at == last and not at & 1 and last:
        at, last = at >> 1, last >> 1
    if last:
        return "the path is shorter than the tree is high"
    if _sums(node) != (published.paid_micros, published.taken_micros):
        return "the sums along the path are not the published ones"
    return "" if node[32:].hex() == published.root else "the path leads to another root than the published one"


def verify_sum(place: SumPlace, published: SumRoot) -> bool:
    """Whether a leaf is inside the published sums, at its place."""
    return not sum_problem(place, published)
