"""Content codes stay near where the content stays, and are the codes of the standard."""

from __future__ import annotations

import io
from pathlib import Path

import iscc_lib
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from endcredits.errors import InputError
from endcredits.receipts.credentials import codes_of_file, codes_of_text, format_of, work_code
from endcredits.receipts.credentials.codes import code_bytes, distance_bits
from tests.receipts.credentials import files


def bits(left: str, right: str) -> int:
    """The distance of two codes."""
    return distance_bits(code_bytes(left)[1], code_bytes(right)[1])


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_distances_bit_by_bit(left: bytes, right: bytes) -> None:
    slow = sum(a != b for a, b in zip(f"{int.from_bytes(left):0256b}", f"{int.from_bytes(right):0256b}", strict=True))
    assert distance_bits(left, right) == slow


def test_the_library_passes_the_standards_own_vectors() -> None:
    assert iscc_lib.conformance_selftest()


@pytest.mark.parametrize("suffix", list(files.embedded()))
def test_every_file_has_codes_of_its_bytes(tmp_path: Path, suffix: str) -> None:
    data = files.embedded()[suffix]
    path = files.put(tmp_path, f"a.{suffix}", data)
    found = codes_of_file(path, format_of(path))
    assert found.instance == iscc_lib.gen_instance_code_v0(io.BytesIO(data), bits=256).iscc
    assert found.data == iscc_lib.gen_data_code_v0(io.BytesIO(data), bits=256).iscc
    assert bool(found.content) == (suffix in ("png", "jpg", "webp", "gif", "tiff")) == (not found.why_not)
    assert [code_bytes(code)[0] for code in found.iscc][-2:] == [0x30, 0x40]


def test_a_picture_in_another_format_is_near_and_another_picture_is_not(tmp_path: Path) -> None:
    def code(name: str, data: bytes) -> str:
        path = files.put(tmp_path, name, data)
        return codes_of_file(path, format_of(path)).content

    first = code("a.png", files.picture())
    assert bits(first, code("a.jpg", files.picture("JPEG"))) <= 12
    assert bits(first, code("a.webp", files.picture("WEBP"))) <= 12
    assert bits(first, code("b.png", files.picture(shift=2))) > 60
    small = io.BytesIO()
    with Image.open(io.BytesIO(files.picture())) as opened:
        ImageEnhance.Brightness(opened.resize((60, 60))).enhance(1.05).save(small, "PNG")
    assert bits(first, code("c.png", small.getvalue())) <= 32


def test_a_picture_is_seen_upright_and_on_white(tmp_path: Path) -> None:
    def code(image: Image.Image, **stated: object) -> str:
        out = tmp_path / "a.png"
        image.save(out, "PNG", **stated)
        return codes_of_file(out, format_of(out)).content

    with Image.open(io.BytesIO(files.picture())) as opened:
        upright = opened.convert("RGB")
    turned = upright.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees to the right
    assert bits(code(upright), code(turned, exif=exif)) <= 4 < bits(code(upright), code(turned))
    clear = Image.new("RGBA", upright.size, (0, 0, 0, 0))
    clear.paste(upright.crop((0, 0, 48, 96)), (0, 0))
    white = Image.new("RGB", upright.size, "white")
    white.paste(upright.crop((0, 0, 48, 96)), (0, 0))
    assert code(clear) == code(white)


def test_a_changed_word_is_near_and_another_text_is_not() -> None:
    first = codes_of_text(files.TEXT.encode())
    edited = codes_of_text(files.TEXT.replace("mule", "camel", 1).encode())
    assert 0 < bits(first.content, edited.content) <= 72 and first.sha256 != edited.sha256
    other = codes_of_text(("A tide table says when the water comes, never what it brings. " * 8).encode())
    assert bits(first.content, other.content) > 72


def test_spelling_of_the_same_letters_does_not_count() -> None:
    first = codes_of_text(files.TEXT.encode())
    again = codes_of_text(b"\xef\xbb\xbf" + files.TEXT.upper().replace(" ", "\r\n").encode())
    assert first.content == again.content and first.sha256 != again.sha256


def test_a_short_text_has_no_content_code_and_says_so() -> None:
    short = codes_of_text(b"salt road, " * 6)
    assert short.content == "" and "fewer than 64 letters" in short.why_not and len(short.iscc) == 2
    assert codes_of_text(b"  \n ").content == ""


def test_what_cannot_be_decoded(tmp_path: Path) -> None:
    broken = files.put(tmp_path, "a.png", files.picture()[:200])
    with pytest.raises(InputError, match=r"a\.png: the picture cannot be decoded"):
        codes_of_file(broken, format_of(broken))
    with pytest.raises(InputError, match="not UTF-8"):
        codes_of_text(b"\xff\xfe")
    assert (
        work_code(b"\xff\xfe", "text/plain") == work_code(b"no picture", "image/png") == work_code(b"x", "audio/mpeg") == ""
    )
    assert work_code(files.TEXT.encode(), "text/plain") == codes_of_text(files.TEXT.encode()).content


def test_a_picture_of_enormous_size_is_not_decoded(tmp_path: Path) -> None:
    import struct
    import zlib

    head = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    bomb = files.put(tmp_path, "a.png", b"\x89PNG\r\n\x1a\n" + chunk + b"\0\0\0\0IDAT" + bytes(4))
    with pytest.raises(InputError, match=r"60000 by 60000|exceeds limit"):
        codes_of_file(bomb, format_of(bomb))


@pytest.mark.parametrize("code", ["", "ISCC:", "ISCC:EAAX5JLBHZ77RLVZ", "ISCC:!!", "hello", "ISCC:1111"])
def test_what_is_no_code(code: str) -> None:
    with pytest.raises(InputError, match="no ISCC unit"):
        code_bytes(code)
