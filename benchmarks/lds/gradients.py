"""Per-example gradients of a classifier, and what methods share."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.lds.truth import Image, Truth, batch


def log_probability_gradients(model: nn.Module, contents: list[Image]) -> Tensor:
    """Gradient of each label's log-probability: ``[n, P]``."""
    parameters = {name: value.detach() for name, value in model.named_parameters()}

    def single(at: dict[str, Tensor], pixels: Tensor, digit: Tensor) -> Tensor:
        logits = torch.func.functional_call(model, at, (pixels[None],))
        return -nn.functional.cross_entropy(logits, digit[None])

    each = torch.func.vmap(torch.func.grad(single), in_dims=(None, 0, 0), chunk_size=250)(parameters, *batch(contents))
    return torch.cat([each[name].flatten(1) for name in parameters], 1)


def surprise(model: nn.Module, contents: list[Image]) -> Tensor:
    """One minus each label's probability: ``[n]``, in (0, 1]; also what turns a margin's gradient into log p's."""
    pixels, digits = batch(contents)
    with torch.no_grad():
        found: Tensor = 1 - torch.softmax(model(pixels), 1).gather(1, digits[:, None])[:, 0]
    return found.clamp_min(1e-6)


def same_label(truth: Truth) -> Tensor:
    """1 where query and example show the same digit: ``[queries, examples]``."""
    labels = [torch.tensor([digit for _, digit in images]) for images in (truth.queries, truth.examples)]
    return (labels[0][:, None] == labels[1][None, :]).float()


def solve_in_examples(examples: Tensor, queries: Tensor, damping: float) -> Tensor:
    """queries (E^T E + damping * mean * 1)^-1 E^T with E the examples' rows, through the small matrix E E^T.

    The identity E (E^T E + d)^-1 = (E E^T + d)^-1 E makes it a system of n unknowns instead of P.

    Args:
        examples: ``[n, P]``.
        queries: ``[q, P]``.
        damping: relative to `mean`, the mean of the n eigenvalues of E E^T.

    Returns:
        Tensor ``[q, n]``, double precision.
    """
    gram = (examples @ examples.T).double()
    gram.diagonal().add_(damping * float(gram.diagonal().mean()))
    return torch.linalg.solve(gram, (examples @ queries.T).double()).T
