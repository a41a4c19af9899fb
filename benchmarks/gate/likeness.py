"""How many changed copies the gate would miss, and how many unrelated files it would hold for alike."""

from __future__ import annotations

import html
import io
import random
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from endcredits.flows.prints import means, print_of
from endcredits.works.looks_alike import Excluded, Print

Kind = Literal["picture", "text"]
PAGES = Path(__file__).parents[2] / "docs"
LETTERS = 1_500
"""Length of a text."""


def made_pictures(number: int, side: int = 320) -> list[bytes]:
    """Soft shapes with noise, as a camera makes, each another."""
    found = []
    for seed in range(number):
        draw = np.random.default_rng(seed)
        total = np.zeros((side, side, 3))
        for grid in (4, 8, 16, 32, 64, 120):
            noise = Image.fromarray((draw.random((grid, grid, 3)) * 255).astype("uint8"))
            total += np.asarray(noise.resize((side, side), Image.Resampling.BICUBIC), dtype=float) / grid**0.8
        total -= total.min()
        found.append(_png(Image.fromarray((total / total.max() * 255).astype("uint8"))))
    return found


def pictures_of(path: str, number: int, side: int = 480) -> list[bytes]:
    """Pictures of a NumPy file, enlarged, as many as are asked for."""
    with np.load(path) as archive:
        pictures = next(archive[name] for name in archive.files if archive[name].ndim == 4)
    chosen = random.Random(1).sample(range(len(pictures)), min(number, len(pictures)))
    return [
        _png(Image.fromarray(pictures[one]).convert("RGB").resize((side, side), Image.Resampling.BICUBIC)) for one in chosen
    ]


def made_texts(number: int) -> list[bytes]:
    """Texts in the words of this program's pages: each word follows one that it follows somewhere."""
    words = " ".join(page.read_text(encoding="utf-8") for page in sorted(PAGES.glob("*.md"))).split()
    after: dict[str, list[str]] = {}
    for one, two in pairwise(words):
        after.setdefault(one, []).append(two)
    found = []
    for seed in range(number):
        draw = random.Random(seed)
        text, word = "", draw.choice(words)
        while len(text) < LETTERS:
            text += word + " "
            word = draw.choice(after.get(word) or words)
        found.append(text.encode())
    return found


def texts_of(path: str, number: int) -> list[bytes]:
    """Passages of a table's texts, as many as are asked for, not more than one of a text before every text has one."""
    import pyarrow.parquet as pq

    texts = [str(text) for text in pq.read_table(path, columns=["text"])["text"].to_pylist()]
    draw, found = random.Random(1), []
    for turn in range(number):
        text = texts[turn % len(texts)]
        begin = draw.randrange(max(1, len(text) - LETTERS))
        found.append(text[begin : begin + LETTERS].encode())
    return found


def false_alarms(kind: Kind, samples: list[bytes]) -> tuple[int, int]:
    """(pairs of different files, pairs of them that are held for alike)."""
    prints = [_print(kind, data, f"work:{number}") for number, data in enumerate(samples)]
    alike = Excluded(prints).alike(prints)
    held = sum(one.owner != own.owner for own, found in zip(prints, alike, strict=True) for one in found)
    return len(prints) * (len(prints) - 1) // 2, held // 2


def missed(kind: Kind, samples: list[bytes]) -> dict[str, int]:
    """How many copies of each kind of change are not held for alike to what they were made of."""
    counts = {}
    for name, change in (PICTURES if kind == "picture" else TEXTS).items():
        draw = random.Random(name)
        counts[name] = 0
        for data in samples:
            refused, copy = _print(kind, data, "work:refused"), _print(kind, *change(data, draw))
            counts[name] += not Excluded([refused]).alike([copy])[0]
    return counts


def _print(kind: Kind, data: bytes, owner: str, media_type: str = "") -> Print:
    media_type = media_type or ("image/png" if kind == "picture" else "text/plain")
    made, _ = print_of(owner, data, media_type, means())
    return Print(owner, made.letters_sha256, made.codes, owner)


Change = Callable[[bytes, random.Random], tuple[bytes, str, str]]
"""From a file to its copy: the bytes, a name, the media type."""


