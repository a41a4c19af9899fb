"""TIFF 6.0: the packet is tag 700 of the first directory; the strips say how long the file must be."""

from __future__ import annotations

import struct

from endcredits.works.signals.packets import Buffer
from endcredits.works.signals.walked import CUT, Walked

_STRIPS = ((273, 279), (324, 325))
"""The tags of where strips (or tiles) begin and how long they are."""

_STRIPS_MAX = 100_000


def walk_tiff(data: Buffer) -> Walked:
    """The tags of the first directory; of BigTIFF the packets are found by their bytes alone."""
    walked = Walked()
    order = "<" if data[:2] == b"II" else ">"
    if data[2:4] not in (b"*\0", b"\0*"):
        return walked
    tags: dict[int, tuple[int, ...]] = {}
    try:
        (directory,) = struct.unpack_from(f"{order}I", data, 4)
        (count,) = struct.unpack_from(f"{order}H", data, directory)
        for number in range(count):
            entry = directory + 2 + 12 * number
            tag, kind, length, offset = struct.unpack_from(f"{order}HHII", data, entry)
            if tag == 700 and kind in (1, 7):
                walked.take(data, offset, min(offset + length, len(data)), f"tag 700 at byte {offset}")
                walked.problem = CUT if offset + length > len(data) else walked.problem
            elif any(tag in pair for pair in _STRIPS) and kind in (3, 4) and 0 < length <= _STRIPS_MAX:
                shape = f"{order}{length}{'H' if kind == 3 else 'I'}"
                place = entry + 8 if struct.calcsize(shape) <= 4 else offset
                tags[tag] = struct.unpack_from(shape, data, place)
    except struct.error:
        walked.problem = CUT
    for starts, lengths in _STRIPS:
        ends = (start + length for start, length in zip(tags.get(starts, ()), tags.get(lengths, ()), strict=False))
        if max(ends, default=0) > len(data):
            walked.problem = CUT
    return walked
