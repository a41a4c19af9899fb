"""What a question comes to before anything is looked up: digests, content codes and letters of what was given.

What a file is, its first bytes say. Of a text all of it is used, of a picture its code, and of everything else its exact
bytes alone; what that leaves unseen is noted, to be told with the answer.
"""

from __future__ import annotations

import codecs
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from endcredits.canonical import sha256_bytes, sha256_file
from endcredits.durable import machine_error
from endcredits.errors import InputError
from endcredits.flows.trained_on_codes import Code, given_code, parse_codes
from endcredits.flows.trained_on_passages import GIVEN_BYTES_MAX, SHORTEST_BYTES, plain
from endcredits.flows.trained_on_records import Match, Question
from endcredits.ids import WorkId
from endcredits.influence.verbatim import LETTERS_MIN, folded
from endcredits.receipts.credentials.formats import format_of
from endcredits.works.texts import media_type_of

FILE_BYTES_MAX = 100_000_000
"""A given file that is longer is compared by its bytes alone."""
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


def read_question(question: Question) -> Given:
    """What a question comes to.

    Raises:
        InputError: an unreadable or empty file, a text that is too short, or no content code.
    """
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
