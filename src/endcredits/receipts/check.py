"""Checking a whole log: everything is read, hashed and compared again, and what is wrong is named by entry and tile.

Every hash of the log stands in three places: in the entries, from which it can be computed; in a tile; and summed up in the
tile above, and so at last in the signed root. When one of the three contradicts the two others, it is the one that was
changed (`check_tiles`). When entries and tiles agree with each other and not with the root, somebody changed all of them (or
the checkpoint), and the log alone cannot say where.

The log is read once, from the first entry to the last, and memory does not grow with it. The index beside the log is held
against the entries on the way, and older checkpoints, kept elsewhere, against the root that the log had at their size.
"""

from __future__ import annotations

from collections.abc import Sequence

from endcredits.errors import EndcreditsError, IntegrityError, MachineError
from endcredits.progress import Progress, silent
from endcredits.receipts.check_index import IndexCheck
from endcredits.receipts.check_tiles import TileCheck
from endcredits.receipts.growing import VKEY, VKEYS_BYTES_MAX, partial_names
from endcredits.receipts.log_reader import CHECKPOINT, LogReader
from endcredits.receipts.merkle import leaf_hash
from endcredits.receipts.note import NOTE_BYTES_MAX, claimed_size, open_checkpoint
from endcredits.receipts.quick_leaf import commit_of
from endcredits.receipts.records import Checkpoint
from endcredits.receipts.tile_tree import EMPTY_EDGE, last_parts, read_part
from endcredits.receipts.tiles import ENTRIES, TILE_WIDTH, tile_name, width_of
from endcredits.store import Finding

NAMED_MAX = 10
"""How many changed entries and hashes are named one by one."""
MISSING_MAX = 10
"""After so many unreadable bundles in a row the rest is not looked for: a size can be declared, files cannot."""


