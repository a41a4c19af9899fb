"""Candidates become registered works, in batches, each read once: what its files say is recorded before anything else.

A batch is one transaction. A candidate that cannot be registered does not spoil its batch: it is tried alone and has a
problem of its own, and what its files say is recorded all the same. What a killed run had recorded is found again by the
next one.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.engine import Connection

from endcredits.errors import ConflictError, InputError
from endcredits.flows import fact_log
from endcredits.flows.candidates import SILENT, Candidate, Read
from endcredits.flows.prints import prints_of
from endcredits.flows.seen import Cache, Seen
from endcredits.flows.studio import Studio
from endcredits.flows.taking_books import Books, HeardKey, heard_key
from endcredits.ids import WorkId
from endcredits.progress import Progress
from endcredits.works import Permission, Submission, Work, add_marks, register, state_permissions
from endcredits.works.submissions import content_digest, entry_of

BATCH = 500
BATCH_BYTES = 64 * 1024 * 1024
"""Candidates, and bytes of theirs, that are recorded together."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A candidate that was looked at, now or before.

    Attributes:
        name: for people.
        seen: what it is.
    """

    name: str
    seen: Seen


@dataclass(frozen=True, slots=True)
class Intake:
    """What was taken in.

    Attributes:
        taken: every candidate, in order.
        read: number of files that were read now.
        known: candidates that were known and not read again.
    """

    taken: tuple[Taken, ...]
    read: int
    known: int


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A candidate that was read and is to be recorded with its batch.

    Attributes:
        number: its place among all.
        candidate: itself.
        stamp: by which it will be known; empty where its times cannot be trusted.
        read: what reading gave.
    """

    number: int
    candidate: Candidate
    stamp: str
    read: Read


def take_in(
    studio: Studio,
    candidates: Iterable[Candidate],
    cache: Cache,
    moment: str,
    made_with: str,
    *,
    recheck: bool,
    progress: Progress,
) -> Intake:
    """Reads and registers candidates that are not known yet.

    Args:
        studio: where.
        candidates: of one or several sources.
        cache: what was seen before.
        moment: UTC time of reading, from which everything that is said holds.
        made_with: means of making prints; see `prints.means`.
        recheck: whether to read known ones again.
        progress: told about candidates.

    Raises:
        IntegrityError, MachineError: what was recorded stays; the same again continues.
    """
    wanted = list(candidates)
    books, taken, waiting = Books(studio), dict[int, Taken](), list[_Waiting]()
    read = known = waiting_bytes = 0
    for start in range(0, len(wanted), BATCH):
        chunk = wanted[start : start + BATCH]
        before = {} if recheck else cache.candidates([one.key for one in chunk])
        for number, candidate in enumerate(chunk, start):
            stamp, seen = before.get(candidate.key, ("", None))
            if seen is not None and stamp == candidate.stamp and books.still_has(seen):
                taken[number] = Taken(candidate.name, seen)
                known += 1
            else:
                # Whether the times can be trusted is asked before the bytes are read: later they always look old.
                stamp = candidate.stamp if candidate.settled() else ""
                found = candidate.read(moment)
                read += found.files
                waiting.append(_Waiting(number, candidate, stamp, found))
                waiting_bytes += sum(len(data) for _, _, data in found.submission.content) if found.submission else 0
            if len(waiting) >= BATCH or waiting_bytes >= BATCH_BYTES:
                taken |= _recorded(studio, books, cache, waiting, moment, made_with)
                waiting, waiting_bytes = [], 0
            progress("reading", number + 1, len(wanted))
    taken |= _recorded(studio, books, cache, waiting, moment, made_with)
    return Intake(tuple(taken[number] for number in range(len(wanted))), read, known)


