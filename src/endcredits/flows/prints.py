"""What files are recognised by, made once for each and kept: letters of texts, and content codes where they can be made.

Content codes (ISCC, ISO 24138) need the extra `media`; without it files are compared by bytes and letters, and the manifest
of a corpus says so. The code of a text is taken of what the file shows, so that a web page and a plain file of one poem have
nearly one code; of sound and film only the data is compared, so a copy that was encoded anew is not found.

What is trusted: the registry, to which both are added as marks of the file when they are made (`works.FileMark`) and whose
rows stand in the log. The cache is believed where it says the same; anything else is made anew from registered bytes whose
digest is checked.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence

from endcredits.errors import EndcreditsError, InputError
from endcredits.flows.seen import Cache
from endcredits.flows.studio import Studio
from endcredits.receipts.credentials import library, work_code
from endcredits.receipts.credentials.codes import BITS, code_bytes
from endcredits.works import FileMark, Name, get_content
from endcredits.works.looks_alike import Print, letters_digest
from endcredits.works.plain_text import text_of

KINDS = {0x20: "text", 0x21: "image", 0x30: "data"}
"""First byte of an ISCC unit, for those that are compared."""

VERSION = "1"
"""Of the way in which prints are made; another one makes all anew."""

CODES, LETTERS = "iscc", "letters"


def means() -> str:
    """By what prints can be made here: letters, and content codes where the extra `media` is installed."""
    try:
        library("iscc_lib")
    except InputError:
        return VERSION
    return f"{VERSION}+{CODES}"


def print_of(sha256: str, data: bytes, media_type: str, made_with: str) -> tuple[Print, str]:
    """What a file is recognised by, and its content code as a text; "" where there is none."""
    text = text_of(data, media_type)
    code = _code(data, media_type, text) if made_with.endswith(CODES) else ""
    codes: tuple[tuple[str, bytes], ...] = ()
    if code:
        kind, bits = code_bytes(code)
        codes = ((KINDS[kind], bits),)
    return Print(sha256, letters_digest(text) if text else "", codes), code


def _code(data: bytes, media_type: str, text: str) -> str:
    try:
        if text:
            return work_code(text.encode("utf-8", "replace"), "text/plain")
        if media_type.startswith("image/") and (code := work_code(data, media_type)):
            return code
        return str(library("iscc_lib").gen_data_code_v0(io.BytesIO(data), bits=BITS)["iscc"])
    except (EndcreditsError, ValueError):
        return ""  # a file is never refused for having no code


def prints_of(
    studio: Studio,
    cache: Cache,
    files: Mapping[str, str],
    content: Mapping[str, bytes],
    made_with: str,
    *,
    registered: Mapping[str, Sequence[Name]],
) -> tuple[dict[str, Print], list[FileMark]]:
    """What files are recognised by, each made once.

    Args:
        studio: whose.
        cache: where prints are kept.
        files: media types by SHA-256.
        content: bytes that are at hand; others are read from the studio's copies.
        made_with: from `means`.
        registered: other names of files that the registry holds, by SHA-256.

    Returns:
        The prints by SHA-256, and what the registry does not hold of those that were made now, as other names of the files.

    Raises:
        IntegrityError: a registered file is missing or damaged.
    """
    cached = cache.prints(list(files), made_with)
    found = {sha256: one for sha256, one in cached.items() if _agrees(one, registered.get(sha256, ()), made_with)}
    new: dict[str, Print] = {}
    marks: list[FileMark] = []
    for sha256, media_type in files.items():
        if sha256 in found:
            continue
        data = content[sha256] if sha256 in content else get_content(studio.content, sha256)
        new[sha256], code = print_of(sha256, data, media_type, made_with)
        names = ((CODES, code), (LETTERS, _letters_name(new[sha256])))
        marks += [FileMark(sha256, *name) for name in names if name[1] and name not in registered.get(sha256, ())]
    cache.keep_prints(new, made_with)
    return {**found, **new}, marks


def _letters_name(one: Print) -> str:
    return f"{VERSION}:{one.letters_sha256}" if one.letters_sha256 else ""


def _agrees(one: Print, names: Sequence[Name], made_with: str) -> bool:
    """Whether the registry holds what a print says, no less and no more; of a file without names nobody vouches for that."""
    known = {unit for code in codes_of(names) if (found := code_print(code, "")) is not None for unit in found.codes}
    letters = [value for kind, value in names if kind == LETTERS and value.startswith(f"{VERSION}:")]
    if letters != list(filter(None, [_letters_name(one)])) or not (known or letters):
        return False
    return not made_with.endswith(CODES) or (known.issuperset(one.codes) and bool(known) == bool(one.codes))


def code_print(code: str, owner: str) -> Print | None:
    """What a content code that was handed in alone finds; None for a code that is compared with none."""
    try:
        kind, bits = code_bytes(code)
    except InputError:
        return None
    return Print("", "", ((KINDS[kind], bits),), owner) if kind in KINDS else None


def codes_of(names: Iterable[tuple[str, str]]) -> list[str]:
    """The content codes among a file's other names."""
    return sorted(value for kind, value in names if kind == "iscc")
