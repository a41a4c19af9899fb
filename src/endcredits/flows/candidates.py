"""Candidates for a corpus: every file of a folder, every row of a table, works that are given or registered already.

A candidate is told from its source without being read: a key by which it is known again, and a *stamp* of all that reading
it would depend on. Only `read` opens the file, once: the same bytes are scanned for what they say about their use, and only
then become a work. What a file's own words say stands in where the source is silent about permission.

    for one in folder_candidates("photos", Terms(creator="Ada Moreno")):
        read = one.read("2026-11-21T12:00:00Z")     # signals first, then the submission
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from endcredits.canonical import digest, sha256_bytes
from endcredits.errors import InputError
from endcredits.flows.scanning import AGENT, Place, ScannedWork, bytes_of, places, scan_bytes
from endcredits.flows.seen import settled, stamp_of
from endcredits.works import FileMark, Permission, Submission
from endcredits.works.heard import statements_of
from endcredits.works.read_folder import folder_work, is_licence_text
from endcredits.works.signals import Answer, Signal, combined
from endcredits.works.texts import check_text, media_type_of

SILENT = ("no permission and no licence were stated with the folder", "the table names no permission and no licence")
"""Reasons of a source that says nothing about permission."""

FOLDER_OPTIONS = ("creator", "permission", "licence", "declared_by")


@dataclass(frozen=True, slots=True)
class Terms:
    """What the caller says about all works of a source.

    Attributes:
        creator: of a folder: who made it; several names are joined by ";".
        permission: of a folder: one of `works.VALUES` for training.
        licence: of a folder: judged where no permission is given.
        declared_by: who says so.
        columns: of a table: our name of a column and the table's own.
        agent: the name that robots.txt may call this reader by.
    """

    creator: str = ""
    permission: str = ""
    licence: str = ""
    declared_by: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    agent: str = AGENT


@dataclass(frozen=True, slots=True)
class Read:
    """What reading a candidate gave.

    Attributes:
        submission: the work that it is; None where it is none, or is registered already.
        heard: what its files say, as statements about their bytes.
        work_id: the work that it is, where that is registered already.
        problem: why it is no work, in words; empty for nothing.
        files: number of files that were read.
        marks: other names of its files that became known with it, such as addresses.
    """

    submission: Submission | None
    heard: tuple[Permission, ...] = ()
    work_id: str = ""
    problem: str = ""
    files: int = 1
    marks: tuple[FileMark, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that may become part of a corpus.

    Attributes:
        key: by which it is known again.
        name: for people ("photos/cat.jpg", "works.csv row 3").
        stamp: digest of all that reading it depends on.
        read: reads it; takes the UTC time of reading.
        settled: whether the stamp can be trusted the next time; see `seen`.
    """

    key: str
    name: str
    stamp: str
    read: Callable[[str], Read] = field(repr=False)
    settled: Callable[[], bool] = field(default=lambda: True, repr=False)


def folder_candidates(path: str | os.PathLike[str], terms: Terms) -> Iterator[Candidate]:
    """Every file of a folder and its sub-folders that may be a work, of whatever kind, or one file.

    Hidden files, texts of licences, files of a site and files that speak for another are none.

    Raises:
        NotFoundError: no such folder or file.
        InputError: a permission that is none, or a name that cannot be used.
    """
    root = Path(os.path.abspath(path))
    folder_work(root, root, b"-", "text/plain", **_folder_options(terms))  # wrong terms are no single file's fault
    for place in places([root]):
        if isinstance(place, ScannedWork):
            yield _unread(place, root)
        elif not is_licence_text(place.file):
            yield _file_candidate(place, root, terms)


def _unread(found: ScannedWork, root: Path) -> Candidate:
    """What could not be entered or read: a candidate with a problem."""
    problem = problem_of(found)
    name = shown_name(Path(found.name), root)
    return Candidate(key_of("folder", found.name), name, digest([problem]), lambda moment: Read(None, problem=problem))


def _file_candidate(place: Place, root: Path, terms: Terms) -> Candidate:
    stamp = stamp_of_place(place, root, [asdict(terms)])
    name = shown_name(place.file, root)

    def read(moment: str) -> Read:
        data = bytes_of(place.file)
        if isinstance(data, str):
            return Read(None, problem=data)
        if not len(data):
            return Read(None, problem="it is empty")
        data = bytes(data)
        scanned = scan_bytes(place, data, moment, agent=terms.agent)
        signals = renamed(scanned.signals, root)
        try:
            submission = folder_work(root, place.file, data, scanned.media_type, **_folder_options(terms))
        except InputError as error:
            return Read(None, statements_of(signals, scanned.sha256, moment), problem=error.message)
        submission = usable_text(_spelt(submission), place.file, data, scanned.media_type)
        return read_of(submission, signals, scanned.sha256, moment)

    return Candidate(key_of("folder", place.file), name, stamp, read, lambda: settled_place(place))


