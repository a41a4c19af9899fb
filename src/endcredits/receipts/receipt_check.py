"""Checking a folder of receipts against its log, one file at a time.

Every receipt verifies by itself, every file of lines holds what its receipt commits to, and the log of today still holds
and continues what they prove. Nothing is missing either: every entry of the log has its receipt, the tombstone of an erased
one, or a draft that waits to be finished; an entry that has none is named. What is remembered meanwhile is one byte an
entry.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from endcredits.errors import EndcreditsError
from endcredits.receipts import verify
from endcredits.receipts.erase import Erasure, all_erased, entry_of
from endcredits.receipts.issuing import load_draft
from endcredits.receipts.leaf import parse_leaf
from endcredits.receipts.lines import COUNT, LINES, KeptLine, belong_to, lines_path, load_lines
from endcredits.receipts.log import Log
from endcredits.receipts.merkle import leaf_hash, verify_inclusion
from endcredits.receipts.names import PENDING, receipt_name, receipt_path
from endcredits.receipts.note import open_checkpoint
from endcredits.receipts.receipt import load_receipt, receipt_files
from endcredits.receipts.records import InclusionProof, Receipt
from endcredits.receipts.tombstone import load_tombstone, tombstone_files
from endcredits.store import Finding

WHOLE_PPB = 1_000_000_000
_UNFINISHED = "its erasure was begun and is not finished; finish it: endcredits receipt erase --resume"
NAMED_MAX = 20
"""How many entries without a receipt are named one by one."""


class _Seen:
    """Which entries of the log are accounted for."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.size = log.checkpoint().size
        self.entries = bytearray(self.size)

    def problem(self, proof: InclusionProof, leaf: str) -> str:
        """Why today's log does not hold and continue what a proof says; its entry is accounted for all the same."""
        checkpoint = open_checkpoint(proof.checkpoint, self.log.vkeys)
        if checkpoint.size > self.size:
            return f"it was issued when the log had {checkpoint.size} entries; now entries are missing"
        if self.log.root_at(checkpoint.size).hex() != checkpoint.root:
            return "the log does not continue the one that it was issued from: history was rewritten"
        if self.log.leaf_hash_at(proof.leaf_index) != leaf_hash(leaf.encode()):
            return "the log holds another entry in its place"
        self.entries[proof.leaf_index] = 1
        return ""


def check_receipts(
    folder: str | os.PathLike[str], log: Log, expected: Iterable[str] = (), accounted: Iterable[int] = ()
) -> list[Finding]:
    """Verifies everything that a folder of receipts holds, and that nothing is missing from it.

    Args:
        folder: of the receipts.
        log: their log, open.
        expected: ids that must have been issued, to name by their id those that were not or whose file is gone.
        accounted: places of entries that are kept elsewhere and checked there.
    """
    place = Path(folder)
    findings: list[Finding] = []
    gone = Erasure()
    try:
        gone = all_erased(place)
    except EndcreditsError as error:
        findings.append(Finding(error.file or "erasures", error.message))
    seen: _Seen | None = None
    try:
        seen = _Seen(log)
    except EndcreditsError as error:
        findings.append(Finding("the receipt log", f"receipts cannot be looked up in it: {error}"))
    for path in receipt_files(place):
        if problem := _receipt_problem(path, log, seen, gone):
            findings.append(Finding(f"receipt {path.name}", problem))
    for path in sorted((place / LINES).glob("*.json")):
        if not (place / path.name).exists():
            findings.append(Finding(f"lines {path.name}", "there is no receipt that they belong to"))
    for path in tombstone_files(place):
        if problem := _tombstone_problem(path, log, seen, gone):
            findings.append(Finding(f"erased receipt {path.name}", problem))
    for path in sorted((place / PENDING).glob("*.json")):
        if problem := _pending_problem(path, place, seen):
            findings.append(Finding(f"pending receipt {path.name}", problem))
    if seen is not None:
        for index in accounted:
            if index < seen.size:
                seen.entries[index] = 1
        findings.extend(_missing(place, seen, expected))
    return findings


def _receipt_problem(path: Path, log: Log, seen: _Seen | None, gone: Erasure) -> str:
    try:
        verdict = verify.verify_receipt(path.read_bytes(), "\n".join(log.vkeys))
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    if not verdict.verified:
        _account_damaged(path, seen)
        return str(verdict.problem)
    if f"{receipt_name(verdict.receipt_id)}.json" != path.name:
        return f"it is the receipt of '{verdict.receipt_id}', under another's file name"
    try:
        receipt = load_receipt(path)
        problem = "" if seen is None else seen.problem(receipt.proof, receipt.leaf)
        if entry_of(receipt) in gone.entries:
            return problem or _UNFINISHED
        return problem or lines_problem(path.parent, receipt, gone.lines.get(entry_of(receipt), frozenset()))
    except EndcreditsError as error:
        return error.message


