"""`python -m benchmarks.export [--json] [--runs N] [--works 10000]`: what it costs to take everything out, and to check it.

A studio is made of works of invented words (4,000 bytes each) by one person, each with a statement. Then the archive with
all files is written and checked. The reference is packing the same files with the zip of the standard library, stored, which
no export of the files can do without. Studio, export and check have a process each, so that peaks of memory are their own;
what the program itself takes before it begins is subtracted. Times are processor seconds of one core.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.frame import figure, options, ratios, show
from endcredits.flows import catalogue, fact_log
from endcredits.flows.exporting import export
from endcredits.flows.exporting_check import check_export
from endcredits.flows.studio import init_studio, open_studio
from endcredits.works import Contributor, Submission
from endcredits.works.content import path_of

WORKS, BYTES = 10_000, 4_000
PERSON, AT = "Ada Quill", "2026-01-01T00:00:00Z"


def make(folder: str, works: str, size: str) -> dict[str, Any]:
    """A studio of works by one person, everything logged."""
    draw, studio = random.Random(7), init_studio(folder, name="Large")
    words = ["".join(draw.choices("abcdefghiklmnoprstuvw", k=draw.randint(2, 9))) for _ in range(20_000)]
    given = []
    for number in range(int(works)):
        data = " ".join(draw.choices(words, k=int(size) // 5)).encode()[: int(size)]
        content = ((f"{number}.txt", "text/plain", data),)
        name = f"work:{number:06d}"
        given.append(
            Submission(f"Title {number}", content, (Contributor(PERSON),), "allow", "licence", "made", PERSON, name, name)
        )
    catalogue.add_works(studio, given, AT)
    fact_log.complete(studio)
    studio.close()
    return {}


def write(folder: str, target: str) -> dict[str, Any]:
    """The archive with all files."""
    studio = open_studio(folder)
    before = peak_mb()
    taken = seconds(lambda: export(studio, PERSON, target, with_files=True))
    studio.close()
    return {"cpu_s": taken, "before_mb": before, "peak_mb": peak_mb()}


def check(folder: str, target: str) -> dict[str, Any]:
    """The check of the archive, which must fit."""
    vkeys = (Path(folder) / "log" / "log.vkey").read_text().split()
    before = peak_mb()
    found = []
    taken = seconds(lambda: found.append(check_export(target, vkeys)))
    assert found[0].findings == ()
    return {"cpu_s": taken, "before_mb": before, "peak_mb": peak_mb(), "proofs": found[0].proofs, "files": found[0].entries}


def reference(folder: str, target: str) -> dict[str, Any]:
    """The works' files, stored by the zip of the standard library."""
    files = sorted(Path(folder, "content").glob("*/*"))

    def pack() -> None:
        with zipfile.ZipFile(f"{target}.reference", "w") as archive:
            for path in files:
                archive.write(path_of(Path(folder, "content"), path.name), path.name)

    return {"cpu_s": seconds(pack)}


STEPS: dict[str, Callable[..., dict[str, Any]]] = {"make": make, "write": write, "check": check, "reference": reference}


def seconds(work: Callable[[], Any]) -> float:
    """Processor seconds of one call."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def peak_mb() -> int:
    """Most memory that this process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def in_a_process(step: str, *arguments: str) -> dict[str, Any]:
    """A step in a process of its own."""
    program = "import json, sys; from benchmarks.export import STEPS; print(json.dumps(STEPS[sys.argv[1]](*sys.argv[2:])))"
    command = [sys.executable, "-c", program, step, *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(works: int = WORKS, size: int = BYTES, runs: int = 3) -> dict[str, Any]:
    """Export, check and reference, `runs` times each."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, target = str(Path(scratch) / "studio"), str(Path(scratch) / "all.zip")
        in_a_process("make", folder, str(works), str(size))
        rows = {step: [in_a_process(step, folder, target) for _ in range(runs)] for step in ("write", "check", "reference")}
        length = Path(target).stat().st_size
    times = {step: [one["cpu_s"] for one in found] for step, found in rows.items()}
    figures = [
        figure("export_cpu_s", times["write"], "s", "everything, with files and a proof for every statement"),
        figure("check_cpu_s", times["check"], "s", "every byte, every proof"),
        figure("reference_cpu_s", times["reference"], "s", "the files alone, by the standard library, unsigned"),
        figure("check_to_reference", ratios(times["check"], times["reference"]), "x", "over the reference"),
        figure("export_ms_a_work", [1000 * one / works for one in times["write"]], "ms", "a work"),
    ]
    for step in ("write", "check"):
        grown = [float(one["peak_mb"] - one["before_mb"]) for one in rows[step]]
        figures.append(figure(f"{step}_memory_mb", grown, "MiB", "above what the program itself takes"))
    facts = {"works": works, "bytes_each": size, "files": rows["check"][0]["files"], "proofs": rows["check"][0]["proofs"]}
    return {"facts": {**facts, "archive_mb": round(length / 1e6, 1)}, "figures": figures}


def add_options(parser: argparse.ArgumentParser) -> None:
    """The size of the studio."""
    parser.add_argument("--works", type=int, default=WORKS, help=f"works in the studio (default {WORKS:,})")


def main() -> None:
    """Measures and prints."""
    asked = options("What taking everything out costs.", add_options)
    found = measure(asked.works, BYTES, asked.runs)
    show("export", found["figures"], found["facts"], asked.json)


if __name__ == "__main__":
    main()
