"""Works whose gradient is far out of the ordinary: flagged, and weighed down to a stated bound.

One example with an absurd loss (a poisoned or broken file) can have a gradient a thousand times that of others and would
take their credit with it. A work's norm per example is compared with a quantile over all works: beyond a stated multiple of
it, the work counts as if its row were that long. Rows themselves stay what they are; the factor stands in the manifest.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from endcredits.ids import WorkId

QUANTILE = 0.9
"""Of the works' norms per example. Small works have the longest (their mean has averaged least away), so that a large one
is not capped for being small or coherent."""


def capped(work_ids: Sequence[WorkId], norms: Tensor, multiple: float) -> tuple[tuple[WorkId, str, str], ...]:
    """The outliers among some works.

    Args:
        work_ids: K works.
        norms: ``[K]``, half-whitened norm per example; see `vectors`.
        multiple: of the quantile, beyond which a work is capped; 0 caps none.

    Returns:
        Per outlier its id, its norm over the quantile, and the factor that its credits are multiplied by, both as decimals.
    """
    if not multiple or not len(norms):
        return ()
    usual = float(torch.quantile(norms.double(), QUANTILE, interpolation="lower"))
    if usual <= 0:
        return ()
    ratios = (norms.double() / usual).tolist()
    return tuple(
        (work_id, f"{ratio:.6g}", f"{multiple / ratio:.6g}")
        for work_id, ratio in zip(work_ids, ratios, strict=True)
        if ratio > multiple
    )


def capped_factors(flagged: Sequence[tuple[WorkId, str, str]], work_ids: Sequence[WorkId]) -> Tensor | None:
    """Factor of each work's credits, ``[K]`` in the order of `work_ids`; None when nothing is capped."""
    if not flagged:
        return None
    factors = {work_id: float(factor) for work_id, _, factor in flagged}
    return torch.tensor([factors.get(work_id, 1.0) for work_id in work_ids])
