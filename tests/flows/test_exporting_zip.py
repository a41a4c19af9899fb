"""One spelling of an archive: other programs read it, and nothing but it is read."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import IntegrityError
from endcredits.flows import exporting_zip
from endcredits.flows.exporting_zip import ZipWriter, check_name, chunks_of, read_directory

FILES = {"README.txt": b"hello", "a/b.json": b"[1]\n" * 50, "a/c.csv": b"", "z%3a~1-x.txt": bytes(range(256))}
names = st.from_regex(r"\A[a-z0-9_]{1,8}(/[a-z0-9][a-z0-9.-]{0,6}){0,2}\Z")


def packed(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    archive = ZipWriter(file)
    for name, data in files.items():
        archive.add(name, io.BytesIO(data), len(data))
    archive.finish()
    return file.getvalue()


def read(data: bytes) -> dict[str, bytes]:
    file = io.BytesIO(data)
    return {one.name: b"".join(chunks_of(file, one)) for one in read_directory(file)}


@given(st.dictionaries(names, st.binary(max_size=300), max_size=6))
def test_what_is_packed_is_read_by_us_and_by_everybody(files: dict[str, bytes]) -> None:
    data = packed(files)

    assert read(data) == files
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {one.filename: archive.read(one) for one in archive.infolist()} == files
        assert all(one.compress_type == zipfile.ZIP_STORED and one.date_time[0] == 1980 for one in archive.infolist())


@pytest.mark.parametrize("limit", ["LIMIT", "COUNT_LIMIT"])
def test_large_archives_have_zip64_records_that_others_read(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if four gigabytes, or 65,535 entries, were reached at once."""
    if limit == "COUNT_LIMIT":
        files = {f"f{number}": b"" for number in range(0x10001)}
        data = packed(files)
    else:
        monkeypatch.setattr(exporting_zip, "LIMIT", 100)
        # Fields hold all ones where the real sizes stand in the records of ZIP64.
        monkeypatch.setattr(exporting_zip, "struct", _AllOnes)
        files = {"a": b"x" * 120, "b": b"y" * 50, "c": b""}
        data = packed(files)

    assert read(data) == files
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {one.filename: archive.read(one) for one in archive.infolist()} == files


class _AllOnes:
    """`struct` in which the lowered limit is written as the real one, and read back."""

    unpack, calcsize = staticmethod(struct.unpack), staticmethod(struct.calcsize)

    @staticmethod
    def pack(form: str, *values: int) -> bytes:
        wide = form.startswith("<HHHH") and "I" in form
        return struct.pack(form, *(0xFFFFFFFF if wide and value == 100 else value for value in values))


@given(st.data())
def test_no_byte_can_be_changed_added_or_left_out(data: st.DataObject) -> None:
    whole = packed(FILES)
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    kind = data.draw(st.sampled_from(["change", "add", "leave out"]))
    if kind == "change":
        changed[at] ^= data.draw(st.integers(1, 255))
    elif kind == "add":
        changed[at:at] = data.draw(st.binary(min_size=1, max_size=5))
    else:
        del changed[at]

    with pytest.raises(IntegrityError):
        read(bytes(changed))


def foreign(change: Callable[[zipfile.ZipFile], None], **options: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **options) as archive:  # type: ignore[call-overload]
        change(archive)
    return file.getvalue()


def link(archive: zipfile.ZipFile) -> None:
    entry = zipfile.ZipInfo("a.txt", (1980, 1, 1, 0, 0, 0))
    entry.external_attr = 0o120777 << 16
    archive.writestr(entry, "/etc/passwd")


def plain(name: str, data: bytes = b"x") -> Callable[[zipfile.ZipFile], None]:
    def write(archive: zipfile.ZipFile) -> None:
        entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        entry.external_attr, entry.compress_type = 0o100644 << 16, archive.compression
        archive.writestr(entry, data)

    return write


def twice(archive: zipfile.ZipFile) -> None:
    plain("a.txt")(archive)
    with pytest.warns(UserWarning, match="Duplicate"):
        plain("a.txt", b"y")(archive)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK",
        b"not a zip" * 10,
        foreign(plain("bomb.txt", b"\0" * 5_000_000), compression=zipfile.ZIP_DEFLATED),
        foreign(plain("../../etc/passwd")),
        foreign(plain("/etc/passwd")),
        foreign(plain("a\\b.txt")),
        foreign(plain("C:evil.txt")),
        foreign(plain("a/../b.txt")),
        foreign(plain("folder/")),
        foreign(plain("CON.TXT")),
        foreign(plain("\u00e9.txt")),
        foreign(plain(".hidden")),
        foreign(plain("-rf")),
        foreign(plain("a" * 300)),
        foreign(twice),
        foreign(link),
        b"MZ executable before" + packed(FILES),
        packed(FILES) + b"behind",
        packed(FILES) + packed(FILES),
        packed(FILES)[:-2] + b"\x04\x00note",
    ],
)
def test_an_archive_of_another_kind_is_refused_before_it_is_used(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        read(data)


def test_entries_that_overlap_are_refused() -> None:
    """Two records of one entry's bytes: how a small file becomes petabytes."""
    whole = packed({"a.txt": b"x" * 50, "b.txt": b"y" * 50})
    start = whole.index(b"PK\x01\x02")
    second = whole.index(b"PK\x01\x02", start + 1)
    offset = second + 42
    overlapping = whole[:offset] + struct.pack("<I", 0) + whole[offset + 4 :]

    with pytest.raises(IntegrityError, match="overlaps"):
        read(overlapping)


def test_a_directory_that_claims_too_much_is_refused_at_once() -> None:
    end = struct.pack("<HHHHIIH", 0, 0, 60_000, 60_000, 0xFFFF_0000, 0, 0)
    with pytest.raises(IntegrityError, match="directory"):
        read(b"PK\x05\x06" + end)


def test_names_and_lengths_are_checked_when_writing() -> None:
    archive = ZipWriter(io.BytesIO())
    archive.add("a.txt", io.BytesIO(b"12"), 2)
    for name, data, size in (("a.txt", b"", 0), ("b.txt", b"123", 2), ("c.txt", b"1", 2), ("../d", b"", 0)):
        with pytest.raises(IntegrityError):
            archive.add(name, io.BytesIO(data), size)
    for name in ("", "/a", "a//b", "A.txt", "readme.TXT", "a/", "a/.b", "a b"):
        with pytest.raises(IntegrityError):
            check_name(name)
