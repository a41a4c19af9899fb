"""Where a studio's base and full models come from: two folders, or an import path to a pair of your own.

Which it was is kept beside the index, so that later commands load the same models without being told again.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from endcredits import influence
from endcredits.errors import EndcreditsError, InputError
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
    if "import" in source:
        return _imported(source["import"])
    pair: ModelPair = influence.load_text_models(source["base"], source["full"])
    return pair


def folders(base: str | Path, full: str | Path) -> dict[str, str]:
    """A source of two model folders, as absolute paths."""
    return {"base": str(Path(base).resolve()), "full": str(Path(full).resolve())}


def _imported(path: str) -> ModelPair:
    module_name, colon, name = path.partition(":")
    if not colon:
        raise InputError(f"'{path}' is not an import path", remedy="Write it like my_module:my_pair.", field="task")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # as `python -m` does, so that a file beside the studio is found
    try:
        made = getattr(importlib.import_module(module_name), name)
    except Exception as error:  # somebody else's module: its import may fail in any way
        raise InputError(
            f"'{path}' cannot be imported ({type(error).__name__}: {error})",
            remedy="Check the name and PYTHONPATH; --debug shows where it failed.",
            field="task",
        ) from error
    try:
        pair = made() if callable(made) and not hasattr(made, "task") else made
    except EndcreditsError:
        raise
    except Exception as error:  # likewise
        raise InputError(
            f"'{path}' made no pair ({type(error).__name__}: {error})",
            remedy="Name a pair, or a function without arguments that makes one; --debug shows where it failed.",
            field="task",
        ) from error
    missing = [part for part in PARTS if not hasattr(pair, part)]
    if missing:
        raise InputError(
            f"'{path}' lacks {', '.join(missing)}",
            remedy="See endcredits.influence.ModelPair for the parts of a pair.",
            field="task",
        )
    checked: ModelPair = pair
    return checked
