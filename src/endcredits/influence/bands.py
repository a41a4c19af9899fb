"""The error that is stated with a credit: what is known to vary, and what the method itself is known to miss.

Two parts are added in quadrature. The *sampling* part says how much a credit depends on which of the work's passages were
there (jackknife). The *method* part says how far this tier's credits were from retraining where retraining was done: on the
public truth panel the error of a credit grows with the credit and with the size of the output's other credits, so it is

    method error_w = factor * sqrt((credit_w^2 + mean over works of credit^2) / 2)

with one factor a tier. On that panel bands of 1.645 standard errors held the retrained credit in .95 to .96 of the cases
(curvature) and .92 to .95 (response), where .90 was the aim: rather too wide (`python -m benchmarks.payout` prints the
coverage). It is an average over outputs of one panel, not a promise for one output; an audit of your own catalogue
(`endcredits audit`) replaces it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence.records import Credits
from endcredits.influence.residual import complete

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


def stated_credits(
    number: int,
    work_ids: Sequence[WorkId],
    raw: Tensor,
    sampling: Tensor,
    log_ratio_nats: float,
    sizes: Tensor,
    factor: float,
) -> Credits:
    """What every tier answers: its own credits completed to the measured log-ratio, with the errors that are stated.

    Args:
        number: of the output among those that are asked, from 1.
        work_ids: W works.
        raw: ``[W]`` the tier's own credits in nats.
        sampling: ``[W]`` their sampling errors, as for `stated_errors`.
        log_ratio_nats: measured.
        sizes: ``[W]`` how much the run read of each.
        factor: of the tier.

    Raises:
        InputError: a measurement is not finite.
    """
    if not math.isfinite(log_ratio_nats) or not bool(torch.isfinite(raw).all()):
        raise InputError(
            f"output {number} has no finite credit",
            remedy="Check the output and the models for NaN or infinite values.",
        )
    credits = complete(raw, log_ratio_nats, sizes)
    errors = stated_errors(credits, sampling, factor)
    gap = log_ratio_nats - float(raw.sum())
    return Credits(log_ratio_nats, tuple(work_ids), tuple(credits.tolist()), tuple(errors.tolist()), gap)
