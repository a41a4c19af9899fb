"""The sum trees of a period: which leaves they have, and the files that keep them.

Every currency of a close has a tree over all that the close gave and took back: a leaf for each payee with a statement, and
one for each place where money stays that went to no payee. What was given less what was taken back is the sum of the close's
pools in that currency, to the micro, so a published root leaves no room for anybody else.

    periods/<period>/close-<n>/sums/<currency>.jsonl     leaf and salt a line, private (`receipts.sum_file`)

Salts are random, so a tree is written once, durably, before the receipt that publishes its root, and only read ever after:
publishing again, also after a kill anywhere, gives the same root.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow.compute as pc

from endcredits import durable
from endcredits.errors import InputError, IntegrityError, NotFoundError
from endcredits.money import format_micros
from endcredits.receipts.log import WAIT_SECONDS
from endcredits.receipts.sum_file import read_tree, write_tree
from endcredits.receipts.sum_tree import (
    MICROS_MAX,
    PAYEE,
    SALT_BYTES,
    Salted,
    SumLeaf,
    SumNode,
    SumRoot,
    SumTree,
    build,
    leaf_hash,
)
from endcredits.royalties import Line, PeriodClose, line_sums, lines_of
from endcredits.royalties.records import STATES
from endcredits.store import Finding

SUMS = "sums"
PAYABLE = STATES[0]

Sums = Mapping[tuple[int, str, str], int]
"""Micros by pool, state and whose they are, as `line_sums` gives them."""
Trees = Mapping[str, SumTree]
"""Trees by currency."""


def signed_sums(folder: Path) -> tuple[Sums, Sums]:
    """What the lines of a close's folder give and what they take back, each by pool, state and whose.

    A payee may have lines of both signs in one pool that adjusts an earlier period; they are counted apart.

    Raises:
        IntegrityError: the table is missing or damaged.
    """
    given, taken = (
        line_sums(batch.filter(of_sign(batch.column("amount_micros"), 0)) for batch in lines_of(folder))
        for of_sign in (pc.greater, pc.less)
    )
    return given, taken


def signed_sums_of(lines: Iterable[Line]) -> tuple[Sums, Sums]:
    """The same of lines in memory."""
    rows = list(lines)
    return line_sums(row for row in rows if row.amount_micros > 0), line_sums(row for row in rows if row.amount_micros < 0)


def leaves_of(
    close: PeriodClose, sums: tuple[Sums, Sums], statements: Mapping[tuple[str, str], str]
) -> dict[str, list[SumLeaf]]:
    """The leaves of a close's trees, by currency.

    Args:
        close: the close.
        sums: what its lines give and take back.
        statements: digest of every payee's statement, by party and currency.

    Returns:
        For every currency of a pool or a statement, by kind and party: one leaf for every payee, and for every other kind
        that has something.

    Raises:
        IntegrityError: the lines do not add up to the pools.
    """
    found: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])

    def add(currency: str, kind: str, party_id: str, micros: int) -> None:
        if micros:
            found[currency, kind, party_id][micros < 0] += abs(micros)

    for pool in close.pools:
        add(pool.currency, "breakage", "", pool.breakage_micros)
        add(pool.currency, "rest", "", pool.rest_micros)
        for part in pool.parts:
            add(pool.currency, "commons", "", part.commons_micros)
    for side in sums:
        for (number, state, whose), micros in side.items():
            of_payee = state == PAYABLE
            add(close.pools[number].currency, PAYEE if of_payee else state, whose if of_payee else "", micros)
    for party_id, currency in statements:
        found[currency, PAYEE, party_id]  # also whoever got nothing has a statement, and its digest a leaf
    leaves: dict[str, list[SumLeaf]] = {currency: [] for currency in sorted({pool.currency for pool in close.pools})}
    for (currency, kind, party_id), (paid, taken) in sorted(found.items()):
        digest = statements.get((party_id, currency), "") if kind == PAYEE else ""
        leaves.setdefault(currency, []).append(SumLeaf(kind, party_id, currency, paid, taken, digest))
    _must_add_up(close, leaves)
    return leaves


def _must_add_up(close: PeriodClose, leaves: Mapping[str, Sequence[SumLeaf]]) -> None:
    for currency, of_currency in leaves.items():
        whole = sum(pool.pool_micros for pool in close.pools if pool.currency == currency)
        left = sum(leaf.paid_micros - leaf.taken_micros for leaf in of_currency)
        if whole != left:
            raise IntegrityError(
                f"the lines of '{close.period_id}' come to {format_micros(left, currency)}, its pools to "
                f"{format_micros(whole, currency)}",
                remedy="The close or its lines were changed: restore them from your last copy.",
            )


def must_be_provable(close: PeriodClose, folder: Path) -> None:
    """Refuses a close whose sums no document can hold; asked before it is posted.

    Raises:
        InputError: what was given or taken back in one currency is beyond `MICROS_MAX`.
    """
    for currency, leaves in leaves_of(close, signed_sums(folder), {}).items():
        for what in ("paid_micros", "taken_micros"):
            total = sum(getattr(leaf, what) for leaf in leaves)
            if total > MICROS_MAX:
                raise InputError(
                    f"the pools in {currency} come to {total} micros, more than a document can hold",
                    remedy=f"Close shorter periods: at most {MICROS_MAX} micros a currency and period.",
                )


def keep_sums(folder: Path, leaves: Mapping[str, Sequence[SumLeaf]], *, issued: bool) -> dict[str, SumTree]:
    """The trees of a close: as they are kept, or written the first time.

    Args:
        folder: of the close.
        leaves: by currency.
        issued: whether their roots were published; then nothing is written, since new salts would make other roots.

    Raises:
        IntegrityError: a tree is missing after it was published, or is not what was written, or of other leaves.
        InputError: sums are beyond what a document can hold.
        MachineError: they cannot be written; do the same again.
        ConflictError: another process keeps writing them for too long.
    """
    if not issued:
        with durable.locked(folder / SUMS, "the sums of the period", wait_seconds=WAIT_SECONDS):
            for currency, of_currency in leaves.items():
                if not _file(folder, currency).exists():
                    write_tree(_file(folder, currency), build(_salted(of_currency)))
    trees = read_sums(folder, leaves)
    for currency, tree in trees.items():
        problem = tree_problem(tree, leaves[currency])
        if problem:
            raise IntegrityError(problem, remedy="Restore it from your last copy.", file=_file(folder, currency))
    return trees


def read_sums(folder: Path, currencies: Iterable[str]) -> dict[str, SumTree]:
    """The trees of a close as they are kept.

    Raises:
        IntegrityError: one is missing, or not what was written.
    """
    trees = {}
    for currency in sorted(currencies):
        try:
            trees[currency] = read_tree(_file(folder, currency))
        except NotFoundError as error:
            raise IntegrityError(error.message, remedy=error.remedy, file=_file(folder, currency)) from error
    return trees


def published(trees: Trees) -> list[SumRoot]:
    """What a period's receipt says of its trees, by currency."""
    return [trees[currency].published(currency) for currency in sorted(trees)]


