"""`python -m benchmarks.trained_on [--json] [--runs N] [--works 100000]`: what "was I trained on?" costs in a large studio.

A studio is made of works of invented words (5,000 bytes each), all of them in one model's list, with outputs that name every
work. Then it is asked about an exact file, a copy with other layout, a passage, a name, an id, and a text that nobody has
written, each in a question of its own. Passages are looked for in all texts at every question, so the reference is reading
and hashing the same files, which no search can do without. The studio is made in a process of its own, so that the peak of
memory is that of the questions. Times are processor seconds of one core: a search runs on one, and a busy machine does not
change them much.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.frame import figure, options, ratios, seconds, show
from endcredits import durable
from endcredits.attribution import attribution_of, record
from endcredits.canonical import digest, sha256_bytes
from endcredits.flows import catalogue, fact_log
from endcredits.flows.index_files import CORPUS, sealed
from endcredits.flows.studio import Studio, init_studio, open_studio
from endcredits.flows.trained_on import trained_on
from endcredits.flows.trained_on_records import Answer, Question
from endcredits.ids import WorkId
from endcredits.influence import Credits
from endcredits.influence.gradient.manifest import MANIFEST_FILE, IndexManifest, manifest_bytes
from endcredits.works import Contributor, Submission, get_content, permissions
from endcredits.works.content import path_of

WORKS, BYTES, OUTPUTS, PEOPLE = 100_000, 5_000, 10, 5_000
AT = "2026-01-01T00:00:00Z"


def texts(number: int, size: int) -> Iterator[bytes]:
    """Texts of invented words, every one another."""
    draw = random.Random(7)
    words = ["".join(draw.choices("abcdefghiklmnoprstuvw", k=draw.randint(2, 9))) for _ in range(20_000)]
    for _ in range(number):
        text = " ".join(draw.choices(words, k=size // 5))
        yield f"{text[: size - 2]}.\n".encode()


def make(folder: str | Path, works: int = WORKS, size: int = BYTES, outputs: int = OUTPUTS) -> Studio:
    """A studio with works, one model that learnt from all of them, and outputs that name them all."""
    studio = init_studio(folder, name="Large")
    given = []
    for number, data in enumerate(texts(works, size)):
        place = path_of(studio.content, sha256_bytes(data))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)  # registering finds it whole; a flush for each file would be measured elsewhere
        name = f"work:{number:06d}"
        maker = (Contributor(f"Writer {number % PEOPLE}"),)
        content = ((f"{number}.txt", "text/plain", data),)
        given.append(Submission(f"Title {number}", content, maker, "allow", "licence", "made", "the maker", name, name))
    catalogue.add_works(studio, given, AT)
    attribute(studio, learn(studio), outputs)
    return studio


def attribute(studio: Studio, index_digest: str, outputs: int) -> None:
    """Outputs that credit every work a little."""
    with studio.store.reading() as conn:
        ids = tuple(sorted(WorkId(one.subject) for one in permissions(conn)))
    credits = Credits(20.0, ids, tuple(1.0 / (1 + place) for place in range(len(ids))), (0.0,) * len(ids))
    made = [
        attribution_of(credits, output=f"output {number}".encode(), prompt=b"", method="made/1", index_digest=index_digest)
        for number in range(outputs)
    ]
    studio.store.write(lambda conn: record(conn, made, AT))


def learn(studio: Studio, at: str = AT) -> str:
    """The notes of an index over everything that is admitted, without its vectors; returns its digest."""
    corpus = catalogue.corpus(studio, at)
    folder = studio.path / "index" / "made"
    ids = [(work.work_id, 1) for work in corpus.admitted]
    facts = {"base_sha256": "0" * 64, "full_sha256": "1" * 64, "code_sha256": "2" * 64, "examples": len(ids)}
    manifest = manifest_bytes(IndexManifest("made/1", digest(facts), facts, "1", "0", "0", tuple(ids), {}))
    folder.mkdir(parents=True)
    durable.write_atomic(folder / MANIFEST_FILE, manifest)
    index_digest = sha256_bytes(manifest)
    notes = {"manifest": corpus.manifest(), "catalogue": corpus.extent, "catalogue_digest": corpus.catalogue_digest}
    durable.write_atomic(folder / CORPUS, sealed({**notes, "index_digest": index_digest}))
    fact_log.complete(studio)  # as building an index does: the log tells what the model learnt from
    return index_digest


def questions(studio: Studio, folder: Path, size: int) -> dict[str, tuple[Question, str]]:
    """What is asked, with the answer that it must get."""
    third = next(data for number, data in enumerate(texts(4, size)) if number == 3)
    exact, again, unknown = folder / "exact.txt", folder / "again.txt", folder / "unknown.txt"
    exact.write_bytes(third)
    again.write_bytes(third.upper().replace(b" ", b"\n"))
    unknown.write_bytes(" ".join(f"{number}th nowhere" for number in range(size // 12)).encode())
    return {
        "exact_file_cpu_s": (Question("file", str(exact)), "yes"),
        "copy_with_other_layout_cpu_s": (Question("file", str(again)), "yes"),
        "passage_cpu_s": (Question("text", third[1000:1400].decode()), "yes"),
        "name_cpu_s": (Question("name", "writer 3"), "yes"),
        "work_cpu_s": (Question("work", "work:000003"), "yes"),
        "unknown_file_cpu_s": (Question("file", str(unknown)), "no"),
    }


def cpu(work: Callable[[], Any]) -> float:
    """Processor seconds of one call."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def _asked(studio: Studio, question: Question, expected: str) -> Answer:
    (answer,) = trained_on(studio, [question])
    assert answer.answer == expected, (question, answer.answer)
    assert not answer.searched.unread, answer.searched.unread
    return answer


