"""Objects of somebody else's module, by an import path: a pair of models, a trainer."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

from endcredits.errors import EndcreditsError, InputError


def load_object(path: str, *, what: str, parts: Sequence[str], field: str, protocol: str) -> Any:
    """An object with the parts that it must have, or what a function without arguments makes that has them.

    Args:
        path: "module:name"; the module is also looked for in the current folder, as `python -m` does.
        what: it is to be ("trainer"), for people.
        parts: attributes that it must have; something without them all that can be called is called once.
        field: the option that named it.
        protocol: where its parts are described.

    Raises:
        InputError: it cannot be imported or made, or lacks a part.
    """
    module_name, colon, name = path.partition(":")
    if not colon:
        remedy = f"Write it like my_module:my_{what}."
        raise InputError(f"'{path}' is not an import path", remedy=remedy, field=field)
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    problem = "cannot be imported"
    try:
        found: Any = getattr(importlib.import_module(module_name), name)
        problem = f"made no {what}"
        if callable(found) and not any(hasattr(found, part) for part in parts):
            found = found()
    except EndcreditsError:
        raise
    except Exception as error:  # somebody else's module may fail in any way
        raise InputError(
            f"'{path}' {problem} ({type(error).__name__}: {error})",
            remedy="Check the name and PYTHONPATH; --debug shows where it failed.",
            field=field,
        ) from error
    missing = [part for part in parts if not hasattr(found, part)]
    if missing:
        raise InputError(
            f"'{path}' lacks {', '.join(missing)}", remedy=f"See {protocol} for the parts of a {what}.", field=field
        )
    return found
