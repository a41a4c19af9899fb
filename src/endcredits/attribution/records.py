"""The document that says which works an output drew on: ranked, dated by its digests, replayable.

Credits are signed and in integer nano-nats (a nat is the natural unit of log-probability); shares are what people read:
non-negative parts per billion that sum, together with `unattributed_ppb`, to exactly 1,000,000,000.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from endcredits.canonical import to_plain
from endcredits.ids import OutputId, WorkId

NANO = 1_000_000_000
"""Nano-nats in a nat."""
UNCALIBRATED = "uncalibrated"
"""What stands for the method of a calibration, and is shown, where no audit corrected the credits."""
UNMEASURED = "unmeasured"
"""What is said of a reliability that no audit measured."""


@dataclass(frozen=True, slots=True)
class Line:
    """One work's part in one output.

    Attributes:
        rank: 1 for the largest credit; ties by work id.
        work_id: the work.
        credit_nanonats: signed credit; negative when the work made the output less likely.
        error_nanonats: standard error of the credit, >= 0: of the work's passages, of the method, and of the calibration.
        share_ppb: the positive part of the credit as a share of the whole.
        raw_credit_nanonats: what the index itself said before it was calibrated, to which later audits are fitted; None
            where the credit is not calibrated, and is the index's own.
        raw_error_nanonats: the standard error of that; None likewise.
    """

    rank: int
    work_id: WorkId
    credit_nanonats: int
    error_nanonats: int
    share_ppb: int
    raw_credit_nanonats: int | None = None
    raw_error_nanonats: int | None = None

    @property
    def index_credit_nanonats(self) -> int:
        """What the index itself said, calibrated or not."""
        return self.credit_nanonats if self.raw_credit_nanonats is None else self.raw_credit_nanonats


@dataclass(frozen=True, slots=True)
class Attribution:
    """What one output drew on.

    Attributes:
        output_id: our id of the output, made from its digests.
        output_sha256: of the output's bytes.
        prompt_sha256: of the prompt's bytes (of nothing, when there was none).
        output_bytes: length of the output.
        method: name and version of the measurement ("ek-fac-midpoint/2").
        index_digest: of the influence index, which binds models, corpus, code and seeds.
        log_ratio_nanonats: measured log p_full(output) - log p_base(output).
        credit_sum_nanonats: sum of all signed credits; beside the line above it shows completeness.
        unattributed_ppb: the part no work can be credited for.
        lines: one per work of the index, by rank.
        gap_nanonats: what of the log-ratio the works' own credits left over; it is divided among them by size, and is in
            their credits.
        calibration_digest: of the calibration that was applied, which an audit's report in the log holds; "" for none.
        calibration_method: how it corrects ("slope-and-levels/1"); "uncalibrated" for none, and "" in documents that were
            recorded before calibrations were applied, which are uncalibrated too.
        reliability_ppb: how far these credits are to be believed, 0 to 1,000,000,000, as the same audit measured
            (`influence.replay.reliability`); None where nobody measured it.
    """

    output_id: OutputId
    output_sha256: str
    prompt_sha256: str
    output_bytes: int
    method: str
    index_digest: str
    log_ratio_nanonats: int
    credit_sum_nanonats: int
    unattributed_ppb: int
    lines: tuple[Line, ...]
    gap_nanonats: int = 0
    calibration_digest: str = ""
    calibration_method: str = ""
    reliability_ppb: int | None = None


def document_of(attribution: Attribution) -> dict[str, Any]:
    """An attribution as plain data, as it is recorded and proven.

    What came later is left out where it says nothing, so that an old document is spelt as it always was.
    """
    document: dict[str, Any] = to_plain(attribution)
    if not attribution.calibration_method:
        for name in ("calibration_digest", "calibration_method", "reliability_ppb"):
            del document[name]
    for line, plain in zip(attribution.lines, document["lines"], strict=True):
        if line.raw_credit_nanonats is None:
            del plain["raw_credit_nanonats"], plain["raw_error_nanonats"]
    return document
