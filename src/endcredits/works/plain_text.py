"""The letters of a text, whatever file they stand in: what stays the same when a work is typeset or encoded anew.

A text that is saved in another encoding, set as a web page, with curly quotes, other line ends, hyphens, ligatures or
capitals, has other bytes and the same letters. So two files are compared by their letters and digits alone, without
accents and case, in their order.

Texts are read out of plain files in UTF-8, UTF-16, UTF-32 and Windows-1252, out of HTML, XML and SVG, and out of EPUB and
DOCX. PDF files are not read: their letters lie in fonts and positions.
"""

from __future__ import annotations

import codecs
import io
import re
import unicodedata
import zipfile
import zlib
from html.parser import HTMLParser

UNPACKED_BYTES_MAX = 50_000_000
"""An archive's texts beyond this are not unpacked."""

_MARKED_UP = ("html", "xml")
_PAGES = (".xhtml", ".html", ".htm")
_SILENT = ("script", "style", "template", "metadata", "title")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HEAD = 2_000


def text_of(data: bytes, media_type: str) -> str:
    """The text that a file shows to its reader; empty where it is none, or where nothing here can read it.

    Args:
        data: all its bytes.
        media_type: as its bytes tell, or its name.

    >>> text_of("<p>Caf\\u00e9 &amp; bar</p>".encode("utf-16"), "text/html")
    'Caf\\xe9 & bar'
    """
    if media_type in ("application/epub+zip", "application/zip") or data[:4] == b"PK\3\4":
        return _archived(data)
    if not media_type.startswith("text/") and not any(word in media_type for word in _MARKED_UP):
        return ""
    text = decoded(data)
    return shown(text) if any(word in media_type for word in _MARKED_UP) else text


def letters_of(text: str) -> str:
    """Letters and digits alone, in their order, without accents and case.

    >>> letters_of("The \\ufb01rst \\u201cCaf\\u00e9\\u201d \\u2013 ex-\\nample")
    'thefirstcafeexample'
    """
    if text.isascii():
        return "".join(filter(str.isalnum, text.lower()))
    flat = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in unicodedata.normalize("NFKD", flat) if letter.isalnum())


def decoded(data: bytes) -> str:
    """Text in whatever encoding it seems to be in; every byte gives something."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    head = data[:_HEAD]
    nuls = head.count(0)
    if nuls * 3 >= len(head) > 1:  # every other byte of western text in UTF-16
        return data.decode("utf-16-be" if head[0::2].count(0) > head[1::2].count(0) else "utf-16-le", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def shown(markup: str) -> str:
    """What a page or a document in XML shows, without its tags.

    >>> shown("<style>p {}</style><p>one</p><p>t&ouml;o</p>")
    'one t\\xf6o'
    """
    reader = _Shown()
    reader.feed(markup)
    reader.close()
    return " ".join(" ".join(reader.parts).split())


class _Shown(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._silent:
            del self._silent[self._silent.index(tag) :]

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)


def _archived(data: bytes) -> str:
    """The texts of an EPUB in the order of its package, or of a DOCX; empty for any other archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if "word/document.xml" in names:
                chosen = ["word/document.xml"]
            elif "META-INF/container.xml" in names:
                chosen = _in_order(archive, [name for name in names if name.lower().endswith(_PAGES)])
            else:
                return ""
            return " ".join(shown(decoded(part)) for part in _unpacked(archive, chosen))
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, KeyError, NotImplementedError, RuntimeError):
        return ""


def _in_order(archive: zipfile.ZipFile, pages: list[str]) -> list[str]:
    """Pages in the order of the spine; one that no spine names comes last, by name."""
    packages = [name for name in archive.namelist() if name.lower().endswith(".opf")]
    spine: list[str] = []
    for name, part in zip(packages[:1], _unpacked(archive, packages[:1]), strict=True):
        text = decoded(part)
        items = [
            dict(re.findall(r'([\w:-]+)\s*=\s*["\']([^"\']*)', tag)) for tag in re.findall(r"<(?:\w+:)?item\s[^>]*>", text)
        ]
        by_id = {item.get("id", ""): item.get("href", "") for item in items}
        folder = name.rpartition("/")[0]
        for found in re.findall(r'<(?:\w+:)?itemref\s[^>]*?idref\s*=\s*["\']([^"\']*)', text):
            spine.append(f"{folder}/{by_id.get(found, '')}".lstrip("/"))
    first = [page for page in dict.fromkeys(spine) if page in pages]
    return [*first, *sorted(set(pages) - set(first))]


def _unpacked(archive: zipfile.ZipFile, names: list[str]) -> list[bytes]:
    left, parts = UNPACKED_BYTES_MAX, []
    for name in names:
        with archive.open(name) as part:
            parts.append(part.read(left))
        left -= len(parts[-1])
    return parts