def _recorded(
    studio: Studio,
    books: Books,
    cache: Cache,
    waiting: Sequence[_Waiting],
    moment: str,
    made_with: str,
) -> dict[int, Taken]:
    """Records a batch: statements and works, then what the files are recognised by, then that they were seen."""
    if not waiting:
        return {}
    try:
        seen = _in_one(studio, books, [one.read for one in waiting], moment)
    except (InputError, ConflictError):
        seen = [_alone(studio, books, one.read, moment) for one in waiting]
    content = {
        sha256: (media_type, data)
        for one, done in zip(waiting, seen, strict=True)
        if one.read.submission is not None and done.work_id
        for sha256, (_, media_type, data) in zip(done.files, one.read.submission.content, strict=True)
    }
    types = {sha256: media_type for sha256, (media_type, _) in content.items()}
    bare = {sha256: data for sha256, (_, data) in content.items()}
    _, codes = prints_of(studio, cache, types, bare, made_with, registered={})
    marks = [*codes, *(mark for one in waiting for mark in one.read.marks)]
    if marks:
        fact_log.write(studio, lambda conn: add_marks(conn, marks))
    cache.keep((one.candidate.key, one.stamp, done) for one, done in zip(waiting, seen, strict=True))
    return {one.number: Taken(one.candidate.name, done) for one, done in zip(waiting, seen, strict=True)}


def _alone(studio: Studio, books: Books, read: Read, moment: str) -> Seen:
    try:
        return _in_one(studio, books, [read], moment)[0]
    except (InputError, ConflictError) as error:
        problem = error.message
    # No work comes of it, and what its bytes say is known all the same.
    return _in_one(studio, books, [replace(read, submission=None, problem=problem)], moment)[0]


def _in_one(studio: Studio, books: Books, reads: Sequence[Read], moment: str) -> list[Seen]:
    """Records what was read in one transaction.

    Raises:
        InputError, ConflictError: something cannot be registered, and nothing was.
    """
    by_content: MutableMapping[str, Work] = ChainMap({}, books.by_content)
    submissions: list[Submission] = []
    heard: dict[HeardKey, Permission] = {}
    told: list[Permission] = []
    seen: list[Seen] = []
    added: list[Work] = []
    for read in reads:
        ids = []
        for one in read.heard:
            key = heard_key(one)
            if key not in books.heard:
                heard.setdefault(key, one)
            ids.append(books.heard.get(key) or heard[key].permission_id)
        work_id, files = read.work_id, books.files.get(WorkId(read.work_id), ())
        if read.submission is not None:
            work, submission, more = _resolved(read.submission, by_content, books, moment)
            submissions += [submission] if submission is not None else []
            told += more
            added.append(work)
            work_id, files = work.work_id, tuple(file.sha256 for file in work.manifestations)
            by_content.setdefault(content_digest(list(files)), work)
        seen.append(Seen(work_id, files, tuple(dict.fromkeys(ids)), read.problem))

    def write(conn: Connection) -> None:
        state_permissions(conn, list(heard.values()))
        register(conn, studio.content, submissions, moment)
        state_permissions(conn, told)

    if heard or told or submissions:
        fact_log.write(studio, write)
    books.add(added, [*heard.values(), *told])
    return seen


def _resolved(
    submission: Submission, by_content: MutableMapping[str, Work], books: Books, moment: str
) -> tuple[Work, Submission | None, list[Permission]]:
    """The work that a submission is: a new one, or one that is registered with the same content already.

    Returns:
        The work, what is to be registered (None where nothing is), and a statement to be made about a known work.

    Raises:
        InputError: it cannot be kept.
    """
    entry = entry_of(submission, moment)
    there = by_content.get(entry.content_sha256)
    if there is None or submission.work_id not in ("", there.work_id):
        return entry.work, submission, []
    same = replace(submission, work_id=there.work_id, title=there.title)
    silent = submission.permission_reason in SILENT
    makers = [(one.party_id, one.role) for one in entry.work.credits]
    if makers and makers != [(one.party_id, one.role) for one in there.credits]:
        return entry.work, same, []  # registering says what does not fit
    if silent:
        return there, None, []
    if makers:
        return there, same, []
    said = entry_of(same, moment).permission
    return there, None, [] if books.says_already(said) else [said]
