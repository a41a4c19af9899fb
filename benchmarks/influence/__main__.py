"""`python -m benchmarks.influence [--json] [--runs N]`.

Reference for the build: one plain forward and backward pass over the same examples, batched alike, with gradients of all
weights, which is what one epoch of training costs without its optimizer. Reference for an answer: generating the output
token by token with cached keys and values. Everything is timed in this process, on one thread, in turn.

Limit: a pass costs 6 multiply-adds per weight and position; indexing needs a forward and backward without weight
gradients (4) plus one summed gradient per layer (2), so a build cannot cost less than 1.0x without curvature. Curvature
on a sample of n of N examples adds two passes of about 4 + 2 r over it, where the rotation r depends on the layer's width.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch

from benchmarks.frame import Figure, figure, options, paired, ratios, show
from endcredits.ids import WorkId
from endcredits.influence import (
    Example,
    IndexSettings,
    build_index,
    load_text_models,
    sample_outputs,
    train_tiny,
    use_threads,
)
from endcredits.influence.text.models import TextModels
from endcredits.influence.text.tiny import TinySettings

WORKS = 24
WORK_BYTES = 16 * 1024
OUTPUT_TOKENS = 128


def synthetic_text(seed: int, size_bytes: int) -> bytes:
    """Letters and spaces drawn by a seed: the cost of a pass does not depend on what is read."""
    generator = torch.Generator().manual_seed(seed)
    return bytes((torch.randint(0, 27, (size_bytes,), generator=generator) + 96).tolist()).replace(b"`", b" ")


def plain_pass(models: TextModels, examples: list[Example], batch: int) -> None:
    """One forward and backward pass over the examples with all weights' gradients."""
    parameters = [value for value in models.full.parameters() if value.requires_grad]
    for start in range(0, len(examples), batch):
        contents = [example.content for example in examples[start : start + batch]]
        torch.autograd.grad(models.task.train_loss(models.full, contents).sum(), parameters)


def measure(folder: Path, runs: int) -> tuple[list[Figure], dict[str, Any]]:
    """All figures."""
    texts = [synthetic_text(number, WORK_BYTES) for number in range(WORKS)]
    tiny = TinySettings(width=96, layers=3, full_epochs=1)
    models = load_text_models(*train_tiny(folder / "models", [synthetic_text(999, 64 * 1024)], texts[:2], tiny))
    examples = [e for number, text in enumerate(texts) for e in models.examples(WorkId(f"work-{number:02d}"), text)]
    outputs = sample_outputs(models, [b""] * 8, tokens=OUTPUT_TOKENS, seed=1)
    settings = IndexSettings()
    number = iter(range(10**6))

    def build() -> Any:
        return build_index(
            folder / f"index-{next(number)}",
            base=models.base,
            full=models.full,
            task=models.task,
            examples=examples,
            calibration=outputs[:1],
            settings=settings,
        )

    built, passed = paired(build, lambda: plain_pass(models, examples, settings.batch_examples), runs)
    index = build()
    answered, generated = paired(
        lambda: index.attribute(outputs),
        lambda: [sample_outputs(models, [b""], tokens=OUTPUT_TOKENS, seed=n) for n in range(len(outputs))],
        runs,
    )
    size = sum(path.stat().st_size for path in index.folder.iterdir())
    facts = {
        "parameters": sum(value.numel() for value in models.full.parameters()),
        "works": WORKS,
        "examples": len(examples),
        "curvature_examples": min(settings.curvature_examples, len(examples)),
        "threads": torch.get_num_threads(),
    }
    return [
        figure("index build / plain forward + backward", ratios(built, passed), "x", "1.0x is the limit without curvature"),
        figure("index build", built, "s", "curvature, work vectors, calibration on one output, files"),
        figure("attribution / generation of the output", ratios(answered, generated), "x", "128 tokens, cached keys"),
        figure("attribution of an output", [1000 * t / len(outputs) for t in answered], "ms", "credits and error bands"),
        figure("index size per work", [size / WORKS], "bytes", "float32 sum and 8 float16 blocks of every coordinate"),
    ], facts


def main() -> None:
    """Runs the benchmark."""
    asked = options("Index build over a training pass, attribution over generation.")
    use_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        figures, facts = measure(Path(folder), asked.runs)
    show("influence", figures, facts, asked.json)


if __name__ == "__main__":
    main()
