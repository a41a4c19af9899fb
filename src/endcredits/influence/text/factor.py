"""What a training loss multiplies the log-likelihood by, read off its gradient.

Training scales its loss: a mean over tokens, over accumulated batches, times what keeps half precision from underflow; and
each version of a training library does it elsewhere. At the logits of a counted token the gradient of c times the summed
negative log-likelihood is c * (p - one-hot label). So a few tokens tell c, and whether the loss is such a multiple at all.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from endcredits.errors import InputError
from endcredits.influence.text.task import IGNORED

POSITIONS = 64
"""Counted tokens that the loss's factor is read off, per batch."""
TOLERANCE = 0.05
"""Largest relative difference between the gradient at these tokens and that of a summed log-likelihood; half precision
itself differs by up to .01."""


def loss_factor(logits: Tensor, gradient: Tensor, labels: Tensor) -> float:
    """What the summed negative log-likelihood of the counted tokens was multiplied by, read off its gradient.

    Args:
        logits: ``[n, t, v]`` of a causal language model: position t predicts label t + 1.
        gradient: of the loss with respect to them.
        labels: ``[n, t]``, IGNORED where nothing counts.

    Raises:
        InputError: the gradient is not such a multiple.
    """
    counted = (labels[:, 1:] != IGNORED).nonzero()  # (m, 2)
    if not len(counted):
        return 1.0  # nothing flows back either
    row, place = counted[:: math.ceil(len(counted) / POSITIONS)].unbind(1)
    wanted = torch.softmax(logits[row, place].float(), -1)
    wanted[torch.arange(len(row)), labels[row, place + 1]] -= 1
    found = gradient[row, place].float()
    factor = float((found * wanted).sum() / wanted.square().sum())
    if not math.isfinite(factor):
        return math.nan  # the rows will tell
    if factor <= 0 or float((found - factor * wanted).norm()) > TOLERANCE * float(found.norm()):
        raise InputError(
            "the loss is not a multiple of the summed log-likelihood of the counted tokens",
            remedy="Train without label smoothing, weights of tokens and penalties on logits, or build an index afterwards.",
            field="loss",
        )
    return factor
