"""Contents have equal digests exactly when their values and types are equal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from endcredits.errors import InputError
from endcredits.influence.gradient.fingerprint import code_digest, content_digest


@dataclass(frozen=True)
class Pair:
    """Two values."""

    left: Any
    right: Any


@dataclass(frozen=True)
class Couple:
    """Two values under another name."""

    left: Any
    right: Any


DIFFERENT: list[Any] = [
    None,
    True,
    1,
    1.0,
    "1",
    b"1",
    "",
    b"",
    0.0,
    -0.0,
    float("nan"),
    (),
    (1, 2),
    (12,),
    ((1,), 2),
    (1, (2,)),
    ("a", "b"),
    ("ab",),
    ("a' str 'b",),
    {},
    {"a": 1},
    {"a": 2},
    {1: "a", "1": "b"},
    {True: 1},
    Pair(1, 2),
    Pair(2, 1),
    Couple(1, 2),
    np.zeros(2),
    np.zeros(2, dtype=np.float32),
    np.zeros((2, 1)),
    np.zeros((1, 2)),
    np.float32(0.0),
    torch.zeros(3),
    torch.zeros(3, dtype=torch.bfloat16),
    torch.zeros(3, dtype=torch.int64),
    torch.zeros(0),
    torch.tensor(0.0),
]


def test_different_contents_have_different_digests() -> None:
    """In value, in type, in shape, or only in how they are nested."""
    digests = [content_digest(content) for content in DIFFERENT]

    assert len(set(digests)) == len(digests)


def test_equal_contents_have_equal_digests() -> None:
    """Wherever and however they lie in memory."""
    tensor = torch.arange(6.0).reshape(2, 3)

    assert content_digest(tensor) == content_digest(tensor.numpy()) == content_digest(tensor.clone().requires_grad_())
    assert content_digest(tensor.T) == content_digest(tensor.T.contiguous())
    assert content_digest({"a": 1, "b": 2}) == content_digest({"b": 2, "a": 1})
    assert content_digest([1, "x"]) == content_digest((1, "x"))
    assert content_digest(Pair((1, 2), None)) == content_digest(Pair([1, 2], None))


@pytest.mark.parametrize(
    "content", [object(), {1, 2}, Pair, (1, object()), {"a": iter(())}, np.array([object()]), 1j, Pair(1, lambda: 0)]
)
def test_what_cannot_be_spelt_is_refused(content: Any) -> None:
    """Rather than bound by an address in memory, which means nothing tomorrow."""
    with pytest.raises(InputError, match="has no digest"):
        content_digest(content)


def test_the_code_has_one_digest() -> None:
    """Sixty-four hex digits, the same every time."""
    assert len(code_digest()) == 64
    assert code_digest() == code_digest.__wrapped__()
