"""A ZIP archive with one spelling: the same entries give the same bytes, and every byte follows from the entries.

Entries are stored as they are, without compression: compressors differ between versions, and what is stored cannot swell
when it is opened (a "zip bomb"). There is one fixed date, no comment, no extra field but the sizes of ZIP64 where they are
needed, and nothing before, between or behind the entries. So a reader that builds the headers anew from names, sizes and
CRCs and finds other bytes has found a change, wherever it is (APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16,
4.5.3).
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from endcredits.errors import IntegrityError

LIMIT = 0xFFFFFFFF
COUNT_LIMIT = 0xFFFF
"""From here on sizes, offsets and counts stand in ZIP64 records."""
ENTRIES_MAX = 5_000_000
CHUNK_BYTES = 1 << 20
NAME_LENGTH_MAX = 240
_NAME = re.compile(r"(README\.txt|[a-z0-9_~%][a-z0-9._~%-]*(/[a-z0-9_~%][a-z0-9._~%-]*)*)")
_FIRST_DAY = 0x21
"""1 January 1980, the first day that a ZIP archive can name."""
_FILE = 0o100644 << 16
_LOCAL, _CENTRAL, _END, _END64, _PLACE64 = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"


@dataclass(frozen=True, slots=True)
class Stored:
    """One entry of an archive.

    Attributes:
        name: path inside the archive: small letters, digits and . _ ~ % - in parts that begin with none of . and -.
        size_bytes: length.
        crc32: checksum of ZIP.
        offset: of its local header.
        sha256: of its bytes, 64 hex digits; "" where nobody read them.
    """

    name: str
    size_bytes: int
    crc32: int
    offset: int
    sha256: str = ""

    @property
    def start(self) -> int:
        """Offset of its bytes."""
        return self.offset + len(local_header(self))


def check_name(name: str) -> str:
    """A name that is safe on every disk, and the same on those that ignore case.

    Raises:
        IntegrityError: it is absolute, climbs out of the folder, is too long or holds another character.
    """
    if len(name) > NAME_LENGTH_MAX or not _NAME.fullmatch(name):
        raise IntegrityError(f"an archive of ours has no entry named {name[:80]!a}")
    return name


def local_header(one: Stored) -> bytes:
    """What stands before an entry's bytes."""
    big = one.size_bytes >= LIMIT
    size = LIMIT if big else one.size_bytes
    extra = struct.pack("<HHQQ", 1, 16, one.size_bytes, one.size_bytes) if big else b""
    name = one.name.encode("ascii")
    head = struct.pack("<HHHHHIIIHH", 45 if big else 20, 0, 0, 0, _FIRST_DAY, one.crc32, size, size, len(name), len(extra))
    return _LOCAL + head + name + extra


