"""The error that is stated with a credit: what is known to vary, and what the method itself is known to miss.

Two parts are added in quadrature. The *sampling* part says how much a credit depends on which of the work's passages were
there (jackknife). The *method* part says how far this tier's credits were from retraining where retraining was done: on the
public truth panel the error of a credit grows with the credit and with the size of the output's other credits, so it is

    method error_w = factor * sqrt((credit_w^2 + mean over works of credit^2) / 2)

with one factor a tier, set so that bands of 1.645 standard errors hold the retrained credit in nine cases of ten
(`python -m benchmarks.payout` prints the coverage). It is an average over outputs of one panel, not a promise for one
output; an audit of your own catalogue (`endcredits audit`) replaces it.
"""

from __future__ import annotations

import torch
from torch import Tensor

CURVATURE_FACTOR = 0.6
RESPONSE_FACTOR = 0.16


def stated_errors(credits: Tensor, sampling: Tensor, factor: float) -> Tensor:
    """Standard errors of credits.

    Args:
        credits: ``[W]`` nats.
        sampling: ``[W]`` standard errors >= 0; NaN where none can be told, which counts as an error of the credit's size.
        factor: of the tier.

    Returns:
        ``[W]`` float64 nats, 0 exactly where credit and sampling error are.
    """
    known = torch.where(sampling.isnan(), credits.abs(), sampling).double()
    method = factor * ((credits.double().square() + credits.double().square().mean()) / 2).sqrt()
    return torch.where((credits == 0) & (known == 0), 0.0, (known.square() + method.square()).sqrt())
