"""What an audit says, as a dated record: audited beside credited shares, reliability, and what stays after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from endcredits.attribution import NANO, UNCALIBRATED, UNMEASURED, Attribution
from endcredits.ids import OutputId, WorkId
from endcredits.money import PPB, allocate

if TYPE_CHECKING:
    from endcredits.influence.replay.audit import AuditResult

BAND = 1.645
"""Standard errors on either side of a 90 % band."""


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One catalogue in an audit.

    Attributes:
        catalogue: its name.
        work_ids: its works.
        credited_nanonats: what was credited, summed over the outputs; calibrated where the outputs were.
        credited_share_ppb: its positive part as a share of all catalogues'.
        audited_nanonats: what retraining shows.
        error_nanonats: standard error of that, >= 0.
        audited_share_ppb: as above.
        low_share_ppb: lower end of a 90 % band, the other catalogues as they are.
        high_share_ppb: its upper end.
        null_nanonats: how far from the mean the index puts it on outputs that owe the works nothing (root mean square an
            output); -1 when none were at hand.
    """

    catalogue: str
    work_ids: tuple[WorkId, ...]
    credited_nanonats: int
    credited_share_ppb: int
    audited_nanonats: int
    error_nanonats: int
    audited_share_ppb: int
    low_share_ppb: int
    high_share_ppb: int
    null_nanonats: int = -1


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit says.

    Attributes:
        subject: the output's id, or "period:" and the period's.
        outputs: the outputs, each counted once.
        log_ratio_nanonats: measured log p_full - log p_base, summed over them.
        payout_error_ppb: half the sum of absolute differences between credited and audited shares.
        lines: by audited share, largest first.
        runs: training runs of the design besides full and base.
        seed_noise_nanonats: standard deviation of the outputs' summed log-likelihood between orders of the examples, as
            if outputs varied alone; -1 when no run was repeated.
        dated: when, UTC.
        trainer_digest: who trained.
        index_digest: whose credits were audited.
        calibration_digest: of the calibration that stands after it: its own, for few outputs an earlier one's, or ""
            while the index is uncalibrated.
        reliability_ppb: of the index, as this audit measured it, 0 to 1 billion; None for fewer than five outputs.
        reliability_error_ppb: its standard error; None likewise.
        null_outputs: how many outputs of the base model stand behind the lines' `null_nanonats`.
    """

    subject: str
    outputs: tuple[OutputId, ...]
    log_ratio_nanonats: int
    payout_error_ppb: int
    lines: tuple[AuditLine, ...]
    runs: int
    seed_noise_nanonats: int
    dated: str
    trainer_digest: str
    index_digest: str
    calibration_digest: str
    reliability_ppb: int | None = None
    reliability_error_ppb: int | None = None
    null_outputs: int = 0


def reliability_of(attribution: Attribution) -> int | None:
    """How far an output's credits are to be believed, in parts per billion from 0 to 1,000,000,000.

    It is what the audit measured whose calibration was applied to them (`influence.replay.reliability`). None is
    "unmeasured": no audit had calibrated the index when the output was attributed, or it was of too few outputs to say.
    """
    return attribution.reliability_ppb


def trust(attribution: Attribution) -> str:
    """Whether an audit corrected an output's credits, and how far they are to be believed, in a few words.

    "uncalibrated, reliability unmeasured", or "calibrated by audit (0123456789ab), reliability 64%".
    """
    return calibration_text(attribution.calibration_digest, reliability_of(attribution))


def calibration_text(calibration_digest: str, reliability_ppb: int | None) -> str:
    """The same of any calibration; "" for none."""
    calibrated = f"calibrated by audit ({calibration_digest[:12]})" if calibration_digest else UNCALIBRATED
    return f"{calibrated}, reliability {UNMEASURED if reliability_ppb is None else f'{reliability_ppb / PPB:.0%}'}"


def _shares(credits: np.ndarray) -> list[int]:
    positive = {str(number): max(0, round(float(credit) * NANO)) for number, credit in enumerate(credits)}
    if not any(positive.values()):
        return [0] * len(credits)
    return list(allocate(PPB, positive).values())


def audit_lines(
    result: AuditResult,
    credited: np.ndarray,
    groups: Mapping[str, Sequence[WorkId]],
    null: np.ndarray | None = None,
) -> tuple[AuditLine, ...]:
    """Audited beside credited shares.

    Args:
        result: what the runs say of Q outputs.
        credited: the credits ``[Q, K]`` in nats.
        groups: the K catalogues and their works, in the columns' order.
        null: what each gets on unrelated outputs ``[K]`` in nats.
    """
    outputs = len(credited)
    audited = result.audited.credits.sum(0)
    # The outputs share their coalitions, so a statement's error is that of its mean, not the root of a sum of squares.
    errors = result.level_errors * outputs if outputs > 1 else result.audited.errors[0]
    paid, shown = _shares(credited.sum(0)), _shares(audited)
    whole = max(float(np.clip(audited, 0, None).sum()), 1 / NANO)

    def at(credit: float) -> int:
        return round(min(1.0, max(0.0, credit / whole)) * PPB)

    lines = [
        AuditLine(
            catalogue=name,
            work_ids=tuple(works),
            credited_nanonats=round(float(credited[:, k].sum()) * NANO),
            credited_share_ppb=paid[k],
            audited_nanonats=round(float(audited[k]) * NANO),
            error_nanonats=round(float(errors[k]) * NANO),
            audited_share_ppb=shown[k],
            low_share_ppb=at(audited[k] - BAND * errors[k]),
            high_share_ppb=at(audited[k] + BAND * errors[k]),
            null_nanonats=-1 if null is None else round(float(null[k]) * NANO),
        )
        for k, (name, works) in enumerate(groups.items())
    ]
    return tuple(sorted(lines, key=lambda line: (-line.audited_share_ppb, line.catalogue)))
