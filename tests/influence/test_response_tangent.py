"""Forward mode through the optimizer is the limit of finite differences of whole runs."""

from __future__ import annotations

from pathlib import Path

import torch

from endcredits.influence.response.tangent import difference, tangents
from endcredits.influence.text.finetune import Recipe
from tests.influence.test_finetune import LIGHTNING, ROSE, distance, trainer

HALF = {ROSE: 0.5, LIGHTNING: 0.5}


def test_tangents_are_what_small_differences_of_runs_tend_to(tiny_folders: tuple[Path, Path], tmp_path: Path) -> None:
    """For each work, and the run itself is the run at those weights."""
    tested = trainer(tiny_folders[0], tmp_path, Recipe(rate=1e-3, warm_up_steps=3, batch_tokens=96))
    final, moved = tangents(tested, HALF, {"rose": (ROSE,), "lightning": (LIGHTNING,)})
    half = tested.train(HALF, 0)

    assert distance(dict(final), dict(half)) < 1e-4
    for name, work in (("rose", ROSE), ("lightning", LIGHTNING)):
        slow = difference(tested, HALF, (work,), 0.05)
        size = distance(dict(slow), {key: torch.zeros_like(value) for key, value in slow.items()})
        assert size > 0.01
        assert distance(dict(moved[name]), dict(slow)) < 0.02 * size