def usable_text(submission: Submission, file: Path, data: bytes, scanned: str) -> Submission:
    """A work whose file looks like a text, under its name's media type; one that is not UTF-8 waits for a person.

    Args:
        submission: the work.
        file: its name.
        data: its bytes.
        scanned: the media type that they look like.
    """
    if not scanned.startswith("text/") and scanned != "application/octet-stream":
        return submission
    label, _, _ = submission.content[0]
    try:
        check_text(data, file)
    except InputError as error:
        if scanned == "application/octet-stream":
            return submission
        reason = f"{error.message}; save it as UTF-8, or say that it is to be learnt from as it is"
        return replace(submission, permission="unknown", permission_reason=reason, permission_source=label)
    return replace(submission, content=((label, _text_type(file, scanned), data),))


def _text_type(file: Path, scanned: str) -> str:
    named = media_type_of(file)
    return "text/html" if named == "text/plain" and scanned == "text/html" else named


def _folder_options(terms: Terms) -> dict[str, str]:
    return {name: getattr(terms, name) for name in FOLDER_OPTIONS}


def read_of(submission: Submission, signals: Sequence[Signal], sha256: str, moment: str) -> Read:
    """A work of one file, with the file's own word on training where its source says nothing."""
    answer = combined(signals)["train"]
    if submission.permission_reason in SILENT and answer.signal is not None:
        submission = _spoken(submission, answer, answer.signal)
    return Read(submission, statements_of(signals, sha256, moment))


def _spoken(submission: Submission, answer: Answer, signal: Signal) -> Submission:
    return replace(
        submission,
        permission=answer.value,
        permission_reason=answer.reason,
        permission_source=f"{signal.source}, {signal.place}",
        declared_by=f"{signal.carrier} of {signal.source}",
    )


def key_of(kind: str, path: object) -> str:
    """A key made of a path, of whatever bytes it is."""
    return f"{kind}:{str(path).encode('utf-8', 'surrogateescape').decode('utf-8', 'backslashreplace')}"


def _spelt(submission: Submission) -> Submission:
    """The same, where the file's name was no text, with names that can be written down."""
    return replace(
        submission,
        title=whole_text(submission.title),
        content=tuple((whole_text(label), media_type, data) for label, media_type, data in submission.content),
        contributors=tuple(replace(one, name=whole_text(one.name)) for one in submission.contributors),
        origin=whole_text(submission.origin),
    )


def shown_name(file: Path, root: Path) -> str:
    """A file's path for people, from its source's own name on; no byte of it can break a document.

    >>> shown_name(Path("/home/ada/photos/cat.jpg"), Path("/home/ada/photos"))
    'photos/cat.jpg'
    """
    return whole_text(file.relative_to(root.parent).as_posix() if file.is_relative_to(root.parent) else str(file))


def whole_text(text: str) -> str:
    """Text without halves of characters, such as a file's name that is not UTF-8 holds."""
    return text.encode("utf-8", "replace").decode()


def renamed(signals: Sequence[Signal], root: Path) -> tuple[Signal, ...]:
    """Signals whose source reads the same wherever the folder lies: no statement tells the operator's own paths."""
    return tuple(replace(one, source=shown_name(Path(one.source), root)) for one in signals)


def problem_of(unread: ScannedWork) -> str:
    """Why something could not be read, in words."""
    return next((one.problem for one in unread.signals if one.problem), "it cannot be read")


def stamp_of_place(place: Place, root: Path, more: Sequence[object]) -> str:
    """Digest of all that reading a file depends on; a site's files are few, and told by their content."""
    site = [
        [str(base), file.kind, sha256_bytes(file.data), file.problem]
        for base, files in place.sites.items()
        for file in files
    ]
    named = [[*map(str, stamp_of(path))] for path in (place.file, *place.sidecars)]
    return digest([[whole_text(part) for part in row] for row in [[str(root)], *named, *map(_texts, site)]] + [list(more)])


def _texts(row: Sequence[object]) -> list[str]:
    return [str(part) for part in row]


def settled_place(place: Place) -> bool:
    return all(settled(path) for path in (place.file, *place.sidecars))


def submission_stamp(submission: Submission) -> str:
    """Digest of all that a submission says, with the digests of its files."""
    said = {name: getattr(submission, name) for name in submission.__dataclass_fields__ if name != "content"}
    content = [[whole_text(label), media_type, sha256_bytes(data)] for label, media_type, data in submission.content]
    return digest([said, content])
