"""The sum trees of a close as files, with their salts: written once, before their roots are published, and read ever after.

    periods/<period>/close-<n>/sums/<currency>.jsonl     leaf and salt a line, private (`receipts.sum_file`)

Salts are random, so a tree that was lost cannot be made again with the same root. It is therefore on the disk before the
receipt that publishes it is drafted: publishing again, also after a kill anywhere, gives the same root. A correction of a
period keeps its trees in its own folder in the same way.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from endcredits import durable
from endcredits.errors import IntegrityError, NotFoundError
from endcredits.receipts.log import WAIT_SECONDS
from endcredits.receipts.sum_file import read_tree, write_tree
from endcredits.receipts.sum_tree import (
    PAYEE,
    SALT_BYTES,
    Salted,
    SumLeaf,
    SumNode,
    SumRoot,
    SumTree,
    build,
)
from endcredits.store import Finding

SUMS = "sums"

Trees = Mapping[str, SumTree]
"""Trees by currency."""


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


def kept_roots(folder: Path) -> list[SumRoot]:
    """What the trees that a folder keeps publish, by currency.

    One that is damaged is left out, and one that is missing cannot be seen: `check_sums` names both, and `keep_sums` refuses
    them, which is asked before anything is published.
    """
    found = []
    for path in sorted((folder / SUMS).glob("*.jsonl")):
        with suppress(IntegrityError):
            found.append(read_tree(path).published(path.stem))
    return found


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
    left = Counter(leaves)
    left.subtract(row.leaf for row in tree.rows if isinstance(row, Salted))
    if len(tree.rows) != len(leaves) or any(number < 0 for number in left.values()):
        return "the sum tree is not over what the close gave and took back"
    erased = Counter((row.paid_micros, row.taken_micros) for row in tree.rows if isinstance(row, SumNode))
    if erased != Counter((one.paid_micros, one.taken_micros) for one in left.elements()):
        return "the sum tree has other sums than the close"
    return ""


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