def payees_of(tree: SumTree) -> dict[str, int]:
    """The position of every payee's leaf."""
    return {
        row.leaf.party_id: index for index, row in enumerate(tree.rows) if isinstance(row, Salted) and row.leaf.kind == PAYEE
    }


def _file(folder: Path, currency: str) -> Path:
    return folder / SUMS / f"{currency}.jsonl"


def _salted(leaves: Sequence[SumLeaf]) -> Iterable[Salted]:
    salts = secrets.token_bytes(SALT_BYTES * len(leaves)).hex()
    size = 2 * SALT_BYTES
    return (Salted(leaf, salts[number * size : (number + 1) * size]) for number, leaf in enumerate(leaves))


def tree_problem(tree: SumTree, leaves: Sequence[SumLeaf]) -> str:
    """Why a tree is not over these leaves, in words; "" when it is. Leaves that were erased count by their sums."""
    stated = set(leaves)
    kept = {row.leaf for row in tree.rows if isinstance(row, Salted)}
    if len(tree.rows) != len(leaves) or not kept <= stated:
        return "the sum tree is not over what the close gave and took back"
    if (tree.paid, tree.taken) != (sum(one.paid_micros for one in leaves), sum(one.taken_micros for one in leaves)):
        return "the sum tree has other sums than the close"
    return ""


def erase_payee(folder: Path, party_id: str) -> int:
    """Takes a payee's record and salt out of a close's trees; roots and all other proofs stay as they are.

    Args:
        folder: of the close.
        party_id: the payee.

    Returns:
        In how many trees there was something to erase.

    Raises:
        IntegrityError: a tree is not what was written.
        MachineError: one cannot be written; do the same again.
    """
    erased = 0
    with durable.locked(folder / SUMS, "the sums of the period", wait_seconds=WAIT_SECONDS):
        for path in sorted((folder / SUMS).glob("*.jsonl")):
            tree = read_tree(path)
            rows = [_bare(row) if isinstance(row, Salted) and row.leaf.party_id == party_id else row for row in tree.rows]
            if rows != list(tree.rows):
                write_tree(path, build(rows))
                erased += 1
    return erased


def _bare(row: Salted) -> SumNode:
    digest = leaf_hash(row.leaf, bytes.fromhex(row.salt))
    return SumNode(digest.hex(), row.leaf.paid_micros, row.leaf.taken_micros)


def check_sums(folder: Path, leaves: Mapping[str, Sequence[SumLeaf]]) -> Iterable[Finding]:
    """That the kept trees of a close are over what it gave and took back, and that there are no others."""
    for currency, of_currency in leaves.items():
        path = _file(folder, currency)
        try:
            problem = tree_problem(read_tree(path), of_currency)
        except (IntegrityError, NotFoundError) as error:
            problem = error.message
        if problem:
            yield Finding(f"sum tree {path}", problem)
    for path in sorted((folder / SUMS).glob("*.jsonl")):
        if path.stem not in leaves:
            yield Finding(f"sum tree {path}", "the close has no money in this currency")
