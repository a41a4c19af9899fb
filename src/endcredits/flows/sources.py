"""Where candidates for a corpus come from: a folder, a table, a crawl, works that are given or registered already.

admit(studio, [from_path("photos", Terms(creator="Ada Moreno")), from_path("works.csv", Terms())])
admit(studio, [from_registry()])
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from endcredits.canonical import digest, sha256_bytes
from endcredits.errors import InputError
from endcredits.flows.candidates import (
    FOLDER_OPTIONS,
    Candidate,
    Read,
    Terms,
    folder_candidates,
    submission_stamp,
    whole_text,
)
from endcredits.flows.dump_candidates import dump_candidates
from endcredits.flows.scanning_credentials import with_credentials
from endcredits.flows.seen import Cache
from endcredits.flows.studio import Studio
from endcredits.flows.table_candidates import table_candidates
from endcredits.works import Permission, Submission, Work, get_content, works
from endcredits.works.heard import statements_of
from endcredits.works.signals import Found, read_work

Source = Callable[[Studio, Cache, bool], Iterable[Candidate]]
"""Makes candidates; takes the studio, what was seen before, and whether to look at everything anew."""

TABLES = (".csv", ".jsonl", ".ndjson", ".parquet")


def is_table(path: str | os.PathLike[str]) -> bool:
    """Whether a path names a table of works, by its suffix."""
    return Path(path).suffix.lower() in TABLES and not Path(path).is_dir()


def from_path(path: str | os.PathLike[str], terms: Terms) -> Source:
    """A folder, a file, or a table.

    Raises:
        InputError: terms that do not go with it.
    """
    if is_table(path):
        for name in FOLDER_OPTIONS[:3]:
            if getattr(terms, name):
                raise InputError(f"--{name} is for folders; a table has a column for it", field=f"--{name}")
        return lambda studio, cache, recheck: table_candidates(path, terms, cache, recheck=recheck)
    if terms.columns:
        raise InputError("--column is for tables", field="--column")
    return lambda studio, cache, recheck: folder_candidates(path, terms)


def from_dump(path: str | os.PathLike[str], terms: Terms) -> Source:
    """A crawl that was handed over as a file."""
    return lambda studio, cache, recheck: dump_candidates(path, terms, cache, recheck=recheck)


def from_submissions(name: str, submissions: Sequence[Submission]) -> Source:
    """Works in memory, such as installed packages; `name` is the source's, by which they are known again."""
    return lambda studio, cache, recheck: given_candidates(name, submissions)


def from_registry() -> Source:
    """Every work that is registered."""

    def made(studio: Studio, cache: Cache, recheck: bool) -> Iterator[Candidate]:
        with studio.store.reading() as conn:
            registered = works(conn)
        return registered_candidates(studio.content, registered)

    return made


def given_candidates(name: str, submissions: Sequence[Submission]) -> Iterator[Candidate]:
    """Works that a caller has in memory, such as installed packages.

    Args:
        name: of the source, for their keys.
        submissions: with their content.
    """
    for submission in submissions:

        def read(moment: str, one: Submission = submission) -> Read:
            heard = [said for label, kind, data in one.content for said in _heard(label, kind, data, moment)]
            return Read(one, tuple(heard), files=len(one.content))

        key = submission.work_id or submission.origin or submission.title
        yield Candidate(f"given:{name}:{key}", submission.origin or submission.title, submission_stamp(submission), read)


def registered_candidates(content: Path, registered: Sequence[Work]) -> Iterator[Candidate]:
    """Works that are registered already; their files are read from the studio's own copies."""
    for work in registered:

        def read(moment: str, one: Work = work) -> Read:
            heard = [
                said
                for file in one.manifestations
                for said in _heard(file.label, file.media_type, get_content(content, file.sha256), moment)
            ]
            return Read(None, tuple(heard), one.work_id, files=len(one.manifestations))

        shas = [file.sha256 for file in work.manifestations]
        yield Candidate(f"work:{work.work_id}", work.work_id, digest([work.work_id, shas]), read)


def _heard(label: str, media_type: str, data: bytes, moment: str) -> tuple[Permission, ...]:
    """What a file says that lies in no folder: its own words alone."""
    name, found = label.rpartition("/")[2], Found(whole_text(label), moment)
    signals = read_work(data, found, name=name, media_type=media_type).signals
    return statements_of(with_credentials(signals, data, name, found), sha256_bytes(data), moment)
