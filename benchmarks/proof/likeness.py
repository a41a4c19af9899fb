"""How far content codes move when a copy is edited, and how near those of unrelated works come: what the limits rest on.

    python -m benchmarks.proof.likeness --data FOLDER --json

FOLDER holds literature/works.parquet (column `text`) and artwork/openclipart_64.npz (array `images`). Texts: passages of
novels and plays of three lengths, each with one word changed, five words changed, or cut in half; passages that are then too
short for a code are left out. Pictures: clip art enlarged to 512 pixels, re-saved, scaled, blurred, brightened, cropped.
Distances are Hamming distances of 256-bit codes (ISO 24138).
"""

from __future__ import annotations

import argparse
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from endcredits.receipts.credentials.codes import code_bytes, codes_of_text, image_code
from endcredits.receipts.credentials.library import library
from endcredits.receipts.credentials.registry import ALIKE_BITS, CLOSE_BITS

LENGTHS = (200, 500, 2000)
PASSAGES_A_WORK = 15
PICTURES = 2500
EDITED_PICTURES = 400


def bits(codes: list[str]) -> np.ndarray:
    """Codes as rows of 32 bytes."""
    return np.stack([np.frombuffer(code_bytes(code)[1], np.uint8) for code in codes])


def apart(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Distances row by row."""
    return np.bitwise_count(left ^ right).sum(axis=-1, dtype=np.int64)


def pairs(rows: np.ndarray, owners: list[int]) -> np.ndarray:
    """Distances of all pairs of different owners."""
    of = np.array(owners)
    found = [apart(rows[n], rows[n + 1 :])[of[n + 1 :] != of[n]] for n in range(len(rows) - 1)]
    return np.concatenate(found)


def told(distances: np.ndarray, kind: str) -> dict[str, float]:
    """Median, 90th and 99th percentile, largest; and how many lie within the two limits."""
    return {
        "median": float(np.median(distances)),
        "p90": float(np.percentile(distances, 90)),
        "p99": float(np.percentile(distances, 99)),
        "most": int(distances.max()),
        "close": float((distances <= CLOSE_BITS[kind]).mean()),
        "reported": float((distances <= ALIKE_BITS[kind]).mean()),
    }


def unrelated(distances: np.ndarray, kind: str) -> dict[str, float]:
    """How near works of different makers come."""
    return {
        "pairs": len(distances),
        "median": float(np.median(distances)),
        "least": int(distances.min()),
        "one_in_10000": float(np.percentile(distances, 0.01)),
        "close": float((distances <= CLOSE_BITS[kind]).mean()),
        "reported": float((distances <= ALIKE_BITS[kind]).mean()),
    }


def change_words(passage: str, count: int) -> str:
    """So many words replaced, spread evenly."""
    words = passage.split(" ")
    for number in range(count):
        words[(number + 1) * len(words) // (count + 1)] = "endcredits"
    return " ".join(words)


TEXT_EDITS: dict[str, Callable[[str], str]] = {
    "one word": lambda passage: change_words(passage, 1),
    "five words": lambda passage: change_words(passage, 5),
    "cut in half": lambda passage: passage[: len(passage) // 2],
}


def texts(folder: Path, passages: int) -> dict[str, Any]:
    """Figures per length of passage."""
    works = pq.read_table(folder / "literature" / "works.parquet", columns=["text"])["text"].to_pylist()
    draw, found = random.Random(1), {}
    for length in LENGTHS:
        cut, owners = [], []
        for owner, work in enumerate(works):
            for _ in range(passages):
                start = draw.randrange(max(1, len(work) - length))
                cut.append(work[start : start + length])
                owners.append(owner)
        codes = [codes_of_text(one.encode()).content for one in cut]
        whole = [n for n, code in enumerate(codes) if code]
        rows, owners = bits([codes[n] for n in whole]), [owners[n] for n in whole]
        edited = {}
        for name, edit in TEXT_EDITS.items():
            after = [codes_of_text(edit(cut[n]).encode()).content for n in whole]
            kept = [n for n, code in enumerate(after) if code]
            edited[name] = told(apart(rows[kept], bits([after[n] for n in kept])), "text")
        found[f"{length} characters"] = {"unrelated": unrelated(pairs(rows, owners), "text"), **edited}
    return found


def saved(image: Any, form: str, **how: Any) -> Any:
    """A picture written and read again."""
    out = io.BytesIO()
    image.save(out, form, **how)
    return library("PIL.Image").open(out)


def picture_edits() -> dict[str, Callable[[Any], Any]]:
    """What happens to pictures on their way."""
    filters, enhance = library("PIL.ImageFilter"), library("PIL.ImageEnhance")
    return {
        "JPEG, quality 30": lambda one: saved(one, "JPEG", quality=30),
        "WebP, quality 40": lambda one: saved(one, "WEBP", quality=40),
        "half the size": lambda one: one.resize((256, 256)),
        "blurred by 3 pixels": lambda one: one.filter(filters.GaussianBlur(3)),
        "a fifth brighter": lambda one: enhance.Brightness(one).enhance(1.2),
        "5 % cropped": lambda one: one.crop((13, 13, 499, 499)),
        "10 % cropped": lambda one: one.crop((26, 26, 486, 486)),
    }


def coded(image: Any) -> str:
    """A picture's code."""
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=0)
    return image_code(io.BytesIO(out.getvalue()))


def pictures(folder: Path, count: int, edited: int) -> dict[str, Any]:
    """Figures of clip art."""
    image = library("PIL.Image")
    arrays = np.load(folder / "artwork" / "openclipart_64.npz")["images"]
    chosen = np.random.default_rng(1).permutation(len(arrays))[:count]
    rows = bits([coded(image.fromarray(arrays[n])) for n in chosen])
    found: dict[str, Any] = {"unrelated": unrelated(pairs(rows, list(range(len(rows)))), "image")}
    large = [image.fromarray(arrays[n]).resize((512, 512), image.Resampling.LANCZOS) for n in chosen[:edited]]
    whole = bits([coded(one) for one in large])
    for name, edit in picture_edits().items():
        found[name] = told(apart(whole, bits([coded(edit(one)) for one in large])), "image")
    return found


def measure(
    folder: Path, passages: int = PASSAGES_A_WORK, count: int = PICTURES, edited: int = EDITED_PICTURES
) -> dict[str, Any]:
    """All figures."""
    return {
        "limits_bits": {"close": CLOSE_BITS, "reported": ALIKE_BITS},
        "texts": texts(folder, passages),
        "pictures": pictures(folder, count, edited),
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="how far content codes move")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds literature/ and artwork/")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    given = parser.parse_args()
    measured = measure(given.data)
    if given.json:
        print(json.dumps(measured, indent=2))
        return
    for part in (*measured["texts"].items(), ("pictures", measured["pictures"])):
        print(part[0])
        for name, figures in part[1].items():
            print(f"  {name:<20}" + "  ".join(f"{key} {value:,.6g}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
