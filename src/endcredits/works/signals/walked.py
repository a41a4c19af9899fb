"""What a walk through a file's structure hands back, whatever the format."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

from endcredits.works.signals.packets import PACKET_BYTES_MAX, Buffer, Packet

CUT = "the file is cut short; what is missing may hold a no"


@dataclass(slots=True)
class Walked:
    """What a walk through a file found.

    Attributes:
        packets: for the whole file.
        covered: byte ranges that need no second look: those packets, and compressed pictures.
        problem: why the walk did not reach the end; "" if it did.
    """

    packets: list[Packet] = field(default_factory=list)
    covered: list[tuple[int, int]] = field(default_factory=list)
    problem: str = ""

    def take(self, data: Buffer, start: int, end: int, place: str) -> None:
        """Takes a packet that lies in the file as it is."""
        self.packets.append(Packet(bytes(data[start:end]), place, True))
        self.covered.append((start, end))


def inflated(data: bytes) -> tuple[bytes, str]:
    """(what zlib data holds, at most `PACKET_BYTES_MAX` bytes of it; what is wrong)."""
    stream = zlib.decompressobj()
    try:
        out = stream.decompress(data, PACKET_BYTES_MAX)
    except zlib.error as error:
        return b"", f"its compressed bytes are broken ({error})"
    if stream.unconsumed_tail:
        return out, f"it unpacks to more than {PACKET_BYTES_MAX} bytes"
    return out, "" if stream.eof else "its compressed bytes are cut short"
