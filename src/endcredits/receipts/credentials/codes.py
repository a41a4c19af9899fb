"""Content codes: what stays the same when a file loses its manifest (ISO 24138, ISCC).

Every file has an Instance-Code (its exact bytes) and a Data-Code (the stretches of bytes it is made of, so that metadata
added or cut off moves it a little). Text and pictures have a content code besides, which compares what is said or shown:
re-saving a picture in another format leaves it nearly as it was. Sound and film would need their decoded signal, which is
not computed here: for them a re-encoded copy is not found, only one whose data was left as it was.

All codes are taken at 256 bits. Distances are Hamming distances; of two codes of unrelated content half the bits differ,
128 with a standard deviation of 8 for text and data.
"""

from __future__ import annotations

import base64
import io
import os
import warnings
from pathlib import Path

from endcredits.canonical import sha256_bytes, sha256_file
from endcredits.durable import machine_error
from endcredits.errors import InputError
from endcredits.receipts.credentials.formats import TEXT, Format
from endcredits.receipts.credentials.library import library
from endcredits.receipts.credentials.records import Codes

BITS = 256
TEXT_LETTERS_MIN = 64
"""Least letters and digits of a text for a content code: below, a changed word moves as many bits as another text."""
PIXELS_MAX = 200_000_000
TEXT_BYTES_MAX = 100_000_000
_SIDE = 32


def codes_of_file(path: str | os.PathLike[str], form: Format) -> Codes:
    """All codes of a file.

    Raises:
        InputError: a picture that cannot be decoded, or text that is not UTF-8.
        MachineError: it cannot be read.
    """
    place = Path(path)
    iscc = library("iscc_lib")
    try:
        sha256 = sha256_file(place)
        size = place.stat().st_size
        with place.open("rb") as file:
            data = iscc.gen_data_code_v0(file, bits=BITS)["iscc"]
        with place.open("rb") as file:
            instance = iscc.gen_instance_code_v0(file, bits=BITS)["iscc"]
        content, why_not = "", "no content code is computed for this type; only the bytes are compared"
        if form.content == "text":
            content, why_not = (
                _text_code(place.read_bytes(), place) if size <= TEXT_BYTES_MAX else ("", "the text is too long")
            )
        elif form.content == "image":
            content, why_not = image_code(place), ""
    except OSError as error:
        raise machine_error(error, place) from error
    return Codes(sha256, size, form.media_type, instance, data, content, why_not)


def codes_of_text(text: bytes) -> Codes:
    """All codes of a text that is no file."""
    iscc = library("iscc_lib")
    data = iscc.gen_data_code_v0(io.BytesIO(text), bits=BITS)["iscc"]
    instance = iscc.gen_instance_code_v0(io.BytesIO(text), bits=BITS)["iscc"]
    content, why_not = _text_code(text, None)
    return Codes(sha256_bytes(text), len(text), TEXT.media_type, instance, data, content, why_not)


def work_code(data: bytes, media_type: str) -> str:
    """The content code of a work's file, "" where it has none or cannot be decoded: a work is never refused for that."""
    try:
        if media_type.startswith("text/"):
            return _text_code(data, None)[0]
        if media_type.startswith("image/") and media_type != "image/svg+xml":
            return image_code(io.BytesIO(data))
    except InputError:
        return ""
    return ""


def distance_bits(left: bytes, right: bytes) -> int:
    """In how many bits two codes of one length differ.

    >>> distance_bits(b"\\x0f", b"\\x1f")
    1
    """
    return (int.from_bytes(left) ^ int.from_bytes(right)).bit_count()


def code_bytes(code: str) -> tuple[int, bytes]:
    """(kind of the code, its bits) of an ISCC unit of 256 bits; codes compare only with their own kind.

    Raises:
        InputError: it is no such code.
    """
    try:
        raw = base64.b32decode(code.removeprefix("ISCC:") + "=" * (-len(code.removeprefix("ISCC:")) % 8))
    except ValueError as error:
        raise InputError(f"'{code[:60]}' is no ISCC unit", field="iscc") from error
    if len(raw) != 2 + BITS // 8:
        raise InputError(f"'{code[:60]}' is no ISCC unit of {BITS} bits", field="iscc")
    return raw[0], raw[2:]


def _text_code(data: bytes, file: Path | None) -> tuple[str, str]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"the text is not UTF-8 (byte {error.start})", remedy="Save it as UTF-8.", file=file) from error
    made = library("iscc_lib").gen_text_code_v0(text, bits=BITS)
    if made["characters"] < TEXT_LETTERS_MIN:
        return "", f"the text has fewer than {TEXT_LETTERS_MIN} letters and digits, too few to tell it from others"
    return str(made["iscc"]), ""


def image_code(source: Path | io.BytesIO) -> str:
    """A picture's Image-Code: upright, on white, in grey, 32 by 32 pixels, and then as ISO 24138 says.

    Raises:
        InputError: it cannot be decoded, or has more than `PIXELS_MAX` pixels.
    """
    image_module, operations = library("PIL.Image"), library("PIL.ImageOps")
    file = source if isinstance(source, Path) else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", image_module.DecompressionBombWarning)
            with image_module.open(source) as opened:
                if opened.width * opened.height > PIXELS_MAX:
                    raise InputError(
                        f"the picture has {opened.width} by {opened.height} pixels",
                        remedy=f"At most {PIXELS_MAX} pixels are decoded.",
                        file=file,
                    )
                upright = operations.exif_transpose(opened)
                if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
                    clear = upright.convert("RGBA")
                    upright = image_module.alpha_composite(image_module.new("RGBA", clear.size, "white"), clear)
                grey = upright.convert("L").resize((_SIDE, _SIDE), image_module.Resampling.BICUBIC)
    except (OSError, ValueError, SyntaxError, image_module.DecompressionBombError) as error:
        raise InputError(f"the picture cannot be decoded ({error})", remedy="Check that it is whole.", file=file) from error
    return str(library("iscc_lib").gen_image_code_v0(grey.tobytes(), bits=BITS)["iscc"])
