"""Where a trainer comes from: an import path, or the recipe of a language model's fine-tune.

A trainer of one's own is any object with the parts of `endcredits.influence.trainer.Trainer`, or a function without
arguments that makes one. The common case, a language model that was fine-tuned with Adam, needs no code; see `recipes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from endcredits.errors import InputError
from endcredits.flows.imports import load_object
from endcredits.flows.recipes import load_recipe

if TYPE_CHECKING:
    from endcredits.influence.trainer import Trainer

PARTS = ("digest", "work_ids", "train", "model", "task")


def find_trainer(path: str, recipe: str, source: Mapping[str, str], folder: Path) -> Trainer:
    """The trainer that an operator named in one of two ways.

    Args:
        path: see `load_trainer`; "" for a recipe.
        recipe: see `recipes.load_recipe`; "" for an import path.
        source: where the models come from; a recipe starts from its "base".
        folder: where the recipe's trainer keeps what it records.

    Raises:
        InputError: both or none are named, or there is no folder of a base model for a recipe.
    """
    if bool(path) == bool(recipe):
        raise InputError(
            "two trainers are named" if path else "no trainer is named",
            remedy="Give --trainer with an import path, or --recipe with a TOML file.",
            field="--trainer",
        )
    if path:
        return load_trainer(path)
    if "base" not in source:
        raise InputError(
            "a recipe starts from a folder of a base model, and the models come from an import path",
            remedy="Give --base and --full, or --trainer.",
            field="--recipe",
        )
    return load_recipe(Path(recipe), Path(source["base"]), folder)


def load_trainer(path: str) -> Trainer:
    """A trainer from an import path: an object, or a function without arguments that makes one.

    Raises:
        InputError: it cannot be imported, or lacks a part of `Trainer`.
    """
    trainer: Trainer = load_object(
        path, what="trainer", parts=PARTS, field="--trainer", protocol="endcredits.influence.trainer.Trainer"
    )
    return trainer