def check_log(
    log: LogReader, older: Sequence[str] = (), progress: Progress = silent, *, index: bool | None = None
) -> list[Finding]:
    """Verifies the log from its files alone.

    Args:
        log: an open log; what it remembers is not used.
        older: signed checkpoints of the same log, kept elsewhere; the log must have grown from each of them.
        progress: told how many entries were read.
        index: whether the index beside the log is checked: True, and it must be there; False: no; None: if it is there.

    Returns:
        What is wrong; positions are counted from 0. Nothing when the log is whole.
    """
    findings: list[Finding] = []
    latest, size = _checkpoint(log, findings)
    growth = _Growth(log, older, size, findings)
    seek = None if index is False else IndexCheck(log, size, findings, must_exist=index is True)
    tiles = TileCheck(log.storage, size, findings)
    missing = 0
    for number in range(-(-size // TILE_WIDTH)):
        progress("check the log", number * TILE_WIDTH, size)
        entries = _bundle(log, number, size, findings)
        missing = missing + 1 if entries is None else 0
        if missing == MISSING_MAX:
            problem = f"{MISSING_MAX} in a row cannot be read; the rest was not looked at"
            findings.append(Finding("log files tile/entries", problem))
            break
        hashes = None if entries is None else [leaf_hash(entry) for entry in entries]
        known, as_computed = tiles.add(number, hashes)
        growth.add(known)
        if entries is not None and as_computed:
            _leaves(number, size, entries, seek, findings)
    progress("check the log", size, size)
    if missing < MISSING_MAX:
        tiles.close(None if latest is None else bytes.fromhex(latest.root))
        growth.close()
    _partials(log, size, findings)
    if seek is not None:
        seek.close()
    return _shortened(findings)


def _checkpoint(log: LogReader, findings: list[Finding]) -> tuple[Checkpoint | None, int]:
    """The checkpoint when its signature is right, and the size to look at: without a signature, the one it claims."""
    try:
        if log.storage.get(VKEY, VKEYS_BYTES_MAX) != "".join(f"{vkey}\n" for vkey in log.vkeys).encode():
            findings.append(Finding(f"log file {VKEY}", "it is not the public key that the log was opened with"))
    except EndcreditsError as error:
        findings.append(Finding(f"log file {VKEY}", error.message))
    note = ""
    try:
        data = log.storage.get(CHECKPOINT, NOTE_BYTES_MAX)
        if data is None:
            raise IntegrityError("it is missing")
        note = data.decode("utf-8", "replace")
        latest = open_checkpoint(data.decode("utf-8"), log.vkeys)
        open_checkpoint(note, log.vkey)  # the newest key, whoever else signed
        return latest, latest.size
    except (EndcreditsError, UnicodeDecodeError) as error:
        problem = error.message if isinstance(error, EndcreditsError) else "it is not UTF-8"
        findings.append(Finding(f"log file {CHECKPOINT}", problem))
        return None, claimed_size(note)


def _bundle(log: LogReader, number: int, size: int, findings: list[Finding]) -> list[bytes] | None:
    width = width_of(0, number, size)
    try:
        return read_part(log.storage, ENTRIES, number, width)
    except (IntegrityError, MachineError) as error:
        findings.append(Finding(f"log file {tile_name(ENTRIES, number, width)}", error.message))
        return None


def _leaves(number: int, size: int, entries: Sequence[bytes], index: IndexCheck | None, findings: list[Finding]) -> None:
    """That entries, found to be the signed ones, are leaves, and that the index leads to them."""
    commits = []
    for position, entry in enumerate(entries, number * TILE_WIDTH):
        try:
            commits.append(commit_of(entry))
        except EndcreditsError as error:
            name = tile_name(ENTRIES, number, width_of(0, number, size))
            findings.append(Finding(f"log file {name}, entry {position}", error.message))
    if index is not None and len(commits) == len(entries):
        index.add(number * TILE_WIDTH, commits)


def _partials(log: LogReader, size: int, findings: list[Finding]) -> None:
    """Earlier partial files of the last tiles and bundles: clients that saw an earlier checkpoint may still ask for them."""
    for level, number, width in last_parts(size):
        latest = f"log file {tile_name(level, number, width)}"
        if not width or any(finding.where.startswith(latest) for finding in findings):
            continue  # it cannot be what others are judged by
        name = latest
        try:
            whole = read_part(log.storage, level, number, width)
            for name, narrow in list(partial_names(log.storage, level, number)):
                if narrow < width and read_part(log.storage, level, number, narrow) != whole[:narrow]:
                    findings.append(Finding(f"log file {name}", "it is not the beginning of the one that it grew into"))
        except (IntegrityError, MachineError) as error:
            findings.append(Finding(f"log file {name}", error.message))


class _Growth:
    """Older checkpoints, each held against the root that the log had at its size."""

    def __init__(self, log: LogReader, notes: Sequence[str], size: int, findings: list[Finding]) -> None:
        self._findings = findings
        self._edge = EMPTY_EDGE
        waiting: list[Checkpoint] = []
        for note in notes:
            try:
                waiting.append(open_checkpoint(note, log.vkeys))
            except EndcreditsError as error:
                findings.append(Finding("the older checkpoint", error.message))
        self._waiting = sorted(waiting, key=lambda one: one.size)
        while self._waiting and self._waiting[-1].size > size:
            where = _where(self._waiting.pop())
            findings.append(Finding(where, f"the log has only {size}: entries were removed"))

    def add(self, hashes: Sequence[bytes]) -> None:
        """Takes the leaf hashes of the next bundle."""
        while self._waiting and self._waiting[0].size <= self._edge.size + len(hashes):
            older = self._waiting.pop(0)
            edge, _ = self._edge.grow(hashes[: older.size - self._edge.size])
            if edge.root().hex() != older.root:
                problem = "the log does not begin with the entries that it covers: history was rewritten"
                self._findings.append(Finding(_where(older), problem))
        if self._waiting:
            self._edge, _ = self._edge.grow(hashes)

    def close(self) -> None:
        """Looks at those of an empty log, when there were no bundles."""
        self.add([])


def _where(older: Checkpoint) -> str:
    return f"the older checkpoint of {older.size} entries"


def _shortened(findings: list[Finding]) -> list[Finding]:
    """The findings, but of many that concern single entries only the first few and how many more there are."""
    single = [finding for finding in findings if ", entry " in finding.where or ", hash " in finding.where]
    if len(single) <= NAMED_MAX:
        return findings
    rest = [finding for finding in findings if finding not in single]
    more = Finding("log files of entries and tiles", f"and {len(single) - NAMED_MAX} more findings about single ones")
    return [*rest, *single[:NAMED_MAX], more]
