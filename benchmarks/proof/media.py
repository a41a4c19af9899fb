"""Content credentials beside the signing library alone, per format, and the lookup of a stripped file among many.

    python -m benchmarks.proof.media --json

The reference does the same work with the library's own calls: context, signer, builder, signing one file into another,
flushing it, and reading it back as JSON, with the same settings and the very same manifest of ten works. What ours adds is
the check that the name is free, digests of manifest and copy, the judgement of what was read back, and the name given last.
`alone` is the library's signing into memory and nothing else, so that the price of reading back can be seen as well.

Both are timed in turn inside one run, since machines drift. The ratio is that of the medians of processor time: a neighbour
on the machine and a slow disk change how long one waits, not how much work there is. Waiting times stand beside it.
"""

from __future__ import annotations

import io
import json
import math
import os
import random
import statistics
import struct
import tempfile
import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.frame import machine, options, seconds
from endcredits.flows.clock import now
from endcredits.receipts.credentials import (
    ATTRIBUTED,
    Codes,
    Entry,
    Proof,
    Signatory,
    UsedWork,
    add,
    codes_of_file,
    codes_of_text,
    definition,
    disclosure_of,
    format_of,
    load_signatory,
    lookup,
    make_trial_key,
    signed,
)
from endcredits.receipts.credentials.library import library, settings

WORKS = 10
RATIO_MAX = 1.2
REGISTERED = 100_000
_LINE = "salt road mule sand sun dune cart well dust caravan lamp wick oil night page ink hush stair moth window"
_WORDS = _LINE.split(" ")


def picture(form: str, side: int) -> bytes:
    """A smooth picture with some noise, so that formats compress it as they do photographs."""
    image, filters = library("PIL.Image"), library("PIL.ImageFilter")
    draw = random.Random(side)
    small = image.frombytes("RGB", (24, 24), draw.randbytes(24 * 24 * 3)).resize((side, side), image.Resampling.BICUBIC)
    noise = image.effect_noise((side, side), 24).convert("RGB").filter(filters.GaussianBlur(0.7))
    out = io.BytesIO()
    image.blend(small, noise, 0.15).save(out, form)
    return out.getvalue()


def wav(duration_s: int) -> bytes:
    """Two tones, 16 bit stereo at 44.1 kHz."""
    frames = (
        struct.pack("<hh", int(9_000 * math.sin(n / 17)), int(9_000 * math.sin(n / 23))) for n in range(44_100 * duration_s)
    )
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(44_100)
        sound.writeframes(b"".join(frames))
    return out.getvalue()


def mp3(frames: int) -> bytes:
    """Frames of 128 kbit/s."""
    draw = random.Random(3)
    return b"".join(b"\xff\xfb\x90\x64" + bytes(32) + bytes(b & 0x7F for b in draw.randbytes(381)) for _ in range(frames))


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def mp4(size_bytes: int) -> bytes:
    """A file type, a movie's head without tracks, and data."""
    head = struct.pack(">IIIIIIH10x", 0, 0, 0, 1000, 1000, 0x10000, 0x100)
    head += struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000) + bytes(24) + struct.pack(">I", 1)
    kind = _box(b"ftyp", b"isom" + struct.pack(">I", 512) + b"isomiso2mp41")
    return kind + _box(b"moov", _box(b"mvhd", head)) + _box(b"mdat", random.Random(4).randbytes(size_bytes))


def pdf(size_bytes: int) -> bytes:
    """One page whose content is a long list of lines."""
    content = b"0 0 m 9 9 l S\n" * (size_bytes // 14)
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R /Resources << >> >>",
        b"<< /Length %d >>\nstream\n%sendstream" % (len(content), content),
    )
    out, places = b"%PDF-1.7\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(out)
    return out + b"xref\n0 5\n0000000000 65535 f \n" + table + end


def text(words: int, seed: int) -> str:
    """Words in another order for every seed."""
    return " ".join(random.Random(seed).choices(_WORDS, k=words))


FILES: dict[str, Callable[[], bytes]] = {
    "png": lambda: picture("PNG", 512),
    "jpg": lambda: picture("JPEG", 512),
    "webp": lambda: picture("WEBP", 512),
    "mp4": lambda: mp4(830_000),
    "wav": lambda: wav(5),
    "mp3": lambda: mp3(4_800),
    "pdf": lambda: pdf(630_000),
    "txt": lambda: text(4_000, 1).encode(),
}


def signer(folder: Path) -> Signatory:
    """A trial signer."""
    made = make_trial_key(folder, "Benchmark", now())
    return load_signatory(made.chain, made.key, now())


def manifest(path: Path) -> tuple[Codes, dict[str, Any]]:
    """A file's codes, and its definition with ten works."""
    form = format_of(path)
    codes = codes_of_file(path, form)
    works = [UsedWork(f"work:{n}", n + 1, f"The work of number {n}", ("A Maker",), (f"{n:064x}",)) for n in range(WORKS)]
    proof = Proof(
        "output:1", "output:1", codes.sha256, "1" * 64, 4_000, "2" * 64, "studio.example/endcredits/log", 1_000_000
    )
    said = disclosure_of({"provider": "Benchmark", "system": "model", "version": "1"})
    return codes, definition(form, path.name, codes, proof, works, said, time=now(), unique_id="ab" * 16, version="0")