def central_header(one: Stored) -> bytes:
    """An entry's record in the directory at the end."""
    sizes = [one.size_bytes, one.size_bytes] if one.size_bytes >= LIMIT else []
    wide = [*sizes, *([one.offset] if one.offset >= LIMIT else [])]
    extra = struct.pack(f"<HH{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
    size, offset = (LIMIT if number >= LIMIT else number for number in (one.size_bytes, one.offset))
    needed, name = 45 if wide else 20, one.name.encode("ascii")
    made = 3 << 8 | needed  # by UNIX, so that the mode counts
    fixed = (made, needed, 0, 0, 0, _FIRST_DAY, one.crc32, size, size, len(name), len(extra), 0, 0, 0, _FILE, offset)
    return _CENTRAL + struct.pack("<HHHHHHIIIHHHHHII", *fixed) + name + extra


def end_records(count: int, size: int, offset: int) -> bytes:
    """What ends an archive: how many records the directory has, its length and where it begins."""
    wide = b""
    if count >= COUNT_LIMIT or size >= LIMIT or offset >= LIMIT:
        wide = _END64 + struct.pack("<QHHIIQQQQ", 44, 3 << 8 | 45, 45, 0, 0, count, count, size, offset)
        wide += _PLACE64 + struct.pack("<IQI", 0, offset + size, 1)
    short, length, start = min(count, COUNT_LIMIT), min(size, LIMIT), min(offset, LIMIT)
    return wide + _END + struct.pack("<HHHHIIH", 0, 0, short, short, length, start, 0)


class ZipWriter:
    """Writes entries one after another into a file that is open for writing, and can seek."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._entries: list[Stored] = []
        self._names: set[str] = set()

    def add(self, name: str, source: BinaryIO, size_bytes: int) -> Stored:
        """Adds an entry from a file, which must have the length that is said.

        Raises:
            IntegrityError: the name cannot be used or stands there twice, or the source has another length.
        """
        if check_name(name).casefold() in self._names:
            raise IntegrityError(f"the archive has two entries named '{name}'")
        self._names.add(name.casefold())
        offset = self._file.tell()
        self._file.write(local_header(Stored(name, size_bytes, 0, offset)))
        crc, length, hashed = 0, 0, hashlib.sha256()
        while chunk := source.read(CHUNK_BYTES):
            crc, length = zlib.crc32(chunk, crc), length + len(chunk)
            hashed.update(chunk)
            if length > size_bytes:
                break
            self._file.write(chunk)
        if length != size_bytes:
            raise IntegrityError(f"the source of '{name}' has not {size_bytes} bytes", remedy="Run 'endcredits check'.")
        entry = Stored(name, size_bytes, crc, offset, hashed.hexdigest())
        after = self._file.tell()
        self._file.seek(offset)
        self._file.write(local_header(entry))
        self._file.seek(after)
        self._entries.append(entry)
        return entry

    def finish(self) -> None:
        """Writes the directory."""
        offset, size = self._file.tell(), 0
        for entry in self._entries:
            record = central_header(entry)
            self._file.write(record)
            size += len(record)
        self._file.write(end_records(len(self._entries), size, offset))


def read_directory(file: BinaryIO) -> list[Stored]:
    """The entries of an archive in the one spelling; every byte of it but the entries' own is compared.

    Raises:
        IntegrityError: it is no archive, or not one in this spelling: compressed or encrypted entries, links, names that
            climb out of the folder or stand twice, overlapping entries, anything before, between or behind them.
    """
    length = file.seek(0, os.SEEK_END)
    count, size, offset = _read_end(file, length)
    if count > ENTRIES_MAX or offset + size > length:
        raise IntegrityError("its directory is not where it says, or is too long")
    found, names, place, end = [], set[str](), 0, offset
    for _ in range(count):
        if end + 46 > offset + size:
            raise IntegrityError("its directory has fewer records than it says")
        entry, record = _read_central(file, end)
        if entry.name.casefold() in names:
            raise IntegrityError(f"it has two entries named '{entry.name}'")
        names.add(entry.name.casefold())
        if entry.offset != place:
            raise IntegrityError(f"'{entry.name}' overlaps another entry, or something stands before it")
        header = local_header(entry)
        if _read_at(file, place, len(header)) != header:
            raise IntegrityError(f"the header of '{entry.name}' says something else than the directory")
        place += len(header) + entry.size_bytes
        end += len(record)
        found.append(entry)
    if place != offset or end != offset + size:
        raise IntegrityError("something stands between its entries and its directory, or in the directory")
    tail = end_records(count, size, offset)
    if _read_at(file, end, len(tail) + 1) != tail:
        raise IntegrityError("something stands behind its directory")
    return found


def _read_end(file: BinaryIO, length: int) -> tuple[int, int, int]:
    """(count, size, offset) of the directory, as the last bytes say."""
    if length < 22:
        raise IntegrityError("it is no ZIP archive")
    last = _read_at(file, length - 22, 22)
    if not last.startswith(_END) or last[-2:] != b"\0\0":
        raise IntegrityError("it is no ZIP archive, or something stands behind its end")
    _, _, _, count, size, offset, _ = struct.unpack("<HHHHIIH", last[4:])
    if count >= COUNT_LIMIT or size >= LIMIT or offset >= LIMIT:
        wide = _read_at(file, max(0, length - 98), 56)
        if len(wide) < 56 or not wide.startswith(_END64):
            raise IntegrityError("its ZIP64 record is missing")
        count, size, offset = struct.unpack("<QQQ", wide[32:56])
    return count, size, offset


def _read_central(file: BinaryIO, place: int) -> tuple[Stored, bytes]:
    fixed = _read_at(file, place, 46)
    if len(fixed) < 46 or not fixed.startswith(_CENTRAL):
        raise IntegrityError("its directory cannot be read")
    fields = struct.unpack("<HHHHHHIIIHHHHHII", fixed[4:])
    crc, size, offset, name_length, extra_length = fields[6], fields[8], fields[15], fields[9], fields[10]
    if name_length > NAME_LENGTH_MAX or extra_length > 28:
        raise IntegrityError("a record of its directory is longer than ours are")
    rest = _read_at(file, place + 46, name_length + extra_length)
    try:
        name = check_name(rest[:name_length].decode("ascii"))
    except UnicodeDecodeError as error:
        raise IntegrityError("an archive of ours has names in ASCII alone") from error
    wide = list(struct.unpack(f"<{(len(rest) - name_length) // 8}Q", rest[name_length + 4 :])) if extra_length >= 12 else []
    if size >= LIMIT and len(wide) >= 2:
        size, wide = wide[0], wide[2:]
    if offset >= LIMIT and wide:
        offset = wide[0]
    entry = Stored(name, size, crc, offset)
    record = central_header(entry)
    if record != fixed + rest:
        raise IntegrityError(f"the record of '{name}' is not as ours are: compressed, encrypted, a link, or dated")
    return entry, record


def _read_at(file: BinaryIO, place: int, length: int) -> bytes:
    file.seek(place)
    return file.read(length)


def chunks_of(file: BinaryIO, entry: Stored) -> Iterator[bytes]:
    """An entry's bytes, some at a time.

    Raises:
        IntegrityError: the archive ends before they do, or their CRC is another.
    """
    file.seek(entry.start)
    left, crc = entry.size_bytes, 0
    while left:
        chunk = file.read(min(left, CHUNK_BYTES))
        if not chunk:
            raise IntegrityError(f"the archive ends inside '{entry.name}'")
        left, crc = left - len(chunk), zlib.crc32(chunk, crc)
        yield chunk
        # Others may have read elsewhere meanwhile.
        file.seek(entry.start + entry.size_bytes - left)
    if crc != entry.crc32:
        raise IntegrityError(f"the bytes of '{entry.name}' do not fit their CRC")
