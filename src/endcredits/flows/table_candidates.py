"""Every row of a table as a candidate for a corpus, told without reading the table again while it has not changed.

A table is read whole or not at all (`works.read_table`): one wrong row refuses it by name. What it listed is kept with its
stamp, so that an unchanged table, and the unchanged files that it names, are known by their times alone; for a changed file
the table is read again, once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from endcredits.canonical import digest, sha256_bytes
from endcredits.errors import ConflictError
from endcredits.flows.candidates import (
    Candidate,
    Read,
    Terms,
    key_of,
    read_of,
    renamed,
    settled_place,
    stamp_of_place,
    submission_stamp,
)
from endcredits.flows.scanning import Place, place_of, scan_bytes
from endcredits.flows.seen import Cache, settled, stamp_of
from endcredits.works import Submission, read_table
from endcredits.works.signals import Found, read_work


def table_candidates(
    path: str | os.PathLike[str], terms: Terms, cache: Cache, *, recheck: bool = False
) -> Iterator[Candidate]:
    """The works of a table.

    Args:
        path: ends in .csv, .jsonl, .ndjson or .parquet.
        terms: its columns, and who says so.
        cache: where the list of its rows is kept.
        recheck: whether to read it again though it has not changed.

    Raises:
        InputError: anything in the table that cannot be used, with file, row and field.
    """
    file = Path(os.path.abspath(path))
    table = _Table(file, terms)
    stamp, key = digest([[str(part) for part in stamp_of(file)], asdict(terms)]), key_of("table", file)
    rows = None if recheck else cache.listing(key, stamp)
    if rows is None:
        rows = [[one.origin, _named_file(one), _said(one)] for one in table.submissions()]
        if settled(file):
            cache.keep_listing(key, stamp, rows)
    for number, (origin, named, said) in enumerate(rows):
        place = place_of(file.parent / named, file.parent) if named else None
        yield table.candidate(number, origin, said, place)


class _Table:
    """A table that is read when somebody asks for a row of it, and not before."""

    def __init__(self, file: Path, terms: Terms) -> None:
        self._file, self._terms = file, terms
        self._submissions: list[Submission] = []

    def submissions(self) -> list[Submission]:
        if not self._submissions:
            self._submissions = read_table(self._file, dict(self._terms.columns), declared_by=self._terms.declared_by)
        return self._submissions

    def candidate(self, number: int, origin: str, said: str, place: Place | None) -> Candidate:
        key = key_of("table", f"{self._file}#{number}")
        if place is None:
            return Candidate(key, origin, said, lambda moment: self._cell(number, said, moment))
        stamp = stamp_of_place(place, self._file.parent, [said, self._terms.agent])
        return Candidate(
            key, origin, stamp, lambda moment: self._named(number, said, place, moment), lambda: settled_place(place)
        )

    def _row(self, number: int, said: str) -> Submission:
        found = self.submissions()
        if number >= len(found) or _said(found[number]) != said:
            raise ConflictError("the table was changed while it was read", remedy="Run the same again.", file=self._file)
        return found[number]

    def _cell(self, number: int, said: str, moment: str) -> Read:
        submission = self._row(number, said)
        data = submission.content[0][2]
        found = Found(submission.origin, moment, agent=self._terms.agent)
        signals = read_work(data, found, name="text.txt").signals
        return read_of(submission, signals, sha256_bytes(data), moment)

    def _named(self, number: int, said: str, place: Place, moment: str) -> Read:
        submission = self._row(number, said)
        scanned = scan_bytes(place, submission.content[0][2], moment, agent=self._terms.agent)
        return read_of(submission, renamed(scanned.signals, self._file.parent), scanned.sha256, moment)


def _named_file(submission: Submission) -> str:
    """The file that a row names, from the table's folder on; empty for a text in the row itself."""
    label = submission.content[0][0]
    return "" if label == submission.origin else label


def _said(submission: Submission) -> str:
    """Digest of what a row says; a file that it names is told by the file's own stamp."""
    if not _named_file(submission):
        return submission_stamp(submission)
    said = {name: getattr(submission, name) for name in submission.__dataclass_fields__ if name != "content"}
    return digest([said, submission.content[0][0]])
