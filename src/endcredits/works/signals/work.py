"""All that the bytes of one work say about its use, whatever its format.

The format is told by the bytes, not by the name; a name only helps where bytes do not decide (a page is text). Reading
comes before anything else is done with a work, because almost everything else (scaling, re-saving, taking the text)
strips metadata.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from endcredits.works.signals.c2pa import SPOKEN, looks_like_store, read_c2pa
from endcredits.works.signals.containers import walk
from endcredits.works.signals.epub import looks_like_epub, read_epub
from endcredits.works.signals.licence_words import read_spdx
from endcredits.works.signals.packets import Buffer, packets_outside, uncovered
from endcredits.works.signals.pdf import walk_pdf
from endcredits.works.signals.records import Found, Signal, carrier_of, of_a_part
from endcredits.works.signals.rsl import looks_like_rsl, read_rsl
from endcredits.works.signals.walked import Walked
from endcredits.works.signals.web_page import PAGE_BYTES_MAX, read_page
from endcredits.works.signals.xml import XML_BYTES_MAX
from endcredits.works.signals.xmp import read_xmp

_PAGES = (".html", ".htm", ".xhtml", ".shtml")
_HEAD = 2_000


@dataclass(frozen=True, slots=True)
class Reading:
    """What a work's own bytes say.

    Attributes:
        media_type: as its first bytes tell ("image/jpeg"); "text/plain" or "application/octet-stream" where they do not.
        signals: in the order of the bytes.
    """

    media_type: str
    signals: tuple[Signal, ...]


def read_work(data: Buffer, found: Found, *, name: str = "", media_type: str = "") -> Reading:
    """Reads every carrier that a work's bytes can hold.

    Args:
        data: all its bytes; a large file may be mapped.
        found: where they were found.
        name: the file's name, for its suffix.
        media_type: from the server that sent it, if known.
    """
    if len(data) == 0:
        return Reading(
            "application/octet-stream", carrier_of(found, "file", b"").unreadable("file", "it is empty", place="")
        )
    known, walked = walk(data)
    if not known and data.find(b"%PDF-", 0, 1024) >= 0:
        known, walked = "application/pdf", walk_pdf(data)
    if not known and looks_like_epub(data):
        return Reading("application/epub+zip", (*read_epub(data, found), *_packets(data, walked, found)))
    if not known and _is_text(data):
        return _read_text(data, found, name, media_type)
    signals = _packets(data, walked, found)
    if walked.problem:
        signals += carrier_of(found, "file", b"").unreadable("file", walked.problem, place=known or "bytes")
    if any(data.find(SPOKEN, low, high) >= 0 for low, high in uncovered(walked.covered, len(data))):
        problem = "its content credentials speak about training, and nobody has read them; "
        problem += "install endcredits[media], or put a C2PA reader's JSON beside it"
        signals += carrier_of(found, "C2PA", b"").unreadable("CAWG", problem, place="content credentials")
    return Reading(known or "application/octet-stream", signals)


def _packets(data: Buffer, walked: Walked, found: Found) -> tuple[Signal, ...]:
    """The XMP packets where the format keeps them, then those anywhere else."""
    signals: list[Signal] = []
    for packet in (*walked.packets, *packets_outside(data, walked.covered)):
        if packet.problem:
            problem = f"an XMP packet cannot be read: {packet.problem}"
            signals += carrier_of(found, "XMP", packet.data).unreadable("XMP", problem, place=packet.place)
        said = read_xmp(packet.data, found, packet.place) if packet.data else ()
        signals += said if packet.whole else of_a_part(said, "a part of the file")
    return tuple(signals)


def _is_text(data: Buffer) -> bool:
    head = bytes(data[:_HEAD])
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    return head.count(0) == 0 or head.count(0) * 3 >= len(head)


def _read_text(data: Buffer, found: Found, name: str, media_type: str) -> Reading:
    head = bytes(data[:_HEAD])
    low = head.replace(b"\0", b"").lower().lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    suffix = f".{name.rpartition('.')[2].casefold()}" if "." in name else ""
    if "html" in media_type or suffix in _PAGES or low.startswith((b"<!doctype html", b"<html")):
        text = bytes(data[: PAGE_BYTES_MAX + 1])
        return Reading("text/html", (*read_page(text, found), *read_spdx(text, found)))
    if looks_like_rsl(head.lstrip(b"\xef\xbb\xbf")):
        return Reading("application/rsl+xml", read_rsl(bytes(data[: XML_BYTES_MAX + 1]), found))
    if low.startswith(b"{") and b'"manifests"' in data[:100_000]:
        text = bytes(data[: XML_BYTES_MAX + 1])
        if looks_like_store(_json(text)):
            return Reading("application/json", read_c2pa(text, found))
    if suffix in (".xmp", ".svg") or b"<svg" in low or low.startswith((b"<?xpacket", b"<x:xmpmeta")):
        kind = "image/svg+xml" if suffix == ".svg" or b"<svg" in low else "application/rdf+xml"
        text = bytes(data[: XML_BYTES_MAX + 1])
        return Reading(
            kind, (*read_xmp(text.lstrip(b"\xef\xbb\xbf \t\r\n"), found, "the document"), *read_spdx(text, found))
        )
    return Reading("text/plain", (*read_spdx(head + bytes(data[_HEAD : 2**15]), found), *_packets(data, Walked(), found)))


def _json(text: bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        # Broken JSON that speaks of manifests: let the reader of manifests say what is wrong with it.
        return {"manifests": {}}
