"""Erasing what a receipt said, so that nobody can find it out again, and nobody else's proof changes by one byte.

The log holds salted digests alone. Once a receipt's body, id and salt are gone, its entry is noise that confirms no guess,
and the tree, the checkpoints and all other proofs stand as they are. The same holds one storey below: a line of an output
that is erased leaves its hash, and the other lines of that output keep their paths.

An operator who could erase in silence could hide a line from an auditor and call it an erasure. So every erasure is an entry
of the log itself, a receipt of the type `erasure`, whose body names nothing but hashes:

    {"entries": [hash of an entry, ...], "erased_at": time,
     "lines": [{"entry": hash, "places": [3, 17]}, ...], "sums": [hash of a leaf in a sum tree, ...]}

It is issued first, and is the plan at the same time: whoever is killed while carrying it out goes on by it. The check wants
both ways: what is named is gone, and what is gone is named.

Files are removed by the operating system's means. What backups, snapshots and copies that were handed out hold, no program
of ours can reach; `docs/privacy.md` says so to people.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from endcredits import durable
from endcredits.canonical import digest
from endcredits.errors import IntegrityError
from endcredits.receipts.issuing import Item, finish, issue, load_draft, remove
from endcredits.receipts.lines import COUNT, erased, lines_bytes, lines_path, load_lines
from endcredits.receipts.log import Log
from endcredits.receipts.merkle import leaf_hash
from endcredits.receipts.names import PENDING, pending_path, receipt_path
from endcredits.receipts.receipt import load_receipt, readable_receipts
from endcredits.receipts.records import Receipt
from endcredits.receipts.strict import is_hash
from endcredits.receipts.tombstone import Tombstone, known_path, tombstone_bytes, tombstone_path

TYPE = "erasure"
AT_ONCE = 5_000
"""Hashes that one receipt of an erasure names; a larger erasure is several."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """What is to be erased, told by hashes alone.

    Attributes:
        entries: hashes of entries of the log (SHA-256(0x00 || leaf)), 64 hex digits: receipts and facts that go whole.
        lines: places of lines, from 0, by the hash of their receipt's entry.
        sums: hashes of leaves in sum trees.
    """

    entries: frozenset[str] = frozenset()
    lines: Mapping[str, frozenset[int]] = field(default_factory=dict)
    sums: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Whether anything is to be erased."""
        return bool(self.entries or self.lines or self.sums)


def entry_of(receipt: Receipt) -> str:
    """The hash of a receipt's entry in the log's tree, 64 hex digits."""
    return leaf_hash(receipt.leaf.encode()).hex()


def erasure_body(erasure: Erasure, at: str) -> dict[str, Any]:
    """The body of the receipt of an erasure."""
    lines = [{"entry": entry, "places": sorted(places)} for entry, places in sorted(erasure.lines.items())]
    return {"entries": sorted(erasure.entries), "erased_at": at, "lines": lines, "sums": sorted(erasure.sums)}


def parse_erasure(body: Mapping[str, Any]) -> Erasure:
    """What the receipt of an erasure says.

    Raises:
        IntegrityError: it is not the body of one.
    """
    try:
        entries, sums = body["entries"], body["sums"]
        lines = {row["entry"]: frozenset(row["places"]) for row in body["lines"]}
        places = [place for one in lines.values() for place in one]
        if not all(map(is_hash, [*entries, *sums, *lines])) or any(type(one) is not int or one < 0 for one in places):
            raise ValueError("a hash or a place cannot be one")
        return Erasure(frozenset(entries), lines, frozenset(sums))
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(
            f"the receipt of an erasure cannot be read ({error})", remedy="Restore it from your last copy."
        ) from error


def erasures(folder: str | os.PathLike[str], *, readable: bool = False) -> Iterator[Receipt]:
    """The receipts of all erasures, one by one.

    Args:
        folder: of the receipts.
        readable: pass over those that are damaged.

    Raises:
        IntegrityError: one is damaged.
    """
    pattern = receipt_path(folder, f"{TYPE}:0").name.removesuffix("0.json")
    for path in sorted(Path(folder).glob(f"{pattern}*.json")):
        try:
            receipt = load_receipt(path)
            parse_erasure(receipt.body)
        except IntegrityError:
            if not readable:
                raise
            continue
        yield receipt


