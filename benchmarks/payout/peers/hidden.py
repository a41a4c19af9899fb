"""Similarity of hidden states: the nearest training examples in the model's own representation are paid.

A text is represented by the mean over its counted positions of the last hidden state at the full model. The `NEAREST`
examples of all creators with the highest cosine to the output give their cosine to their creator, as a retrieval system
would; every other example gives nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.payout.panel import Panel, Scored
from benchmarks.payout.peers.common import example_creators, in_batches, output_pieces
from endcredits.influence.text.windows import Window

NEAREST = 100


def hidden_cosine(panel: Panel) -> Scored:
    """Cosine of the nearest `NEAREST` examples, summed by creator."""
    begin = time.process_time()
    examples = [Window(example.ids) for example in panel.examples]
    kept = _unit(torch.cat([mean_states(panel, batch)[0] for batch in in_batches(examples)]))  # (N, d)
    once = time.process_time() - begin
    begin = time.process_time()
    owners = torch.tensor(example_creators(panel))
    scores = torch.zeros(len(panel.queries), len(panel.creators))
    for number, pieces in enumerate(output_pieces(panel)):
        states, counts = mean_states(panel, pieces)
        state = (states * counts[:, None]).sum(0) / counts.sum()
        cosines, which = torch.topk(kept @ _unit(state), min(NEAREST, len(kept)))
        scores[number].index_add_(0, owners[which], cosines)
    each = (time.process_time() - begin) / max(1, len(panel.queries))
    return Scored(scores.numpy().astype(np.float64), False, once, each, kept.numel() * 4)


def mean_states(panel: Panel, windows: Sequence[Window]) -> tuple[Tensor, Tensor]:
    """Mean last hidden state over each window's counted positions ``[n, d]``, and how many those are ``[n]``.

    The state at a position is the one that predicts the token there, as in training.
    """
    model: Any = panel.models.full
    bos = panel.models.tokenizer.bos_id
    longest = max(len(window.ids) for window in windows)
    ids = torch.full((len(windows), longest), bos)
    counted = torch.zeros(len(windows), longest)
    for row, window in enumerate(windows):
        ids[row, 1 : len(window.ids)] = torch.tensor(window.ids[:-1], dtype=torch.long)
        counted[row, window.context_tokens : len(window.ids)] = 1
    with torch.no_grad():
        states = model(input_ids=ids, use_cache=False, output_hidden_states=True).hidden_states[-1].float()
    return torch.einsum("nt,ntd->nd", counted, states) / counted.sum(1, keepdim=True), counted.sum(1)


def _unit(states: Tensor) -> Tensor:
    return torch.nn.functional.normalize(states, dim=-1)
