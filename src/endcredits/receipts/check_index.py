"""Holding a log's index against its entries: every commitment at its position, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from endcredits.errors import EndcreditsError
from endcredits.receipts.log_index import LogIndex, open_index
from endcredits.receipts.log_reader import LogReader
from endcredits.store import Finding

WRONG_MAX = 10


class IndexCheck:
    """The check of the index of one log, fed with the commitments of its entries in order."""

    def __init__(self, log: LogReader, size: int, findings: list[Finding], *, must_exist: bool) -> None:
        self._size = size
        self._findings = findings
        self._where = f"log index {log.index_file}"
        self._wrong = 0
        self._index: LogIndex | None = None
        if log.index_file is None:
            return
        try:
            self._index = open_index(log.index_file, log.origin, writing=False)
            if self._index is None and must_exist and size:
                self._say("it is missing; make it again from the log: endcredits log check --rebuild-index")
            elif self._index is not None and self._index.size < size:
                self._say(f"it knows {self._index.size} of the {size} entries")
        except EndcreditsError as error:
            self._say(error.message)

    def _say(self, problem: str) -> None:
        self._findings.append(Finding(self._where, problem))

    def add(self, first: int, commits: Sequence[bytes]) -> None:
        """Looks up the commitments of entries from position `first` on."""
        if self._index is None or self._index.size < self._size:
            return
        try:
            for position, found in enumerate(self._index.find_many(commits), first):
                if position not in found:
                    self._wrong += 1
                    if self._wrong <= WRONG_MAX:
                        self._say(f"it does not lead to the entry at position {position}")
        except EndcreditsError as error:
            self._say(error.message)
            self._close()

    def close(self) -> None:
        """Looks at what the index holds besides."""
        if self._index is None:
            return
        try:
            for problem in self._index.problems():
                self._say(problem)
        except EndcreditsError as error:
            self._say(error.message)
        self._close()

    def _close(self) -> None:
        if self._index is not None:
            self._index.close()
        self._index = None
