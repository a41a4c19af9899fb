"""PDF (ISO 32000): the metadata stream of the document, and those of its parts.

A PDF keeps XMP in streams of type `/Metadata`, plain or compressed. The one that the catalogue names speaks for the whole
document; others belong to pages and pictures, whose no is honoured and whose yes is theirs alone. Objects are found by
their bytes, without the cross-reference table, so a damaged file is read too, and so is what a later version replaced.
An encrypted document hides its streams, and an object stream may hide the catalogue: then a sole packet is taken for the
document's.
"""

from __future__ import annotations

import re

from endcredits.works.signals.packets import PACKETS_MAX, Buffer, Packet
from endcredits.works.signals.walked import CUT, Walked, inflated

_METADATA = b"/Metadata"
_OBJECT = re.compile(rb"(\d{1,10})\s{1,9}(\d{1,5})\s{1,9}obj\b")
_CATALOGUE = re.compile(rb"/Metadata\s{1,9}(\d{1,10})\s{1,9}(\d{1,5})\s{1,9}R")
_DICTIONARY_BYTES = 4_096
"""How far around its name a metadata stream's dictionary is looked for."""


def walk_pdf(data: Buffer) -> Walked:
    """The metadata streams of a PDF."""
    walked = Walked()
    if data.rfind(b"%%EOF") < 0:
        walked.problem = CUT
    if re.search(rb"/Encrypt\s{1,9}\d{1,10}\s{1,9}\d{1,5}\s{1,9}R", data):
        walked.problem = "the document is encrypted; its metadata may be hidden"
    main = _named_by_catalogue(data)
    found: list[tuple[str, bytes, str]] = []
    at = 0
    while (hit := data.find(_METADATA, at)) >= 0 and len(found) < PACKETS_MAX:
        at = hit + len(_METADATA)
        stream = _stream(data, hit)
        if stream is not None:
            number, start, end, packed = stream
            raw = bytes(data[start:end])
            text, problem = inflated(raw.strip(b"\r\n")) if packed else (raw, "")
            found.append((number, text, problem))
            walked.covered.append((start, end))
            at = max(at, end)
    sole = len(found) == 1 and not main
    for number, text, problem in found:
        whole = sole or number in main
        walked.packets.append(Packet(text, f"metadata stream {number}", whole, problem))
    return walked


def _named_by_catalogue(data: Buffer) -> set[str]:
    """ "number generation" of the metadata that each version's catalogue names."""
    found: set[str] = set()
    at = 0
    while (hit := data.find(b"/Catalog", at)) >= 0 and len(found) < PACKETS_MAX:
        at = hit + 8
        low = max(data.rfind(b"obj", max(0, hit - _DICTIONARY_BYTES), hit), 0)
        high = data.find(b"endobj", hit, hit + _DICTIONARY_BYTES)
        match = _CATALOGUE.search(
            bytes(data[low : high if 0 <= high < hit + _DICTIONARY_BYTES else hit + _DICTIONARY_BYTES])
        )
        if match:
            found.add(f"{int(match[1])} {int(match[2])}")
    return found


def _stream(data: Buffer, hit: int) -> tuple[str, int, int, bool] | None:
    """("number generation", first byte, byte after the last, compressed) of the metadata stream around a name, if any."""
    low = max(0, hit - _DICTIONARY_BYTES)
    before = bytes(data[low:hit])
    heads = list(_OBJECT.finditer(before))
    if not heads or b"endobj" in before[heads[-1].end() :]:
        return None
    mark = data.find(b"stream", hit, hit + _DICTIONARY_BYTES)
    closed = data.find(b"endobj", hit, hit + _DICTIONARY_BYTES)
    if mark < 0 or 0 <= closed < mark:
        return None
    dictionary = before[heads[-1].end() :] + bytes(data[hit:mark])
    if not re.search(rb"/Type\s*/Metadata\b", dictionary):
        return None
    start = mark + len(b"stream")
    start += 2 if data[start : start + 2] == b"\r\n" else 1
    end = data.find(b"endstream", start)
    number = f"{int(heads[-1][1])} {int(heads[-1][2])}"
    return number, start, len(data) if end < 0 else end, b"/FlateDecode" in dictionary or b"/Fl " in dictionary