def all_erased(folder: str | os.PathLike[str]) -> Erasure:
    """Everything that any erasure names.

    Raises:
        IntegrityError: the receipt of an erasure is damaged.
    """
    entries: set[str] = set()
    lines: dict[str, frozenset[int]] = {}
    sums: set[str] = set()
    for receipt in erasures(folder):
        one = parse_erasure(receipt.body)
        entries |= one.entries
        sums |= one.sums
        for entry, places in one.lines.items():
            lines[entry] = lines.get(entry, frozenset()) | places
    return Erasure(frozenset(entries), lines, frozenset(sums))


def record_erasure(log: Log, folder: str | os.PathLike[str], erasure: Erasure, at: str) -> list[Receipt]:
    """Enters an erasure into the log: from then on it is to be carried out, whatever is killed.

    Raises:
        IntegrityError: the log or a receipt is damaged.
        ConflictError: another process keeps writing for too long.
        MachineError: writing failed; the same again continues.
    """
    receipts: list[Receipt] = []
    for part in _parts(erasure):
        body = erasure_body(part, at)
        receipts += issue(log, folder, [Item(f"{TYPE}:{digest(body)[:24]}", TYPE, body)], at)
    return receipts


def _parts(erasure: Erasure) -> Iterator[Erasure]:
    lines = [(entry, place) for entry, places in sorted(erasure.lines.items()) for place in sorted(places)]
    for names in _chunks(sorted(erasure.entries)):
        yield Erasure(entries=frozenset(names))
    for rows in _chunks(lines):
        grouped: dict[str, set[int]] = {}
        for entry, place in rows:
            grouped.setdefault(entry, set()).add(place)
        yield Erasure(lines={entry: frozenset(places) for entry, places in grouped.items()})
    for names in _chunks(sorted(erasure.sums)):
        yield Erasure(sums=frozenset(names))


def _chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]


def carry_out(log: Log, folder: str | os.PathLike[str], known: Iterable[str] | None = None) -> int:
    """Erases in the folder of receipts everything that the receipts of erasures name; what is gone already stays gone.

    Args:
        log: the log, open for writing.
        folder: of the receipts.
        known: ids of the receipts to look at, where they are known; None looks at all.

    Returns:
        How many files were changed or removed.

    Raises:
        IntegrityError: a receipt or its lines are damaged.
        MachineError: writing failed; the same again continues.
    """
    place, changed = Path(folder), 0
    with log.writing():
        finish(log, place)  # a draft that a crash left holds body and salt, too
        _drop_drafts(log, place)
        times = {entry: receipt.body["erased_at"] for receipt in erasures(place) for entry in receipt.body["entries"]}
        plan = all_erased(place)
        for receipt in _looked_at(place, known):
            entry = entry_of(receipt)
            if entry in plan.entries:
                _erase_receipt(place, receipt, times[entry])
                changed += 1
            elif entry in plan.lines:
                changed += _erase_lines(place, receipt, plan.lines[entry])
    return changed


def _drop_drafts(log: Log, folder: Path) -> None:
    """Removes drafts of erasures that never came into the log: nothing was erased by them, and another plan is made."""
    pattern = pending_path(folder, f"{TYPE}:0").name.removesuffix("0.json")
    paths = sorted((folder / PENDING).glob(f"{pattern}*.json"))
    remove([path for path in paths if log.find(load_draft(path).commit) is None])


def _looked_at(folder: Path, known: Iterable[str] | None) -> Iterator[Receipt]:
    if known is None:
        yield from readable_receipts(folder)
        return
    for receipt_id in known:
        path = receipt_path(folder, receipt_id)
        if path.exists():
            yield load_receipt(path)


def _erase_receipt(folder: Path, receipt: Receipt, at: str) -> None:
    """The tombstone first, so that the entry is always accounted for; the receipt last, by which it is found again."""
    entry = bytes.fromhex(entry_of(receipt))
    durable.write_atomic(known_path(folder, receipt.receipt_id), f"{entry.hex()}\n".encode(), private=True)
    stone = Tombstone(at, receipt.leaf, receipt.proof)
    durable.write_atomic(tombstone_path(folder, entry), tombstone_bytes(stone))
    remove([lines_path(folder, receipt.receipt_id)])
    remove([receipt_path(folder, receipt.receipt_id)])


def _erase_lines(folder: Path, receipt: Receipt, places: frozenset[int]) -> int:
    if COUNT not in receipt.body:
        return 0
    path = lines_path(folder, receipt.receipt_id)
    kept = load_lines(path, receipt.receipt_id)
    if not any(kept[place].line is not None for place in places if place < len(kept)):
        return 0
    left = [erased(line) if place in places else line for place, line in enumerate(kept)]
    durable.write_atomic(path, lines_bytes(receipt.receipt_id, left))
    return 1
