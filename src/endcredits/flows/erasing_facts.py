"""Erasing facts, places in sum trees and the proofs made of them: the hash stays, and nothing that tells what stood there.

Which facts are one person's alone is told by the ids in them: a fact that names another person too, or a work in which
another has a part, is that other's proof as well and stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from endcredits import durable
from endcredits.canonical import canonical_bytes
from endcredits.errors import InputError
from endcredits.flows.fact_files import FOLDER, Fact, facts_in
from endcredits.flows.period_proofs import PERIOD, RECEIPT
from endcredits.flows.studio import Studio
from endcredits.receipts.erase import entry_of
from endcredits.receipts.issuing import remove
from endcredits.receipts.merkle import leaf_hash
from endcredits.receipts.receipt import parse_receipt
from endcredits.receipts.sum_file import place_of, read_tree, write_tree
from endcredits.receipts.sum_tree import Salted, SumNode, build
from endcredits.receipts.sum_tree import leaf_hash as sum_hash

KEPT_TYPES = ("period.step", "usage.intake", "model.train", "payout.batch", "payout.settle")
"""Facts of the books and of many people at once, which no one person's erasure takes away."""


def entry_of_fact(fact: Fact) -> str:
    """The hash of a fact's entry in the log's tree, 64 hex digits."""
    return leaf_hash(fact.leaf.encode()).hex()


def facts_of(
    studio: Studio, party_id: str, own: frozenset[str], files: frozenset[str], people: frozenset[str]
) -> Iterator[Fact]:
    """The facts that are about one person alone.

    Args:
        studio: whose facts.
        party_id: the person.
        own: works in which nobody else has a part.
        files: SHA-256 of files that are in no other work: where they lay and what was said of them tells of the person.
        people: every party's id.
    """
    for fact in facts_in(studio.path):
        if fact.body is None or fact.type in KEPT_TYPES:
            continue
        texts = set(_texts(fact.body))
        work_id = fact.body.get("work_id")
        about = party_id in texts or work_id in own or bool(texts & files)
        if about and not (texts & people) - {party_id} and (work_id is None or work_id in own):
            yield fact


def _texts(value: Any) -> Iterator[str]:
    """Every text in a document, however deep; keys are not looked at."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            waiting.extend(one.values())
        elif isinstance(one, (list, tuple)):
            waiting.extend(one)


def erase_facts(studio: Studio, times: Mapping[str, str]) -> int:
    """Erases the facts of these entries; the caller holds the log for writing. Returns how many files were changed.

    Args:
        studio: whose facts.
        times: when, by the hash of the entry; those of receipts may be among them.

    Raises:
        IntegrityError: a file of facts is damaged.
        MachineError: writing failed; the same again continues.
    """
    files = {path: first for first, path in _files(studio.path)}
    wanted: dict[Path, dict[int, Fact]] = {}
    starts = sorted((first, path) for path, first in files.items())
    for fact in facts_in(studio.path):
        if fact.body is not None and entry_of_fact(fact) in times:
            path = max((first, path) for first, path in starts if first <= fact.position)[1]
            wanted.setdefault(path, {})[fact.position - files[path]] = fact
    for path, rows in wanted.items():
        lines = path.read_bytes().split(b"\n")[:-1]
        for row, fact in rows.items():
            left = {"erased_at": times[entry_of_fact(fact)], "known_as": fact.known_as, "leaf": fact.leaf}
            lines[row] = canonical_bytes(left)
        durable.write_atomic(path, b"".join(line + b"\n" for line in lines))
    return len(wanted)


def _files(folder: Path) -> list[tuple[int, Path]]:
    return sorted((int(path.name.partition("-")[0]), path) for path in (folder / FOLDER).glob("*-*.jsonl"))


def sum_files(studio: Studio) -> list[Path]:
    """The files of all sum trees of all versions of all periods."""
    return sorted((studio.path / "periods").glob("*/*/sums/*.jsonl"))


def sums_of(studio: Studio, party_id: str) -> Iterator[str]:
    """Hashes of the leaves in which somebody stands, 64 hex digits."""
    for path in sum_files(studio):
        for row in read_tree(path).rows:
            if isinstance(row, Salted) and row.leaf.party_id == party_id:
                yield sum_hash(row.leaf, bytes.fromhex(row.salt)).hex()


def erase_sums(studio: Studio, hashes: frozenset[str]) -> int:
    """Erases leaves of sum trees: hash and amounts stay, since the sums of others' paths are made of them.

    Returns:
        How many files were changed.

    Raises:
        IntegrityError: a file is damaged.
        MachineError: writing failed; the same again continues.
    """
    changed = 0
    for path in sum_files(studio) if hashes else ():
        tree = read_tree(path)
        rows: list[Salted | SumNode] = []
        for row in tree.rows:
            node = _hashed(row)
            rows.append(node if node.hash in hashes else row)
        if tuple(rows) != tree.rows:
            write_tree(path, build(rows))
            changed += 1
    return changed


def _hashed(row: Salted | SumNode) -> SumNode:
    if isinstance(row, SumNode):
        return row
    leaf = row.leaf
    return SumNode(sum_hash(leaf, bytes.fromhex(row.salt)).hex(), leaf.paid_micros, leaf.taken_micros)


def erased_facts(studio: Studio) -> tuple[set[str], set[str]]:
    """Hashes of the entries of facts that were erased, and of those that stand."""
    gone: set[str] = set()
    stand: set[str] = set()
    for fact in facts_in(studio.path):
        (gone if fact.body is None else stand).add(entry_of_fact(fact))
    return gone, stand


def erased_sums(studio: Studio) -> tuple[set[str], set[str]]:
    """Hashes of the leaves of sum trees that were erased, and of those that stand."""
    gone: set[str] = set()
    stand: set[str] = set()
    for path in sum_files(studio):
        for row in read_tree(path).rows:
            (gone if isinstance(row, SumNode) else stand).add(_hashed(row).hash)
    return gone, stand


def erase_proof_files(studio: Studio, entries: frozenset[str], sums: frozenset[str]) -> int:
    """Removes the proofs beside statements that were made from what is erased. Returns how many went.

    Args:
        studio: whose statements.
        entries: hashes of the entries of erased receipts.
        sums: hashes of erased leaves of sum trees.

    Raises:
        MachineError: a file could not be removed; the same again continues.
    """
    gone = []
    for path in sorted((studio.path / "statements").glob("*/*.json")):
        if path.name.endswith((RECEIPT, PERIOD)) and _holds_erased(path, entries, sums):
            gone.append(path)
    for path in gone:
        remove([path])
    return len(gone)


def _holds_erased(path: Path, entries: frozenset[str], sums: frozenset[str]) -> bool:
    try:
        receipt, attached = parse_receipt(path.read_bytes())
        if entry_of(receipt) in entries:
            return True
        if "sum" not in attached:
            return False
        place = place_of(attached["sum"])
        return sum_hash(place.leaf, bytes.fromhex(place.salt)).hex() in sums
    except InputError:
        return False  # a damaged file is named by the check
