"""Small valid files of every type, a trial signer, and a definition that can be signed; all of them made here."""

from __future__ import annotations

import io
import struct
import tempfile
import wave
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from endcredits.flows.clock import now
from endcredits.receipts.credentials import (
    Codes,
    Disclosure,
    Format,
    Proof,
    Signatory,
    UsedWork,
    codes_of_file,
    definition,
    disclosure_of,
    format_of,
    load_signatory,
    make_trial_key,
)
from endcredits.receipts.credentials.mining import Entries

AT = "2026-11-20T12:00:00Z"
SAID = {"provider": "Studio of Tests", "system": "tiny", "version": "1"}
TEXT = (
    "The salt road runs east of the well, and nobody who walked it by day came back to say how long it was. "
    "We went by night, with the mule before us and the lamp behind, and counted the dunes until there were no numbers left. "
) * 3


@cache
def picture(form: str = "PNG", side: int = 96, shift: int = 0) -> bytes:
    """A drawing with some structure, so that content codes have something to see."""
    made = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(made)
    for number in range(6):
        x = (number * 37 + shift * 13) % side
        y = (number * 53 + shift * 29) % side
        box = (x, y, x + side // 3, y + side // (2 + number % 3))
        draw.ellipse(box, fill=(40 * number, 255 - 30 * number, (90 * number + shift * 40) % 256))
    out = io.BytesIO()
    made.save(out, form)
    return out.getvalue()


def wav(frames: int = 4000) -> bytes:
    """A sawtooth."""
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"".join(struct.pack("<h", (number * 211) % 30000 - 15000) for number in range(frames)))
    return out.getvalue()


def mp3() -> bytes:
    """Twelve silent frames: MPEG-1 layer III, 128 kbit/s, 44.1 kHz."""
    return (b"\xff\xfb\x90\x64" + bytes(413)) * 12


def pdf() -> bytes:
    """One page with a line on it."""
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R /Resources << >> >>",
        b"<< /Length 16 >>\nstream\n0 0 m 9 9 l S   \nendstream",
    )
    out, places = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(out)
    return out + b"xref\n0 5\n0000000000 65535 f \n" + table + end


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def _full(kind: bytes, *parts: bytes, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", flags), *parts)


def mp4() -> bytes:
    """A second of uncompressed sound in the ISO base media format: one track, one chunk."""
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    begin = _box(b"ftyp", b"isom", struct.pack(">I", 512), b"isomiso2mp41")
    samples = bytes(range(256)) * 8

    def movie(offset: int) -> bytes:
        table = _box(
            b"stbl",
            _full(
                b"stsd",
                struct.pack(">I", 1),
                _box(b"sowt", bytes(6), struct.pack(">H8xHHHHI", 1, 1, 16, 0, 0, 8000 << 16)),
            ),
            _full(b"stts", struct.pack(">III", 1, 1024, 1)),
            _full(b"stsc", struct.pack(">IIII", 1, 1, 1024, 1)),
            _full(b"stsz", struct.pack(">II", 2, 1024)),
            _full(b"stco", struct.pack(">II", 1, offset)),
        )
        where = _box(b"dinf", _full(b"dref", struct.pack(">I", 1), _full(b"url ", flags=1)))
        media = _box(
            b"mdia",
            _full(b"mdhd", struct.pack(">IIIIHH", 0, 0, 8000, 8000, 0x55C4, 0)),
            _full(b"hdlr", struct.pack(">I", 0), b"soun", bytes(12), b"s\0"),
            _box(b"minf", _full(b"smhd", bytes(4)), where, table),
        )
        track = _full(
            b"tkhd", struct.pack(">IIIII8xHHHH", 0, 0, 1, 0, 1000, 0, 0, 0x100, 0), matrix, struct.pack(">II", 0, 0), flags=3
        )
        head = _full(
            b"mvhd",
            struct.pack(">IIIIIHHII", 0, 0, 1000, 1000, 0x10000, 0x100, 0, 0, 0)[:-8] + bytes(8),
            matrix,
            bytes(24),
            struct.pack(">I", 2),
        )
        return _box(b"moov", head, _box(b"trak", track, media))

    size = len(movie(0))
    return begin + movie(len(begin) + size + 8) + _box(b"mdat", samples)


def zipped() -> bytes:
    """An archive of one text."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("poem.txt", "salt road")
    return out.getvalue()


def flac() -> bytes:
    """A stream's head and one frame that nobody decodes."""
    return b"fLaC\x80\0\0\x22" + bytes.fromhex("100010000000000000000ac440f000000000") + bytes(16) + b"\xff\xf8" + bytes(50)


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="5" height="5"/></svg>'
WEBM = b"\x1aE\xdf\xa3" + bytes(range(200))
OGG = b"OggS" + bytes(range(200))


def embedded() -> dict[str, bytes]:
    """A file of every type that carries its manifest, by suffix."""
    return {
        "png": picture("PNG"),
        "jpg": picture("JPEG"),
        "webp": picture("WEBP"),
        "gif": picture("GIF"),
        "tiff": picture("TIFF"),
        "svg": SVG,
        "wav": wav(),
        "mp3": mp3(),
        "mp4": mp4(),
        "flac": flac(),
        "pdf": pdf(),
        "zip": zipped(),
    }


def put(folder: Path, name: str, data: bytes) -> Path:
    """Writes a file."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@cache
def _trial(purpose: str) -> Signatory:
    with tempfile.TemporaryDirectory() as folder:
        made = make_trial_key(Path(folder), "Studio of Tests", now(), purpose=purpose)
        return load_signatory(made.chain, made.key, now())


def signer(purpose: str = "emailProtection") -> Signatory:
    """A signer under a root of its own."""
    return _trial(purpose)


def used(number: int) -> UsedWork:
    """A work."""
    digest = f"{number:064x}"
    return UsedWork(f"work:{number}", number + 1, f"Work {number}", (f"Maker {number}",), (digest,), (), None)


PROOF = Proof(
    "out-1", "out-1", "0" * 64, "1" * 64, 40, "2" * 64, "studio.example/endcredits/log", 17, "https://s.example/out-1"
)


def said(**stated: Any) -> Disclosure:
    """A disclosure."""
    return disclosure_of({**SAID, **stated})


def manifest_for(
    path: Path,
    *,
    works: int = 3,
    mining: Entries | None = None,
    has_parent: bool = False,
    inputs: int = 0,
    disclosure: Disclosure | None = None,
    form: Format | None = None,
) -> tuple[Format, Codes, dict[str, Any]]:
    """Format, codes and definition of a file."""
    kind = form or format_of(path)
    codes = codes_of_file(path, kind)
    made = definition(
        kind,
        path.name,
        codes,
        PROOF,
        [used(number) for number in range(works)],
        disclosure or said(),
        time=AT,
        unique_id="ab" * 16,
        version="1.0",
        mining=mining,
        has_parent=has_parent,
        inputs=inputs,
    )
    return kind, codes, made
