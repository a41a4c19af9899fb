"""Digests of what goes into an index: the code of this room and the contents of examples."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from endcredits.errors import InputError


@functools.cache
def code_digest() -> str:
    """SHA-256 over the source files of `endcredits.influence`, so that an index names the code that made it."""
    room = Path(__file__).parent.parent
    whole = hashlib.sha256()
    for path in sorted(room.rglob("*.py")):
        whole.update(f"{path.relative_to(room).as_posix()}\n".encode())
        whole.update(path.read_bytes())
    return whole.hexdigest()


def content_digest(content: Any) -> str:
    """SHA-256 of an example's content, by its values and their types.

    Raises:
        InputError: a type whose values we do not know how to spell.
    """
    whole = hashlib.sha256()
    _add(whole, content)
    return whole.hexdigest()


def _add(whole: Any, value: Any) -> None:
    if isinstance(value, torch.Tensor):
        if value.dtype == torch.bfloat16:  # numpy has none; every value of it is a float32 too
            whole.update(b"bfloat16 ")
            value = value.float()
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        whole.update(f"array {value.dtype} {value.shape} ".encode() + np.ascontiguousarray(value).tobytes())
    elif isinstance(value, bytes):
        whole.update(b"bytes %d " % len(value) + value)
    elif value is None or isinstance(value, (bool, int, float, str, np.generic)):
        whole.update(f"{type(value).__name__} {value!r} ".encode())
    elif isinstance(value, Mapping):
        whole.update(b"map %d " % len(value))
        for key in sorted(value, key=lambda key: (type(key).__name__, key)):
            _add(whole, key)
            _add(whole, value[key])
    elif isinstance(value, (list, tuple)) and set(map(type, value)) == {int}:  # token ids, in one go
        whole.update(f"ints {len(value)} {','.join(map(repr, value))} ".encode())
    elif isinstance(value, (list, tuple)):
        whole.update(b"list %d " % len(value))
        for item in value:
            _add(whole, item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        whole.update(f"record {type(value).__name__} ".encode())
        for field in dataclasses.fields(value):
            _add(whole, getattr(value, field.name))
    else:
        raise InputError(
            f"an example's content is a {type(value).__name__}, which has no digest",
            remedy="Use tensors, arrays, numbers, texts, bytes, and tuples, mappings or dataclasses of them.",
            field="content",
        )
