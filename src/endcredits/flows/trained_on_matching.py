"""Which registered works are meant by a file, a text, a name, a content code or an id.

Everything that has to be read through (the codes of all files, the texts of all works) is read once for all questions.
"""

from __future__ import annotations

import codecs
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy.engine import Connection

from endcredits.canonical import sha256_bytes, sha256_file
from endcredits.durable import machine_error
from endcredits.errors import InputError
from endcredits.flows.studio import Studio
from endcredits.flows.trained_on_codes import Code, CodesOfWorks, code_matches, codes_of_works, given_code, parse_codes
from endcredits.flows.trained_on_passages import (
    GIVEN_BYTES_MAX,
    SHORTEST_BYTES,
    TEXTS,
    Held,
    Scan,
    passage_matches,
    plain,
    quotes_of,
    scan,
)
from endcredits.flows.trained_on_records import Match, Question
from endcredits.ids import PartyId, WorkId
from endcredits.influence.verbatim import LETTERS_MIN, folded
from endcredits.progress import Progress, silent
from endcredits.receipts.credentials.formats import format_of
from endcredits.works.finding import (
    FileOfWork,
    files_of_type,
    files_with,
    people_called,
    titles,
    with_code,
    works_crediting,
    works_of,
)
from endcredits.works.texts import media_type_of

FILE_BYTES_MAX = 100_000_000
"""A given file that is longer is compared by its bytes alone."""
ORDER = ("id", "bytes", "identifier", "name", "code", "passages")
PICTURES = "image/"
BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
TEXT_SUFFIXES = (".txt", ".text", ".md", ".htm", ".html")


@dataclass(slots=True)
class Given:
    """What a question comes to, before anything is looked up.

    Attributes:
        question: as asked.
        sha256: of given bytes; empty for none.
        codes: content codes to be compared.
        letters: a given text, folded; None for none.
        matches: what was found by work.
        methods: how is searched, in words.
        blind: what cannot be seen that way, in words.
    """

    question: Question
    sha256: str = ""
    codes: list[Code] = field(default_factory=list)
    letters: bytes | None = None
    matches: dict[WorkId, list[Match]] = field(default_factory=lambda: defaultdict(list))
    methods: list[str] = field(default_factory=list)
    blind: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Matched:
    """What all questions came to.

    Attributes:
        given: one a question, in their order.
        scan: what reading the texts gave; None where no text was asked about.
        codes: the codes of works; None where no code was asked about.
        files: the files that were looked through, by digest.
    """

    given: tuple[Given, ...]
    scan: Scan | None
    codes: CodesOfWorks | None
    files: Mapping[str, Sequence[FileOfWork]]


def match(studio: Studio, questions: Sequence[Question], progress: Progress = silent) -> Matched:
    """Looks all questions up.

    Raises:
        InputError: a question that nobody can answer: an unreadable file, an empty text, a wrong identifier or code.
    """
    given = [_given(question) for question in questions]
    with studio.store.reading() as conn:
        for one in given:
            _look_up(conn, one)
        texts = list(_texts(conn)) if any(one.letters for one in given) else []
        kinds = {code.kind for one in given for code in one.codes}
        coded = [
            file
            for kind, prefix in (("text", "text/"), ("image", PICTURES))
            if kind in kinds
            for file in files_of_type(conn, prefix)
        ]
    files: dict[str, list[FileOfWork]] = defaultdict(list)
    for file in dict.fromkeys([*texts, *coded]):
        files[file.sha256].append(file)
    codes = codes_of_works(studio, coded, progress) if kinds else None
    asked = [one for one in given if one.letters]
    read = scan(studio, [one.letters or b"" for one in asked], texts, progress) if asked else None
    for one in given:
        exact = {work_id for work_id, matches in one.matches.items() if any(found.by == "bytes" for found in matches)}
        for found in code_matches(one.codes, codes, files) if codes is not None else ():
            if found.work_id not in exact:
                one.matches[found.work_id].append(found)
    for one, held in zip(asked, read.held if read is not None else (), strict=True):
        exact = {work_id for work_id, matches in one.matches.items() if any(found.by == "bytes" for found in matches)}
        for found in passage_matches(one.letters or b"", held, files, exact):
            one.matches[found.work_id].append(found)
    return Matched(tuple(given), read, codes, files)


