"""Rows of every type are multiplied as the explicit product says."""

from __future__ import annotations

import itertools

import pytest
import torch

from endcredits.influence.gradient import rows
from endcredits.influence.gradient.rows import dots, sign_dots, signs_of


@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("shape", [(1, 1), (9, 7), (17, 2 * rows.PIECE_COORDINATES + 3)])
def test_dots_are_products_of_each_row(kind: torch.dtype, shape: tuple[int, int]) -> None:
    """One row after the other, in float64; pieces end anywhere."""
    generator = torch.Generator().manual_seed(0)
    stored = torch.randn(shape, generator=generator).to(kind)
    query = torch.randn(shape[1], generator=generator)

    found = dots(stored, query)

    slow = torch.stack([(row.double() * query.double()).sum() for row in stored])
    torch.testing.assert_close(found.double(), slow, rtol=1e-4, atol=1e-5 * shape[1] ** 0.5)


def test_a_row_gives_the_same_bits_at_any_time() -> None:
    """Asked again, the same."""
    stored, query = torch.randn(20, 40_000).half(), torch.randn(40_000)

    assert torch.equal(dots(stored, query), dots(stored.clone(), query))


def test_signs_are_the_best_one_bit_approximation_of_each_layer() -> None:
    """Unpacked bit by bit; no other scale comes closer to the vector."""
    vector = torch.randn(53, generator=torch.Generator().manual_seed(0))
    bounds = [0, 5, 29, 53]

    bits, scales = signs_of(vector, bounds)

    signs = torch.tensor([1.0 if int(bits[k // 8]) >> (k % 8) & 1 else -1.0 for k in range(53)])
    assert torch.equal(signs, torch.where(vector >= 0, 1.0, -1.0))
    for layer, (start, stop) in enumerate(itertools.pairwise(bounds)):
        part = vector[start:stop]
        distance = [
            float((part - scale * part.sign()).square().sum()) for scale in scales[layer] * torch.linspace(0.9, 1.1, 21)
        ]
        assert min(range(21), key=distance.__getitem__) == 10


def test_products_of_signs_are_those_of_the_unpacked_rows() -> None:
    """Layers share bytes, and rows are longer than a piece."""
    generator = torch.Generator().manual_seed(0)
    size = rows.PIECE_COORDINATES + 1001
    bounds = [0, 13, 8_003, size]
    vectors, query = torch.randn(11, size, generator=generator), torch.randn(size, generator=generator)
    pairs = [signs_of(vector, bounds) for vector in vectors]

    found = sign_dots(torch.stack([bits for bits, _ in pairs]), torch.stack([scales for _, scales in pairs]), query, bounds)

    slow = [
        sum(
            float(scales[layer]) * float((vector[a:b].sign().double() * query[a:b].double()).sum())
            for layer, (a, b) in enumerate(itertools.pairwise(bounds))
        )
        for vector, (_, scales) in zip(vectors, pairs, strict=True)
    ]
    torch.testing.assert_close(found.double(), torch.tensor(slow, dtype=torch.float64), rtol=1e-4, atol=1e-2)
