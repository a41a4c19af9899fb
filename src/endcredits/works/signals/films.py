"""MP4 and MOV (ISO 14496-12): boxes in boxes; the packet is a `uuid` box or `moov/udta/XMP_`."""

from __future__ import annotations

from collections.abc import Iterator

from endcredits.works.signals.packets import Buffer
from endcredits.works.signals.walked import CUT, Walked

XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")

BOXES_MAX = 10_000
"""More boxes than this are not walked."""


def walk_mp4(data: Buffer) -> Walked:
    """The boxes of the top level, and the user data of the movie."""
    walked = Walked()
    for kind, start, end in _boxes(data, 0, len(data), walked):
        if kind == b"uuid" and data[start : start + 16] == XMP_UUID:
            walked.take(data, start + 16, end, f"uuid box at byte {start}")
        elif kind == b"moov":
            for inner, low, high in _boxes(data, start, end, walked):
                if inner == b"udta":
                    for name, first, last in _boxes(data, low, high, Walked()):
                        if name == b"XMP_":
                            walked.take(data, first, last, f"XMP_ box at byte {first}")
    return walked


def _boxes(data: Buffer, at: int, end: int, walked: Walked) -> Iterator[tuple[bytes, int, int]]:
    for _ in range(BOXES_MAX):
        if at + 8 > end:
            return
        size, head = int.from_bytes(data[at : at + 4], "big"), 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif size == 0:
            size = end - at
        if size < head or at + size > end:
            walked.problem = CUT
            return
        yield bytes(data[at + 4 : at + 8]), at + head, at + size
        at += size
