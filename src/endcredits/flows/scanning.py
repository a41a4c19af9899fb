"""Reading what works already say about their use: files and folders. A crawl's dump is read by `scanning_dump`.

    for work in scan_paths(["photos/"]):
        print(work.name, work.answers["train"].value, work.answers["train"].reason)

This walk only reads. It comes before everything else that touches a work, because processing strips metadata; what it
finds names the place and the digest of the bytes, so that it can be shown later. Nothing is fetched from a network.

A folder is read like the copy of a site: a robots.txt, ai.txt, .well-known/tdmrep.json or RSL document (rsl.xml,
license.xml) in it speaks for everything below its folder. Beside a work, `NAME.xmp` (or the work's name with .xmp instead
of its ending), `NAME.license` (REUSE) and `NAME.c2pa.json` (what a C2PA reader prints) speak for that work.

Every file has a record, whatever is wrong with it: one that cannot be read says so and is no yes to anything.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import stat
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

from endcredits.errors import NotFoundError
from endcredits.flows.clock import now
from endcredits.flows.scanning_credentials import is_unread, with_credentials
from endcredits.works.signals import Answer, Buffer, Fetch, Found, Signal, carrier_of, combined, problems_of, read_work
from endcredits.works.signals.c2pa import read_c2pa
from endcredits.works.signals.robots import READ_BYTES_MAX
from endcredits.works.signals.rsl import looks_like_rsl
from endcredits.works.signals.site import PLACES, RSL_NAMES, SiteFile, followed, read_site

AGENT = "endcredits"
"""The name by which robots.txt may address this reader."""

MAPPED_BYTES = 64 * 1024 * 1024
"""Files from this size on are mapped instead of read into memory."""

SITE_BYTES_MAX = 4_000_000
"""Of a longer file of a site only the beginning is read."""

THREADS = min(4, os.cpu_count() or 1)
LARGE_BYTES = 1024 * 1024
"""Files from this size on are left to threads: reading and digests, most of the work then, leave the interpreter free. For
small ones handing over costs more than it gains."""

_SIDECARS = (".c2pa.json", ".xmp", ".license")
_LINKS = "the folder is behind a link and was not entered; name it to scan it"


@dataclass(frozen=True, slots=True)
class ScannedWork:
    """What one work says.

    Attributes:
        name: its path as given, or its address.
        sha256: of all its bytes, "" where they could not be read or the dump has none.
        size_bytes: of it.
        media_type: as its bytes tell, "" where there are none.
        read_at: UTC time of reading, or of fetching where a dump says so.
        fetch: whether robots.txt lets it be fetched; None without a robots.txt. It says nothing about use.
        signals: every word of every carrier.
        answers: by verb, what they mean together.
    """

    name: str
    sha256: str
    size_bytes: int
    media_type: str
    read_at: str
    fetch: Fetch | None
    signals: tuple[Signal, ...] = field(repr=False)
    answers: dict[str, Answer] = field(repr=False)

    @property
    def problems(self) -> list[tuple[str, str]]:
        """(where, what is wrong) of every finding."""
        return problems_of(self.signals)


@dataclass(frozen=True, slots=True)
class Place:
    """A file that may be a work, and what beside it speaks for it.

    Attributes:
        file: its path.
        sidecars: files beside it that speak for it alone.
        sites: files that speak for all that is below a folder, by that folder.
    """

    file: Path
    sidecars: tuple[Path, ...]
    sites: dict[Path, list[SiteFile]] = field(repr=False)


def scan_paths(paths: Sequence[str | os.PathLike[str]], *, agent: str = AGENT) -> Iterator[ScannedWork]:
    """Reads files and folders; works come folder by folder, in the order of their names.

    Raises:
        NotFoundError: a path names nothing.
    """
    second, read_at = -1, ""
    waiting = deque[ScannedWork | Future[ScannedWork]]()
    with ThreadPoolExecutor(THREADS) as pool:
        for place in places(paths):
            if int(time.monotonic()) != second:  # writing a time down costs as much as reading a small file
                second, read_at = int(time.monotonic()), now()
            if isinstance(place, ScannedWork):
                waiting.append(place)
            elif (data := bytes_of(place.file, below=LARGE_BYTES)) is not None:
                waiting.append(_scan(place, data, read_at, agent))
            else:
                waiting.append(pool.submit(_scan, place, None, read_at, agent))
            while waiting and (len(waiting) > 2 * THREADS or not isinstance(waiting[0], Future) or waiting[0].done()):
                yield _done(waiting.popleft())
        while waiting:
            yield _done(waiting.popleft())


def _scan(place: Place, data: Buffer | str | None, read_at: str, agent: str) -> ScannedWork:
    data = bytes_of(place.file) if data is None else data
    return unread(place.file, data) if isinstance(data, str) else scan_bytes(place, data, read_at, agent=agent)


def _done(one: ScannedWork | Future[ScannedWork]) -> ScannedWork:
    return one.result() if isinstance(one, Future) else one


def places(paths: Sequence[str | os.PathLike[str]]) -> Iterator[Place | ScannedWork]:
    """The files that `scan_paths` reads, in its order, none of them read yet; what cannot be entered has its record.

    Raises:
        NotFoundError: a path names nothing.
    """
    roots = [Path(path) for path in paths]
    for root in roots:
        if not os.path.lexists(root):
            raise NotFoundError("there is no such folder or file", remedy="Check the path.", file=root)
    around: dict[Path, tuple[set[str], dict[Path, list[SiteFile]]]] = {}
    for root in roots:
        if root.is_dir():
            yield from _places_in(root)
            continue
        # A file named alone is read with what lies beside it.
        folder = root.parent
        if folder not in around:
            around[folder] = (set(os.listdir(folder)) if os.access(folder, os.R_OK) else set(), dict(_site_of(folder)))
        present, sites = around[folder]
        yield Place(root, tuple(_beside(root, present)), sites)


def place_of(file: Path, root: Path) -> Place:
    """One file below a folder, with all that speaks for it from there on; the folder is read like the copy of a site."""
    folder, here = file.parent, root
    sites = dict(_site_of(root))
    for name in folder.relative_to(root).parts:
        here = here / name
        sites |= dict(_site_of(here))
    present = set(os.listdir(folder)) if os.access(folder, os.R_OK) else set()
    return Place(file, tuple(_beside(file, present)), sites)


def _places_in(root: Path) -> Iterator[Place | ScannedWork]:
    sites: dict[Path, list[SiteFile]] = {}
    refused: list[OSError] = []
    for folder, folders, names in os.walk(root, onerror=refused.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = Path(folder)
        sites = {base: files for base, files in sites.items() if here.is_relative_to(base)} | dict(_site_of(here))
        speaking = {Path(file.source) for files in sites.values() for file in files}
        for name in list(folders):
            if (here / name).is_symlink():
                folders.remove(name)
                yield unread(here / name, _LINKS)
        present = set(names)
        aside = any(name.endswith(_SIDECARS) for name in names)
        for name in sorted(names):
            if name.startswith(".") or (aside and _is_sidecar(name, present)):
                continue
            file = here / name
            if not speaking or file not in speaking:
                yield Place(file, tuple(_beside(file, present)) if aside else (), sites)
        while refused:
            error = refused.pop()
            yield unread(Path(error.filename), f"the folder cannot be read ({error.strerror})")
    for error in refused:
        yield unread(Path(error.filename), f"the folder cannot be read ({error.strerror})")


def _site_of(folder: Path) -> Iterator[tuple[Path, list[SiteFile]]]:
    """The files of a site whose root this folder may be."""
    kinds = {**PLACES, **dict.fromkeys(RSL_NAMES, "RSL")}
    files = []
    for place, kind in kinds.items():
        path = folder / place.lstrip("/")
        if os.path.lexists(path):
            data, problem = _head(path)
            if kind != "RSL" or problem or looks_like_rsl(data):
                files.append(SiteFile(kind, str(path), data, now(), problem))
    if files:
        yield folder, files


def _head(path: Path) -> tuple[bytes, str]:
    """(the beginning of a site's file, why it cannot be read)."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return b"", "it is not a file"
        with path.open("rb") as file:
            limit = READ_BYTES_MAX if path.suffix == ".txt" else SITE_BYTES_MAX
            return file.read(limit + 1), ""
    except OSError as error:
        return b"", f"it cannot be read ({error.strerror})"


def _is_sidecar(name: str, present: set[str]) -> bool:
    for ending in _SIDECARS:
        if name.endswith(ending) and len(name) > len(ending):
            stem = name.removesuffix(ending)
            return stem in present or (ending == ".xmp" and any(_stem(one) == stem for one in present if one != name))
    return False


def _beside(file: Path, present: set[str]) -> list[Path]:
    names = [f"{file.name}{ending}" for ending in _SIDECARS] + [f"{_stem(file.name)}.xmp"]
    return [file.with_name(name) for name in dict.fromkeys(names) if name in present and name != file.name]


def _stem(name: str) -> str:
    return name.rpartition(".")[0]


@overload
def bytes_of(file: Path) -> Buffer | str: ...
@overload
def bytes_of(file: Path, *, below: int) -> Buffer | str | None: ...
def bytes_of(file: Path, *, below: int | None = None) -> Buffer | str | None:
    """All bytes of a file, or why it cannot be read; None, unread, where it has not fewer than a number of bytes."""
    try:
        # A pipe must not be waited for, and what is opened is what is looked at.
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            about = os.fstat(handle)
            if below is not None and about.st_size >= below and stat.S_ISREG(about.st_mode):
                return None
            return _bytes(handle, about.st_size) if stat.S_ISREG(about.st_mode) else "it is not a file that can be read"
        finally:
            os.close(handle)
    except OSError as error:
        return f"it cannot be read ({error.strerror})"


def scan_bytes(place: Place, data: Buffer, read_at: str, *, agent: str = AGENT) -> ScannedWork:
    """What a file says whose bytes were read at a time, with what beside it speaks for it."""
    file = place.file
    found = Found(str(file), read_at, agent=agent)
    reading = read_work(data, found, name=file.name)
    signals = with_credentials(reading.signals, data, file.name, found)
    for sidecar in place.sidecars:
        signals = _with_sidecar(signals, sidecar, read_at)
    fetch: Fetch | None = None
    documents: list[str] = []
    for root, files in place.sites.items():
        site = read_site(files, f"/{file.relative_to(root).as_posix()}", agent)
        signals += site.signals
        fetch = site.fetch if fetch is None or (site.fetch and not site.fetch.allowed) else fetch
        documents += [f"/{Path(one.source).relative_to(root).as_posix()}" for one in files if one.kind == "RSL"]
    signals = followed(signals, documents)
    sha256 = hashlib.sha256(data).hexdigest()
    return ScannedWork(str(file), sha256, len(data), reading.media_type, read_at, fetch, signals, combined(signals))


def _with_sidecar(signals: tuple[Signal, ...], sidecar: Path, read_at: str) -> tuple[Signal, ...]:
    """A work's signals with those of a file beside it."""
    found = Found(str(sidecar), read_at)
    try:
        data = sidecar.read_bytes()
    except OSError as error:
        problem = f"it cannot be read ({error.strerror})"
        return signals + carrier_of(found, "file", b"").unreadable("file", problem, place="the file")
    if not sidecar.name.endswith(".c2pa.json"):
        return signals + read_work(data, found, name=sidecar.name).signals
    said = read_c2pa(data, found)
    if any(one.value != "unknown" for one in said):
        # What nobody could read in the work itself has been read by whoever printed this.
        signals = tuple(one for one in signals if not is_unread(one))
    return signals + said


def _bytes(handle: int, size: int) -> Buffer:
    if size >= MAPPED_BYTES:
        return mmap.mmap(handle, 0, access=mmap.ACCESS_READ)
    data = os.read(handle, size + 1)
    if len(data) == size:
        return data
    # It grew while it was read, or the system gives less at a time.
    pieces = [data]
    while piece := os.read(handle, 1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


def unread(path: Path | str, problem: str) -> ScannedWork:
    """The record of something that could not be read: it stands in the way of every yes."""
    read_at = now()
    signals = carrier_of(Found(str(path), read_at), "file", b"").unreadable("file", problem, place="the file")
    return ScannedWork(str(path), "", 0, "", read_at, None, signals, combined(signals))