def _account_damaged(path: Path, seen: _Seen | None) -> None:
    """A damaged file of an id that the log knows is named once, as damaged, and not as missing too."""
    if seen is None:
        return
    for name in _ids_of(path):
        index = seen.log.find_name(name)
        if index is not None and index < seen.size:
            seen.entries[index] = 1


def _ids_of(path: Path) -> Iterator[str]:
    """The id that a file name was made from, where it can be told."""
    text, out = path.stem, ""
    while text:
        if text[0] == "%":
            try:
                out, text = out + chr(int(text[1:3], 16)), text[3:]
            except ValueError:
                return
        else:
            out, text = out + text[0], text[1:]
    yield out


def lines_problem(folder: Path, receipt: Receipt, gone: frozenset[int] = frozenset()) -> str:
    """Why the kept lines of a receipt are not right; "" when they are, or when it has none.

    Args:
        folder: of the receipts.
        receipt: whose lines.
        gone: places of lines that an erasure names.
    """
    if COUNT not in receipt.body:
        return ""
    path = lines_path(folder, receipt.receipt_id)
    if not path.exists():
        return "its file of lines is missing; restore it from your last copy"
    try:
        kept = load_lines(path, receipt.receipt_id)
    except EndcreditsError as error:
        return error.message
    if problem := belong_to(kept, receipt.body):
        return problem
    missing = {place for place, one in enumerate(kept) if one.line is None}
    if missing - gone:
        return f"line {min(missing - gone)} (counted from 0) was taken away, and no erasure in the log says so"
    if gone - missing:
        return _UNFINISHED
    return whole_problem(kept, receipt.body) if receipt.type == "run.receipt" else ""


def whole_problem(kept: Iterable[KeptLine], body: Mapping[str, Any]) -> str:
    """Why the shares of an output are not one whole; where lines were erased, they may not be more."""
    total, gone = body.get("unattributed_ppb", 0), False
    for one in kept:
        if one.line is None:
            gone = True
            continue
        share = one.line.get("share_ppb")
        if type(share) is not int or share < 0:
            return "a line has no share, or a negative one"
        total += share
    if total > WHOLE_PPB or (total < WHOLE_PPB and not gone):
        return "the shares of its lines and the unattributed part do not sum to one whole"
    return ""


def _tombstone_problem(path: Path, log: Log, seen: _Seen | None, gone: Erasure) -> str:
    try:
        stone = load_tombstone(path)
        signed = open_checkpoint(stone.proof.checkpoint, log.vkeys)
        hashes = [bytes.fromhex(node) for node in stone.proof.path]
        entry, root = leaf_hash(stone.leaf.encode()), bytes.fromhex(signed.root)
        if not verify_inclusion(entry, stone.proof.leaf_index, signed.size, hashes, root):
            return "its entry is not in the log that was signed"
        problem = "" if seen is None else seen.problem(stone.proof, stone.leaf)
        silent = "" if path.stem in gone.entries else "it was taken away, and no erasure in the log says so"
        return problem or silent
    except EndcreditsError as error:
        return error.message


def _pending_problem(path: Path, folder: Path, seen: _Seen | None) -> str:
    try:
        pending = load_draft(path)
        finished = receipt_path(folder, pending.receipt_id)
        if finished.exists() and load_receipt(finished).leaf == pending.leaf:
            return ""  # the last step, removing it, was interrupted; issuing again does that
        index = None if seen is None else seen.log.find(parse_leaf(pending.leaf.encode()).commit)
        if seen is not None and index is not None:
            seen.entries[index] = 1
    except EndcreditsError as error:
        return error.message
    return f"issuing '{pending.receipt_id}' was interrupted; issue it again"


def _missing(folder: Path, seen: _Seen, expected: Iterable[str]) -> Iterator[Finding]:
    """What was expected and is not there by its name, then the entries that nothing accounts for by their place."""
    for name in expected:
        if receipt_path(folder, name).exists():
            continue
        index = seen.log.find_name(name)
        if index is None:
            yield Finding(f"receipt {name}", "it was never issued; run the command again that records it")
        elif not seen.entries[index]:
            seen.entries[index] = 1
            yield Finding(f"receipt {name}", "it was issued, and its file is missing; restore it from your last copy")
    count = 0
    for index, there in enumerate(seen.entries):
        if not there:
            count += 1
            if count <= NAMED_MAX:
                what = "it was issued, and nothing of what it was issued for is here; restore it from your last copy"
                yield Finding(f"entry {index} (counted from 0) of the log", what)
    if count > NAMED_MAX:
        yield Finding("the log", f"{count - NAMED_MAX} more of its entries have no receipt")
