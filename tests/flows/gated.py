"""Folders of works for tests of the gate: texts and pictures in the real formats, with a past that their times tell."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from endcredits.flows import admitting, catalogue
from endcredits.flows.admitting import Admitted
from endcredits.flows.candidates import Terms
from endcredits.flows.clock import now
from endcredits.flows.sources import from_path
from endcredits.flows.studio import Studio
from endcredits.ids import WorkId
from endcredits.works import Permission

YES = Terms(creator="Ada Quill", permission="allow")
LONG_AGO = 1_000_000_000
"""A time at which a file was last changed, so that it is known by its times."""

SEA = (
    "The sea was grey that morning, and nobody had put out the boats. \u201cTomorrow,\u201d said the old man "
    "\u2014 and mended the nets again, as he had done on every grey day of every winter that anybody could remember.\n"
)
HILL = "A road climbs the hill between two walls of stone, and at the top of it stands a house that has been empty since.\n"


def photo(seed: int, size: int = 160) -> Image.Image:
    """A picture with soft shapes and noise, as a camera makes."""
    draw = np.random.default_rng(seed)
    total = np.zeros((size, size, 3))
    for grid in (3, 6, 12, 24, 48):
        noise = Image.fromarray((draw.random((grid, grid, 3)) * 255).astype("uint8"))
        total += np.asarray(noise.resize((size, size), Image.Resampling.BICUBIC), dtype=float) / grid**0.8
    total -= total.min()
    return Image.fromarray((total / total.max() * 255).astype("uint8"))


def saved(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """The bytes of a picture's file."""
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def put(folder: Path, **files: str | bytes) -> Path:
    """Writes files (`__` in a name is a dot) that were last changed long ago."""
    for name, data in files.items():
        path = folder / name.replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        os.utime(path, (LONG_AGO, LONG_AGO))
    return folder


def pass_gate(studio: Studio, *paths: Path, terms: Terms = YES, recheck: bool = False) -> Admitted:
    """Lets folders and tables through the gate."""
    return admitting.admit(studio, [from_path(path, terms) for path in paths], recheck=recheck)


def by_name(done: Admitted) -> dict[str, str]:
    """What became of each candidate, by the last part of its name."""
    return {one.name.rpartition("/")[2]: one.outcome for one in done.outcomes}


def work_of(done: Admitted, name: str) -> WorkId:
    """The work that a candidate is."""
    return WorkId(next(one.work_id for one in done.outcomes if one.name.endswith(name)))


def deny(studio: Studio, work_id: str, by: str = "Ada Quill") -> Permission:
    """A no to training, from now on."""
    return catalogue.state(studio, Permission(work_id, "train", "deny", "withdrawn", "a letter", by, now()))


def files_below(folder: Path) -> Iterator[Path]:
    """Every file of a folder and its sub-folders."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file())
