"""XMP packets in any bytes, without knowing the file's format.

A packet is found by the name of the RDF namespace, which every packet must spell out, whatever prefixes it uses; UTF-16
spells it with zero bytes between. From there the enclosing element gives the packet's first and last byte.

Where a format says where its own packet stands (`containers.py`), that packet speaks for the whole file. One found
anywhere else may belong to a thumbnail, a picture inside a PDF or a former version: its no is honoured, its yes is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap

Buffer = bytes | mmap
"""A file's bytes; large files are mapped."""

PACKET_BYTES_MAX = 16_000_000
"""A longer packet is cut, and then it is broken."""

PACKETS_MAX = 200
"""More packets than this in one file are not looked at."""

_RDF = "22-rdf-syntax-ns#"
_NEEDLES = (("utf-8", _RDF.encode()), ("utf-16-le", _RDF.encode("utf-16-le")), ("utf-16-be", _RDF.encode("utf-16-be")))
_META_WITHIN = 8_192
"""How far before the RDF element its wrapper may begin, in bytes."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet of a file.

    Attributes:
        data: its bytes.
        place: in words.
        whole: whether it speaks for the whole file.
        problem: why it is not complete; "" if it is.
    """

    data: bytes
    place: str
    whole: bool
    problem: str = ""


def packets_outside(data: Buffer, covered: list[tuple[int, int]]) -> Iterator[Packet]:
    """The packets in bytes that lie in none of the covered ranges.

    Args:
        data: a file's bytes.
        covered: (first byte, byte after the last) of what was read already, or can hold nothing.
    """
    gaps, count = uncovered(covered, len(data)), 0
    for encoding, needle in _NEEDLES:
        at = 0
        for low, high in gaps:
            at = max(at, low)
            while (hit := data.find(needle, at, high)) >= 0:
                count += 1
                if count > PACKETS_MAX:
                    yield Packet(b"", f"after byte {hit}", False, f"it holds more than {PACKETS_MAX} packets")
                    return
                start, end, problem = _bounds(data, hit, at, encoding)
                yield Packet(_as_utf8(data[start:end], encoding), f"XMP packet at byte {start}", False, problem)
                at = max(end, hit + len(needle))


def uncovered(covered: list[tuple[int, int]], size: int) -> list[tuple[int, int]]:
    """What is left of `size` bytes without the covered ranges.

    >>> uncovered([(2, 5), (4, 7)], 9)
    [(0, 2), (7, 9)]
    """
    gaps, at = [], 0
    for start, end in sorted(covered):
        if start > at:
            gaps.append((at, start))
        at = max(at, end)
    return [*gaps, (at, size)] if at < size else gaps


def _bounds(data: Buffer, hit: int, floor: int, encoding: str) -> tuple[int, int, str]:
    """(first byte, byte after the last, what is wrong) of the packet around a hit."""
    low = max(floor, hit - _META_WITHIN)
    bracket = "<".encode(encoding)
    start = data.rfind(bracket, low, hit)
    meta = data.rfind(":xmpmeta".encode(encoding), low, max(hit, low))
    closed = data.rfind("</".encode(encoding), low, meta) == meta - len("</x".encode(encoding)) if meta >= 0 else True
    if meta >= 0 and not closed:
        start = max(data.rfind(bracket, low, meta), low)
    if start < 0:
        return hit, hit, "a packet without a beginning"
    head = data[start : start + 200].decode(encoding, "replace")
    name = re.match(r"<([\w:.-]+)", head)
    if name is None:
        return start, min(hit + 100, len(data)), "a packet without a beginning"
    tail = f"</{name[1]}>".encode(encoding)
    limit = min(len(data), start + PACKET_BYTES_MAX)
    end = data.find(tail, hit, limit)
    if end < 0:
        return start, limit, "a packet without an end"
    return start, end + len(tail), ""


def _as_utf8(packet: bytes, encoding: str) -> bytes:
    return packet if encoding == "utf-8" else packet.decode(encoding, "replace").encode("utf-8", "replace")
