"""Which registered texts hold passages of given texts: every text is read once for all questions, and none is kept.

A work counts as meant where at least half of the given text stands in it, or half of it in the given text. Where more than
`COMMON_WORKS` works hold half of the given text, that is a licence or a preface that everybody prints, and tells none of
them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest

from endcredits.errors import EndcreditsError
from endcredits.flows.studio import Studio
from endcredits.flows.trained_on_records import Match, Quote
from endcredits.ids import WorkId
from endcredits.influence.verbatim import LETTERS_MIN, Given, Passage, folded, places
from endcredits.influence.verbatim.passages import common_with_each, covered, covered_other
from endcredits.money import PPB
from endcredits.progress import Progress, silent
from endcredits.works import get_content
from endcredits.works.finding import FileOfWork
from endcredits.works.plain_text import decoded, text_of

GIVEN_BYTES_MAX = 10_000_000
"""So much of a given text is looked for, in letters; a long novel has a third of it."""
SHORTEST_BYTES = 16
"""A given text with fewer letters and digits stands everywhere."""
QUOTES_KEPT = 5
WORDS_SHOWN = 240
COMMON_WORKS = 10
AT_ONCE_BYTES = 1_000_000
"""Texts are compared together up to this length, for speed; it is what stays in memory of them."""
TEXTS = (
    "text/",
    "application/epub+zip",
    "application/vnd.openxmlformats-officedocument.wordprocessingml",
    "application/xhtml",
)
"""What the media types of files begin with that hold text."""


@dataclass(frozen=True, slots=True)
class Held:
    """What one file holds of a given text.

    Attributes:
        sha256: of the file.
        passages: the longest, longest first.
        given_ppb: how much of the given text they and all others cover.
        work_ppb: how much of the file.
    """

    sha256: str
    passages: tuple[Passage, ...]
    given_ppb: int
    work_ppb: int


@dataclass(frozen=True, slots=True)
class Scan:
    """What reading all texts gave.

    Attributes:
        held: for each given text, what files hold of it.
        texts: how many texts were read.
        text_bytes: how long they are together.
        unread: what could not be read, in words.
    """

    held: tuple[tuple[Held, ...], ...]
    texts: int
    text_bytes: int
    unread: tuple[str, ...]


def plain(data: bytes, media_type: str) -> bytes:
    """The text of a file in UTF-8; empty where nothing here can read it."""
    if media_type.startswith("text/") and "html" not in media_type and "xml" not in media_type:
        if data.isascii():
            return data
        try:
            data.decode()
        except UnicodeDecodeError:
            return decoded(data).encode("utf-8", "replace")
        return data
    return text_of(data, media_type).encode("utf-8", "replace")


def scan(studio: Studio, given: Sequence[bytes], files: Iterable[FileOfWork], progress: Progress = silent) -> Scan:
    """Reads registered texts for passages of given ones.

    Args:
        studio: whose.
        given: folded texts, each of at least `SHORTEST_BYTES`.
        files: what is read; equal files once.
        progress: told about files.
    """
    prepared = [Given(text[:GIVEN_BYTES_MAX]) for text in given]
    held: list[list[Held]] = [[] for _ in given]
    media_types = {file.sha256: file.media_type for file in files}
    size, waits, unread = 0, 0, []
    waiting: list[tuple[str, bytes]] = []
    for number, (sha256, media_type) in enumerate(media_types.items(), 1):
        try:
            data = get_content(studio.content, sha256)
        except EndcreditsError as error:
            unread.append(f"{error.file or sha256}: {error.message}")
        else:
            size += len(data)
            waiting.append((sha256, folded(plain(data, media_type))))
            waits += len(waiting[-1][1])
        if waits >= AT_ONCE_BYTES or number == len(media_types):
            _compare(prepared, waiting, held)
            waiting, waits = [], 0
            progress("texts", number, len(media_types))
    return Scan(tuple(map(tuple, held)), len(media_types) - len(unread), size, tuple(unread))


def _compare(given: Sequence[Given], texts: Sequence[tuple[str, bytes]], held: Sequence[list[Held]]) -> None:
    """Adds what some texts hold of given ones."""
    each = common_with_each(given, [text for _, text in texts])
    for (sha256, text), found in zip(texts, each, strict=True):
        for one, own, passages in zip(given, held, found, strict=True):
            if passages:
                longest = tuple(nlargest(QUOTES_KEPT, passages, key=lambda passage: passage.length))
                given_ppb = covered(passages) * PPB // len(one.text)
                own.append(Held(sha256, longest, given_ppb, covered_other(passages) * PPB // len(text)))


def passage_matches(
    given: bytes, held: Iterable[Held], holders: Mapping[str, Sequence[FileOfWork]], passed_over: Iterable[WorkId] = ()
) -> list[Match]:
    """What works hold of a given text, as matches without quotes; `quoted` adds those to the few that are shown.

    Args:
        given: folded.
        held: by which files.
        holders: the works' files by digest.
        passed_over: works that were recognised by their very bytes.
    """
    known = set(passed_over)
    best: dict[WorkId, Held] = {}
    for one in held:
        for file in holders[one.sha256]:
            there = best.get(file.work_id)
            if file.work_id not in known and (there is None or _weight(one) > _weight(there)):
                best[file.work_id] = one
    half, short = PPB // 2, len(given) < LETTERS_MIN
    common = sum(one.given_ppb >= half for one in best.values()) > COMMON_WORKS
    found = []
    for work_id, one in sorted(best.items()):
        sure = not short and (one.work_ppb >= half or (one.given_ppb >= half and not common))
        words = (
            f"{_percent(one.given_ppb)} of the given text stands in it, {_percent(one.work_ppb)} of it in the given text; "
            f"the longest passage has {one.passages[0].length} letters"
        )
        if short:
            words += "; so short a text may be anybody's"
        elif common and not sure:
            words += f"; more than {COMMON_WORKS} works hold as much of it, so it tells none of them apart"
        found.append(Match(work_id, "passages", sure, words, one.sha256, given_ppb=one.given_ppb, work_ppb=one.work_ppb))
    return found


def quotes_of(studio: Studio, file: FileOfWork, held: Held) -> tuple[Quote, ...]:
    """The longest passages with their places, for which the file is read again; none where that fails."""
    try:
        text = plain(get_content(studio.content, file.sha256), file.media_type)
    except EndcreditsError:
        return ()
    where = places(text, [(one.start, one.stop) for one in held.passages])
    return tuple(
        Quote(one.length, file.sha256, file.label, place.start, place.stop, place.line, _cut(place.words))
        for one, place in zip(held.passages, where, strict=True)
    )


def _cut(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= WORDS_SHOWN else f"{line[:WORDS_SHOWN]}..."


def _weight(one: Held) -> tuple[int, int, str]:
    return max(one.given_ppb, one.work_ppb), one.passages[0].length, one.sha256


def _percent(ppb: int) -> str:
    return f"{ppb / PPB:.0%}" if ppb >= PPB // 100 else "less than 1%"
