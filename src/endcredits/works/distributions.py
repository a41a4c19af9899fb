"""Works from the Python distributions installed in the running environment: real code, real makers, real licences.

Each distribution is a work: its own Python source files, the people whom its metadata names, and the licence that it
declares. About one file in five is *held out*: never registered and never trained on, so that outputs about the
package can be asked for with text that no model has learnt from here. Which ones is drawn by digest, so every machine
draws alike.

Read are only metadata and the files that are taken: the budget of bytes decides, not the size of the package.

Standards: core metadata 2.4 and the RECORD of installed projects, both as published by the Python Packaging Authority.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from endcredits.errors import InputError
from endcredits.ids import plain_id
from endcredits.works.licences import judge_licence, licence_of_classifiers
from endcredits.works.people import people_of
from endcredits.works.records import Contributor, Submission

FILE_SIZE_MIN_BYTES = 200
"""A shorter file is a formality such as an empty __init__.py."""

WORK_SIZE_MIN_BYTES = 1_000
HELD_OUT_ONE_IN = 5

NOT_OWN = frozenset({"test", "tests", "_tests", "_vendor", "vendor", "_vendored", "vendored", "node_modules"})
"""Folders whose files are not the distribution's own writing, or not what it is known for."""

LICENCE_FIELD_LENGTH_MAX = 100
"""A longer License field is the licence's text, not its name."""

HEADERS = (
    ("author", "text", "Author"),
    ("author", "address", "Author-email"),
    ("maintainer", "text", "Maintainer"),
    ("maintainer", "address", "Maintainer-email"),
)

