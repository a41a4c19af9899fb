"""EPUB 2 and 3: the package document inside the ZIP file.

TDMRep stands in its metadata: EPUB 2 `<meta name="tdm:reservation" content="1"/>`, EPUB 3
`<meta property="tdm:reservation">1</meta>`, each with `tdm:policy`. Licences stand in `<dc:rights>` and in
`<link rel="cc:license" href="..."/>`. Only the container file and the package documents are unpacked, and only so far: an
archive that unpacks to gigabytes is refused before it does.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from mmap import mmap
from typing import Any
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from endcredits.works.signals.licence_words import licence, spdx_of_address
from endcredits.works.signals.packets import Buffer
from endcredits.works.signals.records import Carrier, Found, Signal, carrier_of
from endcredits.works.signals.tdmrep import reservation
from endcredits.works.signals.usage_words import AIPREF, read_words
from endcredits.works.signals.xml import local, parse_xml, text_of

CARRIER = "EPUB"

MEMBER_BYTES_MAX = 5_000_000
"""A container file or package document that unpacks to more is refused."""

MEMBERS_MAX = 100_000
PACKAGES_MAX = 20

_CONTAINER = "META-INF/container.xml"
_NAMES = {"tdm:reservation": "reservation", "tdm:policy": "policy"}


def looks_like_epub(data: Buffer) -> bool:
    """Whether a ZIP file says that it is an EPUB."""
    return data[:2] == b"PK" and (data.find(b"application/epub+zip", 0, 200) >= 0 or data.find(_CONTAINER.encode()) >= 0)


def read_epub(data: Buffer, found: Found) -> tuple[Signal, ...]:
    """What an EPUB's package documents say."""
    signals: list[Signal] = []
    outer = carrier_of(found, CARRIER, b"")
    try:
        with zipfile.ZipFile(io.BytesIO(data) if isinstance(data, bytes) else io.BufferedReader(_Mapped(data))) as book:
            if len(book.namelist()) > MEMBERS_MAX:
                return outer.unreadable(CARRIER, f"it holds more than {MEMBERS_MAX} files", place="the archive")
            container = parse_xml(_member(book, _CONTAINER))
            paths = [one.get("full-path", "") for one in container.iter() if local(one.tag) == "rootfile"]
            if not paths:
                return outer.unreadable(CARRIER, "its container names no package document", place=_CONTAINER)
            if len(paths) > PACKAGES_MAX:
                return outer.unreadable(CARRIER, f"it names more than {PACKAGES_MAX} package documents", place=_CONTAINER)
            for path in dict.fromkeys(paths):
                package = _member(book, path)
                signals += _package(parse_xml(package), carrier_of(found, CARRIER, package), path)
    except (
        ValueError,
        KeyError,
        OSError,
        EOFError,
        RuntimeError,
        NotImplementedError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        words = str(error).strip("'\"") or type(error).__name__
        signals += outer.unreadable(CARRIER, f"it cannot be read: {words}", place="the archive")
    return tuple(signals)


class _Mapped(io.RawIOBase):
    """A mapped file as zipfile wants to read it, without copying it."""

    def __init__(self, data: mmap) -> None:
        super().__init__()
        self._data = data
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._data)}[whence]
        if base + offset < 0:
            raise OSError("a place before the beginning")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        piece = self._data[self._at : self._at + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


def _member(book: zipfile.ZipFile, name: str) -> bytes:
    try:
        info = book.getinfo(name)
    except KeyError:
        info = book.getinfo(unquote(name))
    if info.file_size > MEMBER_BYTES_MAX:
        raise ValueError(f"{name} unpacks to {info.file_size} bytes, more than {MEMBER_BYTES_MAX}")
    with book.open(info) as member:
        # The size that the archive states may be a lie; the bytes are counted too.
        text = member.read(MEMBER_BYTES_MAX + 1)
    if len(text) > MEMBER_BYTES_MAX:
        raise ValueError(f"{name} unpacks to more than {MEMBER_BYTES_MAX} bytes")
    return text


def _package(root: Element, carrier: Carrier, path: str) -> tuple[Signal, ...]:
    values: dict[str, list[str]] = {}
    wrong = ""
    signals: list[Signal] = []
    for element in root.iter():
        name = local(element.tag)
        if name == "meta":
            key = (element.get("property") or element.get("name") or "").strip()
            content: Any = element.get("content")
            text = content if content is not None else text_of(element)
            known = _NAMES.get(key) or _NAMES.get(key.casefold().replace("-", ":", 1).replace("_", ":", 1))
            if known:
                values.setdefault(known, []).append(text)
                wrong = wrong or ("" if key in _NAMES else f"'{key}' should be 'tdm:{known}'; honoured as a no")
            elif key.casefold() in ("content-usage", "aipref:content-usage"):
                signals += read_words(text, AIPREF, carrier, f"{path}, meta {key}")
        elif name == "rights" and spdx_of_address(text_of(element)):
            signals += licence(carrier, text_of(element), f"{path}, dc:rights")
        elif name == "link" and "license" in (element.get("rel") or "").casefold():
            signals += licence(carrier, element.get("href", ""), f"{path}, link rel=license")
    policies = set(values.get("policy", ()))
    policy = next(iter(policies)) if len(policies) == 1 else None
    for value in values.get("reservation", ()):
        signals += reservation(carrier, value, policy, f"{path}, meta tdm:reservation", problem=wrong)
    if policies and "reservation" not in values:
        signals += reservation(carrier, None, sorted(policies)[0], f"{path}, meta tdm:policy", problem=wrong)
    return tuple(signals)