def _texts(conn: Connection) -> Sequence[FileOfWork]:
    return [file for prefix in TEXTS for file in files_of_type(conn, prefix)]


def _given(question: Question) -> Given:
    one = Given(question)
    if question.kind == "file":
        _of_file(one, Path(question.value))
    elif question.kind == "text":
        data = question.value.encode("utf-8", "replace")
        if len(folded(data)) < SHORTEST_BYTES:
            raise InputError(
                "the text is too short to be told from others",
                remedy=f"Give at least {SHORTEST_BYTES} letters and digits, better a few sentences.",
                field="--text",
            )
        one.sha256 = sha256_bytes(data)
        _of_text(one, data)
    elif question.kind == "code":
        one.codes, left = parse_codes(question.value)
        one.methods.append("the content code against the codes of all registered texts and pictures")
        one.blind += left
    return one


def _of_file(one: Given, path: Path) -> None:
    if path.exists() and not path.is_file():
        raise InputError("this is no file", remedy="Name one file.", file=path)
    form = format_of(path, sidecar=True)  # says so where it is missing, empty or unreadable
    try:
        one.sha256 = sha256_file(path)
        size = path.stat().st_size
        data = path.read_bytes() if size <= FILE_BYTES_MAX else b""
    except OSError as error:
        raise machine_error(error, path) from error
    one.methods.append("the SHA-256 of its bytes against those of all registered files")
    if not data:
        one.blind.append(f"a file of more than {FILE_BYTES_MAX:,} bytes is compared by its exact bytes alone")
        return
    if form.content == "image":
        one.codes = _code_of(one, data, form.media_type)
        return
    text = plain(data, media_type_of(path) if form.content == "text" or _is_old_text(path, data) else form.media_type)
    if folded(text):
        _of_text(one, text)
        return
    one.blind.append(f"{form.name}: only its exact bytes are compared; a copy that was saved or encoded again is not found")
    if form.name == "PDF":
        one.blind.append("the text in a PDF is not read; save it as a text file and give that as well")


def _is_old_text(path: Path, data: bytes) -> bool:
    """Whether a file that is no UTF-8 is a text in another encoding, by its first bytes or its name."""
    return data.startswith(BOMS) or path.suffix.lower() in TEXT_SUFFIXES


def _of_text(one: Given, text: bytes) -> None:
    one.codes = _code_of(one, text, "text/plain")
    one.letters = folded(text)
    if len(one.letters) < SHORTEST_BYTES:
        one.letters = None
        one.blind.append("the text has too few letters and digits to look for passages of it")
        return
    one.methods.append(
        f"passages of at least {min(LETTERS_MIN, len(one.letters))} letters in the texts of all registered works; "
        "case, punctuation and layout do not count"
    )
    one.blind.append("a translation, a retelling, or a copy in which every few words were changed")
    if len(one.letters) > GIVEN_BYTES_MAX:
        one.blind.append(f"what stands behind its first {GIVEN_BYTES_MAX:,} letters is not looked for as passages")


def _code_of(one: Given, data: bytes, media_type: str) -> list[Code]:
    what = "picture" if media_type.startswith(PICTURES) else "text"
    try:
        codes = given_code(data, media_type)
    except InputError as error:
        one.blind.append(f"a copy that was saved again: {error.message}. {error.remedy}")
        return []
    if codes:
        one.methods.append(f"its content code (ISCC) against those of all registered {what}s")
    else:
        why = "it cannot be decoded" if what == "picture" else "it is too short"
        one.blind.append(f"a copy that was saved again: the {what} has no content code, since {why}")
    if what == "picture":
        one.blind.append("a part cut out of a picture, or the picture turned or mirrored")
    return codes