def _picture(edit: Callable[[Image.Image], Image.Image], kind: str = "PNG", **how: Any) -> Change:
    def change(data: bytes, draw: random.Random) -> tuple[bytes, str, str]:
        out = io.BytesIO()
        edit(Image.open(io.BytesIO(data)).convert("RGB")).save(out, kind, **how)
        return out.getvalue(), "work:copy", "image/png"

    return change


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def _same(picture: Image.Image) -> Image.Image:
    return picture


def _cropped(part: float) -> Callable[[Image.Image], Image.Image]:
    def edit(picture: Image.Image) -> Image.Image:
        wide, high = picture.width * part / 2, picture.height * part / 2
        return picture.crop((int(wide), int(high), int(picture.width - wide), int(picture.height - high)))

    return edit


PICTURES: dict[str, Change] = {
    "saved as PNG again": _picture(_same, compress_level=1),
    "JPEG 90": _picture(_same, "JPEG", quality=90),
    "JPEG 50": _picture(_same, "JPEG", quality=50),
    "JPEG 20": _picture(_same, "JPEG", quality=20),
    "WebP 50": _picture(_same, "WEBP", quality=50),
    "GIF of 256 colours": _picture(lambda one: one.quantize(256), "GIF"),
    "half as wide": _picture(lambda one: one.resize((one.width // 2, one.height // 2))),
    "grey": _picture(lambda one: one.convert("L")),
    "a fifth brighter": _picture(lambda one: ImageEnhance.Brightness(one).enhance(1.2)),
    "a fifth less contrast": _picture(lambda one: ImageEnhance.Contrast(one).enhance(0.8)),
    "blurred by a pixel": _picture(lambda one: one.filter(ImageFilter.GaussianBlur(1))),
    "2 % cropped": _picture(_cropped(0.02)),
    "5 % cropped": _picture(_cropped(0.05)),
    "20 % cropped": _picture(_cropped(0.2)),
    "a white frame of 5 %": _picture(lambda one: ImageOps.expand(one, one.width // 40, "white")),
    "turned by 2 degrees": _picture(lambda one: one.rotate(2, fillcolor="white")),
    "mirrored": _picture(ImageOps.mirror),
}


def _text(edit: Callable[[str, random.Random], str], encoding: str = "utf-8", media_type: str = "text/plain") -> Change:
    def change(data: bytes, draw: random.Random) -> tuple[bytes, str, str]:
        return edit(data.decode("utf-8", "ignore"), draw).encode(encoding, "replace"), "work:copy", media_type

    return change


def _as_is(text: str, draw: random.Random) -> str:
    return text


def _words(part: float) -> Callable[[str, random.Random], str]:
    def edit(text: str, draw: random.Random) -> str:
        words = text.split()
        return " ".join(draw.choice(words) if draw.random() < part else word for word in words)

    return edit


def _letters(part: float) -> Callable[[str, random.Random], str]:
    def edit(text: str, draw: random.Random) -> str:
        return "".join(draw.choice("abcdefghij") if letter.isalpha() and draw.random() < part else letter for letter in text)

    return edit


def _page(text: str, draw: random.Random) -> str:
    return f"<html><body><p>{html.escape(text)}</p></body></html>"


TEXTS: dict[str, Change] = {
    "UTF-16": _text(_as_is, "utf-16"),
    "UTF-32": _text(_as_is, "utf-32"),
    "a web page": _text(_page, media_type="text/html"),
    "capitals without signs": _text(lambda text, draw: re.sub(r"[^\w\s]", "", text).upper()),
    "lines of 38 letters": _text(lambda text, draw: "\n".join(re.findall(r".{1,38}", text.replace("\n", " ")))),
    "the last tenth missing": _text(lambda text, draw: text[: len(text) * 9 // 10]),
    "the last half missing": _text(lambda text, draw: text[: len(text) // 2]),
    "1 % of words others": _text(_words(0.01)),
    "5 % of words others": _text(_words(0.05)),
    "10 % of words others": _text(_words(0.1)),
    "20 % of words others": _text(_words(0.2)),
    "1 % of letters others": _text(_letters(0.01)),
    "5 % of letters others": _text(_letters(0.05)),
}
