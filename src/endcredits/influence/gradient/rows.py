"""Dot products of many stored rows with one query, at the speed of memory.

Rows are read once, in the type they are stored in. float32 rows are one matrix-vector product. Rows of another type are
turned into float32 in pieces that stay in the processor's cache, so that what travels from memory is the stored bytes and
not a float32 copy of them. Pieces always end at the same coordinates, whatever else is asked, so the same rows and query
give the same bits.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

PIECE_COORDINATES = 16_384
"""Coordinates turned into float32 at once; a multiple of 8, because eight signs share a byte."""
PIECE_ROWS = 8
"""Rows turned into float32 at once."""


def dots(rows: Tensor, query: Tensor) -> Tensor:
    """Dot product of every row with a query.

    Args:
        rows: ``[K, P]``, float32, float16 or bfloat16.
        query: ``[P]`` float32.

    Returns:
        ``[K]`` float32.
    """
    if rows.dtype == torch.float32:
        return rows @ query
    values = torch.zeros(len(rows), device=query.device)
    room = torch.empty(PIECE_ROWS, PIECE_COORDINATES, device=query.device)
    for first in range(0, len(rows), PIECE_ROWS):
        part = rows[first : first + PIECE_ROWS]
        for start in range(0, rows.shape[1], PIECE_COORDINATES):
            piece = part[:, start : start + PIECE_COORDINATES]
            wide = room[: piece.shape[0], : piece.shape[1]]
            wide.copy_(piece)
            values[first : first + PIECE_ROWS] += wide @ query[start : start + PIECE_COORDINATES]
    return values


def signs_of(vector: Tensor, bounds: list[int]) -> tuple[Tensor, Tensor]:
    """A vector as one bit per coordinate and one scale per layer: the best such approximation in squared error.

    sign(x) times the mean of |x| minimises the squared distance to x (XNOR-Net, arXiv 1603.05279). What it gives up is
    everything about size inside a layer; the direction keeps a cosine of about .8 where coordinates are normal.

    Args:
        vector: ``[P]``.
        bounds: where layers end: 0, then the cumulative sizes, P last.

    Returns:
        uint8 ``[ceil(P / 8)]`` with the first coordinate in the lowest bit, and float32 ``[layers]``.
    """
    scales = torch.stack([vector[a:b].abs().mean() for a, b in itertools.pairwise(bounds)])
    bits = torch.zeros(-(-len(vector) // 8) * 8, dtype=torch.uint8)
    bits[: len(vector)] = (vector >= 0).cpu()
    weights = torch.tensor([1, 2, 4, 8, 16, 32, 64, 128], dtype=torch.uint8)
    return (bits.view(-1, 8) * weights).sum(1, dtype=torch.uint8), scales.cpu()


def sign_dots(bits: Tensor, scales: Tensor, query: Tensor, bounds: list[int]) -> Tensor:
    """Dot product of rows stored by `signs_of` with a query: ``[K]`` float32.

    A row is spelled out as plus and minus ones a piece at a time; each layer's part of the product takes that layer's scale.

    Args:
        bits: uint8 ``[K, ceil(P / 8)]``.
        scales: ``[K, layers]``.
        query: ``[P]`` float32.
        bounds: as for `signs_of`.
    """
    patterns = ((torch.arange(256)[:, None] >> torch.arange(8)) & 1).float() * 2 - 1  # (256, 8): signs of a byte
    values = torch.zeros(len(bits))
    for layer, (start, stop) in enumerate(itertools.pairwise(bounds)):
        total = torch.zeros(len(bits))
        for begin in range(start // 8 * 8, stop, PIECE_COORDINATES):
            end = min(begin + PIECE_COORDINATES, -(-stop // 8) * 8)
            part = torch.zeros(end - begin)  # a byte that two layers share counts for each only its own coordinates
            lower, upper = max(begin, start), min(end, stop)
            part[lower - begin : upper - begin] = query[lower:upper].cpu()
            for first in range(0, len(bits), PIECE_ROWS):
                chosen = bits[first : first + PIECE_ROWS, begin // 8 : end // 8]
                wide = patterns[chosen.long()].flatten(1)
                total[first : first + PIECE_ROWS] += wide @ part
        values += scales[:, layer] * total
    return values.to(query.device)
