"""What a payee is handed to prove a statement: its receipt, and their own place in the period's sum tree.

    <statement>.receipt.json    the statement's receipt: its digest, its number, where the one before stands in the log
    <statement>.period.json     the period's receipt with the attachment `sum`: the payee's leaf, salt and path

Both verify by themselves, and neither tells anything of another payee but the nameless sums on the path. Small periods have
these files beside the statements. A period of more payees makes them when somebody asks (`endcredits statement PERIOD
--payee NAME --form proof --out FOLDER`): each holds the whole receipt of the period, and 200,000 copies of it are gigabytes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path

from endcredits.canonical import canonical_bytes, digest
from endcredits.errors import InputError, NotFoundError
from endcredits.flows.kept_sums import payees_of, read_sums
from endcredits.payouts import Statement
from endcredits.receipts import load_receipt, receipt_bytes, receipt_path, verify_receipt
from endcredits.receipts.chain import receipt_id_of
from endcredits.receipts.receipt import parse_receipt
from endcredits.receipts.sum_tree import PAYEE, SumLeaf, SumPlace

PROOF_FILES_MAX = 1_000
"""Statements of a period up to which the files are written beside them."""
RECEIPT, PERIOD = ".receipt.json", ".period.json"
"""What the two files' names end with."""


def proofs(
    receipts: Path, tables: Path, period_receipt: str, issued: Sequence[Statement], name_of: Callable[[Statement], str]
) -> Iterator[tuple[str, bytes]]:
    """The proofs of some statements of one period, by file name.

    A proof whose receipt was erased is left out, and so is the place of a payee whose leaf was. A later version of a
    statement has a receipt of its own; the period's tree holds the first.

    Args:
        receipts: the folder of receipts.
        tables: the folder of the close, which keeps its sum trees.
        period_receipt: id of the period's receipt.
        issued: the statements.
        name_of: file name of a statement, without its ending.

    Raises:
        IntegrityError: a receipt or a tree is not what was written.
    """
    for one in issued:
        own = receipt_path(receipts, receipt_id_of(one.statement_id))
        if own.exists():
            yield f"{name_of(one)}{_later(one)}{RECEIPT}", receipt_bytes(load_receipt(own))
    first = [one for one in issued if one.version == 1]
    for one, data in places(receipts, tables, period_receipt, first):
        yield f"{name_of(one)}{PERIOD}", data


def _later(statement: Statement) -> str:
    return "" if statement.version == 1 else f"-v{statement.version}"


def places(receipts: Path, tables: Path, receipt_id: str, issued: Sequence[Statement]) -> Iterator[tuple[Statement, bytes]]:
    """The receipt of a period, or of a correction of it, for each of some payees with their own place attached.

    Args:
        receipts: the folder of receipts.
        tables: the folder of the close or correction, which keeps its sum trees.
        receipt_id: of its receipt; without one nobody has a place.
        issued: statements of the payees.

    Raises:
        IntegrityError: the receipt or a tree is not what was written.
    """
    path = receipt_path(receipts, receipt_id)
    if not path.exists():
        return
    whole = receipt_bytes(load_receipt(path))
    trees = read_sums(tables, {one.currency for one in issued})
    at = {currency: payees_of(tree) for currency, tree in trees.items()}
    for one in issued:
        index = at[one.currency].get(one.party_id)
        if index is not None:
            yield one, with_place(whole, trees[one.currency].place(index))


def with_place(receipt: bytes, place: SumPlace) -> bytes:
    """A receipt's file with the attachment `sum`, put in where its one spelling has it: before the last `type`.

    The same as `receipt_bytes(receipt, sum=...)`, without spelling the period's whole body for every payee again.
    """
    head, mark, tail = receipt.rpartition(b',"type":')
    return head + b',"sum":' + canonical_bytes(place) + mark + tail


def leaf_problem(leaf: SumLeaf, statement: Statement) -> str:
    """What is wrong with a payee's leaf beside their own statement, in words; "" when nothing is.

    A payee compares the two: the tree says that the leaf is inside the published sums, and only they know their statement.
    Amounts in dispute, and levies, which come on top of the pools, are in no payee's leaf.
    """
    if (leaf.kind, leaf.party_id, leaf.currency) != (PAYEE, statement.party_id, statement.currency):
        return "the leaf is of somebody else, or in another currency"
    if leaf.statement_sha256 != digest(statement):
        return "the leaf holds another statement"
    amounts = [line.amount_micros for line in statement.lines if line.state == "payable"]
    given, taken = sum(one for one in amounts if one > 0), -sum(one for one in amounts if one < 0)
    if (leaf.paid_micros, leaf.taken_micros) != (given, taken):
        return "the leaf has other amounts than the statement's lines"
    return ""


def same_proof(found: bytes, expected: bytes, vkey: str) -> bool:
    """Whether a proof in somebody's hands is the expected one, perhaps under another checkpoint of the same log."""
    if found == expected:
        return True
    try:
        (one, extra), (other, other_extra) = parse_receipt(found), parse_receipt(expected)
    except InputError:
        return False
    about = [(of.receipt_id, of.type, of.salt, of.leaf, of.proof.leaf_index) for of in (one, other)]
    return about[0] == about[1] and extra == other_extra and verify_receipt(found, vkey).verified


def must_be_whole(names: Collection[str], issued: Iterable[Statement], name_of: Callable[[Statement], str]) -> None:
    """Refuses to pass over a statement of which less is handed out than what proves it.

    Raises:
        NotFoundError: its receipt, or the payee's place in the period, is not here any more.
    """
    for one in issued:
        needed = [f"{name_of(one)}{_later(one)}{RECEIPT}", *([f"{name_of(one)}{PERIOD}"] if one.version == 1 else [])]
        if not all(name in names for name in needed):
            raise NotFoundError(
                f"the proof of '{one.statement_id}' is not here: it was erased, or never issued",
                remedy="See what is missing: endcredits check. What was never issued is issued by: endcredits period close.",
            )
