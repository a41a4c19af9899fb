"""A file is what its bytes say."""

from __future__ import annotations

from pathlib import Path

import pytest

from endcredits.errors import InputError, NotFoundError
from endcredits.receipts.credentials import format_of
from tests.receipts.credentials import files


@pytest.mark.parametrize("suffix", list(files.embedded()))
def test_the_bytes_decide_and_not_the_name(tmp_path: Path, suffix: str) -> None:
    data = files.embedded()[suffix]
    right = format_of(files.put(tmp_path, f"a.{suffix}", data))
    assert format_of(files.put(tmp_path, "a.dat", data)) == right and right.embeds
    assert format_of(tmp_path / "a.dat", sidecar=True).embeds is False


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (files.WEBM, "WebM or Matroska"),
        (files.OGG, "Ogg"),
        ("Straße\n".encode(), "text"),
        (b"\xef\xbb\xbftext", "text"),
        (b'{"a": 1}', "text"),
    ],
)
def test_what_gets_a_sidecar_by_itself(tmp_path: Path, data: bytes, name: str) -> None:
    form = format_of(files.put(tmp_path, "a", data))
    assert (form.name, form.embeds) == (name, False)


@pytest.mark.parametrize("brand", ["qt  ", "M4A ", "avif", "heic", "isom", "zzzz"])
def test_brands_of_one_container(tmp_path: Path, brand: str) -> None:
    wanted = {"qt  ": "video/quicktime", "M4A ": "audio/mp4", "avif": "image/avif", "heic": "image/heic"}
    data = b"\0\0\0\x14ftyp" + brand.encode() + bytes(8)
    assert format_of(files.put(tmp_path, "a", data)).media_type == wanted.get(brand, "video/mp4")


def test_archives_that_are_documents(tmp_path: Path) -> None:
    assert format_of(files.put(tmp_path, "a.docx", files.zipped())).told == "docx"
    book = b"PK\3\4" + bytes(26) + b"mimetypeapplication/epub+zip"
    assert format_of(files.put(tmp_path, "a", book)).media_type == "application/epub+zip"
    svg = b'<?xml version="1.0"?>\n' + files.SVG
    assert format_of(files.put(tmp_path, "a", svg)).media_type == "image/svg+xml"


@pytest.mark.parametrize("data", [b"\0\1\2\3", b"RIFF\0\0\0\0ABCD", b"\xff\xff\xff\xff", b"MZ\x90\0", b"text\0with nul"])
def test_other_types_are_refused_by_name(tmp_path: Path, data: bytes) -> None:
    path = files.put(tmp_path, "a.bin", data)
    with pytest.raises(InputError, match=r"PNG, JPEG, WebP.*--sidecar"):
        format_of(path)
    assert format_of(path, sidecar=True).media_type == "application/octet-stream"


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        format_of(tmp_path / "none")
    with pytest.raises(InputError, match="folder"):
        format_of(tmp_path)
    with pytest.raises(InputError, match="empty"):
        format_of(files.put(tmp_path, "a.png", b""))


def test_a_letter_cut_at_the_end_of_what_is_looked_at(tmp_path: Path) -> None:
    assert format_of(files.put(tmp_path, "a", b"a" * 4095 + "é".encode())).name == "text"
