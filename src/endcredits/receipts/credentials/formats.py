"""What kind of file it is, by its bytes, and where its manifest goes: into the file, or beside it.

A file's name may be wrong, its first bytes are not: the library is told what the bytes say. Formats that have a place for a
manifest carry it inside. Text, WebM and Ogg have none (C2PA 2): their manifest is a file beside them, a *sidecar*
(`poem.txt.c2pa`), which binds the exact bytes just as well but can be left behind. Everything else is refused, unless a
sidecar is asked for.
"""

from __future__ import annotations

import codecs
import os
from dataclasses import dataclass
from pathlib import Path

from endcredits.durable import machine_error
from endcredits.errors import InputError, NotFoundError

SIDECAR_SUFFIX = ".c2pa"
_HEAD = 4096


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file.

    Attributes:
        name: for people ("PNG").
        media_type: IANA media type, which manifests and records name.
        told: what the signing library is to be told, which is not always the media type.
        embeds: whether the manifest goes into the file; else it becomes a sidecar.
        content: which content code it has: "image", "text" or "" for none here.
    """

    name: str
    media_type: str
    told: str
    embeds: bool = True
    content: str = ""


def _format(name: str, media_type: str, *, told: str = "", embeds: bool = True, content: str = "") -> Format:
    return Format(name, media_type, told or media_type, embeds, content)


PNG = _format("PNG", "image/png", content="image")
JPEG = _format("JPEG", "image/jpeg", content="image")
WEBP = _format("WebP", "image/webp", content="image")
GIF = _format("GIF", "image/gif", content="image")
TIFF = _format("TIFF", "image/tiff", content="image")
SVG = _format("SVG", "image/svg+xml")
AVIF = _format("AVIF", "image/avif")
HEIC = _format("HEIC", "image/heic")
WAV = _format("WAV", "audio/wav")
MP3 = _format("MP3", "audio/mpeg")
M4A = _format("M4A", "audio/mp4")
FLAC = _format("FLAC", "audio/flac")
MP4 = _format("MP4", "video/mp4")
MOV = _format("QuickTime", "video/quicktime")
AVI = _format("AVI", "video/avi")
PDF = _format("PDF", "application/pdf")
ZIP = _format("ZIP", "application/zip", told="zip")
"""The library refuses application/zip and takes zip."""
DOCX = _format(
    "DOCX",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    told="docx",
)
EPUB = _format("EPUB", "application/epub+zip")
WEBM = _format("WebM or Matroska", "video/webm", embeds=False)
OGG = _format("Ogg", "audio/ogg", embeds=False)
TEXT = _format("text", "text/plain", embeds=False, content="text")
OTHER = _format("a file of another type", "application/octet-stream", embeds=False)

_BRANDS = {
    b"qt  ": MOV,
    b"M4A ": M4A,
    b"M4B ": M4A,
    b"avif": AVIF,
    b"avis": AVIF,
    b"heic": HEIC,
    b"heix": HEIC,
    b"mif1": HEIC,
}
_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"GIF8", GIF),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"ID3", MP3),
    (b"fLaC", FLAC),
    (b"%PDF-", PDF),
    (b"\x1aE\xdf\xa3", WEBM),
    (b"OggS", OGG),
)
_RIFF = {b"WEBP": WEBP, b"WAVE": WAV, b"AVI ": AVI}


def format_of(path: str | os.PathLike[str], *, sidecar: bool = False) -> Format:
    """What a file is.

    Args:
        path: the file.
        sidecar: take any file, and keep its manifest beside it.

    Raises:
        NotFoundError: there is no such file.
        InputError: it is empty, or of a type that can hold no manifest, and no sidecar was asked for.
        MachineError: it cannot be read.
    """
    place = Path(path)
    try:
        with place.open("rb") as file:
            head = file.read(_HEAD)
    except FileNotFoundError as error:
        raise NotFoundError("there is no such file", remedy="Check its name.", file=place) from error
    except IsADirectoryError as error:
        raise InputError("this is a folder", remedy="Name one file.", file=place) from error
    except OSError as error:
        raise machine_error(error, place) from error
    if not head:
        raise InputError("the file is empty", remedy="Give the output itself.", file=place)
    found = known_format(head, place.suffix.lower())
    if found is None and not sidecar:
        raise InputError(
            "the file is of no type that can hold a manifest",
            remedy="Use PNG, JPEG, WebP, GIF, TIFF, SVG, WAV, MP3, M4A, FLAC, MP4, MOV, AVI, PDF, ZIP, DOCX or EPUB; "
            "or ask for a manifest beside the file with --sidecar.",
            file=place,
        )
    chosen = found or OTHER
    return Format(chosen.name, chosen.media_type, chosen.told, chosen.embeds and not sidecar, chosen.content)


def known_format(head: bytes, suffix: str) -> Format | None:
    """What a file is, told by its first bytes and the ending of its name; None for a kind that holds no manifest."""
    if not head:
        return None
    for beginning, form in _BEGINNINGS:
        if head.startswith(beginning):
            return form
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], MP4)
    if head[:4] == b"PK\3\4":
        return EPUB if b"mimetypeapplication/epub+zip" in head[:80] else DOCX if suffix == ".docx" else ZIP
    if head[0] == 0xFF and len(head) > 3 and head[1] & 0xE6 == 0xE2 and head[2] & 0xF0 not in (0, 0xF0):
        return MP3  # frame sync, layer III, a bit rate
    if not _is_text(head):
        return None
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    drawn = suffix == ".svg" or begin.startswith(b"<svg") or (begin.startswith(b"<?xml") and b"<svg" in begin)
    return SVG if drawn else TEXT


def _is_text(head: bytes) -> bool:
    """Whether bytes are the beginning of UTF-8 text."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return not any(letter < " " and letter not in "\t\n\r\f\x1b" for letter in text)
