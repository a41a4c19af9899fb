"""Where files keep their packets: real pictures by Pillow, a film's boxes, and files cut short."""

from __future__ import annotations

import hashlib
import io
import zlib

import pytest
from PIL import Image

from endcredits.works.signals import Signal, read_work
from endcredits.works.signals.packets import PACKET_BYTES_MAX, PACKETS_MAX

from .media import extended_jpeg, mining, mp4, packet, picture, png_with
from .said import HERE, problems, said

NO = dict.fromkeys(("tdm", "train", "finetune", "retrieve", "index"), "deny")
YES = dict.fromkeys(NO, "allow")
LOST = dict.fromkeys(NO, "unknown")


def read(data: bytes, name: str = "") -> tuple[Signal, ...]:
    return read_work(data, HERE, name=name).signals


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("attribute", [False, True])
@pytest.mark.parametrize("value", ["DMI-PROHIBITED", "DMI-ALLOWED"])
def test_as_pillow_reads_it(kind: str, attribute: bool, value: str) -> None:
    """The slow twin: Pillow opens the file, parses its packet and finds the same value."""
    data = picture(kind, mining(value, attribute))
    found = str(Image.open(io.BytesIO(data)).getxmp())

    signals = read(data)

    assert value in found
    assert said(signals) == (NO if value == "DMI-PROHIBITED" else YES) and problems(signals) == []
    assert all(value in one.raw for one in signals)
    assert read_work(data, HERE).media_type == f"image/{kind.lower()}"
    assert read(picture(kind, None)) == ()


def test_place_time_and_digest_of_the_packet_are_kept() -> None:
    text = mining("DMI-PROHIBITED")
    signal = read(picture("JPEG", text))[0]

    assert signal.raw_sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert signal.place.startswith("APP1 segment at byte ") and signal.read_at == HERE.read_at
    assert signal.source == HERE.source and signal.version == "LDF vocabulary, IPTC 2023.1"


def test_extended_xmp_is_put_together() -> None:
    more = packet("<plus:DataMining>DMI-PROHIBITED</plus:DataMining>" + "<!-- padding -->" * 9_000, wrapped=False)

    assert said(read(extended_jpeg(packet(), more))) == NO
    assert said(read(extended_jpeg(mining("DMI-ALLOWED"), more))) == NO


def test_compressed_and_raw_chunks_of_png() -> None:
    text = mining("DMI-PROHIBITED").encode()
    raw = b"\nxmp\n%8d\n" % len(text) + text.hex().encode()

    assert said(read(png_with(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(text)))) == NO
    assert said(read(png_with(b"iTXt", b"XML:com.adobe.xmp\0\0\0en\0XMP\0" + text))) == NO
    assert said(read(png_with(b"zTXt", b"Raw profile type xmp\0\0" + zlib.compress(raw)))) == NO
    assert said(read(png_with(b"tEXt", b"Raw profile type xmp\0" + raw))) == NO


def test_a_chunk_that_unpacks_without_end_is_refused() -> None:
    bomb = zlib.compress(b" " * (PACKET_BYTES_MAX + 1))
    signals = read(png_with(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + bomb))

    assert said(signals) == LOST and "unpacks to more" in problems(signals)[0]
    broken = read(png_with(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + b"x" * 30))
    assert said(broken) == LOST


def test_gif_and_films() -> None:
    gif = picture("GIF", None)
    block = b"\x21\xff\x0bXMP DataXMP" + mining("DMI-ALLOWED").encode() + b"\x01" + bytes(range(255, -1, -1)) + b"\0"

    assert said(read(gif[:-1] + block + b";")) == YES
    assert said(read(mp4(mining("DMI-ALLOWED")))) == YES
    assert said(read(mp4(mining("DMI-ALLOWED"), "udta"))) == YES
    assert said(read(mp4(mining("DMI-PROHIBITED")))) == NO
    assert read(mp4(None)) == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_a_packet_anywhere_else_can_say_no_and_not_yes(encoding: str) -> None:
    """In a thumbnail, behind the picture, in a format that we do not know."""
    for around in (picture("JPEG", None), b"\x00\x01\x02unknown format" * 9):
        no, yes = (mining(value).encode(encoding) for value in ("DMI-PROHIBITED", "DMI-ALLOWED"))
        assert said(read(around + no)) == NO
        assert said(read(around + yes)) == {}
        assert said(read(around + yes + no)) == NO
    assert said(read(picture("JPEG", mining("DMI-ALLOWED")) + no)) == NO


def test_a_picture_format_without_a_place_of_its_own() -> None:
    out = io.BytesIO()
    Image.new("RGB", (16, 16)).save(out, "AVIF", xmp=mining("DMI-PROHIBITED").encode())

    assert said(read(out.getvalue())) == NO


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF"])
def test_a_file_cut_short_is_no_yes_to_anything(kind: str) -> None:
    """At every length: never an error, never a yes, and from some length on the finding names what is wrong."""
    data = picture(kind, mining("DMI-ALLOWED"))
    for length in range(1, len(data) - 2, 7):
        signals = read(data[:length])
        assert "allow" not in said(signals).values(), length
        if length > 40:
            assert problems(signals), length


def test_a_film_cut_short_and_boxes_that_lie() -> None:
    data = mp4(mining("DMI-ALLOWED"))

    assert said(read(data[:-10])) == LOST
    assert said(read(data.replace(b"mvhd", b"mvhd").replace((108).to_bytes(4, "big") + b"mvhd", b"\0\0\0\3mvhd"))) == LOST
    assert said(read(box_of_size_zero())) == {}


def box_of_size_zero() -> bytes:
    return mp4(None)[:-72] + b"\0\0\0\0mdat" + b"\0" * 64


def test_a_packet_without_an_end() -> None:
    """Cut inside its text, it still names what it speaks of, and that is a no."""
    text = mining("DMI-ALLOWED").encode()

    assert said(read(b"\0\1\2" * 9 + text[: text.index(b"</plus:")]))["train"] in ("deny", "unknown")
    assert problems(read(b"\0\1\2" * 9 + text[:-60]))


def test_thousands_of_packets_end_somewhere() -> None:
    signals = read(b"\0\1" + packet().encode() * (PACKETS_MAX + 5))

    assert "more than" in problems(signals)[-1]


def test_no_bytes_at_all() -> None:
    assert said(read(b"")) == LOST


@pytest.mark.parametrize(
    ("way", "seen"), [("raw", True), ("tiff_lzw", False), ("tiff_adobe_deflate", False), ("packbits", True)]
)
def test_pixels_of_tiff_are_searched_where_they_may_hold_words(way: str, seen: bool) -> None:
    """Packed pixels hold no packet as it is; what looks like one there is noise, and what stands elsewhere still counts."""
    out = io.BytesIO()
    Image.frombytes("L", (256, 64), b"\0" * 256 * 64).save(out, "TIFF", compression=way)
    data = bytearray(out.getvalue())
    (start,), (length,) = (Image.open(io.BytesIO(data)).tag_v2[tag] for tag in (273, 279))
    words = mining("DMI-PROHIBITED").encode()
    if length < len(words):  # zeros pack into nothing: the words stand at the end, and the strip is said to reach over them
        data += bytes(4)
        entry = data.index((279).to_bytes(2, "little"), 8)
        start, data[entry + 8 : entry + 12] = len(data), (len(data) + len(words) - start).to_bytes(4, "little")
        data += words
    else:
        data[start : start + len(words)] = words

    assert (said(read(bytes(data))) == NO) == seen
    assert said(read(bytes(data) + words)) == NO
