"""TIFF 6.0: the packet is tag 700 of the first directory; the strips say how long the file must be.

Strips of pixels that are packed with LZW, Deflate, JPEG, Zstandard or WebP can hold no packet as it is and are passed over;
others, and those of further directories, are searched like any bytes.
"""

from __future__ import annotations

import struct

from endcredits.works.signals.packets import Buffer
from endcredits.works.signals.walked import CUT, Walked

_STRIPS = ((273, 279), (324, 325))
"""The tags of where strips (or tiles) begin and how long they are."""

_STRIP_TAGS = {tag for pair in _STRIPS for tag in pair}
_STRIPS_MAX = 100_000

_COMPRESSION, _PACKED = 259, (5, 6, 7, 8, 32946, 50000, 50001)
"""The tag that says how pixels are packed, and the ways that leave no bytes as they were."""


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
            elif (tag == _COMPRESSION or tag in _STRIP_TAGS) and kind in (3, 4) and 0 < length <= _STRIPS_MAX:
                shape = f"{order}{length}{'H' if kind == 3 else 'I'}"
                place = entry + 8 if struct.calcsize(shape) <= 4 else offset
                tags[tag] = struct.unpack_from(shape, data, place)
    except struct.error:
        walked.problem = CUT
    packed = tags.get(_COMPRESSION, (1,))[0] in _PACKED
    for starts, lengths in _STRIPS:
        strips = [
            (start, start + length) for start, length in zip(tags.get(starts, ()), tags.get(lengths, ()), strict=False)
        ]
        if max((end for _, end in strips), default=0) > len(data):
            walked.problem = CUT
        elif packed:
            walked.covered += strips
    return walked
