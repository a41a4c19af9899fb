"""The log's files are tiles that never change, so that any web server can serve them and any cache can keep them.

C2SP tlog-tiles fixes the names and the bytes. A *tile* of level 0 holds the hashes of 256 leaves, one of level 1 the roots
of 256 full tiles of level 0, and so on: 8 levels of the binary tree in each. An *entry bundle* holds the 256 entries
themselves, each behind its length (uint16, big-endian). The last tile of a level and the last bundle are *partial*, 1 to 255
wide, and carry their width in their name, so that a name, once signed for, always stands for the same bytes:

    tile/0/x001/x234/067          the full tile 1234067 of level 0
    tile/1/004.p/17               the first 17 hashes of tile 4 of level 1
    tile/entries/000.p/3          the first three entries

The standard allows entries of 65,535 bytes; those of this log are leaves (`leaf`), which have at most 4,096.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence

from endcredits.errors import InputError, IntegrityError
from endcredits.receipts.merkle import HASH_BYTES, node_hash

TILE_WIDTH = 256
TILE_HEIGHT = 8
"""Levels of the binary tree in one tile."""
ENTRIES = "entries"
ENTRY_BYTES_MAX = 4096
BUNDLE_BYTES_MAX = TILE_WIDTH * (2 + ENTRY_BYTES_MAX)
TILE_BYTES = TILE_WIDTH * HASH_BYTES
SIZE_MAX = 2**53 - 1
"""A log of more entries could not state its size in JSON that every reader keeps exactly."""

_NAME = re.compile(r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


def number_path(number: int) -> str:
    """A tile's number as path elements of three digits, all but the last one marked with an x.

    >>> number_path(1234067), number_path(5)
    ('x001/x234/067', '005')
    """
    digits = str(number)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
    return "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])


def tile_name(level: int | str, number: int, width: int = TILE_WIDTH) -> str:
    """The name of a tile, or of a bundle (level `ENTRIES`), below the log's folder.

    >>> tile_name(1, 4, 17), tile_name("entries", 1234067)
    ('tile/1/004.p/17', 'tile/entries/x001/x234/067')
    """
    suffix = "" if width == TILE_WIDTH else f".p/{width}"
    return f"tile/{level}/{number_path(number)}{suffix}"


def parse_name(name: str) -> tuple[int | str, int, int] | None:
    """Level (or `ENTRIES`), number and width of a tile's name; None for every other name."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    number = int(match[2].replace("x", "").replace("/", ""))
    width = int(match[3]) if match[3] else TILE_WIDTH
    level: int | str = ENTRIES if match[1] == ENTRIES else int(match[1])
    return (level, number, width) if name == tile_name(level, number, width) else None


def width_of(level: int, number: int, size: int) -> int:
    """How wide a tile is in a log of `size` entries: 0 when it does not exist, 256 when it is full."""
    return max(0, min(TILE_WIDTH, (size >> (TILE_HEIGHT * level)) - number * TILE_WIDTH))


def levels_of(size: int) -> int:
    """How many levels of tiles a log of `size` entries has; each has at least one hash."""
    return -(-size.bit_length() // TILE_HEIGHT)


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """1 to 256 entries as a bundle's bytes.

    Raises:
        InputError: an entry is longer than 4,096 bytes.
    """
    for entry in entries:
        if len(entry) > ENTRY_BYTES_MAX:
            raise InputError(f"the entry has {len(entry)} bytes and may have {ENTRY_BYTES_MAX}")
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


def decode_bundle(data: bytes, width: int) -> list[bytes]:
    """The entries of a bundle.

    Raises:
        IntegrityError: it has not exactly `width` entries of at most 4,096 bytes each.
    """
    entries: list[bytes] = []
    place = 0
    while place < len(data):
        if len(entries) == width:
            raise IntegrityError(f"the bundle holds more than its {width} entries")
        start = place + 2
        length = int.from_bytes(data[place:start], "big")
        if length > ENTRY_BYTES_MAX:
            raise IntegrityError(f"entry {len(entries)} of the bundle says that it has {length} bytes")
        place = start + length
        if place > len(data):
            raise IntegrityError(f"the bundle ends in the middle of its entry {len(entries)}")
        entries.append(data[start:place])
    if len(entries) < width:
        raise IntegrityError(f"the bundle holds {len(entries)} of its {width} entries")
    return entries


def decode_tile(data: bytes, width: int) -> list[bytes]:
    """The hashes of a tile.

    Raises:
        IntegrityError: its length does not fit its width.
    """
    if len(data) != width * HASH_BYTES:
        raise IntegrityError(f"the tile has {len(data)} bytes, and one of {width} hashes has {width * HASH_BYTES}")
    return [data[start : start + HASH_BYTES] for start in range(0, len(data), HASH_BYTES)]


def tile_rows(hashes: Sequence[bytes]) -> list[list[bytes]]:
    """All complete subtrees within a tile: row 0 are its hashes, row k the roots over 2**k of them."""
    rows = [list(hashes)]
    while len(rows[-1]) > 1:
        below = rows[-1]
        rows.append([node_hash(left, right) for left, right in zip(below[::2], below[1::2], strict=False)])
    return rows


def tile_root(hashes: Sequence[bytes]) -> bytes:
    """The root over a number of hashes that is a power of two."""
    return tile_rows(hashes)[-1][0]
