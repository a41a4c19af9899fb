"""`python -m benchmarks.pictures --data DIR [--json]`: whose drawings did this drawing come from?

A small denoiser (a U-Net, or a diffusion transformer) learns other people's drawings (base), then those of 18 drawers
(full). Every drawer's works are indexed; asked about are drawings of the same hands that no model saw, and drawings that the
full model makes after one hand. Neither the index nor the measurement is told the hand: works and outputs are measured with
the label of nobody.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.frame import Figure, figure, options, show
from benchmarks.pictures.drawings import BATCH, Drawings, draw, load_drawings, new_model, train
from endcredits.ids import WorkId
from endcredits.influence import Credits, Example, IndexSettings, build_index, use_threads
from endcredits.influence.gradient.coverage import coverage_of, coverage_text
from endcredits.influence.gradient.layers import find_layers
from endcredits.influence.image.diffusion import denoising_task
from endcredits.influence.image.noise import linear_schedule

DRAWERS = 18
SCHEDULE = linear_schedule()


def similar(drawings: Drawings, output: Tensor) -> int:
    """The drawer of the nearest drawing, by the cosine of the pixels."""
    return max(
        range(len(drawings.seen)),
        key=lambda k: max(
            float(torch.cosine_similarity(p.flatten() + 1, output.flatten() + 1, 0)) for p in drawings.seen[k]
        ),
    )


def judged(kind: str, answers: Sequence[Credits], nearest: Sequence[int], truth: Sequence[int]) -> list[Figure]:
    """Top-1 and top-3 drawer, and how far credits add up."""
    ranks = [
        sorted(range(DRAWERS), key=lambda k: -answer.credit_nats[k]).index(true)  # 0 is the top
        for answer, true in zip(answers, truth, strict=True)
    ]
    alike = sum(found == true for found, true in zip(nearest, truth, strict=True)) / len(truth)
    total = sum(answer.log_ratio_nats for answer in answers)
    return [
        figure(f"{kind}: top-1 drawer", [sum(r == 0 for r in ranks) / len(ranks)], "", f"chance {1 / DRAWERS:.3f}"),
        figure(f"{kind}: top-3 drawer", [sum(r < 3 for r in ranks) / len(ranks)], "", f"chance {3 / DRAWERS:.3f}"),
        figure(f"{kind}: top-1 by nearest pixels", [alike], "", f"chance {1 / DRAWERS:.3f}"),
        figure(f"{kind}: measured log-ratio", [total / len(answers)], "nats", "mean over outputs"),
        figure(f"{kind}: credits over log-ratio", [sum(a.credit_sum_nats for a in answers) / total], "x", "1 is complete"),
    ]


def measure(data: Path, folder: Path, kind: str, base_steps: int, full_steps: int) -> tuple[list[Figure], dict[str, str]]:
    """Everything, from drawings to figures."""
    drawings = load_drawings(data, DRAWERS, held_out=4, background=3000)
    begin = time.perf_counter()
    base = train(new_model(kind, DRAWERS), SCHEDULE, drawings.background, [0] * len(drawings.background), base_steps, 3e-3)
    pairs = [(picture, 1 + number) for number, own in enumerate(drawings.seen) for picture in own]
    full = train(base, SCHEDULE, [picture for picture, _ in pairs], [label for _, label in pairs], full_steps, 2e-3)
    trained = time.perf_counter()
    works = [WorkId(f"drawer-{number:02d}") for number in range(DRAWERS)]
    task = denoising_task(SCHEDULE)
    labels = [1 + number % DRAWERS for number in range(4 * DRAWERS)]
    made = draw(full, SCHEDULE, labels, seed=1)
    index = build_index(
        folder,
        base=base,
        full=full,
        task=task,
        examples=[Example(work, picture) for work, own in zip(works, drawings.seen, strict=True) for picture in own],
        calibration=draw(full, SCHEDULE, labels, seed=2),
        settings=IndexSettings(blocks=4),
    )
    built = time.perf_counter()
    held_out = [(picture, number) for number, own in enumerate(drawings.held_out) for picture in own]
    figures = []
    for asked, outputs, truth in (
        ("held out", [picture for picture, _ in held_out], [number for _, number in held_out]),
        ("generated", made, [label - 1 for label in labels]),
    ):
        answers = index.attribute(outputs)
        figures += judged(asked, answers, [similar(drawings, output) for output in outputs], truth)
    answered = (time.perf_counter() - built) / (len(held_out) + len(made))
    figures += [
        figure("training base and full", [trained - begin], "s", f"{base_steps} and {full_steps} steps of {BATCH}"),
        figure("index", [built - trained], "s", f"{len(pairs)} drawings, calibration on {len(labels)} generated ones"),
        figure("one answer", [answered], "s", f"{DRAWERS} works"),
    ]
    coverage = coverage_of(full, find_layers(full, task.layers), base=base)
    return figures, {"model": kind, "task": task.name, "coverage": coverage_text(coverage.facts())}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="folder that holds omniglot/omniglot_28.npz")
    parser.add_argument("--model", choices=("unet", "dit"), default="unet", help="which denoiser (default unet)")
    parser.add_argument("--base-steps", type=int, default=700, help="training steps of the base model (default 700)")
    parser.add_argument("--full-steps", type=int, default=1000, help="training steps of the full model (default 1000)")


if __name__ == "__main__":
    given = options(__doc__.splitlines()[0] if __doc__ else "", _arguments)
    use_threads(1)
    with tempfile.TemporaryDirectory() as place:
        found, facts = measure(given.data, Path(place), given.model, given.base_steps, given.full_steps)
    show("pictures", found, facts, given.json)
