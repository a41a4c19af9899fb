"""The letters of a text, whatever file they stand in: what stays the same when a work is typeset or encoded anew.

A text that is saved in another encoding, set as a web page, with curly quotes, other line ends, hyphens, ligatures or
capitals, has other bytes and the same letters. So two files are compared by their letters and digits alone, without
accents and case, in their order.

Texts are read out of plain files in UTF-8, UTF-16, UTF-32 and Windows-1252, out of HTML, XML and SVG, and out of EPUB and
DOCX. PDF files are not read: their letters lie in fonts and positions. Markup is read in one pass that takes as long as the
file is long, and that no markup breaks: what a browser shows is shown here.
"""

from __future__ import annotations

import codecs
import io
import re
import unicodedata
import zipfile
import zlib
from html import unescape

from endcredits.works.signals.xml import local, parse_xml

UNPACKED_BYTES_MAX = 50_000_000
"""An archive's texts beyond this are not unpacked."""

_MARKED_UP = ("html", "xml")
_PAGES = (".xhtml", ".html", ".htm")
_SILENT = ("script", "style", "template", "metadata", "title")
_RAW = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in ("script", "style")}
"""Tags inside these are none, until this."""
_TAG = re.compile(r"<(/?)([A-Za-z][^\s/>]*)")
_IN_TAG = re.compile(r">|=\s*([\"'])")
_COMMENT_END = re.compile("--!?>")
_ENDLESS = re.compile("&#[0-9]{20,};?")
"""Numbers of no character, so long that they cannot be made one."""
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
    parts: list[str] = []
    silent: list[str] = []
    at = 0
    while 0 <= at < len(markup):
        opened = markup.find("<", at)
        data = markup[at:] if opened < 0 else markup[at:opened]
        if data and not silent:
            parts.append(unescape(_ENDLESS.sub("\N{REPLACEMENT CHARACTER}", data)))
        if opened < 0:
            break
        tag = _TAG.match(markup, opened)
        if tag is None:
            if markup[opened + 1 : opened + 2] not in ("!", "?", "/") and not silent:
                parts.append("<")
            at = _after_declaration(markup, opened)
            continue
        at, name = _after_tag(markup, tag.end()), tag[2].lower()
        if tag[1] and name in silent:
            del silent[silent.index(name) :]
        elif not tag[1] and name in _SILENT and markup[at - 2 : at] != "/>":
            if name in _RAW:
                end = _RAW[name].search(markup, at) if at > 0 else None
                at = end.start() if end else -1
            silent.append(name)
    return " ".join(" ".join(parts).split())


def _after_declaration(markup: str, opened: int) -> int:
    """Where a comment, a declaration or a lone "<" ends; -1 where it does not."""
    if markup.startswith("<!--", opened):
        end = _COMMENT_END.search(markup, opened + 2)
        return end.end() if end else -1
    if markup.startswith("<![CDATA[", opened):
        return opened + len("<![CDATA[")
    if markup[opened + 1 : opened + 2] in ("!", "?", "/"):
        return markup.find(">", opened) + 1 or -1
    return opened + 1


def _after_tag(markup: str, at: int) -> int:
    """Where a tag ends, behind its values in quotes; -1 where it does not."""
    while (found := _IN_TAG.search(markup, at)) and found[1]:
        at = markup.find(found[1], found.end()) + 1
        if not at:
            return -1
    return found.end() if found else -1


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
        try:
            elements = list(parse_xml(part).iter())
        except ValueError:
            continue  # its pages are in the order of their names
        by_id = {one.get("id", ""): one.get("href", "") for one in elements if local(one.tag) == "item"}
        folder = name.rpartition("/")[0]
        spine += [
            f"{folder}/{by_id.get(one.get('idref', ''), '')}".lstrip("/") for one in elements if local(one.tag) == "itemref"
        ]
    known = set(pages)
    first = [page for page in dict.fromkeys(spine) if page in known]
    return [*first, *sorted(known - set(first))]


def _unpacked(archive: zipfile.ZipFile, names: list[str]) -> list[bytes]:
    left, parts = UNPACKED_BYTES_MAX, []
    for name in names:
        with archive.open(name) as part:
            parts.append(part.read(left))
        left -= len(parts[-1])
    return parts
