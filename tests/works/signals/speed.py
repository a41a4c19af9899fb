"""How long a scan of pictures takes beside Pillow's own reading: `python -m tests.works.signals.speed [FILES]`.

Both read the same JPEG files with different packets in one process; the rounds take turns, and the best of each counts.
Measured is the time of this process on its core, which other work on the machine disturbs least.
"""

from __future__ import annotations

import hashlib
import io
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from endcredits.works.signals import Found, combined, read_work
from tests.works.signals.media import packet

ROUNDS = 5


def make(folder: Path, count: int) -> list[str]:
    """Noise does not compress, so that the files are as large as photographs of their size."""
    pixels = np.random.default_rng(0).integers(0, 255, (360, 480, 3), dtype=np.uint8)
    shape, names = Image.fromarray(pixels), []
    for number in range(count):
        out = io.BytesIO()
        inside = f"<plus:DataMining>DMI-PROHIBITED-AIMLTRAINING</plus:DataMining><plus:ImageID>{number}</plus:ImageID>"
        shape.save(out, "JPEG", quality=60, xmp=packet(inside).encode())
        names.append(str(folder / f"{number:06}.jpg"))
        Path(names[-1]).write_bytes(out.getvalue())
    return names


def pillow(name: str) -> None:
    with Image.open(name) as picture:
        assert "DMI-PROHIBITED" in str(picture.getxmp())


def signals(name: str) -> None:
    with open(name, "rb") as file:
        data = file.read()
    assert read_work(data, Found(name)).signals[0].value == "deny"


def everything(name: str) -> None:
    with open(name, "rb") as file:
        data = file.read()
    hashlib.sha256(data).hexdigest()
    assert combined(read_work(data, Found(name)).signals)["train"].value == "deny"


def main(count: int) -> None:
    """Prints microseconds per file and the ratio to Pillow."""
    ways: tuple[Callable[[str], None], ...] = (pillow, signals, everything)
    best = dict.fromkeys(ways, float("inf"))
    with tempfile.TemporaryDirectory() as folder:
        names = make(Path(folder), count)
        print(f"{count} files of {Path(names[0]).stat().st_size} bytes")
        for _ in range(ROUNDS):
            for way in ways:
                start = time.process_time()
                for name in names:
                    way(name)
                best[way] = min(best[way], time.process_time() - start)
    for way, seconds in best.items():
        ratio = seconds / best[pillow]
        print(f"{way.__name__:<12}{seconds / count * 1e6:8.0f} us/file {count / seconds:8.0f} files/s {ratio:6.2f} x Pillow")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)
