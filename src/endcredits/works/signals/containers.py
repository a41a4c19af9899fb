"""Where each file format keeps the XMP packet that speaks for the whole file.

JPEG in an APP1 segment (and continued in others, "extended XMP"), PNG in an `iTXt` chunk, WebP in a chunk `XMP `, TIFF in
tag 700, GIF in an application extension, MP4 and MOV in a `uuid` box or in `moov/udta/XMP_`. PDF is in `pdf.py`. Only the
structure is walked; no picture is decoded, so a scan costs about as much as reading the file. A picture's compressed data
cannot hold a packet and is passed over.

A walk that runs past the end found a file cut short. Whatever was lost might have been a no.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from endcredits.works.signals.films import walk_mp4
from endcredits.works.signals.packets import Buffer, Packet
from endcredits.works.signals.tiff import walk_tiff
from endcredits.works.signals.walked import CUT, Walked, inflated

XMP_JPEG = b"http://ns.adobe.com/xap/1.0/\0"
XMP_JPEG_MORE = b"http://ns.adobe.com/xmp/extension/\0"

CHUNKS_MAX = 10_000
"""More chunks than this are not walked."""


def walk_jpeg(data: Buffer) -> Walked:
    """The segments before the picture."""
    walked = Walked()
    more: dict[bytes, list[tuple[int, bytes]]] = {}
    at, size = 2, len(data)
    while True:
        if at + 4 > size or data[at] != 0xFF:
            walked.problem = CUT if at + 4 > size else f"byte {at} should begin a segment of the JPEG"
            break
        marker = data[at + 1]
        if marker == 0xFF:  # fill bytes
            at += 1
            continue
        if marker in (0x01, 0xD8) or 0xD0 <= marker <= 0xD7:
            at += 2
            continue
        if marker == 0xD9:
            break
        length = (data[at + 2] << 8) | data[at + 3]
        start, end = at + 4, at + 2 + length
        if end > size or length < 2:
            walked.problem = CUT
            break
        if marker == 0xE1:
            head = data[start : start + 35]
            if head.startswith(XMP_JPEG):
                walked.take(data, start + len(XMP_JPEG), end, f"APP1 segment at byte {at}")
            elif head == XMP_JPEG_MORE:
                guid, offset = data[start + 35 : start + 67], int.from_bytes(data[start + 71 : start + 75], "big")
                more.setdefault(guid, []).append((offset, bytes(data[start + 75 : end])))
                walked.covered.append((start, end))
        if marker == 0xDA:
            picture = _end_of_image(data, end)
            walked.covered.append((end, picture))
            if picture == size:
                walked.problem = CUT
            break
        at = end
    for pieces in more.values():
        text = b"".join(piece for _, piece in sorted(pieces))
        walked.packets.append(Packet(text, f"extended XMP in {len(pieces)} segments", True))
    return walked


def _end_of_image(data: Buffer, at: int) -> int:
    """Where the marker that ends a JPEG picture (FF D9) first stands; the file's size if nowhere.

    Two compared views, one for each parity of the marker's place, cost a third of searching the bytes for it.
    """
    first = len(data)
    for start in (at, at + 1):
        count = (len(data) - start) // 2
        if count > 0:
            hits = np.frombuffer(data, "<u2", count=count, offset=start) == 0xD9FF
            place = int(hits.argmax())
            if hits[place]:
                first = min(first, start + 2 * place)
    return first


def walk_png(data: Buffer) -> Walked:
    """The chunks up to IEND."""
    walked = Walked()
    at = 8
    for _ in range(CHUNKS_MAX):
        if at + 12 > len(data):
            walked.problem = CUT
            return walked
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        start, end = at + 8, at + 8 + length
        if end + 4 > len(data):
            walked.problem = CUT
            return walked
        if kind in (b"iTXt", b"zTXt", b"tEXt"):
            _png_text(walked, kind, bytes(data[start:end]), start, f"{kind.decode()} chunk at byte {at}")
        if kind == b"IDAT":
            walked.covered.append((start, end))
        if kind == b"IEND":
            return walked
        at = end + 4
    walked.problem = f"it has more than {CHUNKS_MAX} chunks"
    return walked


def _png_text(walked: Walked, kind: bytes, chunk: bytes, start: int, place: str) -> None:
    keyword, _, rest = chunk.partition(b"\0")
    profile = keyword.lower() == b"raw profile type xmp"
    if keyword != b"XML:com.adobe.xmp" and not profile:
        return
    squeezed = kind == b"zTXt"
    if kind == b"iTXt":
        squeezed = rest[:1] == b"\1"
        rest = rest[2:].split(b"\0", 2)[-1]
    elif kind == b"zTXt":
        rest = rest[1:]
    problem = ""
    if squeezed:
        rest, problem = inflated(rest)
    if profile:
        try:
            rest = bytes.fromhex(b"".join(rest.split()[2:]).decode("ascii", "replace"))
        except ValueError:
            problem = "a raw profile that is not hexadecimal"
    walked.packets.append(Packet(rest, place, True, problem))
    walked.covered.append((start, start + len(chunk)))


def walk_webp(data: Buffer) -> Walked:
    """The chunks of the RIFF container."""
    walked = Walked()
    end_of_file = 8 + int.from_bytes(data[4:8], "little")
    if end_of_file > len(data):
        walked.problem = CUT
    at = 12
    while at + 8 <= min(end_of_file, len(data)):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"XMP ":
            walked.take(data, at + 8, min(at + 8 + length, len(data)), f"XMP chunk at byte {at}")
        elif data[at : at + 4] in (b"VP8 ", b"VP8L", b"ALPH"):
            walked.covered.append((at + 8, min(at + 8 + length, len(data))))
        at += 8 + length + (length & 1)
    return walked


def walk_gif(data: Buffer) -> Walked:
    """The application extension "XMP DataXMP", whose packet lies in the file as it is."""
    walked = Walked()
    mark = data.find(b"\x21\xff\x0bXMP DataXMP")
    if mark >= 0:
        start = mark + 14
        end = data.find(b"\x01\xff\xfe\xfd", start)
        walked.take(data, start, end if end > 0 else len(data), f"application extension at byte {mark}")
    if data[-1:] != b";":
        walked.problem = CUT
    return walked


_WALKS: tuple[tuple[bytes, int, str, Callable[[Buffer], Walked]], ...] = (
    (b"\xff\xd8\xff", 0, "image/jpeg", walk_jpeg),
    (b"\x89PNG\r\n\x1a\n", 0, "image/png", walk_png),
    (b"WEBP", 8, "image/webp", walk_webp),
    (b"II*\0", 0, "image/tiff", walk_tiff),
    (b"MM\0*", 0, "image/tiff", walk_tiff),
    (b"II+\0", 0, "image/tiff", walk_tiff),
    (b"MM\0+", 0, "image/tiff", walk_tiff),
    (b"GIF8", 0, "image/gif", walk_gif),
    (b"ftyp", 4, "video/mp4", walk_mp4),
)


def walk(data: Buffer) -> tuple[str, Walked]:
    """(media type by the first bytes, "" when they are none of these; what the walk found)."""
    head = bytes(data[:16])
    for magic, at, media_type, walker in _WALKS:
        if head[at : at + len(magic)] == magic:
            return media_type, walker(data)
    return "", Walked()