def bare(path: Path, target: Path | None, made: dict[str, Any], one: Signatory) -> None:
    """The same with the library's own calls; without a target, signing into memory alone."""
    c2pa = library("c2pa")
    form = format_of(path)
    chosen = settings(one.root_pem)
    info = c2pa.C2paSignerInfo(one.algorithm.encode(), one.chain_pem.encode(), one.key_pem, None)
    with (
        c2pa.Signer.from_info(info) as key,
        c2pa.Context.from_dict(chosen) as context,
        c2pa.Builder(made, context=context) as builder,
        path.open("rb") as source,
    ):
        if not form.embeds:
            builder.set_no_embed()
        if target is None:
            builder.sign(key, form.told, source, io.BytesIO())
            return
        if form.embeds:
            with target.open("w+b") as copy:
                builder.sign(key, form.told, source, copy)
                copy.flush()
                os.fsync(copy.fileno())
            data = None
        else:
            data = builder.sign(key, form.told, source, io.BytesIO())
            with target.open("wb") as beside:
                beside.write(data)
                beside.flush()
                os.fsync(beside.fileno())
        with (
            (target if form.embeds else path).open("rb") as again,
            c2pa.Reader(form.told, again, data, context=context) as reader,
        ):
            if json.loads(reader.json())["validation_state"] != "Trusted":
                raise RuntimeError("the reference did not sign")
    target.unlink()


def ours(path: Path, target: Path, made: dict[str, Any], one: Signatory) -> None:
    """Signing as the house does, with the copy published and taken away again."""
    with signed(path, target, format_of(path), made, one) as copy:
        copy.publish()
    target.unlink()


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """(milliseconds waited, milliseconds of processor time) of one call."""
    begin, used = time.perf_counter(), time.process_time()
    work()
    return 1000 * (time.perf_counter() - begin), 1000 * (time.process_time() - used)


def measure(runs: int = 21, registered: int = REGISTERED) -> dict[str, Any]:
    """Milliseconds per format, and of a lookup among `registered` outputs.

    Args:
        runs: timed pairs a format; medians are told.
        registered: rows of the register that is looked through.

    Returns:
        {"machine", "runs", "formats": {suffix: {"bytes", "ours_ms", "bare_ms", "ours_cpu_ms", "bare_cpu_ms", "ratio",
        "alone_ms", "codes_ms"}}, "ratio_largest", "ratio_allowed", "lookup": {...}}.
    """
    formats: dict[str, dict[str, float]] = {}
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as name:
        folder = Path(name)
        one = signer(folder / "keys")
        for suffix, make in FILES.items():
            path = folder / f"a.{suffix}"
            path.write_bytes(make())
            codes, made = manifest(path)
            target = folder / f"b.{suffix}"

            def house(path: Path = path, target: Path = target, made: dict[str, Any] = made) -> None:
                ours(path, target, made, one)

            def library_alike(path: Path = path, target: Path = target, made: dict[str, Any] = made) -> None:
                bare(path, target, made, one)

            pairs = [(timed(house), timed(library_alike)) for _ in range(runs + 1)][1:]
            alone = [timed(lambda: bare(path, None, made, one))[0] for _ in range(runs)]  # noqa: B023
            coded = [timed(lambda: codes_of_file(path, format_of(path)))[0] for _ in range(5)]  # noqa: B023
            work = [statistics.median(pair[side][1] for pair in pairs) for side in (0, 1)]
            formats[suffix] = {
                "bytes": codes.size_bytes,
                "ours_ms": statistics.median(pair[0][0] for pair in pairs),
                "bare_ms": statistics.median(pair[1][0] for pair in pairs),
                "ours_cpu_ms": work[0],
                "bare_cpu_ms": work[1],
                "ratio": work[0] / work[1],
                "alone_ms": statistics.median(alone),
                "codes_ms": statistics.median(coded),
            }
        found = _lookup(folder / "codes.sqlite", registered)
    return {
        "machine": machine(),
        "runs": runs,
        "formats": formats,
        "ratio_largest": max(one["ratio"] for one in formats.values()),
        "ratio_allowed": RATIO_MAX,
        "lookup": found,
    }


def _lookup(path: Path, registered: int) -> dict[str, float]:
    """How long it takes to register that many texts, and to look a changed one up."""
    made = [(f"output:{number}", text(60, number)) for number in range(registered)]
    coded = seconds(lambda: [codes_of_text(one.encode()) for _, one in made[:1000]])
    rows = [Entry(output_id, ATTRIBUTED, "2026-11-20T12:00:00Z", codes_of_text(one.encode())) for output_id, one in made]
    added = seconds(lambda: add(path, rows))
    asked = codes_of_text(made[registered // 2][1].replace("salt", "pepper", 1).encode())
    exact = rows[registered // 3].codes
    times = [timed(lambda: lookup(path, asked)) for _ in range(5)]
    if lookup(path, asked)[0].entry.output_id != made[registered // 2][0] or lookup(path, exact)[0].verdict != "same bytes":
        raise RuntimeError("the lookup found something else")
    return {
        "registered": registered,
        "text_codes_per_s": 1000 / coded,
        "rows_added_per_s": registered / added,
        "lookup_ms": statistics.median(waited for waited, _ in times),
        "lookup_cpu_ms": statistics.median(worked for _, worked in times),
        "register_bytes": path.stat().st_size,
    }


def main() -> None:
    """The command line."""
    given = options("content credentials beside the signing library")
    measured = measure(max(given.runs, 11))
    if given.json:
        print(json.dumps(measured, indent=2))
        return
    print(measured["machine"])
    for suffix, one in measured["formats"].items():
        work = f"ours {one['ours_cpu_ms']:6.2f} ms of work, library {one['bare_cpu_ms']:6.2f}, {one['ratio']:.2f}x"
        waiting = f"waiting {one['ours_ms']:.1f} and {one['bare_ms']:.1f}, signing alone {one['alone_ms']:.1f}"
        print(f"{suffix:>5} {one['bytes']:>9,} bytes  {work}  ({waiting}, codes {one['codes_ms']:.1f})")
    print({name: round(value, 1) for name, value in measured["lookup"].items()})


if __name__ == "__main__":
    main()