NamedFile = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class DistributionWork:
    """An installed distribution as a work.

    Attributes:
        submission: what is to be registered.
        held_out: (path in site-packages, bytes) of files that are kept apart; none of them is in the submission.
    """

    submission: Submission
    held_out: tuple[NamedFile, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SkippedDistribution:
    """A distribution that gives no work.

    Attributes:
        name: as installed.
        reason: why, in words.
    """

    name: str
    reason: str


def canonical_name(name: str) -> str:
    """A distribution's name in its one spelling (name normalisation of PEP 503).

    >>> canonical_name("Foo.Bar_baz")
    'foo-bar-baz'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def read_distributions(
    exclude: Collection[str] = ("endcredits",),
    max_bytes_per_work: int = 200_000,
    held_out: bool = True,
    *,
    installed: Iterable[metadata.Distribution] | None = None,
) -> tuple[list[DistributionWork], list[SkippedDistribution]]:
    """Reads every installed distribution that has Python source of its own.

    Args:
        exclude: names to leave out, in any spelling.
        max_bytes_per_work: at most so many bytes of source are taken from each, >= 1,000; a quarter of it on top for
            files held out. Whole files come first, then the beginning of one more up to a line's end.
        held_out: whether to keep files apart; without it all go into the work.
        installed: the distributions to read; by default those of the running environment.

    Returns:
        The works and what was skipped, both in the order of their canonical names.

    Raises:
        InputError: `max_bytes_per_work` is too small.
    """
    if max_bytes_per_work < WORK_SIZE_MIN_BYTES:
        raise InputError(
            f"{max_bytes_per_work} bytes are too few for a work",
            remedy=f"Give at least {WORK_SIZE_MIN_BYTES}.",
            field="max_bytes_per_work",
        )
    left_out = {canonical_name(name) for name in exclude}
    found: dict[str, metadata.Distribution] = {}
    skipped = []
    for one in metadata.distributions() if installed is None else installed:
        name = one.metadata["Name"] if one.metadata else None
        if not name:
            skipped.append(SkippedDistribution("(nameless)", "its metadata names nothing"))
        elif canonical_name(name) not in left_out:
            # The first on the path is the one that is imported.
            found.setdefault(canonical_name(name), one)
    works = []
    seen: set[str] = set()
    for name in sorted(found):
        work = _read(name, found[name], max_bytes_per_work, held_out, seen)
        if isinstance(work, DistributionWork):
            works.append(work)
        else:
            skipped.append(work)
    return works, skipped


def _read(
    name: str, one: metadata.Distribution, max_bytes: int, held_out: bool, seen: set[str]
) -> DistributionWork | SkippedDistribution:
    title, version = one.metadata["Name"], one.metadata["Version"] or ""
    try:
        work_id = plain_id(f"pypi:{name}@{version}")
    except InputError as error:
        return SkippedDistribution(title, error.message)
    train, held = choose_files(name, _sources(one), max_bytes, held_out, seen)
    if not train:
        return SkippedDistribution(title, "it has no Python source of its own")
    licence, source = licence_of(one)
    value, reason = judge_licence(licence)
    submission = Submission(
        title=title,
        content=tuple((path, "text/x-python", data) for path, data in train),
        contributors=contributors_of(one),
        permission=value,
        permission_reason=reason,
        permission_source=source,
        declared_by=f"the package metadata of {title} {version}",
        origin=f"distribution {title} {version}",
        work_id=work_id,
    )
    return DistributionWork(submission, tuple(held))


def contributors_of(one: metadata.Distribution) -> tuple[Contributor, ...]:
    """Authors and maintainers by name, once each, never an address."""
    values = [(role, form, str(value)) for role, form, key in HEADERS for value in one.metadata.get_all(key) or []]
    return people_of(values)


def licence_of(one: metadata.Distribution) -> tuple[str, str]:
    """(licence, where it was read): the expression, else the classifiers, else a short License field."""
    expression = one.metadata["License-Expression"]
    if expression:
        return str(expression), "package metadata: License-Expression"
    classified = licence_of_classifiers(one.metadata.get_all("Classifier") or [])
    if classified:
        return classified, "package metadata: Classifier"
    text = str(one.metadata["License"] or "").strip()
    if text and len(text) <= LICENCE_FIELD_LENGTH_MAX and "\n" not in text:
        return text, "package metadata: License"
    return "", "package metadata"


def _sources(one: metadata.Distribution) -> list[tuple[str, Path]]:
    """(path in site-packages, file) of the distribution's own Python sources that RECORD lists."""
    root = Path(str(one.locate_file("")))
    sources = []
    for entry in one.files or []:
        parts = entry.parts
        if entry.suffix != ".py" or ".." in parts or entry.is_absolute() or NOT_OWN.intersection(parts[:-1]):
            continue
        if parts[-1].startswith("test_") or (entry.size is not None and entry.size < FILE_SIZE_MIN_BYTES):
            continue
        sources.append((entry.as_posix(), root / Path(*parts)))
    return sources


def choose_files(
    name: str, sources: Iterable[tuple[str, Path]], max_bytes: int, held_out: bool, seen: set[str]
) -> tuple[list[NamedFile], list[NamedFile]]:
    """Draws files for the work and files to hold out, one in five, until both budgets are used up.

    Args:
        name: canonical name; it seeds the draw.
        sources: (path, file) in any order.
        max_bytes: budget of the work; the files held out get a quarter of it on top.
        held_out: whether to hold any out.
        seen: digests of everything drawn so far, here and elsewhere; nothing is drawn twice, so that no copy of a file
            that is held out is learnt by another way. Added to.

    Returns:
        Both lists sorted by path. The second has at least one file when two or more are usable.
    """
    # Of a single file nothing can be held out, and then the whole budget is the work's.
    sources = list(sources)
    held_out = held_out and len(sources) > 1
    drawn = sorted(sources, key=lambda source: hashlib.sha256(f"{name}\n{source[0]}".encode()).digest())
    train = _Budget(max_bytes)
    held = _Budget(max_bytes // 4)
    for number, (path, file) in enumerate(drawn):
        basket = held if held_out and number % HELD_OUT_ONE_IN == 0 else train
        if basket.is_full:
            if train.is_full and (held.files or not held_out):
                break
            continue
        data = _usable(file, basket.left_bytes)
        if data is None:
            continue
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 not in seen:
            seen.add(sha256)
            basket.files.append((path, data))
            basket.left_bytes -= len(data)
    if held_out and not held.files and len(train.files) > 1:
        held.files.append(train.files.pop())
    if not train.files:
        train.files, held.files = held.files, []
    return sorted(train.files), sorted(held.files)


@dataclass(slots=True)
class _Budget:
    """Files taken so far, and the bytes that may still be taken."""

    left_bytes: int
    files: list[NamedFile] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        return self.left_bytes < FILE_SIZE_MIN_BYTES


def _usable(file: Path, limit_bytes: int) -> bytes | None:
    """A file's bytes, cut after the last line that fits; None when too short, unreadable or not UTF-8 text."""
    try:
        with file.open("rb") as opened:
            data = opened.read(limit_bytes + 1)
    except OSError:
        # RECORD may list what is no longer there; such a file is no source.
        return None
    if len(data) > limit_bytes:
        data = data[: data.rfind(b"\n", 0, limit_bytes) + 1]
    if len(data) < FILE_SIZE_MIN_BYTES or b"\0" in data:
        return None
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return data
