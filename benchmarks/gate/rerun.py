"""What the gate costs for a folder of pictures, for the first time, unchanged, and with one file changed."""

from __future__ import annotations

import hashlib
import io
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.frame import Figure, figure
from endcredits.flows.admitting import Admitted, admit
from endcredits.flows.candidates import Terms
from endcredits.flows.sources import from_path
from endcredits.flows.studio import init_studio

LONG_AGO = 1_000_000_000


def make(folder: Path, number: int) -> None:
    """JPEG files of about 10 KiB, each another, five hundred in a folder."""
    draw = np.random.default_rng(1)
    for one in range(number):
        shapes = Image.fromarray((draw.random((9, 12, 3)) * 255).astype("uint8"))
        out = io.BytesIO()
        shapes.resize((320, 240), Image.Resampling.BICUBIC).save(out, "JPEG", quality=85)
        file = folder / f"{one // 500:03d}" / f"{one:06d}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(out.getvalue())
        os.utime(file, (LONG_AGO, LONG_AGO))


def rerun(place: Path, number: int, runs: int) -> list[Figure]:
    """The figures: processor seconds of one core, and the files that were read."""
    make(place / "works", number)
    studio = init_studio(place / "studio")
    source = from_path(place / "works", Terms(creator="Ada", permission="allow"))

    def gate() -> Admitted:
        return admit(studio, [source])

    reading = [_cpu(lambda: _read(place / "works"))[0] for _ in range(runs)]
    first, done = _cpu(gate)
    again = [_cpu(gate) for _ in range(runs)]
    file = next((place / "works").rglob("*.jpg"))
    file.write_bytes(file.read_bytes() + b"\0")
    os.utime(file, (LONG_AGO + 1, LONG_AGO + 1))
    changed, one = _cpu(gate)
    studio.close()
    beside = f"{number} files; the first time {done.read} were read"
    return [
        figure("reading and hashing the files", reading, "s", "reference"),
        figure("first time", [first], "s", beside),
        figure(
            "again, unchanged", [seconds for seconds, _ in again], "s", f"{max(one.read for _, one in again)} files read"
        ),
        figure("again, one file changed", [changed], "s", f"{one.read} file read"),
    ]


def _cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.process_time()
    result = work()
    return time.process_time() - begin, result


def _read(folder: Path) -> None:
    for file in folder.rglob("*.jpg"):
        hashlib.sha256(file.read_bytes()).digest()
