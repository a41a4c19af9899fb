"""Peak memory of a process that does one thing: `python -m benchmarks.influence.peak train|build TEXTS BASE FULL`.

Prints the bytes that the process held at most beyond what it held once its libraries were loaded and warm.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from endcredits.ids import WorkId
from endcredits.influence import IndexSettings, build_index, load_text_models, use_threads

BATCH = 32


def start_counting() -> int:
    """Forgets the peak so far; bytes that the process holds now. Linux only: `ru_maxrss` would include the parent's."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_bytes()


def peak_bytes() -> int:
    """Most memory that this process held since counting started."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def main() -> None:
    """Does one thing and prints its peak."""
    kind, *folders = sys.argv[1:]
    texts, base, full = map(Path, folders)
    use_threads(1)
    models = load_text_models(base, full)  # reads the weights with the library, which is loaded and warm now
    examples = [e for path in sorted(texts.iterdir()) for e in models.examples(WorkId(path.stem), path.read_bytes())]
    with torch.no_grad():
        models.task.train_loss(models.full, [examples[0].content])
    before = start_counting()
    if kind == "train":
        optimizer = torch.optim.AdamW(models.full.parameters(), lr=1e-4)
        for start in range(0, 4 * BATCH, BATCH):
            optimizer.zero_grad()
            contents = [example.content for example in examples[start : start + BATCH]]
            torch.autograd.backward(models.task.train_loss(models.full, contents).sum())
            optimizer.step()
    else:
        with tempfile.TemporaryDirectory() as place:
            build_index(
                Path(place),
                base=models.base,
                full=models.full,
                task=models.task,
                examples=examples,
                calibration=[example.content for example in examples[:2]],
                # A sample of two batches: how many follow does not change the most memory, and takes long.
                settings=IndexSettings(
                    batch_examples=BATCH, own_examples=0, curvature_examples=2 * BATCH, eigenvalue_examples=2 * BATCH
                ),
            )
    print(peak_bytes() - before)


def measured(kind: str, texts: Path, base: Path, full: Path) -> int:
    """Runs this file in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.influence.peak", kind, str(texts), str(base), str(full)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout.split()[-1])


if __name__ == "__main__":
    main()
