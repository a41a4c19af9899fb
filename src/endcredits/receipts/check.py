"""Checking a whole log: recompute everything, and say which line was changed where that can be told.

Three things hold each other: the entries, their hashes, and the root that was signed. When exactly one of the first
two leads to the signed root, the other one was changed, and every line where they differ is named. When they agree with
each other and not with the root, somebody changed both (or the checkpoint), and the log alone cannot say where.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from endcredits.errors import EndcreditsError
from endcredits.receipts.leaf import parse_leaf
from endcredits.receipts.log import CHECKPOINT, ENTRIES, HASHES, VKEY, Log
from endcredits.receipts.merkle import HASH_BYTES, Tree, leaf_hash
from endcredits.receipts.note import open_checkpoint
from endcredits.receipts.records import Checkpoint
from endcredits.store import Finding

NAMED_MAX = 10
"""How many changed lines are named one by one; a lost line end shifts all lines after it."""


def _read(path: Path, findings: list[Finding]) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        findings.append(Finding(f"log file {path.name}", f"cannot be read ({error.strerror})"))
        return b""


def check_log(log: Log, older: Sequence[str] = ()) -> list[Finding]:
    """Verifies the log from its files alone.

    Args:
        log: an open log; what it remembers is not used.
        older: signed checkpoints of the same log, kept elsewhere; the log must have grown from each of them.

    Returns:
        What is wrong, with line numbers counted from 1; nothing when the log is whole.
    """
    findings: list[Finding] = []
    latest = _check_signature(log, findings)
    lines = _read(log.folder / ENTRIES, findings).split(b"\n")
    stored = _read(log.folder / HASHES, findings)
    # Without a signed size, everything complete is compared, so that a change is still named by its line.
    size = min(len(lines) - 1, len(stored) // HASH_BYTES) if latest is None else latest.size
    complete = lines[:-1][:size]
    hashes = [stored[start : start + HASH_BYTES] for start in range(0, min(len(stored), size * HASH_BYTES), HASH_BYTES)]
    computed = [leaf_hash(line) for line in complete]
    _check_sizes(size, len(complete), len(stored) // HASH_BYTES, findings)
    named = _check_lines(latest, computed, hashes, findings)
    for row, line in enumerate(complete, 1):
        try:
            parse_leaf(line)
        except EndcreditsError as error:
            if row not in named:
                findings.append(Finding(f"log file {ENTRIES}, line {row}", error.message))
    tree = Tree(computed)
    for note in older:
        _check_growth(log, note, tree, findings)
    return _shortened(findings)


def _check_signature(log: Log, findings: list[Finding]) -> Checkpoint | None:
    if _read(log.folder / VKEY, findings) != f"{log.vkey}\n".encode():
        findings.append(Finding(f"log file {VKEY}", "it is not the public key that the log was opened with"))
    try:
        return open_checkpoint(_read(log.folder / CHECKPOINT, findings).decode("utf-8"), log.vkey)
    except (EndcreditsError, UnicodeDecodeError) as error:
        problem = error.message if isinstance(error, EndcreditsError) else "it is not UTF-8"
        findings.append(Finding(f"log file {CHECKPOINT}", problem))
        return None


def _check_sizes(size: int, entries: int, hashes: int, findings: list[Finding]) -> None:
    if entries < size:
        findings.append(Finding(f"log file {ENTRIES}", f"it has {entries} whole lines of the {size} that were signed"))
    if hashes < size:
        findings.append(Finding(f"log file {HASHES}", f"it has {hashes} hashes of the {size} that were signed"))


def _check_lines(
    latest: Checkpoint | None, computed: Sequence[bytes], stored: Sequence[bytes], findings: list[Finding]
) -> set[int]:
    """Compares entries and hashes with each other and with the signed root; returns the lines that it named."""
    signed = None if latest is None else latest.root
    entries_fit = Tree(computed).root().hex() == signed
    hashes_fit = all(len(item) == HASH_BYTES for item in stored) and Tree(stored).root().hex() == signed
    if entries_fit and hashes_fit:
        return set()
    differ = [row for row, (left, right) in enumerate(zip(computed, stored, strict=False), 1) if left != right]
    for row in differ:
        if entries_fit:
            findings.append(Finding(f"log file {HASHES}, hash {row}", "it was changed; the entry is the signed one"))
        elif hashes_fit:
            findings.append(Finding(f"log file {ENTRIES}, line {row}", "it was changed; its hash is the signed one"))
        else:
            findings.append(Finding(f"log file {ENTRIES}, line {row}", "the entry and its hash differ"))
    if latest is not None and not differ and len(computed) == len(stored) == latest.size:
        findings.append(
            Finding(f"log files {ENTRIES} and {HASHES}", "they agree with each other but not with the signed root")
        )
    return set() if entries_fit else set(differ)


def _check_growth(log: Log, note: str, tree: Tree, findings: list[Finding]) -> None:
    try:
        older = open_checkpoint(note, log.vkey)
    except EndcreditsError as error:
        findings.append(Finding("the older checkpoint", error.message))
        return
    where = f"the older checkpoint of {older.size} entries"
    if older.size > tree.size:
        findings.append(Finding(where, f"the log has only {tree.size}: entries were removed"))
    elif tree.root(older.size).hex() != older.root:
        findings.append(Finding(where, "the log does not begin with the entries that it covers: history was rewritten"))


def _shortened(findings: list[Finding]) -> list[Finding]:
    """The findings, but of many that concern single lines only the first few and how many more there are."""
    by_line: list[Finding] = []
    rest: list[Finding] = []
    for finding in findings:
        (by_line if ", line " in finding.where or ", hash " in finding.where else rest).append(finding)
    if len(by_line) <= NAMED_MAX:
        return findings
    count = len(by_line) - NAMED_MAX
    more = Finding(f"log files {ENTRIES} and {HASHES}", f"and {count} more findings about single lines")
    return [*rest, *by_line[:NAMED_MAX], more]
