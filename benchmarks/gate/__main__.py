"""`python -m benchmarks.gate [--json] [--number N] [--texts WORKS.parquet] [--pictures PICTURES.npz] [--files N]`.

Two things are measured. *What is found*: made files are changed in ways in which copies come back, and it is counted how
many the gate would miss, and how many pairs of unrelated files it would hold for alike. Pictures are soft shapes with
noise, texts are Markov chains over the words of this program's own pages; real ones can be given. *What it costs*: a
folder of pictures goes through the gate, and again unchanged; the reference is reading and hashing its files, which no
first run can do without.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.frame import Figure, figure, options, show
from benchmarks.gate.likeness import Kind, false_alarms, made_pictures, made_texts, missed, pictures_of, texts_of
from benchmarks.gate.rerun import rerun


def main() -> None:
    """Measures and prints."""

    def add(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--number", type=int, default=300, help="pictures and texts (default 300)")
        parser.add_argument("--texts", default="", help="Parquet file with a column text, instead of made texts")
        parser.add_argument("--pictures", default="", help="NumPy file with pictures (N, H, W, 3), instead of made ones")
        parser.add_argument("--files", type=int, default=1_000, help="files for the costs (default 1000; 0 for none)")

    given = options(__doc__ or "", add)
    pictures = pictures_of(given.pictures, given.number) if given.pictures else made_pictures(given.number)
    texts = texts_of(given.texts, given.number) if given.texts else made_texts(given.number)
    figures = [*_found("picture", pictures), *_found("text", texts)]
    if given.files:
        with tempfile.TemporaryDirectory() as folder:
            figures += rerun(Path(folder), given.files, given.runs)
    facts = {"pictures": len(pictures), "texts": len(texts), "files": given.files}
    show("gate", figures, facts, given.json)


def _found(kind: Kind, samples: list[bytes]) -> list[Figure]:
    pairs, alarms = false_alarms(kind, samples)
    found = [figure(f"{kind}s: pairs held for alike", [alarms], "pairs", f"of {pairs} pairs of different ones")]
    for name, count in missed(kind, samples).items():
        found.append(figure(f"{kind}s, {name}: missed", [count], "files", f"of {len(samples)}"))
    return found


if __name__ == "__main__":
    main()