def _look_up(conn: Connection, one: Given) -> None:
    """What the database answers at once."""
    kind, value = one.question.kind, one.question.value
    if one.sha256:
        for file in files_with(conn, [one.sha256]):
            words = f"its file '{file.label}' has the same bytes"
            one.matches[file.work_id].append(Match(file.work_id, "bytes", True, words, file.sha256))
        if kind == "text":
            one.methods.append("the SHA-256 of the text against those of all registered files")
    if kind == "code":
        code = value.strip() if value.strip().startswith("ISCC:") else f"ISCC:{value.strip()}"
        for file in files_with(conn, with_code(conn, code)):
            words = "somebody stated this very code for its file"
            one.matches[file.work_id].append(Match(file.work_id, "code", True, words, file.sha256, distance_bits=0))
        if not one.codes and not one.matches:
            raise InputError(
                "no part of this code can be compared with works, which have codes of their text and pictures alone",
                remedy="Give the file itself, or its Text-Code or Image-Code.",
                field="--code",
            )
    if kind == "work":
        one.methods.append("the id of the work")
        for work_id in titles(conn, [value]):
            one.matches[work_id].append(Match(work_id, "id", True, "this is its id"))
    if kind == "name":
        _by_name(conn, one)


def _by_name(conn: Connection, one: Given) -> None:
    one.methods.append("the names, ids and identifiers of all registered parties, and the credits of all works")
    one.blind.append("another spelling of the name, a pen name that nobody registered, and works that name nobody")
    people = people_called(conn, one.question.value)
    for party_id, fits in people:
        how = {"id": "the id", "name": "the name"}.get(fits, f"the {fits.upper()}")
        for work_id in works_of(conn, [party_id]):
            by = fits if fits in ("id", "name") else "identifier"
            words = f"it credits or pays {party_id}, which has {how}"
            one.matches[work_id].append(Match(work_id, by, True, words, party_ids=frozenset({party_id})))
    if len({party_id for party_id, fits in people if fits == "name"}) > 1:
        one.blind.append("several parties have this name; give the id or an identifier to tell them apart")
    for work_id, party_ids in works_crediting(conn, one.question.value).items():
        if not any(match.party_ids & party_ids for match in one.matches.get(work_id, ())):
            words = "the name stands in its credits"
            one.matches[work_id].append(Match(work_id, "name", True, words, party_ids=frozenset(party_ids)))


def ordered(one: Given) -> list[tuple[WorkId, tuple[Match, ...]]]:
    """The works of a question, the surest first, each with its matches, the surest first."""
    found = [(work_id, tuple(sorted(matches, key=_strength))) for work_id, matches in one.matches.items()]
    return sorted(found, key=lambda item: (_strength(item[1][0]), item[0]))


def _strength(match: Match) -> tuple[bool, int, int, int]:
    covered = max(match.given_ppb or 0, match.work_ppb or 0)
    return (not match.sure, ORDER.index(match.by), match.distance_bits or 0, -covered)


def with_quotes(studio: Studio, matched: Matched, one: Given, matches: Sequence[Match]) -> tuple[Match, ...]:
    """The matches of a work, those by passages with the words themselves."""
    if matched.scan is None or one.letters is None:
        return tuple(matches)
    number = [other for other in matched.given if other.letters].index(one)
    held: Mapping[str, Held] = {item.sha256: item for item in matched.scan.held[number]}
    found = []
    for match in matches:
        if match.by == "passages":
            file = next(file for file in matched.files[match.sha256] if file.work_id == match.work_id)
            match = replace(match, quotes=quotes_of(studio, file, held[match.sha256]))
        found.append(match)
    return tuple(found)


def people_of(matches: Sequence[Match]) -> frozenset[PartyId]:
    """Who was asked for by name."""
    return frozenset(party_id for match in matches for party_id in match.party_ids)
