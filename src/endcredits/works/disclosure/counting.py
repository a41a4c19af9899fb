"""What can be counted of a set of works: files, bytes, media types, grounds, licences, days, domains. Nothing is typed in.

A size band of the European template asks for tokens, images or hours. A text of n bytes has at most n tokens, and a picture
file is one picture, so the lowest band of both can be told from the files; every other band must be declared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from endcredits.works.disclosure.records import CorpusWork, WorkFile

MODALITIES = ("text", "image", "audio", "video", "other")
_TEXTUAL = frozenset(
    f"application/{name}"
    for name in ("json", "xml", "xhtml+xml", "javascript", "x-javascript", "toml", "yaml", "x-yaml", "sql", "x-sh")
)
"""Types of plain text beside text/*: a byte of them is a byte of text."""
_BOOKS = frozenset(("application/epub+zip", "application/pdf", "application/rtf", "application/msword"))
"""Text that is packed: what is in it is text, and how much cannot be told from its bytes."""

TEXT_BANDS = (
    "less than 1 billion tokens",
    "1 billion to 10 trillion tokens",
    "more than 10 trillion tokens",
)
IMAGE_BANDS = ("less than 1 million images", "1 million to 1 billion images", "more than 1 billion images")
HOUR_BANDS = ("less than 10,000 hours", "10,000 to 1 million hours", "more than 1 million hours")
BANDS = {"text": TEXT_BANDS, "image": IMAGE_BANDS, "audio": HOUR_BANDS, "video": HOUR_BANDS}
"""The bands of the template of 24 July 2025, as filled-in summaries of 2026 show them."""
_TOKENS, _IMAGES = 10**9, 10**6


@dataclass(frozen=True, slots=True)
class Tally:
    """What some works come to.

    Attributes:
        works: how many.
        files: how many different files, by their bytes.
        size_bytes: of those files.
        media_types: (media type, files, bytes), by type.
        modalities: which of `MODALITIES`, in that order.
        grounds: (ground, works), the most frequent first.
        licences: (name, works), by name; a work under two counts for both.
        names: everybody credited, sorted.
        first_on: day on which the first work was registered; "" for no work.
        last_on: day on which the last work was registered.
        taken_back: works whose permission was taken back since.
    """

    works: int
    files: int
    size_bytes: int
    media_types: tuple[tuple[str, int, int], ...]
    modalities: tuple[str, ...]
    grounds: tuple[tuple[str, int], ...]
    licences: tuple[tuple[str, int], ...]
    names: tuple[str, ...]
    first_on: str
    last_on: str
    taken_back: int


def modality_of(media_type: str) -> str:
    """Which modality a file is of, by its media type.

    >>> modality_of("application/epub+zip"), modality_of("image/png"), modality_of("application/zip")
    ('text', 'image', 'other')
    """
    plain = media_type.partition(";")[0].strip().lower()
    main = plain.partition("/")[0]
    if main == "text" or plain in _TEXTUAL or plain in _BOOKS:
        return "text"
    return main if main in ("image", "audio", "video") else "other"


def files_of(works: Iterable[CorpusWork]) -> dict[str, WorkFile]:
    """The different files of some works, by digest."""
    found = {file.sha256: file for work in works for file in work.files}
    return {sha256: found[sha256] for sha256 in sorted(found)}


def tally(works: Sequence[CorpusWork]) -> Tally:
    """Counts some works."""
    files = files_of(works).values()
    by_type: dict[str, list[int]] = {}
    for file in files:
        count = by_type.setdefault(file.media_type, [0, 0])
        count[0] += 1
        count[1] += file.size_bytes
    kinds = {modality_of(name) for name in by_type}
    grounds = Counter(work.ground for work in works)
    licences = Counter(name for work in works for name in work.licences)
    days = sorted(work.registered_at[:10] for work in works if work.registered_at)
    return Tally(
        len(works),
        len(files),
        sum(file.size_bytes for file in files),
        tuple((name, *by_type[name]) for name in sorted(by_type)),  # type: ignore[misc]
        tuple(one for one in MODALITIES if one in kinds),
        tuple(sorted(grounds.items(), key=lambda one: (-one[1], one[0]))),
        tuple(sorted(licences.items())),
        tuple(sorted({name for work in works for name in work.names})),
        days[0] if days else "",
        days[-1] if days else "",
        sum(work.taken_back for work in works),
    )


def size_bands(counted: Tally) -> dict[str, str]:
    """The band of every modality that can be told from the files: none is told for what is packed, or for hours."""
    told = {}
    plain = sum(size for name, _, size in counted.media_types if modality_of(name) == "text")
    packed = any(name.partition(";")[0].strip().lower() in _BOOKS for name, _, _ in counted.media_types)
    if "text" in counted.modalities and not packed and plain < _TOKENS:
        told["text"] = TEXT_BANDS[0]
    images = sum(files for name, files, _ in counted.media_types if modality_of(name) == "image")
    if "image" in counted.modalities and images < _IMAGES:
        told["image"] = IMAGE_BANDS[0]
    return told


def top_domains(works: Iterable[CorpusWork], *, small_company: bool) -> tuple[str, ...]:
    """The top domains that files were found at, by bytes: the first tenth, or for a small company 5 % and at most 1,000.

    Empty where a file has no address: then the whole list is not known, and a part of it would be a wrong one.
    """
    sizes: Counter[str] = Counter()
    for file in files_of(works).values():
        hosts = {urlsplit(url).hostname or "" for url in file.urls}
        if not hosts or "" in hosts:
            return ()
        for host in hosts:
            sizes[host] += file.size_bytes
    number = -(-len(sizes) // 20) if small_company else -(-len(sizes) // 10)
    ranked = sorted(sizes, key=lambda host: (-sizes[host], host))
    return tuple(ranked[: min(number, 1000) if small_company else number])
