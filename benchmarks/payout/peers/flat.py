"""Splits that do not look at the output: the same for everyone, or by the number of tokens handed in."""

from __future__ import annotations

import numpy as np

from benchmarks.payout.panel import Panel, Scored
from benchmarks.payout.peers.common import windows_by_creator


def equal(panel: Panel) -> Scored:
    """Everyone gets the same."""
    return Scored(np.ones((len(panel.queries), len(panel.creators))), False, 0.0, 0.0, 0)


def size(panel: Panel) -> Scored:
    """Everyone gets a part in proportion to the tokens of the examples."""
    tokens = [float(sum(len(window.ids) for window in windows)) for windows in windows_by_creator(panel)]
    return Scored(np.tile(tokens, (len(panel.queries), 1)), False, 0.0, 0.0, 8 * len(tokens))
