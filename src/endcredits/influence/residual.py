"""What the contrasts leave over: the measured log-ratio is known, so credits need not guess their own sum.

A tier tells well how works differ and badly how much all of them did together: the sum of its credits misses the measured
log-ratio T. The gap T - sum is what the works did in common, and nothing measured says whose it was. It is divided by the
works' sizes (the training tokens that the run read of each), the one division that does not change when a work is cut,
joined or registered twice:

    credit_w = raw_w + size_w / total size * (T - sum of raw)

so credits are complete for every output. Works that were never trained on have no size here and get nothing of it.
"""

from __future__ import annotations

from torch import Tensor


def complete(raw: Tensor, log_ratio_nats: float, sizes: Tensor) -> Tensor:
    """Credits that sum to the log-ratio.

    Args:
        raw: ``[K]`` signed, nats.
        log_ratio_nats: T.
        sizes: ``[K]`` >= 0, not all zero.

    Returns:
        ``[K]`` float64.
    """
    gap = log_ratio_nats - raw.double().sum()
    return raw.double() + sizes.double() / sizes.double().sum() * gap