def measure(
    works: int = WORKS, size: int = BYTES, outputs: int = OUTPUTS, runs: int = 3, keep: Path | None = None
) -> dict[str, Any]:
    """Every kind of question, `runs` times, beside reading and hashing all files once."""
    with tempfile.TemporaryDirectory() as scratch:
        place = (keep or Path(scratch)) / "studio"
        program = "import sys; from benchmarks.trained_on import make; make(sys.argv[1], *map(int, sys.argv[2:])).close()"
        command = [sys.executable, "-c", program, str(place), str(works), str(size), str(outputs)]
        building = seconds(lambda: subprocess.run(command, check=True))
        studio = open_studio(place)
        shas = [path.name for path in studio.content.glob("*/*")]
        asked = questions(studio, Path(scratch), size)
        first = cpu(lambda: _asked(studio, *asked["exact_file_cpu_s"]))
        reading = [cpu(lambda: [get_content(studio.content, sha256) for sha256 in shas]) for _ in range(runs)]
        figures = [
            figure("first_file_cpu_s", [first], "s", "computes and keeps the content codes of all works, once"),
            figure("read_and_hash_cpu_s", reading, "s", "reference: all files read and hashed, and nothing else"),
        ]
        for name, (question, expected) in asked.items():
            taken = [cpu(lambda q=question, e=expected: _asked(studio, q, e)) for _ in range(runs)]  # type: ignore[misc]
            figures.append(figure(name, taken, "s", f"answer: {expected}"))
            if name == "unknown_file_cpu_s":
                figures.append(figure("unknown_file_to_reading", ratios(taken, reading), "x", "over the reference"))
        studio.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    facts = {"works": works, "bytes_each": size, "outputs": outputs, "building_s": round(building, 1), "peak_mb": peak}
    return {"facts": facts, "figures": figures}


def add_options(parser: argparse.ArgumentParser) -> None:
    """The size of the studio."""
    parser.add_argument("--works", type=int, default=WORKS, help=f"works in the studio (default {WORKS:,})")
    parser.add_argument("--outputs", type=int, default=OUTPUTS, help=f"attributed outputs (default {OUTPUTS})")


def main() -> None:
    """Measures and prints."""
    asked = options("What a question costs.", add_options)
    found = measure(asked.works, BYTES, asked.outputs, asked.runs)
    show("trained_on", found["figures"], found["facts"], asked.json)


if __name__ == "__main__":
    main()
