"""Where a studio's base and full models come from: two folders, or an import path to a pair of your own.

Which it was is kept beside the index, so that later commands load the same models without being told again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from endcredits import influence
from endcredits.flows.imports import load_object
from endcredits.influence import ModelPair

PARTS = ("base", "full", "task", "examples", "output", "calibration")


def load_pair(source: Mapping[str, str]) -> ModelPair:
    """Loads a pair of models.

    Args:
        source: {"base": folder, "full": folder} in Hugging Face format, or {"import": "module:name"} naming a pair or a
            function without arguments that makes one.

    Raises:
        InputError: it cannot be loaded, or lacks a part of `ModelPair`.
    """
    pair: ModelPair
    if "import" in source:
        protocol = "endcredits.influence.ModelPair"
        pair = load_object(source["import"], what="pair", parts=PARTS, field="task", protocol=protocol)
    else:
        pair = influence.load_text_models(source["base"], source["full"])
    return pair


def folders(base: str | Path, full: str | Path) -> dict[str, str]:
    """A source of two model folders, as absolute paths."""
    return {"base": str(Path(base).resolve()), "full": str(Path(full).resolve())}
