"""The works of a crawl that was handed over as a file (`works.signals.dump`), as candidates for a corpus.

What servers, pages and sites said of a work is heard with it, and its addresses become other names of its bytes, so that a
no to an address counts. The dump is read from its beginning to its end; while it has not changed it is not read again.
Nothing is fetched.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from endcredits.canonical import digest, sha256_bytes
from endcredits.errors import ConflictError, InputError
from endcredits.flows.candidates import (
    FOLDER_OPTIONS,
    Candidate,
    Read,
    Terms,
    key_of,
    problem_of,
    read_of,
    usable_text,
    whole_text,
)
from endcredits.flows.scanning import ScannedWork
from endcredits.flows.scanning_dump import scan_dump
from endcredits.flows.seen import Cache, settled, stamp_of
from endcredits.works import FileMark
from endcredits.works.heard import statements_of
from endcredits.works.read_folder import folder_work
from endcredits.works.signals import Signal
from endcredits.works.signals.dump import Answer as Served
from endcredits.works.signals.dump import read_dump
from endcredits.works.url_patterns import check_pattern


def dump_candidates(
    path: str | os.PathLike[str], terms: Terms, cache: Cache, *, recheck: bool = False
) -> Iterator[Candidate]:
    """The works of a dump; what was not got is a candidate with a problem.

    Args:
        path: JSON Lines of web servers' answers.
        terms: what is said of all works together, and the name that robots.txt may call this reader by.
        cache: where the list of its works is kept.
        recheck: whether to read it again though it has not changed.

    Raises:
        InputError: the dump cannot be read, or the terms cannot be used.
        NotFoundError: there is no such dump.
    """
    file = Path(os.path.abspath(path))
    options = {name: getattr(terms, name) for name in FOLDER_OPTIONS}
    folder_work(Path("x"), Path("x"), b"-", "text/plain", **options)  # wrong terms are no single work's fault
    stamp = digest([[str(part) for part in stamp_of(file)], asdict(terms)])
    dump, key = _Dump(file, terms), key_of("dump", file)
    names = None if recheck else cache.listing(key, stamp)
    if names is None:
        names = [whole_text(_named(one, file)) for one in scan_dump(file, agent=terms.agent)]
        if settled(file):
            cache.keep_listing(key, stamp, names)
    for number, name in enumerate(names):

        def read(moment: str, place: int = number) -> Read:
            return dump.read(place, moment)

        yield Candidate(key_of("dump", f"{file}#{number}"), name, digest([stamp, number]), read, lambda: settled(file))


def _named(scanned: ScannedWork, file: Path) -> str:
    return scanned.name.replace(str(file), file.name)


class _Dump:
    """A dump that is read once, from its beginning on, as its works are asked for in their order."""

    def __init__(self, file: Path, terms: Terms) -> None:
        self._file, self._terms = file, terms
        self._next = 0
        self._works = self._paired()

    def read(self, place: int, moment: str) -> Read:
        """What a work of the dump is; places are asked for in rising order."""
        for scanned, served in self._works:
            self._next += 1
            if self._next == place + 1:
                return self._read(scanned, served, moment)
        raise ConflictError("the dump was changed while it was read", remedy="Run the same again.", file=self._file)

    def _paired(self) -> Iterator[tuple[ScannedWork, Served | None]]:
        """Each work as it was scanned, with the answer that it was read from; None for a line that is none."""
        answers = read_dump(self._file)
        for scanned in scan_dump(self._file, agent=self._terms.agent):
            found = next((one for one in answers if _is_of(one, scanned)), None) if scanned.sha256 else None
            yield scanned, found if isinstance(found, Served) else None

    def _read(self, scanned: ScannedWork, served: Served | None, moment: str) -> Read:
        signals = tuple(self._told(one, moment) for one in scanned.signals)
        heard = statements_of(signals, scanned.sha256, moment) if scanned.sha256 else ()
        if served is None or not served.body or served.problem or served.status >= 300:
            return Read(None, heard, problem=problem_of(scanned) if scanned.problems else "the dump holds no bytes of it")
        data, media_type = served.body, scanned.media_type
        name = unquote(urlsplit(served.url).path).rpartition("/")[2] or urlsplit(served.url).netloc
        place = Path(whole_text(name.replace("\0", "")) or "work")
        options = {option: getattr(self._terms, option) for option in FOLDER_OPTIONS}
        submission = folder_work(place, place, data, media_type, **options)
        submission = replace(submission, content=((served.url, media_type, data),), origin=served.url)
        submission = usable_text(submission, place, data, media_type)
        return replace(read_of(submission, signals, sha256_bytes(data), moment), marks=_marks(served, scanned.sha256))

    def _told(self, one: Signal, moment: str) -> Signal:
        """A word that counts from when the work comes in, like all others; when it was fetched is told beside it."""
        place = f"{one.place}, fetched {one.read_at}" if one.read_at else one.place
        return replace(one, source=one.source.replace(str(self._file), self._file.name), place=place, read_at=moment)


def _is_of(one: object, scanned: ScannedWork) -> bool:
    if not isinstance(one, Served) or one.url != scanned.name or one.body is None:
        return False
    return sha256_bytes(one.body) == scanned.sha256


def _marks(served: Served, sha256: str) -> tuple[FileMark, ...]:
    """The addresses at which the bytes were found, on the way and in the end."""
    found = []
    for url in dict.fromkeys((served.url, *(hop.url for hop in served.hops), *filter(None, [served.answered_by]))):
        try:
            check_pattern(url)
        except InputError:
            continue  # no address by which anybody could speak of it
        found.append(FileMark(sha256, "url", url))
    return tuple(found)
