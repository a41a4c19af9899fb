"""Scanning pictures beside the bare reading of the same files: `python -m benchmarks.rights.scan [--json] [--files N]`.

The files are real: JPEG, PNG, WebP and TIFF as Pillow writes them, each with an XMP packet of its own that speaks about
training; every twentieth JPEG is signed by the C2PA library and says so in its content credentials as well.

The reference reads each file with the libraries alone, in the same process and in turn with ours: Pillow's `getxmp()`, and
for the signed ones, which it is told, the C2PA library's `Reader`. It asks nothing further. Ours is `scan_paths` over the
folder, and it does more: all of each file is read, in every place where a no can stand, with the SHA-256 of its bytes and
the answers for seven verbs. So the reference stands there a second time with that digest, which a record needs, and
beside both the limit: reading and digesting all bytes, and nothing else.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.frame import Figure, figure, options, ratios, show
from endcredits.flows.clock import now
from endcredits.flows.scanning import scan_paths
from endcredits.receipts.credentials import load_signatory, make_trial_key
from endcredits.receipts.credentials.library import library, settings

FILES = 10_000
PHOTOGRAPHS = 200
SIGNED_EACH = 20
RATIO_MAX = 1.3
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF")
_RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
_PLUS = 'xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/"'


def packet(number: int) -> bytes:
    """An XMP packet that no other file has."""
    inside = f"<plus:DataMining>DMI-PROHIBITED-AIMLTRAINING</plus:DataMining><plus:ImageID>{number}</plus:ImageID>"
    rdf = f'<rdf:RDF {_RDF}><rdf:Description rdf:about="" {_PLUS}>{inside}</rdf:Description></rdf:RDF>'
    head = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    return f'{head}{rdf}</x:xmpmeta><?xpacket end="w"?>'.encode()


def picture(width: int, height: int) -> Any:
    """A smooth picture with some noise, so that formats compress it as they do photographs."""
    image, filters = library("PIL.Image"), library("PIL.ImageFilter")
    draw = random.Random(width)
    small = image.frombytes("RGB", (24, 24), draw.randbytes(24 * 24 * 3)).resize((width, height), image.Resampling.BICUBIC)
    noise = image.effect_noise((width, height), 24).convert("RGB").filter(filters.GaussianBlur(0.7))
    return image.blend(small, noise, 0.15)


def written(shape: Any, form: str, xmp: bytes) -> bytes:
    """A file as Pillow writes it."""
    more: dict[str, Any] = {"xmp": xmp}
    if form == "PNG":
        text = library("PIL.PngImagePlugin").PngInfo()
        text.add_itxt("XML:com.adobe.xmp", xmp.decode())
        more = {"pnginfo": text, "compress_level": 1}
    if form == "TIFF":
        more = {"tiffinfo": {700: xmp}, "compression": "tiff_lzw"}
    if form == "WEBP":
        more["method"] = 0
    out = io.BytesIO()
    shape.save(out, form, **more)
    return out.getvalue()


def make(folder: Path, count: int, size: tuple[int, int], signed_each: int = SIGNED_EACH) -> set[str]:
    """Writes files in folders of a thousand; returns those that are signed."""
    shape, signed = picture(*size), set[str]()
    with tempfile.TemporaryDirectory() as keys:
        sign = signer(Path(keys)) if signed_each else None
        jpegs = 0
        for number in range(count):
            form = FORMATS[number % len(FORMATS)]
            data = written(shape, form, packet(number))
            place = folder / f"{number // 1000:03}" / f"{number:06}.{'jpg' if form == 'JPEG' else form.lower()}"
            place.parent.mkdir(exist_ok=True)
            jpegs += form == "JPEG"
            if sign is not None and form == "JPEG" and jpegs % signed_each == 1:
                data = sign(data)
                signed.add(str(place))
            place.write_bytes(data)
    return signed


def signer(folder: Path) -> Callable[[bytes], bytes]:
    """What signs a JPEG with an assertion on training."""
    c2pa = library("c2pa")
    made = make_trial_key(folder, "Benchmark", now())
    who = load_signatory(made.chain, made.key, now())
    info = c2pa.C2paSignerInfo(who.algorithm.encode(), who.chain_pem.encode(), who.key_pem, None)
    mining = {"label": "cawg.training-mining", "data": {"entries": {"cawg.ai_generative_training": {"use": "notAllowed"}}}}
    actions = {"label": "c2pa.actions", "data": {"actions": [{"action": "c2pa.created"}]}}
    told = {"claim_generator_info": [{"name": "benchmark", "version": "1"}], "assertions": [actions, mining]}
    context = c2pa.Context.from_dict({**settings(), "verify": {"verify_after_sign": False, "remote_manifest_fetch": False}})

    def sign(data: bytes) -> bytes:
        out = io.BytesIO()
        with c2pa.Signer.from_info(info) as key, c2pa.Builder(told, context=context) as builder:
            builder.sign(key, "image/jpeg", io.BytesIO(data), out)
        return out.getvalue()

    return sign


def bare(names: list[str], signed: set[str], digests: bool) -> None:
    """The libraries alone."""
    image, c2pa = library("PIL.Image"), library("c2pa")
    context = c2pa.Context.from_dict(settings())
    for name in names:
        with image.open(name) as opened:
            assert opened.getxmp()
        if name in signed:
            with open(name, "rb") as file, c2pa.Reader("image/jpeg", file, None, context=context) as reader:
                assert "training-mining" in json.dumps(json.loads(reader.json()))
        if digests:
            with open(name, "rb") as file:
                hashlib.file_digest(file, "sha256").hexdigest()


def limit(names: list[str]) -> None:
    """Reading and digesting every byte."""
    for name in names:
        with open(name, "rb") as file:
            hashlib.sha256(file.read()).hexdigest()


def ours(folder: Path, count: int) -> None:
    """The scan; every file says no to training."""
    denied = sum(work.answers["train"].value == "deny" for work in scan_paths([folder]))
    assert denied == count, f"{denied} of {count}"


def measure(count: int, size: tuple[int, int], runs: int, what: str, signed_each: int = SIGNED_EACH) -> dict[str, Any]:
    """Figures for one kind of files."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        signed = make(folder, count, size, signed_each)
        names = sorted(str(file) for file in folder.rglob("*.*") if file.is_file())
        total = sum(os.path.getsize(name) for name in names)
        ways: dict[str, Callable[[], None]] = {
            "scan": lambda: ours(folder, count),
            "bare": lambda: bare(names, signed, digests=False),
            "bare with digest": lambda: bare(names, signed, digests=True),
            "limit": lambda: limit(names),
        }
        took: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for turn in range(runs + 1):
            for name, way in ways.items():
                wall, processor = time.perf_counter(), time.process_time()
                way()
                if turn:  # the first round warms up
                    took[name].append((time.perf_counter() - wall, time.process_time() - processor))
    walls = {name: [one[0] for one in both] for name, both in took.items()}
    speeds = {name: [count / wall for wall in all_walls] for name, all_walls in walls.items()}
    processors = {name: [one[1] for one in both] for name, both in took.items()}
    figures: list[Figure] = [
        figure(f"{what}: scan", speeds["scan"], "files/s", f"{count} files of {total // count} bytes, {len(signed)} signed"),
        figure(f"{what}: the libraries alone", speeds["bare"], "files/s", "Pillow getxmp, C2PA Reader where signed"),
        figure(f"{what}: with the digest", speeds["bare with digest"], "files/s", "and SHA-256 of each file"),
        figure(f"{what}: limit", speeds["limit"], "files/s", f"read and SHA-256: {total / 1e6:.0f} MB"),
        figure(f"{what}: time to the libraries", ratios(walls["scan"], walls["bare"]), "x", f"at most {RATIO_MAX}"),
        figure(f"{what}: time to them with the digest", ratios(walls["scan"], walls["bare with digest"]), "x", ""),
        figure(f"{what}: processor time to the libraries", ratios(processors["scan"], processors["bare"]), "x", ""),
    ]
    return {"figures": figures, "facts": {"files": count, "bytes": total, "signed": len(signed)}}


def measured(runs: int, files: int, photographs: int) -> dict[str, Any]:
    """Small pictures, and photographs."""
    small = measure(files, (240, 180), runs, "pictures")
    large = measure(photographs, (3000, 2000), runs, "photographs", signed_each=0) if photographs else {"figures": []}
    return {"figures": [*small["figures"], *large["figures"]], "facts": small["facts"]}


def add_options(parser: argparse.ArgumentParser) -> None:
    """How many files."""
    parser.add_argument("--files", type=int, default=FILES, help=f"small pictures (default {FILES})")
    parser.add_argument("--photographs", type=int, default=PHOTOGRAPHS, help=f"large ones (default {PHOTOGRAPHS})")


def main() -> None:
    """Runs it and prints it."""
    asked = options("Scanning pictures beside the bare libraries.", add_options)
    found = measured(asked.runs, asked.files, asked.photographs)
    show("rights: scan", found["figures"], found["facts"], asked.json)


if __name__ == "__main__":
    main()
